export { SharingError, type SharingErrorCode } from "./errors.ts";
export type { OpenedWith, PassphraseRequest, ReceiveOptions } from "./local-identities.ts";
export { receive, Receiver, type Received } from "./receive.ts";
export { knownRecipients, type KnownRecipients } from "./known-recipients.ts";
export {
  share,
  startSharing,
  type Chosen,
  type PassedOverKey,
  type SealedKey,
  type Shared,
  type ShareOptions,
  type Sharing,
  type SharingOptions,
} from "./share.ts";
export { checkSigner, type SignerCheck } from "./check-signer.ts";
export type { SignOptions } from "./sign-message.ts";
export { SshAgent, type SshAgentOptions } from "./ssh-agent.ts";
export { findSigner, type FindSignerOptions, type Signer } from "./signer.ts";
