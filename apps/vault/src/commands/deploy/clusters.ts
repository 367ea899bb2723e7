import type { CertificateOptions } from "@git-vault/deploy/verify";
import { Cluster, DeployError, type Environment, type Project } from "@git-vault/deploy";
import type { Finding } from "@git-vault/deploy/findings";
import { usageError } from "../../errors.ts";
import { describe } from "../../cli/report-error.ts";

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
export async function forEachCluster<T>(
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
export const findingOfFailure = ({ environment, error }: Failure): Finding => ({
  id: "cluster",
  severity: "error",
  message: error.message,
  hint: describe(error).hint,
  ...error.place,
  environment: environment.name,
});

/** Whether none of so many environments could be looked at, and all for lack of the key. */
export const allLocked = (failures: readonly Failure[], environments: number): boolean =>
  environments > 0 && failures.length === environments && failures.every(({ error }) => error.code === "LOCKED");

/** What --address, --warn-days and --error-days say. */
interface LookOptions {
  readonly address: readonly string[];
  readonly warnDays?: number | undefined;
  readonly errorDays?: number | undefined;
}

/**
 * How hosts and certificates are looked at.
 *
 * @throws CliError `USAGE` for an address that is none
 */
export const certificateOptions = (
  { address, warnDays, errorDays }: LookOptions,
  signal: AbortSignal,
): CertificateOptions => ({
  signal,
  addresses: Object.fromEntries(address.map(addressIn)),
  warningDays: warnDays,
  errorDays,
});

function addressIn(text: string): [host: string, address: string] {
  const [, host, address] = /^([^=]+)=([^=]+)$/.exec(text) ?? [];
  if (host === undefined || address === undefined)
    throw usageError("--address: expected HOST=ADDRESS or HOST=ADDRESS:PORT");
  return [host, address];
}
