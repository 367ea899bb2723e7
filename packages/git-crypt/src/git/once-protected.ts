import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { locate } from "../format/file-name.ts";
import { type FilterLine, writeLines } from "./attribute-lines.ts";
import {
  attributesFilesIn,
  type AttributeState,
  foldersOf,
  type PresentAttributes,
  presentStates,
} from "./attribute-states.ts";
import { type CommonPlace, type GitPlace, gitSetting, typedSetting } from "./git.ts";
import { GIT_FILES, isWithin, ownFolders } from "./own-folders.ts";
import { filtersOf, keyNameOf } from "./protected-files.ts";

const isOurs = (filter: string | null): boolean => filter !== null && keyNameOf(filter) !== null;
const isForeign = (filter: string | null): boolean => filter !== null && keyNameOf(filter) === null;

/** What lines say if only those filters count that `counts` says. */
function only(state: AttributeState, counts: (filter: string | null) => boolean): AttributeState {
  const kept = [...state].map(([name, lines]): [string, FilterLine[]] => [
    name,
    lines.map(({ pattern, filters }) => ({ pattern, filters: filters.filter(counts) })),
  ]);
  return new Map(
    kept
      .map(([name, lines]) => [name, lines.filter(({ filters }) => filters.length > 0)] as const)
      .filter(([, lines]) => lines.length > 0),
  );
}

/** Whether any of some states protects anything. */
export const protectsAny = (states: readonly AttributeState[]): boolean =>
  states.some((state) => only(state, isOurs).size > 0);

/** The lines of all states in one: it protects at least what each of them protects. */
function unionOf(states: readonly AttributeState[]): AttributeState {
  const union = new Map<string, Map<string, FilterLine>>();
  for (const [name, lines] of states.flatMap((state) => [...only(state, isOurs)])) {
    const known = union.get(name) ?? new Map<string, FilterLine>();
    for (const line of lines) known.set(writeLines([line]), line);
    union.set(name, known);
  }
  return new Map([...union].map(([name, lines]) => [name, [...lines.values()]]));
}

/** Git's own variables would lead it elsewhere, or have it read other attributes. */
const withoutGitVariables = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("GIT_")));

/**
 * The filters of `names` in each of `states`, as git itself matches patterns: each state lies as
 * files in a folder of its own in an empty repository, which no other attributes reach.
 */
export function filtersIn(place: GitPlace, states: readonly AttributeState[], names: readonly string[]): string[][] {
  const topLevel = mkdtempSync(join(tmpdir(), "git-vault-attributes-"));
  try {
    const gitDir = join(topLevel, ".git");
    for (const folder of ["objects", "refs"]) mkdirSync(join(gitDir, folder), { recursive: true });
    writeFileSync(join(gitDir, "HEAD"), "ref: refs/heads/main\n");
    const ignoresCase = typedSetting(place, "core.ignoreCase", "bool") === "true";
    writeFileSync(join(gitDir, "config"), `[core]\nattributesFile =\nignoreCase = ${String(ignoresCase)}\n`);
    const read = new Set(attributesFilesIn(foldersOf(names)));
    for (const [at, state] of states.entries()) {
      for (const [name, lines] of state) {
        if (!read.has(name)) continue;
        const path = `${at}/${name}`;
        mkdirSync(locate(topLevel, dirname(path)), { recursive: true });
        writeFileSync(locate(topLevel, path), writeLines(lines), "latin1");
      }
    }
    const env = { ...withoutGitVariables(place.env), GIT_DIR: gitDir, GIT_WORK_TREE: topLevel, GIT_ATTR_NOSYSTEM: "1" };
    const asked = states.flatMap((_, at) => names.map((name) => `${at}/${name}`));
    const values = filtersOf({ topLevel, gitDir, env }, asked);
    return states.map((_, at) => values.slice(at * names.length, (at + 1) * names.length));
  } finally {
    rmSync(topLevel, { recursive: true, force: true });
  }
}

/** So many files of attributes are laid out; beyond, what git says here counts. */
const MOST_FILES = 1000;

/** Whether a pattern may fit a file by one of some names: what follows its last wildcard tells. */
export function mayFit(pattern: string, names: readonly string[]): boolean {
  const end =
    pattern
      .replace(/"$/, "")
      .split(/[*?\]\\/]/)
      .at(-1) ?? "";
  return names.some((name) => name.toLowerCase().endsWith(end.toLowerCase()));
}

/**
 * Whether a pattern of the file of attributes `source` may fit one of some paths: one with a slash
 * fits only what begins as it does, up to its first wildcard, from that file's folder.
 */
export function mayFitPath(pattern: string, source: string, names: readonly string[]): boolean {
  // In quotes it is not what it looks like, and without a slash it fits in any folder.
  if (pattern.startsWith('"') || !pattern.includes("/")) return true;
  const [start = ""] = pattern.replace(/^\//, "").split(/[*?[\\]/);
  const whole = `${source.slice(0, source.lastIndexOf("/") + 1)}${start}`.toLowerCase();
  return names.some((name) => name.toLowerCase().startsWith(whole));
}

/**
 * The filters of `names` in a clone that has the attributes of `present`, and not the line of ours
 * that leads git to a filter for files of attributes.
 */
export function filtersElsewhere(place: CommonPlace, present: PresentAttributes, names: readonly string[]): string[] {
  const lastParts = [...new Set(names.map((name) => name.slice(name.lastIndexOf("/") + 1)))];
  const state = presentStates(place, present)[0] ?? new Map<string, FilterLine[]>();
  const fitting = [...state].flatMap(([name, lines]): [string, FilterLine[]][] => {
    const kept = lines.filter(({ pattern }) => mayFit(pattern, lastParts) && mayFitPath(pattern, name, names));
    return kept.length === 0 ? [] : [[name, kept]];
  });
  if (fitting.length === 0) return names.map(() => "unspecified");
  return fitting.length > MOST_FILES ? filtersOf(place, names) : (filtersIn(place, [new Map(fitting)], names)[0] ?? []);
}

/** The attributes by which a path was protected, or would be but for another filter. */
export interface AttributeStates {
  readonly past: readonly AttributeState[];
  /** What git uses now first. */
  readonly present: readonly AttributeState[];
}

/** So many states times names are asked for; beyond, an exception of any state counts for none. */
const MOST_QUESTIONS = 500_000;

const textsOf = (state: AttributeState, name: string): string[] =>
  (state.get(name) ?? []).map((line) => writeLines([line]));

/**
 * Whether whatever fits a line of `union` is protected now, or need not be: the attributes of now
 * have each of these lines, and no other line that assigns a filter.
 */
function isAllUsed(place: GitPlace, union: AttributeState, used: AttributeState): boolean {
  // A setting by which git reads attributes from elsewhere.
  if (place.env["GIT_ATTR_SOURCE"] !== undefined || gitSetting(place, "attr.tree") !== undefined) return false;
  const folders = ownFolders(place);
  const harmless = new Set([...GIT_FILES, ...folders.map((folder) => `${folder}/**`)]);
  const wins = [...used].some(
    ([name, lines]) =>
      !isWithin(folders, name) &&
      lines.some(({ pattern, filters }) => !harmless.has(pattern) && !filters.every(isOurs)),
  );
  if (wins) return false;
  return [...union.keys()].every((name) => {
    const present = new Set(textsOf(used, name));
    return textsOf(union, name).every((line) => present.has(line));
  });
}

/**
 * The names of those of `entries`, which nothing protects, that attributes of a time protect or
 * protected, or that those of now would if no other program's filter won over ours. What an
 * exception kept out of it at all times is none.
 *
 * Few patterns ever protected anything, so git first matches all names with all of these at once;
 * only what fits one is asked for in each state. Mostly not even that: where no protecting line
 * ever left, and none wins over them, nothing can have.
 */
export function onceProtected(
  place: GitPlace,
  { past, present }: AttributeStates,
  entries: readonly { readonly name: string }[],
): Set<string> {
  const states = [...past, ...present.map((state) => only(state, (filter) => !isForeign(filter)))].filter((state) =>
    protectsAny([state]),
  );
  const union = unionOf(states);
  if (union.size === 0 || isAllUsed(place, union, present[0] ?? new Map())) return new Set();
  const names = [...new Set(entries.map(({ name }) => name))];
  const [fitting = []] = filtersIn(place, [union], names);
  const candidates = names.filter((_, at) => keyNameOf(fitting[at] ?? "") !== null);
  const different = distinct(states);
  if (candidates.length === 0 || candidates.length * different.length > MOST_QUESTIONS) return new Set(candidates);
  const all = filtersIn(place, different, candidates);
  return new Set(candidates.filter((_, at) => all.some((filters) => keyNameOf(filters[at] ?? "") !== null)));
}

const distinct = (states: readonly AttributeState[]): AttributeState[] => [
  ...new Map(states.map((state) => [JSON.stringify([...state]), state])).values(),
];
