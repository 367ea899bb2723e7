import { encryptBlob, tryDecrypt } from "../format/blob.ts";
import { encodeKeyFile, type KeyFile, MAX_KEY_FILE_BYTES } from "../format/key-file.ts";
import { isKeyId, keyId } from "../format/key-id.ts";
import { DEFAULT_KEY_NAME } from "../format/key-name.ts";
import { type GitPlace, tryGit } from "../git/git.ts";
import { oidsOf, readBlobs, sizesOf } from "../git/objects.ts";
import { VAULT_FOLDER } from "../git/own-folders.ts";
import { listTree } from "../git/trees.ts";
import { parseRetired } from "./stored-keys.ts";

/** The committed folder of all retired keys, from the top folder. */
const RETIRED_FOLDER = `${VAULT_FOLDER}/retired`;

/** Whether a path is that of a retired key. */
export const isRetiredFile = (path: string): boolean => path.startsWith(`${RETIRED_FOLDER}/`);

/** The committed folder of the retired keys of a name, from the top folder. */
const folderOf = (keyName: string): string => `${RETIRED_FOLDER}/${keyName}`;

/**
 * The committed file of a retired key: its path, and its content under the newer key. Both keys'
 * ids are in its name, so that rotations on two branches do not conflict.
 */
export function sealRetired(newer: KeyFile, retired: KeyFile): [path: string, content: Buffer] {
  const bytes = encodeKeyFile({ ...retired, legacy: false });
  const content = encryptBlob(newer, bytes);
  bytes.fill(0);
  return [`${folderOf(newer.name ?? DEFAULT_KEY_NAME)}/${keyId(retired)}.${keyId(newer)}.key`, content];
}

/** What the name of a retired key's committed file says. Anybody can write one. */
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

/** What the names in an index say of the retired keys of a name. */
export function retirementsIn(index: readonly { readonly name: string }[], keyName: string): Retirement[] {
  const folder = `${folderOf(keyName)}/`;
  return index.flatMap(({ name }) => (name.startsWith(folder) ? (parseName(name.slice(folder.length)) ?? []) : []));
}

/** The files that the tips of all references hold, what was fetched last and HEAD. */
export function sealedAnywhere(place: GitPlace, keyName: string): SealedRetired[] {
  const references = tryGit(place, ["for-each-ref", "--format=%(refname)"]).stdout.toString().split("\n").slice(0, -1);
  const folders = ["HEAD", "FETCH_HEAD", ...references].map((name) => `${name}:${folderOf(keyName)}\n`);
  const answers = tryGit(place, ["cat-file", "--batch-check", "--buffer"], Buffer.from(folders.join(""))).stdout;
  const lines = answers.toString().split("\n");
  const trees = new Set(lines.flatMap((line) => /^([0-9a-f]+) tree /.exec(line)?.[1] ?? []));
  const sealed = [...trees].flatMap((tree) =>
    (listTree(place, tree) ?? []).flatMap(({ name, oid }) => {
      const retirement = parseName(name);
      return retirement === null ? [] : [[`${name} ${oid}`, { ...retirement, oid }] as const];
    }),
  );
  return [...new Map(sealed).values()];
}

/** The retired keys among `sealed` that are not among `keys`, and that one of these opens. */
export function openSealed(
  place: GitPlace,
  sealed: readonly SealedRetired[],
  keys: ReadonlyMap<string, KeyFile>,
): KeyFile[] {
  const further = sealed.filter(({ id, sealer }) => keys.has(sealer) && !keys.has(id));
  const sizes = sizesOf(place, oidsOf(further));
  for (const [oid, size] of sizes) if (size > 2 * MAX_KEY_FILE_BYTES) sizes.delete(oid);
  const blobs = new Map(readBlobs(place, sizes));
  return further.flatMap(({ id, sealer, oid }) => {
    const [key, blob] = [keys.get(sealer), blobs.get(oid)];
    const bytes = key === undefined || blob === undefined ? null : tryDecrypt(key, blob);
    return bytes === null ? [] : (parseRetired(id, bytes) ?? []);
  });
}
