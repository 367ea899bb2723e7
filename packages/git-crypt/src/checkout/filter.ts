import { GitCryptError } from "../errors.ts";
import { isEncryptedBlob, seemsEncrypted, startSeemsEncrypted } from "../format/blob.ts";
import { shown } from "../format/file-name.ts";
import { isAltered } from "../keys/altered-blobs.ts";
import { IndexBlobs } from "../keys/index-blobs.ts";
import { type KeyRing, readKeyRing, retiredKey } from "../keys/key-ring.ts";
import { DEFAULT_KEY_NAME } from "../format/key-name.ts";
import { VAULT_FOLDER, isWithin } from "../git/own-folders.ts";
import type { Repository } from "../git/repository.ts";
import { answerGit, type ApplyFilter, type FilterAction } from "./filter-protocol.ts";

/** How a filter is run. */
export interface FilterOptions {
  /** The key that it works with: `default` where left out. */
  readonly keyName?: string;
  /** Reports a file's problem, by printable name; git then stops, as the filter is required. */
  readonly onError?: (error: unknown, path: string) => void;
  /**
   * Is told in the end, once for each reason, which files stay encrypted in the work tree, by
   * printable names. git goes on.
   */
  readonly onSealed?: (reason: GitCryptError, files: readonly string[]) => void;
  /**
   * Is called once before that, for the one who opened the repository to find out which keys there
   * are elsewhere: in the middle of a pull, the index does not tell yet.
   */
  readonly lookElsewhere?: () => void;
}

/** What is said of a blob that no key opens. */
const UNOPENED: ReadonlySet<string> = new Set(["RETIRED_KEY", "TAMPERED_BLOB", "MALFORMED_BLOB"]);

/**
 * The filter with the keys of one name. A blob that no key here opens stays encrypted in the work
 * tree, as in a locked clone. Else git would stop in the middle of a pull, with half of the files
 * written: the key may come with that very pull; and anyone who commits junk would keep all others
 * from pulling.
 *
 * Where no key of that name is here, it keeps plaintext from being stored: what is encrypted, empty
 * or in the index already passes, and nothing else.
 */
class Filter {
  readonly #keyName: string;
  /** Null where there are none, and the filter is but a guard. */
  readonly #keys: KeyRing | null;
  readonly #blobs: IndexBlobs;
  readonly #repository: Repository;
  readonly #onSealed: FilterOptions["onSealed"];
  #lookElsewhere: FilterOptions["lookElsewhere"];
  /** The files that stay encrypted, by the reason's message. */
  readonly #sealed = new Map<string, { readonly reason: GitCryptError; readonly files: readonly string[] }>();

  constructor(repository: Repository, { keyName = DEFAULT_KEY_NAME, ...on }: FilterOptions) {
    this.#keyName = keyName;
    this.#keys = repository.keyNames().includes(keyName) ? readKeyRing(repository, keyName) : null;
    this.#blobs = new IndexBlobs(repository);
    this.#repository = repository;
    this.#onSealed = on.onSealed;
    this.#lookElsewhere = on.lookElsewhere;
  }

  apply(action: FilterAction, content: Uint8Array, name?: string): Uint8Array {
    return action === "smudge" ? this.#smudge(content, name) : this.#clean(content, name);
  }

  #smudge(blob: Uint8Array, name: string | undefined): Uint8Array {
    const keys = this.#keys;
    if (keys === null) return blob;
    try {
      return keys.smudge(blob);
    } catch (error) {
      if (!(error instanceof GitCryptError && UNOPENED.has(error.code))) throw error;
      const reason = this.#reasonOf(keys, blob, name);
      const files = this.#sealed.get(reason.message)?.files ?? [];
      this.#sealed.set(reason.message, { reason, files: name === undefined ? files : [...files, shown(name)] });
      return blob;
    }
  }

  #reasonOf(keys: KeyRing, blob: Uint8Array, name: string | undefined): GitCryptError {
    const older = name === undefined ? null : this.#blobs.oidOf(name);
    if (isAltered(this.#repository, keys, blob, older === null ? [] : [older])) return alteredBlob();
    this.#lookElsewhere?.();
    this.#lookElsewhere = undefined;
    return keys.isLacking ? retiredKey(keys.name) : strangeBlob();
  }

  #clean(content: Uint8Array, name: string | undefined): Uint8Array {
    // Whatever attributes somebody wrote: it is encrypted already, or to be read without a key.
    if (name !== undefined && isWithin([VAULT_FOLDER], name)) return content;
    const isStored = (blob: Uint8Array): boolean => this.#blobs.holds(blob, name);
    // Of ciphertext that is whole, either git knows it, or a key here opens it.
    const isWhole = (): boolean => this.#blobs.knows(content) || this.#opens(content);
    if (this.#blobs.isEdit(content, name) && !isWhole()) throw editedCiphertext();
    if (this.#keys === null) return this.#guard(content, isStored);
    // What stayed encrypted in the work tree is not encrypted twice, wherever it was moved.
    if (isEncryptedBlob(content)) {
      if (this.#blobs.knows(content)) return content;
      if (startSeemsEncrypted(content) && !this.#opens(content)) throw editedCiphertext();
    }
    return this.#keys.clean(content, isStored);
  }

  #opens(content: Uint8Array): boolean {
    return this.#keys !== null && this.#keys.keyOf(content) !== null;
  }

  #guard(content: Uint8Array, isStored: (blob: Uint8Array) => boolean): Uint8Array {
    if (content.length === 0 || seemsEncrypted(content) || isStored(content)) return content;
    throw new GitCryptError(
      "LOCKED",
      `the key ${this.#keyName} protects it, and this clone does not have that key: it would be stored unencrypted`,
      { hint: "unlock the repository with that key first" },
    );
  }

  /** Tells what stays encrypted, and wipes the keys. */
  end(): void {
    this.#keys?.wipe();
    for (const { reason, files } of this.#sealed.values()) this.#onSealed?.(reason, files);
  }
}

const editedCiphertext = (): GitCryptError =>
  new GitCryptError("TAMPERED_BLOB", "it was changed after it was encrypted, so no key opens it", {
    hint: "restore the file with `git checkout HEAD -- FILE`, unlock the repository, and then edit it",
  });

const alteredBlob = (): GitCryptError =>
  new GitCryptError("TAMPERED_BLOB", "it was changed after it was encrypted", {
    hint: "restore the file from an older commit",
  });

const strangeBlob = (): GitCryptError =>
  new GitCryptError(
    "TAMPERED_BLOB",
    "no key in this clone opens it: it was encrypted with another key, or changed afterwards",
    {
      hint: "when git is done, see the repository's status: a key that was pulled may open it; if not, restore the file",
    },
  );

/**
 * Cleans or smudges one content, as {@link runFilter} does with many; git does not tell whose it
 * is. The result is the content itself where it is not changed; else `smudge` may make it in the
 * content's memory.
 *
 * @throws GitCryptError LOCKED; KEY_FILE_UNREADABLE, MALFORMED_KEY_FILE; RETIRED_KEY,
 * NO_CURRENT_KEY in cleaning what is new; RangeError for 4 GiB and more.
 */
export function filterContent(
  repository: Repository,
  action: FilterAction,
  content: Uint8Array,
  options: Omit<FilterOptions, "onError"> = {},
): Uint8Array {
  const filter = new Filter(repository, options);
  try {
    return filter.apply(action, content);
  } finally {
    filter.end();
  }
}

/**
 * Serves as git's long-running filter process: see {@link answerGit}.
 *
 * Each file is read whole before it is answered. A file that fails is answered with an error, and
 * `onError` is told why: where the key is missing, clean fails for plaintext that is new, so that
 * git stores none. Files that no key here opens stay encrypted in the work tree, which `onSealed`
 * is told; so they pass clean as they are. Where the branch's key is not here, or it has none,
 * clean fails for what is new: anyone who has but an older key could read it.
 *
 * @throws GitCryptError BAD_PROTOCOL; what the file descriptors throw, a broken pipe among it.
 */
export function runFilter(repository: Repository, input: number, output: number, options: FilterOptions = {}): void {
  const { onError } = options;
  let filter: Filter | undefined;
  const apply: ApplyFilter = (action, content, name) => {
    filter ??= new Filter(repository, options);
    return filter.apply(action, content, name);
  };
  try {
    answerGit(input, output, apply, (error, name) => onError?.(error, shown(name)));
  } finally {
    filter?.end();
  }
}
