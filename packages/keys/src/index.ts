export { KeyError, type KeyErrorCode } from "./errors.ts";
export { readAnyPublicKeys } from "./foreign-public-key.ts";
export { findIdentities, type FindIdentitiesOptions, type IdentityFile } from "./identities.ts";
export { readPrivateKey } from "./private-key.ts";
export { parsePublicKey, readPublicKeys } from "./public-line.ts";
export { encodePublicKey, sameKey, whyUnusable } from "./public-key.ts";
export type {
  Ed25519PrivateKey,
  Ed25519PublicKey,
  PrivateKey,
  PrivateKeyFile,
  PublicKeyEntry,
  RsaPrivateKey,
  RsaPublicKey,
  SshPublicKey,
} from "./types.ts";
