import { readKubeconfig } from "../cluster/environment-kubeconfig.ts";
import { attempt, DeployError } from "../errors.ts";
import type { Check } from "./check.ts";
import type { Finding } from "../findings/finding.ts";
import { findingOfError, NO_KEY } from "./reading.ts";
import { federationOf } from "../verify/federation-members.ts";

/**
 * Reports what would run or be connected to, and is not from holders of the key: kubeconfigs and
 * the addresses of a federation in plaintext, programs of the repository's, files by their names,
 * JSON Schemas that Helm would follow to elsewhere.
 */
export const boundary: Check = async function* boundaryCheck({ project, environments, releases, skip }) {
  const told = (act: () => unknown, environment?: string): Finding[] => {
    const error = attempt(act);
    if (!(error instanceof DeployError)) return [];
    if (error.code === "LOCKED") skip(NO_KEY);
    return OF_BOUNDARY.has(error.code) ? [findingOfError("boundary", error, { environment })] : [];
  };
  for (const environment of environments)
    if (environment.kubeconfig !== null) yield* told(() => readKubeconfig(project, environment), environment.name);
  yield* told(() => federationOf(project));
  for (const chart of new Set(releases.map((release) => release.chart)))
    yield* told(() => project.sources.placeOf(chart, "none"));
};

const OF_BOUNDARY: ReadonlySet<string> = new Set(["UNTRUSTED_SOURCE", "FOREIGN_SCHEMA"]);
