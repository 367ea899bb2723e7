import { abortRotation, continueRotation, openRepository, type FileName } from "@git-vault/git-crypt";
import { usageError } from "../errors.ts";
import { filterCommands } from "../own-command.ts";
import { reportRotation, rotateKey, type Rotated } from "../rotating.ts";
import { say, writeJson } from "../streams.ts";
import type { Invocation } from "../table.ts";

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
    ? { ...continueRotation(repository, filterCommands()), notRenewed: [] }
    : await rotateKey(repository, flags);
  if (flags.json) writeJson(describe(result));
  else if (!flags.quiet) for (const line of reportRotation(result, result.notRenewed)) say(line);
}

const paths = (files: readonly FileName[]): string[] => files.map(({ path }) => path);

const describe = (result: Rotated): object => ({
  keyName: result.keyName,
  keyId: result.keyId,
  retiredKeyId: result.retiredKeyId,
  branch: result.branch,
  commit: result.commit,
  files: paths(result.files),
  clear: paths(result.clear),
  droppedGrants: [...paths(result.droppedGrants), ...result.notRenewed.map(({ path }) => path)],
});
