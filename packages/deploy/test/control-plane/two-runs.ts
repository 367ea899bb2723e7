import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ControlPlane } from "@git-vault/testkit/control-plane";
import { names, type Outcome } from "../apply-world.ts";
import { HELMS } from "../cluster-world.ts";
import { deployments, helmsOf, kill } from "./processes.ts";
import { controlPlaneWorld, type ControlPlaneWorld } from "./world.ts";

const LEASES = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
const RBAC = "/apis/rbac.authorization.k8s.io/v1";

/** Two runs at one release, and runs that are killed in the middle. */
export function twoRunsTests(shared: () => ControlPlane): void {
  let at: ControlPlaneWorld;
  let plane: ControlPlane;
  beforeEach(() => void (plane = shared()));
  afterEach(() => at[Symbol.dispose]());

  const leasePath = (): string => `${LEASES}/git-vault.${at.namespace}.app`;
  const warnings = ({ events }: Outcome): string[] =>
    events.flatMap((event) => (event.event === "warning" ? [event.message] : []));

  /** A release that is well, and another image that is committed. */
  async function deployThenCommit(helm: string, image: string): Promise<void> {
    at = await controlPlaneWorld(plane, helm);
    expect((await at.deploy()).error).toBeNull();
    await at.commitImage(image);
  }

  /** A deployment as a program of its own. */
  interface Run {
    readonly child: ChildProcess;
    readonly closed: Promise<unknown>;
    /** Waits until its Helm is at the upgrade, and gives that process. */
    readonly helm: () => Promise<number>;
    /** Waits for its end, and gives what it failed with; null if it did not. */
    readonly end: () => Promise<{ readonly code: string; readonly message: string } | null>;
  }

  async function start(): Promise<Run> {
    const child = (await deployments(at))({ timeout: 60 });
    const closed = once(child, "close");
    let said = "";
    child.stdout.on("data", (part: Buffer) => (said += part.toString()));
    return {
      child,
      closed,
      helm: async () => {
        while (child.exitCode === null) {
          const [process] = said.includes('"upgrading"') ? helmsOf(child) : [];
          if (process !== undefined) return process;
          await sleep(5);
        }
        throw new Error(`it ended before: ${said}`);
      },
      end: async () => {
        await closed;
        return JSON.parse(said.trim().split("\n").at(-1) ?? "").error;
      },
    };
  }

  describe.each(HELMS)("$label", ({ path: helm, missing }) => {
    describe.skipIf(missing)("of two runs at one release", () => {
      beforeEach(() => deployThenCommit(helm, "web:2-unready"));

      test("the second stops while the first is at it, and changes nothing", async () => {
        let second: Promise<Outcome> | undefined;
        const first = await at.deploy({ timeout: 20, onFailure: "leave" }, ({ event }) => {
          if (event === "upgraded") second = at.deploy({ timeout: 5 });
        });
        const refused = await second;
        expect(refused?.error).toMatchObject({ code: "RELEASE_BUSY" });
        expect(names(refused ?? first)).not.toContain("upgrading");
        expect(first.error).toMatchObject({ code: "ROLLOUT_FAILED" });
        expect((await plane.ask("GET", leasePath())).status).toBe(404);
      });

      test("the one whose Lease another took stops, undoes nothing, and leaves that Lease", async () => {
        const lost = await at.deploy({ timeout: 40 }, ({ event }) => {
          if (event === "upgraded") void plane.ask("PATCH", leasePath(), { spec: { holderIdentity: "other" } });
        });
        expect(lost.error).toMatchObject({ code: "RELEASE_LOST" });
        expect(names(lost)).not.toContain("rolling-back");
        expect((await at.running()).image).toBe("web:2-unready");
        expect((await plane.ask("GET", leasePath())).body.spec.holderIdentity).toBe("other");
        await plane.ask("DELETE", leasePath());
      });
    });

    test.skipIf(missing)("a Lease that a dead run left is watched, taken over, and given back", async () => {
      at = await controlPlaneWorld(plane, helm);
      const then = "2026-01-01T00:00:00.000000Z";
      const spec = { holderIdentity: "dead", leaseDurationSeconds: 2, acquireTime: then, renewTime: then };
      await plane.make(LEASES, { metadata: { name: `git-vault.${at.namespace}.app` }, spec });
      const outcome = await at.deploy();
      expect(outcome.error).toBeNull();
      expect(warnings(outcome)).toEqual([expect.stringMatching(/did not give it back/)]);
      expect((await plane.ask("GET", leasePath())).status).toBe(404);
    });

    test.skipIf(missing)("without the right to Leases, it is said, and the deployment goes on", async () => {
      at = await controlPlaneWorld(plane, helm);
      const name = `no-leases-${at.namespace}`;
      const everything = ["", "apps", "rbac.authorization.k8s.io", "authorization.k8s.io"];
      const rules = [{ apiGroups: everything, resources: ["*"], verbs: ["*"] }];
      await plane.make(`${RBAC}/clusterroles`, { metadata: { name }, rules });
      await plane.make(`${RBAC}/clusterrolebindings`, {
        metadata: { name },
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name },
        subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "deployer" }],
      });
      await at.signIn({ token: plane.deployer });
      const outcome = await at.deploy();
      await plane.ask("DELETE", `${RBAC}/clusterrolebindings/${name}`);
      expect(outcome.error).toBeNull();
      expect(warnings(outcome)).toContainEqual(expect.stringMatching(/may not have leases/));
      expect(await at.running()).toEqual({ image: "web:1", available: 1 });
    });

    describe.skipIf(missing)("in the middle of an upgrade", () => {
      beforeEach(() => deployThenCommit(helm, "web:2"));

      test("a Helm that is killed is told as killed, and the release goes back", async () => {
        const run = await start();
        kill(await run.helm());
        const error = await run.end();
        expect(error?.code).toBe("TOOL_FAILED");
        expect(error?.message).toMatch(/the release app was not upgraded: the signal SIGKILL ended it/);
        expect(await at.running()).toEqual({ image: "web:1", available: 1 });
        expect((await at.history()).filter((one) => one.includes("pending"))).toEqual([]);
      });

      test("a run that is killed leaves a release that the next one repairs, once told that it is dead", async () => {
        await at.commitTemplate("templates/hook.yaml", HOOK);
        const run = await start();
        const upgrading = await run.helm();
        const isPending = async (): Promise<boolean> =>
          (await at.history()).at(-1)?.includes("pending-upgrade") === true;
        while (!(await isPending())) await sleep(20);
        run.child.kill("SIGKILL");
        kill(upgrading);
        await run.closed;
        const refused = await at.deploy();
        expect(refused.error).toMatchObject({ code: "RELEASE_BUSY" });
        expect(await isPending()).toBe(true);
        await at.commitTemplate("templates/hook.yaml", "");
        const repaired = await at.deploy({ repair: true });
        expect(repaired.error).toBeNull();
        expect(await at.running()).toEqual({ image: "web:2", available: 1 });
        expect((await plane.ask("GET", leasePath())).status).toBe(404);
      });
    });
  });
}

/** A job that Helm waits for before it upgrades, and that is never done. */
const HOOK = `apiVersion: batch/v1
kind: Job
metadata: {name: before, annotations: {helm.sh/hook: pre-upgrade}}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: main, image: "hook:unready"}]}}}
`;
