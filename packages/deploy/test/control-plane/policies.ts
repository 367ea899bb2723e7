import { apply, type ApplyOptions, makePlan } from "../../src/releases/index.ts";
import { type Outcome, outcomeOf } from "../apply-world.ts";
import type { ControlPlaneWorld } from "./world.ts";

const ADMISSION = "/apis/admissionregistration.k8s.io/v1";

/** What is told of what the policy refuses. */
export const REFUSAL = "nothing is changed now";

/** Lets an admission policy refuse changes of ConfigMaps in the namespace until it is removed. */
export async function denyConfigMaps(at: ControlPlaneWorld): Promise<{ readonly remove: () => Promise<void> }> {
  const { plane, namespace } = at;
  const name = `no-maps-${namespace}`;
  await plane.make(`${ADMISSION}/validatingadmissionpolicies`, {
    metadata: { name },
    spec: {
      failurePolicy: "Fail",
      matchConstraints: {
        resourceRules: [
          { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE", "UPDATE"], resources: ["configmaps"] },
        ],
      },
      matchConditions: [{ name: "there", expression: `object.metadata.namespace == '${namespace}'` }],
      validations: [{ expression: "false", message: REFUSAL }],
    },
  });
  await plane.make(`${ADMISSION}/validatingadmissionpolicybindings`, {
    metadata: { name },
    spec: { policyName: name, validationActions: ["Deny"] },
  });
  await untilRefused(at, true);
  return {
    remove: async () => {
      await plane.ask("DELETE", `${ADMISSION}/validatingadmissionpolicybindings/${name}`);
      await plane.ask("DELETE", `${ADMISSION}/validatingadmissionpolicies/${name}`);
      await untilRefused(at, false);
    },
  };
}

/** Deploys what is committed, by a plan that was made before the policy was there. */
export function deployDenied(
  at: ControlPlaneWorld,
  options: ApplyOptions,
): Promise<{ readonly outcome: Outcome; readonly policy: { readonly remove: () => Promise<void> } }> {
  return at.within(async (project, cluster) => {
    const plan = await makePlan(project, cluster);
    const policy = await denyConfigMaps(at);
    return { outcome: await outcomeOf(apply(project, cluster, plan, { timeout: 60, ...options })), policy };
  });
}

/** Policies count after a moment. */
async function untilRefused({ plane, namespace }: ControlPlaneWorld, isRefused: boolean): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/configmaps?dryRun=All`;
  for (;;) {
    const { status } = await plane.ask("POST", path, { metadata: { name: "probe", namespace } });
    if (status >= 400 === isRefused) return;
  }
}
