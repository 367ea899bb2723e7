import { printable } from "@git-vault/core";
import { Directory } from "@git-vault/directory";
import { defaultPinFile, Pins, SharingError } from "@git-vault/sharing";
import {
  memberFindings,
  planSync,
  planSyncRotation,
  reviewSync,
  sync,
  type SyncPlan,
  type UpdateRequest,
} from "@git-vault/sharing/members";
import type { Options, Run } from "../../cli/command.ts";
import { canAsk, confirm } from "../../io/confirm.ts";
import { progressLine } from "../../io/progress.ts";
import { say, writeJson } from "../../io/streams.ts";
import { filterCommands } from "../repository/filter-command.ts";
import { openHere } from "../open-here.ts";
import { namedPlugins } from "../named-plugins.ts";
import { findAuthor } from "../members/author.ts";
import { openLog } from "../members/open-log.ts";
import { admit, ONLY_GIVES, type Admission } from "../members/admit.ts";
import { leavingUnopened, reportRotation } from "./replace-keys.ts";
import type { HOLDER_COMMANDS } from "./specs.ts";

type Sync = typeof HOLDER_COMMANDS.sync;
type SyncOptions = Options<Sync["flags"]>;

export const run: Run<Sync> = async (options) => {
  const { json, quiet, check, noCommit } = options;
  const repository = openHere();
  const members = await openLog(repository, options);
  const directory = new Directory();
  const plugins = namedPlugins(options);
  const plan = await planSync({ members, directory, plugins });
  const findings = await memberFindings(members);
  if (!json && !quiet) for (const line of report(plan)) say(line);
  if (!json && !quiet) for (const { id, message } of findings) say(`vault: ${id}: ${message}`);
  const isWrong = plan.unclear.length > 0 || findings.some(({ id }) => !MENDED.has(id));
  const isDue = plan.outOfDate.length + plan.unsettled.length + plan.strangeCopies.length > 0;
  if (check) {
    if (json) writeJson(describe(plan, null));
    if (isDue || isWrong) process.exitCode = 7;
    return;
  }
  if (plan.outOfDate.some(({ added }) => added.length > 0)) await admitKeys(options);
  let commit = null;
  if (isDue) {
    const author = await findAuthor(members, options);
    const progress = progressLine({ done: "re-encrypted", unit: "files" }, options);
    try {
      let isAdmitted = false;
      const done = await leavingUnopened(options, async (leavesUnopened) => {
        const pins = new Pins(defaultPinFile());
        const request = { members, directory, plan, author, pins, plugins, leavesUnopened };
        const rotation = await planSyncRotation(request);
        if (!isAdmitted) await admit(rotation ?? (await admissionOf(request)), options);
        isAdmitted = true;
        return sync(request, rotation, { ...filterCommands(options), progress: progress.step, stageOnly: noCommit });
      });
      ({ commit } = done);
      progress.end();
      const rotated = done.rotated?.rotation ?? null;
      if (rotated !== null && !json && !quiet) for (const line of reportRotation(rotated)) say(line);
    } finally {
      progress.end();
      author.lock();
    }
  }
  if (json) writeJson(describe(plan, commit));
  else if (commit !== null && !quiet) say(`vault: committed as ${commit.slice(0, 10)}; push it`);
  if (isWrong) process.exitCode = 7;
};

/** Who gets a copy of a key that stays as it is: only who is worth a look is shown. */
async function admissionOf(request: UpdateRequest): Promise<Admission> {
  const { recipients, unasked } = await reviewSync(request);
  const keyNames = [...new Set(recipients.flatMap((one) => one.keyNames))].toSorted();
  return { recipients, unasked, keyNames, ...ONLY_GIVES, areOld: true };
}

/** What syncing mends by itself. */
const MENDED: ReadonlySet<string> = new Set(["no-copy", "strange-copy", "stale-key", "two-keys"]);

/** Anyone who can put a key on an account would else get the repository's. */
async function admitKeys(options: SyncOptions): Promise<void> {
  if (options.yes) return;
  if (canAsk(options)) return confirm("seal to the keys that they have now");
  throw new SharingError(
    "RECIPIENT_CHANGED",
    "members have keys on their accounts that the members log does not have",
    {
      hint: "look at them with --check, and say --yes",
    },
  );
}

function report({ outOfDate, unclear, unsettled }: SyncPlan): string[] {
  if (outOfDate.length + unclear.length + unsettled.length === 0)
    return ["vault: the members log fits the keys that its members have now"];
  return [
    ...outOfDate.flatMap(({ name, added, removed, renamedTo, lacks }) => [
      `vault: ${printable(name)}${renamedTo === null ? "" : `, now named ${printable(renamedTo)}`}`,
      ...added.map(({ type, id }) => `  added    ${type.padEnd(12)}  ${id}`),
      ...removed.map((id) => `  removed  ${id}`),
      ...lacks.map((keyName) => `  no copy of the key ${printable(keyName)} is for them`),
    ]),
    ...unclear.map(
      ({ name, reason, problem }) =>
        `vault: ${printable(name)} is left unchanged: ${REASONS[reason]}${problem === null ? "" : `: ${printable(problem)}`}`,
    ),
    ...unsettled.map(({ keyName, state }) =>
      state === "stale"
        ? `vault: the key ${keyName} can be opened by somebody who is no member, and is to be replaced`
        : `vault: the key ${keyName} was replaced on two branches, and is to be replaced by one`,
    ),
  ];
}

const REASONS: Readonly<Record<SyncPlan["unclear"][number]["reason"], string>> = {
  "account-gone": "there is no such account any more",
  "account-taken": "another account has that name now",
  "no-public-key":
    "their OpenPGP key is neither in gpg nor on their account: import it with `gpg --import`, and sync again",
  "plugin-not-named": "a key of theirs needs an age plugin, which runs only where you name it by --plugin",
  "plugin-failed": "nothing can be sealed to a key of theirs",
  "no-keys-left": "none of their keys is on their account, nor another",
  unanswered: "their account could not be looked up",
  "too-many-keys": "their account has more keys than the members log takes of one person",
};

const describe = ({ outOfDate, unclear, strangeCopies, unsettled }: SyncPlan, commit: string | null): object => ({
  commit,
  outOfDate: outOfDate.map(({ name, added, removed, renamedTo, lacks }) => ({
    holder: name,
    added: added.map(({ id }) => id),
    removed,
    renamedTo,
    lacks,
  })),
  unclear: unclear.map(({ name, reason, problem }) => ({ holder: name, reason, problem })),
  strangeCopies,
  unsettled,
});
