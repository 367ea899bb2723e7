import { userNameOf } from "@git-vault/directory";
import { commitFiles, openRepository, type Repository } from "@git-vault/git-crypt";
import { isVaultError } from "@git-vault/core";
import { findGrants, type Revocation } from "@git-vault/sharing";
import { usageError } from "../../cli/errors.ts";
import { describeRotation, reportRotation, rotateKey } from "./rotate-key.ts";
import { printable, say, writeJson } from "../../io/streams.ts";
import type { FlagValues, Invocation } from "../../cli/command-table.ts";

export async function run({ flags, args }: Invocation): Promise<void> {
  if (args.length === 0) throw usageError("expected a holder, as `vault holders` shows them");
  const repository = openRepository(process.cwd());
  const names = args.map(holderName);
  if (flags["no-commit"] && !flags["no-rotate"])
    throw usageError("--no-commit needs --no-rotate: a rotation is a commit");
  if (flags["no-rotate"]) return removeAlone(repository, flags, names);
  const result = await rotateKey(repository, flags, names);
  const { keyName, commit, revoked } = result;
  const { holders = [], paths = [], elsewhere = [] } = revoked ?? {};
  if (flags.json) writeJson({ keyName, holders, paths, elsewhere, commit, rotation: describeRotation(result) });
  else if (!flags.quiet) for (const line of [...reportRemoval(keyName, revoked), ...reportRotation(result)]) say(line);
}

/** Removes grants, and leaves the key as it is. */
async function removeAlone(repository: Repository, flags: FlagValues, names: readonly string[]): Promise<void> {
  const keyName = flags["key-name"] ?? "default";
  const revocation = await findGrants(repository, keyName, names);
  const { holders, paths, elsewhere } = revocation;
  const commit = commitFiles(repository, new Map(paths.map((path) => [path, null])), {
    message: `Revoke the key ${keyName} of ${holders.join(", ")}`,
    stageOnly: flags["no-commit"] === true,
  });
  if (flags.json) return writeJson({ keyName, holders, paths, elsewhere, commit, rotation: null });
  if (flags.quiet) return;
  for (const line of [
    ...reportRemoval(keyName, revocation),
    ...(flags["no-commit"] ? ["vault: their removal is staged; commit and push it"] : []),
    ...(commit === null ? [] : [`vault: committed as ${commit.slice(0, 10)}; push it`]),
    "vault: they still have the key, which opens new commits, too: `vault rotate` replaces it",
  ])
    say(line);
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
