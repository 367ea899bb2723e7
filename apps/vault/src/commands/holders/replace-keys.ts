import { isVaultError, plural } from "@git-vault/core";
import { Directory } from "@git-vault/directory";
import type { FileName, RotateResult } from "@git-vault/git-crypt";
import { defaultPinFile, Pins } from "@git-vault/sharing";
import {
  memberNamed,
  planRotation,
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
import { namedPlugins } from "../named-plugins.ts";
import { admit, keysText, notSealedText, strangeCopyText } from "../members/admit.ts";
import { findAuthor, type AuthorOptions } from "../members/author.ts";
import { memberName } from "../members/member-name.ts";

/** How keys are replaced. */
export type ReplaceOptions = AuthorOptions & Options<typeof REVIEW_FLAGS> & { readonly yes: boolean };

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
  const plugins = namedPlugins(options);
  const progress = progressLine({ done: "re-encrypted", unit: "files" }, options);
  let isAdmitted = false;
  try {
    const drop = await Promise.all(options.drop.map((name) => memberNamed(members, memberName(name), directory)));
    const common = { ...request, members, author, pins: new Pins(defaultPinFile()), drop, directory, plugins };
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
    "vault: anyone who had the old key can still read what was encrypted with it, in every clone that exists",
    ...list("so change the secrets in these files", files, "[ ] "),
  ];
}

/** The same, with whom the keys could not be sealed to. */
export function reportReplaced({ rotation, plan }: Replaced): string[] {
  return [
    ...(rotation === null ? [] : reportRotation(rotation)),
    ...plan.notSealedTo.map((key) => `vault: ${notSealedText(key)}`),
    ...plan.strangeCopies.map((path) => `vault: ${strangeCopyText(path)}`),
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
    marks: marks.map(({ kind, about, key = null }) => ({ mark: kind, about, key })),
  }));
