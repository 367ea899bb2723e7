import { abortRotation, type Repository } from "@git-vault/git-crypt";
import { resumeRotation } from "@git-vault/sharing/members";
import { usageError } from "../../errors.ts";
import type { Options, Run } from "../../cli/command.ts";
import { reportResult } from "../../io/streams.ts";
import { filterCommands } from "../repository/filter-command.ts";
import { warnOfLoneKeys } from "../repository/last-copy.ts";
import { openHere } from "../open-here.ts";
import type { REPOSITORY_COMMANDS } from "../repository/specs.ts";
import { describeUnsealed } from "../members/admit.ts";
import { openOrStartLog } from "../members/open-log.ts";
import { describeRecipients, describeRotation, replaceKeys, reportReplaced, reportRotation } from "./replace-keys.ts";

type Rotate = typeof REPOSITORY_COMMANDS.rotate;

export const run: Run<Rotate> = async (options) => {
  const { continue: isResumed, abort, keyName } = options;
  if (isResumed && abort) throw usageError("--continue and --abort exclude each other");
  if ((isResumed || abort) && keyName.length > 0)
    throw usageError("--key-name is that of the rotation that was begun, and cannot be given again");
  const repository = openHere();
  if (abort) {
    abortRotation(repository, filterCommands(options));
    const told = ["vault: the rotation is undone: the keys and the commit are what they were"];
    return reportResult(options, { aborted: true }, told);
  }
  if (!isResumed) return rotateNow(repository, options);
  const result = await resumeRotation(repository, filterCommands(options));
  await warnOfLoneKeys(
    repository,
    result.keys.map((key) => key.keyName),
  );
  reportResult(options, describeRotation(result), reportRotation(result));
};

async function rotateNow(repository: Repository, options: Options<Rotate["flags"]>): Promise<void> {
  const { keyName } = options;
  const members = await openOrStartLog(repository, options);
  const replaced = await replaceKeys(members, options, { keyNames: keyName.length === 0 ? undefined : keyName });
  const { rotation, recipients } = replaced;
  const notSealedTo = describeUnsealed(replaced.plan.notSealedTo);
  const told = { ...(rotation && describeRotation(rotation)), recipients: describeRecipients(recipients), notSealedTo };
  reportResult(options, told, reportReplaced(replaced));
}
