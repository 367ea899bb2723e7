export { SharingError, type SharingErrorCode } from "./errors.ts";
export { receive, type PassphraseRequest, type Received, type ReceiveOptions } from "./receive.ts";
export { knownRecipients, type KnownRecipients } from "./known-recipients.ts";
export { share, type PassedOverKey, type SealedKey, type Shared, type ShareOptions } from "./share.ts";
