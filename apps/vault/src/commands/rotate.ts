import {
  abortRotation,
  continueRotation,
  openRepository,
  rotate,
  type FileName,
  type Repository,
  type RotateResult,
} from "@git-vault/git-crypt";
import { renewOpenPgpGrants } from "@git-vault/sharing";
import { usageError } from "../errors.ts";
import { filterCommands } from "../own-command.ts";
import { progressLine } from "../progress.ts";
import { say, writeJson } from "../streams.ts";
import type { FlagValues, Invocation } from "../table.ts";

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
  const result = flags.continue ? continueRotation(repository, filterCommands()) : await begin(repository, flags);
  if (flags.json) writeJson(describe(result));
  else if (!flags.quiet) for (const line of report(result)) say(line);
}

async function begin(repository: Repository, flags: FlagValues): Promise<RotateResult> {
  const { "key-name": keyName = "default" } = flags;
  const progress = progressLine("encrypted anew", flags);
  try {
    return await rotate(repository, {
      ...filterCommands(),
      keyName,
      progress: progress.step,
      filesFor: async ({ bytes }) => renewOpenPgpGrants(repository, keyName, bytes),
    });
  } finally {
    progress.end();
  }
}

const list = (title: string, files: readonly FileName[], mark = ""): string[] =>
  files.length === 0 ? [] : [`vault: ${title}:`, ...files.map(({ path }) => `  ${mark}${path}`)];

function report({ keyName, branch, commit, files, clear, droppedGrants }: RotateResult): string[] {
  const many = `${files.length} file${files.length === 1 ? "" : "s"}`;
  return [
    `vault: the key ${keyName} is replaced: ${many} encrypted anew in the commit ${commit.slice(0, 12)} on ${branch}`,
    ...list("grants that held the old key and could not be renewed, removed", droppedGrants),
    ...list("not encrypted before nor now, see `vault status`", clear),
    "vault: push the commit, and hand the new key to those who shall have it, as with `vault share`",
    "vault: whoever had the old key can still read what was encrypted with it, in every clone that exists",
    ...list("so change the secrets in these files", files, "[ ] "),
  ];
}

const paths = (files: readonly FileName[]): string[] => files.map(({ path }) => path);

const describe = (result: RotateResult): object => ({
  keyName: result.keyName,
  keyId: result.keyId,
  retiredKeyId: result.retiredKeyId,
  branch: result.branch,
  commit: result.commit,
  files: paths(result.files),
  clear: paths(result.clear),
  droppedGrants: paths(result.droppedGrants),
});
