/** The types of SSH public keys, and how many fields each has in wire encoding after its name. */
const FIELD_COUNTS: ReadonlyMap<string, number> = new Map([
  ["ssh-ed25519", 1],
  ["ssh-rsa", 2],
  ["ssh-dss", 4],
  ["ecdsa-sha2-nistp256", 2],
  ["ecdsa-sha2-nistp384", 2],
  ["ecdsa-sha2-nistp521", 2],
  ["sk-ssh-ed25519@openssh.com", 2],
  ["sk-ecdsa-sha2-nistp256@openssh.com", 3],
]);

const CERTIFICATE = "-cert-v01@openssh.com";

/** For a certificate's type the type of the key in it; for any other, the type itself. */
export function plainTypeOf(type: string): string {
  if (!type.endsWith(CERTIFICATE)) return type;
  const plain = type.slice(0, -CERTIFICATE.length);
  return plain.startsWith("sk-") ? `${plain}@openssh.com` : plain;
}

/** How many fields a key of this type, or in this certificate, has; null for an unknown type. */
export const fieldCountOf = (type: string): number | null => FIELD_COUNTS.get(plainTypeOf(type)) ?? null;

/** Why nothing can be sealed to this type, as a phrase; null for the two usable types. */
export function typeProblem(type: string): string | null {
  if (type === "ssh-ed25519" || type === "ssh-rsa") return null;
  if (type.endsWith(CERTIFICATE)) return "certificates can only sign";
  if (type.startsWith("sk-")) return "FIDO keys can only sign";
  if (type.startsWith("ecdsa-")) return "ECDSA keys can only sign";
  if (type === "ssh-dss") return "DSA keys can only sign";
  return "this type of key is unknown";
}
