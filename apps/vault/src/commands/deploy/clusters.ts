import {
  type CertificateOptions,
  Cluster,
  DeployError,
  type Environment,
  type Finding,
  type Project,
} from "@git-vault/deploy";
import { usageError } from "../../cli/errors.ts";
import type { FlagValues } from "../../cli/command-table.ts";

/** The environments that the operands name, each once; all where they name none. */
export const environmentsOf = (project: Project, names: readonly string[]): readonly Environment[] =>
  names.length === 0 ? project.environments : [...new Set(names)].map((name) => project.environment(name));

/** What could not be looked at, and why. */
export interface Failure {
  readonly environment: Environment;
  readonly error: DeployError;
}

/** What came of each environment: a result, or the failure. */
export interface Looks<T> {
  readonly results: readonly T[];
  readonly failures: readonly Failure[];
}

/**
 * Looks at the clusters of environments, all at a time. One that cannot be reached is a failure,
 * and hides nothing of the others.
 *
 * @throws DeployError INTERRUPTED
 */
export async function lookAtClusters<T>(
  project: Project,
  environments: readonly Environment[],
  signal: AbortSignal,
  look: (cluster: Cluster) => Promise<T>,
): Promise<Looks<T>> {
  const looks = await Promise.all(
    environments.map(async (environment): Promise<Looks<T>> => {
      try {
        await using cluster = await Cluster.connect(project, environment, { signal });
        return { results: [await look(cluster)], failures: [] };
      } catch (error) {
        if (!(error instanceof DeployError) || error.code === "INTERRUPTED") throw error;
        return { results: [], failures: [{ environment, error }] };
      }
    }),
  );
  return { results: looks.flatMap(({ results }) => results), failures: looks.flatMap(({ failures }) => failures) };
}

/** A failure as a finding. */
export const findingOf = ({ environment, error: { message, hint, place } }: Failure): Finding => ({
  id: "cluster",
  severity: "error",
  message,
  hint,
  ...place,
  environment: environment.name,
});

/** Whether none of so many environments could be looked at, and all for lack of the key. */
export const allLocked = (failures: readonly Failure[], environments: number): boolean =>
  environments > 0 && failures.length === environments && failures.every(({ error }) => error.code === "LOCKED");

/** How hosts and certificates are looked at, as the flags say. */
export function certificateOptions(flags: FlagValues, signal: AbortSignal): CertificateOptions {
  const warningDays = days(flags, "warn-days");
  const errorDays = days(flags, "error-days");
  return {
    signal,
    addresses: Object.fromEntries((flags.address ?? []).map(addressIn)),
    ...(warningDays === undefined ? {} : { warningDays }),
    ...(errorDays === undefined ? {} : { errorDays }),
  };
}

function addressIn(text: string): [host: string, address: string] {
  const [, host, address] = /^([^=]+)=([^=]+)$/.exec(text) ?? [];
  if (host === undefined || address === undefined)
    throw usageError("--address: expected HOST=ADDRESS or HOST=ADDRESS:PORT");
  return [host, address];
}

function days(flags: FlagValues, name: "warn-days" | "error-days"): number | undefined {
  const text = flags[name];
  if (text === undefined) return undefined;
  if (!/^\d{1,4}$/.test(text)) throw usageError(`--${name}: expected a whole number of days, at most 9999`);
  return Number(text);
}
