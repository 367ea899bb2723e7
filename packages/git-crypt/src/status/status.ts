import { EMPTY_BLOB_BYTES, isEncryptedBlob } from "../format/blob.ts";
import { type FileName, fileName } from "../format/file-name.ts";
import { readSettings } from "../checkout/filter-config.ts";
import { type PathFinding, pathFindings, type PathProblem, type RepositoryFinding } from "../git/finding.ts";
import { readBlobs, readStarts, sizesOf } from "../git/objects.ts";
import { clearInHistory, stagedFiles } from "../git/plaintext.ts";
import {
  assertWorkTree,
  filterOf,
  type IndexEntry,
  isRegular,
  keyNameOf,
  listIndex,
  type ProtectedEntry,
  withKeyNames,
} from "../git/protected-files.ts";
import type { Repository } from "../git/repository.ts";
import { namesOfRetired } from "../keys/stored-keys.ts";
import { alteredFiles, isSealedHere } from "./altered-files.ts";
import { diagnoseSetup, type SetupProblem } from "./diagnose.ts";
import { readRings, type Ring } from "./rings.ts";

/** What is wrong with a protected path, or with how the repository is set up. */
export type Problem = PathProblem | SetupProblem;

/** A key that a repository holds, or that its attributes or settings name. */
export interface KeyStatus {
  readonly name: string;
  /** Whether the key lies in the repository. */
  readonly stored: boolean;
  /** Whether its filter is configured. */
  readonly configured: boolean;
  /** How many files are protected under its name. */
  readonly files: number;
}

/** A file on a protected path, as the index holds it. */
export interface ProtectedFile extends FileName {
  readonly keyName: string;
  readonly encrypted: boolean;
}

/** The state of a repository. */
export interface Status {
  /**
   * - `unlocked`: each key that is used lies here with its filter
   * - `locked`: none does
   * - `partly`: some do, or a key without its filter, or the reverse, or retired keys without the
   *   current one
   * - `unused`: nothing in the repository uses git-crypt
   */
  readonly state: "unlocked" | "locked" | "partly" | "unused";
  /** Sorted by name. */
  readonly keys: readonly KeyStatus[];
  /** In the index's order. */
  readonly files: readonly ProtectedFile[];
  readonly findings: readonly RepositoryFinding<Problem>[];
}

/** What is looked at. */
export interface StatusOptions {
  /** Whether all reachable commits are searched for files that were once stored in clear. */
  readonly history?: boolean;
}

function keyStatuses(
  repository: Repository,
  entries: readonly ProtectedEntry[],
  settings: ReadonlyMap<string, string>,
): KeyStatus[] {
  const stored = new Set(repository.keyNames());
  const configured = [...settings.keys()].flatMap((setting) => keyNameOf(setting.split(".")[1] ?? "") ?? []);
  const counts = new Map<string, number>();
  for (const { keyName } of entries) counts.set(keyName, (counts.get(keyName) ?? 0) + 1);
  return [...new Set([...stored, ...configured, ...counts.keys()])].toSorted().map((name) => ({
    name,
    stored: stored.has(name),
    configured: settings.has(`filter.${filterOf(name)}.clean`),
    files: counts.get(name) ?? 0,
  }));
}

function stateOf(keys: readonly KeyStatus[], retired: readonly string[]): Status["state"] {
  if (keys.length === 0 && retired.length === 0) return "unused";
  if (keys.length > 0 && keys.every(({ stored, configured }) => stored && configured)) return "unlocked";
  return retired.length > 0 || keys.some(({ stored, configured }) => stored || configured) ? "partly" : "locked";
}

/** What a blob is, and what is wrong with it. */
interface BlobState {
  readonly encrypted: boolean;
  readonly isEmpty: boolean;
  readonly problems: readonly PathProblem[];
}

/** What is wrong with a blob, in the order in which it is told. */
const BLOB_PROBLEMS = ["altered", "unopened", "newer-key", "retired-key", "empty"] as const;

/** What is wrong with a blob that no key opens. */
const UNOPENED: ReadonlySet<PathProblem> = new Set(["unopened", "newer-key"]);

function keyProblem({ keys, isReplaced }: Ring, blob: Buffer): PathProblem | null {
  const key = keys.keyOf(blob);
  if (key === null) return keys.isLacking ? "newer-key" : "unopened";
  return isReplaced(key) ? "retired-key" : null;
}

/**
 * Looks at blobs, by their names, with the keys that are to open them.
 *
 * @param sealed those that lie encrypted in the work tree
 */
function inspect(
  repository: Repository,
  blobs: ReadonlyMap<string, Ring | undefined>,
  sealed: ReadonlySet<string>,
): Map<string, BlobState> {
  const sizes = sizesOf(repository, blobs.keys());
  const states = new Map<string, BlobState>();
  // Whose key a blob needs, only the whole of it tells.
  const mayDiffer = [...blobs.values()].some((ring) => ring?.mayDiffer === true);
  const most = mayDiffer ? Number.POSITIVE_INFINITY : undefined;
  for (const [oid, start, whole] of readStarts(repository, sizes, most)) {
    const encrypted = isEncryptedBlob(start);
    const ring = blobs.get(oid);
    const blob = whole ? start : sealed.has(oid) ? wholeBlob(repository, oid, sizes) : null;
    const found = encrypted && blob !== null && ring !== undefined ? keyProblem(ring, blob) : null;
    const problems: PathProblem[] = found === null ? [] : [found];
    if (encrypted && start.length === EMPTY_BLOB_BYTES) problems.push("empty");
    states.set(oid, { encrypted, isEmpty: start.length === 0, problems });
  }
  return states;
}

function wholeBlob(repository: Repository, oid: string, sizes: ReadonlyMap<string, number>): Buffer | null {
  for (const [, blob] of readBlobs(repository, new Map([[oid, sizes.get(oid) ?? 0]]))) return blob;
  return null;
}

const isOff = (value: string): boolean => value === "unspecified" || value === "unset";

/** The attributes by which git changes what is stored. */
const CONVERSIONS = ["text", "crlf", "eol", "ident", "working-tree-encoding"];

/**
 * `text=auto` does no harm: git takes each encrypted file for a binary one. `crlf` is what `text`
 * was called before git 1.7.2, and counts where `text` says nothing.
 */
function attributeProblems([
  text = "",
  crlf = "",
  eol = "",
  ident = "",
  encoding = "",
]: readonly string[]): PathProblem[] {
  const said = ["set", "unset", "input", "auto"].includes(text) ? text : crlf;
  const converts = said === "set" || said === "input" || (said !== "auto" && said !== "unset" && !isOff(eol));
  return [
    ...(converts ? (["line-endings"] as const) : []),
    ...(ident === "set" ? (["ident"] as const) : []),
    ...(isOff(encoding) ? [] : (["encoding"] as const)),
  ];
}

function findAttributes(entries: readonly (ProtectedEntry & { readonly values: readonly string[] })[]): PathFinding[] {
  const byName = new Map(entries.map(({ name, values }) => [name, values]));
  return [...byName].flatMap(([name, values]) =>
    attributeProblems(values).flatMap((problem) => pathFindings([{ name }], problem)),
  );
}

function findPlaintext(repository: Repository, clear: readonly ProtectedEntry[]): PathFinding[] {
  if (clear.length === 0) return [];
  const staged = new Set(stagedFiles(repository).map(({ name }) => name));
  return clear.flatMap((entry) =>
    pathFindings([entry], staged.has(entry.name) ? "staged-plaintext" : "committed-plaintext"),
  );
}

/**
 * Tells whether a repository is locked, which files are protected by which key, and everything that
 * endangers them: also how it is set up, where git stores plaintext because of that, or stops. It
 * changes nothing, and needs no key; with one, it also tells which files neither it nor a retired
 * key opens (those up to 1 MiB, and those that are encrypted in the work tree; all where there are
 * retired keys), which of them were changed after they were encrypted, and which are encrypted with
 * another key than that of the branch.
 *
 * @throws GitCryptError NO_WORK_TREE, GIT_FAILED; MALFORMED_KEY_FILE, KEY_FILE_UNREADABLE for a key
 * that lies here.
 */
export function status(repository: Repository, options: StatusOptions = {}): Status {
  assertWorkTree(repository);
  const index = listIndex(repository);
  const entries = withKeyNames(repository, index, "work tree", CONVERSIONS);
  const settings = readSettings(repository);
  const keys = keyStatuses(repository, entries, settings);
  const regular = entries.filter(isRegular);
  const attributes = index.filter((entry) => isRegular(entry) && /(?:^|\/)\.gitattributes$/.test(entry.name));
  const rings = readRings(repository, index, repository.keyNames());
  const blobs = new Map([
    ...attributes.map(({ oid }) => [oid, undefined] as const),
    ...regular.map(({ oid, keyName }) => [oid, rings.get(keyName)] as const),
  ]);
  const sealed = new Set(regular.flatMap((entry) => (isSealedHere(repository.topLevel, entry) ? entry.oid : [])));
  const states = inspect(repository, blobs, rings.size === 0 ? new Set() : sealed);
  const unopened = regular.flatMap((entry) => {
    const ring = rings.get(entry.keyName);
    const isUnopened = states.get(entry.oid)?.problems.some((one) => UNOPENED.has(one)) === true;
    return ring !== undefined && isUnopened ? [{ entry, keys: ring.keys }] : [];
  });
  const altered = alteredFiles(repository, unopened);
  for (const ring of rings.values()) ring.keys.wipe();
  const isEncrypted = ({ oid }: IndexEntry): boolean => states.get(oid)?.encrypted === true;
  const isClear = (entry: IndexEntry): boolean => !isEncrypted(entry) && states.get(entry.oid)?.isEmpty !== true;
  const has = ({ name, oid, stage }: IndexEntry, problem: PathProblem): boolean => {
    if (problem === "altered" || (altered.has(name) && UNOPENED.has(problem)))
      return problem === "altered" && altered.has(name);
    return (stage === 0 || problem !== "retired-key") && states.get(oid)?.problems.includes(problem) === true;
  };
  const having = (problem: PathProblem): ProtectedEntry[] => regular.filter((entry) => has(entry, problem));
  const isProtected = new Set(regular.map(({ name }) => name));
  const linked = entries.filter((entry) => !isRegular(entry));
  const isNewer = having("newer-key").length > 0;
  const findings = [
    // Each file tells of a key that was replaced.
    ...diagnoseSetup(repository, settings).filter(
      ({ id, severity }) => severity === "error" && !(id === "replaced-key" && isNewer),
    ),
    ...findPlaintext(repository, regular.filter(isClear)),
    ...BLOB_PROBLEMS.flatMap((problem) => pathFindings(having(problem), problem)),
    ...linked.flatMap((entry) => pathFindings([entry], entry.mode === "160000" ? "submodule" : "symlink")),
    ...findAttributes(regular),
    ...pathFindings(
      attributes.filter((entry) => isProtected.has(entry.name) || isEncrypted(entry)),
      "attributes",
    ),
    ...(options.history === true ? clearInHistory(repository) : []),
  ];
  return {
    state: stateOf(keys, namesOfRetired(repository)),
    keys,
    files: regular.map((entry) =>
      Object.assign(fileName(entry.name), { keyName: entry.keyName, encrypted: isEncrypted(entry) }),
    ),
    findings,
  };
}
