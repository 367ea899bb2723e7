import { abortRotation, openRepository } from "@git-vault/git-crypt";
import { resumeRotation } from "@git-vault/sharing/rotation";
import { usageError } from "../../errors.ts";
import { filterCommands } from "../repository/filter-command.ts";
import { describeRotation, reportRotation, rotateKey } from "./rotate-key.ts";
import type { Run } from "../../cli/command.ts";
import { reportResult } from "../../io/streams.ts";
import type { REPOSITORY_COMMANDS } from "../repository/specs.ts";

export const run: Run<typeof REPOSITORY_COMMANDS.rotate> = async (options) => {
  const { continue: isResumed, abort } = options;
  if (isResumed && abort) throw usageError("--continue and --abort exclude each other");
  if ((isResumed || abort) && options.keyName !== undefined)
    throw usageError("--key-name is that of the rotation that was begun, and cannot be given again");
  const repository = openRepository(process.cwd());
  if (abort) {
    abortRotation(repository, filterCommands());
    const told = ["vault: the rotation is undone: the key and the commit are what they were"];
    return reportResult(options, { aborted: true }, told);
  }
  const result = isResumed ? resumeRotation(repository, filterCommands()) : await rotateKey(repository, options);
  reportResult(options, describeRotation(result), reportRotation(result));
};
