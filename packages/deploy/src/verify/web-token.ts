import { numberAt } from "../cluster/kubernetes-object.ts";

/**
 * The end of a JSON Web Token (RFC 7519, section 4.1.4), unverified; null for other tokens, and for
 * one without an end.
 */
export function endOfToken(token: string): Date | null {
  const parts = token.split(".");
  if (parts.length !== 3) return null;
  try {
    const end = numberAt(JSON.parse(Buffer.from(parts[1] ?? "", "base64url").toString()), "exp");
    return end === 0 || Math.abs(end) >= MOST_SECONDS ? null : new Date(end * 1000);
  } catch {
    return null;
  }
}

/** What is later is no date. */
const MOST_SECONDS = 1e11;
