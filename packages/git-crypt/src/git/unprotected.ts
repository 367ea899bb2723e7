import { type PresentAttributes, presentStates, tipsOf, unrelatedTips } from "./attribute-states.ts";
import { encryptedBlobs } from "./encrypted-blobs.ts";
import { type PathFinding, pathFindings, type PathProblem } from "./finding.ts";
import type { CommonPlace } from "./git.ts";
import { onceProtected, protectsAny } from "./once-protected.ts";
import { findsReadable } from "./own-folders.ts";
import { pastAttributes } from "./past-states.ts";
import { clearBlobs, type Version } from "./plaintext.ts";
import { keyNameAt } from "./protected-files.ts";
import { unprotectedOnPurpose } from "./on-purpose.ts";

/** A path that nothing protects, and what it held before. */
export interface Unprotected {
  readonly name: string;
  /** The blob in the index; null where it is untracked. */
  readonly oid: string | null;
  /** Of another program, which has it. */
  readonly otherFilter: string | null;
}

/** Those of `entries` that nothing protects, by their `filters`, and that need not be readable. */
export function unprotectedOf(
  place: CommonPlace,
  entries: readonly { readonly name: string; readonly oid: string | null }[],
  filters: readonly string[],
): Unprotected[] {
  const isReadable = findsReadable(place);
  const found: Unprotected[] = [];
  for (const [at, { name, oid }] of entries.entries()) {
    const filter = filters[at] ?? "unspecified";
    if (keyNameAt(name, filter) !== null || isReadable(name)) continue;
    found.push({ name, oid, otherFilter: isOtherFilter(filter) ? filter : null });
  }
  return found;
}

const asFile = (name: string): Unprotected => ({ name, oid: null, otherFilter: null });

/**
 * Compares what lies on paths that nothing protects with what attributes said at any time, and with
 * what was there before. No key is needed: ciphertext shows by how it begins.
 *
 * - Ciphertext is a finding wherever it lies: the next change of that file is plaintext.
 * - Plaintext is one where the attributes of a commit that HEAD reaches protected the path, or
 *   those of now would but for another filter, or where `before` holds ciphertext, as after a file
 *   was moved out of a protected folder.
 * - So is plaintext on a branch without any attributes of its own, where those of a branch that
 *   shares no commit with it protect the path: `git checkout --orphan` leaves the files of that.
 * - A file of attributes is one that had a version which is too large to read, or is not here.
 * - Neither is one where attributes say that it is on purpose.
 *
 * @param entries of {@link unprotectedOf}
 * @param before what HEAD and late commits held
 * @param attributes that git reads for `entries`
 */
export function findUnprotected(
  place: CommonPlace,
  entries: readonly Unprotected[],
  before: readonly Version[],
  attributes: PresentAttributes,
): PathFinding[] {
  const names = entries.map(({ name }) => name);
  const present = presentStates(place, attributes);
  const own = pastAttributes(place, tipsOf(place), names);
  const isOwn = own.unread.length + own.notHere.length > 0 || protectsAny([...own.states, ...present]);
  const past = isOwn ? own : pastAttributes(place, unrelatedTips(place), names);
  const states = { past: past.states, present };
  const tracked = entries.flatMap(({ name, oid }) => (oid === null ? [] : [{ name, oid }]));
  const encrypted = encryptedBlobs(place, tracked);
  const isEncrypted = ({ oid }: Unprotected): boolean => oid !== null && encrypted.has(oid);
  const once = onceProtected(place, states, entries);
  const known = new Set(names);
  const earlier = before.filter(({ name }) => known.has(name));
  const wasEncrypted = encryptedBlobs({ ...place, topLevel: null }, earlier);
  for (const { name, oid } of earlier) if (wasEncrypted.has(oid)) once.add(name);
  const meant = entries.filter((entry) => once.has(entry.name) && !isEncrypted(entry));
  const clear = clearBlobs(
    place,
    meant.flatMap(({ oid }) => oid ?? []),
  );
  // Its line is there still, or was: the other filter is what stores its next change.
  const isTaken = ({ name, otherFilter }: Unprotected): boolean => otherFilter !== null && once.has(name);
  const storesClear = ({ oid, otherFilter }: Unprotected): boolean =>
    otherFilter !== null && (oid === null || clear.has(oid));
  const problems: [PathProblem, Unprotected[]][] = [
    ["unprotected", entries.filter((entry) => isEncrypted(entry) && !isTaken(entry))],
    ["exposed", meant.filter(({ oid, otherFilter }) => otherFilter === null && oid !== null && clear.has(oid))],
    [
      "other-filter",
      [...entries.filter((entry) => isEncrypted(entry) && isTaken(entry)), ...meant.filter(storesClear)],
    ],
    ["unguarded", meant.filter(({ oid, otherFilter }) => otherFilter === null && oid === null)],
    ["unread-attributes", past.unread.map(asFile)],
    ["history-not-here", past.notHere.map(asFile)],
  ];
  const purposes = unprotectedOnPurpose(
    place,
    problems.flatMap(([, found]) => found.map(({ name }) => name)),
  );
  return problems.flatMap(([id, found]) => {
    // A conflict has several of a name.
    const unexcused = new Map(found.filter(({ name }) => !purposes.has(name)).map((entry) => [entry.name, entry]));
    return pathFindings([...unexcused.values()], id);
  });
}

/** What git says of a path that no program has. */
const NO_FILTER: ReadonlySet<string> = new Set(["unspecified", "unset", "set"]);

/** Whether what git says of a path's filter is the name of one. */
export const isOtherFilter = (filter: string): boolean => !NO_FILTER.has(filter);
