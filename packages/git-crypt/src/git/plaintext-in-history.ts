import { type Finding, findingOf } from "./finding.ts";
import { type GitPlace, runGit } from "./git.ts";
import { withKeyNames } from "./protected-files.ts";
import { clearBlobs, parseRawDiff } from "./staged.ts";

/**
 * The paths, protected by today's attributes, of which a commit that any reference reaches holds a
 * version in clear. What a shallow clone lacks is not searched.
 */
export function clearInHistory(place: GitPlace): Finding[] {
  const output = runGit(place, [
    "log",
    "--all",
    "--raw",
    "-z",
    "--no-abbrev",
    "--no-renames",
    "-m",
    "--root",
    "--diff-filter=d",
    "--format=",
  ]);
  const versions = new Map<string, Set<string>>();
  for (const { name, mode, oid } of parseRawDiff(output)) {
    if (!mode.startsWith("100")) continue;
    const oids = versions.get(name) ?? new Set();
    versions.set(name, oids.add(oid));
  }
  const names = withKeyNames(
    place,
    [...versions.keys()].map((name) => ({ name })),
  ).map(({ name }) => name);
  const clear = clearBlobs(
    place,
    names.flatMap((name) => [...(versions.get(name) ?? [])]),
  );
  return names
    .filter((name) => [...(versions.get(name) ?? [])].some((oid) => clear.has(oid)))
    .map((name) => findingOf(name, "history-plaintext"));
}
