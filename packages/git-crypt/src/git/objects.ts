import { createHash, hash } from "node:crypto";
import { push } from "@git-vault/core";
import { chunksOf } from "../format/blob.ts";
import { GitCryptError } from "../errors.ts";
import type { GitOutput } from "../answers.ts";
import { gitFailed, type GitPlace, runGit, settingsBy, tryGit } from "./git.ts";

/** So many bytes of objects are asked for at a time; a larger one comes alone. */
export const GROUP_BYTES: number = 32 * 1024 * 1024;

/** How many digits git's names of objects have, by SHA-1 or SHA-256. */
export type OidLength = 40 | 64;

export const oidLengthOf = (oid: string): OidLength => (oid.length === 64 ? 64 : 40);

/** What git calls a blob of this content. */
export function blobOid(length: OidLength, content: Uint8Array): string {
  const header = `blob ${content.length}\0`;
  const algorithm = length === 64 ? "sha256" : "sha1";
  if (content.length <= 65536) {
    const bytes = Buffer.allocUnsafe(header.length + content.length);
    bytes.write(header, "latin1");
    bytes.set(content, header.length);
    const oid = hash(algorithm, bytes, "hex");
    bytes.fill(0);
    return oid;
  }
  const digest = createHash(algorithm).update(header, "latin1");
  for (const chunk of chunksOf(content)) digest.update(chunk);
  return digest.digest("hex");
}

/** Tells whether `content` is the blob that git calls `oid`: SHA-1 or, by its length, SHA-256. */
export const isBlob = (oid: string, content: Uint8Array): boolean => blobOid(oidLengthOf(oid), content) === oid;

/** The names of the blobs of some entries. */
export const oidsOf = (entries: readonly { readonly oid: string }[]): string[] => entries.map(({ oid }) => oid);

/** Entries by the names of their blobs. */
export function byOid<T extends { readonly oid: string }>(entries: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const entry of entries) push(groups, entry.oid, entry);
  return groups;
}

const linesOf = (names: readonly string[]): Buffer => Buffer.from(names.map((name) => `${name}\n`).join(""));

/**
 * Whether git ended since an object is not here and it may not fetch it: a git before 2.44, in a
 * partial clone. A newer one goes on without blobs, and needs trees as well. Where no remote has
 * promised what is missing, the repository is damaged.
 */
export const isLackingObject = (place: GitPlace, { status, stderr }: GitOutput): boolean =>
  status !== 0 && /promisor remote|unable to read tree/.test(stderr) && isPartialClone(place);

/** Whether a repository may lack objects that a remote has. */
export const isPartialClone = (place: GitPlace): boolean =>
  settingsBy(place, "-z", "--list").some(([name]) => /^(?:remote\..*\.promisor|extensions\.partialclone)$/s.test(name));

/**
 * Runs git as `runGit` does; null where it needs what a partial clone lacks, such as the trees of
 * older commits.
 *
 * @throws GitCryptError GIT_FAILED
 */
export function runWhereHere(place: GitPlace, args: readonly string[]): Buffer | null {
  const output = tryGit(place, args);
  if (output.status === 0) return output.stdout;
  if (isLackingObject(place, output)) return null;
  throw gitFailed(args, output);
}

/** Those blobs that are here, whatever git it is; it reads them whole. */
function presentAmong(place: GitPlace, oids: readonly string[]): string[] {
  const args = ["rev-list", "--objects", "--no-walk", "--no-object-names", "--ignore-missing", "--missing=allow-any"];
  return runGit(place, [...args, "--stdin"], linesOf(oids))
    .toString("latin1")
    .split("\n")
    .filter(Boolean);
}

/**
 * The sizes of blobs, or trees, in bytes, by their names; what is not here is left out.
 *
 * @throws GitCryptError GIT_FAILED
 */
export function sizesOf(
  place: GitPlace,
  oids: Iterable<string>,
  wanted: "blob" | "tree" = "blob",
): Map<string, number> {
  const names = [...new Set(oids)];
  if (names.length === 0) return new Map();
  const args = ["cat-file", "--batch-check=%(objectname) %(objecttype) %(objectsize)", "--buffer"];
  const all = tryGit(place, args, linesOf(names));
  if (all.status !== 0 && !isLackingObject(place, all)) throw gitFailed(args, all);
  const output = all.status === 0 ? all.stdout : runGit(place, args, linesOf(presentAmong(place, names)));
  const sizes = new Map<string, number>();
  for (const line of output.toString("latin1").split("\n")) {
    const [oid = "", type, size] = line.split(" ");
    if (type === wanted) sizes.set(oid, Number(size));
  }
  return sizes;
}

function* groupsOf(sizes: ReadonlyMap<string, number>): Generator<string[]> {
  let group: string[] = [];
  let total = 0;
  for (const [oid, size] of sizes) {
    if (group.length > 0 && total + size > GROUP_BYTES) {
      yield group;
      group = [];
      total = 0;
    }
    group.push(oid);
    total += size;
  }
  if (group.length > 0) yield group;
}

/** So many bytes of blobs are asked for without a look at their sizes. */
const FEW_BYTES = 1024 * 1024;

/**
 * The blobs, or trees, among some objects, where they are few and small: git is asked once, for the
 * objects themselves. Null where there is more to them than `enough` bytes, or some are not here.
 */
export function readFew(
  place: GitPlace,
  oids: Iterable<string>,
  { enough = FEW_BYTES, wanted = "blob" }: { readonly enough?: number; readonly wanted?: "blob" | "tree" } = {},
): Map<string, Buffer> | null {
  const names = [...new Set(oids)];
  if (names.length === 0) return new Map();
  const args = ["cat-file", "--batch", "--buffer"];
  const { status, stdout } = tryGit(place, args, linesOf(names), enough);
  if (status !== 0) return null;
  const blobs = new Map<string, Buffer>();
  let offset = 0;
  for (const oid of names) {
    const end = stdout.indexOf(10, offset);
    const [, type, length] = /^\S+ (\w+) (\d+)$/.exec(stdout.toString("latin1", offset, end)) ?? [];
    if (type === undefined) return null;
    const start = end + 1;
    offset = start + Number(length) + 1;
    if (type === wanted) blobs.set(oid, stdout.subarray(start, offset - 1));
  }
  return blobs;
}

/** Reads blobs, or trees, a bounded amount at a time, and gives each by its name. */
export function* readBlobs(
  place: GitPlace,
  sizes: ReadonlyMap<string, number>,
): Generator<[oid: string, content: Buffer]> {
  for (const group of groupsOf(sizes)) {
    const output = runGit(place, ["cat-file", "--batch", "--buffer"], Buffer.from(`${group.join("\n")}\n`));
    let offset = 0;
    for (const oid of group) {
      const end = output.indexOf(10, offset);
      const size = Number(/^\S+ (?:blob|tree) (\d+)$/.exec(output.toString("latin1", offset, end))?.[1] ?? Number.NaN);
      if (Number.isNaN(size)) throw new GitCryptError("GIT_FAILED", "git cat-file failed: a blob is missing");
      yield [oid, output.subarray(end + 1, end + 1 + size)];
      offset = end + size + 2;
    }
  }
}

/** Blobs above this size are not read whole to see how they begin. */
export const WHOLE_BYTES: number = 1024 * 1024;

/** The first `bytes` of one blob; git is stopped once it has given them. */
const startOf = (place: GitPlace, oid: string, bytes: number): Buffer =>
  tryGit(place, ["cat-file", "blob", oid], undefined, bytes).stdout.subarray(0, bytes);

/**
 * Gives blobs by their names: those of up to `most` bytes whole, of a larger one the first 64
 * bytes.
 */
export function* readStarts(
  place: GitPlace,
  sizes: ReadonlyMap<string, number>,
  most: number = WHOLE_BYTES,
): Generator<[oid: string, start: Buffer, whole: boolean]> {
  const small = new Map([...sizes].filter(([, size]) => size <= most));
  for (const [oid, content] of readBlobs(place, small)) yield [oid, content, true];
  for (const [oid, size] of sizes) if (size > most) yield [oid, startOf(place, oid, 64), false];
}
