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
 * Reads the files of a folder as the index holds them: in a sparse checkout those too that are not in the work tree, and whatever
 * git makes of line ends. Those that are in conflict are left out.
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

interface Entry {
  readonly path: string;
  /** Empty for what is no file. */
  readonly oid: string;
}

const pathIn = (record: string): string => Buffer.from(record.slice(record.indexOf("\t") + 1), "latin1").toString();

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
