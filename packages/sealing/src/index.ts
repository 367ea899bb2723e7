/* Seal a message, open one. */
export type { Opened } from "./age/opener.ts";
export { open, readHeader } from "./open.ts";
export { seal, type SealOptions } from "./seal.ts";
/* The same for messages of any size. */
export type { Opener } from "./age/opener.ts";
export { createOpener, openStream } from "./opener.ts";
export { createSealer, sealStream, type Sealer, type SealerOptions } from "./sealer.ts";
export { openChunks, sealChunks } from "./age/chunks.ts";
export type { PayloadState } from "./age/payload.ts";
/* Whom messages are sealed to, and what opens them. */
export { NOT_OF_AGE, SIGNATURE_STANZA, type Asks, type Identity, type Recipient, type Stanza } from "./age/stanza.ts";
export { OpenPgpIdentity } from "./openpgp/identity.ts";
export { OpenPgpRecipient } from "./openpgp/recipient.ts";
export { SshIdentity } from "./ssh/identity.ts";
export { SshRecipient } from "./ssh/recipient.ts";
export {
  generateIdentity,
  parseIdentityFile,
  parseRecipient,
  type AgeIdentity,
  type AgeKeyKind,
  type AgeRecipient,
  type GeneratedIdentity,
} from "./age/keys.ts";
export { PassphraseIdentity, PassphraseRecipient } from "./age/passphrase.ts";
/* Who sealed a message, where they say so. */
export type { AttachedSignature } from "./age/attached-signature.ts";
export {
  encodeStatement,
  SIGNATURE_NAMESPACE,
  verifyMessage,
  type MessageSignature,
  type MessageStatement,
} from "./message-signature.ts";
/* Messages as people pass them on. */
export { detectFormat } from "./detect.ts";
export { type Format, FORMATS } from "./formats.ts";
export { messagesIn, recoverMessage } from "./recover/recover-text.ts";
export { sshTag } from "./age/ssh-stanzas.ts";
export { sshVaultFingerprint } from "./ssh-vault/stanzas.ts";
/* What goes wrong. */
export { SealingError, type SealingErrorCode } from "./errors.ts";
