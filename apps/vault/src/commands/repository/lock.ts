import { plural, printable } from "@git-vault/core";
import { lock, status, type LockResult, type Repository } from "@git-vault/git-crypt";
import { progressLine } from "../../io/progress.ts";
import type { Run } from "../../cli/command.ts";
import { reportResult } from "../../io/streams.ts";
import type { REPOSITORY_COMMANDS } from "./specs.ts";
import { openHere } from "../open-here.ts";

export const run: Run<typeof REPOSITORY_COMMANDS.lock> = (options) => {
  const { keyName, force, allWorktrees } = options;
  const progress = progressLine("encrypted", options);
  try {
    const repository = openHere();
    const result = lock(repository, {
      keyNames: keyName === undefined ? undefined : [keyName],
      force,
      allWorktrees,
      progress: progress.step,
    });
    progress.end();
    reportResult(options, { ...result, clear: result.clear.map(({ path }) => path) }, linesOf(result, repository));
  } finally {
    progress.end();
  }
};

function linesOf({ keyNames, encrypted, clear, worktrees }: LockResult, repository: Repository): string[] {
  if (keyNames.length === 0) {
    const isUsed = status(repository).state !== "unused";
    return [
      `vault: ${isUsed ? "locked already" : "no file is protected here, and no key lies here"}: nothing was changed`,
    ];
  }
  return [
    `vault: locked: ${plural(encrypted, "file")} encrypted, the key ${keyNames.join(", ")} removed`,
    ...(worktrees.length > 1 ? ["vault: in the work trees", ...worktrees.map((path) => `  ${printable(path)}`)] : []),
    ...(clear.length > 0
      ? ["vault: still readable, since the repository holds them unencrypted:", ...clear.map(({ path }) => `  ${path}`)]
      : []),
  ];
}
