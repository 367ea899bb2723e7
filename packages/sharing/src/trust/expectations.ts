import { printable } from "@git-vault/core";
import { forgeUserOf, GITHUB, type Directory, type DirectoryEntry } from "@git-vault/directory";
import { SharingError } from "../errors.ts";

/** What is demanded of recipients before anything is sealed to them. */
export interface Expectations {
  /** Fingerprints, each of a recipient's usable key; each recipient must have one. */
  readonly fingerprints?: readonly string[] | undefined;
  /** The GitHub organisation that each recipient must belong to. */
  readonly memberOf?: string | undefined;
}

/**
 * Demands that recipients are who they are expected to be.
 *
 * @returns whether anything was demanded
 * @throws SharingError `NOT_EXPECTED`; DirectoryError where GitHub cannot be asked now
 */
export async function assertExpected(
  entries: readonly DirectoryEntry[],
  { fingerprints = [], memberOf }: Expectations,
  directory: Directory,
): Promise<boolean> {
  if (fingerprints.length > 0) assertKeys(entries, fingerprints);
  for (const { name } of memberOf === undefined ? [] : entries) {
    const { forge, user = "" } = forgeUserOf(name) ?? {};
    const isMember = forge === GITHUB && memberOf !== undefined && (await directory.isMember(memberOf, user));
    if (!isMember) {
      throw new SharingError(
        "NOT_EXPECTED",
        `expected members of ${printable(memberOf ?? "")}, and ${printable(name)} is not seen to be one`,
        { hint: "members that are not public are seen with a token of a member, in GH_TOKEN" },
      );
    }
  }
  return fingerprints.length > 0 || memberOf !== undefined;
}

function assertKeys(entries: readonly DirectoryEntry[], fingerprints: readonly string[]): void {
  const usable = entries.map(({ name, keys }) => ({
    name,
    theirs: keys.flatMap(({ unusable, fingerprint }) => (unusable === null ? (fingerprint ?? []) : [])),
  }));
  const all = new Set(usable.flatMap(({ theirs }) => theirs));
  const missing = fingerprints.find((fingerprint) => !all.has(fingerprint));
  if (missing !== undefined) {
    throw new SharingError("NOT_EXPECTED", `no recipient has a usable key ${printable(missing)}`, {
      hint: "compare the fingerprints, over a channel that you trust",
    });
  }
  const stranger = usable.find(({ theirs }) => !theirs.some((one) => fingerprints.includes(one)));
  if (stranger === undefined) return;
  const name = printable(stranger.name);
  throw new SharingError("NOT_EXPECTED", `expected a key that was named, and ${name} has none`, {
    subject: name,
    hint: "name a fingerprint of each recipient",
  });
}
