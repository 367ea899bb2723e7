import { recordsOf, runGit, tryGit } from "./git.ts";
import { readBlobs, sizesOf } from "./objects.ts";
import { isRegular } from "./protected-files.ts";
import type { Repository } from "./repository.ts";

/** A file as the index holds it. */
export interface TrackedFile {
  /** From the top folder, with `/` between its parts. */
  readonly path: string;
  /** In bytes; 0 for what is no file, such as a symbolic link. */
  readonly bytes: number;
  /** What git stores for it; null for what is no file, or is larger than was asked for. */
  readonly content: Buffer | null;
}

/** The commit that the current branch follows, where there is one that is here. */
export function upstreamOf(repository: Repository): string | null {
  const { status, stdout } = tryGit(repository, ["rev-parse", "-q", "--verify", "@{upstream}^{commit}"]);
  return status === 0 ? stdout.toString().trim() : null;
}

/**
 * Reads the files of a folder as the index holds them: in a sparse checkout those too that are not
 * in the work tree, and whatever git makes of line ends. Those that are in conflict are left out.
 *
 * @param folder from the top folder, without a `/` at its end
 * @param most larger files, in bytes, are not read
 * @param commit whose files are read instead of the index's
 * @throws GitCryptError GIT_FAILED
 */
export function readTracked(repository: Repository, folder: string, most: number, commit?: string): TrackedFile[] {
  const entries = commit === undefined ? inIndex(repository, folder) : inCommit(repository, folder, commit);
  const sizes = sizesOf(
    repository,
    entries.flatMap(({ oid }) => (oid === "" ? [] : [oid])),
  );
  const contents = new Map(readBlobs(repository, new Map([...sizes].filter(([, size]) => size <= most))));
  return entries.map(({ path, oid }) => ({
    path,
    bytes: sizes.get(oid) ?? 0,
    content: contents.get(oid) ?? null,
  }));
}

/** A file that a commit removed. */
export interface RemovedFile {
  /** From the top folder. */
  readonly path: string;
  /** What git stored for it. */
  readonly content: Buffer;
  readonly commit: string;
  /** The name of who wrote the commit, and the day of it: `2026-11-28`. */
  readonly author: string;
  readonly day: string;
}

/** So many removals are looked at. */
const MOST_REMOVED = 10_000;

/**
 * The files of a folder that commits removed, of the current branch and of what was fetched for it,
 * the latest first.
 *
 * @param folder from the top folder, without a `/` at its end
 * @param most larger files, in bytes, are left out
 * @throws GitCryptError GIT_FAILED
 */
export function readRemoved(repository: Repository, folder: string, most: number): RemovedFile[] {
  const upstream = upstreamOf(repository);
  const format = "--format=%x00%H%x00%an%x00%as";
  const args = [
    "log",
    "--no-show-signature",
    "--no-renames",
    "--diff-filter=D",
    "--raw",
    "--no-abbrev",
    "-z",
    format,
    "HEAD",
  ];
  const { status, stdout } = tryGit(repository, [
    "--literal-pathspecs",
    ...args,
    ...(upstream === null ? [] : [upstream]),
    "--",
    `${folder}/`,
  ]);
  if (status !== 0) return []; // There is no commit yet.
  const removed: (Omit<RemovedFile, "content"> & { readonly oid: string })[] = [];
  let [commit, author, day] = ["", "", ""];
  const records = stdout.toString("latin1").split("\0");
  for (let at = 0; at < records.length && removed.length < MOST_REMOVED; at += 1) {
    const record = (records[at] ?? "").trimStart();
    if (record.startsWith(":")) {
      removed.push({ path: textOf(records[++at] ?? ""), commit, author, day, oid: record.split(" ")[2] ?? "" });
    } else if (/^[0-9a-f]{40,64}$/.test(record)) {
      [commit, author, day] = [record, textOf(records[++at] ?? ""), records[++at]?.trim() ?? ""];
    }
  }
  const sizes = sizesOf(
    repository,
    removed.map(({ oid }) => oid),
  );
  const contents = new Map(readBlobs(repository, new Map([...sizes].filter(([, size]) => size <= most))));
  return removed.flatMap(({ oid, ...file }) => {
    const content = contents.get(oid);
    return content === undefined ? [] : [{ ...file, content }];
  });
}

interface Entry {
  readonly path: string;
  /** Empty for what is no file. */
  readonly oid: string;
}

const textOf = (bytes: string): string => Buffer.from(bytes, "latin1").toString();

const pathIn = (record: string): string => textOf(record.slice(record.indexOf("\t") + 1));

function inIndex(repository: Repository, folder: string): Entry[] {
  const listed = recordsOf(runGit(repository, ["--literal-pathspecs", "ls-files", "-s", "-z", "--", `${folder}/`]));
  return listed.flatMap((record) => {
    const [mode = "", oid = "", stage = ""] = record.slice(0, record.indexOf("\t")).split(" ");
    return stage === "0" ? [{ path: pathIn(record), oid: isRegular({ mode }) ? oid : "" }] : [];
  });
}

function inCommit(repository: Repository, folder: string, commit: string): Entry[] {
  const args = ["--literal-pathspecs", "ls-tree", "-r", "-z", "--full-tree", commit, "--", `${folder}/`];
  return recordsOf(runGit(repository, args)).map((record) => {
    const [mode = "", , oid = ""] = record.slice(0, record.indexOf("\t")).split(" ");
    return { path: pathIn(record), oid: isRegular({ mode }) ? oid : "" };
  });
}
