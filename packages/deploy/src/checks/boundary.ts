import { committedKubeconfig } from "../cluster/environment-kubeconfig.ts";
import type { Kubeconfig } from "../cluster/kubeconfig.ts";
import { attempt, DeployError } from "../errors.ts";
import type { Environment } from "../project/environment.ts";
import type { Project } from "../project/project.ts";
import type { Check } from "./check.ts";
import type { Finding } from "../findings/finding.ts";
import { findingOfError, found, skipLocked } from "./reading.ts";
import { federationOf } from "../verify/federation-members.ts";

/**
 * Reports what would run or be connected to, and is not from holders of the key: kubeconfigs and
 * the addresses of a federation in plaintext, programs of the repository's, files by their names,
 * JSON Schemas that Helm would follow to elsewhere. It warns of a commit that a kubeconfig refuses.
 */
export const boundary: Check = async function* boundaryCheck(context) {
  const { project, environments, releases } = context;
  const told = (error: unknown, environment?: string): Finding[] => {
    if (!(error instanceof DeployError)) return [];
    const file = error.code === "LOCKED" ? project.file(error.place?.file ?? "") : undefined;
    if (file !== undefined) skipLocked(context, file);
    return OF_BOUNDARY.has(error.code) ? [findingOfError("boundary", error, { environment })] : [];
  };
  for (const environment of environments) {
    if (environment.kubeconfig === null) continue;
    const kubeconfig = attempt(() => committedKubeconfig(project, environment));
    yield* told(kubeconfig, environment.name);
    if (!(kubeconfig instanceof DeployError)) yield* await refusalsOf(project, environment, kubeconfig);
  }
  yield* told(attempt(() => federationOf(project)));
  for (const chart of new Set(releases.map((release) => release.chart)))
    yield* told(attempt(() => project.sources.placeOf(chart, "none")));
};

const OF_BOUNDARY: ReadonlySet<string> = new Set(["UNTRUSTED_SOURCE", "FOREIGN_SCHEMA"]);

/** A commit that was not merged or signed yet is not wrong; it cannot be deployed yet. */
async function refusalsOf(project: Project, environment: Environment, { demands }: Kubeconfig): Promise<Finding[]> {
  try {
    await project.assertDemanded(demands);
    return [];
  } catch (error) {
    if (!(error instanceof DeployError)) throw error;
    const place = { file: environment.kubeconfig ?? undefined, environment: environment.name };
    return [found("boundary", "warning", error.message, { ...place, hint: error.hint })];
  }
}
