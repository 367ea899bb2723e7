import { push } from "@git-vault/core";
import { headerOf, isEditOf } from "../format/blob.ts";
import type { GitPlace } from "./git.ts";
import { readBlobs, sizesOf, WHOLE_BYTES } from "./objects.ts";
import type { Version } from "./plaintext.ts";
import { readSmallBlobs } from "./tracked-files.ts";
import type { Difference } from "./trees.ts";

/** A version and one that came before it. */
interface Step extends Version {
  readonly before: string;
}

/** The versions that a commit removed: one that it added may be any of them. */
const removedBy = (differences: readonly Difference[]): string[] =>
  differences.flatMap(({ before, after }) => (before !== null && after === null ? [before] : []));

/** The magic and the nonce of those blobs that are encrypted and small. */
function headersOf(place: GitPlace, oids: readonly (string | null)[]): Map<string, string> {
  const known = oids.filter((oid) => oid !== null);
  const small = new Map([...sizesOf(place, known)].filter(([, size]) => size <= WHOLE_BYTES));
  const headers = new Map<string, string>();
  for (const [oid, blob] of readBlobs(place, small)) {
    const header = headerOf(blob);
    if (header !== null) headers.set(oid, Buffer.from(header).toString("latin1"));
  }
  return headers;
}

/**
 * The versions that are ciphertext which somebody edited without its key, such as by a text that
 * `>>` put behind it: each holds the nonce of the version before it, and more. What was added is
 * readable, and no key opens the file any more. No key is needed to see that.
 *
 * @param commits what each changed; blobs of up to 1 MiB are looked at
 * @param isMeant whether a path matters
 * @throws GitCryptError GIT_FAILED
 */
export function editedVersions(
  place: GitPlace,
  commits: readonly (readonly Difference[])[],
  isMeant: (name: string) => boolean,
): Version[] {
  const changed = commits.map((differences) => {
    const here = differences.filter(({ name, after }) => after !== null && isMeant(name));
    return { here, removed: here.some(({ before }) => before === null) ? removedBy(differences) : [] };
  });
  const headers = headersOf(
    place,
    changed.flatMap(({ here, removed }) => [...removed, ...here.flatMap(({ before, after }) => [before, after])]),
  );
  const alike = changed.flatMap(({ here, removed }) => {
    const gone = new Map<string, string[]>();
    for (const oid of removed) {
      const header = headers.get(oid);
      if (header !== undefined) push(gone, header, oid);
    }
    return here.flatMap(({ name, before, after }): Step[] => {
      const header = headers.get(after ?? "");
      if (after === null || header === undefined) return [];
      const older = before === null ? (gone.get(header) ?? []) : headers.get(before) === header ? [before] : [];
      return older.map((oid) => ({ name, oid: after, before: oid }));
    });
  });
  // There are mostly none.
  const blobs = readSmallBlobs(
    place,
    alike.flatMap(({ oid, before }) => [oid, before]),
    WHOLE_BYTES,
  );
  return alike.filter(({ oid, before }) => {
    const [blob, older] = [blobs.get(oid), blobs.get(before)];
    return blob !== undefined && older !== undefined && isEditOf(blob, older);
  });
}
