import { addressFor, type HostOptions, MOST_HOSTS } from "./certs.ts";
import { attempt, DeployError } from "../errors.ts";
import { federationOf } from "./federation-members.ts";
import { type Finding, finding } from "../findings/finding.ts";
import { httpsGet } from "./https-get.ts";
import { inParallel } from "../parallel.ts";
import { formatPath, readJson, textsIn } from "../values/value.ts";
import { remember } from "../remember.ts";

/** What a member of a federation says of its versions. */
export interface MemberVersions {
  readonly member: string;
  /** By their paths in the answer, such as `binderhub`; null where it did not answer. */
  readonly versions: ReadonlyMap<string, string> | null;
}

/** The members of a federation, and where they differ. */
export interface FederationReport {
  readonly members: readonly MemberVersions[];
  readonly findings: readonly Finding[];
}

/**
 * Asks each member of the project's federation for its versions, and compares them.
 *
 * @throws DeployError INTERRUPTED
 */
export async function inspectFederation(
  project: Parameters<typeof federationOf>[0],
  options: HostOptions = {},
): Promise<FederationReport> {
  const members = attempt(() => federationOf(project));
  if (!(members instanceof DeployError)) return compareMembers(members, options);
  const { message, hint, remedy, place } = members;
  return { members: [], findings: [finding("federation", "error", message, { ...place, hint, remedy })] };
}

/**
 * Asks members for their versions, and compares them.
 *
 * @param members the https address at which each tells its versions as JSON, by its name
 * @throws DeployError INTERRUPTED
 */
export async function compareMembers(
  members: Readonly<Record<string, string>>,
  options: HostOptions = {},
): Promise<FederationReport> {
  const asked = await inParallel(Object.entries(members), MOST_HOSTS, async ([member, address]) => {
    try {
      return { member, versions: await versionsAt(new URL(address), options), finding: null };
    } catch (error) {
      if (!(error instanceof DeployError) || error.code === "INTERRUPTED") throw error;
      const message = `the member ${member} does not tell its versions: ${error.message}`;
      return { member, versions: null, finding: finding("federation", "error", message) };
    }
  });
  return {
    members: asked.map(({ member, versions }) => ({ member, versions })),
    findings: [...asked.flatMap((one) => one.finding ?? []), ...compareVersions(asked)],
  };
}

async function versionsAt(url: URL, options: HostOptions): Promise<ReadonlyMap<string, string>> {
  const { status, body } = await httpsGet(url, addressFor(url.hostname, options), options, true);
  if (status !== 200) throw new DeployError("UNREACHABLE", `${url.host} answers ${status} at its address`);
  const answer = readJson(body);
  if (answer === undefined) throw new DeployError("UNREACHABLE", `${url.host}: expected JSON, got something else`);
  return new Map(Array.from(textsIn(answer), ({ path, text }) => [formatPath(path), text.slice(0, 200)]));
}

/** Where members that answered differ: what most of them have is taken as right. */
export function compareVersions(members: readonly MemberVersions[]): Finding[] {
  const answered = members.flatMap(({ member, versions }) => (versions === null ? [] : [{ member, versions }]));
  const paths = new Set(answered.flatMap(({ versions }) => [...versions.keys()]));
  return [...paths].flatMap((path): Finding[] => {
    const byVersion = new Map<string, string[]>();
    for (const { member, versions } of answered) {
      const version = versions.get(path) ?? "none";
      remember(byVersion, version, () => []).push(member);
    }
    if (byVersion.size < 2) return [];
    const groups = [...byVersion].toSorted(([, a], [, b]) => b.length - a.length);
    const said = groups.map(
      ([version, names]) => `${names.join(", ")} ${names.length === 1 ? "has" : "have"} ${version}`,
    );
    const hint = "deploy those that are behind, and look at whether their last deployment failed";
    return [
      finding("federation", "error", `members of the federation differ in ${path}: ${said.join("; ")}`, { hint }),
    ];
  });
}
