import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { peer } from "@git-vault/testkit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  apply,
  type ApplyOptions,
  AuditLog,
  checkPlan,
  type DeployEvent,
  makePlan,
  type Plan,
  planMarkdown,
  planRollback,
  planText,
  rollBack,
  rollbackText,
} from "../src/releases/index.ts";
import { applyWorld, type ApplyWorld, names, type Outcome, outcomeOf } from "./apply-world.ts";
import { changesOf, HELMS, PASSWORD } from "./cluster-world.ts";
import { errorOf } from "./world.ts";

let at: ApplyWorld;
beforeEach(async () => {
  at = await applyWorld();
});
afterEach(() => at[Symbol.asyncDispose]());

describe.each(HELMS)("$label", ({ path: helm, missing }) => {
  describe.skipIf(missing)("a deployment", () => {
    beforeEach(() => {
      at.env["HELM"] = helm;
    });

    test("installs, upgrades, does it again without a change, and goes back", async () => {
      const first = await at.deploy();
      expect(first.error).toBeNull();
      expect(names(first)).toEqual(["begin", "upgrading", "upgraded", "ready", "end"]);
      expect(at.kubernetes.get("apps/v1", "Deployment", "web", "web")).toMatchObject({ status: { readyReplicas: 1 } });
      expect(at.kubernetes.get("v1", "Secret", "web", "web")).toMatchObject({
        data: { password: Buffer.from(PASSWORD).toString("base64") },
      });
      await at.commitImage("web:2");
      expect((await at.deploy()).error).toBeNull();
      const same = await at.deploy();
      expect(names(same)).toEqual(["begin", "unchanged", "ready", "end"]);
      expect(at.history()).toEqual(["1 superseded", "2 deployed"]);
      expect((await at.deploy({ redeploy: true })).error).toBeNull();
      expect(at.history()).toEqual(["1 superseded", "2 superseded", "3 deployed"]);
      const back = await at.rollBack(1);
      expect(back.error).toBeNull();
      expect(names(back)).toEqual(["begin", "rolling-back", "rolled-back", "ready", "end"]);
      expect(at.history().at(-1)).toBe("4 deployed");
      expect(JSON.stringify(at.kubernetes.get("apps/v1", "Deployment", "web", "web"))).toContain("web:1");
      // The right to deploy was given back each time.
      expect(at.kubernetes.list("coordination.k8s.io/v1", "Lease", "default")).toEqual([]);
      expect(JSON.stringify([first, same, back])).not.toContain("canary");
    });

    test("that fails says why, without secrets, and is rolled back, or left", async () => {
      await at.deploy();
      await at.commitImage("web:bad");
      const logs = ["starting", `connecting with ${PASSWORD}`];
      at.kubernetes.podRules.push({ image: /^web:bad$/, becomes: "CrashLoopBackOff", logs });
      const failed = await at.deploy({ timeout: 1 });
      expect(failed.error).toMatchObject({ code: "ROLLOUT_FAILED" });
      expect(failed.error?.message).toMatch(
        /not ready: Deployment web of the release app: pod web-\S+, container web: CrashLoopBackOff/,
      );
      expect(names(failed)).toEqual([
        "begin",
        "upgrading",
        "upgraded",
        "unready",
        "rolling-back",
        "ready",
        "rolled-back",
        "failed",
      ]);
      const unready = failed.events.find(({ event }) => event === "unready");
      expect(unready).toMatchObject({ workload: { kind: "Deployment", name: "web" } });
      const text = JSON.stringify(failed);
      expect(text).toContain("log of web: connecting with [secret]");
      expect(text).toContain("event on Pod ");
      expect(text).not.toContain("canary");
      expect(at.history().at(-1)).toBe("3 deployed");
      expect(JSON.stringify(at.kubernetes.get("apps/v1", "Deployment", "web", "web"))).toContain("web:1");

      const left = await at.deploy({ timeout: 1, onFailure: "leave" });
      expect(left.error).toMatchObject({ code: "ROLLOUT_FAILED" });
      expect(names(left)).toEqual(["begin", "upgrading", "upgraded", "unready", "failed"]);
      expect(at.history().at(-1)).toBe("4 deployed");
      expect(JSON.stringify(at.kubernetes.get("apps/v1", "Deployment", "web", "web"))).toContain("web:bad");
    });

    test("that is the first and fails leaves nothing", async () => {
      at.kubernetes.podRules.push({ becomes: "ImagePullBackOff" });
      const failed = await at.deploy({ timeout: 1 });
      expect(failed.error?.message).toContain("ImagePullBackOff");
      expect(failed.events.at(-2)).toEqual({ event: "rolled-back", release: "app", to: null, revision: null });
      await at.kubernetes.settled();
      expect(at.history()).toEqual([]);
      expect(at.kubernetes.get("apps/v1", "Deployment", "web", "web")).toBeUndefined();
    });

    test("that is interrupted goes back to what was there", async () => {
      await at.deploy();
      await at.commitImage("web:slow");
      at.kubernetes.podRules.push({ image: /^web:slow$/, becomes: "unready" });
      const controller = new AbortController();
      const stopped = await at.deploy({ signal: controller.signal }, ({ event }) => {
        if (event === "upgraded") controller.abort();
      });
      expect(stopped.error).toMatchObject({
        code: "INTERRUPTED",
        message: "interrupted; the release app is back at revision 1 (as revision 3)",
      });
      expect(stopped.events.at(-2)).toEqual({ event: "rolled-back", release: "app", to: 1, revision: 3 });
      expect(at.history().at(-1)).toBe("3 deployed");
    });

    test("whose Helm is interrupted waits for its clean-up", async () => {
      at.repository.write("app/templates/hook.yaml", HOOK);
      await at.repository.commit("a hook");
      await at.deploy();
      await at.commitImage("web:2");
      at.kubernetes.podRules.push({ name: /^prepare/, becomes: "unready" });
      const controller = new AbortController();
      const stopped = await at.deploy({ signal: controller.signal }, ({ event }) => {
        if (event === "upgrading") void whenPending().then(() => controller.abort());
      });
      expect(stopped.error?.message).toBe("interrupted; the release app is back at revision 1 (as revision 3)");
      expect(at.history().slice(-2)).toEqual(["2 failed", "3 deployed"]);
      // The log of what happens says the same.
      expect(stopped.events.at(-1)).toMatchObject({ event: "failed", message: stopped.error?.message });
    });

    test("that is interrupted says what state the release is in", async () => {
      const stopAt = async (name: DeployEvent["event"], options: ApplyOptions = {}): Promise<string | undefined> => {
        const controller = new AbortController();
        const { error } = await at.deploy({ ...options, signal: controller.signal }, ({ event }) => {
          if (event === name) controller.abort();
        });
        expect(error).toMatchObject({ code: "INTERRUPTED" });
        return error?.message;
      };
      at.kubernetes.podRules.push({ image: /slow/, becomes: "unready" });
      expect(await stopAt("begin")).toBe("interrupted; nothing was changed");
      expect(await stopAt("upgrading")).toBe("interrupted; the release app is not installed");
      await at.commitImage("web:slow");
      expect(await stopAt("upgraded")).toBe(
        "interrupted; it was the first install of the release app, which was removed",
      );
      await at.commitImage("web:1");
      await at.deploy();
      expect(await stopAt("upgrading", { redeploy: true })).toBe(
        "interrupted; the release app is as it was, at revision 1",
      );
      await at.commitImage("web:slow");
      expect(await stopAt("upgraded", { onFailure: "leave" })).toBe(
        "interrupted; the release app is left as revision 2, not ready",
      );
      const controller = new AbortController();
      const back = await at.rollBack(1, { signal: controller.signal }, ({ event }) => {
        if (event === "rolling-back") controller.abort();
      });
      expect(back.error).toMatchObject({
        code: "INTERRUPTED",
        message: "interrupted; the release app is back at revision 1 (as revision 3), and was not waited for",
      });
      expect(at.history().at(-1)).toBe("3 deployed");
    });

    test("that a dead run left half-way is repaired, and one that may be alive is not", async () => {
      at.repository.write("app/templates/hook.yaml", HOOK);
      await at.repository.commit("a hook");
      await at.deploy();
      at.kubernetes.podRules.push({ name: /^prepare/, becomes: "unready" });
      await killedUpgrade(helm);
      expect(at.history().at(-1)).toBe("2 pending-upgrade");
      at.kubernetes.podRules.length = 0;
      expect(await halfWay()).toEqual([{ apply: "refuses", until: null }, expect.stringMatching(UNKNOWN)]);
      const busy = await at.deploy();
      expect(busy.error).toMatchObject({ code: "RELEASE_BUSY", remedy: "repair" });
      expect(await refusal()).toMatchObject({ code: "RELEASE_BUSY", remedy: "repair" });
      expect(await refusal({ repair: true })).toBeNull();
      // One that may be alive is left alone, by a rollback too, and what is known of it stays
      // known.
      const alive = { revision: 2, end: Date.now() + 600_000 };
      at.putLease(alive, { age: 60, seconds: 1 });
      const until = new Date(alive.end).toISOString();
      expect(await halfWay()).toEqual([
        { apply: "refuses", until },
        expect.stringContaining(`apply refuses until ${until}, when that run has ended for sure; where you know`),
      ]);
      expect((await at.deploy()).error).toMatchObject({ code: "RELEASE_BUSY" });
      const back = await at.rollBack(1);
      expect(back.error).toMatchObject({ code: "RELEASE_BUSY" });
      expect(holderSaid()).toBe(JSON.stringify(alive));
      at.putLease(alive, { age: 1 });
      expect(await halfWay()).toEqual([{ apply: "waits", until }, expect.stringContaining("another run is at it")]);
      expect(await refusal()).toMatchObject({
        code: "RELEASE_BUSY",
        hint: "wait until that run has ended; if it was killed, run this again in 30 seconds",
      });
      at.putLease(alive, { age: 60, seconds: 1 });
      const controller = new AbortController();
      at.kubernetes.faults.push({
        fault: "interfere",
        on: /leases/,
        method: "PUT",
        times: 1,
        act: () => controller.abort(),
      });
      const ended = await at.deploy({ signal: controller.signal });
      expect(ended.error?.message).toBe("interrupted; nothing was changed of the release app");
      expect(holderSaid()).toBe(JSON.stringify(alive));
      // A run of ours that is dead for sure.
      const dead = { revision: 2, end: Date.now() - 1000 };
      at.putLease(dead, { age: 60, seconds: 1 });
      expect(await halfWay()).toEqual([
        { apply: "repairs", until: new Date(dead.end).toISOString() },
        expect.stringContaining("left pending-upgrade by a run that is dead: apply repairs it first"),
      ]);
      expect(await refusal()).toBeNull();
      const repaired = await at.deploy();
      expect(repaired.error).toBeNull();
      expect(names(repaired)).toEqual(["begin", "warning", "repaired", "upgrading", "upgraded", "ready", "end"]);
      expect(at.history().slice(-2)).toEqual(["3 superseded", "4 deployed"]);
    });

    test("whose first installation died goes on from what it made", async () => {
      at.repository.write("app/templates/hook.yaml", HOOK.replace("pre-upgrade", "post-install"));
      await at.repository.commit("a hook");
      at.kubernetes.podRules.push({ name: /^prepare/, becomes: "unready" });
      await killedUpgrade(helm);
      expect(at.history()).toEqual(["1 pending-install"]);
      at.kubernetes.podRules.length = 0;
      const { metadata } = at.kubernetes.get("apps/v1", "Deployment", "web", "web") ?? {};
      const repaired = await at.deploy({ repair: true });
      expect(repaired.error).toBeNull();
      expect(at.kubernetes.get("apps/v1", "Deployment", "web", "web")?.metadata.uid).toBe(metadata?.uid);
      expect(at.history()).toEqual(["1 deployed"]);
    });
  });
});

/** A Job that runs before an upgrade, and not before the first installation. */
const HOOK = `apiVersion: batch/v1
kind: Job
metadata:
  name: prepare
  annotations: {helm.sh/hook: pre-upgrade, helm.sh/hook-delete-policy: "before-hook-creation,hook-succeeded"}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: prepare, image: "tool:1"}]
`;

async function whenPending(): Promise<void> {
  while (at.history().at(-1)?.includes("pending") !== true) await sleep(10);
  // Until the hook is there, too.
  while (at.kubernetes.list("batch/v1", "Job", "web").length === 0) await sleep(10);
}

const UNKNOWN =
  /^ {2}pending-upgrade: a run is at it, or died at it, and apply refuses; where you know .* it can be repaired/;

/**
 * What a plan says of a release that is half-way, as data and in words; the step's summary says it
 * in the same ones.
 */
async function halfWay(): Promise<[unknown, string]> {
  const plan = await at.within(makePlan);
  const said = planText(plan).split("\n")[3] ?? "";
  expect(planMarkdown(plan)).toContain(said.trim());
  return [plan.releases[0]?.halfWay, said];
}

/** What a dry run says. */
const refusal = (options: { repair?: boolean } = {}): Promise<unknown> =>
  at.within(async (project, cluster) => {
    const plan = await makePlan(project, cluster);
    return checkPlan(project, cluster, plan, options).then(
      () => null,
      (error: unknown) => error,
    );
  });

/** Somebody's Helm that is killed in the middle. */
async function killedUpgrade(helm: string): Promise<void> {
  const args = ["upgrade", "--install", "app", "app", "-n", "web", "--create-namespace", "--set", "image=web:dead"];
  const child = spawn(helm, args, { ...at.foreign, stdio: "ignore" });
  const end = once(child, "exit");
  await whenPending();
  child.kill("SIGKILL");
  await end;
}

/** What the run says of itself that has the right to deploy, or had it. */
const holderSaid = (): string | undefined =>
  at.kubernetes.get("coordination.k8s.io/v1", "Lease", "default", "git-vault.web.app")?.metadata.annotations?.[
    "git-vault/holder"
  ];

const planned = (): Promise<Plan> => at.within(makePlan);
const applied = (plan: Plan, onEvent?: (event: DeployEvent) => void): Promise<Outcome> =>
  at.within((project, cluster) => outcomeOf(apply(project, cluster, plan, { timeout: 20 }), onEvent));

describe.each(HELMS)("apply with $label", ({ path: helm, missing }) => {
  describe.skipIf(missing)("of a plan that was made before", () => {
    beforeEach(() => {
      at.env["HELM"] = helm;
    });

    test("refuses a stale plan before anything is changed", async () => {
      const plan = await planned();
      await at.commitImage("web:2");
      expect((await applied(plan)).error).toMatchObject({ code: "STALE_PLAN" });
      expect(changesOf(at.kubernetes)).toEqual([]);
      const fresh = await planned();
      await at.deploy();
      // Somebody else deployed the same commit between plan and apply.
      expect((await applied(fresh)).error).toMatchObject({ code: "STALE_PLAN" });
      expect(at.history()).toEqual(["1 deployed"]);
    });

    test("bears busy and slow servers, errors and connections that break while it waits", async () => {
      const plan = await planned();
      at.kubernetes.faults.push(
        { fault: "status", code: 429, retryAfter: 0, on: /leases/, times: 2 },
        { fault: "delay", milliseconds: 100, times: 20 },
      );
      const outcome = await applied(plan, ({ event }) => {
        if (event === "upgraded")
          at.kubernetes.faults.push(
            { fault: "status", code: 500, on: /deployments\/web$/, method: "GET", times: 2 },
            { fault: "drop", when: "after-headers", on: /deployments\/web$/, method: "GET", times: 2 },
          );
      });
      expect(outcome.error).toBeNull();
    });

    test("tells the conflict where somebody else changes the release meanwhile", async () => {
      const plan = await planned();
      at.kubernetes.faults.push({ fault: "status", code: 409, on: /secrets$/, method: "POST", times: 1 });
      const { error } = await applied(plan);
      expect(error).toMatchObject({ code: "TOOL_FAILED" });
      expect(at.history()).toEqual([]);
    });
  });
});

describe.skipIf(peer("helm4").missing)("apply", () => {
  test("goes on without a lease where the user may have none", async () => {
    at.kubernetes.faults.push({ fault: "status", code: 403, on: /leases/ });
    const outcome = await applied(await planned());
    expect(outcome.error).toBeNull();
    expect(names(outcome)).toContain("warning");
  });

  test("deploys the releases beside the main one in their order, and stops at the first that fails", async () => {
    at.repository.write("dns/Chart.yaml", "apiVersion: v2\nname: dns\nversion: 2.0.0\n");
    at.repository.write("dns/templates/x.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: dns}\n");
    at.settings(
      undefined,
      {},
      { releases: { dns: { chart: "dns" }, late: { chart: "dns", namespace: "late", when: "after" } } },
    );
    await at.repository.commit("dns");
    at.kubernetes.podRules.push({ becomes: "ImagePullBackOff" });
    const { events, error } = await at.deploy({ timeout: 1 });
    expect(error).toMatchObject({ code: "ROLLOUT_FAILED" });
    expect(events.flatMap((event) => (event.event === "upgrading" ? event.release : []))).toEqual(["dns", "app"]);
    expect(at.kubernetes.get("v1", "ConfigMap", "dns", "dns")).toBeDefined();
  });

  test("records what happens in a log that is only added to", async () => {
    const file = join(at.repository.folder, "audit.ndjson");
    writeFileSync(file, "before\n");
    const log = new AuditLog(file, "run 1");
    await at.deploy({}, (event) => log.write(event));
    const [before, ...lines] = readFileSync(file, "utf8").trim().split("\n");
    expect(before).toBe("before");
    const entries = lines.map((line) => JSON.parse(line) as Record<string, string>);
    expect(entries[0]).toMatchObject({
      run: "run 1",
      event: "begin",
      environment: "staging",
      cluster: at.kubernetes.identity,
    });
    expect(entries.at(-1)).toMatchObject({ event: "end" });
    expect(readFileSync(file, "utf8")).not.toContain("canary");
    expect(await errorOf(() => new AuditLog(at.repository.folder).write({ event: "end", seconds: 0 }))).toMatchObject({
      code: "AUDIT_FAILED",
    });
  });
});

describe.skipIf(peer("helm4").missing)("rolling back", () => {
  test("needs a revision that is there", async () => {
    expect((await at.rollBack()).error).toMatchObject({ code: "NO_REVISION" });
    await at.deploy();
    expect((await at.rollBack(7)).error).toMatchObject({ code: "NO_REVISION", hint: "Helm has kept: 1 (deployed)" });
    expect((await at.rollBack(1, { release: "none" })).error).toMatchObject({ code: "NO_SUCH_RELEASE" });
  });

  test("is refused where somebody else changed the release meanwhile", async () => {
    await at.deploy();
    await at.commitImage("web:2");
    await at.deploy();
    const plan = await at.within((_, cluster) => planRollback(cluster));
    expect(rollbackText(plan)).toBe("app in web: revision 2 (deployed) goes back to revision 1 (superseded)");
    await at.deploy({ redeploy: true });
    const late = await at.within((project, cluster) => outcomeOf(rollBack(project, cluster, plan)));
    expect(late.error).toMatchObject({ code: "STALE_PLAN" });
    expect(at.history()).toEqual(["1 superseded", "2 superseded", "3 deployed"]);
  });
});
