/*
 * V8 takes longer to compile a command's code than the command takes for its work. What it compiled
 * is kept in the user's cache, by command, and given back to it in the next run. Node's own cache
 * (module.enableCompileCache) is no faster, newer than the oldest Node that is supported, and loads
 * whatever lies in its folder.
 *
 * What is kept is code: nothing is loaded that others could have written. V8 does not look whether
 * it is whole, and ends the process over a damaged one; so it is kept twice, and both must be the
 * same.
 */
import {
  closeSync,
  existsSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  readdirSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { systemCode } from "@git-vault/core";

/** Names the contents of all files of the program; set by the build. */
declare const PROGRAM: string;

/** What V8 made of a file of the program, which was written then. */
export interface CompiledFile {
  readonly name: string;
  /** In milliseconds. */
  readonly time: number;
  readonly data: Buffer;
}

/** Whose code it is, and what compiled it: others have no use for it. */
const IDENTITY = [PROGRAM, process.version, process.arch, process.execPath, __dirname].join("\n");

/** What is not written for so long goes; what is used is then made again. */
const MOST_MS = 30 * 24 * 3600 * 1000;
/** Far more than any command's code takes. */
const MOST_BYTES = 32 * 1024 * 1024;

/** Who may write a folder or a file, by its mode: others than its owner. */
const BY_OTHERS = 0o022;
const STICKY = 0o1000;

/**
 * Where what is kept for a command lies: where Node keeps such files, else in the user's cache;
 * null where nothing is to be kept, such as on Windows, where nobody can tell who may write it.
 */
export function cachePath(command: string): string | null {
  const { NODE_COMPILE_CACHE = "", XDG_CACHE_HOME = "", HOME = "", NODE_DISABLE_COMPILE_CACHE } = process.env;
  if (process.getuid === undefined || NODE_DISABLE_COMPILE_CACHE !== undefined) return null;
  const base = [NODE_COMPILE_CACHE, XDG_CACHE_HOME].find(isAbsolute) ?? join(HOME, ".cache");
  if (!isAbsolute(base) || !/^[a-z][a-z-]{1,20}$/.test(command)) return null;
  let hash = 0;
  for (const character of IDENTITY) hash = (hash * 31 + character.charCodeAt(0)) % 2 ** 40;
  return join(base, "git-vault", "code", `${command}-${hash.toString(36)}`);
}

/** What an earlier run kept. */
export interface Kept {
  readonly files: readonly CompiledFile[];
  /** Whether that run did what it was told: one that failed did not get to much of the code. */
  readonly isOfSuccess: boolean;
}

/** What was kept; nothing where that is damaged, or another's, or another could have written it. */
export function readCompiled(path: string): Kept {
  try {
    if (!isOurs(dirname(path))) return NOTHING;
    const bytes = readOwn(path);
    const start = bytes.indexOf("\n\n") + 2;
    const header = bytes.toString("utf8", 0, start);
    const half = start + (bytes.length - start) / 2;
    if (!header.startsWith(`${IDENTITY}\n`) || bytes.compare(bytes, start, half, half) !== 0) return NOTHING;
    let end = start;
    const [outcome, ...lines] = header.slice(IDENTITY.length).trim().split("\n");
    const files = lines.map((line) => {
      const [name = "", time, length] = line.split(" ");
      return { name, time: Number(time), data: bytes.subarray(end, (end += Number(length))) };
    });
    return end === half ? { files, isOfSuccess: outcome === SUCCESS } : NOTHING;
  } catch {
    return NOTHING;
  }
}

const NOTHING: Kept = { files: [], isOfSuccess: false };
const SUCCESS = "of success";
const FAILURE = "of failure";

function readOwn(path: string): Buffer {
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(file);
    const isOwn = stat.isFile() && stat.uid === process.getuid?.() && (stat.mode & BY_OTHERS) === 0;
    if (!isOwn || stat.size > MOST_BYTES) throw new RangeError("somebody else could have written it");
    const bytes = Buffer.allocUnsafeSlow(stat.size);
    return bytes.subarray(0, readSync(file, bytes));
  } finally {
    closeSync(file);
  }
}

/**
 * Whether only the user, and the system, can change what lies in a folder, or replace that. No link
 * leads to it.
 */
function isOurs(folder: string): boolean {
  const uid = process.getuid?.();
  for (let path = folder; ; path = dirname(path)) {
    const stat = lstatSync(path);
    const { uid: owner, mode } = stat;
    if (!stat.isDirectory() || (owner !== uid && (owner !== 0 || path === folder))) return false;
    // In a sticky folder others can neither rename nor remove what is ours.
    if ((mode & BY_OTHERS) !== 0 && (path === folder || (mode & STICKY) === 0)) return false;
    if (path === dirname(path)) return true;
  }
}

/**
 * Keeps what `compiled` gives, whole or not at all, where the command ran before: anyone who runs
 * one once does not wait for it. Where it cannot be kept, nothing happens.
 */
export function keepCompiled(path: string, compiled: () => Kept): void {
  const unfinished = `${path}.${process.pid}.${Date.now()}`;
  try {
    const folder = dirname(path);
    for (const one of [dirname(dirname(folder)), dirname(folder), folder]) makeFolder(one);
    if (!isOurs(folder)) return;
    if (!existsSync(path)) return writeFileSync(path, "", { mode: 0o600, flag: "wx" });
    const { files, isOfSuccess } = compiled();
    const lines = files.map(({ name, time, data }) => `${name} ${time} ${data.length}`);
    const header = Buffer.from(`${[IDENTITY, isOfSuccess ? SUCCESS : FAILURE, ...lines].join("\n")}\n\n`);
    const parts = files.map(({ data }) => data);
    const bytes = Buffer.concat([header, ...parts, ...parts]);
    writeFileSync(unfinished, bytes, { mode: 0o600, flag: "wx" });
    renameSync(unfinished, path);
    removeOld(folder);
  } catch {
    remove(unfinished);
  }
}

/** Not `recursive`, with which Node never ends in some folders of the system, such as /proc. */
function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (systemCode(error) !== "EEXIST") throw error;
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It is not there, or stays.
  }
}

function removeOld(folder: string): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (Date.now() - lstatSync(path).mtimeMs > MOST_MS) remove(path);
  }
}
