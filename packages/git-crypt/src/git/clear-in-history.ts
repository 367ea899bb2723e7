import { isAttributesFile, presentStates, readPresent } from "./attribute-states.ts";
import { encryptedBlobs } from "./encrypted-blobs.ts";
import { type PathFinding, pathFindings } from "./finding.ts";
import { type CommonPlace, runGit } from "./git.ts";
import { sizesOf } from "./objects.ts";
import { onceProtected } from "./once-protected.ts";
import { fetchBlobs } from "./partial-clone.ts";
import { pastAttributes } from "./past-states.ts";
import { clearBlobs } from "./plaintext.ts";
import { filtersOf, isRegular, keyNameAt, listIndex } from "./protected-files.ts";
import { unprotectedOnPurpose } from "./on-purpose.ts";
import { parseDifferences, RAW } from "./trees.ts";
import { unprotectedOf } from "./unprotected.ts";

/** All that the commits that any reference reaches ever held, by path. */
function versionsByName(place: CommonPlace): { readonly name: string; readonly oids: ReadonlySet<string> }[] {
  const changes = runGit(place, ["log", "--all", ...RAW, "-m", "--root", "--diff-filter=d", "--format="]);
  const versions = new Map<string, { readonly name: string; readonly oids: Set<string> }>();
  for (const { name, after } of parseDifferences(changes).filter(isRegular)) {
    const { oids } = versions.get(name) ?? { oids: new Set() };
    versions.set(name, { name, oids: oids.add(after ?? "") });
  }
  return [...versions.values()];
}

/**
 * The paths of which a commit that any reference reaches holds a version in clear, and which the
 * attributes of now protect, or those of any such commit did, or of which there is an encrypted
 * version; and those of which a version is not here and could not be fetched into a partial clone.
 * What a shallow clone lacks is not searched.
 *
 * @throws GitCryptError GIT_FAILED.
 */
export function clearInHistory(place: CommonPlace): PathFinding[] {
  const all = versionsByName(place);
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
  const having = (isMeant: (oid: string) => boolean): typeof found =>
    found.filter((entry) => [...entry.oids].some(isMeant));
  return [
    ...pathFindings(
      having((oid) => clear.has(oid)),
      "history-plaintext",
    ),
    ...pathFindings(
      unread.map((name) => ({ name })),
      "unread-attributes",
    ),
    ...pathFindings(
      notHere.map((name) => ({ name })),
      "history-not-here",
    ),
    ...pathFindings(here === null ? [] : having((oid) => !here.has(oid)), "history-not-here"),
  ];
}
