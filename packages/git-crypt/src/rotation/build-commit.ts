import { rmSync } from "node:fs";
import { join } from "node:path";
import { plural } from "@git-vault/core";
import { GitCryptError } from "../errors.ts";
import { encryptBlob, isEncryptedBlob } from "../format/blob.ts";
import { someOf } from "../format/file-name.ts";
import type { KeyFile } from "../format/key-file.ts";
import { keyId } from "../format/key-id.ts";
import { bytesOf, type GitPlace, runGit, typedSetting } from "../git/git.ts";
import { isPartialClone } from "../git/objects.ts";
import { OWN_ATTRIBUTES } from "../git/own-folders.ts";
import { isRegular, listIndex, listProtected, type NewEntry, putEntries, withBlob } from "../git/protected-files.ts";
import { reencrypt } from "../git/reencrypt-blobs.ts";
import { makeTempFolder, removeTempFolders } from "../git/temp-folder.ts";
import { type Difference, parseDifferences, RAW } from "../git/trees.ts";
import type { Progress } from "../checkout/rewrite-files.ts";
import { retirementsIn, sealRetired } from "../keys/committed-retired-keys.ts";
import type { KeyRing, OpenedBlob } from "../keys/key-ring.ts";

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
  /** Whether files that no key opens stay as they are. */
  readonly leavesUnopened: boolean;
  readonly progress?: Progress | undefined;
}

/** A commit that rotates keys. The characters of names are bytes. */
export interface RotationCommit {
  readonly commit: string;
  /** The parent's protected files that are not encrypted. */
  readonly clear: readonly string[];
  /** Those that no key opens, which are as they were. */
  readonly unopened: readonly string[];
}

/**
 * The content encrypted again, `opened` by the key that it was encrypted with; null where that is
 * the new key.
 */
function renewed({ newKey }: Replacement, { key, content }: OpenedBlob): Buffer | null {
  const next = keyId(key) === keyId(newKey) ? null : encryptBlob(newKey, content);
  content.fill(0);
  return next;
}

/** What a rotation would have to leave as it is. */
export const unopenedFiles = (names: readonly string[]): GitCryptError =>
  new GitCryptError("UNOPENED", `no key here opens ${plural(names.length, "protected file")}: ${someOf(names)}`, {
    hint: "nothing was changed; get the key that they need, or restore them from an older commit",
  });

/** The same file in another state; it is removed where it has no blob then. */
export const entryFor = (name: string, mode: string, before: string | null, after: string | null): NewEntry =>
  after === null ? { name, mode: "0", oid: before ?? "", skipped: false } : { name, mode, oid: after, skipped: false };

/** The retired keys' files, of which those that the commit seals again go. */
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
 * @throws GitCryptError UNOPENED for files that no key here opens, unless they are left;
 * NO_SUCH_FILE, GIT_FAILED.
 */
export function makeCommit(place: GitPlace, head: string, plan: RotationPlan): RotationCommit {
  const index = join(makeTempFolder(place.gitDir), "index");
  const own = { ...place, env: { ...place.env, GIT_INDEX_FILE: index } };
  const clear: string[] = [];
  const unopened: string[] = [];
  try {
    runGit(own, ["read-tree", head]);
    const replacements = new Map(plan.replacements.map((one) => [one.ring.name, one]));
    const entries = listProtected(own, "index").filter((entry) => replacements.has(entry.keyName) && isRegular(entry));
    let done = 0;
    const reencrypted = reencrypt(own, entries, (entry, blob) => {
      const replacement = replacements.get(entry.keyName);
      const isEncrypted = isEncryptedBlob(blob);
      const opened = isEncrypted ? (replacement?.ring.tryOpen(blob) ?? null) : null;
      if (isEncrypted ? opened === null : blob.length > 0) (isEncrypted ? unopened : clear).push(entry.name);
      plan.progress?.((done += 1), entries.length);
      return replacement === undefined || opened === null ? null : renewed(replacement, opened);
    });
    if (unopened.length > 0 && !plan.leavesUnopened) throw unopenedFiles(unopened);
    const changed = reencrypted.map(({ entry, oid }) => withBlob(entry, oid));
    putEntries(own, [...changed, ...ownEntries(own, plan)]);
    // A partial clone lacks files that stay as the head has them: the remote promised those.
    const tree = runGit(own, ["write-tree", ...(isPartialClone(own) ? ["--missing-ok"] : [])])
      .toString()
      .trim();
    const isSigned = typedSetting(own, "commit.gpgSign", "bool") === "true";
    const args = ["commit-tree", ...(isSigned ? ["-S"] : []), "-p", head, "-F", "-", tree];
    return { commit: runGit(own, args, plan.message).toString().trim(), clear, unopened };
  } finally {
    rmSync(index, { force: true });
    removeTempFolders(place.gitDir);
  }
}

/** The files in which two commits differ. */
export const differences = (place: GitPlace, from: string, to: string): Difference[] =>
  parseDifferences(runGit(place, ["diff-tree", "-r", ...RAW, from, to]));
