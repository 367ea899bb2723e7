import { isVaultError, plural, printable } from "@git-vault/core";
import { assertNoRotation, lock, status, type LockResult, type Repository } from "@git-vault/git-crypt";
import { progressLine } from "../../io/progress.ts";
import type { Run } from "../../cli/command.ts";
import { reportResult } from "../../io/streams.ts";
import { filterCommands } from "./filter-command.ts";
import type { REPOSITORY_COMMANDS } from "./specs.ts";
import { openHere } from "../open-here.ts";

export const run: Run<typeof REPOSITORY_COMMANDS.lock> = async (options) => {
  const { keyName, force, allWorktrees, withoutCopy } = options;
  const repository = openHere();
  // Of a key in the middle of a rotation no copy is known yet.
  assertNoRotation(repository.commonDir);
  if (!withoutCopy) {
    const { requireCopies } = await import("./last-copy.ts");
    const here = repository.keyNames();
    await requireCopies(repository, keyName === undefined ? here : here.filter((name) => name === keyName));
  }
  const progress = progressLine({ done: "encrypted", unit: "files" }, options);
  try {
    const result = lock(repository, {
      filterCommand: filterIfInstalled(options),
      keyNames: keyName === undefined ? undefined : [keyName],
      force,
      allWorktrees,
      progress: progress.step,
    });
    progress.end();
    const [clear, left] = [result.clear.map(({ path }) => path), result.left.map((file) => pathOf(file, repository))];
    reportResult(options, { ...result, clear, left }, linesOf(result, repository));
  } finally {
    progress.end();
  }
};

/** From the top folder; whole where it is in another work tree. */
const pathOf = ({ path, worktree }: LockResult["left"][number], { topLevel }: Repository): string =>
  worktree === topLevel ? path : `${printable(worktree)}/${path}`;

/** Locking is always possible; where git could not run this program later, there is no guard. */
function filterIfInstalled(options: { readonly quiet: boolean }): string | undefined {
  try {
    return filterCommands(options).filterCommand;
  } catch (error) {
    if (isVaultError(error) && error.code === "NOT_INSTALLED") return undefined;
    throw error;
  }
}

function linesOf(
  { keyNames, encrypted, clear, left, keptByGit, unseen, worktrees, guarded }: LockResult,
  repository: Repository,
): string[] {
  const guards =
    guarded.length === 0 ? [] : [`vault: git refuses plaintext on protected paths until the key is here again`];
  if (keyNames.length === 0) {
    const isUsed = status(repository).state !== "unused";
    return [
      `vault: ${isUsed ? "locked already" : "no file is protected here, and there is no key here"}: nothing was changed`,
      ...guards,
    ];
  }
  return [
    `vault: locked: ${plural(encrypted, "file")} encrypted, the key ${keyNames.join(", ")} removed`,
    ...(worktrees.length > 1 ? ["vault: in the work trees", ...worktrees.map((path) => `  ${printable(path)}`)] : []),
    ...(clear.length > 0
      ? ["vault: still readable, since the repository holds them unencrypted:", ...clear.map(({ path }) => `  ${path}`)]
      : []),
    ...(left.length > 0
      ? [
          "vault: still readable, since git does not track them; remove what you do not need:",
          ...left.map((file) => `  ${pathOf(file, repository)}`),
        ]
      : []),
    ...(keptByGit.length > 0
      ? [
          "vault: git keeps lines of files here, some of which may be of protected ones; remove what you do not need:",
          ...keptByGit.map((path) => `  ${printable(path)}`),
        ]
      : []),
    ...(unseen.length > 0
      ? [
          "vault: these work trees were not found, and may hold decrypted files:",
          ...unseen.map((path) => `  ${printable(path)}`),
        ]
      : []),
    ...guards,
  ];
}
