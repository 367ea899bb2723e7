export { MembersError, type MembersErrorCode } from "./errors.ts";
/* Entries. */
export type {
  Action,
  AddAction,
  Entry,
  EntryDraft,
  GenerationAction,
  GiveAction,
  NamedCommitment,
  SealedCopy,
  NoteAction,
  RemoveAction,
  Role,
  StartAction,
  TakeAction,
} from "./entry/entry.ts";
export { claimedId, isEntryId, encodeDraft, MAX_ENTRY_BYTES, parseEntry } from "./entry/format.ts";
export { isAccount, readMemberKey, type Identifier, type MemberKey } from "./entry/identifiers.ts";
export { finishEntry, MEMBERS_NAMESPACE } from "./entry/sign.ts";
export { audienceOf, commitmentOf } from "./commitment.ts";
/* The log. */
export {
  digestsOf,
  isSound,
  onlyOf,
  readLog,
  withAncestors,
  withDraft,
  type BadFile,
  type Log,
  type LogFile,
  type ReadLogOptions,
} from "./log/log.ts";
export { allLooks, arrivalOf, provenOrder, type LogCommit, type Look, type ProvenOrder } from "./log/arrival.ts";
/* What it says. */
export type { Member } from "./member.ts";
export {
  fold,
  type Dispute,
  memberWith,
  type FoldOptions,
  type Membership,
  type Removed,
  type Verdict,
} from "./fold/fold.ts";
export { openDisputes, unprovenDisputes, type KnownOrder, type OpenDispute } from "./fold/open-disputes.ts";
export { isVainReason, type Reason } from "./fold/rules.ts";
export type { Generation, KeyName, KeyState } from "./fold/generations.ts";
