export { SharingError, type SharingErrorCode } from "./errors.ts";
export { receive, type PassphraseRequest, type Received, type ReceiveOptions } from "./receive.ts";
export { share, type PassedOverKey, type SealedKey, type Shared, type ShareOptions } from "./share.ts";
