import { GitCryptError } from "../errors.ts";
import type { GitOutput } from "../answers.ts";
import { ATTRIBUTES_PATHSPEC, isAttributesFile } from "./attribute-states.ts";
import { bytesOf, type CommonPlace, type GitPlace, gitSucceeds, recordsOf, runGit, tryGit } from "./git.ts";
import { isLackingObject, isPartialClone, oidsOf, sizesOf } from "./objects.ts";
import { isWithin, ownFolders, VAULT_FOLDER } from "./own-folders.ts";
import { listIndex } from "./protected-files.ts";
import { listTree, parseDifferences, RAW } from "./trees.ts";

/**
 * Fetches, into a partial clone, what is read before anything can be opened: files of attributes,
 * as they are and ever were, and all that the own folders ever held.
 *
 * @throws GitCryptError NO_SUCH_FILE where a file of the own folders is not here then: without it
 * nobody can tell who the members are; GIT_FAILED
 */
export function fetchOwnFiles(place: CommonPlace): void {
  if (!isPartialClone(place)) return;
  const files = [...listIndex(place), ...(listTree(place, "HEAD") ?? [])];
  const folders = ownFolders(place);
  const past = logWithTrees(place, "--", ATTRIBUTES_PATHSPEC, ...folders);
  const older = parseDifferences(past.stdout);
  const isOwn = ({ name }: { readonly name: string }): boolean => isWithin(folders, name);
  const now = files.filter((file) => isOwn(file) || isAttributesFile(file.name));
  const own = [...oidsOf(now.filter(isOwn)), ...older.filter(isOwn).flatMap(({ after }) => after ?? [])];
  const all = [...oidsOf(now), ...older.flatMap(({ after }) => after ?? [])];
  if (past.status === 0 && (fetchBlobs(place, all) || fetchBlobs(place, own))) return;
  const message = `files of ${VAULT_FOLDER} are not in this clone, and could not be fetched`;
  throw new GitCryptError("NO_SUCH_FILE", message, {
    hint: "check that the remote it was cloned from can be reached, then run the command again",
  });
}

/**
 * Whether the files of the own folders are here, of which a partial clone may lack some.
 *
 * @throws GitCryptError GIT_FAILED
 */
export function hasOwnFiles(place: CommonPlace): boolean {
  if (!isPartialClone(place)) return true;
  const folders = ownFolders(place);
  const oids = oidsOf(listIndex(place, ...folders.map(bytesOf)));
  const here = sizesOf(place, oids);
  return oids.every((oid) => here.has(oid));
}

/**
 * Fetches, into a partial clone, the trees of a revision.
 *
 * @returns whether all are here now
 */
export const fetchTrees = (place: CommonPlace, revision: string): boolean =>
  isPartialClone(place) &&
  !revision.startsWith("-") &&
  gitSucceeds({ ...place, isOnline: true }, "ls-tree", "-r", "--name-only", "--full-tree", revision);

/** The remotes that promised to have what a partial clone lacks. */
function promisors(place: GitPlace): string[] {
  const pattern = String.raw`^remote\..*\.promisor$`;
  const { status, stdout } = tryGit(place, ["config", "-z", "--type=bool", "--get-regexp", pattern]);
  if (status !== 0) return [];
  return recordsOf(stdout).flatMap((record) => /^remote\.(.*)\.promisor\ntrue$/s.exec(record)?.[1] ?? []);
}

function fetchFrom(place: GitPlace, remote: string, oids: readonly string[]): void {
  const options = ["--no-tags", "--no-write-fetch-head", "--recurse-submodules=no", "--no-auto-gc"];
  const args = ["-c", "fetch.negotiationAlgorithm=noop", "fetch", "--quiet", ...options, "--filter=blob:none"];
  const wanted = Buffer.from(oids.map((oid) => `${oid}\n`).join(""));
  tryGit({ ...place, isOnline: true }, [...args, "--stdin", "--", remote], wanted);
}

/**
 * What all commits that any reference reaches added and changed, for `parseDifferences`. Where a
 * clone lacks trees of theirs, these are fetched first, all at once.
 *
 * @param words more options, and paths
 */
export function logWithTrees(place: CommonPlace, ...words: readonly string[]): GitOutput {
  const args = ["log", "--all", ...RAW, "-m", "--root", "--diff-filter=d", "--format=", ...words];
  const found = tryGit(place, args);
  if (!isLackingObject(place, found)) return found;
  const roots = new Set(runGit(place, ["log", "--all", "--format=%T"]).toString("latin1").split("\n").filter(Boolean));
  for (const remote of promisors(place)) fetchFrom(place, remote, [...roots]);
  return tryGit(place, args);
}

/**
 * Fetches, into a partial clone, those of some blobs that are not here, all at once. Beside
 * {@link fetchTrees} and {@link logWithTrees} nothing goes to the network, and only what a person
 * asked to read is fetched: git itself would fetch one after the other, whatever needs them.
 *
 * @returns whether all are here now
 * @throws GitCryptError GIT_FAILED
 */
export function fetchBlobs(place: GitPlace, oids: Iterable<string>): boolean {
  const missingOf = (names: readonly string[]): string[] => {
    const here = sizesOf(place, names);
    return names.filter((oid) => !here.has(oid));
  };
  let missing = missingOf([...new Set(oids)]);
  if (missing.length === 0) return true;
  for (const remote of promisors(place)) {
    fetchFrom(place, remote, missing);
    missing = missingOf(missing);
    if (missing.length === 0) return true;
  }
  return false;
}
