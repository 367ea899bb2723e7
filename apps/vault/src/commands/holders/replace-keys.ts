import { isVaultError, plural, printable } from "@git-vault/core";
import { Directory } from "@git-vault/directory";
import type { FileName, RotateResult } from "@git-vault/git-crypt";
import { defaultPinFile, Pins, SharingError } from "@git-vault/sharing";
import {
  memberNamed,
  nameOfMember,
  planRotation,
  type Mark,
  type Member,
  type Members,
  type Reviewed,
  type Rotated,
  type RotationPlan,
  type RotationRequest,
} from "@git-vault/sharing/members";
import type { Options } from "../../cli/command.ts";
import type { REVIEW_FLAGS } from "../../cli/flags.ts";
import { canAsk, confirm } from "../../io/confirm.ts";
import { progressLine } from "../../io/progress.ts";
import { say } from "../../io/streams.ts";
import { filterCommands } from "../repository/filter-command.ts";
import { warnOfLoneKeys } from "../repository/last-copy.ts";
import { findAuthor, type AuthorOptions } from "../members/author.ts";
import { memberName } from "../members/member-name.ts";

/** How keys are replaced. */
export type ReplaceOptions = AuthorOptions & Options<typeof REVIEW_FLAGS>;

/** A rotation that was carried out, with its plan. */
export interface Replaced extends Rotated {
  readonly plan: RotationPlan;
}

/**
 * Replaces keys, after everybody who will have the new ones was shown and what is worth a look was
 * confirmed.
 *
 * @throws SharingError `UNCONFIRMED_MEMBERS`; what `planRotation` and its `apply` do
 */
export async function replaceKeys(
  members: Members,
  options: ReplaceOptions,
  request: Pick<RotationRequest, "keyNames" | "remove" | "takeKeys">,
): Promise<Replaced> {
  const commands = filterCommands(options);
  const author = await findAuthor(members, options);
  const directory = new Directory();
  const progress = progressLine("re-encrypted", options);
  let isAdmitted = false;
  try {
    const drop = await Promise.all(options.drop.map((name) => memberNamed(members, memberName(name), directory)));
    const common = { ...request, members, author, pins: new Pins(defaultPinFile()), drop, directory };
    return await leavingUnopened(options, async (leavesUnopened) => {
      const plan = await planRotation({ ...common, leavesUnopened });
      if (!isAdmitted) await admit(plan, options);
      isAdmitted = true;
      const rotated = await plan.apply({ ...commands, progress: progress.step });
      await warnOfLoneKeys(members.repository, rotated.rotation?.keys.map((key) => key.keyName) ?? []);
      if (plan.notHere.length > 0) process.exitCode = 7;
      return { ...rotated, plan };
    });
  } finally {
    progress.end();
    author.lock();
  }
}

/**
 * Does what may stop at files that no key here opens. To go on without them takes a person's yes,
 * or --leave-unopened.
 */
export async function leavingUnopened<T>(
  options: ReplaceOptions,
  action: (leavesUnopened: boolean) => Promise<T>,
): Promise<T> {
  try {
    return await action(options.leaveUnopened);
  } catch (error) {
    if (!isVaultError(error) || error.code !== "UNOPENED" || options.leaveUnopened || !canAsk(options)) throw error;
    say(`vault: ${error.message}`);
    await confirm("go on without them, so that they stay as they are");
    return action(true);
  }
}

/** What is worth a look needs a person's yes, or their name by --keep: --yes is no such thing. */
export async function admit(plan: RotationPlan, options: ReplaceOptions): Promise<void> {
  const { recipients, unasked, isSelfMissing, keyNames } = plan;
  if (keyNames.length === 0) return;
  const kept = new Set(options.keep.map((name) => memberName(name).toLowerCase()));
  // What several are called keeps none of them: anybody may call themselves so.
  const isKept = ({ name, member: { accounts, keys } }: Reviewed): boolean =>
    [...accounts, ...keys.map(({ id }) => id)].some((id) => kept.has(id.toLowerCase())) ||
    (kept.has(name.toLowerCase()) && recipients.filter((one) => one.name === name).length === 1);
  const marked = recipients.filter((one) => one.marks.length > 0 && !isKept(one));
  const asks = marked.length > 0 || isSelfMissing;
  if (!options.quiet || asks) for (const line of linesOf(plan)) say(line);
  for (const { name, problem } of options.quiet ? [] : unasked)
    say(
      `vault: ${name === null ? "the members' keys" : `the keys of ${printable(name)}`} are not compared: ${problem}`,
    );
  if (!asks) return;
  if (canAsk(options)) return confirm("give the new key to these people");
  const names = marked.map(({ name, marks }) => `${printable(name)} (${marks.map(markText).join("; ")})`);
  const missing = isSelfMissing ? ["you would not have the new key yourself"] : [];
  throw new SharingError(
    "UNCONFIRMED_MEMBERS",
    `not confirmed who gets the new key: ${[...names, ...missing].join(", ")}`,
    {
      hint: "nothing was changed; confirm each by --keep NAME, or take them out by --drop NAME",
    },
  );
}

function linesOf({ recipients, keyNames, notHere, removed }: RotationPlan): string[] {
  return [
    ...(removed.length === 0 ? [] : [`vault: to be taken out`]),
    ...removed.flatMap((member) => [`  ${printable(nameOfMember(member))}`, ...identifierLines(member)]),
    `vault: the new ${keysText(keyNames)} will be for`,
    ...recipients.flatMap(({ member, name, marks, keyNames: theirs }) => [
      `  ${printable(name)}${theirs.length === keyNames.length ? "" : `  ${theirs.join(", ")}`}`,
      ...identifierLines(member),
      ...marks.map((mark) => `    ! ${markText(mark)}`),
    ]),
    ...notHere.map((name) => `vault: the key ${name} is not here: somebody who has it must replace it`),
  ];
}

/** What tells who a member is: a name is what somebody chose. */
const identifierLines = ({ accounts, keys }: Member): string[] => [
  ...accounts.map((account) => `    ${"account".padEnd(12)}  ${account}`),
  ...keys.map(({ type, id }) => `    ${type.padEnd(12)}  ${id}`),
];

/** What is worth a look, as a phrase. */
function markText({ kind, about }: Mark): string {
  const whom = printable(about ?? "");
  switch (kind) {
    case "never-met":
      return `new to you${about === null ? "" : `, added by ${whom}`}`;
    case "added-by-removed":
      return `added by ${whom}, who is being removed, or by someone ${whom} added`;
    case "removed-elsewhere":
      return "removed by an entry of the members log that this branch lacks";
    case "key-not-on-account":
      return `${whom} is not on their account`;
    case "account-gone":
      return "their account is gone";
    case "account-taken":
      return about === null
        ? "another account has that name now"
        : `another account has that name now; theirs is ${whom}`;
    case "not-openable":
  }
  return "nothing can be sealed to any key of theirs";
}

const keysText = (names: readonly string[]): string =>
  names.length === 1 ? `key ${names.join("")}` : `keys ${names.join(", ")}`;

const list = (title: string, files: readonly FileName[], mark = ""): string[] =>
  files.length === 0 ? [] : [`vault: ${title}:`, ...files.map(({ path }) => `  ${mark}${path}`)];

/** What is to be known of keys that were replaced. */
export function reportRotation({ keys, branch, commit, files, clear, unopened }: RotateResult): string[] {
  return [
    `vault: the ${keysText(keys.map(({ keyName }) => keyName))} ${keys.length === 1 ? "is" : "are"} replaced: ${plural(files.length, "file")} re-encrypted in the commit ${commit.slice(0, 12)} on ${branch}`,
    ...list("not encrypted before nor now, see `vault status`", clear),
    ...list("left as they are, since no key here opens them", unopened),
    "vault: push the commit; the members then run `git pull` and `vault unlock`; others need `vault share`",
    "vault: keep a copy of the new key with `vault export-key`: older copies no longer open what is encrypted now",
    "vault: whoever had the old key can still read what was encrypted with it, in every clone that exists",
    ...list("so change the secrets in these files", files, "[ ] "),
  ];
}

/** The same, with whom the keys could not be sealed to. */
export function reportReplaced({ rotation, notSealedTo, plan }: Replaced): string[] {
  return [
    ...(rotation === null ? [] : reportRotation(rotation)),
    ...notSealedTo.map((id) => `vault: not sealed to the OpenPGP key ${id}: gpg does not have it`),
    ...plan.notHere.map(
      (name) =>
        `vault: NOT REPLACED: the key ${name}, which is not in this clone: push, and ask somebody who has it for \`vault rotate --key-name ${name}\`; where nobody has, run that with --leave-unopened`,
    ),
  ];
}

/** For --json. */
export const describeRotation = ({ keys, branch, commit, files, clear, unopened }: RotateResult): object => ({
  keys,
  branch,
  commit,
  files: files.map(({ path }) => path),
  clear: clear.map(({ path }) => path),
  unopened: unopened.map(({ path }) => path),
});

/** For --json: who has the new keys, with what was worth a look. */
export const describeRecipients = (recipients: readonly Reviewed[]): object[] =>
  recipients.map(({ name, keyNames, member, marks }) => ({
    holder: name,
    keyNames,
    keys: member.keys.map(({ type, id }) => ({ type, fingerprint: id })),
    marks: marks.map(({ kind, about }) => ({ mark: kind, about })),
  }));
