import { createHash } from "node:crypto";
import type { Dependency } from "./chart.ts";
import { DeployError, errorAt } from "../errors.ts";
import type { FileSource } from "../files/tree.ts";
import { at, readJson, textAt } from "../values/value.ts";

/** Where archives are recorded, in the top folder. */
export const LOCK_FILE = "deploy.lock";

/** The archive of a dependency, as it was when it was locked. */
export interface LockedArchive {
  readonly name: string;
  readonly version: string;
  readonly repository: string;
  /** In hex. */
  readonly sha256: string;
}

/** Tells an archive from all others. */
export const archiveKey = ({ name, version, repository }: Omit<LockedArchive, "sha256">): string =>
  `${name} ${version} ${repository}`;

/** In hex. */
export const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

const isArchive = (value: unknown): value is LockedArchive =>
  ["name", "version", "repository", "sha256"].every((key) => typeof at(value, key) === "string") &&
  /^[\da-f]{64}$/.test(textAt(value, "sha256"));

/** What `deploy.lock` says at the commit; nothing where there is none. @throws as `parseLock` */
export function lockOf(tree: FileSource): Map<string, LockedArchive> {
  const file = tree.find(LOCK_FILE);
  return file === undefined ? new Map() : parseLock(tree.read(file).toString());
}

/** What is thrown where no lock has the archive of a dependency. */
export const unlockedArchive = ({ name }: Dependency): DeployError =>
  new DeployError("UNLOCKED_DEPENDENCY", `the archive of ${name} is not in ${LOCK_FILE}`, {
    hint: "lock it, look at what changed, and commit it",
    remedy: "lock",
    place: { file: LOCK_FILE },
  });

/**
 * Reads a `deploy.lock`.
 *
 * @throws DeployError INVALID_SETTINGS
 */
export function parseLock(text: string): Map<string, LockedArchive> {
  const value = readJson(text);
  const archives = at(value, "archives");
  if (at(value, "lockVersion") === 1 && Array.isArray(archives) && archives.every(isArchive))
    return new Map(archives.map((archive) => [archiveKey(archive), archive]));
  throw new DeployError("INVALID_SETTINGS", `${LOCK_FILE}: expected archives of charts, got something else`, {
    hint: "restore it, or remove it and lock the charts again",
    place: { file: LOCK_FILE },
  });
}

/** The text of a `deploy.lock`: the same archives give the same text. */
export function formatLock(archives: readonly LockedArchive[]): string {
  const sorted = archives.toSorted((a, b) => (archiveKey(a) < archiveKey(b) ? -1 : 1));
  return `${JSON.stringify({ lockVersion: 1, archives: sorted }, null, 2)}\n`;
}

/** As SemVer 2.0.0 has it, section 2, 9 and 10; a leading `v` is common among charts. */
const EXACT = /^v?\d+\.\d+\.\d+(?:-[\dA-Za-z.-]+)?(?:\+[\dA-Za-z.-]+)?$/;

/** How a dependency comes. */
export type DependencyKind = "https" | "oci" | "file" | "vendored";

/**
 * How a dependency comes, once it is clear that it names one version at one address.
 *
 * @throws DeployError UNPINNED_DEPENDENCY; UNLOCKED_DEPENDENCY where `Chart.lock` does not have it
 */
export function pinnedKindOf(dependency: Dependency, chart: string): DependencyKind {
  const { name, version, repository, lockedVersion, file, position } = dependency;
  const place = { file, ...position };
  const what = `the dependency ${name}`;
  if (!EXACT.test(version)) {
    throw errorAt("UNPINNED_DEPENDENCY", place, `${what} has no exact version`, {
      hint: "write the version that is deployed, such as 1.2.3, without ^, ~, x or a range",
    });
  }
  const kind = kindOf(repository);
  if (kind === null) {
    throw errorAt("UNPINNED_DEPENDENCY", place, `${what} has no address of the kinds https://, oci:// and file://`, {
      hint: "an alias of a repository means something else on each machine: write the address",
    });
  }
  // Without Chart.lock, an exact version and the archive's SHA-256 in deploy.lock say all of it.
  if (lockedVersion !== undefined && lockedVersion !== version) {
    const lockFile = file.endsWith("requirements.yaml") ? "requirements.lock" : "Chart.lock";
    const lock = lockedVersion === null ? `is not in ${lockFile}` : `has another version in ${lockFile}`;
    throw errorAt("UNLOCKED_DEPENDENCY", place, `${what} ${lock}`, {
      hint: `run \`helm dependency update ${chart}\`, then lock the archives, and commit both locks`,
      remedy: "update-locks",
      subject: chart,
    });
  }
  return kind;
}

/** Whether a dependency comes from another place, which can be asked. */
export const isRemote = ({ repository }: Dependency): boolean => ["https", "oci"].includes(kindOf(repository) ?? "");

function kindOf(repository: string): DependencyKind | null {
  if (repository === "") return "vendored";
  const [, scheme] = /^([a-z]+):\/\//.exec(repository) ?? [];
  if (scheme === "https" || scheme === "http") return "https";
  return scheme === "oci" || scheme === "file" ? scheme : null;
}
