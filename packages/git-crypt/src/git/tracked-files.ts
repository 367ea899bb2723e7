import { commitOf, type GitPlace, recordsOf, runGit, tryGit } from "./git.ts";
import { readBlobs, sizesOf } from "./objects.ts";
import { isRegular, listIndex } from "./protected-files.ts";
import { listTree, RAW } from "./trees.ts";

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
export const upstreamOf = (place: GitPlace): string | null => commitOf(place, "@{upstream}");

const textOf = (bytes: string): string => Buffer.from(bytes, "latin1").toString();

/** The blobs of at most so many bytes, by their names. */
function readSmall(place: GitPlace, sizes: ReadonlyMap<string, number>, most: number): Map<string, Buffer> {
  return new Map(readBlobs(place, new Map([...sizes].filter(([, size]) => size <= most))));
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
export function readTracked(place: GitPlace, folder: string, most: number, commit?: string): TrackedFile[] {
  const entries =
    commit === undefined
      ? listIndex(place, `${folder}/`).filter(({ stage }) => stage === 0)
      : (listTree(place, commit, folder) ?? []);
  const files = new Set(entries.filter(isRegular));
  const sizes = sizesOf(
    place,
    [...files].map(({ oid }) => oid),
  );
  const contents = readSmall(place, sizes, most);
  return entries.map((entry) => {
    const oid = files.has(entry) ? entry.oid : "";
    return { path: textOf(entry.name), bytes: sizes.get(oid) ?? 0, content: contents.get(oid) ?? null };
  });
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
export function readRemoved(place: GitPlace, folder: string, most: number): RemovedFile[] {
  const upstream = upstreamOf(place);
  const commits = ["HEAD", ...(upstream === null ? [] : [upstream])];
  const format = ["--no-show-signature", "--diff-filter=D", "--format=%x00%H%x00%an%x00%as"];
  const args = ["--literal-pathspecs", "log", ...RAW, ...format, ...commits, "--", `${folder}/`];
  const { status, stdout } = tryGit(place, args);
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
    place,
    removed.map(({ oid }) => oid),
  );
  const contents = readSmall(place, sizes, most);
  return removed.flatMap(({ oid, ...file }) => {
    const content = contents.get(oid);
    return content === undefined ? [] : [{ ...file, content }];
  });
}

/**
 * The files at or below some paths that the index or the work tree holds otherwise than HEAD does:
 * changed, removed, or new and not ignored. A bare repository has none. Paths go from the top
 * folder, with `/` between their parts.
 *
 * @throws GitCryptError GIT_FAILED
 */
export function uncommittedFiles(place: GitPlace, paths: readonly string[]): string[] {
  if (place.topLevel === null || paths.length === 0) return [];
  return listUncommitted(
    place,
    paths.map((path) => `:(literal)${path}`),
  ).map(textOf);
}

/** The same, by git's pathspecs, of a place with a work tree; the names' characters are bytes. */
export function listUncommitted(place: GitPlace, pathspecs: readonly string[]): string[] {
  const args = ["status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--ignore-submodules=all"];
  // Two letters and a blank, and then the path.
  return recordsOf(runGit(place, [...args, "--", ...pathspecs])).map((record) => record.slice(3));
}
