import { type FileName, fileName } from "../format/file-name.ts";
import { isGuard, keysIn, readSettings } from "../checkout/filter-config.ts";
import { isAttributesFile, type PresentAttributes, readPresent } from "../git/attribute-states.ts";
import { findRekeyed } from "../checkout/check-staged.ts";
import { clearInHistory } from "../git/clear-in-history.ts";
import { type PathFinding, pathFindings, type PathProblem, type RepositoryFinding } from "../git/finding.ts";
import { folderPatterns } from "../git/folder-patterns.ts";
import { recordsOf, runGit } from "../git/git.ts";
import { byOid, oidsOf, readFew } from "../git/objects.ts";
import { stagedChanges } from "../git/plaintext.ts";
import { type Copy, copyFindings } from "../keys/copied-content.ts";
import { lateVersions } from "../keys/late-versions.ts";
import {
  assertWorkTree,
  attributesOf,
  filterOf,
  filtersOf,
  type IndexEntry,
  isRegular,
  keyNameAt,
  listIndex,
  type ProtectedEntry,
} from "../git/protected-files.ts";
import { filtersElsewhere } from "../git/once-protected.ts";
import type { Repository } from "../git/repository.ts";
import type { Difference } from "../git/trees.ts";
import { findUnprotected, type Unprotected, unprotectedOf } from "../git/unprotected.ts";
import { namesOfRetired } from "../keys/stored-keys.ts";
import { alteredFiles, isSealedHere } from "./altered-files.ts";
import { BLOB_PROBLEMS, type BlobState, inspect, UNOPENED } from "./blob-states.ts";
import { CONVERSIONS, findConversions } from "./conversions.ts";
import { diagnoseSetup, type SetupProblem } from "./diagnose.ts";
import { editedEntries, editedFiles } from "./edited-files.ts";
import { inPlaceOfFolders } from "./links.ts";
import { readRings } from "./rings.ts";
import { unmergedFiles } from "./unmerged-files.ts";

/** What is wrong with a protected path, or with how the repository is set up. */
export type Problem = PathProblem | SetupProblem;

/** A key that a repository holds, or that its attributes or settings name. */
export interface KeyStatus {
  readonly name: string;
  /** Whether the key lies in the repository. */
  readonly stored: boolean;
  /** Whether its filter is configured; a guard, in the place of a key that is not here, is none. */
  readonly configured: boolean;
  /** How many files are protected under its name. */
  readonly files: number;
}

/** A file on a protected path. */
export interface ProtectedFile extends FileName {
  readonly keyName: string;
  /** Whether the index holds it; else it is in the work tree alone, and not ignored. */
  readonly tracked: boolean;
  /** Whether the index holds it encrypted; null where a partial clone lacks its content. */
  readonly encrypted: boolean | null;
}

/** The state of a repository. */
export interface Status {
  /**
   * - `unlocked`: each key that is used is in this clone with its filter
   * - `locked`: none does
   * - `partly`: some do, or a key without its filter, or the reverse, or retired keys without the
   *   current one
   * - `unused`: nothing in the repository uses git-crypt
   */
  readonly state: "unlocked" | "locked" | "partly" | "unused";
  /** Sorted by name. */
  readonly keys: readonly KeyStatus[];
  /** In the index's order, and then those that are untracked. */
  readonly files: readonly ProtectedFile[];
  readonly findings: readonly RepositoryFinding<Problem>[];
}

/** What is looked at. */
export interface StatusOptions {
  /** Whether all reachable commits are searched for files that were once stored in the clear. */
  readonly history?: boolean;
}

const isConfigured = (settings: ReadonlyMap<string, string>, keyName: string): boolean =>
  settings.has(`filter.${filterOf(keyName)}.clean`);

function keyStatuses(
  repository: Repository,
  entries: readonly ProtectedEntry[],
  settings: ReadonlyMap<string, string>,
): KeyStatus[] {
  const stored = new Set(repository.keyNames());
  const configured = keysIn(settings).filter((name) => stored.has(name) || !isGuard(settings, name));
  const counts = new Map<string, number>();
  for (const { keyName } of onePerName(entries)) counts.set(keyName, (counts.get(keyName) ?? 0) + 1);
  return [...new Set([...stored, ...configured, ...counts.keys()])].toSorted().map((name) => ({
    name,
    stored: stored.has(name),
    configured: configured.includes(name) && isConfigured(settings, name),
    files: counts.get(name) ?? 0,
  }));
}

function stateOf(keys: readonly KeyStatus[], retired: readonly string[]): Status["state"] {
  if (keys.length === 0 && retired.length === 0) return "unused";
  if (keys.length > 0 && keys.every(({ stored, configured }) => stored && configured)) return "unlocked";
  return retired.length > 0 || keys.some(({ stored, configured }) => stored || configured) ? "partly" : "locked";
}

/** Of entries, some of which are sides of one conflict: the first of each name. */
const onePerName = <T extends { readonly name: string }>(entries: readonly T[]): T[] => {
  const names = new Set<string>();
  return entries.filter(({ name }) => !names.has(name) && names.add(name));
};

function findPlaintext(clear: readonly ProtectedEntry[], changes: readonly Difference[]): PathFinding[] {
  const staged = new Set(changes.map(({ name }) => name));
  return clear.flatMap((entry) =>
    pathFindings([entry], staged.has(entry.name) ? "staged-plaintext" : "committed-plaintext"),
  );
}

/** Every path that git knows or would add, with what the attributes of now say of it. */
interface Survey {
  readonly index: readonly IndexEntry[];
  /** The protected entries of the index, with symlinks, submodules and conflict sides. */
  readonly entries: readonly ProtectedEntry[];
  /** Untracked files on protected paths. */
  readonly added: readonly { readonly name: string; readonly keyName: string }[];
  /** What nothing protects, and nobody says so on purpose. */
  readonly unprotected: readonly Unprotected[];
  readonly attributes: PresentAttributes;
  /** The blobs of protected files and of files of attributes, where they are few and small. */
  readonly few: ReadonlyMap<string, Buffer> | null;
  /** What git changes of each name; null where that was not asked along. */
  readonly conversions: ReadonlyMap<string, readonly string[]> | null;
}

/** Of so many names git is asked for everything at once; of more, only where it matters. */
const FEW_NAMES = 1000;

function survey(repository: Repository): Survey {
  const index = listIndex(repository);
  // A repository inside of this one ends with a slash. What is ignored is not about to be added.
  const others = ["ls-files", "-z", "--others", "--exclude-standard"];
  const untracked = recordsOf(runGit(repository, others)).filter((name) => !name.endsWith("/"));
  const names = [...index.map(({ name }) => name), ...untracked];
  const isFew = names.length <= FEW_NAMES;
  const values = isFew ? attributesOf(repository, names, ["filter", ...CONVERSIONS]) : [];
  const filters = isFew ? values.map(([filter = ""]) => filter) : filtersOf(repository, names);
  const entries: ProtectedEntry[] = [];
  for (const [at, entry] of index.entries()) {
    const keyName = keyNameAt(entry.name, filters[at]);
    if (keyName !== null) entries.push({ ...entry, keyName });
  }
  const paths = names.map((name, at) => ({ name, oid: index[at]?.oid ?? null }));
  // Few and small blobs are read at once, without a look at their sizes.
  const few = readFew(repository, oidsOf([...index.filter(isAttributesEntry), ...entries.filter(isRegular)]));
  return {
    index,
    entries,
    added: untracked.flatMap((name, at) => {
      const keyName = keyNameAt(name, filters[index.length + at]);
      return keyName === null ? [] : [{ name, keyName }];
    }),
    unprotected: unprotectedOf(repository, paths, filters),
    attributes: readPresent(repository, index, names, few),
    few,
    conversions: isFew ? new Map(names.map((name, at) => [name, values[at]?.slice(1) ?? []])) : null,
  };
}

const isAttributesEntry = (entry: IndexEntry): boolean => isRegular(entry) && isAttributesFile(entry.name);

/** What the attributes of now leave open, compared with what they said before. */
function findOpen(
  repository: Repository,
  { unprotected, added, attributes: { used, staged } }: Survey,
  files: readonly ProtectedEntry[],
  settings: ReadonlyMap<string, string>,
  changes: readonly Difference[],
): PathFinding[] {
  const haveChanged =
    changes.some(({ name }) => isAttributesFile(name)) || JSON.stringify(used) !== JSON.stringify(staged);
  const unguarded = added.filter(({ keyName }) => !isConfigured(settings, keyName));
  return [
    ...findUnprotected(repository, unprotected, lateVersions(repository, changes, unprotected), { used, staged }),
    ...pathFindings(unguarded, "unguarded"),
    ...(haveChanged ? findRekeyed(repository, files) : []),
  ];
}

/** Files that nothing protects, and that hold what a protected one does. */
function findCopies({ index, entries }: Survey, states: ReadonlyMap<string, BlobState>): Copy[] {
  const sources = new Map<string, string>();
  const files = new Set<string>();
  for (const { name, oid } of entries) {
    files.add(name);
    const plainOid = states.get(oid)?.plainOid ?? null;
    if (plainOid !== null) sources.set(plainOid, name);
  }
  return index.flatMap(({ name, oid }) => {
    const source = sources.get(oid);
    return source === undefined || files.has(name) ? [] : [{ name, source }];
  });
}

/**
 * Tells whether a repository is locked, which files are protected by which key, and everything that
 * endangers them: also how it is set up, where git stores plaintext because of that, or stops, and
 * what the attributes of now leave open that they protected before ({@link findUnprotected}). It
 * changes nothing, and needs no key; with one, it also tells which files neither it nor a retired
 * key opens (those up to 1 MiB, and those that are encrypted in the work tree; all where there are
 * retired keys), which of them were changed after they were encrypted, which are encrypted with
 * another key than that of the branch, or of the attributes, and which files are copies in the
 * clear.
 *
 * @throws GitCryptError NO_WORK_TREE, GIT_FAILED; MALFORMED_KEY_FILE, KEY_FILE_UNREADABLE for a key
 * that is in this clone.
 */
export function status(repository: Repository, options: StatusOptions = {}): Status {
  assertWorkTree(repository);
  const found = survey(repository);
  const { index, entries, added } = found;
  const settings = readSettings(repository);
  const keys = keyStatuses(repository, entries, settings);
  const regular = entries.filter(isRegular);
  const attributes = index.filter(isAttributesEntry);
  const rings = readRings(repository, index, repository.keyNames());
  const blobs = new Map([
    ...attributes.map(({ oid }) => [oid, null] as const),
    ...regular.map(({ oid, keyName }) => [oid, keyName] as const),
  ]);
  const same = byOid(regular);
  const isSealed = (oid: string): boolean =>
    rings.size > 0 && same.get(oid)?.some((entry) => isSealedHere(repository.topLevel, entry)) === true;
  const states = inspect(repository, blobs, found.few, rings, isSealed);
  const unopened = regular.flatMap((entry) => {
    const ring = rings.get(entry.keyName);
    const isUnopened = states.get(entry.oid)?.problems.some((one) => UNOPENED.has(one)) === true;
    return ring !== undefined && isUnopened ? [{ entry, keys: ring.keys }] : [];
  });
  const changes = stagedChanges(repository);
  // Of a file whose key is here, that tells whether it is whole.
  const unopenedNames = new Set(unopened.map(({ entry }) => entry.name));
  const untold = regular.filter(({ name, keyName }) => !rings.has(keyName) || unopenedNames.has(name));
  const altered = new Set([
    ...alteredFiles(repository, unopened),
    ...editedEntries(repository, untold, changes).map(({ name }) => name),
  ]);
  const unmerged = unmergedFiles(repository, regular, rings);
  for (const ring of rings.values()) ring.keys.wipe();
  const isEncrypted = ({ oid }: IndexEntry): boolean => states.get(oid)?.encrypted === true;
  const isClear = ({ name, oid }: IndexEntry): boolean => {
    const state = states.get(oid);
    return state !== undefined && !state.encrypted && !state.isEmpty && !altered.has(name);
  };
  const has = ({ name, oid, stage }: IndexEntry, problem: PathProblem): boolean => {
    if (problem === "altered" || (altered.has(name) && UNOPENED.has(problem)))
      return problem === "altered" && altered.has(name);
    return (stage === 0 || problem !== "retired-key") && states.get(oid)?.problems.includes(problem) === true;
  };
  // Mostly there are none, and several problems are looked for.
  const troubled = regular.filter(({ name, oid }) => altered.has(name) || states.get(oid)?.problems.length !== 0);
  const having = (problem: PathProblem): ProtectedEntry[] => troubled.filter((entry) => has(entry, problem));
  const filters = filtersElsewhere(
    repository,
    found.attributes,
    attributes.map(({ name }) => name),
  );
  const isHere = new Set(entries.map(({ name }) => name));
  const links = index.filter((entry) => !isRegular(entry) && !isHere.has(entry.name));
  const linked = [
    ...entries.filter((entry) => !isRegular(entry)),
    ...inPlaceOfFolders(repository, links, found.attributes),
  ];
  const isNewer = having("newer-key").length > 0;
  const rekeyed = new Set(having("other-key"));
  const open = findOpen(
    repository,
    found,
    regular.filter((entry) => !rekeyed.has(entry)),
    settings,
    changes,
  );
  const told = new Set(open.map(({ file }) => file));
  const findings = [
    // Each file tells of a key that was replaced.
    ...diagnoseSetup(repository, settings, found.attributes.used).filter(
      ({ id, severity }) => severity === "error" && !(id === "replaced-key" && isNewer),
    ),
    ...folderPatterns(
      repository,
      found.attributes.used,
      found.unprotected.map(({ name }) => name),
    ),
    ...findPlaintext(regular.filter(isClear), changes),
    ...open,
    ...copyFindings(repository, findCopies(found, states)).filter(({ file }) => !told.has(file)),
    ...BLOB_PROBLEMS.flatMap((problem) => pathFindings(having(problem), problem)),
    ...pathFindings(editedFiles(repository, regular, found.few), "edited"),
    ...pathFindings(unmerged, "unmerged"),
    ...linked.flatMap((entry) => pathFindings([entry], entry.mode === "160000" ? "submodule" : "symlink")),
    ...findConversions(repository, regular, found.conversions),
    ...pathFindings(
      attributes.filter((entry, at) => keyNameAt(entry.name, filters[at]) !== null || isEncrypted(entry)),
      "attributes",
    ),
    ...(options.history === true ? clearInHistory(repository) : []),
  ];
  // In a merge that stopped a file has up to three entries: it is encrypted where all are.
  const encrypted = new Map<string, boolean | null>();
  for (const { name, oid } of regular) {
    const state = states.get(oid)?.encrypted ?? null;
    if (state !== true || !encrypted.has(name)) encrypted.set(name, encrypted.get(name) === false ? false : state);
  }
  return {
    state: stateOf(keys, namesOfRetired(repository)),
    keys,
    files: [
      ...onePerName(regular).map((entry) =>
        describe(entry, { tracked: true, encrypted: encrypted.get(entry.name) ?? null }),
      ),
      ...added.map((entry) => describe(entry, { tracked: false, encrypted: false })),
    ],
    findings: [...new Map(findings.map((finding) => [`${finding.id} ${finding.subject}`, finding])).values()],
  };
}

const describe = (
  { name, keyName }: { readonly name: string; readonly keyName: string },
  state: { readonly tracked: boolean; readonly encrypted: boolean | null },
): ProtectedFile => Object.assign(fileName(name), { keyName, ...state });
