export { SharingError, type SharingErrorCode } from "./errors.ts";
export type { OpenedWith, PassphraseRequest, ReceiveOptions } from "./identities/local-identities.ts";
export { identityOfEnvironment } from "./identities/identity-variable.ts";
export { receive, Receiver, type Received } from "./messages/receive.ts";
export type { GpgOptions } from "./identities/gpg.ts";
export { findOpenPgpGrants, type OpenPgpGrant } from "./grants/openpgp-files.ts";
export { openOpenPgpGrants } from "./grants/openpgp-open.ts";
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
export { SshAgent, type SshAgentOptions } from "./identities/ssh-agent.ts";
export { findSigner, type FindSignerOptions, type Signer } from "./identities/signer.ts";
/* Grants: the key in the repository itself, sealed to those who hold it. */
export {
  findGrants,
  grant,
  grantedKeys,
  grantOpenPgp,
  lacksPresentKey,
  listHolders,
  openGrants,
  planRotation,
  planSync,
  resumeRotation,
  signatureStates,
} from "./granting.ts";
export type { OpenPgpGranted, OpenPgpGrantResult } from "./grants/openpgp-grant.ts";
export type { GrantedHolder, GrantOptions, GrantResult } from "./grants/grant.ts";
export { encodeGrant, parseGrant, type GrantFile, type GrantKey, type GrantStatement } from "./grants/grant-file.ts";
export type { SignatureState } from "./grants/grant-signature.ts";
export type { GrantStanding } from "./grants/grant-validity.ts";
export type { BadGrant, Grant } from "./grants/read-grants.ts";
export type { GrantedBy } from "./grants/make-grant.ts";
export type { ForgeState } from "./grants/account-state.ts";
export type { HeldKey, Holder, HolderList, StrayGrant } from "./grants/holders.ts";
export type { OpenedGrant, OpenedGrants } from "./grants/open-grants.ts";
export type { UnvouchedGrant } from "./grants/openpgp-unvouched.ts";
export type { ApplyOptions, RotationPlan, RotationRequest } from "./rotation/plan.ts";
export type { PlannedGrant } from "./rotation/regrant.ts";
export { removalText, type RemovedGrant } from "./grants/removed-grant.ts";
export type { Revocation } from "./grants/find-grants.ts";
export type { NewHolder, RotatedKey } from "./rotation/result.ts";
export type { NotRenewable, Renewal, SyncPlan } from "./grants/sync.ts";
/* Whom one deals with. */
export { assertExpected, type Expectations } from "./trust/expectations.ts";
export { defaultPinFile, Pins, type ChangedRecipient, type PinReport } from "./trust/pins.ts";
