import { apply } from "../releases/apply.ts";
import type { CertificateOptions } from "../verify/certs.ts";
import { Cluster } from "../cluster/cluster.ts";
import type { Environment } from "../project/environment.ts";
import { DeployError } from "../errors.ts";
import type { Finding } from "../findings/finding.ts";
import type { DeployEvent } from "../releases/events.ts";
import type { ApplyOptions } from "../releases/deployment.ts";
import { makePlan, type Plan } from "../releases/plan.ts";
import type { Project } from "../project/project.ts";
import type { RolloutSteps } from "./rollout.ts";
import { verifyEnvironment } from "../verify/verify.ts";

/** How the environments of a rollout are deployed to. */
export interface DeploymentOptions {
  readonly apply?: Omit<ApplyOptions, "signal">;
  readonly verify?: Omit<CertificateOptions, "signal">;
  /** Is told what happens while an environment is deployed to. */
  readonly onEvent?: (environment: Environment, event: DeployEvent) => void;
  /** Is told all that verifying finds, also where nothing of it is an error. */
  readonly onFindings?: (environment: Environment, findings: readonly Finding[]) => void;
}

/**
 * The steps of a rollout with Helm: an environment is planned, the plan is applied, and what then
 * runs is verified: a finding that is an error fails it, as VERIFICATION_FAILED.
 */
export function deploymentSteps(
  project: Project,
  { apply: applying = {}, verify: verifying = {}, onEvent, onFindings }: DeploymentOptions = {},
): RolloutSteps<Environment, Plan> {
  return {
    async plan(environment, signal) {
      await using cluster = await Cluster.connect(project, environment, { signal });
      return await makePlan(project, cluster, { signal });
    },
    async apply(environment, plan, signal) {
      await using cluster = await Cluster.connectToChange(project, environment, { signal });
      for await (const event of apply(project, cluster, plan, { ...applying, signal })) onEvent?.(environment, event);
    },
    async verify(environment, signal) {
      await using cluster = await Cluster.connect(project, environment, { signal });
      const { findings } = await verifyEnvironment(cluster, { ...verifying, signal });
      onFindings?.(environment, findings);
      const errors = findings.filter(({ severity }) => severity === "error");
      const [first] = errors;
      if (first === undefined) return;
      const more = errors.length === 1 ? "" : ` (and ${errors.length - 1} more)`;
      throw new DeployError("VERIFICATION_FAILED", `${environment.name} is not well: ${first.message}${more}`, {
        remedy: "verify",
        subject: environment.name,
      });
    },
  };
}
