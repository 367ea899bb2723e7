/* Grants: the key in the repository itself, sealed to those who hold it. */
export { grant, type GrantedHolder, type GrantOptions, type GrantResult } from "./grant.ts";
export { grantOpenPgp, type OpenPgpGranted, type OpenPgpGrantResult } from "./openpgp-grant.ts";
export { findGrants, type Revocation } from "./find-grants.ts";
export { grantedFingerprints } from "./granted-fingerprints.ts";
export { encodeGrant, parseGrant, type GrantFile, type GrantKey, type GrantStatement } from "./grant-file.ts";
export { signatureStates, type SignatureState } from "./grant-signature.ts";
export { listHolders, type HeldKey, type Holder, type HolderList, type StrayGrant } from "./holders.ts";
export {
  lacksPresentKey,
  openGrants,
  removalText,
  type OpenedGrant,
  type OpenedGrants,
  type RemovedGrant,
} from "./open-grants.ts";
export { openOpenPgpGrants } from "./openpgp-open.ts";
export { planSync, type NotRenewable, type Renewal, type SyncPlan } from "./sync.ts";
export type { ForgeState } from "./account-state.ts";
export type { GrantStanding } from "./grant-validity.ts";
export type { GrantedBy } from "./make-grant.ts";
export type { OpenPgpGrant } from "./openpgp-files.ts";
export type { UnvouchedGrant } from "./openpgp-unvouched.ts";
export type { BadGrant, Grant } from "./read-grants.ts";
