import { recordsOf, runGit } from "./git.ts";
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

/**
 * Reads the files of a folder as the index holds them: in a sparse checkout those too that are not in the work tree, and whatever
 * git makes of line ends. Those that are in conflict are left out.
 *
 * @param folder from the top folder, without a `/` at its end
 * @param most larger files, in bytes, are not read
 * @throws GitCryptError GIT_FAILED
 */
export function readTracked(repository: Repository, folder: string, most: number): TrackedFile[] {
  const listed = recordsOf(runGit(repository, ["--literal-pathspecs", "ls-files", "-s", "-z", "--", `${folder}/`]));
  const entries = listed.flatMap((record) => {
    const tab = record.indexOf("\t");
    const [mode = "", oid = "", stage] = record.slice(0, tab).split(" ");
    const path = Buffer.from(record.slice(tab + 1), "latin1").toString();
    return stage === "0" ? [{ path, oid: isRegular({ mode }) ? oid : "" }] : [];
  });
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
