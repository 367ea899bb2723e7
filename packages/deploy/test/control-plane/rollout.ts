import { type ControlPlane, startControlPlane } from "@git-vault/testkit/control-plane";
import { cases } from "@git-vault/testkit";
import { encryptBlob, parseKeyFile } from "@git-vault/git-crypt";
import { expect, test } from "vitest";
import { deploymentSteps, rollout, type RolloutOutcome } from "../../src/rollout/index.ts";
import { HELMS } from "../cluster-world.ts";
import { controlPlaneWorld } from "./world.ts";

/**
 * Three clusters: staging, then two of prod in parallel, of which one fails. Where the long tests
 * are not asked for, they are three namespaces of one.
 */
export function rolloutTests(shared: () => ControlPlane): void {
  const [, helm4] = HELMS;
  test.skipIf(helm4?.missing)("goes from staging to two of prod at once, where one fails alone", async () => {
    const started = await Promise.all(Array.from({ length: cases(0, 2) }, startControlPlane));
    const [gke, ovh] = [started[0] ?? shared(), started[1] ?? shared()];
    try {
      using at = await controlPlaneWorld(shared(), helm4?.path ?? "");
      const planes = { staging: shared(), gke, ovh };
      const environments = Object.entries(planes).map(([name, plane]) => {
        const kubeconfig = encryptBlob(parseKeyFile(at.key.bytes), Buffer.from(plane.kubeconfig()));
        at.repository.write(`secrets/${name}-kubeconfig.yaml`, kubeconfig);
        // In one of them, what is deployed never becomes ready.
        at.repository.write(`config/${name}.yaml`, `replicas: 1\nimage: web:${name === "ovh" ? "missing" : "1"}\n`);
        return [
          name,
          {
            tier: name === "staging" ? "staging" : "prod",
            namespace: `${at.namespace}-${name}`,
            kubeconfig: `secrets/${name}-kubeconfig.yaml`,
            layers: [`config/${name}.yaml`, "secrets/config/staging.yaml"],
            cluster: { uid: plane.identity },
          },
        ] as const;
      });
      const settings = { chart: "app", environments: Object.fromEntries(environments) };
      at.repository.write("deploy.yaml", JSON.stringify(settings));
      await at.repository.commit("three clusters");
      await using project = await at.open();
      const steps: string[] = [];
      let outcomes: readonly RolloutOutcome[] = [];
      const run = rollout(project.environments, deploymentSteps(project, { apply: { timeout: 10 } }));
      for await (const event of run) {
        if (event.type === "step") steps.push(`${event.environment} ${event.step}`);
        if (event.type === "end") outcomes = event.outcomes;
      }
      expect(outcomes.map(({ environment, state }) => `${environment} ${state}`)).toEqual([
        "staging done",
        "gke done",
        "ovh failed",
      ]);
      expect(outcomes[2]).toMatchObject({ step: "apply", error: { code: "ROLLOUT_FAILED" } });
      // Both of prod had begun before either was done.
      expect(steps.slice(0, 5)).toEqual(["staging plan", "staging apply", "staging verify", "gke plan", "ovh plan"]);
      const running = await Promise.all(
        Object.entries(planes).map(async ([name, plane]) => {
          const path = `/apis/apps/v1/namespaces/${at.namespace}-${name}/deployments/web`;
          return (await plane.ask("GET", path)).status;
        }),
      );
      // What failed was the first install, and is removed.
      expect(running).toEqual([200, 200, 404]);
    } finally {
      for (const plane of started) plane[Symbol.dispose]();
    }
  });
}
