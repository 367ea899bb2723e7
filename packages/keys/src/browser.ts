/*
 * What browsers have of this package, by the same code: SSH public keys, and texts as people pass
 * them on. Private keys, signatures and OpenPGP are left out.
 */

export { KeyError, type KeyErrorCode } from "./errors.ts";
/* SSH public keys. */
export { parsePublicKey, readPublicKeys } from "./public/public-line.ts";
export { encodePublicKey, whyUnusable } from "./public/public-key.ts";
export type { Ed25519PublicKey, PublicKeyEntry, RsaPublicKey, SshPublicKey } from "./types.ts";
/* Texts as people pass them on. */
export { decodedTexts, decodeText, plainLines } from "./text/decode-text.ts";
export { withoutPrefix } from "./text/line-prefix.ts";
