import { hash } from "node:crypto";
import { lstatSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { GitCryptError } from "../errors.ts";
import { noteChange } from "../answers.ts";
import { areWords, bytesOf, commitOf, gitSucceeds, listOf, runGit, tryGit } from "../git/git.ts";
import { assertIndexFree } from "../git/index-file.ts";
import { isBlob } from "../git/objects.ts";
import { shieldOwnFolders } from "../git/own-attributes.ts";
import { isWithin, OWN_ATTRIBUTES, ownFolders, VAULT_FOLDER } from "../git/own-folders.ts";
import { assertWorkTree, listIndex, type WorkTreePlace } from "../git/protected-files.ts";
import type { Repository } from "../git/repository.ts";
import { isRunning } from "../git/lock-files.ts";
import { listTree } from "../git/trees.ts";
import { PRIVATE, replaceFile, SHARED } from "../git/write-file.ts";
import type { FilesToCommit } from "./build-commit.ts";

/** How changes are committed. */
export interface CommitFilesOptions {
  /** The commit's message. */
  readonly message: string;
  /** Whether they are left staged instead; false where it is left out. */
  readonly stageOnly?: boolean;
}

/**
 * Commits changes to files of `.git-vault`, or of git-crypt's `.git-crypt`, and nothing else,
 * whatever else is changed or staged, through `git commit`, so that the user's hooks and signature
 * apply. Where it fails, the files and the index are as before; where it is killed, the next run
 * makes them so first.
 *
 * The own `.gitattributes` of `.git-vault` is added where it is not there.
 *
 * @returns the commit's name; null where the changes were left staged, or only undo what was staged
 * @throws GitCryptError NO_WORK_TREE, NO_BRANCH, INDEX_LOCKED, UNWRITABLE; GIT_FAILED with git's
 * reason, as where a merge is going on or a hook refuses; RangeError for a path outside of the
 * folder
 */
export function commitFiles(
  repository: Repository,
  changes: FilesToCommit,
  { message, stageOnly = false }: CommitFilesOptions,
): string | null {
  assertWorkTree(repository);
  assertIndexFree(repository);
  if (!stageOnly) assertOnBranch(repository);
  const all = withAttributes(repository, changes);
  const paths = [...all.keys()];
  const folders = ownFolders(repository);
  for (const path of paths) assertOwnPath(repository, folders, path);
  shieldOwnFolders(repository);
  undoUnfinished(repository);
  const before = remember(repository, paths);
  try {
    note(repository, all, before);
    for (const [path, content] of all) put(join(repository.topLevel, path), content);
    stage(repository, all);
    if (stageOnly) return null;
    const committable = knownToCommit(repository, all);
    if (committable.length === 0) return null;
    commit(repository, message, committable);
    return commitOf(repository, "HEAD");
  } catch (error) {
    restore(repository, before);
    throw error instanceof GitCryptError ? explain(error) : unwritable(error);
  } finally {
    forget(repository);
  }
}

/** A commit that no branch holds is soon lost. */
function assertOnBranch(repository: WorkTreePlace): void {
  if (gitSucceeds(repository, "symbolic-ref", "--quiet", "HEAD")) return;
  throw new GitCryptError("NO_BRANCH", "no branch is checked out, so the commit would be lost", {
    subject: VAULT_FOLDER,
    hint: "check out a branch first, or leave the changes staged",
  });
}

function withAttributes(repository: Repository, changes: FilesToCommit): FilesToCommit {
  if (![...changes.keys()].some((path) => isWithin([VAULT_FOLDER], path))) return changes;
  const isCommitted = gitSucceeds(repository, "cat-file", "-e", `HEAD:${OWN_ATTRIBUTES[0]}`);
  return isCommitted ? changes : new Map([OWN_ATTRIBUTES, ...changes]);
}

/** No folder on the way may be a link, which could lead anywhere. */
function assertOwnPath({ topLevel }: WorkTreePlace, folders: readonly string[], path: string): void {
  const parts = path.split("/");
  const folder = folders.find((own) => isWithin([own], path));
  if (folder === undefined || parts.length < 2 || parts.some((part) => ["", ".", ".."].includes(part))) {
    throw new RangeError(`path: expected one in ${folders.join(" or ")}, got another`);
  }
  for (let length = 1; length <= parts.length; length += 1) {
    const stat = lstatSync(join(topLevel, ...parts.slice(0, length)), { throwIfNoEntry: false });
    if (stat === undefined) return;
    if (length < parts.length ? stat.isDirectory() : stat.isFile()) continue;
    throw new GitCryptError("UNWRITABLE", `${folder} holds a link, or something other than files and folders`, {
      hint: "look at it with `git log`, and remove what does not belong there",
    });
  }
}

/** Without the files that go, and were never committed. */
function knownToCommit(repository: WorkTreePlace, changes: FilesToCommit): string[] {
  const isGoing = [...changes.values()].includes(null);
  const inHead = ownFolders(repository).flatMap(
    (folder) => (isGoing && listTree(repository, "HEAD", { folder })) || [],
  );
  const committed = new Set(inHead.map(({ name }) => name));
  return [...changes].flatMap(([path, content]) => (content !== null || committed.has(bytesOf(path)) ? [path] : []));
}

function commit(repository: WorkTreePlace, message: string, paths: readonly string[]): void {
  // A command line has an end, and somebody may have committed very much that goes now.
  const names = paths.map(bytesOf);
  const listed = areWords(names) ? ["--", ...paths] : ["--pathspec-from-file=-", "--pathspec-file-nul"];
  const args = ["--literal-pathspecs", "commit", "-q", "--only", "-m", message, ...listed];
  const { status, stderr } = tryGit(repository, args, areWords(names) ? undefined : listOf(names));
  if (status === 0) return;
  // What a hook says has no mark of git's.
  const line = /^(?:fatal|error): (.*)$/m.exec(stderr)?.[1] ?? stderr.trim().split("\n").at(-1) ?? "";
  const reason = line === "" ? "it did not say why" : line.replaceAll(/\p{Cc}/gu, " ").slice(0, 200);
  throw new GitCryptError("GIT_FAILED", `git commit failed: ${reason}`);
}

interface Before {
  readonly path: string;
  /** What lay in the work tree; null for nothing. */
  readonly content: Buffer | null;
  /** As `update-index --index-info` takes it; null where there was none. */
  readonly entry: string | null;
}

function remember(repository: WorkTreePlace, paths: readonly string[]): Before[] {
  const entries = new Map(listIndex(repository, ...paths.map(bytesOf)).map((entry) => [entry.name, entry]));
  return paths.map((path) => {
    const file = join(repository.topLevel, path);
    const isThere = lstatSync(file, { throwIfNoEntry: false }) !== undefined;
    const entry = entries.get(path);
    return {
      path,
      content: isThere ? readFileSync(file) : null,
      entry: entry === undefined ? null : `${entry.mode} ${entry.oid} ${entry.stage}\t${path}`,
    };
  });
}

/** Writes a file whole or not at all, or removes it. */
function put(file: string, content: Buffer | null): void {
  noteChange();
  if (content === null) rmSync(file, { force: true });
  else replaceFile(file, content, SHARED);
}

/** Neither an ignored path nor a sparse checkout stops this. */
function stage(repository: WorkTreePlace, changes: FilesToCommit): void {
  const names = [...changes.keys()];
  runGit(repository, ["update-index", "--add", "--remove", "-z", "--stdin"], listOf(names));
  for (const { name, oid } of listIndex(repository, ...names.map(bytesOf))) {
    const content = changes.get(name);
    if (content !== undefined && content !== null && isBlob(oid, content)) continue;
    throw new GitCryptError("GIT_FAILED", `git would change the files of ${VAULT_FOLDER} while storing them`, {
      hint: "look for settings that change files, in .git/info/attributes and in git's core.autocrlf",
    });
  }
}

function restore(repository: WorkTreePlace, before: readonly Before[]): void {
  for (const { path, content } of before) {
    const file = join(repository.topLevel, path);
    try {
      put(file, content);
      for (let folder = dirname(file); folder !== repository.topLevel; folder = dirname(folder)) rmdirSync(folder);
    } catch {
      // The folder holds other files; or it cannot be written, which is what went wrong before.
    }
  }
  const added = before.filter(({ entry }) => entry === null).map(({ path }) => path);
  tryGit(repository, ["update-index", "--force-remove", "-z", "--stdin"], listOf(added));
  const entries = before.flatMap(({ entry }) => entry ?? []);
  tryGit(repository, ["update-index", "-z", "--index-info"], listOf(entries));
}

/** A file that is about to change, as a note of it says. */
interface Noted extends Pick<Before, "path" | "entry"> {
  /** In base64. */
  readonly content: string | null;
  /** The digest of what it is to hold; null where it is to go. */
  readonly next: string | null;
}

const notePath = ({ gitDir }: WorkTreePlace): string => join(gitDir, "git-vault", "unfinished-files");

const digestOf = (content: Buffer | null): string | null => (content === null ? null : hash("sha256", content, "hex"));

/** Notes what will change, so that a run after this one can undo it where this one is killed. */
function note(repository: WorkTreePlace, changes: FilesToCommit, before: readonly Before[]): void {
  const files = before.flatMap(({ path, content, entry }): Noted[] => {
    const next = digestOf(changes.get(path) ?? null);
    return next === digestOf(content) ? [] : [{ path, entry, content: content?.toString("base64") ?? null, next }];
  });
  replaceFile(notePath(repository), Buffer.from(JSON.stringify({ pid: process.pid, files })), PRIVATE);
}

function forget(repository: WorkTreePlace): void {
  try {
    rmSync(notePath(repository), { force: true });
    rmdirSync(dirname(notePath(repository)));
  } catch {
    // Other files lie in the folder.
  }
}

/**
 * Undoes what a run of {@link commitFiles} that was killed left in the work tree and the index.
 * What it committed stays, and so does what somebody changed since.
 *
 * @throws GitCryptError GIT_FAILED
 */
export function undoUnfinished(repository: WorkTreePlace): void {
  const noted = readNote(repository);
  if (noted === null || isRunning(noted.pid)) return;
  for (const { path } of noted.files) rmSync(join(repository.topLevel, `${path}.${noted.pid}`), { force: true });
  const committed = new Map((listTree(repository, "HEAD") ?? []).map(({ name, oid }) => [name, oid]));
  const left = noted.files.filter(({ path, next }) => {
    const content = contentOf(repository, path);
    if (content === undefined || digestOf(content) !== next) return false;
    const oid = committed.get(bytesOf(path));
    return content === null ? oid !== undefined : oid === undefined || !isBlob(oid, content);
  });
  restore(
    repository,
    left.map(({ path, entry, content }) => ({
      path,
      entry,
      content: content === null ? null : Buffer.from(content, "base64"),
    })),
  );
  forget(repository);
}

/** Null where no run was killed, or its note cannot be read. */
function readNote(repository: WorkTreePlace): { readonly pid: number; readonly files: readonly Noted[] } | null {
  try {
    const value: unknown = JSON.parse(readFileSync(notePath(repository), "utf8"));
    return isNote(value) ? value : null;
  } catch {
    return null;
  }
}

const isNote = (value: unknown): value is { readonly pid: number; readonly files: readonly Noted[] } =>
  typeof value === "object" && value !== null && "pid" in value && "files" in value && Array.isArray(value.files);

/** What lies at a path of the own folders: null for nothing, undefined for what is no file. */
function contentOf(repository: WorkTreePlace, path: string): Buffer | null | undefined {
  try {
    assertOwnPath(repository, ownFolders(repository), path);
    const file = join(repository.topLevel, path);
    return lstatSync(file, { throwIfNoEntry: false }) === undefined ? null : readFileSync(file);
  } catch {
    return undefined;
  }
}

const explain = (error: GitCryptError): GitCryptError =>
  error.code !== "GIT_FAILED" || error.hint !== undefined
    ? error
    : new GitCryptError("GIT_FAILED", error.message, {
        subject: VAULT_FOLDER,
        hint: "nothing was changed; fix that, or leave the files staged",
        cause: error,
      });

const unwritable = (cause: unknown): GitCryptError =>
  new GitCryptError("UNWRITABLE", `the folder ${VAULT_FOLDER} cannot be written`, {
    hint: "nothing was changed; check the permissions of the work tree, and the space left",
    cause,
  });
