import { readKeyRing, type KeyRing } from "./key-ring.ts";
import { encryptedBlobs } from "../git/encrypted-blobs.ts";
import { readBlobs, sizesOf } from "../git/objects.ts";
import type { Version } from "../git/plaintext.ts";
import { isRegular } from "../git/protected-files.ts";
import type { Repository } from "../git/repository.ts";
import type { Difference } from "../git/trees.ts";

/** In bytes, of one file and of all: what is larger is not compared. */
const MOST_BYTES = 1024 * 1024;
const MOST_ALL_BYTES = 32 * 1024 * 1024;

/** Of the larger of two files, as for git itself. */
const SIMILAR = 0.5;

/** Shorter lines, in characters, such as brackets, are in many files. */
const SHORT = 3;

const lastPart = (name: string): string => name.slice(name.lastIndexOf("/") + 1);

/** A file that a commit removed, or added. */
interface OneSided extends Version {
  readonly mode: string;
}

/**
 * The encrypted versions that new files were made of, which a commit, or the index, moved out of
 * protected paths. Without a key, a file by the same name that left along is one: plaintext and
 * ciphertext have nothing else in common. With one, so is each that left along and that shares half
 * of its bytes with the new file, line by line.
 *
 * @param commits the changes of each
 * @param open the names that are looked at
 */
export function movedVersions(
  repository: Repository,
  commits: readonly (readonly Difference[])[],
  open: readonly { readonly name: string }[],
): Version[] {
  const moves = commits.map(sidesOf).filter(({ left, added }) => left.length > 0 && added.length > 0);
  if (moves.length === 0) return [];
  const names = new Set(open.map(({ name }) => name));
  const wanted = moves.filter(({ added }) => added.some(({ name }) => names.has(name)));
  const encrypted = encryptedBlobs(
    { ...repository, topLevel: null },
    wanted.flatMap(({ left }) => left),
  );
  const found: Version[] = [];
  const unknown: { readonly left: readonly Version[]; readonly added: readonly Version[] }[] = [];
  for (const move of wanted) {
    const left = move.left.filter(({ oid }) => encrypted.has(oid));
    const byName = new Map(left.map(({ name, oid }) => [lastPart(name), oid]));
    const added = move.added.filter(({ name }) => names.has(name));
    for (const { name } of added) {
      const oid = byName.get(lastPart(name));
      if (oid !== undefined) found.push({ name, oid });
    }
    const others = added.filter(({ name }) => !byName.has(lastPart(name)));
    if (left.length > 0 && others.length > 0) unknown.push({ left, added: others });
  }
  return [...found, ...similarVersions(repository, unknown)];
}

function sidesOf(changes: readonly Difference[]): { readonly left: OneSided[]; readonly added: OneSided[] } {
  const regular = changes.filter(isRegular);
  return {
    left: regular.flatMap(({ name, mode, before, after }) =>
      before !== null && after === null ? [{ name, mode, oid: before }] : [],
    ),
    added: regular.flatMap(({ name, mode, before, after }) =>
      before === null && after !== null ? [{ name, mode, oid: after }] : [],
    ),
  };
}

/** How often a text has each of its lines. */
type Lines = ReadonlyMap<string, number>;

function linesOf(content: Uint8Array): Lines {
  const lines = new Map<string, number>();
  for (const line of Buffer.from(content.buffer, content.byteOffset, content.length).toString("latin1").split("\n")) {
    if (line.length >= SHORT) lines.set(line, (lines.get(line) ?? 0) + 1);
  }
  return lines;
}

function sharedBytes(some: Lines, others: Lines): number {
  let bytes = 0;
  for (const [line, count] of some) bytes += Math.min(count, others.get(line) ?? 0) * (line.length + 1);
  return bytes;
}

interface Text {
  readonly oid: string;
  readonly size: number;
  readonly lines: Lines;
}

/** The texts of blobs, as far as the limits go; `open` gives the content, or null for none. */
function textsOf(
  repository: Repository,
  oids: readonly string[],
  open: (blob: Buffer) => Uint8Array | null = (blob) => blob,
): Map<string, Text> {
  let all = 0;
  const small = [...sizesOf(repository, oids)].filter(
    ([, size]) => size <= MOST_BYTES && (all += size) <= MOST_ALL_BYTES,
  );
  const texts = new Map<string, Text>();
  for (const [oid, blob] of readBlobs(repository, new Map(small))) {
    const content = open(blob);
    if (content !== null) texts.set(oid, { oid, size: content.length, lines: linesOf(content) });
    content?.fill(0);
  }
  return texts;
}

function similarVersions(
  repository: Repository,
  moves: readonly { readonly left: readonly Version[]; readonly added: readonly Version[] }[],
): Version[] {
  const keyNames = moves.length === 0 ? [] : repository.keyNames();
  if (keyNames.length === 0) return [];
  const rings = keyNames.map((name) => readKeyRing(repository, name));
  try {
    const oidsOf = (side: "left" | "added"): string[] => moves.flatMap((move) => move[side].map(({ oid }) => oid));
    const left = textsOf(repository, oidsOf("left"), (blob) => openWith(rings, blob));
    const added = textsOf(repository, oidsOf("added"));
    return moves.flatMap((move) => {
      const sources = move.left.flatMap(({ oid }) => left.get(oid) ?? []);
      return move.added.flatMap(({ name, oid }) => {
        const text = added.get(oid);
        const source = text === undefined ? undefined : sources.find((one) => areSimilar(one, text));
        return source === undefined ? [] : [{ name, oid: source.oid }];
      });
    });
  } finally {
    for (const ring of rings) ring.wipe();
  }
}

/** By size alone most pairs are told apart. */
const areSimilar = (one: Text, other: Text): boolean => {
  const larger = Math.max(one.size, other.size);
  return Math.min(one.size, other.size) >= SIMILAR * larger && sharedBytes(one.lines, other.lines) >= SIMILAR * larger;
};

function openWith(rings: readonly KeyRing[], blob: Buffer): Uint8Array | null {
  for (const ring of rings) {
    const found = ring.tryOpen(blob);
    if (found !== null) return found.content;
  }
  return null;
}
