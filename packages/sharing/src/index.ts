export { SharingError, type SharingErrorCode } from "./errors.ts";
export type { OpenedWith, PassphraseRequest, ReceiveOptions } from "./local-identities.ts";
export { receive, Receiver, type Received } from "./receive.ts";
export type { GpgOptions } from "./gpg.ts";
export { findOpenPgpGrants, type OpenPgpGrant } from "./openpgp-grant-files.ts";
export {
  openOpenPgpGrants,
  renewOpenPgpGrants,
  writeOpenPgpGrant,
  type WriteOpenPgpGrantOptions,
  type WrittenOpenPgpGrant,
} from "./openpgp-grants.ts";
export { knownRecipients, openPgpRecipients, type CandidateKey, type KnownRecipients } from "./known-recipients.ts";
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
