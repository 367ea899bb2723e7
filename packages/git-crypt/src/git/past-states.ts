import { type FilterLine, filterLines, type Macros, macrosIn } from "./attribute-lines.ts";
import {
  ATTRIBUTES_FILE,
  ATTRIBUTES_PATHSPEC,
  type AttributesFile,
  attributesFilesIn,
  type AttributeState,
  foldersOf,
} from "./attribute-states.ts";
import { blobsAt } from "./blobs-at.ts";
import { areWords, type CommonPlace, recordsOf } from "./git.ts";
import { readBlobs, runWhereHere, sizesOf } from "./objects.ts";
import { keyNameOf } from "./protected-files.ts";
import { parseDifferences, RAW } from "./trees.ts";

/** What attributes said in the past. */
export interface PastAttributes {
  /** Each different state once; or one that protects at least what each of them did. */
  readonly states: readonly AttributeState[];
  /** Files of attributes with a version too large to read: what they protected is unknown. */
  readonly unread: readonly string[];
  /** Files of attributes of which a partial clone lacks a version, or may lack one. */
  readonly notHere: readonly string[];
}

/** So many commits times files are asked for; beyond, no commit is told from another. */
const MOST_VERSIONS = 200_000;

/** In bytes, of one version and of all. */
const MOST_BYTES = 4 * 1024 * 1024;
const MOST_ALL_BYTES = 64 * 1024 * 1024;

/** So many different lines that protect: git tries each of them on each path. */
const MOST_LINES = 5000;

/** A file of attributes, as a commit has it; without an oid where the commit has none. */
interface Change {
  readonly name: string;
  readonly after: string | null;
}

/**
 * The trees of commits that changed some files of attributes, the newest first, and what they made
 * of them; null in a clone that lacks some of these.
 */
function changesOf(
  place: CommonPlace,
  revisions: readonly string[],
  wanted: ReadonlySet<string>,
): { readonly trees: readonly string[]; readonly changes: readonly Change[] } | null {
  const names = [...wanted];
  const paths = areWords(names) ? names.map((name) => `:(top,literal)${name}`) : [ATTRIBUTES_PATHSPEC];
  const args = ["log", "--full-history", "-m", "--root", ...RAW, "--format=%T"];
  const output = runWhereHere(place, [...args, ...revisions, "--", ...paths]);
  if (output === null) return null;
  const trees = recordsOf(output).flatMap((record) => /^\n?([0-9a-f]{40,64})$/.exec(record)?.[1] ?? []);
  const changes = parseDifferences(output).filter(({ name }) => wanted.has(name));
  return { trees: [...new Set(trees)], changes };
}

/** What files of attributes said, by their blobs; null for a blob that is too large. */
function readTexts(place: CommonPlace, changes: readonly Change[]): Map<string, string | null> {
  const small = new Map<string, number>();
  const texts = new Map<string, string | null>();
  let left = MOST_ALL_BYTES;
  for (const [oid, size] of sizesOf(
    place,
    changes.flatMap(({ after }) => after ?? []),
  )) {
    texts.set(oid, null);
    if (size > Math.min(MOST_BYTES, left)) continue;
    left -= size;
    small.set(oid, size);
  }
  for (const [oid, content] of readBlobs(place, small)) texts.set(oid, content.toString("latin1"));
  const tops = changes.filter(isTop).flatMap(({ after }) => texts.get(after ?? "") ?? []);
  const macros = macrosIn(tops);
  const patterns = new Set<string>();
  for (const [oid, text] of texts) {
    for (const { pattern } of text === null ? [] : protecting(text, macros)) patterns.add(pattern);
    if (patterns.size > MOST_LINES) texts.set(oid, null);
  }
  return texts;
}

const isOurs = (filter: string | null): boolean => filter !== null && keyNameOf(filter) !== null;

/** The lines that protect, without what they except. */
const protecting = (text: string, macros: Macros): FilterLine[] =>
  filterLines(text, macros).flatMap(({ pattern, filters }) =>
    filters.some(isOurs) ? [{ pattern, filters: filters.filter(isOurs) }] : [],
  );

const isTop = ({ name }: { readonly name: string }): boolean => name === ATTRIBUTES_FILE;

/** The state in each of some trees, each different one once. */
function statesOf(
  place: CommonPlace,
  trees: readonly string[],
  names: readonly string[],
  texts: ReadonlyMap<string, string | null>,
): AttributeState[] {
  const rows = new Map(
    blobsAt(place, trees, names).map((blobs) => {
      const row = names.map((name) => blobs.get(name) ?? null);
      return [row.join(" "), row];
    }),
  );
  const lines = new Map<string, readonly FilterLine[]>();
  return [...rows.values()].map((row) => {
    const files = names.flatMap((name, column): (AttributesFile & { oid: string })[] => {
      const oid = row[column] ?? "";
      const text = texts.get(oid) ?? null;
      return text === null ? [] : [{ name, text, oid }];
    });
    const macros = macrosIn(files.filter(isTop).map(({ text }) => text));
    const top = macros.size === 0 ? "" : (files.find(isTop)?.oid ?? "");
    return new Map(
      files.map(({ name, text, oid }) => {
        const key = `${top} ${oid}`;
        const found = lines.get(key) ?? filterLines(text, macros);
        lines.set(key, found);
        return [name, found];
      }),
    );
  });
}

/** One state that protects at least what all versions of all files did, whatever they excepted. */
function unionOfVersions(changes: readonly Change[], texts: ReadonlyMap<string, string | null>): AttributeState {
  const versions = new Map(changes.map((change) => [`${change.after} ${change.name}`, change]));
  const files = [...versions.values()].flatMap(({ name, after }) => {
    const text = texts.get(after ?? "") ?? null;
    return text === null ? [] : [{ name, text }];
  });
  const macros = macrosIn(files.filter(isTop).map(({ text }) => text));
  const union = new Map<string, Map<string, FilterLine>>();
  for (const { name, text } of files) {
    const known = union.get(name) ?? new Map<string, FilterLine>();
    union.set(name, known);
    for (const line of protecting(text, macros)) known.set(line.pattern, line);
  }
  return new Map([...union].map(([name, lines]) => [name, [...lines.values()]]));
}

/**
 * What attributes said of `names` in each commit that `revisions` reach: what was ever meant to be
 * protected. It reads files of attributes above these names, and no other file.
 *
 * Anyone who commits chooses how many of them there are. Where they are too many to tell each
 * commit from each other, all that any version protected counts, also what others excepted; a
 * version that is too large, or has too many lines, is told.
 *
 * @param revisions or options of `git log` such as `--all`
 * @throws GitCryptError GIT_FAILED.
 */
export function pastAttributes(
  place: CommonPlace,
  revisions: readonly string[],
  names: readonly string[],
): PastAttributes {
  if (revisions.length === 0 || names.length === 0) return { states: [], unread: [], notHere: [] };
  const wanted = new Set(attributesFilesIn(foldersOf(names)));
  const all = changesOf(place, revisions, wanted);
  if (all === null) return { states: [], unread: [], notHere: [ATTRIBUTES_FILE] };
  const { trees, changes } = all;
  const texts = readTexts(place, changes);
  const found = [...new Set(changes.map(({ name }) => name))];
  /** Those with a version that was not read (null), or that is not here (undefined). */
  const havingNo = (text: null | undefined): string[] => [
    ...new Set(changes.flatMap(({ name, after }) => (after !== null && texts.get(after) === text ? name : []))),
  ];
  const isExact = trees.length * found.length <= MOST_VERSIONS;
  return {
    states: isExact ? statesOf(place, trees, found, texts) : [unionOfVersions(changes, texts)],
    unread: havingNo(null),
    notHere: havingNo(undefined),
  };
}
