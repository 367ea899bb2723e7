import { isEncryptedBlob } from "../format/blob.ts";
import { withIndexOf } from "../git/index-of-commit.ts";
import { GitCryptError } from "../errors.ts";
import { printable } from "../format/file-name.ts";
import { recordsOf, tryGit } from "../git/git.ts";
import { readBlobs, readStarts } from "../git/objects.ts";
import { withKeyNames } from "../git/protected-files.ts";
import type { Repository } from "../git/repository.ts";

/** An entry of a commit's tree. */
export interface TreeEntry {
  /** The name from the top folder; its characters are bytes. */
  readonly name: string;
  /**
   * As git writes it: `100644`, `100755`, `120000` for a symbolic link, `160000` for a submodule.
   */
  readonly mode: string;
  readonly oid: string;
  /** The size in bytes of what is stored; null for what is no blob. */
  readonly bytes: number | null;
}

/** Everything in the tree of `revision`. */
export function listTree(repository: Repository, revision: string): TreeEntry[] {
  const output = tryGit(repository, ["ls-tree", "-r", "-l", "-z", "--full-tree", revision]);
  if (revision.startsWith("-") || output.status !== 0) {
    if (/^(?:HEAD|@)$/.test(revision) && tryGit(repository, ["rev-parse", "--verify", "--quiet", "HEAD"]).status !== 0)
      throw new GitCryptError(
        "NO_SUCH_REVISION",
        "the repository has no commit yet, and only what is committed is read",
        {
          hint: "commit first, or name another revision",
        },
      );
    throw new GitCryptError("NO_SUCH_REVISION", `expected a revision of this repository, got ${printable(revision)}`, {
      hint: "name a commit, a branch or a tag; a shallow clone may lack it",
    });
  }
  return recordsOf(output.stdout).map((record) => {
    const tab = record.indexOf("\t");
    const [mode = "", , oid = "", size = "-"] = record.slice(0, tab).split(/ +/);
    return { name: record.slice(tab + 1), mode, oid, bytes: /^\d+$/.test(size) ? Number(size) : null };
  });
}

/** A file as a commit holds it. */
export interface RevisionFile {
  /**
   * The path from the top folder, with `/` between folders; a name that is not UTF-8 is shown with
   * `\xNN`.
   */
  readonly path: string;
  /** As git writes it: `100644`, `100755`, `120000` for a symbolic link. */
  readonly mode: string;
  /** git's name for what is stored. */
  readonly blobId: string;
  /** The size in bytes of what is stored; where that is encrypted, 22 more than of the file. */
  readonly bytes: number;
}

/**
 * The files of one commit, read from git's store: neither the work tree nor the index is read or
 * changed. Submodules are left out.
 */
export class Revision {
  /** The commit's full name. */
  readonly commit: string;
  /** In git's order. */
  readonly files: readonly RevisionFile[];
  /**
   * The paths of files that git does not have: the clone is partial, or damaged. They are not among
   * `files`.
   */
  readonly missing: readonly string[];
  readonly #repository: Repository;
  readonly #names = new Map<RevisionFile, string>();
  #keyNames: ReadonlyMap<RevisionFile, string> | undefined;
  #encrypted: ReadonlySet<string> | undefined;

  private constructor(repository: Repository, commit: string) {
    this.commit = commit;
    this.#repository = repository;
    const missing: string[] = [];
    this.missing = missing;
    this.files = listTree(repository, commit).flatMap(({ name, mode, oid, bytes }) => {
      const text = Buffer.from(name, "latin1").toString();
      const isText = Buffer.from(text).toString("latin1") === name;
      const path = isText ? text : printable(name);
      if (bytes === null) {
        if (mode !== "160000") missing.push(path);
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
    const output = tryGit(repository, ["rev-parse", "--verify", "--quiet", "--end-of-options", `${revision}^{commit}`]);
    // What is no commit is told by listTree.
    const commit = output.status === 0 ? output.stdout.toString().trim() : revision;
    return new Revision(repository, commit);
  }

  /**
   * The name of the key that the commit's attributes protect `file` with; null where they do not.
   */
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
    const byId = new Map<string, RevisionFile[]>();
    for (const file of files) byId.set(file.blobId, [...(byId.get(file.blobId) ?? []), file]);
    const sizes = new Map(files.map(({ blobId, bytes }) => [blobId, bytes]));
    for (const [oid, content] of readBlobs(this.#repository, sizes))
      for (const file of byId.get(oid) ?? []) yield [file, content];
  }

  #findEncrypted(): Set<string> {
    const sizes = new Map(this.files.map(({ blobId, bytes }) => [blobId, bytes]));
    const encrypted = new Set<string>();
    for (const [oid, start] of readStarts(this.#repository, sizes)) if (isEncryptedBlob(start)) encrypted.add(oid);
    return encrypted;
  }

  #readAttributes(): Map<RevisionFile, string> {
    const named = this.files.map((file) => ({ file, name: this.#names.get(file) ?? "" }));
    const found = withIndexOf(this.#repository, this.commit, (place) => withKeyNames(place, named, "index"));
    if (found === null) throw new GitCryptError("GIT_FAILED", "git read-tree failed: a part of the commit is missing");
    return new Map(found.map(({ file, keyName }) => [file, keyName]));
  }
}
