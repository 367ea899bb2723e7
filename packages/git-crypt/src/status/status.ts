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
import { presentIn, retiredFolder, type Retirement, retirementsIn, retires } from "../keys/committed-retired-keys.ts";
import { type KeyRing, readKeyRing } from "../keys/key-ring.ts";
import { namesOfRetired } from "../keys/stored-keys.ts";
import { diagnoseSetup, type SetupProblem } from "./diagnose.ts";

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

/** Blobs by their names. */
interface Inspected {
  readonly encrypted: Set<string>;
  /** Encrypted, and the keys do not open them. */
  readonly unopened: Set<string>;
  /** Encrypted with a key that a rotation made elsewhere: the keys here do not open them. */
  readonly newer: Set<string>;
  /** Encrypted with a retired key. */
  readonly retired: Set<string>;
  /** Encrypted, and their content is empty. */
  readonly empty: Set<string>;
  /** Not encrypted, and empty: there is nothing to hide. */
  readonly nothing: Set<string>;
  /** The names of keys that two branches replaced. */
  readonly forked: ReadonlySet<string>;
}

function inspect(
  repository: Repository,
  entries: readonly ProtectedEntry[],
  keys: readonly KeyStatus[],
  index: readonly IndexEntry[],
  others: readonly IndexEntry[],
): Inspected {
  const rings = new Map<string, KeyRing>(
    keys.filter(({ stored }) => stored).map(({ name }) => [name, readKeyRing(repository, name)]),
  );
  const retirements = new Map([...rings.keys()].map((name) => [name, retirementsIn(index, name)]));
  const said = ({ name }: KeyRing): readonly Retirement[] => retirements.get(name) ?? [];
  for (const ring of rings.values()) if (said(ring).length > 0) ring.search();
  const isForked = (ring: KeyRing): boolean => presentIn(said(ring), ring.all).size > 1;
  const forked = new Set([...rings.values()].filter(isForked).map(({ name }) => name));
  const ringOf = new Map([
    ...others.map(({ oid }) => [oid, undefined] as const),
    ...entries.map(({ oid, keyName }) => [oid, rings.get(keyName)] as const),
  ]);
  const sizes = sizesOf(repository, ringOf.keys());
  const result: Inspected = {
    encrypted: new Set(),
    unopened: new Set(),
    newer: new Set(),
    retired: new Set(),
    empty: new Set(),
    nothing: new Set(),
    forked,
  };
  const wasRotated = [...rings.values()].some(({ retired }) => retired.length > 0);
  const blobs = wasRotated ? wholeBlobs(repository, sizes) : readStarts(repository, sizes);
  for (const [oid, start, whole] of blobs) {
    if (start.length === 0) result.nothing.add(oid);
    if (!isEncryptedBlob(start)) continue;
    result.encrypted.add(oid);
    if (start.length === EMPTY_BLOB_BYTES) result.empty.add(oid);
    const ring = ringOf.get(oid);
    if (!whole || ring === undefined) continue;
    const key = ring.keyOf(start);
    const wasRetired = retires(said(ring), key ?? ring.current);
    if (key === null) result[wasRetired || forked.has(ring.name) ? "newer" : "unopened"].add(oid);
    else if (key !== ring.current && wasRetired) result.retired.add(oid);
  }
  for (const ring of rings.values()) ring.wipe();
  return result;
}

/** Whose key a blob needs, only the whole of it tells. */
function* wholeBlobs(
  repository: Repository,
  sizes: ReadonlyMap<string, number>,
): Generator<[oid: string, content: Buffer, whole: true]> {
  for (const [oid, content] of readBlobs(repository, sizes)) yield [oid, content, true];
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

const holding = (entries: readonly ProtectedEntry[], oids: ReadonlySet<string>): ProtectedEntry[] =>
  entries.filter(({ oid }) => oids.has(oid));

/**
 * Tells whether a repository is locked, which files are protected by which key, and everything that
 * endangers them: also how it is set up, where git stores plaintext because of that, or stops. It
 * changes nothing, and needs no key; with one, it also tells which files neither it nor a retired
 * key opens (those up to 1 MiB; all where there are retired keys), and which are still encrypted
 * with one that was retired before this very commit.
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
  const found = inspect(repository, regular, keys, index, attributes);
  const { encrypted, unopened, newer, retired, empty, nothing, forked } = found;
  const isProtected = new Set(regular.map(({ name }) => name));
  const linked = entries.filter((entry) => !isRegular(entry));
  const findings = [
    // Each file tells of a key that was replaced.
    ...diagnoseSetup(repository, settings).filter(
      ({ id, severity }) => severity === "error" && !(id === "replaced-key" && newer.size > 0),
    ),
    ...pathFindings(
      [...forked].map((name) => ({ name: retiredFolder(name) })),
      "merged-rotations",
    ),
    ...findPlaintext(
      repository,
      regular.filter(({ oid }) => !encrypted.has(oid) && !nothing.has(oid)),
    ),
    ...pathFindings(holding(regular, unopened), "unopened"),
    ...pathFindings(holding(regular, newer), "newer-key"),
    ...pathFindings(
      holding(regular, retired).filter(({ stage }) => stage === 0),
      "retired-key",
    ),
    ...pathFindings(holding(regular, empty), "empty"),
    ...linked.flatMap((entry) => pathFindings([entry], entry.mode === "160000" ? "submodule" : "symlink")),
    ...findAttributes(regular),
    ...pathFindings(
      attributes.filter(({ name, oid }) => isProtected.has(name) || encrypted.has(oid)),
      "attributes",
    ),
    ...(options.history === true ? clearInHistory(repository) : []),
  ];
  return {
    state: stateOf(keys, namesOfRetired(repository)),
    keys,
    files: regular.map(({ name, keyName, oid }) =>
      Object.assign(fileName(name), { keyName, encrypted: encrypted.has(oid) }),
    ),
    findings,
  };
}
