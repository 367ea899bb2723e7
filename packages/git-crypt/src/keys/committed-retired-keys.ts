import { encryptBlob, tryDecrypt } from "../format/blob.ts";
import { encodeKeyFile, type KeyFile, MAX_KEY_FILE_BYTES } from "../format/key-file.ts";
import { isKeyId, keyId, keyMac } from "../format/key-id.ts";
import { DEFAULT_KEY_NAME } from "../format/key-name.ts";
import { type GitPlace, recordsOf, runGit, tryGit } from "../git/git.ts";
import { VAULT_FOLDER } from "../git/own-folders.ts";
import { readBlobs, sizesOf } from "../git/objects.ts";
import { listTree } from "../git/trees.ts";
import { parseRetired } from "./stored-keys.ts";

/** The committed folder of all retired keys, from the top folder. */
export const RETIRED_FOLDER: string = `${VAULT_FOLDER}/retired`;

/** Whether a path is that of a retired key. */
export const isRetiredFile = (path: string): boolean => path.startsWith(`${RETIRED_FOLDER}/`);

/** The committed folder of the retired keys of a name, from the top folder. */
export const retiredFolder = (keyName: string): string => `${RETIRED_FOLDER}/${keyName}`;

const PROOF_LABEL = "git-vault retired key";

/**
 * What only who has the retired key can say: that the other one takes its place. Whoever is left
 * with the retired one can tell by it.
 */
const proofOf = (retired: KeyFile, sealer: string): string =>
  keyMac(retired, PROOF_LABEL, Buffer.from(sealer)).toString("hex").slice(0, 32);

/**
 * The committed file of a retired key: its path, and its content under the current key. Both keys'
 * ids are in its name, so that rotations on two branches do not conflict, and a proof that whoever
 * says so had the retired key.
 */
export function sealRetired(current: KeyFile, retired: KeyFile): [path: string, content: Buffer] {
  const bytes = encodeKeyFile({ ...retired, legacy: false });
  const content = encryptBlob(current, bytes);
  bytes.fill(0);
  const name = `${keyId(retired)}.${keyId(current)}.${proofOf(retired, keyId(current))}.key`;
  return [`${retiredFolder(current.name ?? DEFAULT_KEY_NAME)}/${name}`, content];
}

/** What the name of a retired key's committed file tells. */
export interface Retirement {
  /** The retired key. */
  readonly id: string;
  /** The key that it is sealed with. */
  readonly sealer: string;
  readonly proof: string;
}

/**
 * Whether somebody who had the retired key, which is among `keys`, says that it was retired; who
 * had it not can write such a name, too.
 */
export const isProven = ({ id, sealer, proof }: Retirement, keys: readonly KeyFile[]): boolean =>
  keys.some((key) => keyId(key) === id && proofOf(key, sealer) === proof);

/** The committed file of a retired key. */
export interface SealedRetired extends Retirement {
  readonly oid: string;
}

/** Null for a file's name that is none of a retired key's. */
function parseName(file: string): Retirement | null {
  const [id = "", sealer = "", proof = "", ...rest] = file.split(".");
  return isKeyId(id) && isKeyId(sealer) && rest.join(".") === "key" ? { id, sealer, proof } : null;
}

/** The names of files, from the top folder; their characters are bytes. */
type Index = readonly { readonly name: string }[];

/** What an index tells of the keys that were retired, whether that is proven or not. */
export function retirementsIn(index: Index, keyName: string): Retirement[] {
  const folder = `${retiredFolder(keyName)}/`;
  return index.flatMap(({ name }) => (name.startsWith(folder) ? (parseName(name.slice(folder.length)) ?? []) : []));
}

/** Whether a key was retired, as somebody who had it says. */
export const retires = (retirements: readonly Retirement[], key: KeyFile): boolean =>
  retirements.some((one) => isProven(one, [key]));

/**
 * The ids of the keys that are sealed with none: that of the last rotation, or several where
 * branches that rotated were merged.
 *
 * @param keys that are here: only what they prove counts
 */
export function presentIn(retirements: readonly Retirement[], keys: readonly KeyFile[]): Set<string> {
  const proven = retirements.filter((one) => isProven(one, keys));
  const retired = new Set(proven.map(({ id }) => id));
  return new Set(proven.flatMap(({ sealer }) => (retired.has(sealer) ? [] : sealer)));
}

/** The files of an index that say of keys which are here what nobody said who had them. */
export function falseIn(index: Index, keyName: string, keys: readonly KeyFile[]): string[] {
  const folder = `${retiredFolder(keyName)}/`;
  const ids = new Set(keys.map(keyId));
  return index.flatMap(({ name }) => {
    if (!name.startsWith(folder)) return [];
    const one = parseName(name.slice(folder.length));
    return one === null || (ids.has(one.id) && !isProven(one, keys)) ? [name] : [];
  });
}

/** The same as {@link retirementsIn}, without reading the whole of the index. */
export function listRetired(place: GitPlace, keyName: string): Retirement[] {
  const args = ["--literal-pathspecs", "ls-files", "-z", "--", `${retiredFolder(keyName)}/`];
  const index = recordsOf(runGit(place, args)).map((name) => ({ name }));
  return retirementsIn(index, keyName);
}

/** Those that the tips of all references hold, what was fetched last and HEAD. */
export function sealedAnywhere(place: GitPlace, keyName: string): SealedRetired[] {
  const references = tryGit(place, ["for-each-ref", "--format=%(refname)"]).stdout.toString().split("\n").slice(0, -1);
  const folders = ["HEAD", "FETCH_HEAD", ...references].map((name) => `${name}:${retiredFolder(keyName)}\n`);
  const answers = tryGit(place, ["cat-file", "--batch-check", "--buffer"], Buffer.from(folders.join(""))).stdout;
  const lines = answers.toString().split("\n");
  const trees = new Set(lines.flatMap((line) => /^([0-9a-f]+) tree /.exec(line)?.[1] ?? []));
  return [...trees].flatMap((tree) =>
    (listTree(place, tree) ?? []).flatMap(({ name, oid }) => {
      const retirement = parseName(name);
      return retirement === null ? [] : [{ ...retirement, oid }];
    }),
  );
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
  return [...readBlobs(place, sizes)].flatMap(([oid, blob]) => {
    const bytes = tryDecrypt(key, blob);
    return bytes === null ? [] : (parseRetired(ids.get(oid) ?? "", bytes) ?? []);
  });
}
