import { createHash, hash } from "node:crypto";
import {
  type BigIntStats,
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { systemCode } from "@git-vault/core";
import { whileSame } from "./file-memory.ts";
import { type CommonPlace, type GitPlace, listOf, runGit, tryGit } from "./git.ts";
import { noteStretch, readStretch, type Stretch } from "./index-stretch.ts";
import { lockHeld, removeStaleLocks, replaceLocked, retry } from "./lock-files.ts";
import { listIndex } from "./protected-files.ts";
import type { WorkTree } from "./work-tree.ts";

/** A file of the work tree whose content is that of the index, as the file system describes it. */
export interface FreshFile {
  readonly oid: string;
  readonly stat: BigIntStats;
}

/*
 * git's index (gitformat-index): a header of 12 bytes, entries, extensions, and the hash of all
 * that. An entry begins with what stat(2) said of the file: 32 bits each of ctime and mtime in
 * seconds and nanoseconds, dev, ino, mode, uid, gid, size.
 */
const HEADER_BYTES = 12;
const STAT = { mtime: 8, mode: 24, size: 36, end: 40 } as const;
const EXTENDED = 0x4000;
const STAGES = 0x3000;
/** The end of the flags holds a name's length; all ones stand for that and for more. */
const NAME_LENGTH = 0xfff;
const GITLINK = 0o160000;
const SLASH = 0x2f;

const low32 = (value: bigint): number => Number(BigInt.asUintN(32, value));

/** Writes what git remembers of a file over what it remembered; tells whether that differs. */
function describe(bytes: Buffer, at: number, stat: BigIntStats): boolean {
  const before = Buffer.from(bytes.subarray(at, at + STAT.end));
  const nanoseconds = 1_000_000_000n;
  const fields = [
    low32(stat.ctimeNs / nanoseconds),
    Number(stat.ctimeNs % nanoseconds),
    low32(stat.mtimeNs / nanoseconds),
    Number(stat.mtimeNs % nanoseconds),
    low32(stat.dev),
    low32(stat.ino),
    bytes.readUInt32BE(at + STAT.mode),
    low32(stat.uid),
    low32(stat.gid),
    low32(stat.size),
  ];
  for (const [index, value] of fields.entries()) bytes.writeUInt32BE(value, at + 4 * index);
  return !before.equals(bytes.subarray(at, at + STAT.end));
}

/** An entry, and where it is; the characters of its name are bytes. */
interface Entry {
  readonly at: number;
  readonly flags: number;
  readonly name: string;
  readonly end: number;
}

/** Where entries begin, and how many there are from there on. */
interface Entries {
  readonly first: number;
  readonly count: number;
}

const allEntries = (bytes: Buffer): Entries => ({ first: HEADER_BYTES, count: bytes.readUInt32BE(8) });

function* entriesOf(bytes: Buffer, oidBytes: number, { first, count } = allEntries(bytes)): Generator<Entry> {
  const version = bytes.readUInt32BE(4);
  let at = first;
  let name = "";
  for (let left = count; left > 0; left--) {
    const flags = bytes.readUInt16BE(at + STAT.end + oidBytes);
    let from = at + STAT.end + oidBytes + 2 + ((flags & EXTENDED) === 0 ? 0 : 2);
    if (version === 4) {
      // The name is the one before it, less so many bytes, and what follows (a number as in pack
      // files' offsets).
      let byte = bytes.readUInt8(from++);
      let less = byte & 127;
      while ((byte & 128) !== 0) {
        byte = bytes.readUInt8(from++);
        less = ((less + 1) << 7) + (byte & 127);
      }
      const end = bytes.indexOf(0, from);
      name = name.slice(0, name.length - less) + bytes.toString("latin1", from, end);
      yield { at, flags, name, end: end + 1 };
      at = end + 1;
    } else {
      const end = bytes.indexOf(0, from);
      name = bytes.toString("latin1", from, end);
      const next = at + Math.ceil((end + 1 - at) / 8) * 8;
      yield { at, flags, name, end: next };
      at = next;
    }
  }
}

/**
 * Passes over the entries whose names come before `start`, as fast as can be: nothing is made of
 * them. It ends early at what is out of the ordinary, such as a folder of a sparse index.
 */
function entriesFrom(bytes: Buffer, oidBytes: number, start: string, known: Stretch | null = null): Entries {
  const all = allEntries(bytes);
  // Names are whole but in version 4.
  if (bytes.readUInt32BE(4) === 4) return all;
  const wanted = Buffer.from(start, "latin1");
  const isPast = known !== null && start > known.folder && !start.startsWith(known.folder);
  let { first, count } = all;
  while (count > 0) {
    if (isPast && first === known.from) {
      first += known.length;
      count -= known.entries;
      continue;
    }
    const name = plainName(bytes, first, oidBytes);
    if (name === null || bytes.compare(wanted, 0, wanted.length, name.from, name.end) >= 0) break;
    first = name.next;
    count -= 1;
  }
  return { first, count };
}

/**
 * Where the name of an entry lies, and the next entry; null where it is out of the ordinary. Names
 * are whole but in version 4.
 */
function plainName(bytes: Buffer, at: number, oidBytes: number): { from: number; end: number; next: number } | null {
  const flags = bytes.readUInt16BE(at + STAT.end + oidBytes);
  const from = at + STAT.end + oidBytes + 2 + ((flags & EXTENDED) === 0 ? 0 : 2);
  const end = from + (flags & NAME_LENGTH);
  const isPlain = end > from && end < from + NAME_LENGTH && bytes[end] === 0 && bytes[end - 1] !== SLASH;
  return isPlain ? { from, end, next: at + Math.ceil((end + 1 - at) / 8) * 8 } : null;
}

function hasHeader(bytes: Buffer): boolean {
  const version = bytes.length < HEADER_BYTES ? 0 : bytes.readUInt32BE(4);
  return bytes.toString("latin1", 0, 4) === "DIRC" && version >= 2 && version <= 4;
}

function isSplit(bytes: Buffer, from: number, end: number): boolean {
  for (let at = from; at + 8 <= end; at += 8 + bytes.readUInt32BE(at + 4)) {
    if (bytes.toString("latin1", at, at + 4) === "link") return true;
  }
  return false;
}

/**
 * Changes, in the bytes of an index, what git remembers of the files given. Entries as young as the
 * index may have changed without a trace: unless `holds` says that a file still has the content,
 * the entry loses the size that is remembered of it, as in git's own writing, and git compares the
 * content again.
 *
 * Gives whether anything changed; null where the index is not one that is understood whole.
 */
export function refreshEntries(
  bytes: Buffer,
  written: bigint,
  files: ReadonlyMap<string, FreshFile>,
  holds: (name: string, oid: string) => boolean,
): boolean | null {
  const oidBytes = (files.values().next().value?.oid.length ?? 0) / 2;
  if (!hasHeader(bytes) || oidBytes === 0) return null;
  const algorithm = oidBytes === 32 ? "sha256" : "sha1";
  const end = bytes.length - oidBytes;
  const trailer = bytes.subarray(end);
  const unhashed = trailer.every((byte) => byte === 0); // index.skipHash
  if (!unhashed && !createHash(algorithm).update(bytes.subarray(0, end)).digest().equals(trailer)) return null;
  const second = low32(written / 1_000_000_000n);
  let changed = false;
  let last = HEADER_BYTES;
  const young: { at: number; name: string; oid: string }[] = [];
  for (const { at, flags, name, end: next } of entriesOf(bytes, oidBytes)) {
    last = next;
    const file = (flags & STAGES) === 0 ? files.get(name) : undefined;
    const oid = bytes.toString("hex", at + STAT.end, at + STAT.end + oidBytes);
    if (file?.oid === oid) {
      if (describe(bytes, at, file.stat)) changed = true;
    } else if (bytes.readUInt32BE(at + STAT.mtime) >= second && bytes.readUInt32BE(at + STAT.mode) !== GITLINK) {
      young.push({ at, name, oid });
    }
  }
  if (isSplit(bytes, last, end)) return null;
  if (!changed) return false;
  for (const { at, name, oid } of young) if (!holds(name, oid)) bytes.writeUInt32BE(0, at + STAT.size);
  if (!unhashed) createHash(algorithm).update(bytes.subarray(0, end)).digest().copy(bytes, end);
  return true;
}

function readIndex(path: string): { bytes: Buffer; stat: BigIntStats } {
  const file = openSync(path, "r");
  try {
    const stat = fstatSync(file, { bigint: true });
    return { bytes: readFileSync(file), stat };
  } finally {
    closeSync(file);
  }
}

/** Null where an index is cut off, or went meanwhile. */
function understood<T>(action: () => T): T | null {
  try {
    return action();
  } catch (error) {
    if (error instanceof RangeError || systemCode(error) === "ENOENT") return null;
    throw error;
  }
}

/** How many bytes git's names of objects have, as the repository's configuration says. */
const oidBytesOf = (config: string): number =>
  /^(?:\s*\[.*\])?\s*objectformat\s*=\s*"?sha256/im.test(config) ? 32 : 20;

/**
 * The blobs of an index, by name, whose names begin with `folder`; null where the index is not one
 * that is understood. Of an index that is split, nothing is.
 *
 * @param known a stretch that need not be read
 */
export function entriesBelow(
  bytes: Buffer,
  oidBytes: number,
  folder: string,
  known: Stretch | null = null,
): Map<string, string> | null {
  if (!hasHeader(bytes)) return null;
  const found = new Map<string, string>();
  let before = "";
  for (const { at, flags, name } of entriesOf(bytes, oidBytes, entriesFrom(bytes, oidBytes, folder, known))) {
    if (name === "" || name < before || (flags & NAME_LENGTH) !== Math.min(name.length, NAME_LENGTH)) return null;
    before = name;
    const isBelow = name.startsWith(folder);
    // A whole folder, of a sparse index.
    if (name.endsWith("/") && (isBelow || folder.startsWith(name))) return null;
    if (isBelow) found.set(name, bytes.toString("hex", at + STAT.end, at + STAT.end + oidBytes));
    else if (name > folder) break;
  }
  return found;
}

/**
 * Finds the stretch of an index that has the entries below a folder. Nothing is made of the
 * entries, since git's filter waits for this. Null where an index is not understood so.
 *
 * @param known a stretch that may be that one
 */
function stretchBelow(bytes: Buffer, oidBytes: number, folder: string, known: Stretch | null): Stretch | null {
  if (!hasHeader(bytes) || bytes.readUInt32BE(4) === 4) return null;
  const start = Buffer.from(folder, "latin1");
  const { first, count } = entriesFrom(bytes, oidBytes, folder);
  const parts: Buffer[] = [];
  const isKnown = known?.folder === folder && known.from === first;
  let at = isKnown ? first + known.length : first;
  for (let left = isKnown ? count - known.entries : count; left > 0; left--) {
    const name = plainName(bytes, at, oidBytes);
    if (name === null) return null;
    if (bytes.compare(start, 0, start.length, name.from, Math.min(name.end, name.from + start.length)) !== 0) break;
    if (isKnown) return stretchBelow(bytes, oidBytes, folder, null);
    const oid = at + STAT.end;
    parts.push(bytes.subarray(oid, oid + oidBytes), bytes.subarray(name.from, name.end + 1));
    at = name.next;
  }
  if (isKnown) return known;
  const digest = hash("sha256", Buffer.concat(parts), "hex");
  return { folder, from: first, length: at - first, entries: parts.length / 2, digest };
}

/** As bytes that only the same blobs have: git's name for each, its own, and a zero. */
const bytesOf = (blobs: ReadonlyMap<string, string>): Buffer =>
  Buffer.concat([...blobs].flatMap(([name, oid]) => [Buffer.from(oid, "hex"), Buffer.from(`${name}\0`, "latin1")]));

/** Reads an index without git; null where that cannot be done, or `read` does not understand it. */
function readWithoutGit<T>(
  { commonDir, gitDir, ...place }: CommonPlace,
  read: (bytes: Buffer, oidBytes: number) => T | null,
): T | null {
  // The rest of a split index lies beside it; git leaves that there for a while.
  if (readdirSync(gitDir).some((name) => name.startsWith("sharedindex."))) return null;
  const path = indexPath({ gitDir, ...place });
  if (!existsSync(path)) return read(NO_ENTRIES, 0);
  const oidBytes = oidBytesOf(readFileSync(join(commonDir, "config"), "latin1"));
  return understood(() => read(readFileSync(path), oidBytes));
}

/** An index as it begins: its version, and that it has no entries. */
const NO_ENTRIES = Buffer.from("DIRC\0\0\0\x02\0\0\0\0", "latin1");

/** Reads an index without git: names that begin so; null where that cannot be done. */
const readBlobsIn = (place: CommonPlace, folder: string): Map<string, string> | null =>
  readWithoutGit(place, (bytes, oidBytes) => entriesBelow(bytes, oidBytes, folder, readStretch(place, bytes)));

/**
 * What git calls the contents that the index holds below a folder, or in all, by their names from
 * the top folder, whose characters are bytes; of a file in conflict one of them. It starts no git,
 * unless the index is one that only git understands.
 *
 * @param folder from the top folder, without a `/` at its end
 * @throws GitCryptError GIT_FAILED.
 */
export function blobsInIndex(place: CommonPlace, folder?: string): Map<string, string> {
  const found = readBlobsIn(place, folder === undefined ? "" : `${folder}/`);
  if (found !== null) return found;
  const entries = folder === undefined ? listIndex(place) : listIndex(place, `${folder}/`);
  return new Map(entries.map(({ name, oid }) => [name, oid]));
}

/**
 * Names what the index holds below a folder: the same names with the same contents, and nothing
 * else, give the same SHA-256. Null where it holds nothing there.
 *
 * @param folder from the top folder, without a `/` at its end
 * @throws GitCryptError GIT_FAILED.
 */
export function digestBelow(place: CommonPlace, folder: string): string | null {
  const make = (): string | null => {
    const stretch = readWithoutGit(place, (bytes, oidBytes) => {
      const known = readStretch(place, bytes);
      const found = stretchBelow(bytes, oidBytes, `${folder}/`, known);
      if (found !== null && found !== known) noteStretch(place, bytes, found);
      return found;
    });
    if (stretch === null) return digestOf(blobsInIndex(place, folder));
    return stretch.entries === 0 ? null : stretch.digest;
  };
  return digests(indexPath(place), make, folder);
}

/** git's filter asks for each file. */
const digests = whileSame<string | null>();

/**
 * As {@link digestBelow} names it, by names, whose characters are bytes, in the order of their
 * bytes, and what git calls the contents.
 */
export const digestOf = (blobs: ReadonlyMap<string, string>): string | null =>
  blobs.size === 0 ? null : hash("sha256", bytesOf(blobs), "hex");

/**
 * What git calls the content that the index holds under a name, whose characters are bytes; null
 * for none.
 *
 * @throws GitCryptError GIT_FAILED.
 */
export function blobInIndex(place: CommonPlace, name: string): string | null {
  const found = readBlobsIn(place, name);
  if (found !== null) return found.get(name) ?? null;
  return listIndex(place).findLast((entry) => entry.name === name)?.oid ?? null;
}

const LOCKED = "another git command is running in this repository";

/** The file of the index that git uses. */
export const indexPath = ({ env, gitDir }: GitPlace): string => env["GIT_INDEX_FILE"] ?? join(gitDir, "index");

/**
 * Asserts that no git command is writing the index; waits for a second.
 *
 * @throws GitCryptError INDEX_LOCKED.
 */
export function assertIndexFree(place: GitPlace): void {
  const path = indexPath(place);
  removeStaleLocks(path);
  if (!retry(() => !existsSync(`${path}.lock`))) throw lockHeld("INDEX_LOCKED", LOCKED, path);
}

/** Makes git forget what it remembers of the files, and read them. */
function refreshByGit(place: GitPlace, files: ReadonlyMap<string, FreshFile>): void {
  const entries = listIndex(place).filter(({ name, oid, stage }) => stage === 0 && files.get(name)?.oid === oid);
  const records = entries.map(({ mode, oid, name }) => `${mode} ${oid} 0\t${name}`);
  runGit(place, ["update-index", "-z", "--index-info"], listOf(records));
  tryGit(place, ["update-index", "-q", "--refresh"]); // It fails where other files are modified.
}

/**
 * Tells git that the files given, by their names, hold what the index says. Else it would take each
 * for modified, by its size.
 *
 * It writes the index itself, which takes no process and no filter; where it does not understand
 * the index, or Windows describes files in another way, git reads the files.
 *
 * @throws GitCryptError INDEX_LOCKED where another program holds the index; UNWRITABLE; GIT_FAILED.
 */
export function refreshIndex(place: GitPlace, workTree: WorkTree, files: ReadonlyMap<string, FreshFile>): void {
  if (files.size === 0) return;
  if (process.platform === "win32") return refreshByGit(place, files);
  const path = indexPath(place);
  const done = retry(() => {
    const { bytes, stat } = readIndex(path);
    const changed = understood(() =>
      refreshEntries(bytes, stat.mtimeNs, files, (name, oid) => workTree.holds(name, oid)),
    );
    if (changed !== true) return changed === null ? "by git" : "nothing";
    removeStaleLocks(path);
    return replaceLocked(path, stat, (own) => {
      writeFileSync(own, bytes, { mode: Number(stat.mode & 0o777n) });
    });
  });
  if (done === "by git") refreshByGit(place, files);
  if (done === false) throw lockHeld("INDEX_LOCKED", LOCKED, path);
}
