import { userNameOf } from "@git-vault/directory";
import { commitFiles, openRepository, type Repository } from "@git-vault/git-crypt";
import { isVaultError, printable } from "@git-vault/core";
import { findGrants, type Revocation } from "@git-vault/sharing/grants";
import { usageError } from "../../errors.ts";
import { describeRotation, reportRotation, rotateKey } from "./rotate-key.ts";
import type { Options, Run } from "../../cli/command.ts";
import { reportResult } from "../../io/streams.ts";
import type { HOLDER_COMMANDS } from "./specs.ts";

type Revoke = typeof HOLDER_COMMANDS.revoke;

export const run: Run<Revoke> = async (options, operands) => {
  const repository = openRepository(process.cwd());
  const names = operands.map(holderName);
  if (options.noCommit && !options.noRotate) throw usageError("--no-commit needs --no-rotate: a rotation is a commit");
  if (options.noRotate) return removeAlone(repository, options, names);
  const result = await rotateKey(repository, options, names);
  const { keyName, commit, revoked } = result;
  const { holders = [], paths = [], elsewhere = [] } = revoked ?? {};
  const rotation = describeRotation(result);
  const lines = [...reportRemoval(keyName, revoked), ...reportRotation(result)];
  reportResult(options, { keyName, holders, paths, elsewhere, commit, rotation }, lines);
};

/** Removes grants, and leaves the key as it is. */
async function removeAlone(
  repository: Repository,
  options: Options<Revoke["flags"]>,
  names: readonly string[],
): Promise<void> {
  const { keyName = "default", noCommit } = options;
  const revocation = findGrants(repository, keyName, names);
  const { holders, paths, elsewhere } = revocation;
  const commit = commitFiles(repository, new Map(paths.map((path) => [path, null])), {
    message: `Revoke the key ${keyName} of ${holders.join(", ")}`,
    stageOnly: noCommit,
  });
  reportResult(options, { keyName, holders, paths, elsewhere, commit, rotation: null }, [
    ...reportRemoval(keyName, revocation),
    ...(noCommit ? ["vault: their removal is staged; commit and push it"] : []),
    ...(commit === null ? [] : [`vault: committed as ${commit.slice(0, 10)}; push it`]),
    "vault: they still have the key, which opens new commits, too: `vault rotate` replaces it",
  ]);
}

function reportRemoval(keyName: string, revocation: Revocation | null): string[] {
  const { holders, elsewhere } = revocation ?? { holders: [], elsewhere: [] };
  return [
    ...holders.map((holder) => `vault: ${printable(holder)} holds no grant of the key ${keyName} any more`),
    ...elsewhere.map(
      ({ holder, keyName: other }) =>
        `vault: ${printable(holder)} still holds the key ${printable(other)}: \`vault revoke --key-name ${printable(other)} ${printable(holder)}\``,
    ),
  ];
}

/** A bare word is a GitHub user, as everywhere. */
function holderName(written: string): string {
  if (/^(?:ci|ci:.*|file:.*|gpg:.*|SHA256:.*|age1.*)$/.test(written)) return written;
  try {
    return userNameOf(written) ?? written;
  } catch (error) {
    if (!isVaultError(error)) throw error;
    return written;
  }
}
