import { parseQuery } from "@git-vault/directory";
import { commitFiles, openRepository } from "@git-vault/git-crypt";
import { isVaultError } from "@git-vault/errors";
import { findGrants } from "@git-vault/sharing";
import { usageError } from "../errors.ts";
import { reportRotation, rotateKey } from "../rotating.ts";
import { printable, say, writeJson } from "../streams.ts";
import type { Invocation } from "../table.ts";

export async function run({ flags, args }: Invocation): Promise<void> {
  if (args.length === 0) throw usageError("expected a holder, as `vault holders` shows them");
  const keyName = flags["key-name"] ?? "default";
  const repository = openRepository(process.cwd());
  const revocation = await findGrants(repository, keyName, args.map(holderName));
  const { holders, paths } = revocation;
  if (flags["no-rotate"]) {
    const commit = commitFiles(repository, new Map(paths.map((path) => [path, null])), {
      message: `Revoke the key ${keyName} of ${holders.join(", ")}`,
    });
    if (flags.json) writeJson({ keyName, holders, paths, commit, rotation: null });
    else if (!flags.quiet) for (const line of reportRemoval(holders, commit)) say(line);
    return;
  }
  const result = await rotateKey(repository, flags, revocation);
  const rotation = {
    keyId: result.keyId,
    retiredKeyId: result.retiredKeyId,
    files: result.files.map(({ path }) => path),
  };
  if (flags.json) writeJson({ keyName, holders, paths, commit: result.commit, rotation });
  else if (!flags.quiet) {
    for (const line of [...holders.map(removed), ...reportRotation(result, result.notRenewed)]) say(line);
  }
}

const removed = (holder: string): string => `vault: ${printable(holder)} holds no grant any more`;

const reportRemoval = (holders: readonly string[], commit: string | null): string[] => [
  ...holders.map(removed),
  ...(commit === null ? [] : [`vault: committed as ${commit.slice(0, 10)}; push it`]),
  "vault: they still have the key, which opens new commits, too: `vault rotate` replaces it",
];

/** A bare word is a GitHub user, as everywhere. */
function holderName(written: string): string {
  if (/^(?:ci|ci:.*|file:.*|gpg:.*|SHA256:.*|age1.*)$/.test(written)) return written;
  try {
    const query = parseQuery(written);
    if (query.kind === "github-user") return `github:${query.login}`;
    if (query.kind === "forge-user") return `${query.forge}:${query.user}`;
  } catch (error) {
    if (!isVaultError(error)) throw error;
  }
  return written;
}
