import { createHmac } from "node:crypto";
import { GitCryptError, type KeyRing, type Revision, type RevisionFile } from "@git-vault/git-crypt";
import { attempt, DeployError } from "../errors.ts";

/** A file of the project's commit. */
export interface TrackedFile extends RevisionFile {
  /** Whether it is stored encrypted. */
  readonly encrypted: boolean;
  /** The name of the key that the attributes protect it with; null where they do not. */
  readonly keyName: string | null;
  /** Whether it is encrypted, and the key is not here: there is none, or it is another one's. */
  readonly locked: boolean;
  /** Whether it is secret: encrypted, protected, or in the folder `secrets` at the top. */
  readonly secret: boolean;
}

/** An ordinary file that no commit has: it is no secret. @param bytes its size */
export const plainFile = (path: string, bytes: number): TrackedFile => ({
  path,
  mode: "100644",
  blobId: "",
  bytes,
  encrypted: false,
  keyName: null,
  locked: false,
  secret: false,
});

/** What files are read from: a commit, or the work tree. */
export type FileSource = Pick<Tree, "find" | "files" | "read" | "stored" | "preload" | "hasKey"> &
  Partial<Pick<Tree, "readReal" | "standInsAlone">>;

/** A value of YAML that holds no others. */
type Scalar = null | boolean | number | string;

/** Gives stand-ins for what an encrypted file holds. */
export interface FileStandIns {
  /** For a value that is read from the file of that path. */
  scalar(path: string, value: Scalar): Scalar;
  /** For all of it. */
  content(path: string, content: Buffer): Buffer;
}

/** A key, and what errors call it; null for one that nobody named. */
export interface TitledKey {
  readonly ring: KeyRing;
  readonly title: string | null;
}

/** What may be read whole and kept, in bytes: as much as Helm unpacks of a chart at most. */
export const MOST_FILE_BYTES: number = 100 * 1024 * 1024;

/** On so many files a key is tried at once. */
const SAMPLES = 8;

function wrongKey(title: string, tried: number): DeployError {
  const what = tried === 1 ? "does not open the encrypted file" : `opens none of the ${tried} encrypted files`;
  return new DeployError("WRONG_KEY", `${title} ${what} that it was tried on`, {
    hint: "it is another repository's, or one that was rotated out",
  });
}

/** The commit's files, and their contents: decrypted in memory, where there is a key. */
export class Tree {
  readonly #revision: Revision;
  readonly #keys: readonly KeyRing[];
  readonly #byPath = new Map<string, TrackedFile>();
  readonly #stored = new Map<string, Buffer>();
  /** What is read of encrypted files in place of their contents; null where it is these. */
  readonly standInsAlone: FileStandIns | null;

  /**
   * @throws DeployError MISSING_FILE where git does not have all of the commit: what cannot be seen
   * would be passed over
   */
  constructor(revision: Revision, keys: readonly KeyRing[], standInsAlone: FileStandIns | null = null) {
    this.standInsAlone = standInsAlone;
    const [missing] = revision.missing;
    if (missing !== undefined) {
      const others = revision.missing.length === 1 ? "" : `, and of ${revision.missing.length - 1} more`;
      throw new DeployError("MISSING_FILE", `git does not have the content of ${missing.path}${others}`, {
        hint: "the clone is partial or damaged: clone it whole, without --filter",
        place: { file: missing.path },
      });
    }
    this.#revision = revision;
    this.#keys = keys;
    const isLocked = (file: TrackedFile): boolean => this.#isLocked(file);
    for (const file of revision.files) {
      this.#byPath.set(file.path, {
        ...file,
        get encrypted() {
          return revision.isEncrypted(file);
        },
        get keyName() {
          return revision.keyNameOf(file);
        },
        get locked() {
          return isLocked(this);
        },
        get secret() {
          return file.path.startsWith("secrets/") || this.keyName !== null || this.encrypted;
        },
      });
    }
  }

  get commit(): string {
    return this.#revision.commit;
  }

  /** Whether there is a key. */
  get hasKey(): boolean {
    return this.#keys.length > 0;
  }

  /** Every file but submodules, in git's order. */
  files(): IterableIterator<TrackedFile> {
    return this.#byPath.values();
  }

  find(path: string): TrackedFile | undefined {
    return this.#byPath.get(path);
  }

  /** Reads files at once that will be read one by one. */
  preload(files: readonly TrackedFile[]): void {
    const small = files.filter(({ bytes }) => bytes <= MOST_FILE_BYTES);
    for (const [file, stored] of this.#revision.read(small)) this.#stored.set(file.blobId, stored);
  }

  /**
   * What git stores for the file: ciphertext, where it is encrypted.
   *
   * @throws DeployError TOO_LARGE, MISSING_FILE
   */
  stored(file: TrackedFile): Buffer {
    const { path, bytes } = file;
    if (bytes <= MOST_FILE_BYTES) return this.#whole(file);
    throw new DeployError("TOO_LARGE", `${path} has ${bytes} bytes: expected at most ${MOST_FILE_BYTES}`, {
      place: { file: path },
    });
  }

  #whole(file: TrackedFile): Buffer {
    const known = this.#stored.get(file.blobId);
    if (known !== undefined) return known;
    for (const [, stored] of this.#revision.read([file])) return stored;
    throw new DeployError("MISSING_FILE", `${file.path}: git does not have its content`, {
      place: { file: file.path },
    });
  }

  /**
   * The file's content, decrypted where it is encrypted: then a secret, or its stand-in where
   * nothing else is read.
   *
   * @throws DeployError LOCKED, TAMPERED_FILE, MISSING_FILE, TOO_LARGE
   */
  read(file: TrackedFile): Buffer {
    return this.#shown(file, this.stored(file));
  }

  /** The same, and never a stand-in: for what no chart and nobody sees. @throws as `read` does */
  readReal(file: TrackedFile): Buffer {
    return this.#open(file, this.stored(file));
  }

  /** The tree of another commit, read in the same way, with the same keys. */
  at(revision: Revision): Tree {
    return new Tree(revision, this.#keys, this.standInsAlone);
  }

  /** The contents of many files, a bounded amount at a time; an error for unreadable ones. */
  *readAll(files: readonly TrackedFile[]): Generator<[file: TrackedFile, content: Buffer | DeployError]> {
    const byPath = new Map(files.map((file) => [file.path, file]));
    for (const [{ path }, stored] of this.#revision.read(files)) {
      const file = byPath.get(path);
      if (file !== undefined) yield [file, attempt(() => this.#shown(file, stored))];
    }
  }

  /**
   * Asserts that each key that the caller named opens some encrypted file, if the commit has one
   * that it may be for; and that of the others one does.
   *
   * @throws DeployError WRONG_KEY
   */
  tryKeys(found: readonly TitledKey[]): void {
    const encrypted = [...this.files()].filter((file) => file.encrypted).toSorted((a, b) => a.bytes - b.bytes);
    const named = found.filter(({ title }) => title !== null);
    for (const { ring, title } of named) {
      // A key file need not tell its name; one that does is for the files of that name.
      const own = encrypted.filter(({ keyName }) => keyName === null || keyName === ring.name);
      const isForOthers = ring.stored.name === null;
      const tried = isForOthers ? [...own, ...encrypted.filter((file) => !own.includes(file))] : own;
      if (tried.length > 0 && !this.#opensSome(ring, tried)) throw wrongKey(title ?? "the key", tried.length);
    }
    if (found.length === 0 || named.length > 0 || encrypted.length === 0) return;
    const own = encrypted.filter(({ keyName }) => keyName === null || this.#isNamed(keyName));
    const samples = (own.length > 0 ? own : encrypted).slice(0, SAMPLES);
    if (!found.some(({ ring }) => this.#opensSome(ring, samples))) throw wrongKey("the key", samples.length);
  }

  /** Mostly the first will do, so that the smallest are read before all others. */
  #opensSome(ring: KeyRing, files: readonly TrackedFile[]): boolean {
    for (const part of [files.slice(0, SAMPLES), files.slice(SAMPLES)])
      for (const [, stored] of this.#revision.read(part)) if (ring.keyOf(stored) !== null) return true;
    return false;
  }

  /**
   * HMAC-SHA-256 of a text in hex, with a key for `purpose` that is derived from the git-crypt key;
   * of no secret without one.
   *
   * @param token another secret to derive it from
   */
  digest(purpose: string, text: string, token: string): string {
    const [entry] = this.#keys[0]?.stored.entries ?? [];
    const key = createHmac("sha256", entry?.hmacKey ?? "")
      .update(purpose + token)
      .digest();
    return createHmac("sha256", key).update(text).digest("hex");
  }

  /** Forgets the keys, and what was read. */
  wipe(): void {
    for (const key of this.#keys) key.wipe();
    this.#stored.clear();
  }

  #isNamed(name: string): boolean {
    return this.#keys.some((ring) => ring.name === name);
  }

  #isLocked(file: TrackedFile): boolean {
    if (!file.encrypted || !this.hasKey) return file.encrypted;
    const { keyName } = file;
    // A key file need not tell its name.
    return keyName !== null && !this.#isNamed(keyName) && this.#keyFor(this.#whole(file)) === undefined;
  }

  #keyFor(stored: Buffer): KeyRing | undefined {
    return this.#keys.find((ring) => ring.keyOf(stored) !== null);
  }

  #shown(file: TrackedFile, stored: Buffer): Buffer {
    const content = this.#open(file, stored);
    return this.standInsAlone === null || !file.encrypted ? content : this.standInsAlone.content(file.path, content);
  }

  #open(file: TrackedFile, stored: Buffer): Buffer {
    if (!this.#revision.isEncrypted(file)) return stored;
    const place = { file: file.path };
    if (file.locked) {
      const what = this.hasKey ? `with the key ${file.keyName}, which is not here` : "and there is no key";
      throw new DeployError("LOCKED", `${file.path} is encrypted${this.hasKey ? "" : ","} ${what}`, {
        hint: "give the key in $GIT_CRYPT_KEY, or unlock the repository first",
        remedy: "give-key",
        place,
      });
    }
    try {
      const content = this.#keyFor(stored)?.open(stored);
      if (content !== undefined) return content;
    } catch (error) {
      if (!(error instanceof GitCryptError)) throw error;
    }
    throw new DeployError("TAMPERED_FILE", `${file.path} was tampered with, or encrypted with another key`, { place });
  }
}
