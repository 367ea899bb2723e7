import {
  type BigIntStats,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  futimesSync,
  openSync,
  readlinkSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { constants as bufferLimits } from "node:buffer";
import { join } from "node:path";
import { systemCode } from "@git-vault/core";
import { GitCryptError } from "../errors.ts";
import { chunksOf } from "../format/blob.ts";
import { locate, shown } from "../format/file-name.ts";
import { noteChange } from "../answers.ts";
import { isUnchanged, statOf } from "./lock-files.ts";
import { isBlob } from "./objects.ts";
import { makeTempFolder, removeTempFolders } from "./temp-folder.ts";

/** The largest file that git-crypt encrypts, encrypted, as far as Node holds so much at once. */
const MOST_BYTES = Math.min(2 ** 32 - 1 + 22, bufferLimits.MAX_LENGTH);

/** node:fs reads less than 2 GiB in one call. */
const MOST_AT_ONCE = 2 ** 30;

/** A regular file of a work tree as it was read. */
export interface FoundFile {
  readonly content: Buffer;
  readonly stat: BigIntStats;
}

const unwritable = (name: string, cause: unknown): GitCryptError =>
  new GitCryptError("UNWRITABLE", `the file ${shown(name)} cannot be written: ${systemCode(cause) ?? "unknown"}`, {
    hint: "check the permissions of its folder and the space left, then run the command again",
    cause,
  });

/**
 * Reads and replaces the files of a work tree, by names whose characters are bytes. It follows no
 * symbolic link below the top folder.
 */
export class WorkTree {
  readonly #topLevel: string;
  readonly #gitDir: string;
  /** Whether a folder, by its name, is a real one. */
  readonly #folders = new Map<string, boolean>();
  #tempFolder: string | undefined;
  #count = 0;

  /** On the same file system as `gitDir` if possible: git does not see unfinished files. */
  constructor(topLevel: string, gitDir: string) {
    this.#topLevel = topLevel;
    this.#gitDir = gitDir;
  }

  #isRealFolder(name: string): boolean {
    if (name === "") return true;
    const known = this.#folders.get(name);
    if (known !== undefined) return known;
    let real = this.#isRealFolder(name.slice(0, Math.max(0, name.lastIndexOf("/"))));
    if (real) real = statOf(locate(this.#topLevel, name))?.isDirectory() ?? false;
    this.#folders.set(name, real);
    return real;
  }

  #isReachable(name: string): boolean {
    return this.#isRealFolder(name.slice(0, Math.max(0, name.lastIndexOf("/"))));
  }

  #statOf(name: string): BigIntStats | undefined {
    return this.#isReachable(name) ? statOf(locate(this.#topLevel, name)) : undefined;
  }

  /** Reads a regular file; null where there is none by that name, or something else. */
  read(name: string): FoundFile | null {
    if (!this.#isReachable(name)) return null;
    let file: number;
    try {
      const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
      file = openSync(locate(this.#topLevel, name), flags);
    } catch (error) {
      const code = systemCode(error) ?? "unknown";
      if (["ENOENT", "ENOTDIR", "ELOOP", "EMLINK", "ENXIO"].includes(code)) return null;
      throw new GitCryptError("GIT_FAILED", `the file ${shown(name)} cannot be read: ${code}`, { cause: error });
    }
    try {
      const stat = fstatSync(file, { bigint: true });
      if (!stat.isFile()) return null;
      if (stat.size > MOST_BYTES) {
        throw new GitCryptError("GIT_FAILED", `the file ${shown(name)} cannot be read: it has 4 GiB or more`, {
          hint: "git-crypt encrypts only smaller files: stop protecting this one",
        });
      }
      const content = Buffer.allocUnsafe(Number(stat.size));
      let length = 0;
      for (let count = -1; count !== 0 && length < content.length; length += count) {
        count = readSync(file, content, length, Math.min(content.length - length, MOST_AT_ONCE), null);
      }
      return { content: content.subarray(0, length), stat };
    } finally {
      closeSync(file);
    }
  }

  /** Whether a file, or a symlink's target, is exactly the blob `oid`. */
  holds(name: string, oid: string): boolean {
    const isLink = this.#statOf(name)?.isSymbolicLink() === true;
    const content = isLink ? readlinkSync(locate(this.#topLevel, name), "buffer") : this.read(name)?.content;
    return content !== undefined && isBlob(oid, content);
  }

  /** Tells whether anything lies by that name. */
  has(name: string): boolean {
    return this.#statOf(name) !== undefined;
  }

  /**
   * Puts `content` in the place of the file that was found, whole or not at all, with the same
   * permissions; null where the file was changed meanwhile. The new one is dated a second back: git
   * reads a file again that is as young as the index.
   *
   * @throws GitCryptError UNWRITABLE.
   */
  replace(name: string, content: Uint8Array, found: BigIntStats): BigIntStats | null {
    this.#folders.clear(); // One of them may have become a link since.
    if (!this.#isReachable(name)) return null;
    const path = locate(this.#topLevel, name);
    noteChange();
    try {
      const unfinished = join((this.#tempFolder ??= makeTempFolder(this.#gitDir)), String(this.#count++));
      const file = openSync(unfinished, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC, 0o600);
      try {
        writeWhole(file, content, found);
      } finally {
        closeSync(file);
      }
      if (!isUnchanged(found, statOf(path))) {
        rmSync(unfinished);
        return null;
      }
      this.#move(unfinished, path, content, found);
      return statOf(path) ?? null;
    } catch (error) {
      throw error instanceof GitCryptError ? error : unwritable(name, error);
    }
  }

  /** If the work tree is on another file system, the file is written in place. */
  #move(unfinished: string, path: string | Buffer, content: Uint8Array, found: BigIntStats): void {
    try {
      renameSync(unfinished, path);
    } catch (error) {
      if (systemCode(error) !== "EXDEV") throw error;
      rmSync(unfinished);
      const file = openSync(path, constants.O_WRONLY | constants.O_TRUNC | (constants.O_NOFOLLOW ?? 0));
      try {
        writeWhole(file, content, found);
      } finally {
        closeSync(file);
      }
    }
  }

  /** Removes what this process and killed ones left unfinished. */
  tidy(): void {
    removeTempFolders(this.#gitDir);
    this.#tempFolder = undefined;
  }
}

function writeWhole(file: number, content: Uint8Array, { mode }: BigIntStats): void {
  for (const chunk of chunksOf(content)) {
    for (let offset = 0; offset < chunk.length;) offset += writeSync(file, chunk, offset);
  }
  fchmodSync(file, Number(mode & 0o777n));
  const past = Math.floor(Date.now() / 1000) - 1;
  futimesSync(file, past, past);
}
