import { readKubeconfig } from "../cluster/environment-kubeconfig.ts";
import { attempt, DeployError } from "../errors.ts";
import type { Check } from "./check.ts";
import type { Finding } from "../findings/finding.ts";
import { findingOfError, NO_KEY } from "./reading.ts";
import { federationOf } from "../verify/federation-members.ts";

/**
 * Reports what would run or be connected to, and is not from holders of the key: kubeconfigs and
 * the addresses of a federation in plaintext, programs of the repository's, files by their names.
 */
export const boundary: Check = async function* boundaryCheck({ project, environments, skip }) {
  const told = (act: () => unknown, environment?: string): Finding[] => {
    const error = attempt(act);
    if (!(error instanceof DeployError)) return [];
    if (error.code === "LOCKED") skip(NO_KEY);
    return error.code === "UNTRUSTED_SOURCE" ? [findingOfError("boundary", error, { environment })] : [];
  };
  for (const environment of environments)
    if (environment.kubeconfig !== null) yield* told(() => readKubeconfig(project, environment), environment.name);
  yield* told(() => federationOf(project));
};
