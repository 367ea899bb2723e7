import { printable } from "@git-vault/core";
import { GitCryptError } from "../errors.ts";
import { isEncryptedBlob } from "../format/blob.ts";
import { fetchBlobs } from "../git/partial-clone.ts";
import type { KeyFile } from "../format/key-file.ts";
import type { Repository } from "../git/repository.ts";
import { KeyRing, readKeyRing, retiredKey } from "../keys/key-ring.ts";
import { Revision } from "./revision.ts";

/** A file at a revision. */
export interface FileAtRevision {
  /** The path that was asked for. */
  readonly path: string;
  /** Decrypted, where it was encrypted: a secret. */
  readonly content: Buffer;
  /** Whether it was encrypted. */
  readonly encrypted: boolean;
}

/** How files are read. */
export interface ReadProtectedOptions {
  /** The keys to try, and their predecessors; by default those here. They stay as they are. */
  readonly keys?: readonly KeyFile[];
}

/**
 * @param keyName tells the name of the key that the path is protected with, null for none. A
 * partial clone may lack what tells it: it is called only where nothing opens the file
 */
function openWith(rings: readonly KeyRing[], blob: Buffer, path: string, keyName: () => string | null): Buffer {
  for (const ring of rings) {
    const found = ring.tryOpen(blob);
    if (found !== null) return found.content;
  }
  const lacking = rings.filter(({ isLacking }) => isLacking);
  const wanted = lacking.length === 0 ? null : keyName();
  const ring = lacking.find(({ name }) => name === wanted);
  if (ring !== undefined) throw retiredKey(ring.name);
  throw new GitCryptError("TAMPERED_BLOB", `the file ${printable(path)} was tampered with, or no key opens it`, {
    hint: "check that the key belongs to this repository",
  });
}

/** The same revision, for which a partial clone fetched what it lacked of some files. */
function fetched(repository: Repository, commit: Revision, paths: readonly string[]): Revision {
  const lacking = commit.missing.filter(({ path }) => paths.includes(path));
  if (lacking.length === 0) return commit;
  fetchBlobs(
    repository,
    lacking.map(({ blobId }) => blobId),
  );
  return Revision.open(repository, commit.commit);
}

/**
 * Reads files as they were at `revision`, decrypted in memory: the work tree and the index are
 * neither read nor changed, and a bare repository will do. A partial clone fetches what it lacks.
 * Paths go from the top folder. The results come in the order of `paths`.
 *
 * Each encrypted file is opened with the key that fits it, and checked to be what was encrypted.
 * Files that are not encrypted are given as they are.
 *
 * @throws GitCryptError NO_SUCH_REVISION; NO_SUCH_FILE; LOCKED or NOT_GIT_CRYPT where a file is
 * encrypted and no key is here; where no key opens it, RETIRED_KEY if there is one that is not
 * here; TAMPERED_BLOB.
 */
export function readProtected(
  repository: Repository,
  revision: string,
  paths: readonly string[],
  options: ReadProtectedOptions = {},
): FileAtRevision[] {
  const commit = fetched(repository, Revision.open(repository, revision), paths);
  const files = new Map(commit.files.map((file) => [file.path, file]));
  const wanted = paths.map((path) => {
    const file = files.get(path);
    if (file !== undefined) return file;
    const isMissing = commit.missing.some((one) => one.path === path);
    const reason = isMissing ? "is in that revision, but not in this clone" : "is not in that revision";
    throw new GitCryptError("NO_SUCH_FILE", `the file ${printable(path)} ${reason}`, {
      hint: isMissing ? "check that the remote it was cloned from can be reached" : undefined,
    });
  });
  const blobs = new Map(commit.read(wanted));
  const isLocked = [...blobs.values()].some((blob) => isEncryptedBlob(blob));
  const stored = options.keys === undefined && isLocked ? repository.keyNames() : [];
  if (options.keys === undefined && isLocked && stored.length === 0) repository.readKey();
  const rings =
    options.keys?.map((key) => KeyRing.of(repository, key)) ?? stored.map((name) => readKeyRing(repository, name));
  try {
    return wanted.map((file) => {
      const { path } = file;
      const blob = blobs.get(file) ?? Buffer.alloc(0);
      const encrypted = isEncryptedBlob(blob);
      return { path, encrypted, content: encrypted ? openWith(rings, blob, path, () => commit.keyNameOf(file)) : blob };
    });
  } finally {
    for (const ring of rings) {
      if (options.keys === undefined) ring.wipe();
      else ring.forget();
    }
  }
}
