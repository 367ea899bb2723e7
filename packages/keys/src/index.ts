export {
  AGENT_LIST_REQUEST,
  agentSignRequest,
  readAgentKeys,
  readAgentSignature,
  type AgentKey,
} from "./signature/agent-protocol.ts";
export { KeyError, type KeyErrorCode } from "./errors.ts";
export { readAnyPublicKeys } from "./public/other-formats.ts";
export { findIdentities, type FindIdentitiesOptions, type IdentityFile } from "./discovery/identities.ts";
export { loadOpenPgp, type OpenPgpLibrary } from "./openpgp/library.ts";
export {
  isOpenPgpArmor,
  readOpenPgpArmor,
  readOpenPgpPackets,
  type OpenPgpArmor,
  type OpenPgpPacket,
} from "./openpgp/packets.ts";
export {
  isOpenPgpPrivateKey,
  readOpenPgpPrivateKeys,
  type OpenPgpPrivateKey,
  type OpenPgpPrivateKeyFile,
} from "./openpgp/private-key.ts";
export {
  isOpenPgpKey,
  readOpenPgpKeys,
  type OpenPgpEncryptionKey,
  type OpenPgpKeyEntry,
  type OpenPgpPublicKey,
} from "./openpgp/public-key.ts";
export { readPrivateKey } from "./private/private-key.ts";
export { parsePublicKey, readPublicKeys } from "./public/public-line.ts";
export { encodePublicKey, sameKey, whyUnusable } from "./public/public-key.ts";
export {
  armorSignature,
  assembleSignature,
  readSignature,
  type SignatureFields,
  type SshSignature,
} from "./signature/signature.ts";
export { signedData, signMessage, verifySignature, type SignedMessage } from "./signature/signing.ts";
export type { SigningKey } from "./signature/signing-key.ts";
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
