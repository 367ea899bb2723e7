import {
  closeSync,
  fstatSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { printable, systemCode } from "@git-vault/core";
import { GitCryptError } from "../errors.ts";
import { PRIVATE, replaceFile } from "../git/write-file.ts";

/*
 * What a rotation that was begun has to do, or to undo. It is written when the new commit is
 * stored, and nothing else is changed yet; and wiped when everything is done.
 */

/** A key that is replaced. */
export interface JournalKey {
  readonly keyName: string;
  /** The id of the key that is replaced. */
  readonly retired: string;
  /**
   * The files, in base64, of the key that was stored, mostly the same one, and of the new one. The
   * first is empty where none was.
   */
  readonly oldKey: string;
  readonly newKey: string;
}

/** A rotation that was begun. The characters of names are bytes. */
export interface Journal {
  readonly version: 2;
  /** At least one. */
  readonly keys: readonly JournalKey[];
  /** The folder of the work tree's repository. */
  readonly gitDir: string;
  /** The branch's full name, such as `refs/heads/main`; its characters are bytes. */
  readonly branch: string;
  /** The commit that the branch was at. */
  readonly head: string;
  /** The commit that holds the files encrypted again. */
  readonly commit: string;
  /** The files that sparse checkout keeps out of the work tree. */
  readonly skipped: readonly string[];
  /** Protected files that the commit holds unencrypted, as before. */
  readonly clear: readonly string[];
  /** Those that no key opens, which it holds as they were. */
  readonly unopened: readonly string[];
}

/** What a journal is like. */
const MODEL: Journal = {
  version: 2,
  keys: [{ keyName: "", retired: "", oldKey: "", newKey: "" }],
  gitDir: "",
  branch: "",
  head: "",
  commit: "",
  skipped: [""],
  clear: [""],
  unopened: [""],
};

/** Whether a value has what a model has: the same numbers, any texts, lists of any length. */
function isLike(value: unknown, model: unknown): boolean {
  if (typeof model === "number") return value === model;
  if (typeof model !== "object" || model === null) return typeof value === typeof model;
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(model)) return Array.isArray(value) && value.every((item) => isLike(item, model[0]));
  const fields = new Map<string, unknown>(Object.entries(value));
  return Object.entries(model).every(([name, field]) => isLike(fields.get(name), field));
}

const isJournal = (value: unknown): value is Journal => isLike(value, MODEL);

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // damaged
  }
}

const journalPath = (commonDir: string): string => join(commonDir, "git-vault", "rotation");

/** The rotation that was begun and not ended; null where there is none. */
export function readJournal(commonDir: string): Journal | null {
  let text: string;
  try {
    text = readFileSync(journalPath(commonDir), "utf8");
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(systemCode(error) ?? "")) return null;
    throw new GitCryptError("UNFINISHED", "the journal of a rotation cannot be read", {
      hint: "check the permissions of the folder git-vault in the repository's .git",
      cause: error,
    });
  }
  const value = parsed(text);
  if (isJournal(value)) return value;
  throw new GitCryptError("UNFINISHED", "the journal of a rotation is damaged, or of another version", {
    hint: "finish the rotation with the version that began it; the journal is the file git-vault/rotation in the repository's .git",
  });
}

/**
 * Writes the journal whole, for its owner alone, and to the disk.
 *
 * @throws GitCryptError UNWRITABLE.
 */
export function writeJournal(commonDir: string, journal: Journal): void {
  const bytes = Buffer.from(JSON.stringify(journal));
  try {
    replaceFile(journalPath(commonDir), bytes, { ...PRIVATE, sync: true });
  } catch (error) {
    throw new GitCryptError("UNWRITABLE", "the journal of the rotation cannot be written: nothing was changed", {
      hint: "check the permissions of the repository's .git, and the space left",
      cause: error,
    });
  } finally {
    bytes.fill(0);
  }
}

/** Overwrites a file that holds keys, and removes it. */
function wipeFile(path: string): void {
  const file = openSync(path, "r+");
  try {
    writeSync(file, Buffer.alloc(fstatSync(file).size), 0, undefined, 0);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  rmSync(path);
}

/** Wipes the journals that are no more, or were not yet, in force when their process was killed. */
function tidy(commonDir: string): void {
  const folder = dirname(journalPath(commonDir));
  try {
    for (const name of readdirSync(folder)) if (name.startsWith("rotation.")) wipeFile(join(folder, name));
    rmdirSync(folder);
  } catch {
    // There is no such folder, or retired keys lie in it.
  }
}

/** Ends what the journal tells, and wipes it. */
export function wipeJournal(commonDir: string): void {
  // First out of force, in one step: half a journal must never be read.
  renameSync(journalPath(commonDir), `${journalPath(commonDir)}.done`);
  tidy(commonDir);
}

/** The keys that a rotation replaces, for a message. */
const namesOf = ({ keys }: Journal): string =>
  `the key${keys.length === 1 ? "" : "s"} ${keys.map(({ keyName }) => keyName).join(", ")}`;

/**
 * Asserts that no rotation was begun and left: its keys would be lost, or another begun in the
 * middle of it.
 *
 * @throws GitCryptError UNFINISHED.
 */
export function assertNoRotation(commonDir: string): void {
  const journal = readJournal(commonDir);
  if (journal === null) return tidy(commonDir);
  throw new GitCryptError("UNFINISHED", `the rotation of ${namesOf(journal)} was not finished`, {
    subject: printable(dirname(journal.gitDir)),
  });
}
