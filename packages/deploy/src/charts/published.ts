/*
 * What a repository tells of the versions of a chart. Helm asks, so that what can be fetched can be
 * asked, too: with the same proxies, certificates and anonymous logins.
 */
import { DeployError } from "../errors.ts";
import type { Helm } from "../helm/helm.ts";
import { sharedSignal } from "../parallel.ts";
import { readValue } from "../values/read-yaml.ts";
import { textAt } from "../values/value.ts";
import type { LockedArchive } from "./lock-file.ts";

/** One version of a chart at its repository. */
export type Published = Omit<LockedArchive, "sha256">;

/** What a repository says of a version. */
export type Publication =
  | { readonly state: "published" }
  | {
      readonly state: "absent";
      /** The next version before it and the newest of all, of those that there are. */
      readonly others: readonly string[];
    }
  /** It could not be asked. */
  | { readonly state: "unknown"; readonly reason: string };

/** How an answer is waited for. */
export interface AskOptions {
  /** In milliseconds; 20,000 where left out. */
  readonly timeout?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Helm's last arguments for a version: an exact one, or the newest of a range. */
export function sourceArgs({ name, version, repository }: Published): string[] {
  const ofVersion = ["--version", version];
  if (!repository.startsWith("oci://")) return [...ofVersion, "--repo", repository, "--", name];
  return [
    ...ofVersion,
    ...(isLoopback(repository) ? ["--plain-http"] : []),
    "--",
    `${repository.replace(/\/$/, "")}/${name}`,
  ];
}

/** A registry on this very machine speaks no TLS. */
const isLoopback = (repository: string): boolean =>
  /^oci:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?\//.test(repository);

/**
 * Asks the repository whether a version was published.
 *
 * @throws DeployError INTERRUPTED
 */
export async function askRepository(
  helm: Helm,
  wanted: Published,
  { timeout = 20_000, signal }: AskOptions = {},
): Promise<Publication> {
  const late = AbortSignal.timeout(timeout);
  const either = sharedSignal(late, signal);
  try {
    await newest(helm, wanted, either);
    return { state: "published" };
  } catch (error) {
    if (!(error instanceof DeployError) || signal?.aborted === true) throw error;
    if (isAbsent(error)) return { state: "absent", others: await otherVersions(helm, wanted, either) };
    const reason = late.aborted ? `there was no answer within ${timeout / 1000} seconds` : failureOf(error.message);
    return { state: "unknown", reason };
  }
}

/** Whether Helm failed because the repository answered that it does not have the version. */
export const isAbsent = ({ code, message }: DeployError): boolean =>
  code === "TOOL_FAILED" &&
  /: not found$|^[^:]*: chart "[^"]*" version ".*" not found in \S+ repository$/.test(message);

/** Why a repository could not be reached, of all that Helm says around it; else what it says. */
export function failureOf(message: string): string {
  const [, host] = /dial \w+: lookup (\S+?)(?: on \S+)?: /.exec(message) ?? [];
  const [, address, why] = /dial \w+ (\S+): (?:connect: )?(.*)$/.exec(message) ?? [];
  if (host !== undefined) return `cannot resolve ${host}`;
  return address === undefined ? message : `cannot connect to ${address}: ${why}`;
}

/** The version before one that is missing, and the newest; null if there is none. */
export async function otherVersions(helm: Helm, wanted: Published, signal?: AbortSignal): Promise<string[]> {
  const ask = async (version: string): Promise<string[]> => {
    try {
      return [await newest(helm, { ...wanted, version }, signal)];
    } catch (error) {
      if (error instanceof DeployError) return [];
      throw error;
    }
  };
  const version = wanted.version.replace(/^v/, "");
  const [before, after] = await Promise.all([ask(`<${version}`), ask(`>${version}`)]);
  const others = [...before, ...after];
  // A constraint without a prerelease passes all of them over.
  return others.length > 0 ? others : ask(">0.0.0-0");
}

/** In words what there is instead of a version. */
export function insteadOf(others: readonly string[]): string {
  const [first, second] = others;
  if (first === undefined) return "check the name, the version and the address";
  return second === undefined
    ? `the newest version that was published is ${first}`
    : `published are ${first}, which is the next before it, and ${second}, which is the newest`;
}

/** The newest version that a constraint lets pass. */
async function newest(helm: Helm, wanted: Published, signal?: AbortSignal): Promise<string> {
  const output = await helm.run(["show", "chart", ...sourceArgs(wanted)], "the repository cannot be asked", { signal });
  return textAt(readValue("Chart.yaml", output), "version") || wanted.version;
}
