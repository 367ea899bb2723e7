import { mintCertificate } from "@git-vault/testkit/network";
import type { ControlPlane } from "@git-vault/testkit/control-plane";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { inspectNodes } from "../../src/nodes/index.ts";
import { driftIn, makePlan } from "../../src/releases/index.ts";
import { inspectCredential, verifyEnvironment } from "../../src/verify/index.ts";
import type { DeployError } from "../../src/index.ts";
import type { Finding } from "../../src/findings/index.ts";
import { HELM_4 } from "../cluster-world.ts";
import { controlPlaneWorld, type ControlPlaneWorld } from "./world.ts";

/*
 * What went wrong in deployments like this one, as far as it is the cluster that shows it. What
 * checks of a commit would have told is in ../incidents.test.ts.
 */

const told = (findings: readonly Finding[]): string[] => findings.map(({ id, message }) => `${id}: ${message}`);

/** Incidents that a real cluster has. */
export function incidentTests(shared: () => ControlPlane): void {
  let at: ControlPlaneWorld;
  let plane: ControlPlane;
  beforeEach(() => void (plane = shared()));
  afterEach(() => at[Symbol.dispose]());

  describe.each(HELM_4)("$label", ({ path: helm, missing }) => {
    beforeEach(async () => void (at = await controlPlaneWorld(plane, helm)));

    test.skipIf(missing)("are found where they show in the cluster", async () => {
      expect((await at.deploy()).error).toBeNull();

      // A pipeline is red for days, and nobody sees it; a new key gives images another name.
      await at.commitImage("other-registry/web:1");
      const plan = await at.within(makePlan);
      expect(plan.releases[0]?.changes.map(({ diff }) => diff).join("\n")).toMatch(
        /^\+.*image: other-registry\/web:1$/m,
      );
      expect(told(driftIn(plan))).toEqual([
        "not-deployed: the release app is not what the commit says: Deployment web differs",
      ]);

      // A quota is full, and pods are refused.
      const quotas = `/api/v1/namespaces/${at.namespace}/resourcequotas`;
      await plane.make(quotas, { metadata: { name: "pods" }, spec: { hard: { pods: "1" } } });
      await plane.ask("PATCH", `/apis/apps/v1/namespaces/${at.namespace}/deployments/web`, { spec: { replicas: 2 } });
      let found: string[] = [];
      // The quota is counted after a moment.
      while (!found.some((one) => /refuses pods/.test(one)))
        found = told((await at.within((_, cluster) => verifyEnvironment(cluster))).findings);
      expect(found).toContainEqual(
        expect.stringMatching(/^quota-full: the quota pods is full: pods 1 of 1, and refuses pods/),
      );
      await plane.ask("DELETE", `${quotas}/pods`);

      // Every node of a pool is cordoned.
      at.settings({ nodePools: { core: { labels: { "kubernetes.io/hostname": "one" } } } });
      await at.repository.commit("a pool");
      await plane.ask("PATCH", "/api/v1/nodes/one", { spec: { unschedulable: true } });
      const nodes = await at.within((_, cluster) => inspectNodes(cluster));
      await plane.ask("PATCH", "/api/v1/nodes/one", { spec: { unschedulable: null } });
      expect(told(nodes.findings)).toContain("pool-closed: no node of the pool core takes pods: 1 of 1 are cordoned");

      // The client certificate of the kubeconfig expired.
      const { chain, key } = await mintCertificate({ issuer: plane.authority, commonName: "deployer", days: -1 });
      await at.signIn({ certificate: chain, key });
      const refused = await at.within(makePlan).catch((error: DeployError) => error);
      expect(refused).toMatchObject({ code: "UNAUTHORIZED", hint: expect.stringContaining("may have expired") });
      await using project = await at.open();
      const credential = inspectCredential(project, project.environment("staging"));
      expect(told(credential?.findings ?? [])).toEqual([expect.stringMatching(/client certificate (?:expired|ended)/)]);
    });
  });
}
