export { KeyError, type KeyErrorCode } from "./errors.ts";
/* SSH public keys. */
export { readAnyPublicKeys } from "./public/other-formats.ts";
export { parsePublicKey, readPublicKeys } from "./public/public-line.ts";
export { encodePublicKey, whyUnusable } from "./public/public-key.ts";
/* SSH private keys. */
export { findAgents, findIdentities, type IdentityFile } from "./discovery/identities.ts";
export type { LocalNames } from "./discovery/ssh-config.ts";
export { readPrivateKey } from "./private/private-key.ts";
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
/* SSH signatures. */
export { isAllowedSigner, principalsOf, type AllowedSignerQuery } from "./signature/allowed-signers.ts";
export { armorSignature, assembleSignature, readSignature, type SshSignature } from "./signature/signature.ts";
export { signatureVerifier, signedData, signMessage, verifySignature } from "./signature/signing.ts";
export type { SigningKey } from "./signature/signing-key.ts";
export {
  AGENT_LIST_REQUEST,
  agentSignRequest,
  readAgentKeys,
  readAgentSignature,
  type AgentKey,
} from "./signature/agent-protocol.ts";
/* OpenPGP keys, and what reading OpenPGP messages takes. */
export { isOpenPgpKey, readOpenPgpKeys, type OpenPgpKeyEntry, type OpenPgpPublicKey } from "./openpgp/public-key.ts";
export {
  isOpenPgpPrivateKey,
  readOpenPgpPrivateKeys,
  type OpenPgpPrivateKey,
  type OpenPgpPrivateKeyFile,
} from "./openpgp/private-key.ts";
export { isOpenPgpArmor, readOpenPgpArmor, readOpenPgpPackets } from "./openpgp/packets.ts";
export { loadOpenPgp } from "./openpgp/library.ts";
/* Texts as people pass them on. */
export { decodedTexts, decodeText, plainLines } from "./text/decode-text.ts";
export { withoutPrefix } from "./text/line-prefix.ts";
