/**
 * Decodes canonical, padded, standard base64; null for anything else. `Buffer.from` alone takes
 * garbage, the URL-safe alphabet and loose bits at the end, so that one key could be written in
 * many ways.
 */
export function decodeBase64(text: string): Buffer | null {
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? bytes : null;
}
