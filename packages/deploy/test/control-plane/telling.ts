import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { runOk } from "@git-vault/testkit";
import type { ControlPlane } from "@git-vault/testkit/control-plane";
import { encryptBlob, parseKeyFile } from "@git-vault/git-crypt";
import { collectReport } from "../../src/checks/index.ts";
import type { DeployError } from "../../src/index.ts";
import { isUnchanged, makePlan, planText } from "../../src/releases/index.ts";
import { verifyEnvironment } from "../../src/verify/index.ts";
import { HELM_4, PASSWORD } from "../cluster-world.ts";
import { denyConfigMaps, deployDenied, REFUSAL } from "./policies.ts";
import { controlPlaneWorld, type ControlPlaneWorld } from "./world.ts";

/** What plans say and deployments tell. */
export function tellingTests(shared: () => ControlPlane): void {
  let at: ControlPlaneWorld;
  let plane: ControlPlane;
  beforeEach(() => void (plane = shared()));
  afterEach(() => at[Symbol.dispose]());

  /** Writes the layer of secrets. */
  const encrypt = (content: string): void => {
    const layer = encryptBlob(parseKeyFile(at.key.bytes), Buffer.from(content));
    at.repository.write("secrets/config/staging.yaml", layer);
  };

  describe.each(HELM_4)("$label", ({ path: helm, missing }) => {
    describe.skipIf(missing)("what is told", () => {
      beforeEach(async () => void (at = await controlPlaneWorld(plane, helm)));

      test("asks for the pin, and with just that deploys the layers of the usual layout", async () => {
        const kubeconfig = readFileSync(join(at.repository.path, "secrets/kubeconfig.yaml"));
        at.repository.write("secrets/staging-kubeconfig.yaml", kubeconfig);
        await at.repository.git("rm", "--quiet", "deploy.yaml");
        await at.repository.commit("no settings");
        const refused = await at.within(makePlan).catch((error: DeployError) => error);
        const [, asked = ""] = /write into deploy\.yaml: (.*)$/.exec((refused as DeployError).hint ?? "") ?? [];
        at.repository.write("deploy.yaml", `${asked}\n`);
        await at.repository.commit("the pin");
        expect((await at.deploy()).error).toBeNull();
        const { body } = await plane.ask("GET", "/api/v1/namespaces/staging/secrets/web");
        expect(Buffer.from(body.data.password, "base64").toString()).toBe(PASSWORD);
        const { findings } = await at.within((project) => collectReport(project));
        expect(findings.filter(({ id }) => id === "layers")).toEqual([]);
      });

      test("says in the plan what the cluster would refuse", async () => {
        expect((await at.deploy()).error).toBeNull();
        at.repository.write("app/templates/all.yaml", at.chart().replaceAll("{app: web}", "{app: other}"));
        await at.repository.commit("another selector");
        const policy = await denyConfigMaps(at);
        const told = planText(await at.within(makePlan));
        await policy.remove();
        expect(told).toMatch(/! Deployment web.*it would be refused: .*field is immutable/);
        expect(told).toMatch(new RegExp(`! ConfigMap web.*it would be refused: .*${REFUSAL}`));
      });

      test("does not say that nothing changes after a failure, nor where all was removed but the record", async () => {
        expect((await at.deploy()).error).toBeNull();
        expect(isUnchanged(await at.within(makePlan))).toBe(true);
        await at.commitValues({ image: "web:2", greeting: "other" });
        const { policy, outcome } = await deployDenied(at, { onFailure: "leave" });
        expect(outcome.error?.message).toContain(REFUSAL);
        await policy.remove();
        expect(await at.history()).toEqual(["1 deployed", "2 failed"]);
        // Helm's record of revision 2 says just what is committed.
        expect(isUnchanged(await at.within(makePlan))).toBe(false);
        expect((await at.deploy()).error).toBeNull();
        expect(await at.running()).toEqual({ image: "web:2", available: 1 });

        const kubeconfig = join(at.repository.folder, "foreign.kubeconfig");
        writeFileSync(kubeconfig, plane.kubeconfig());
        const uninstall = ["uninstall", "app", "--namespace", at.namespace, "--keep-history"];
        await runOk(helm, uninstall, { env: { ...at.env, KUBECONFIG: kubeconfig } });
        const gone = await at.within(makePlan);
        expect(isUnchanged(gone)).toBe(false);
        expect(planText(gone)).toContain("+ Deployment web");
        expect((await at.deploy()).error).toBeNull();
        expect(await at.running()).toEqual({ image: "web:2", available: 1 });
      });

      test("says each event once, and those of the object itself alone", async () => {
        const name = "web-admin";
        await plane.make("/api/v1/namespaces", { metadata: { name: at.namespace } });
        await plane.make(`/api/v1/namespaces/${at.namespace}/resourcequotas`, {
          metadata: { name: "none" },
          spec: { hard: { pods: "0" } },
        });
        const labels = { app: name };
        const template = { metadata: { labels }, spec: { containers: [{ name, image: "admin:1" }] } };
        const other = { metadata: { name }, spec: { selector: { matchLabels: labels }, template } };
        await plane.make(`/apis/apps/v1/namespaces/${at.namespace}/deployments`, other);
        const { events } = await at.deploy({ timeout: 8 });
        const reasons = events.flatMap((event) => (event.event === "unready" ? event.reasons : []));
        expect(reasons).toEqual([
          expect.stringMatching(
            /^event on ReplicaSet web-\w+: FailedCreate: .*exceeded quota: none, .*limited: pods=0(?: \(\d+ times\))?$/,
          ),
        ]);
      });

      test("waits for nothing that is left out, and finds no fault with it", async () => {
        await at.commitTemplate("templates/front.yaml", FRONT);
        at.settings({ doNotWaitFor: ["Service/fr*"] });
        await at.repository.commit("no load balancer here");
        const { error, events } = await at.deploy({ timeout: 5 });
        expect(error).toBeNull();
        expect(events.find(({ event }) => event === "ready")).toMatchObject({ workloads: 1, leftOut: 1 });
        const { findings } = await at.within((_, cluster) => verifyEnvironment(cluster));
        expect(findings.filter(({ id }) => id === "workloads")).toEqual([]);
        at.settings({ doNotWaitFor: ["Service/b*"] });
        await at.repository.commit("another one");
        expect((await at.deploy({ timeout: 3, onFailure: "leave" })).error).toMatchObject({ code: "ROLLOUT_FAILED" });
      });

      test("hides no word of plain layers that is also a value of an encrypted one", async () => {
        encrypt(`password: ${PASSWORD}\nkind: ConfigMap\nword: greeting\n`);
        await at.commitTemplate("templates/plain.yaml", GREETING);
        expect((await at.deploy()).error).toBeNull();
        at.repository.write("app/templates/plain.yaml", "");
        await at.repository.commit("no greeting");
        const told = planText(await at.within(makePlan));
        expect(told).toContain("- ConfigMap greeting-map");
        expect(told).toContain("-  greeting: plain");
        await plane.ask("DELETE", `/api/v1/namespaces/${at.namespace}/configmaps/greeting-map`);
        await at.repository.git("revert", "--no-edit", "HEAD");
        const gone = await at.within(makePlan);
        expect(isUnchanged(gone)).toBe(false);
        expect(planText(gone)).toContain(`! ConfigMap ${at.namespace}/greeting-map: it is gone`);
        at.repository.write(
          "app/templates/plain.yaml",
          'greeting: {{ required "a greeting is required" .Values.none }}\n',
        );
        await at.repository.commit("fails");
        const failed = await at.within(makePlan).catch((error: DeployError) => error);
        expect((failed as DeployError).message).toContain("a greeting is required");
      });
    });
  });
}

const FRONT = `apiVersion: v1
kind: Service
metadata: {name: front}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80}]}
`;

const GREETING = `apiVersion: v1
kind: ConfigMap
metadata: {name: greeting-map}
data: {greeting: plain}
`;
