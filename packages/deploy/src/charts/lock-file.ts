import type { Dependency } from "./chart.ts";
import { DeployError } from "../errors.ts";

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

const isArchive = (value: unknown): value is LockedArchive => {
  if (typeof value !== "object" || value === null) return false;
  const { name, version, repository, sha256 } = Object.fromEntries(Object.entries(value));
  const texts: unknown[] = [name, version, repository, sha256];
  return texts.every((text) => typeof text === "string") && /^[\da-f]{64}$/.test(String(sha256));
};

/**
 * Reads a `deploy.lock`.
 *
 * @throws DeployError INVALID_SETTINGS
 */
export function parseLock(text: string): Map<string, LockedArchive> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Told below.
  }
  if (typeof value === "object" && value !== null && "lockVersion" in value && "archives" in value) {
    const { lockVersion, archives } = value;
    if (lockVersion === 1 && Array.isArray(archives) && archives.every(isArchive))
      return new Map(archives.map((archive: LockedArchive) => [archiveKey(archive), archive]));
  }
  throw new DeployError(
    "INVALID_SETTINGS",
    `${LOCK_FILE}: expected what \`vault deploy lock\` writes, got something else`,
    {
      hint: "restore it, or remove it and lock the charts anew",
      place: { file: LOCK_FILE },
    },
  );
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
export function assertPinned(dependency: Dependency, chart: string): DependencyKind {
  const { name, version, repository, lockedVersion, position } = dependency;
  const file = `${chart}/Chart.yaml`;
  const at = { place: { file, ...position } };
  const prefix = `${file}:${position.line}: the dependency ${name}`;
  if (!EXACT.test(version)) {
    throw new DeployError("UNPINNED_DEPENDENCY", `${prefix} has no exact version`, {
      hint: "write the version that is deployed, such as 1.2.3, without ^, ~, x or a range",
      ...at,
    });
  }
  const kind = kindOf(repository);
  if (kind === null) {
    throw new DeployError("UNPINNED_DEPENDENCY", `${prefix} has no address of the kinds https://, oci:// and file://`, {
      hint: "an alias of a repository means something else on each machine: write the address",
      ...at,
    });
  }
  if (lockedVersion !== version) {
    const what = lockedVersion === null ? "is not in Chart.lock" : "has another version in Chart.lock";
    throw new DeployError("UNLOCKED_DEPENDENCY", `${prefix} ${what}`, {
      hint: `run \`helm dependency update ${chart}\`, then \`vault deploy lock\`, and commit both locks`,
      ...at,
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
