/*
 * What a kubeconfig demands of the commits that use it. It is encrypted, so that no commit takes
 * that away.
 */
import { KeyError, signatureVerifier } from "@git-vault/keys";
import { commitOf, type Repository, tryGit } from "@git-vault/git-crypt";
import { DeployError } from "../errors.ts";

/** A members log, as a branch of the clone has it. */
export interface SignersLog {
  /** Its root, as people write it. */
  readonly root: string;
  /** Such as `origin/main`. */
  readonly branch: string;
}

/** All of it must be so. */
export interface CommitDemands {
  /** The branches of the clone, one of which must hold the commit; none where any may. */
  readonly branches: readonly string[];
  /** The log a member of which must have signed it; null where nobody must. */
  readonly members: SignersLog | null;
}

/**
 * Asserts that a commit is as demanded.
 *
 * @throws DeployError UNTRUSTED_COMMIT; what reading the members log throws
 */
export async function assertDemands(repository: Repository, commit: string, demands: CommitDemands): Promise<void> {
  assertOnBranch(repository, commit, demands.branches);
  if (demands.members !== null) await assertSigned(repository, commit, demands.members);
}

/**
 * The commit of a branch of the clone: `origin/main` is the remote's, and else a local one's. A tag
 * by that name, which others may push, is none.
 */
function tipOf(repository: Repository, branch: string): string | null {
  const names = branch.startsWith("refs/") ? [branch] : [`refs/remotes/${branch}`, `refs/heads/${branch}`];
  for (const name of names) {
    const tip = commitOf(repository, name);
    if (tip !== null) return tip;
  }
  return null;
}

function assertOnBranch(repository: Repository, commit: string, branches: readonly string[]): void {
  const holds = (branch: string): boolean => {
    const tip = tipOf(repository, branch);
    return tip !== null && tryGit(repository, ["merge-base", "--is-ancestor", commit, tip]).status === 0;
  };
  if (branches.length === 0 || branches.some(holds)) return;
  refuse(
    `the kubeconfig takes commits on ${branches.join(", ")} alone, and this is none`,
    "merge it first; a clone that lacks the branch, or its history, needs a fetch",
  );
}

async function assertSigned(repository: Repository, commit: string, { root, branch }: SignersLog): Promise<void> {
  const signer = await signerOf(repository, commit);
  const { assertOrder, memberWith, openMembers, parseRoot } = await import("@git-vault/sharing/members");
  const tip = tipOf(repository, branch);
  if (tip === null)
    refuse(`the clone lacks ${branch}, whose members log says who may sign`, "fetch that branch, with its history");
  for (const [at, where] of [
    [tip, `on ${branch}`],
    [commit, "in the commit itself"],
  ] as const) {
    const log = await openMembers(repository, { root: parseRoot(root, "the kubeconfig"), commit: at });
    if (log.rootState !== "accepted") refuse(`the members log ${where} is not the one that the kubeconfig names`);
    assertOrder(log);
    if (memberWith(log.whole, signer) === null)
      refuse(
        `the commit is signed with ${signer}, which is no member's key ${where}`,
        "the one who signs must be a member then and now: let one who is sign a commit on top of it",
      );
  }
}

/**
 * The fingerprint of the SSH key that made git's signature of a commit.
 *
 * @throws DeployError UNTRUSTED_COMMIT where there is no such signature, or it does not hold
 */
async function signerOf(repository: Repository, commit: string): Promise<string> {
  const { stdout } = tryGit(repository, ["cat-file", "commit", commit]);
  const { signature, message } = splitSigned(stdout, commit.length === 64 ? "gpgsig-sha256" : "gpgsig");
  const needed = "the kubeconfig takes only commits that a member signed with an SSH key, and this one";
  if (signature === null) refuse(`${needed} is not signed`, UNSIGNED_HINT);
  if (!signature.startsWith("-----BEGIN SSH SIGNATURE-----"))
    refuse(`${needed} is signed with another kind of key`, UNSIGNED_HINT);
  try {
    const { publicKey } = await signatureVerifier()(signature, { namespace: "git", message });
    return publicKey.fingerprint;
  } catch (error) {
    if (error instanceof KeyError) return refuse(`${needed} has a signature that does not hold`, UNSIGNED_HINT);
    throw error;
  }
}

const UNSIGNED_HINT =
  "a member signs it by git's gpg.format=ssh; what the page of a forge merges or squashes, no member signs";

/** A commit object without its signatures, as git signs it, and the one of that header. */
function splitSigned(object: Buffer, header: string): { signature: string | null; message: Buffer } {
  const text = object.toString("latin1");
  const end = text.indexOf("\n\n");
  const head = end === -1 ? text : text.slice(0, end);
  // A line that begins with a blank goes on with the header before it.
  const headers = head.split(/\n(?! )/);
  const values = headers.filter((line) => line.startsWith(`${header} `));
  const signed = headers.filter((line) => !/^gpgsig(?:-sha256)? /.test(line)).join("\n") + text.slice(head.length);
  const [value] = values;
  const signature =
    value === undefined || values.length > 1
      ? null
      : `${value
          .slice(header.length + 1)
          .replaceAll("\n ", "\n")
          .trimEnd()}\n`;
  return { signature, message: Buffer.from(signed, "latin1") };
}

function refuse(message: string, hint?: string): never {
  throw new DeployError("UNTRUSTED_COMMIT", message, hint === undefined ? {} : { hint });
}
