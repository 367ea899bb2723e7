import { attributeMistakes, type LineFinding } from "../git/attribute-mistakes.ts";
import { isAttributesFile, MOST_ATTRIBUTES, readPresent } from "../git/attribute-states.ts";
import { editedVersions } from "../git/edited-blobs.ts";
import { encryptedBlobs } from "../git/encrypted-blobs.ts";
import { type PathFinding, pathFindings } from "../git/finding.ts";
import { folderPatterns } from "../git/folder-patterns.ts";
import { oidsOf } from "../git/objects.ts";
import { clearBlobs, stagedChanges, type Version } from "../git/plaintext.ts";
import { copiesOf, copyFindings } from "../keys/copied-content.ts";
import { lateVersions } from "../keys/late-versions.ts";
import {
  assertWorkTree,
  filtersOf,
  type IndexEntry,
  isRegular,
  keyNameAt,
  listIndex,
  withKeyNames,
} from "../git/protected-files.ts";
import { unprotectedOnPurpose } from "../git/on-purpose.ts";
import type { Repository } from "../git/repository.ts";
import { readSmallBlobs } from "../git/tracked-files.ts";
import { type Difference, withIndexOf } from "../git/trees.ts";
import { findUnprotected, isOtherFilter, unprotectedOf } from "../git/unprotected.ts";

/**
 * Looks for what a commit must not take: plaintext on a path that is or was protected, and a change
 * of attributes after which ciphertext is protected no more, or by another key, or one that is
 * meant to protect and does not. It needs no key, and is what a pre-commit hook runs; with one, it
 * also finds copies of protected files. A path counts as protected by the attributes of the work
 * tree or by those that are staged; that it is not so on purpose, either may say.
 *
 * @throws GitCryptError NO_WORK_TREE, GIT_FAILED.
 */
export function checkStaged(repository: Repository): (PathFinding | LineFinding)[] {
  assertWorkTree(repository);
  const changes = stagedChanges(repository);
  const staged = changes
    .flatMap(({ name, mode, after }) => (after === null ? [] : [{ name, mode, oid: after }]))
    .filter(isRegular);
  const index = listIndex(repository);
  const watched = watchedOf(repository, staged);
  const edited = findEdited(repository, changes, watched);
  const plaintext = findPlaintext(repository, watched);
  const open = unprotectedOf(repository, staged, filtersOf(repository, namesOf(staged), "index"));
  const late = open.length === 0 ? [] : lateVersions(repository, changes, open);
  const attributes = open.length === 0 ? null : readPresent(repository, index, namesOf(staged));
  const unprotected = attributes === null ? [] : findUnprotected(repository, open, late, attributes);
  const names = new Set(namesOf(staged));
  const kept = index.filter((entry) => isRegular(entry) && !names.has(entry.name));
  const copies = copyFindings(repository, copiesOf(repository, staged, [...late, ...index.filter(isRegular)]));
  return [
    ...onePerFile([...edited, ...plaintext, ...unprotected, ...copies]),
    ...(changes.some(({ name }) => isAttributesFile(name)) ? findAbandoned(repository, kept) : []),
    ...findMistakes(repository, staged),
    ...(attributes === null ? [] : folderPatterns(repository, attributes.used, namesOf(open))),
  ];
}

/** The first of each file: it is the one that tells most. */
function onePerFile(findings: readonly PathFinding[]): PathFinding[] {
  const files = new Set<string>();
  return findings.filter(({ file }) => !files.has(file) && files.add(file));
}

const namesOf = (entries: readonly { readonly name: string }[]): string[] => entries.map(({ name }) => name);

/** Those of the staged files that either attributes protect. */
function watchedOf(repository: Repository, staged: readonly Version[]): Version[] {
  const names = new Set(
    (["work tree", "index"] as const).flatMap((from) => withKeyNames(repository, staged, from).map(({ name }) => name)),
  );
  return staged.filter(({ name }) => names.has(name));
}

/** Ciphertext that was edited without its key; a version that a late commit held is restored. */
function findEdited(
  repository: Repository,
  changes: readonly Difference[],
  watched: readonly Version[],
): PathFinding[] {
  const names = new Set(namesOf(watched));
  const edited = editedVersions(repository, [changes], (name) => names.has(name));
  if (edited.length === 0) return [];
  const late = lateVersions(repository, [], edited);
  return pathFindings(
    edited.filter(({ name, oid }) => !late.some((older) => older.name === name && older.oid === oid)),
    "altered",
  );
}

function findPlaintext(repository: Repository, watched: readonly Version[]): PathFinding[] {
  const clear = clearBlobs(repository, oidsOf(watched));
  return pathFindings(
    watched.filter(({ oid }) => clear.has(oid)),
    "staged-plaintext",
  );
}

/**
 * Ciphertext that stays as it is while the staged attributes take its key away, or name another.
 */
function findAbandoned(repository: Repository, kept: readonly IndexEntry[]): PathFinding[] {
  const had = keysInHead(repository, kept);
  const entries = kept.filter(({ name }) => had.has(name));
  const filters = filtersOf(repository, namesOf(entries), "index");
  const lost = entries.filter(({ name }, at) => keyNameAt(name, filters[at]) === null);
  const taken = new Set(namesOf(entries.filter((_, at) => isOtherFilter(filters[at] ?? "unspecified"))));
  const encrypted = encryptedBlobs(repository, lost);
  const abandoned = lost.filter(({ oid }) => encrypted.has(oid));
  const purposes = unprotectedOnPurpose(repository, namesOf(abandoned));
  const others = entries.flatMap((entry, at) => {
    const keyName = keyNameAt(entry.name, filters[at]);
    return keyName === null ? [] : [{ ...entry, keyName }];
  });
  const unexcused = abandoned.filter(({ name }) => !purposes.has(name));
  return [
    ...pathFindings(
      unexcused.filter(({ name }) => !taken.has(name)),
      "unprotected",
    ),
    ...pathFindings(
      unexcused.filter(({ name }) => taken.has(name)),
      "other-filter",
    ),
    ...findRekeyed(repository, others),
  ];
}

/** In the files of attributes that are staged. */
function findMistakes(repository: Repository, staged: readonly Version[]): LineFinding[] {
  const files = staged.filter(({ name }) => isAttributesFile(name));
  if (files.length === 0) return [];
  const blobs = readSmallBlobs(repository, oidsOf(files), MOST_ATTRIBUTES);
  return attributeMistakes([...blobs.values()].map((blob) => blob.toString("latin1")));
}

/** The names of the keys that HEAD's attributes give to paths that it holds with the same blob. */
const keysInHead = (repository: Repository, entries: readonly Version[]): ReadonlyMap<string, string> =>
  withIndexOf(repository, "HEAD", (at) => {
    const oids = new Map(listIndex(at).map(({ name, oid }) => [name, oid]));
    const same = entries.filter(({ name, oid }) => oids.get(name) === oid);
    const filters = filtersOf(at, namesOf(same), "index");
    return new Map(
      same.flatMap(({ name }, index) => {
        const keyName = keyNameAt(name, filters[index]);
        return keyName === null ? [] : [[name, keyName] as const];
      }),
    );
  }) ?? new Map<string, string>();

/** Ciphertext that is as in HEAD, and for which HEAD's attributes name another key. */
export function findRekeyed(
  repository: Repository,
  entries: readonly (Version & { readonly keyName: string })[],
): PathFinding[] {
  const had = keysInHead(repository, entries);
  const differ = entries.filter(({ name, keyName }) => (had.get(name) ?? keyName) !== keyName);
  const encrypted = encryptedBlobs({ ...repository, topLevel: null }, differ);
  return pathFindings(
    differ.filter(({ oid }) => encrypted.has(oid)),
    "other-key",
  );
}
