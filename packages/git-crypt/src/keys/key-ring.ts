import { GitCryptError } from "../errors.ts";
import { decryptBlob, encryptBlob, isEncryptedBlob, tryDecrypt } from "../format/blob.ts";
import { type KeyFile, wipeKeyFile } from "../format/key-file.ts";
import { keyId } from "../format/key-id.ts";
import { DEFAULT_KEY_NAME } from "../format/key-name.ts";
import type { CommonPlace } from "../git/git.ts";
import { isBlob } from "../git/objects.ts";
import type { Repository } from "../git/repository.ts";
import { openSealed, presentIn, retires, sealedAnywhere, type SealedRetired } from "./committed-retired-keys.ts";
import { readRetired, storeRetired } from "./stored-keys.ts";

/**
 * The keys of one name: the current one, which encrypts, and the retired ones, which open what was
 * encrypted before a rotation. A blob does not say which key it needs; the HMAC of its content
 * tells.
 *
 * Retired keys are looked for when they are needed: first on this machine; and once, where a blob
 * fits none of them, sealed under the current key in the commits that are here. As long as every
 * blob fits the current key, nothing is read.
 */
export class KeyRing {
  readonly name: string;
  readonly current: KeyFile;
  readonly #place: CommonPlace;
  readonly #keeps: boolean;
  #retired: KeyFile[] | undefined;
  #searched = false;
  #replaced: ReadonlySet<string> = new Set();
  /** What the commits say of keys that are not here. */
  #lack: "newer" | "other" | null = null;

  /** The keys of one from elsewhere; nothing is stored. */
  static of(place: CommonPlace, current: KeyFile): KeyRing {
    return new KeyRing(place, current.name ?? DEFAULT_KEY_NAME, current);
  }

  /** Where `keeps` is set, the retired keys that it finds are stored on this machine. */
  constructor(place: CommonPlace, name: string, current: KeyFile, keeps = false) {
    this.name = name;
    this.current = current;
    this.#place = place;
    this.#keeps = keeps;
  }

  /** The retired keys on this machine, and those that were found since. */
  get retired(): readonly KeyFile[] {
    return (this.#retired ??= this.#others(readRetired(this.#place, this.name)));
  }

  /** The current key, the retired ones on this machine, and those that were found since. */
  get all(): readonly KeyFile[] {
    return [this.current, ...this.retired];
  }

  #others(keys: readonly KeyFile[]): KeyFile[] {
    const known = new Set([keyId(this.current), ...(this.#retired ?? []).map(keyId)]);
    return keys.filter((key) => {
      const id = keyId(key);
      const isNew = !known.has(id);
      known.add(id);
      return isNew;
    });
  }

  /** Looks for retired keys in the commits; gives those that were not known. */
  search(): readonly KeyFile[] {
    if (this.#searched) return [];
    this.#searched = true;
    const known = this.retired;
    const sealed = sealedAnywhere(this.#place, this.name);
    const replaced = openSealed(this.#place, sealed, this.current);
    this.#replaced = new Set(replaced.map(keyId));
    // Where two branches were rotated, the key of the other one has its own.
    const further = known.flatMap((key) => openSealed(this.#place, sealed, key));
    const found = this.#others([...replaced, ...further]);
    this.#retired = [...known, ...found];
    this.#lack = this.#lackOf(sealed);
    if (this.#keeps) {
      try {
        storeRetired(this.#place, this.name, found);
      } catch {
        // The folder cannot be written: they are found again.
      }
    }
    return found;
  }

  #lackOf(sealed: readonly SealedRetired[]): "newer" | "other" | null {
    if (retires(sealed, this.current)) return "newer";
    const here = new Set(this.all.map(keyId));
    return [...presentIn(sealed, this.all)].some((present) => !here.has(present)) ? "other" : null;
  }

  /**
   * The ids of the keys that the current one replaced, as commits that are here prove: they hold
   * them, sealed with it.
   */
  get replaced(): ReadonlySet<string> {
    this.search();
    return this.#replaced;
  }

  /** Takes over keys that are no more, or not yet, the current one. */
  learn(keys: readonly KeyFile[]): void {
    const known = this.retired;
    this.#retired = [...this.#others(keys), ...known];
  }

  /**
   * The key that encrypted a blob, and the content; null where it is not one, or no key here did.
   *
   * @param inPlace whether the content takes the ciphertext's place, in the blob's own memory
   */
  tryOpen(blob: Uint8Array, inPlace = false): { readonly key: KeyFile; readonly content: Buffer } | null {
    if (!isEncryptedBlob(blob)) return null;
    for (const keys of [() => [this.current], () => this.retired, () => this.search()]) {
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
   * @throws GitCryptError MALFORMED_BLOB; where no key opens it, RETIRED_KEY if the current one was
   * retired, FORKED_KEY if the commits tell of another one that is not here; TAMPERED_BLOB.
   */
  open(blob: Uint8Array, inPlace = false): Buffer {
    const found = this.tryOpen(blob, inPlace);
    if (found !== null) return found.content;
    if (this.#lack === "newer") throw retiredKey(this.name);
    if (this.#lack === "other") throw forkedKey(this.name);
    return decryptBlob(this.current, blob); // It says what is wrong.
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
   * What git stores for a content: under the current key, unless `isStored` says that the index
   * holds exactly what a retired key makes of it. So the files of an old commit are not modified.
   * What the index holds already, or one of the keys encrypted, is given back as it is: a file that
   * is still, or again, locked.
   */
  clean(content: Uint8Array, isStored: (blob: Uint8Array) => boolean): Uint8Array {
    if (isEncryptedBlob(content) && (isStored(content) || this.keyOf(content) !== null)) return content;
    const blob = encryptBlob(this.current, content);
    if (this.retired.length === 0 || isStored(blob)) return blob;
    for (const key of this.retired) {
      const other = encryptBlob(key, content);
      if (isStored(other)) return other;
    }
    return blob;
  }

  /** Tells whether one of the keys makes of `content` the blob that git calls `oid`. */
  makes(oid: string, content: Uint8Array): boolean {
    const makesIt = (key: KeyFile): boolean => isBlob(oid, encryptBlob(key, content));
    return makesIt(this.current) || this.retired.some(makesIt) || this.search().some(makesIt);
  }

  /** Zeroes the retired keys. The ring reads them again where it needs them. */
  forget(): void {
    this.#retired?.forEach(wipeKeyFile);
    this.#retired = undefined;
    this.#searched = false;
  }

  /** Zeroes all keys. */
  wipe(): void {
    wipeKeyFile(this.current);
    this.forget();
  }
}

/** A key that a rotation replaced was given, or is all that is here. */
export const retiredKey = (keyName: string): GitCryptError =>
  new GitCryptError("RETIRED_KEY", `the key ${keyName} was replaced by another, which is not here`);

/** Two branches were rotated, and the key of one of them is missing. */
export const forkedKey = (keyName: string, hint?: string): GitCryptError =>
  new GitCryptError("FORKED_KEY", `the key ${keyName} was rotated on two branches, and the other new key is not here`, {
    hint,
  });

/** Whether the key that a blob needs is one that commits tell of, and is not here. */
export const lacksKey = (error: unknown): error is GitCryptError =>
  error instanceof GitCryptError && (error.code === "RETIRED_KEY" || error.code === "FORKED_KEY");

/** A name's keys in a repository; {@link Repository.readKey} gives the current one. */
export function readKeyRing(repository: Repository, keyName: string): KeyRing {
  const { bytes, keyFile } = repository.readKey(keyName);
  bytes.fill(0);
  return new KeyRing(repository, keyName, keyFile, true);
}
