import { rmSync } from "node:fs";
import { join } from "node:path";
import { encryptBlob, isEncryptedBlob } from "../format/blob.ts";
import { GitCryptError } from "../errors.ts";
import { printable } from "../format/file-name.ts";
import { type GitPlace, recordsOf, runGit, tryGit } from "../git/git.ts";
import type { KeyFile } from "../format/key-file.ts";
import { keyId } from "../format/key-id.ts";
import type { KeyRing } from "../keys/key-ring.ts";
import {
  isRegular,
  listIndex,
  listProtected,
  type NewEntry,
  type ProtectedEntry,
  putEntries,
  withBlob,
} from "../git/protected-files.ts";
import { recode } from "../git/reencrypt-blobs.ts";
import type { Progress } from "../checkout/rewrite-files.ts";
import { makeScratch, removeScratch } from "../git/temp-folder.ts";
import { retiredIn, sealRetired, VAULT_FOLDER } from "../keys/committed-retired-keys.ts";

/** Files to commit as they are, by their paths from the top folder; null removes one. */
export type FilesToCommit = ReadonlyMap<string, Buffer | null>;

/** What a commit that rotates a key is made of. */
export interface RotationPlan {
  readonly keyName: string;
  /** The present key and those that it replaced. It knows the new key, too. */
  readonly ring: KeyRing;
  readonly newKey: KeyFile;
  readonly files: FilesToCommit;
  /** Further such files, of which the blobs are stored already. */
  readonly blobs?: readonly Difference[];
  readonly message: string;
  readonly progress?: Progress | undefined;
}

/** A commit that rotates a key. */
export interface RotationCommit {
  readonly commit: string;
  /**
   * The protected files of its parent that are not encrypted; their names' characters are bytes.
   */
  readonly clear: readonly string[];
  /** Grants of the old key that it removes, since none took their place. */
  readonly dropped: readonly string[];
}

const ATTRIBUTES = "* -text !filter !diff !merge\n";

/** The folder of git-crypt's own grants. */
export const stateFolder = (place: GitPlace): string =>
  tryGit(place, ["config", "git-crypt.repoStateDir"]).stdout.toString().trim() || ".git-crypt";

/** Whether a file holds a key of that name for somebody. */
export function isGrant(place: GitPlace, keyName: string): (path: string) => boolean {
  const folders = [`${VAULT_FOLDER}/grants/${keyName}/`, `${stateFolder(place)}/keys/${keyName}/`];
  return (path) => folders.some((folder) => path.startsWith(folder));
}

const bytesOf = (path: string): string => Buffer.from(path).toString("latin1");

/** Encrypts the content anew; null where it is not encrypted, or with the new key already. */
function renewed({ ring, newKey }: RotationPlan, entry: ProtectedEntry, blob: Buffer): Buffer | null {
  if (!isEncryptedBlob(blob)) return null;
  const found = ring.tryOpen(blob);
  if (found === null) {
    throw new GitCryptError(
      "TAMPERED_BLOB",
      `the file ${printable(entry.name)} was tampered with, or no key opens it`,
      {
        hint: "nothing was changed; restore the file from an older commit, or remove it, and commit that first",
      },
    );
  }
  const next = found.key === newKey ? null : encryptBlob(newKey, found.content);
  found.content.fill(0);
  return next;
}

/**
 * Entries for the files that are stored as they are, and the grants among them that are merely
 * removed.
 */
function ownEntries(place: GitPlace, plan: RotationPlan): { entries: NewEntry[]; dropped: string[] } {
  const isStale = isGrant(place, plan.keyName);
  const present = new Map(listIndex(place).map(({ name, oid }) => [name, oid]));
  const ids = new Set(plan.ring.all.map(keyId));
  const isOld = (name: string): boolean =>
    isStale(name) || retiredIn([{ name }], plan.keyName).some((id) => ids.has(id));
  const files = new Map<string, Buffer | null>([...present.keys()].filter(isOld).map((name) => [name, null]));
  const attributes = `${VAULT_FOLDER}/.gitattributes`;
  if (!present.has(attributes)) files.set(attributes, Buffer.from(ATTRIBUTES));
  for (const key of plan.ring.all) {
    if (keyId(key) !== keyId(plan.newKey)) files.set(...sealRetired(plan.newKey, key));
  }
  for (const [path, content] of plan.files) files.set(bytesOf(path), content);
  const remade = plan.blobs ?? [];
  for (const { name } of remade) files.delete(name);
  const given = new Set([...plan.files.keys()].map(bytesOf));
  const dropped = [...files.keys()].filter((name) => isStale(name) && !given.has(name));
  const entries = [...files].flatMap(([name, content]): NewEntry[] => {
    const before = present.get(name);
    if (content === null) return before === undefined ? [] : [{ name, mode: "0", oid: before, skipped: false }];
    const oid = runGit(place, ["hash-object", "-w", "--no-filters", "--stdin"], content).toString().trim();
    return [{ name, mode: "100644", oid, skipped: false }];
  });
  const further = remade.flatMap(({ name, mode, before, after }): NewEntry[] =>
    after === null
      ? [{ name, mode: "0", oid: before ?? "", skipped: false }]
      : [{ name, mode, oid: after, skipped: false }],
  );
  return { entries: [...entries, ...further], dropped };
}

/**
 * Stores a commit after `head` whose protected files are encrypted with the new key, and which
 * holds the keys that it replaces, sealed. Nothing refers to it yet: neither a branch, the index
 * nor the work tree is changed.
 *
 * @throws GitCryptError TAMPERED_BLOB for a file that no key opens, NO_SUCH_FILE, GIT_FAILED.
 */
export function makeCommit(place: GitPlace, head: string, plan: RotationPlan): RotationCommit {
  const index = join(makeScratch(place.gitDir), "index");
  const own = { ...place, env: { ...place.env, GIT_INDEX_FILE: index } };
  const clear: string[] = [];
  try {
    runGit(own, ["read-tree", head]);
    const entries = listProtected(own, "index").filter((entry) => entry.keyName === plan.keyName && isRegular(entry));
    let done = 0;
    const recoded = recode(own, entries, (entry, blob) => {
      if (blob.length > 0 && !isEncryptedBlob(blob)) clear.push(entry.name);
      const next = renewed(plan, entry, blob);
      plan.progress?.((done += 1), entries.length);
      return next;
    });
    const changed = recoded.map(({ entry, oid }) => withBlob(entry, oid));
    const { entries: files, dropped } = ownEntries(own, plan);
    putEntries(own, [...changed, ...files]);
    const tree = runGit(own, ["write-tree"]).toString().trim();
    const signs = tryGit(own, ["config", "--type=bool", "commit.gpgSign"]).stdout.toString().trim() === "true";
    const args = ["commit-tree", ...(signs ? ["-S"] : []), "-p", head, "-F", "-", tree];
    return { commit: runGit(own, args, Buffer.from(plan.message)).toString().trim(), clear, dropped };
  } finally {
    rmSync(index, { force: true });
    removeScratch(place.gitDir);
  }
}

/** A file that differs between two commits; its oid is null where the commit has none. */
export interface Difference {
  readonly name: string;
  readonly mode: string;
  readonly before: string | null;
  readonly after: string | null;
}

const oidOf = (text: string): string | null => (/^0+$/.test(text) ? null : text);

/** The files in which two commits differ. */
export function differences(place: GitPlace, from: string, to: string): Difference[] {
  const records = recordsOf(runGit(place, ["diff-tree", "-r", "-z", "--raw", "--no-abbrev", "--no-renames", from, to]));
  const result: Difference[] = [];
  for (let at = 0; at + 1 < records.length; at += 2) {
    const [oldMode = "", mode = "", before = "", after = ""] = (records[at] ?? "").slice(1).split(" ");
    const isRemoved = oidOf(after) === null;
    result.push({
      name: records[at + 1] ?? "",
      mode: isRemoved ? oldMode : mode,
      before: oidOf(before),
      after: oidOf(after),
    });
  }
  return result;
}
