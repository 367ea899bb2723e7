import { abortRotation, openRepository } from "@git-vault/git-crypt";
import { resumeRotation } from "@git-vault/sharing";
import { usageError } from "../../cli/errors.ts";
import { filterCommands } from "../repository/filter-command.ts";
import { describeRotation, reportRotation, rotateKey } from "./rotate-key.ts";
import { say, writeJson } from "../../io/streams.ts";
import type { Invocation } from "../../cli/command-table.ts";

export async function run({ flags }: Invocation): Promise<void> {
  const begun = flags.continue === true || flags.abort === true;
  if (flags.continue && flags.abort) throw usageError("--continue and --abort exclude each other");
  if (begun && flags["key-name"] !== undefined) {
    throw usageError("--key-name is that of the rotation that was begun, and cannot be given again");
  }
  const repository = openRepository(process.cwd());
  if (flags.abort) {
    abortRotation(repository, filterCommands());
    if (flags.json) writeJson({ aborted: true });
    else if (!flags.quiet) say("vault: the rotation is undone: the key and the commit are what they were");
    return;
  }
  const result = flags.continue
    ? await resumeRotation(repository, filterCommands())
    : await rotateKey(repository, flags);
  if (flags.json) writeJson(describeRotation(result));
  else if (!flags.quiet) for (const line of reportRotation(result)) say(line);
}
