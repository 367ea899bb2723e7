import { printable } from "@git-vault/core";
import { GitCryptError } from "../errors.ts";
import { isEncryptedBlob } from "../format/blob.ts";
import { fileName } from "../format/file-name.ts";
import { fetchTrees } from "../git/partial-clone.ts";
import { commitOf } from "../git/git.ts";
import { byOid, readBlobs, readStarts } from "../git/objects.ts";
import { withKeyNames } from "../git/protected-files.ts";
import type { Repository } from "../git/repository.ts";
import { listSizedTree, type SizedTreeEntry, withIndexOf } from "../git/trees.ts";

/**
 * Everything in the tree of `revision`, which a clone without trees fetches.
 *
 * @throws GitCryptError NO_SUCH_REVISION
 */
function treeOf(repository: Repository, revision: string): SizedTreeEntry[] {
  const tree =
    listSizedTree(repository, revision) ??
    (fetchTrees(repository, revision) ? listSizedTree(repository, revision) : null);
  if (tree !== null) return tree;
  if (commitOf(repository, revision) !== null) {
    const message = `the revision ${printable(revision)} is in this clone, but its list of files is not`;
    throw new GitCryptError("NO_SUCH_REVISION", message, {
      hint: "check that the remote it was cloned from can be reached",
    });
  }
  if (/^(?:HEAD|@)$/.test(revision) && commitOf(repository, "HEAD") === null) {
    const message = "the repository has no commit yet, and only committed files are read";
    throw new GitCryptError("NO_SUCH_REVISION", message, { hint: "commit first, or name another revision" });
  }
  throw new GitCryptError("NO_SUCH_REVISION", `expected a revision of this repository, got ${printable(revision)}`, {
    hint: "name a commit, a branch or a tag; a shallow clone may lack it",
  });
}

/** A file as a commit holds it. */
export interface RevisionFile {
  /** The path from the top folder with `/`; a name that is not UTF-8 has `\xNN` in it. */
  readonly path: string;
  /** As git writes it: `100644`, `100755`, `120000` for a symbolic link. */
  readonly mode: string;
  /** git's name for what is stored. */
  readonly blobId: string;
  /** The size in bytes of what is stored; where that is encrypted, 22 more than of the file. */
  readonly bytes: number;
}

/** A file that a commit has, and whose content is not here. */
export type MissingFile = Pick<RevisionFile, "path" | "blobId">;

/** So many bytes of files are kept that are read whole to see which are encrypted. */
const KEPT_BYTES = 8 * 1024 * 1024;

const sizesIn = (files: readonly RevisionFile[]): Map<string, number> =>
  new Map(files.map(({ blobId, bytes }) => [blobId, bytes]));

/** The files of one commit, from git's store alone. Submodules are left out. */
export class Revision {
  /** The commit's full name. */
  readonly commit: string;
  /** In git's order. */
  readonly files: readonly RevisionFile[];
  /** Files that git lacks, as in a partial or damaged clone; they are not among `files`. */
  readonly missing: readonly MissingFile[];
  readonly #repository: Repository;
  readonly #names = new Map<RevisionFile, string>();
  #keyNames: ReadonlyMap<RevisionFile, string> | undefined;
  #encrypted: ReadonlySet<string> | undefined;
  /** Most repositories are small: git is not started again for what it gave before. */
  readonly #kept = new Map<string, Buffer>();

  private constructor(repository: Repository, commit: string) {
    this.commit = commit;
    this.#repository = repository;
    const missing: MissingFile[] = [];
    this.missing = missing;
    this.files = treeOf(repository, commit).flatMap(({ name, mode, oid, bytes }) => {
      const text = Buffer.from(name, "latin1").toString();
      const isText = Buffer.from(text).toString("latin1") === name;
      const path = isText ? text : fileName(name).path;
      if (bytes === null) {
        if (mode !== "160000") missing.push({ path, blobId: oid });
        return [];
      }
      const file = { path, mode, blobId: oid, bytes };
      this.#names.set(file, name);
      return [file];
    });
  }

  /**
   * Reads what `revision` names now; later changes of the branch do not matter.
   *
   * @throws GitCryptError NO_SUCH_REVISION, GIT_MISSING, GIT_FAILED.
   */
  static open(repository: Repository, revision: string): Revision {
    // What is no commit may be a tree; else it is refused then.
    return new Revision(repository, commitOf(repository, revision) ?? revision);
  }

  /** The key that the commit's attributes protect `file` with; null for none. */
  keyNameOf(file: RevisionFile): string | null {
    this.#keyNames ??= this.#readAttributes();
    return this.#keyNames.get(file) ?? null;
  }

  /** Whether what is stored is encrypted, whatever the attributes say. */
  isEncrypted(file: RevisionFile): boolean {
    this.#encrypted ??= this.#findEncrypted();
    return this.#encrypted.has(file.blobId);
  }

  /** Gives what is stored for each of `files`, reading a bounded amount at a time. */
  *read(files: readonly RevisionFile[]): Generator<[file: RevisionFile, stored: Buffer]> {
    const groups = byOid(files.map((file) => ({ file, oid: file.blobId })));
    for (const [oid, content] of this.#contents(sizesIn(files)))
      for (const { file } of groups.get(oid) ?? []) yield [file, content];
  }

  *#contents(sizes: ReadonlyMap<string, number>): Generator<[oid: string, content: Buffer]> {
    // In the order of `sizes`.
    const others = readBlobs(this.#repository, new Map([...sizes].filter(([oid]) => !this.#kept.has(oid))));
    for (const oid of sizes.keys()) {
      const kept = this.#kept.get(oid);
      const next = kept === undefined ? others.next() : null;
      if (kept !== undefined) yield [oid, kept];
      else if (next?.done === false) yield next.value;
    }
  }

  #findEncrypted(): Set<string> {
    const encrypted = new Set<string>();
    let room = KEPT_BYTES;
    for (const [oid, start, whole] of readStarts(this.#repository, sizesIn(this.files))) {
      if (isEncryptedBlob(start)) encrypted.add(oid);
      if (!whole || start.length > room) continue;
      room -= start.length;
      // A part of what git gave would keep all of it.
      this.#kept.set(oid, Buffer.from(start));
    }
    return encrypted;
  }

  #readAttributes(): Map<RevisionFile, string> {
    const named = this.files.map((file) => ({ file, name: this.#names.get(file) ?? "" }));
    const found = withIndexOf(this.#repository, this.commit, (place) => withKeyNames(place, named, "index"));
    if (found === null) throw new GitCryptError("GIT_FAILED", "git read-tree failed: a part of the commit is missing");
    return new Map(found.map(({ file, keyName }) => [file, keyName]));
  }
}
