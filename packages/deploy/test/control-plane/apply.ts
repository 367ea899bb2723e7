import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { peer } from "@git-vault/testkit";
import type { ControlPlane } from "@git-vault/testkit/control-plane";
import { driftIn, makePlan } from "../../src/releases/index.ts";
import type { DeployError } from "../../src/index.ts";
import { verifyEnvironment } from "../../src/verify/index.ts";
import { names } from "../apply-world.ts";
import { HELM_4, HELMS } from "../cluster-world.ts";
import { denyConfigMaps, deployDenied, REFUSAL } from "./policies.ts";
import { controlPlaneWorld, type ControlPlaneWorld } from "./world.ts";

const HELM3 = peer("helm3");

/** What a deployment tells and leaves. */
export function applyTests(shared: () => ControlPlane): void {
  let at: ControlPlaneWorld;
  let plane: ControlPlane;
  beforeEach(() => void (plane = shared()));
  afterEach(() => at[Symbol.dispose]());

  describe.each(HELMS)("$label", ({ path: helm, missing }) => {
    describe.skipIf(missing)("a deployment", () => {
      beforeEach(async () => void (at = await controlPlaneWorld(plane, helm)));

      test("is made, changed, taken back where it was changed by hand, and undone where it is not ready", async () => {
        expect((await at.deploy()).error).toBeNull();
        // Nothing changes: no revision is made.
        const same = await at.deploy();
        expect(names(same)).toEqual(["begin", "unchanged", "ready", "end"]);
        expect(await at.history()).toEqual(["1 deployed"]);
        const path = `/apis/apps/v1/namespaces/${at.namespace}/deployments/web`;
        await plane.ask("PATCH", `${path}?fieldManager=by-hand`, { spec: { replicas: 3 } });
        const message = `Deployment ${at.namespace}/web: .spec.replicas (3) was set by by-hand: taken back`;
        const drift = { id: "drift", severity: "error", environment: "staging", message };
        expect(driftIn(await at.within(makePlan))).toEqual([drift]);
        await at.commitImage("web:2");
        expect((await at.deploy()).error).toBeNull();
        expect(await at.running()).toEqual({ image: "web:2", available: 1 });
        await plane.ask("PATCH", `${path}?fieldManager=by-hand`, { spec: { replicas: 3 } });
        expect((await at.rollBack()).error).toBeNull();
        expect(await at.running()).toEqual({ image: "web:1", available: 1 });
        await at.commitImage("web:crashes");
        // What is changed by hand over the wait is taken back by the undo, too.
        const failed = await at.deploy({ timeout: 5 }, ({ event }) => {
          if (event === "upgraded") void plane.ask("PATCH", `${path}?fieldManager=by-hand`, { spec: { replicas: 3 } });
        });
        expect(failed.error?.message).toContain("CrashLoopBackOff");
        expect(names(failed).slice(-4)).toEqual(["rolling-back", "ready", "rolled-back", "failed"]);
        expect(await at.running()).toEqual({ image: "web:1", available: 1 });
        expect((await at.get("apps/v1/deployments/web")).spec.replicas).toBe(1);
        expect((await at.history()).slice(-2)).toEqual(["4 superseded", "5 deployed"]);
      });
    });
  });

  test.skipIf(HELM3.missing)("a policy stops nothing that does not change what it denies, with Helm 3", async () => {
    at = await controlPlaneWorld(plane, HELM3.path);
    expect((await at.deploy()).error).toBeNull();
    const policy = await denyConfigMaps(at);
    await at.commitImage("web:2");
    const { error } = await at.deploy();
    await policy.remove();
    expect(error).toBeNull();
    expect(await at.running()).toEqual({ image: "web:2", available: 1 });
  });

  describe.each(HELM_4)("$label", ({ path: helm, missing }) => {
    describe.skipIf(missing)("what is not well", () => {
      beforeEach(async () => void (at = await controlPlaneWorld(plane, helm)));

      test("never goes back to what failed, whatever Helm calls it", async () => {
        expect((await at.deploy()).error).toBeNull();
        await at.commitImage("web:2-crashes");
        at.repository.write("app/values.yaml", "image: web:1\nreplicas: 1\npassword: none\ngreeting: others\n");
        await at.repository.commit("another greeting");
        // Neither the upgrade nor its undo is let through, by a policy that comes after the plan.
        const { policy, outcome } = await deployDenied(at, { timeout: 5 });
        expect(outcome.error?.message).toContain(REFUSAL);
        await policy.remove();
        await at.commitImage("web:3-crashes");
        expect((await at.deploy({ timeout: 5 })).error).toMatchObject({ code: "ROLLOUT_FAILED" });
        expect(await at.running()).toEqual({ image: "web:1", available: 1 });
      });

      test("stops before anything changes if admission denies what the plan changes", async () => {
        expect((await at.deploy()).error).toBeNull();
        await at.commitValues({ image: "web:2", greeting: "others" });
        const policy = await denyConfigMaps(at);
        const { error, events } = await at.deploy();
        expect(error).toMatchObject({ code: "FORBIDDEN", hint: expect.stringMatching(/^nothing was changed/) });
        expect(error?.message).toMatch(/ConfigMap .*: it would be refused: .*nothing is changed now/);
        expect(events.map(({ event }) => event)).not.toContain("upgrading");
        expect(await at.history()).toEqual(["1 deployed"]);
        await policy.remove();
        expect((await at.deploy()).error).toBeNull();
      });

      test("leaves what fails where nothing before it was ever ready, and says so", async () => {
        await at.commitImage("web:1-crashes");
        expect((await at.deploy({ timeout: 3, onFailure: "leave" })).error).toMatchObject({ code: "ROLLOUT_FAILED" });
        await at.commitImage("web:2-crashes");
        const { error, events } = await at.deploy({ timeout: 3 });
        expect(error).toMatchObject({ code: "ROLLOUT_FAILED" });
        expect(events.flatMap((event) => (event.event === "warning" ? [event.message] : []))).toEqual([
          "no earlier revision of the release app is known to have been ready: it is left as revision 2",
        ]);
        expect(await at.running()).toEqual({ image: "web:2-crashes", available: 0 });
        const refused = await at.rollBack().catch((reason: DeployError) => ({ error: reason }));
        expect(refused.error).toMatchObject({ code: "NO_REVISION" });
        await at.commitImage("web:3");
        expect((await at.deploy()).error).toBeNull();
        expect(await at.running()).toEqual({ image: "web:3", available: 1 });
      });

      test("waits for claims, load balancers, single pods and sets, and says what they lack", async () => {
        await at.commitTemplate("templates/others.yaml", OTHERS);
        const failed = await at.deploy({ timeout: 5, onFailure: "leave" });
        expect(failed.error).toMatchObject({ code: "ROLLOUT_FAILED" });
        const told = failed.events.flatMap((event) =>
          event.event === "unready" ? [`${event.workload.kind}: ${event.message}`] : [],
        );
        expect(told.toSorted()).toEqual([
          "PersistentVolumeClaim: it is not bound to a volume",
          "Pod: it is not ready",
          "ReplicaSet: 0 of 1 pods are available",
          "Service: no load balancer has given it an address",
        ]);
        const { findings } = await at.within((_, cluster) => verifyEnvironment(cluster));
        expect(findings.filter(({ id }) => id === "workloads")).toHaveLength(4);
        // Nor is it gone back to as if it had been ready.
        const refused = await at.rollBack().catch((reason: DeployError) => ({ error: reason }));
        expect(refused.error).toMatchObject({ code: "NO_REVISION" });
      });

      test("goes back though what it needs is still being removed", async () => {
        await at.commitTemplate("templates/held.yaml", HELD);
        expect((await at.deploy()).error).toBeNull();
        at.repository.write("app/templates/held.yaml", "");
        await at.commitImage("web:crashes");
        const path = `/api/v1/namespaces/${at.namespace}/configmaps/held`;
        const failed = await at.deploy({ timeout: 10 }, ({ event }) => {
          // The one who held it lets it go while it is waited for.
          if (event === "rolling-back")
            setTimeout(() => void plane.ask("PATCH", path, { metadata: { finalizers: [] } }), 2000);
        });
        expect(failed.error).toMatchObject({ code: "ROLLOUT_FAILED" });
        expect(names(failed)).toContain("rolled-back");
        expect((await at.get("v1/configmaps/held")).metadata.deletionTimestamp).toBeUndefined();
      });

      test("goes back though the API server holds what it is asked for 14 seconds", async () => {
        await expectBackThrough(at, () => {
          plane.apiServer.pause();
          setTimeout(() => plane.apiServer.resume(), 14_000);
        });
      });

      test("installs a chart the first time that brings its own kinds", async () => {
        const group = `${at.namespace}.example.org`;
        at.repository.write("app/crds/things.yaml", definition(group));
        await at.commitTemplate(
          "templates/thing.yaml",
          `apiVersion: ${group}/v1\nkind: Thing\nmetadata: {name: one}\n`,
        );
        expect((await at.deploy()).error).toBeNull();
        expect(await at.get(`${group}/v1/things/one`)).toMatchObject({ kind: "Thing" });
      });
    });
  });
}

/** Deploys what crashes, and expects that it goes back over an outage of the API server. */
async function expectBackThrough(at: ControlPlaneWorld, outage: () => void): Promise<void> {
  expect((await at.deploy()).error).toBeNull();
  await at.commitImage("web:crashes");
  const failed = await at.deploy({ timeout: 5 }, ({ event }) => {
    if (event === "rolling-back") outage();
  });
  await at.plane.ready();
  expect(failed.error).toMatchObject({ code: "ROLLOUT_FAILED" });
  expect(await at.running()).toEqual({ image: "web:1", available: 1 });
  const leases = await at.plane.ask("GET", "/apis/coordination.k8s.io/v1/namespaces/default/leases");
  expect(leases.body.items).toEqual([]);
}

/**
 * A killed API server. Kubernetes controllers ask again ever more seldom then, up to once a minute:
 * so this comes last.
 */
export function outageTests(shared: () => ControlPlane): void {
  describe.each(HELM_4)("$label", ({ path: helm, missing }) => {
    test.skipIf(missing)("a deployment goes back though the API server is not there for 14 seconds", async () => {
      using at = await controlPlaneWorld(shared(), helm);
      await expectBackThrough(at, () => {
        const stopped = at.plane.apiServer.stop("SIGKILL");
        setTimeout(() => void stopped.then(() => at.plane.apiServer.start()), 14_000);
      });
    });
  });
}

const OTHERS = `apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: Service
metadata: {name: front}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Pod
metadata: {name: single}
spec: {containers: [{name: main, image: "single:missing"}]}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: set}
spec:
  selector: {matchLabels: {app: set}}
  template: {metadata: {labels: {app: set}}, spec: {containers: [{name: main, image: "set:unready"}]}}
`;

const HELD = `apiVersion: v1
kind: ConfigMap
metadata: {name: held, finalizers: ["example.org/held"]}
`;

const definition = (group: string): string => `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.${group}}
spec:
  group: ${group}
  scope: Namespaced
  names: {plural: things, singular: thing, kind: Thing}
  versions:
    - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}
`;
