import { isEncryptedBlob } from "../format/blob.ts";
import { fetchBlobs } from "../git/partial-clone.ts";
import { type GitPlace, runGit } from "../git/git.ts";
import { oidsOf, readBlobs, sizesOf, WHOLE_BYTES } from "../git/objects.ts";
import { isRegular, listProtected, type ProtectedEntry } from "../git/protected-files.ts";
import { parseDifferences, RAW, withIndexOf } from "../git/trees.ts";
import type { KeyRing } from "./key-ring.ts";

/**
 * Where so many encrypted blobs were tried, all of which would have to be damaged, large ones and
 * older versions are not read.
 */
const ENOUGH = 16;

/** So many blobs are fetched to try a key, where a partial clone has none. */
const FETCHED = 4;

/** Whether the name's keys open its files; `unknown` if none of them is encrypted. */
export type Fit = "fits" | "wrong" | "unknown";

type Blobs = Iterable<Buffer>;

/** The smallest first. */
function bySize(place: GitPlace, oids: Iterable<string>): { small: () => Blobs; large: () => Blobs } {
  const ascending = [...sizesOf(place, oids)].toSorted(([, a], [, b]) => a - b);
  const small = ascending.filter(([, size]) => size <= WHOLE_BYTES);
  function* contents(sizes: readonly [string, number][]): Blobs {
    for (const [, blob] of readBlobs(place, new Map(sizes))) yield blob;
  }
  return { small: () => contents(small), large: () => contents(ascending.slice(small.length)) };
}

/** The blobs that some of the files were in any commit that a reference reaches. */
function pastOids(place: GitPlace, names: Iterable<string>): string[] {
  const some = [...new Set(names)].filter((name) => !name.includes("\n")).slice(0, ENOUGH);
  if (some.length === 0) return [];
  const options = ["log", "--all", ...RAW, "-m", "--root", "--diff-filter=d", "--format=", "--stdin"];
  const paths = Buffer.from(["--", ...some, ""].join("\n"), "latin1");
  const output = runGit(place, ["--literal-pathspecs", ...options], paths);
  return parseDifferences(output).flatMap(({ after }) => after ?? []);
}

/**
 * Tells whether the keys of a name open files that are protected under it: those that were read
 * already, blobs of the index, those of HEAD, since a clone that was not checked out has no index,
 * and older versions. One that opens is enough, and some may be damaged.
 *
 * @param entries of the index on protected paths, where they are known
 * @param contents encrypted files of the work tree, where they were read
 * @throws GitCryptError GIT_FAILED.
 */
export function tryKey(
  place: GitPlace,
  keys: KeyRing,
  entries?: readonly ProtectedEntry[],
  contents: readonly Buffer[] = [],
): Fit {
  let tries = 0;
  const opensAny = (blobs: Blobs): boolean => {
    for (const blob of blobs) {
      if (!isEncryptedBlob(blob)) continue;
      if (keys.keyOf(blob) !== null) return true;
      tries += 1;
    }
    return false;
  };
  if (opensAny(contents.toSorted((a, b) => a.length - b.length))) return "fits";
  const isOwn = (entry: ProtectedEntry): boolean => entry.keyName === keys.name && isRegular(entry);
  const own = (entries ?? listProtected(place, place.topLevel === null ? "index" : undefined)).filter(isOwn);
  const index = bySize(place, oidsOf(own));
  if (opensAny(index.small())) return "fits";
  const committed = (withIndexOf(place, "HEAD", (at) => listProtected(at, "index")) ?? []).filter(isOwn);
  const head = bySize(place, oidsOf(committed));
  if (opensAny(head.small())) return "fits";
  for (const more of [index.large, head.large]) if (tries < ENOUGH && opensAny(more())) return "fits";
  // A partial clone may have none of them: a few will do.
  const some = oidsOf([...own, ...committed]).slice(0, FETCHED);
  if (tries === 0 && fetchBlobs(place, some) && opensAny(bySize(place, some).small())) return "fits";
  if (tries === 0) return "unknown";
  // They show that a key is right, and none that it is wrong: it may have been replaced.
  const names = [...own, ...committed].map(({ name }) => name);
  if (tries < ENOUGH && opensAny(bySize(place, pastOids(place, names)).small())) return "fits";
  return "wrong";
}
