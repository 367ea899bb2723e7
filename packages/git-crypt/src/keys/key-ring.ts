import { GitCryptError } from "../errors.ts";
import { decryptBlob, encryptBlob, isEncryptedBlob, tryDecrypt } from "../format/blob.ts";
import { type KeyFile, wipeKeyFile } from "../format/key-file.ts";
import { keyId } from "../format/key-id.ts";
import { DEFAULT_KEY_NAME } from "../format/key-name.ts";
import { isBlob } from "../git/objects.ts";
import type { Repository } from "../git/repository.ts";
import { openSealed, retirementsIn, sealedAnywhere } from "./committed-retired-keys.ts";
import { readRetired, storeRetired } from "./stored-keys.ts";

/** A blob that a key opened. */
export interface OpenedBlob {
  /** The key that encrypted it. */
  readonly key: KeyFile;
  /** Secret: overwrite it with zeros when done. */
  readonly content: Buffer;
}

/**
 * The keys of one name that are here: the one that is stored where git-crypt keeps it, and others,
 * the retired ones, that open what was encrypted before or on other branches. A blob does not say
 * which key it needs; the HMAC of its content tells.
 *
 * The others are looked for when they are needed: first on this machine; and once, where a blob
 * fits none of them, sealed in the commits that are here. As long as every blob fits the stored
 * key, nothing is read.
 *
 * Which of them encrypts what is new, {@link Repository.generations} says: of a repository without
 * an answer, the stored one.
 */
export class KeyRing {
  readonly name: string;
  readonly stored: KeyFile;
  readonly #repository: Repository;
  readonly #keeps: boolean;
  /** All keys by their ids; the stored one is the first. */
  #keys: Map<string, KeyFile> | undefined;
  #searched = false;
  /** The ids of keys that replaced one which is here, as files' names say. */
  #replacing: readonly string[] = [];

  /** The keys of one from elsewhere; nothing is stored. */
  static of(repository: Repository, key: KeyFile): KeyRing {
    return new KeyRing(repository, key.name ?? DEFAULT_KEY_NAME, key);
  }

  /** Where `keeps` is set, the retired keys that it finds are stored on this machine. */
  constructor(repository: Repository, name: string, stored: KeyFile, keeps = false) {
    this.name = name;
    this.stored = stored;
    this.#repository = repository;
    this.#keeps = keeps;
  }

  #here(): Map<string, KeyFile> {
    if (this.#keys === undefined) {
      this.#keys = new Map([[keyId(this.stored), this.stored]]);
      this.learn(readRetired(this.#repository, this.name));
    }
    return this.#keys;
  }

  /** The stored key, the others on this machine, and those that were found since. */
  get all(): readonly KeyFile[] {
    return [...this.#here().values()];
  }

  /** The others. */
  get retired(): readonly KeyFile[] {
    return this.all.slice(1);
  }

  /** Takes over keys that were not known, and gives them. */
  learn(keys: readonly KeyFile[]): readonly KeyFile[] {
    const here = this.#here();
    return keys.filter((key) => {
      const id = keyId(key);
      const isNew = !here.has(id);
      if (isNew) here.set(id, key);
      return isNew;
    });
  }

  /** The same keys, of which another is the stored one. */
  storing(key: KeyFile): KeyRing {
    const ring = new KeyRing(this.#repository, this.name, key);
    ring.learn(this.all);
    return ring;
  }

  /**
   * Looks for retired keys in the commits; gives those that were not known. Where a log names the
   * keys that may be used, no other is taken.
   */
  search(): readonly KeyFile[] {
    if (this.#searched) return [];
    this.#searched = true;
    const known = this.#repository.generations(this.name)?.known;
    const sealed = sealedAnywhere(this.#repository, this.name);
    const counting = sealed.filter(({ id, sealer }) => known === undefined || (known.has(id) && known.has(sealer)));
    const here = this.#here();
    const found = this.learn(openSealed(this.#repository, counting, here));
    // Only who has a key knows its id where no log has it, and so that it was replaced.
    this.#replacing = sealed.flatMap(({ id, sealer }) => (here.has(id) ? sealer : []));
    if (this.#keeps) {
      try {
        storeRetired(this.#repository, this.name, found);
      } catch {
        // The folder cannot be written: they are found again.
      }
    }
    return found;
  }

  /**
   * Whether the log names a key that is not here; without a log, whether a file's name says that
   * one took the place of a key which is here. It tells what is not to be opened yet from what
   * never will: so no name that anybody may write counts.
   */
  get isLacking(): boolean {
    this.search();
    const named = this.#repository.generations(this.name)?.known ?? this.#replacing;
    return [...named].some((id) => !this.#here().has(id));
  }

  /** The key of that id; null where it is not here. */
  find(id: string): KeyFile | null {
    if (!this.#here().has(id)) this.search();
    return this.#here().get(id) ?? null;
  }

  /**
   * The key that encrypts what is new: that of the branch which is checked out, wherever it lies.
   *
   * @throws GitCryptError RETIRED_KEY where it is not here; NO_CURRENT_KEY where there is none.
   */
  encrypting(): KeyFile {
    const generations = this.#repository.generations(this.name);
    if (generations === null) return this.stored;
    if (generations.current === null) throw noCurrentKey(this.name, generations.problem);
    const key = this.find(generations.current);
    if (key === null) throw retiredKey(this.name);
    return key;
  }

  /**
   * Gives what tells of a key that is here whether another took its place, so that the files of
   * `index` should not be encrypted with it. Without a log the names of retired keys' files say so.
   */
  replacedIn(index: readonly { readonly name: string }[]): (key: KeyFile) => boolean {
    const generations = this.#repository.generations(this.name);
    if (generations !== null) return (key) => generations.current !== null && keyId(key) !== generations.current;
    const said = new Set(retirementsIn(index, this.name).map(({ id }) => id));
    return (key) => key !== this.stored && said.has(keyId(key));
  }

  /**
   * Whether a newer key, which may be used, is known to replace an older one: a commit that is here
   * holds that sealed with it, as only who has both can write.
   */
  isSuccessor(newer: KeyFile, older: KeyFile): boolean {
    const [id, olderId] = [keyId(newer), keyId(older)];
    if (this.#repository.generations(this.name)?.known.has(id) !== true) return false;
    const sealed = sealedAnywhere(this.#repository, this.name).filter((one) => one.id === olderId);
    const opened = openSealed(this.#repository, sealed, new Map([[id, newer]]));
    opened.forEach(wipeKeyFile);
    return opened.length > 0;
  }

  /**
   * The key that encrypted a blob, and the content; null where it is not one, or no key here did.
   *
   * @param inPlace whether the content takes the ciphertext's place, in the blob's own memory
   */
  tryOpen(blob: Uint8Array, inPlace = false): OpenedBlob | null {
    if (!isEncryptedBlob(blob)) return null;
    for (const keys of [() => [this.stored], () => this.retired, () => this.search()]) {
      for (const key of keys()) {
        const content = tryDecrypt(key, blob, inPlace);
        if (content !== null) return { key, content };
      }
    }
    return null;
  }

  /** The key that encrypted a blob; null where it is not one, or no key here did. */
  keyOf(blob: Uint8Array): KeyFile | null {
    const found = this.tryOpen(blob);
    found?.content.fill(0);
    return found?.key ?? null;
  }

  /**
   * Decrypts a blob.
   *
   * @param inPlace as in {@link tryOpen}; where this throws, the blob is as it was
   * @throws GitCryptError MALFORMED_BLOB; where no key opens it, RETIRED_KEY if there is one
   * that is not here; TAMPERED_BLOB.
   */
  open(blob: Uint8Array, inPlace = false): Buffer {
    const found = this.tryOpen(blob, inPlace);
    if (found !== null) return found.content;
    if (isEncryptedBlob(blob) && this.isLacking) throw retiredKey(this.name);
    return decryptBlob(this.stored, blob); // It says what is wrong.
  }

  /**
   * What the work tree holds for a blob: its content, made in the blob's own memory, which a large
   * file is not to take twice. What is not encrypted is given back as it is; where this throws, the
   * blob is as it was.
   */
  smudge(blob: Uint8Array): Uint8Array {
    return isEncryptedBlob(blob) ? this.open(blob, true) : blob;
  }

  /**
   * What git stores for a content. Where `isStored` says that the index holds what one of the keys
   * makes of it, that: so the files of an old commit are not modified. What the index holds
   * already, or one of the keys encrypted, is given back as it is: a file that is still, or again,
   * locked. Only what is new is encrypted with the key of the branch.
   *
   * @throws GitCryptError as {@link encrypting} does.
   */
  clean(content: Uint8Array, isStored: (blob: Uint8Array) => boolean): Uint8Array {
    return this.#encrypt(content, isStored, () => this.encrypting());
  }

  /**
   * The same for a work tree that is locked, which must always be possible: where the branch has no
   * key that is here, the stored one takes its place.
   */
  seal(content: Uint8Array, isStored: (blob: Uint8Array) => boolean): Uint8Array {
    return this.#encrypt(content, isStored, () => {
      const id = this.#repository.generations(this.name)?.current ?? null;
      return (id === null ? null : this.find(id)) ?? this.stored;
    });
  }

  #encrypt(content: Uint8Array, isStored: (blob: Uint8Array) => boolean, choose: () => KeyFile): Uint8Array {
    if (isEncryptedBlob(content) && (isStored(content) || this.keyOf(content) !== null)) return content;
    const first = encryptBlob(this.stored, content);
    if (isStored(first)) return first;
    for (const key of this.retired) {
      const other = encryptBlob(key, content);
      if (isStored(other)) return other;
    }
    const key = choose();
    return key === this.stored ? first : encryptBlob(key, content);
  }

  /** Tells whether one of the keys makes of `content` the blob that git calls `oid`. */
  makes(oid: string, content: Uint8Array): boolean {
    const makesIt = (key: KeyFile): boolean => isBlob(oid, encryptBlob(key, content));
    return makesIt(this.stored) || this.retired.some(makesIt) || this.search().some(makesIt);
  }

  /** Zeroes the retired keys. The ring reads them again where it needs them. */
  forget(): void {
    this.#keys?.forEach((key) => key !== this.stored && wipeKeyFile(key));
    this.#keys = undefined;
    this.#searched = false;
  }

  /** Zeroes all keys. */
  wipe(): void {
    this.forget();
    wipeKeyFile(this.stored);
  }
}

/** The key that is needed is another than those that are here. */
export const retiredKey = (keyName: string, hint?: string): GitCryptError =>
  new GitCryptError("RETIRED_KEY", `the key ${keyName} was replaced by a new one, which this clone does not have`, {
    hint,
  });

const noCurrentKey = (keyName: string, problem: string | null): GitCryptError =>
  new GitCryptError("NO_CURRENT_KEY", `nothing can be encrypted with the key ${keyName}: ${problem ?? "it has none"}`);

/** A name's keys in a repository; {@link Repository.readKey} gives the stored one. */
export function readKeyRing(repository: Repository, keyName: string): KeyRing {
  const { bytes, keyFile } = repository.readKey(keyName);
  bytes.fill(0);
  return new KeyRing(repository, keyName, keyFile, true);
}
