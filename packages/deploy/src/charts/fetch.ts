import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { DeployError } from "../errors.ts";
import { MOST_FILE_BYTES } from "../files/tree.ts";
import type { Helm } from "../helm/helm.ts";
import { archiveKey, formatLock, LOCK_FILE, type LockedArchive, sha256, unlockedArchive } from "./lock-file.ts";
import type { ArchivePart } from "./parts.ts";
import { failureOf, insteadOf, isAbsent, otherVersions, type Published, sourceArgs } from "./published.ts";

/** What fetching is given. */
export interface FetchOptions {
  readonly archives: readonly ArchivePart[];
  readonly lock: ReadonlyMap<string, LockedArchive>;
  /** The top folder of the work tree. */
  readonly topLevel: string;
  /** A folder for what is not whole yet. */
  readonly temporary: string;
  readonly helm: Helm;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: FetchProgress | undefined;
}

/** Is told how many archives are in their places, of how many: first that none is. */
export type FetchProgress = (done: number, total: number) => void;

/** An archive that is in its place now. */
export interface FetchedArchive extends LockedArchive {
  /** From the top folder. */
  readonly path: string;
  /** Whether it was there already. */
  readonly wasThere: boolean;
}

/**
 * Puts the archives of all dependencies in their places, each once it is known to be what was
 * locked.
 *
 * @throws DeployError UNLOCKED_DEPENDENCY, ARCHIVE_MISMATCH, FETCH_FAILED; TOOL_MISSING,
 * UNSUPPORTED_TOOL, INTERRUPTED
 */
export async function fetchArchives(options: FetchOptions): Promise<FetchedArchive[]> {
  const unlocked = options.archives.find(({ dependency }) => !options.lock.has(archiveKey(dependency)));
  if (unlocked !== undefined) throw unlockedArchive(unlocked.dependency);
  return fetchAll(options);
}

/**
 * Fetches the archives of all dependencies, puts them in their places and records them in
 * `deploy.lock`, if there are any. Those that were recorded before must be what they were.
 *
 * @throws DeployError ARCHIVE_MISMATCH, FETCH_FAILED; TOOL_MISSING, UNSUPPORTED_TOOL, INTERRUPTED
 */
export async function lockArchives(options: FetchOptions): Promise<FetchedArchive[]> {
  const fetched = await fetchAll(options);
  const locked = new Map(
    fetched.map(({ name, version, repository, sha256: digest }) => {
      const archive = { name, version, repository, sha256: digest };
      return [archiveKey(archive), archive];
    }),
  );
  const file = join(options.topLevel, LOCK_FILE);
  if (locked.size > 0 || existsSync(file)) writeWhole(file, formatLock([...locked.values()]));
  return fetched;
}

async function fetchAll(options: FetchOptions): Promise<FetchedArchive[]> {
  const fetched: FetchedArchive[] = [];
  const { archives, progress } = options;
  progress?.(0, archives.length);
  for (const archive of archives) {
    fetched.push(await fetchOne(archive, options));
    progress?.(fetched.length, archives.length);
  }
  return fetched;
}

async function fetchOne({ dependency, path }: ArchivePart, options: FetchOptions): Promise<FetchedArchive> {
  const { name, version, repository } = dependency;
  const target = join(options.topLevel, path);
  const locked = options.lock.get(archiveKey(dependency));
  const present = readIfThere(target);
  if (locked !== undefined && present !== null && sha256(present) === locked.sha256)
    return { ...locked, path, wasThere: true };
  const bytes = await pull(dependency, options);
  const digest = sha256(bytes);
  if (locked !== undefined && digest !== locked.sha256) {
    const message = `${name} ${version} was published again: it is not the archive that was locked`;
    const hint = `find out why; to take the new one, remove its entry from ${LOCK_FILE} and lock it`;
    throw new DeployError("ARCHIVE_MISMATCH", message, { hint, remedy: "lock-again", place: { file: LOCK_FILE } });
  }
  assertNoLink(options.topLevel, path);
  mkdirSync(dirname(target), { recursive: true });
  writeWhole(target, bytes);
  return { name, version, repository, sha256: digest, path, wasThere: false };
}

async function pull(wanted: Published, { helm, temporary, signal }: FetchOptions): Promise<Buffer> {
  const { name, version } = wanted;
  const folder = mkdtempSync(join(temporary, "pull-"));
  try {
    const args = ["pull", "--destination", folder, ...sourceArgs(wanted)];
    try {
      await helm.run(args, `${name} ${version} cannot be fetched`, { signal });
    } catch (error) {
      if (!(error instanceof DeployError) || error.code !== "TOOL_FAILED") throw error;
      const why = failureOf(error.message);
      const isWhole = why === error.message;
      throw new DeployError("FETCH_FAILED", isWhole ? why : `${name} ${version} cannot be fetched: ${why}`, {
        hint: isAbsent(error)
          ? insteadOf(await otherVersions(helm, wanted, signal))
          : "check that the address can be reached",
        cause: error,
      });
    }
    const file = readdirSync(folder).find((entry) => entry.endsWith(".tgz"));
    if (file === undefined) throw new DeployError("FETCH_FAILED", `${name} ${version}: helm fetched no archive`);
    if (statSync(join(folder, file)).size > MOST_FILE_BYTES)
      throw new DeployError("FETCH_FAILED", `${name} ${version}: its archive has more than ${MOST_FILE_BYTES} bytes`);
    return readFileSync(join(folder, file));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Asserts that no folder on the way is a symbolic link: a commit may hold one that leads anywhere.
 */
function assertNoLink(topLevel: string, path: string): void {
  for (let folder = dirname(path); folder !== "."; folder = dirname(folder)) {
    if (lstatSync(join(topLevel, folder), { throwIfNoEntry: false })?.isSymbolicLink() !== true) continue;
    throw new DeployError("NOT_A_CHART", `expected the folder ${folder} for a chart's archive, got a symbolic link`, {
      hint: "make it a folder: nothing is written to where a link leads",
      place: { file: folder },
    });
  }
}

/** The bytes of an archive; null where it cannot be read, or is larger than any. */
export function readIfThere(path: string): Buffer | null {
  try {
    return statSync(path).size > MOST_FILE_BYTES ? null : readFileSync(path);
  } catch {
    return null;
  }
}

/** Writes a file whole or not at all. */
function writeWhole(path: string, content: Uint8Array | string): void {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  try {
    rmSync(temporary, { force: true });
    writeFileSync(temporary, content, { mode: 0o644, flag: "wx" });
    renameSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
}
