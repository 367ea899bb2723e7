export { SharingError, type SharingErrorCode } from "./errors.ts";
export type { OpenedWith, PassphraseRequest, ReceiveOptions } from "./local-identities.ts";
export { identityOfEnvironment } from "./identity-variable.ts";
export { receive, Receiver, type Received } from "./receive.ts";
export type { GpgOptions } from "./gpg.ts";
export { findOpenPgpGrants, type OpenPgpGrant } from "./openpgp-grant-files.ts";
export { openOpenPgpGrants } from "./openpgp-grants.ts";
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
export type { OpenPgpGranted, OpenPgpGrantResult } from "./grant-openpgp.ts";
export type { GrantedHolder, GrantOptions, GrantResult } from "./grant.ts";
export { encodeGrant, parseGrant, type GrantFile, type GrantKey, type GrantStatement } from "./grant-file.ts";
export type { SignatureState } from "./grant-signature.ts";
export type { GrantStanding } from "./grant-standing.ts";
export type { BadGrant, Grant } from "./grants.ts";
export type { GrantedBy } from "./make-grant.ts";
export type { ForgeState } from "./forge-state.ts";
export type { HeldKey, Holder, HolderList, StrayGrant } from "./holders.ts";
export type { OpenedGrant, OpenedGrants } from "./open-grants.ts";
export type { UnvouchedGrant } from "./openpgp-holders.ts";
export type { ApplyOptions, RotationPlan, RotationRequest } from "./plan-rotation.ts";
export type { PlannedGrant } from "./renewal-steps.ts";
export { removalText, type RemovedGrant } from "./removed-grant.ts";
export type { Revocation } from "./revoke.ts";
export type { NewHolder, RotatedKey } from "./rotated-key.ts";
export type { NotRenewable, Renewal, SyncPlan } from "./sync.ts";
/* Whom one deals with. */
export { assertExpected, type Expectations } from "./expectations.ts";
export { defaultPinFile, Pins, type ChangedRecipient, type PinReport } from "./pins.ts";
