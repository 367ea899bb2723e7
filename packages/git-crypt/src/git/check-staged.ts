import { isAttributesFile, readPresent } from "./attribute-states.ts";
import { encryptedBlobs } from "./encrypted-blobs.ts";
import { type PathFinding, pathFindings } from "./finding.ts";
import { oidsOf } from "./objects.ts";
import { clearBlobs, lateVersions, stagedChanges, type Version } from "./plaintext.ts";
import {
  assertWorkTree,
  filtersOf,
  type IndexEntry,
  isRegular,
  keyNameAt,
  listIndex,
  withKeyNames,
} from "./protected-files.ts";
import { unprotectedOnPurpose } from "./on-purpose.ts";
import type { Repository } from "./repository.ts";
import { withIndexOf } from "./trees.ts";
import { findUnprotected, unprotectedOf } from "./unprotected.ts";

/**
 * Looks for what a commit must not take: plaintext on a path that is or was protected, and a change
 * of attributes after which ciphertext is protected no more, or by another key. It needs no key,
 * and is what a pre-commit hook runs. A path counts as protected by the attributes of the work tree
 * or by those that are staged; that it is not so on purpose, either may say.
 *
 * @throws GitCryptError NO_WORK_TREE, GIT_FAILED.
 */
export function checkStaged(repository: Repository): PathFinding[] {
  assertWorkTree(repository);
  const changes = stagedChanges(repository);
  const staged = changes
    .flatMap(({ name, mode, after }) => (after === null ? [] : [{ name, mode, oid: after }]))
    .filter(isRegular);
  const index = listIndex(repository);
  const plaintext = findPlaintext(repository, staged);
  const told = new Set(plaintext.map(({ file }) => file));
  const open = unprotectedOf(repository, staged, filtersOf(repository, namesOf(staged), "index"));
  const unprotected =
    open.length === 0
      ? []
      : findUnprotected(
          repository,
          open,
          lateVersions(repository, changes),
          readPresent(repository, index, namesOf(staged)),
        );
  const names = new Set(namesOf(staged));
  const kept = index.filter((entry) => isRegular(entry) && !names.has(entry.name));
  return [
    ...plaintext,
    ...unprotected.filter(({ file }) => !told.has(file)),
    ...(changes.some(({ name }) => isAttributesFile(name)) ? findAbandoned(repository, kept) : []),
  ];
}

const namesOf = (entries: readonly { readonly name: string }[]): string[] => entries.map(({ name }) => name);

function findPlaintext(
  repository: Repository,
  staged: readonly { readonly name: string; readonly oid: string }[],
): PathFinding[] {
  const names = new Set(
    (["work tree", "index"] as const).flatMap((from) => withKeyNames(repository, staged, from).map(({ name }) => name)),
  );
  const watched = staged.filter(({ name }) => names.has(name));
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
  const encrypted = encryptedBlobs(repository, lost);
  const abandoned = lost.filter(({ oid }) => encrypted.has(oid));
  const purposes = unprotectedOnPurpose(repository, namesOf(abandoned));
  const others = entries.flatMap((entry, at) => {
    const keyName = keyNameAt(entry.name, filters[at]);
    return keyName === null ? [] : [{ ...entry, keyName }];
  });
  return [
    ...pathFindings(
      abandoned.filter(({ name }) => !purposes.has(name)),
      "unprotected",
    ),
    ...findRekeyed(repository, others),
  ];
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
