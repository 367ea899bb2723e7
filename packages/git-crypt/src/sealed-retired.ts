import { decryptBlob, encryptBlob } from "./blob.ts";
import { isSealedWith } from "./content.ts";
import { type GitPlace, recordsOf, runGit, tryGit } from "./git.ts";
import { encodeKeyFile, type KeyFile, MAX_KEY_FILE_BYTES } from "./key-file.ts";
import { isKeyId, keyId } from "./key-id.ts";
import { DEFAULT_KEY_NAME } from "./key-name.ts";
import { readBlobs, sizesOf } from "./objects.ts";
import { parseRetired } from "./retired-keys.ts";

/** The folder of what this program commits, from the top folder. */
export const VAULT_FOLDER = ".git-vault";

const RETIRED_FOLDER = `${VAULT_FOLDER}/retired`;

/** Whether a path is that of a retired key. */
export const isRetiredFile = (path: string): boolean => path.startsWith(`${RETIRED_FOLDER}/`);

/** The committed folder of the retired keys of a name, from the top folder. */
export const retiredFolder = (keyName: string): string => `${RETIRED_FOLDER}/${keyName}`;

/** The committed file of a retired key: its path, and its content under the current key. */
export function sealRetired(current: KeyFile, retired: KeyFile): [path: string, content: Buffer] {
  const bytes = encodeKeyFile({ ...retired, legacy: false });
  const content = encryptBlob(current, bytes);
  bytes.fill(0);
  return [`${retiredFolder(current.name ?? DEFAULT_KEY_NAME)}/${keyId(retired)}.key`, content];
}

/** The committed file of a retired key. */
export interface SealedRetired {
  readonly id: string;
  readonly oid: string;
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
    const id = file.replace(/\.key$/, "");
    return type === "blob" && isKeyId(id) ? [{ id, oid }] : [];
  });
}

/** The ids of the retired keys that an index holds. */
export const retiredIn = (index: readonly { readonly name: string }[], keyName: string): string[] => {
  const folder = `${retiredFolder(keyName)}/`;
  return index.flatMap(({ name }) => (name.startsWith(folder) ? name.slice(folder.length).replace(/\.key$/, "") : []));
};

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
  const sizes = sizesOf(
    place,
    sealed.map(({ oid }) => oid),
  );
  for (const [oid, size] of sizes) if (size > 2 * MAX_KEY_FILE_BYTES) sizes.delete(oid);
  const ids = new Map(sealed.map(({ id, oid }) => [oid, id]));
  return [...readBlobs(place, sizes)].flatMap(([oid, blob]) =>
    isSealedWith(key, blob) ? (parseRetired(ids.get(oid) ?? "", decryptBlob(key, blob)) ?? []) : [],
  );
}
