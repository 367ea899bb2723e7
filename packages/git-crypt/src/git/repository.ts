import { closeSync, constants, fstatSync, openSync, readdirSync, readSync, realpathSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { assertString, systemCode } from "@git-vault/core";
import { GitCryptError } from "../errors.ts";
import { Answers, type Remembering } from "../answers.ts";
import { type CommonPlace, reasonOf, tryGit } from "./git.ts";
import { type KeyFile, MAX_KEY_FILE_BYTES, parseKeyFile } from "../format/key-file.ts";
import { assertKeyName, DEFAULT_KEY_NAME, isKeyName } from "../format/key-name.ts";
import { locateRepository, type Location } from "./locate.ts";
import { usesGitCrypt } from "./uses-git-crypt.ts";

/** A key that lies in a repository. Both its parts are secrets. */
export interface StoredKey {
  /** The file as git-crypt stored it: what is handed over. */
  readonly bytes: Buffer;
  readonly keyFile: KeyFile;
}

/** Which keys of a name the branch that is checked out names. */
export interface Generations {
  /** The id ({@link keyId}) of the key to encrypt with; null where none may be used now. */
  readonly current: string | null;
  /**
   * The ids of all keys that may be used at all, to open or to unlock: of other branches, too, and
   * of what was fetched and not merged.
   */
  readonly known: ReadonlySet<string>;
  /** Why `current` is null, as a phrase; else null. */
  readonly problem: string | null;
}

/** A git repository, with its git-crypt keys. Paths are absolute. */
export interface Repository extends CommonPlace {
  /** The top folder of the work tree; null in a bare repository and inside `.git`. */
  readonly topLevel: string | null;
  /** The repository's own folder: in a linked worktree or a submodule, that one's. */
  readonly gitDir: string;
  /** The folder that linked worktrees share; elsewhere the same as `gitDir`. */
  readonly commonDir: string;
  /** The environment that git gets; the paths of the repository's variables in it are absolute. */
  readonly env: NodeJS.ProcessEnv;
  /** The names of the keys here, sorted; `default` is the default key's. Empty if locked. */
  keyNames(): string[];
  /**
   * Reads a key: from `gitDir`, else from `commonDir`, where a linked worktree finds that of its
   * main work tree.
   *
   * @throws GitCryptError INVALID_KEY_NAME; NO_SUCH_KEY where there are others; LOCKED where there
   * is none and the repository uses git-crypt; NOT_GIT_CRYPT where it does not;
   * KEY_FILE_UNREADABLE; MALFORMED_KEY_FILE.
   */
  readKey(name?: string): StoredKey;
  /**
   * Which keys of a name may be used, as the one who opened the repository says, each time that
   * this is called; null where nothing is said, and the key that is in this clone is the one.
   */
  generations(keyName: string): Generations | null;
}

/** How a repository is looked for. */
export interface OpenRepositoryOptions {
  /** The environment that git gets, GIT_DIR included; this process's own where it is left out. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /**
   * Says which keys the branch names that is checked out; null where the repository has no log of
   * members. Without it, the key in `.git` is the one.
   */
  readonly generations?: ((repository: Repository, keyName: string) => Generations | null) | undefined;
  /**
   * How long git's answers are remembered, which saves starting it; left out, not at all. Where the
   * caller itself changes the repository meanwhile, they must not be.
   */
  readonly remembers?: Remembering | undefined;
}

const isAbsent = (error: unknown): boolean => ["ENOENT", "ENOTDIR"].includes(systemCode(error) ?? "");

const unreadable = (reason: string, cause?: unknown): GitCryptError =>
  new GitCryptError("KEY_FILE_UNREADABLE", `the key file cannot be read: ${reason}`, {
    hint: "check the permissions of the folder git-crypt/keys in the repository's .git",
    cause,
  });

/** Reads at most `MAX_KEY_FILE_BYTES` of a regular file; null where there is none. */
function readKeyFile(path: string): Buffer | null {
  let file: number;
  try {
    // Without O_NONBLOCK a FIFO by that name would hang.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (isAbsent(error)) return null;
    throw unreadable(systemCode(error) === "EACCES" ? "permission is denied" : "it cannot be opened", error);
  }
  const buffer = Buffer.alloc(MAX_KEY_FILE_BYTES + 1);
  let length = 0;
  try {
    if (!fstatSync(file).isFile()) throw unreadable("it is not a regular file");
    for (let count = -1; count !== 0; length += count)
      count = readSync(file, buffer, length, buffer.length - length, null);
    if (length > MAX_KEY_FILE_BYTES) {
      throw new GitCryptError("MALFORMED_KEY_FILE", `the key file is larger than ${MAX_KEY_FILE_BYTES} bytes`);
    }
    return Buffer.from(buffer.subarray(0, length));
  } finally {
    buffer.fill(0, 0, length); // What was not written takes no memory as long as nobody touches it.
    closeSync(file);
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter(isKeyName);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw unreadable("its folder cannot be listed", error);
  }
}

function missingKey(place: CommonPlace, name: string, others: readonly string[]): GitCryptError {
  if (others.length > 0) {
    return new GitCryptError("NO_SUCH_KEY", `there is no key named ${name} in this repository`, {
      hint: `the keys here are: ${others.join(", ")}`,
    });
  }
  if (usesGitCrypt(place)) {
    return new GitCryptError(
      "LOCKED",
      "the repository is locked: it uses git-crypt, and this clone does not have the key",
      {
        hint: "unlock it first, or ask somebody who holds the key to share it with you",
      },
    );
  }
  return new GitCryptError(
    "NOT_GIT_CRYPT",
    "the repository does not use git-crypt: neither its attributes nor its configuration mention it",
  );
}

/** Turns what git said when it found no repository into our words. */
function refusal({ stderr }: { readonly stderr: string }): GitCryptError {
  if (/not a git repository/.test(stderr)) {
    return new GitCryptError("NOT_A_REPOSITORY", "not inside a git repository", {
      hint: "change to the repository",
    });
  }
  if (/dubious ownership|unsafe repository/.test(stderr)) {
    return new GitCryptError("UNTRUSTED_REPOSITORY", "git refuses this repository because it belongs to another user", {
      hint: "if you trust it, add its path to git's safe.directory: git config --global --add safe.directory PATH",
    });
  }
  return new GitCryptError("GIT_FAILED", `git could not read the repository: ${reasonOf({ stderr })}`);
}

function realFolder(path: string): string {
  try {
    if (statSync(path).isDirectory()) return realpathSync(path);
  } catch (error) {
    if (systemCode(error) === "EACCES")
      throw new GitCryptError("NOT_A_REPOSITORY", "the folder cannot be entered", { cause: error });
    // Else it is not there, which is said below.
  }
  throw new GitCryptError("NOT_A_REPOSITORY", "expected a folder in a git repository, but the folder does not exist");
}

/** git's own variables, for a git that runs at the top of the repository instead of in `cwd`. */
function absoluteEnvironment(
  cwd: string,
  env: NodeJS.ProcessEnv,
  gitDir: string,
  topLevel: string | null,
): NodeJS.ProcessEnv {
  const { GIT_DIR: named, GIT_INDEX_FILE: index } = env;
  return {
    ...env,
    ...(named === undefined ? {} : { GIT_DIR: gitDir, ...(topLevel === null ? {} : { GIT_WORK_TREE: topLevel }) }),
    ...(index === undefined ? {} : { GIT_INDEX_FILE: resolve(cwd, index) }),
  };
}

/**
 * Asks git where the repository lies.
 *
 * @throws GitCryptError as {@link openRepository} does
 */
function askGit(cwd: string, env: NodeJS.ProcessEnv): Location {
  // Unlike --show-toplevel, --show-cdup does not fail where there is no work tree, but prints no
  // line at all.
  const here = { topLevel: null, gitDir: cwd, env };
  const result = tryGit(here, ["rev-parse", "--git-dir", "--git-common-dir", "--show-cdup"]);
  if (result.status !== 0) throw refusal(result);
  const [gitDir, commonDir, topLevel = null, ...rest] = result.stdout
    .toString()
    .split("\n")
    .slice(0, -1)
    .map((line) => resolve(cwd, line));
  if (gitDir === undefined || commonDir === undefined || rest.length > 0) {
    throw new GitCryptError("GIT_FAILED", "the repository's path holds a line break");
  }
  return { topLevel, gitDir, commonDir };
}

/**
 * Finds the git repository that the folder `path` stands in, as git itself does: from a subfolder,
 * a linked worktree, a submodule or a bare repository, or by GIT_DIR.
 *
 * @throws GitCryptError NOT_A_REPOSITORY, UNTRUSTED_REPOSITORY, GIT_MISSING, GIT_FAILED.
 */
export function openRepository(path: string, options: OpenRepositoryOptions = {}): Repository {
  assertString("path", path);
  const { env = process.env, remembers } = options;
  const cwd = realFolder(path);
  const { topLevel, gitDir, commonDir } = locateRepository(cwd, env) ?? askGit(cwd, env);
  const place = { topLevel, gitDir, commonDir, env: absoluteEnvironment(cwd, env, gitDir, topLevel) };
  const answers = remembers === undefined ? undefined : new Answers(remembers);
  const folders = [...new Set([gitDir, commonDir])].map((folder) => join(folder, "git-crypt", "keys"));
  const keyNames = (): string[] => [...new Set(folders.flatMap(namesIn))].toSorted();
  const repository: Repository = {
    ...place,
    answers,
    keyNames,
    readKey: (name = DEFAULT_KEY_NAME) => {
      assertKeyName(name);
      for (const folder of folders) {
        const bytes = readKeyFile(join(folder, name));
        if (bytes !== null) return { bytes, keyFile: parseKeyFile(bytes) };
      }
      throw missingKey(place, name, keyNames());
    },
    generations: (keyName) => options.generations?.(repository, keyName) ?? null,
  };
  return repository;
}
