export { SharingError, type SharingErrorCode } from "./errors.ts";
export type { OpenedWith, PassphraseRequest, ReceiveOptions } from "./identities/local-identities.ts";
export type { PluginDialog } from "./identities/plugin-process.ts";
export { identityOfEnvironment } from "./identities/identity-variable.ts";
export { receive, Receiver, type Received } from "./messages/receive.ts";
export { gpgSecretFingerprints, type GpgOptions } from "./identities/gpg.ts";
export {
  knownRecipients,
  openPgpRecipients,
  type CandidateKey,
  type KnownRecipients,
} from "./messages/known-recipients.ts";
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
} from "./messages/share.ts";
export { checkSigner, type SignerCheck } from "./messages/check-signer.ts";
export type { SignOptions } from "./messages/sign-message.ts";
export { findSigner, type FindSignerOptions, type Signer } from "./identities/signer.ts";
/* Whom one deals with. */
export { assertExpected, type Expectations } from "./trust/expectations.ts";
export { defaultPinFile, Pins, type ChangedRecipient, type PinReport } from "./trust/pins.ts";
