import { lock, openRepository, status, type LockResult, type Repository } from "@git-vault/git-crypt";
import { progressLine } from "../../io/progress.ts";
import { printable, say, writeJson } from "../../io/streams.ts";
import type { Invocation } from "../../cli/command-table.ts";

export async function run({ flags }: Invocation): Promise<void> {
  const progress = progressLine("encrypted", flags);
  try {
    const repository = openRepository(process.cwd());
    const result = lock(repository, {
      keyNames: flags["key-name"] === undefined ? undefined : [flags["key-name"]],
      force: flags.force === true,
      allWorktrees: flags["all-worktrees"] === true,
      progress: progress.step,
    });
    progress.end();
    if (flags.json) writeJson({ ...result, clear: result.clear.map(({ path }) => path) });
    else if (!flags.quiet) for (const line of report(result, repository)) say(line);
  } finally {
    progress.end();
  }
}

function report({ keyNames, encrypted, clear, worktrees }: LockResult, repository: Repository): string[] {
  if (keyNames.length === 0) {
    const isUsed = status(repository).state !== "unused";
    return [
      `vault: ${isUsed ? "locked already" : "no file is protected here, and no key lies here"}: nothing was changed`,
    ];
  }
  return [
    `vault: locked: ${encrypted} file${encrypted === 1 ? "" : "s"} encrypted, the key ${keyNames.join(", ")} removed`,
    ...(worktrees.length > 1 ? ["vault: in the work trees", ...worktrees.map((path) => `  ${printable(path)}`)] : []),
    ...(clear.length > 0
      ? ["vault: still readable, since the repository holds them unencrypted:", ...clear.map(({ path }) => `  ${path}`)]
      : []),
  ];
}
