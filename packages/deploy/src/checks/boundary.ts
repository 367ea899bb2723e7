import { readKubeconfig } from "../cluster/environment-kubeconfig.ts";
import { attempt, DeployError, orElse } from "../errors.ts";
import type { Environment } from "../project/environment.ts";
import type { Project } from "../project/project.ts";
import type { Check } from "./check.ts";
import type { Finding } from "../findings/finding.ts";
import { findingOfError, found, NO_KEY } from "./reading.ts";
import { federationOf } from "../verify/federation-members.ts";

/**
 * Reports what would run or be connected to, and is not from holders of the key: kubeconfigs and
 * the addresses of a federation in plaintext, programs of the repository's, files by their names,
 * JSON Schemas that Helm would follow to elsewhere. It warns of a commit that a kubeconfig refuses.
 */
export const boundary: Check = async function* boundaryCheck({ project, environments, releases, skip }) {
  const told = (act: () => unknown, environment?: string): Finding[] => {
    const error = attempt(act);
    if (!(error instanceof DeployError)) return [];
    if (error.code === "LOCKED") skip(NO_KEY);
    return OF_BOUNDARY.has(error.code) ? [findingOfError("boundary", error, { environment })] : [];
  };
  for (const environment of environments) {
    if (environment.kubeconfig === null) continue;
    yield* told(() => readKubeconfig(project, environment), environment.name);
    yield* await refusalsOf(project, environment);
  }
  yield* told(() => federationOf(project));
  for (const chart of new Set(releases.map((release) => release.chart)))
    yield* told(() => project.sources.placeOf(chart, "none"));
};

const OF_BOUNDARY: ReadonlySet<string> = new Set(["UNTRUSTED_SOURCE", "FOREIGN_SCHEMA"]);

/** A commit that was not merged or signed yet is not wrong; it cannot be deployed yet. */
async function refusalsOf(project: Project, environment: Environment): Promise<Finding[]> {
  const kubeconfig = orElse(null, () => readKubeconfig(project, environment));
  if (kubeconfig === null) return [];
  try {
    await project.assertDemanded(kubeconfig.demands);
    return [];
  } catch (error) {
    if (!(error instanceof DeployError)) throw error;
    const place = { file: environment.kubeconfig ?? undefined, environment: environment.name };
    return [found("boundary", "warning", error.message, { ...place, hint: error.hint })];
  }
}
