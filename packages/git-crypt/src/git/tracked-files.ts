import { bytesOf, type GitPlace, recordsOf, runGit, textOf } from "./git.ts";
import { readBlobs, readFew, sizesOf } from "./objects.ts";
import { isRegular, listIndex } from "./protected-files.ts";
import { listTree } from "./trees.ts";

/** A file as the index holds it. */
export interface TrackedFile {
  /** From the top folder, with `/` between its parts. */
  readonly path: string;
  /** In bytes; 0 for what is no file, such as a symbolic link. */
  readonly bytes: number;
  /** What git stores for it; null for what is no file, or is larger than was asked for. */
  readonly content: Buffer | null;
  /** Whether git has what it stores for it: a partial clone may lack it. */
  readonly isHere: boolean;
}

/** The blobs of at most `most` bytes, by git's names for them; what is not here is left out. */
export const readSmallBlobs = (place: GitPlace, oids: readonly string[], most: number): Map<string, Buffer> =>
  new Map(readSmall(place, oids, most).blobs);

/** What is read of blobs: see `readChosenBlobs`. */
export interface ChosenBlobs {
  /** The sizes of all that are here, in bytes. */
  readonly sizes: ReadonlyMap<string, number>;
  readonly blobs: ReadonlyMap<string, Buffer>;
}

/**
 * The same, of which only those are kept that somebody chooses: what others committed may be a
 * thousand times as large as what they pushed.
 */
export function readChosenBlobs(
  place: GitPlace,
  oids: readonly string[],
  { most, isChosen }: { readonly most: number; readonly isChosen: (oid: string, content: Buffer) => boolean },
): ChosenBlobs {
  const { sizes, blobs } = readSmall(place, oids, most);
  const chosen = new Map<string, Buffer>();
  // A copy: they lie in the answers that git gave to many questions at once.
  for (const [oid, content] of blobs) if (isChosen(oid, content)) chosen.set(oid, Buffer.from(content));
  return { sizes, blobs: chosen };
}

/** For sizes git opens each file once more, which takes a second of 20,000. */
const AT_ONCE_BYTES = 16 * 1024 * 1024;

/** The same one after the other, with the sizes of all that are here. */
function readSmall(
  place: GitPlace,
  oids: readonly string[],
  most: number,
): { readonly sizes: ReadonlyMap<string, number>; readonly blobs: Iterable<[oid: string, content: Buffer]> } {
  const few = most === 0 ? null : readFew(place, oids, { enough: AT_ONCE_BYTES });
  const sizes = few === null ? sizesOf(place, oids) : new Map([...few].map(([oid, blob]) => [oid, blob.length]));
  const small = new Map([...sizes].filter(([, size]) => size <= most));
  const blobs = few === null ? readBlobs(place, small) : [...few].filter(([oid]) => small.has(oid));
  return { sizes, blobs };
}

/** Which files of a folder are read, and how. */
export interface ReadTrackedOptions {
  /** Larger files, in bytes, are not read. */
  readonly most: number;
  /** The commit whose files are read instead of the index's. */
  readonly commit?: string | undefined;
  /** Whether folders in a commit's folder are passed over. */
  readonly isFlat?: boolean | undefined;
  /** By path; all where it is left out. */
  readonly isWanted?: ((path: string) => boolean) | undefined;
  /** Blobs by git's names for them: these are not read again, and what is read is added. */
  readonly seen?: Map<string, Buffer> | undefined;
}

/**
 * Reads the files of a folder as the index holds them: in a sparse checkout those too that are not
 * in the work tree, and whatever git makes of line ends. Those that are in conflict are left out.
 *
 * @param folder from the top folder, without a `/` at its end
 * @throws GitCryptError GIT_FAILED
 */
export function readTracked(place: GitPlace, folder: string, options: ReadTrackedOptions): TrackedFile[] {
  const { most, commit, isWanted = () => true, seen = new Map<string, Buffer>() } = options;
  const all =
    commit === undefined
      ? listIndex(place, bytesOf(folder)).filter(({ stage }) => stage === 0)
      : (listTree(place, commit, { folder, isFlat: options.isFlat }) ?? []);
  const entries = all.filter(({ name }) => isWanted(textOf(name)));
  const files = new Set(entries.filter(isRegular));
  const unseen = [...files].flatMap(({ oid }) => (seen.has(oid) ? [] : oid));
  const { sizes, blobs } = readSmall(place, unseen, most);
  for (const [oid, content] of blobs) seen.set(oid, content);
  return entries.map((entry) => {
    const oid = files.has(entry) ? entry.oid : "";
    const content = seen.get(oid) ?? null;
    const isHere = oid === "" || content !== null || sizes.has(oid);
    return { path: textOf(entry.name), bytes: content?.length ?? sizes.get(oid) ?? 0, content, isHere };
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

/**
 * The files of the index, and new ones that are not ignored. A bare repository has none that are
 * new.
 *
 * @throws GitCryptError GIT_FAILED
 */
export const filesToCommit = (place: GitPlace): string[] =>
  recordsOf(runGit(place, ["ls-files", "-z", "--cached", "--others", "--exclude-standard"])).map(textOf);

/**
 * The same as {@link uncommittedFiles}, by git's pathspecs, of a place with a work tree; the names'
 * characters are bytes.
 */
export function listUncommitted(place: GitPlace, pathspecs: readonly string[]): string[] {
  const args = ["status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--ignore-submodules=all"];
  // Two letters and a blank, and then the path.
  return recordsOf(runGit(place, [...args, "--", ...pathspecs])).map((record) => record.slice(3));
}
