import { rmSync } from "node:fs";
import { join } from "node:path";
import { GitCryptError } from "../errors.ts";
import { encryptBlob, isEncryptedBlob } from "../format/blob.ts";
import { shown } from "../format/file-name.ts";
import type { KeyFile } from "../format/key-file.ts";
import { keyId } from "../format/key-id.ts";
import { type GitPlace, gitSetting, runGit } from "../git/git.ts";
import { OWN_ATTRIBUTES } from "../git/own-folders.ts";
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
import { type KeyRing, retiredKey } from "../keys/key-ring.ts";

/** Files to commit as they are, by their paths from the top folder; null removes one. */
export type FilesToCommit = ReadonlyMap<string, Buffer | null>;

/** A key that is replaced. */
export interface Replacement {
  /** The keys that are here. It knows the new key, too. */
  readonly ring: KeyRing;
  readonly newKey: KeyFile;
}

/** What a commit that rotates keys is made of. */
export interface RotationPlan {
  readonly replacements: readonly Replacement[];
  readonly files: FilesToCommit;
  /** Further such files, of which the blobs are stored already. */
  readonly blobs?: readonly Difference[];
  readonly message: Uint8Array;
  readonly progress?: Progress | undefined;
}

/** A commit that rotates keys. */
export interface RotationCommit {
  readonly commit: string;
  /** The parent's protected files that are not encrypted; names' characters are bytes. */
  readonly clear: readonly string[];
}

const bytesOf = (path: string): string => Buffer.from(path).toString("latin1");

/** Encrypts the content anew; null where it is not encrypted, or with the new key already. */
function renewed({ ring, newKey }: Replacement, entry: ProtectedEntry, blob: Buffer): Buffer | null {
  if (!isEncryptedBlob(blob)) return null;
  const found = ring.tryOpen(blob);
  if (found === null) {
    if (ring.isLacking) throw retiredKey(ring.name);
    const message = `the file ${shown(entry.name)} was tampered with, or no key opens it`;
    throw new GitCryptError("TAMPERED_BLOB", message, {
      hint: "nothing was changed; restore the file from an older commit, or remove it, and commit that first",
    });
  }
  const next = keyId(found.key) === keyId(newKey) ? null : encryptBlob(newKey, found.content);
  found.content.fill(0);
  return next;
}

/** The same file in another state; it is removed where it has no blob then. */
export const entryFor = (name: string, mode: string, before: string | null, after: string | null): NewEntry =>
  after === null ? { name, mode: "0", oid: before ?? "", skipped: false } : { name, mode, oid: after, skipped: false };

/** The retired keys' files, of which those that the commit seals anew go. */
function retiredFiles({ ring, newKey }: Replacement, present: Iterable<string>): Map<string, Buffer | null> {
  const ids = new Set(ring.all.map(keyId));
  const old = [...present].filter((name) => retirementsIn([{ name }], ring.name).some(({ id }) => ids.has(id)));
  return new Map<string, Buffer | null>([
    ...old.map((name) => [name, null] as const),
    ...ring.all.filter((key) => keyId(key) !== keyId(newKey)).map((key) => sealRetired(newKey, key)),
  ]);
}

/** Entries of files that are stored as they are. */
function ownEntries(place: GitPlace, { replacements, files: given, blobs = [] }: RotationPlan): NewEntry[] {
  const present = new Map(listIndex(place).map(({ name, oid }) => [name, oid]));
  const files = new Map<string, Buffer | null>([
    ...(present.has(OWN_ATTRIBUTES[0]) ? [] : [OWN_ATTRIBUTES]),
    ...replacements.flatMap((replacement) => [...retiredFiles(replacement, present.keys())]),
    ...[...given].map(([path, content]) => [bytesOf(path), content] as const),
  ]);
  for (const { name } of blobs) files.delete(name);
  const entries = [...files].flatMap(([name, content]): NewEntry[] => {
    const before = present.get(name) ?? null;
    if (content === null) return before === null ? [] : [entryFor(name, "0", before, null)];
    const oid = runGit(place, ["hash-object", "-w", "--no-filters", "--stdin"], content).toString().trim();
    return [entryFor(name, "100644", before, oid)];
  });
  return [...entries, ...blobs.map(({ name, mode, before, after }) => entryFor(name, mode, before, after))];
}

/**
 * Stores a commit after `head` whose protected files are encrypted with the new keys, and which
 * holds the keys that these replace, sealed. Nothing refers to it yet: neither a branch, the index
 * nor the work tree is changed.
 *
 * @throws GitCryptError TAMPERED_BLOB for a file that no key opens, RETIRED_KEY for one that needs
 * a key which is not here, NO_SUCH_FILE, GIT_FAILED.
 */
export function makeCommit(place: GitPlace, head: string, plan: RotationPlan): RotationCommit {
  const index = join(makeTempFolder(place.gitDir), "index");
  const own = { ...place, env: { ...place.env, GIT_INDEX_FILE: index } };
  const clear: string[] = [];
  try {
    runGit(own, ["read-tree", head]);
    const replacements = new Map(plan.replacements.map((one) => [one.ring.name, one]));
    const entries = listProtected(own, "index").filter((entry) => replacements.has(entry.keyName) && isRegular(entry));
    let done = 0;
    const reencrypted = reencrypt(own, entries, (entry, blob) => {
      if (blob.length > 0 && !isEncryptedBlob(blob)) clear.push(entry.name);
      const replacement = replacements.get(entry.keyName);
      const next = replacement === undefined ? null : renewed(replacement, entry, blob);
      plan.progress?.((done += 1), entries.length);
      return next;
    });
    const changed = reencrypted.map(({ entry, oid }) => withBlob(entry, oid));
    putEntries(own, [...changed, ...ownEntries(own, plan)]);
    const tree = runGit(own, ["write-tree"]).toString().trim();
    const isSigned = gitSetting(own, "commit.gpgSign", "--type=bool") === "true";
    const args = ["commit-tree", ...(isSigned ? ["-S"] : []), "-p", head, "-F", "-", tree];
    return { commit: runGit(own, args, plan.message).toString().trim(), clear };
  } finally {
    rmSync(index, { force: true });
    removeTempFolders(place.gitDir);
  }
}

/** The files in which two commits differ. */
export const differences = (place: GitPlace, from: string, to: string): Difference[] =>
  parseDifferences(runGit(place, ["diff-tree", "-r", ...RAW, from, to]));
