import { type KubernetesStandIn, startKubernetes } from "@git-vault/testkit/kubernetes";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { deploymentSteps, rollout, type RolloutOutcome } from "../src/rollout/index.ts";
import { clusterWorld, type ClusterWorld, HELMS, HELM_3, PASSWORD, TOKEN } from "./cluster-world.ts";

const NAMES = ["gke", "ovh", "gesis"];
let world: ClusterWorld;
let clusters: KubernetesStandIn[];

beforeEach(async () => {
  world = await clusterWorld();
  clusters = await Promise.all(NAMES.map(() => startKubernetes()));
  const environment = (name: string, tier: string, { identity }: KubernetesStandIn): object => ({
    tier,
    kubeconfig: `secrets/${name}-kubeconfig.yaml`,
    layers: ["config/staging.yaml", "secrets/config/staging.yaml"],
    cluster: { uid: identity },
  });
  const prod = clusters.map((cluster, at) => {
    const name = NAMES[at] ?? "";
    cluster.tokens.set(TOKEN, { username: "deployer" });
    world.encrypt(`secrets/${name}-kubeconfig.yaml`, cluster.kubeconfig({ token: TOKEN }));
    return [name, environment(name, "prod", cluster)] as const;
  });
  const staging = environment("staging", "staging", world.kubernetes);
  world.settings(undefined, {}, { environments: { staging, ...Object.fromEntries(prod) } });
  await world.repository.commit("a federation");
});
afterEach(async () => {
  await Promise.all(clusters.map((cluster) => cluster.close()));
  await world[Symbol.asyncDispose]();
});

async function rollOut(): Promise<{ outcomes: readonly RolloutOutcome[]; steps: string[] }> {
  await using project = await world.open();
  const steps: string[] = [];
  let outcomes: readonly RolloutOutcome[] = [];
  for await (const event of rollout(project.environments, deploymentSteps(project, { apply: { timeout: 60 } }))) {
    if (event.type === "step") steps.push(`${event.environment} ${event.step}`);
    if (event.type === "end") outcomes = event.outcomes;
  }
  return { outcomes, steps };
}

describe.each(HELM_3)("a rollout with $label", ({ path, missing }) => {
  test.skipIf(missing)(
    "goes to staging and then to three clusters in parallel, where one fails and the others are done",
    async () => {
      world.env["HELM"] = path;
      clusters[1]?.faults.push({
        // Helm 3 creates what is new, Helm 4 applies it, and rehearses so, too.
        on: /\/deployments(?:\/web)?$/,
        ...(path === HELMS[0]?.path ? { method: "POST" } : { method: "PATCH" }),
        fault: "status",
        code: 403,
        message: `no ${PASSWORD}`,
      });
      const { outcomes, steps } = await rollOut();
      expect(outcomes.map(({ environment, state }) => `${environment} ${state}`)).toEqual([
        "staging done",
        "gke done",
        "ovh failed",
        "gesis done",
      ]);
      expect(steps.slice(0, 3)).toEqual(["staging plan", "staging apply", "staging verify"]);
      expect(steps).not.toContain("ovh verify");
      const [failed] = outcomes.flatMap((outcome) => (outcome.state === "failed" ? [outcome] : []));
      expect(failed).toMatchObject({ environment: "ovh", error: { code: "TOOL_FAILED" } });
      expect(String(failed?.error)).not.toContain(PASSWORD);
      const deployed = clusters.map((cluster) => cluster.list("apps/v1", "Deployment").length);
      expect(deployed).toEqual([1, 0, 1]);
    },
  );
});
