import { decryptBlob, encryptBlob } from "./blob.ts";
import { isSealedWith } from "./content.ts";
import { type GitPlace, recordsOf, runGit, tryGit } from "./git.ts";
import { encodeKeyFile, type KeyFile, MAX_KEY_FILE_BYTES } from "./key-file.ts";
import { isKeyId, keyId } from "./key-id.ts";
import { DEFAULT_KEY_NAME } from "./key-name.ts";
import { readBlobs, sizesOf } from "./objects.ts";
import type { Repository } from "./repository.ts";
import { parseRetired } from "./retired-keys.ts";
import { readTracked } from "./tracked-files.ts";

/** The folder of what this program commits, from the top folder. */
export const VAULT_FOLDER = ".git-vault";

const RETIRED_FOLDER = `${VAULT_FOLDER}/retired`;

/** Whether a path is that of a retired key. */
export const isRetiredFile = (path: string): boolean => path.startsWith(`${RETIRED_FOLDER}/`);

/** The committed folder of the retired keys of a name, from the top folder. */
export const retiredFolder = (keyName: string): string => `${RETIRED_FOLDER}/${keyName}`;

/** The committed file of a retired key: its path, and its content under the current key. Both keys' ids are in its name, so that rotations on two branches do not conflict. */
export function sealRetired(current: KeyFile, retired: KeyFile): [path: string, content: Buffer] {
  const bytes = encodeKeyFile({ ...retired, legacy: false });
  const content = encryptBlob(current, bytes);
  bytes.fill(0);
  return [`${retiredFolder(current.name ?? DEFAULT_KEY_NAME)}/${keyId(retired)}.${keyId(current)}.key`, content];
}

/** What the name of a retired key's committed file tells. */
export interface Retirement {
  /** The retired key. */
  readonly id: string;
  /** The key that it is sealed with. */
  readonly sealer: string;
}

/** The committed file of a retired key. */
export interface SealedRetired extends Retirement {
  readonly oid: string;
}

/** Null for a file's name that is none of a retired key's. */
function parseName(file: string): Retirement | null {
  const [id = "", sealer = "", ...rest] = file.split(".");
  return isKeyId(id) && isKeyId(sealer) && rest.join(".") === "key" ? { id, sealer } : null;
}

/** Tells of a key whether the commits of this index retired it; older commits, when checked out, did not. */
export function retirementIn(index: readonly { readonly name: string }[], keyName: string): (key: KeyFile) => boolean {
  const ids = new Set(retiredIn(index, keyName));
  return (key) => ids.size > 0 && ids.has(keyId(key));
}

function listTree(place: GitPlace, tree: string): SealedRetired[] {
  const { status, stdout } = tryGit(place, ["ls-tree", "-z", tree]);
  if (status !== 0) return [];
  return recordsOf(stdout).flatMap((record) => {
    const [, type, rest = ""] = record.split(" ");
    const [oid = "", file = ""] = rest.split("\t");
    const name = parseName(file);
    return type === "blob" && name !== null ? [{ ...name, oid }] : [];
  });
}

function retirementsIn(index: readonly { readonly name: string }[], keyName: string): Retirement[] {
  const folder = `${retiredFolder(keyName)}/`;
  return index.flatMap(({ name }) => (name.startsWith(folder) ? (parseName(name.slice(folder.length)) ?? []) : []));
}

/** The ids of the retired keys that an index holds. */
export const retiredIn = (index: readonly { readonly name: string }[], keyName: string): string[] =>
  retirementsIn(index, keyName).map(({ id }) => id);

/** The ids of the keys that are sealed with none: that of the last rotation, or several where branches that rotated were merged. */
export function unretired(retirements: readonly Retirement[]): Set<string> {
  const retired = new Set(retirements.map(({ id }) => id));
  return new Set(retirements.flatMap(({ sealer }) => (retired.has(sealer) ? [] : sealer)));
}

/** The same, of an index. */
export const presentIn = (index: readonly { readonly name: string }[], keyName: string): Set<string> =>
  unretired(retirementsIn(index, keyName));

/** What an index, or a commit, tells of the rotations of a key. */
export interface Rotations {
  /** The ids of the keys that were replaced. */
  readonly retired: ReadonlySet<string>;
  /** The ids of those that took their places: one; several, where branches that rotated were merged. */
  readonly present: ReadonlySet<string>;
}

/**
 * Reads what the rotations of a repository's keys left in its index, by key name; keys that were never rotated are not among them.
 *
 * @param commit that is read instead of the index
 * @throws GitCryptError GIT_FAILED
 */
export function readRotations(repository: Repository, commit?: string): Map<string, Rotations> {
  const index = readTracked(repository, RETIRED_FOLDER, 0, commit).map(({ path }) => ({ name: path }));
  const names = new Set(index.map(({ name }) => name.split("/")[2] ?? ""));
  return new Map(
    [...names].map((name) => [name, { retired: new Set(retiredIn(index, name)), present: presentIn(index, name) }]),
  );
}

/** The same, of the index of a repository, without reading the whole of it. */
export const listRetired = (place: GitPlace, keyName: string): string[] => {
  const listed = runGit(place, ["--literal-pathspecs", "ls-files", "-z", "--", `${retiredFolder(keyName)}/`]);
  return retiredIn(
    recordsOf(listed).map((name) => ({ name })),
    keyName,
  );
};

/** Those that the tips of all references hold, what was fetched last and HEAD. */
export function sealedAnywhere(place: GitPlace, keyName: string): SealedRetired[] {
  const references = tryGit(place, ["for-each-ref", "--format=%(refname)"]).stdout.toString().split("\n").slice(0, -1);
  const folders = ["HEAD", "FETCH_HEAD", ...references].map((name) => `${name}:${retiredFolder(keyName)}\n`);
  const answers = tryGit(place, ["cat-file", "--batch-check", "--buffer"], Buffer.from(folders.join(""))).stdout;
  const lines = answers.toString().split("\n");
  const trees = new Set(lines.flatMap((line) => /^([0-9a-f]+) tree /.exec(line)?.[1] ?? []));
  return [...trees].flatMap((tree) => listTree(place, tree));
}

/** The retired keys among `sealed` that `key` opens. */
export function openSealed(place: GitPlace, sealed: readonly SealedRetired[], key: KeyFile): KeyFile[] {
  const own = keyId(key);
  const sizes = sizesOf(
    place,
    sealed.flatMap(({ sealer, oid }) => (sealer === own ? oid : [])),
  );
  for (const [oid, size] of sizes) if (size > 2 * MAX_KEY_FILE_BYTES) sizes.delete(oid);
  const ids = new Map(sealed.map(({ id, oid }) => [oid, id]));
  return [...readBlobs(place, sizes)].flatMap(([oid, blob]) =>
    isSealedWith(key, blob) ? (parseRetired(ids.get(oid) ?? "", decryptBlob(key, blob)) ?? []) : [],
  );
}
