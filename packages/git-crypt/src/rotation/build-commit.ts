import { rmSync } from "node:fs";
import { join } from "node:path";
import { GitCryptError } from "../errors.ts";
import { encryptBlob, isEncryptedBlob } from "../format/blob.ts";
import { shown } from "../format/file-name.ts";
import type { KeyFile } from "../format/key-file.ts";
import { keyId } from "../format/key-id.ts";
import { type GitPlace, gitSetting, runGit } from "../git/git.ts";
import { grantFolderOf, isWithin, OWN_ATTRIBUTES, VAULT_FOLDER } from "../git/own-folders.ts";
import {
  isRegular,
  listIndex,
  listProtected,
  type NewEntry,
  type ProtectedEntry,
  putEntries,
  withBlob,
} from "../git/protected-files.ts";
import { reencrypt } from "../git/reencrypt-blobs.ts";
import { makeTempFolder, removeTempFolders } from "../git/temp-folder.ts";
import { type Difference, parseDifferences, RAW } from "../git/trees.ts";
import type { Progress } from "../checkout/rewrite-files.ts";
import { retirementsIn, sealRetired } from "../keys/committed-retired-keys.ts";
import type { KeyRing } from "../keys/key-ring.ts";

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
  /** The parent's protected files that are not encrypted; names' characters are bytes. */
  readonly clear: readonly string[];
  /** Grants of the old key that it removes, since none took their place. */
  readonly dropped: readonly string[];
}

const bytesOf = (path: string): string => Buffer.from(path).toString("latin1");

/** Encrypts the content anew; null where it is not encrypted, or with the new key already. */
function renewed({ ring, newKey }: RotationPlan, entry: ProtectedEntry, blob: Buffer): Buffer | null {
  if (!isEncryptedBlob(blob)) return null;
  const found = ring.tryOpen(blob);
  if (found === null) {
    const message = `the file ${shown(entry.name)} was tampered with, or no key opens it`;
    throw new GitCryptError("TAMPERED_BLOB", message, {
      hint: "nothing was changed; restore the file from an older commit, or remove it, and commit that first",
    });
  }
  const next = found.key === newKey ? null : encryptBlob(newKey, found.content);
  found.content.fill(0);
  return next;
}

/** The same file in another state; it is removed where it has no blob then. */
export const entryFor = (name: string, mode: string, before: string | null, after: string | null): NewEntry =>
  after === null ? { name, mode: "0", oid: before ?? "", skipped: false } : { name, mode, oid: after, skipped: false };

/** Entries of files stored as they are, and the grants that are only removed. */
function ownEntries(place: GitPlace, plan: RotationPlan): { entries: NewEntry[]; dropped: string[] } {
  const { keyName, ring, newKey, blobs = [] } = plan;
  const grants = [`${VAULT_FOLDER}/grants/${keyName}`, `${grantFolderOf(place)}/keys/${keyName}`];
  const present = new Map(listIndex(place).map(({ name, oid }) => [name, oid]));
  const ids = new Set(ring.all.map(keyId));
  const isOld = (name: string): boolean =>
    isWithin(grants, name) || retirementsIn([{ name }], keyName).some(({ id }) => ids.has(id));
  const files = new Map<string, Buffer | null>([...present.keys()].filter(isOld).map((name) => [name, null]));
  if (!present.has(OWN_ATTRIBUTES[0])) files.set(...OWN_ATTRIBUTES);
  for (const key of ring.all) if (keyId(key) !== keyId(newKey)) files.set(...sealRetired(newKey, key));
  const given = new Map([...plan.files].map(([path, content]) => [bytesOf(path), content]));
  for (const [name, content] of given) files.set(name, content);
  for (const { name } of blobs) files.delete(name);
  const dropped = [...files.keys()].filter((name) => isWithin(grants, name) && !given.has(name));
  const entries = [...files].flatMap(([name, content]): NewEntry[] => {
    const before = present.get(name) ?? null;
    if (content === null) return before === null ? [] : [entryFor(name, "0", before, null)];
    const oid = runGit(place, ["hash-object", "-w", "--no-filters", "--stdin"], content).toString().trim();
    return [entryFor(name, "100644", before, oid)];
  });
  const further = blobs.map(({ name, mode, before, after }) => entryFor(name, mode, before, after));
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
  const index = join(makeTempFolder(place.gitDir), "index");
  const own = { ...place, env: { ...place.env, GIT_INDEX_FILE: index } };
  const clear: string[] = [];
  try {
    runGit(own, ["read-tree", head]);
    const entries = listProtected(own, "index").filter((entry) => entry.keyName === plan.keyName && isRegular(entry));
    let done = 0;
    const reencrypted = reencrypt(own, entries, (entry, blob) => {
      if (blob.length > 0 && !isEncryptedBlob(blob)) clear.push(entry.name);
      const next = renewed(plan, entry, blob);
      plan.progress?.((done += 1), entries.length);
      return next;
    });
    const changed = reencrypted.map(({ entry, oid }) => withBlob(entry, oid));
    const { entries: files, dropped } = ownEntries(own, plan);
    putEntries(own, [...changed, ...files]);
    const tree = runGit(own, ["write-tree"]).toString().trim();
    const isSigned = gitSetting(own, "commit.gpgSign", "--type=bool") === "true";
    const args = ["commit-tree", ...(isSigned ? ["-S"] : []), "-p", head, "-F", "-", tree];
    return { commit: runGit(own, args, Buffer.from(plan.message)).toString().trim(), clear, dropped };
  } finally {
    rmSync(index, { force: true });
    removeTempFolders(place.gitDir);
  }
}

/** The files in which two commits differ. */
export const differences = (place: GitPlace, from: string, to: string): Difference[] =>
  parseDifferences(runGit(place, ["diff-tree", "-r", ...RAW, from, to]));
