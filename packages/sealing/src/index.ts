export { detectFormat, type Format } from "./detect.ts";
export { SealingError, type SealingErrorCode } from "./errors.ts";
export { open, readHeader, type MessageHeader, type Opened } from "./open.ts";
export { recoverMessage } from "./recover-text.ts";
export { seal, type SealOptions } from "./seal.ts";
export { SshIdentity } from "./ssh-identity.ts";
export { SshRecipient } from "./ssh-recipient.ts";
export { sshVaultFingerprint } from "./ssh-vault-stanzas.ts";
export type { Asks, Identity, Recipient, Stanza } from "./stanza.ts";
