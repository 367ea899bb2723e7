import { encryptBlob } from "../format/blob.ts";
import { type PathFinding, pathFindings } from "../git/finding.ts";
import { fileName } from "../format/file-name.ts";
import { blobOid, oidLengthOf, oidsOf, readBlobs, sizesOf, WHOLE_BYTES } from "../git/objects.ts";
import { unprotectedOnPurpose } from "../git/on-purpose.ts";
import type { Version } from "../git/plaintext.ts";
import type { Repository } from "../git/repository.ts";
import { readKeyRing } from "./key-ring.ts";

/** In bytes that are no blanks: shorter contents, such as `enabled: true`, are in many files. */
const SHORTEST = 16;

/** In bytes, of all that is staged: what comes after is not compared. */
const MOST_ALL_BYTES = 32 * 1024 * 1024;

/** Whether a content is long enough that no two files have it by chance. */
function isTelling(content: Uint8Array): boolean {
  let count = 0;
  for (const byte of content) if (byte > 32 && ++count === SHORTEST) return true;
  return false;
}

/**
 * What git calls the blob of a content that is stored unencrypted; null for one too short to tell
 * a copy by.
 *
 * @param oid of any blob of the repository
 */
export const plainOidOf = (content: Uint8Array, oid: string): string | null =>
  isTelling(content) ? blobOid(oidLengthOf(oid), content) : null;

/** A path that nothing protects, and a protected one whose content it has. */
export interface Copy {
  readonly name: string;
  readonly source: string;
}

/** Findings about copies, but for those that attributes leave unprotected on purpose. */
export function copyFindings(repository: Repository, copies: readonly Copy[]): PathFinding[] {
  const purposes = unprotectedOnPurpose(
    repository,
    copies.map(({ name }) => name),
  );
  return copies
    .filter(({ name }) => !purposes.has(name))
    .flatMap(({ name, source }) => {
      const { path } = fileName(source);
      return pathFindings([{ name }], "copied-plaintext").map((finding) =>
        Object.assign(finding, { message: `${finding.message}: ${path}` }),
      );
    });
}

/**
 * Those of some files in the clear that have the content of a protected one, by the keys that are
 * here. None of these is read: a content under the same key always makes the same blob.
 *
 * @param files of up to 1 MiB each, and 32 MiB in all
 * @param stored what may be protected
 */
export function copiesOf(repository: Repository, files: readonly Version[], stored: readonly Version[]): Copy[] {
  const keyNames = files.length === 0 ? [] : repository.keyNames();
  if (keyNames.length === 0) return [];
  let all = 0;
  const small = [...sizesOf(repository, oidsOf(files))].filter(
    ([, size]) => size >= SHORTEST && size <= WHOLE_BYTES && (all += size) <= MOST_ALL_BYTES,
  );
  const names = new Map(stored.map(({ name, oid }) => [oid, name]));
  const rings = keyNames.map((name) => readKeyRing(repository, name));
  try {
    const keys = rings.flatMap((ring) => ring.all);
    const sources = new Map<string, string>();
    for (const [oid, content] of readBlobs(repository, new Map(small))) {
      if (!isTelling(content)) continue;
      const made = keys.map((key) => names.get(blobOid(oidLengthOf(oid), encryptBlob(key, content))));
      const source = made.find((name) => name !== undefined);
      if (source !== undefined) sources.set(oid, source);
    }
    return files.flatMap(({ name, oid }) => {
      const source = sources.get(oid);
      return source === undefined ? [] : [{ name, source }];
    });
  } finally {
    for (const ring of rings) ring.wipe();
  }
}
