/* Who may have a repository's keys: the members log, and what is done with it. */
export {
  acceptRoot,
  nameOfMember,
  otherRoots,
  openMembers,
  parseRoot,
  rootOfEnvironment,
  rootText,
  starterOf,
  type Members,
  type RootState,
} from "./membership.ts";
export { rememberedPlaces } from "./known-places.ts";
export { assertOrder, assertWhole } from "./disputes.ts";
export { grant, type Granted, type GrantOptions, type GrantResult } from "./grant.ts";
export { takenAlone, takingText, withoutTakenKeys } from "./taken-keys.ts";
export { nameKey, reviewOfName, start, type Started } from "./start.ts";
export { accountOf, labelOf, memberKeyOf, memberKeysOf, peopleOf, type People, type Person } from "./people.ts";
export {
  planRotation,
  resumeRotation,
  type LeavingKeys,
  type Rotated,
  type RotationPlan,
  type RotationRequest,
} from "./rotation.ts";
export { type UnsealedKey } from "./seal-copies.ts";
export { type Mark, type MarkKind, type Reviewed } from "./review.ts";
export {
  planSync,
  planSyncRotation,
  reviewSync,
  sync,
  type OutOfDate,
  type SyncPlan,
  type Unclear,
  type UpdateRequest,
} from "./sync.ts";
export { listHolders, type HeldKey, type Holder, type HolderList } from "./holders.ts";
export { reportLog, type LogLine } from "./log-report.ts";
export { memberFindings, takenOffFindings, type MembersFinding, type MembersFindingId } from "./findings.ts";
export { branchName, isPullBrokenOff, readElsewhere, unreadText, type Elsewhere, type Waiting } from "./elsewhere.ts";
export { lacksKeys, learnKeysElsewhere, openKeys, type MembersKey, type MembersKeys } from "./open-keys.ts";
export { removalText, takenOffHere, type KeyRemoval, type TakenOff } from "./taken-off.ts";
export { openOpenPgpCopies, readOpenPgpCopies, type OpenedCopy, type OpenPgpCopy } from "./openpgp-copies.ts";
export { memberNamed } from "./named.ts";
export { copyStates, noteCopy, type CopyState } from "./known-copies.ts";
export { note } from "./note.ts";
export { assertAdmin, assertLogHere, type Author } from "./writer.ts";
export { memberWith, type Member, type MemberKey } from "@git-vault/members";
export { requireKey } from "./keys-here.ts";
