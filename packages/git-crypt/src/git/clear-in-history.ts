import { ATTRIBUTES_FILE, isAttributesFile, isShallow, presentStates, readPresent } from "./attribute-states.ts";
import { editedVersions } from "./edited-blobs.ts";
import { encryptedBlobs } from "./encrypted-blobs.ts";
import { type PathFinding, pathFindings } from "./finding.ts";
import { type CommonPlace, gitFailed } from "./git.ts";
import { isLackingObject, sizesOf } from "./objects.ts";
import { onceProtected } from "./once-protected.ts";
import { fetchBlobs, logWithTrees } from "./partial-clone.ts";
import { pastAttributes } from "./past-states.ts";
import { clearBlobs } from "./plaintext.ts";
import { filtersOf, isRegular, keyNameAt, listIndex } from "./protected-files.ts";
import { unprotectedOnPurpose } from "./on-purpose.ts";
import { type Difference, parseDifferences } from "./trees.ts";
import { unprotectedOf } from "./unprotected.ts";

/** A path, and all that it ever held. */
interface Versions {
  readonly name: string;
  readonly oids: ReadonlySet<string>;
}

/**
 * All that the commits that any reference reaches ever held, by path; null where trees of theirs
 * could not be fetched.
 */
function versionsByName(place: CommonPlace): { readonly all: Versions[]; readonly changes: Difference[] } | null {
  const output = logWithTrees(place);
  if (output.status !== 0) {
    if (isLackingObject(place, output)) return null;
    throw gitFailed(["log"], output);
  }
  const versions = new Map<string, { readonly name: string; readonly oids: Set<string> }>();
  const changes = parseDifferences(output.stdout).filter(isRegular);
  for (const { name, after } of changes) {
    const { oids } = versions.get(name) ?? { oids: new Set() };
    versions.set(name, { name, oids: oids.add(after ?? "") });
  }
  return { all: [...versions.values()], changes };
}

/**
 * The paths of which a commit that any reference reaches holds a version in the clear, and which
 * the attributes of now protect, or those of any such commit did, or of which there is an encrypted
 * version; those of which it holds ciphertext that was edited ({@link editedVersions}); and those
 * of which a version is not here and could not be fetched into a partial clone. What a shallow
 * clone lacks is not searched, which is told of the attributes.
 *
 * @throws GitCryptError GIT_FAILED.
 */
export function clearInHistory(place: CommonPlace): PathFinding[] {
  const history = versionsByName(place);
  if (history === null) return pathFindings([{ name: ATTRIBUTES_FILE }], "history-not-here");
  const { all, changes } = history;
  const names = all.map(({ name }) => name);
  fetchBlobs(
    place,
    all.flatMap((entry) => (isAttributesFile(entry.name) ? [...entry.oids] : [])),
  );
  const filters = filtersOf(place, names);
  const others = unprotectedOf(
    place,
    all.map(({ name }) => ({ name, oid: null })),
    filters,
  );
  const present = presentStates(place, readPresent(place, listIndex(place), names));
  const {
    states: past,
    unread,
    notHere,
  } = pastAttributes(
    place,
    ["--all"],
    others.map(({ name }) => name),
  );
  const once = onceProtected(place, { past, present }, others);
  const oids = new Map(all.map((entry) => [entry.name, entry.oids]));
  const versions = others.flatMap(({ name }) => [...(oids.get(name) ?? [])].map((oid) => ({ name, oid })));
  // The work tree says nothing of what was.
  const encrypted = encryptedBlobs({ ...place, topLevel: null }, versions);
  for (const { name, oid } of versions) if (encrypted.has(oid)) once.add(name);
  for (const name of unprotectedOnPurpose(place, [...once])) once.delete(name);
  const found = all.filter(({ name }, at) => keyNameAt(name, filters[at]) !== null || once.has(name));
  const wanted = found.flatMap((entry) => [...entry.oids]);
  const here = fetchBlobs(place, wanted) ? null : sizesOf(place, wanted);
  const clear = clearBlobs(place, wanted);
  const meant = new Set(found.map(({ name }) => name));
  const edited = new Set(editedVersions(place, [changes], (name) => meant.has(name)).map(({ name }) => name));
  const having = (isMeant: (oid: string) => boolean): typeof found =>
    found.filter((entry) => [...entry.oids].some(isMeant));
  return [
    ...pathFindings(
      having((oid) => clear.has(oid)),
      "history-plaintext",
    ),
    ...pathFindings(
      [...edited].map((name) => ({ name })),
      "history-altered",
    ),
    ...pathFindings(
      unread.map((name) => ({ name })),
      "unread-attributes",
    ),
    ...pathFindings(
      (isShallow(place) ? [ATTRIBUTES_FILE, ...notHere] : notHere).map((name) => ({ name })),
      "history-not-here",
    ),
    ...pathFindings(here === null ? [] : having((oid) => !here.has(oid)), "history-not-here"),
  ];
}
