import { peer, runOk } from "@git-vault/testkit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { DeployEvent } from "../src/releases/index.ts";
import { applyWorld, type ApplyWorld, names, type Outcome } from "./apply-world.ts";
import { HELMS, HELM_4, PASSWORD } from "./cluster-world.ts";

/*
 * Which revision a failed deployment goes back to: the last one that is known to be good, no matter
 * who made those between.
 */
let at: ApplyWorld;
beforeEach(async () => {
  at = await applyWorld();
  at.kubernetes.podRules.push({ image: /bad/, becomes: "CrashLoopBackOff" });
});
afterEach(() => at[Symbol.asyncDispose]());

const wentBackTo = ({ events }: Outcome): unknown =>
  events.find((event): event is DeployEvent & { event: "rolled-back" } => event.event === "rolled-back")?.to;

/** The revisions that are recorded as ready. */
const ready = (): number[] =>
  at.kubernetes
    .list("v1", "Secret", "web")
    .filter(({ type }) => type === "helm.sh/release.v1")
    .map(({ metadata: { labels = {} } }) => labels)
    .filter((labels) => labels["git-vault/ready"] === labels["version"])
    .map((labels) => Number(labels["version"]))
    .toSorted((a, b) => a - b);

/** Deploys an image that becomes ready. */
async function deployGood(image: string): Promise<void> {
  await at.commitImage(image);
  expect((await at.deploy()).error).toBeNull();
}

/** Deploys an image that does not. */
async function deployBad(image: string, onFailure: "rollback" | "leave"): Promise<Outcome> {
  await at.commitImage(image);
  const outcome = await at.deploy({ timeout: 1, onFailure });
  expect(outcome.error).toMatchObject({ code: "ROLLOUT_FAILED" });
  return outcome;
}

describe.each(HELM_4)("$label", ({ path: helm, missing }) => {
  /** Somebody else's Helm. */
  const upgrade = (image: string, ...more: string[]): Promise<Buffer> => {
    const values = `image=${image},replicas=1,password=${PASSWORD}`;
    const args = ["upgrade", "--install", "app", "app", "-n", "web", "--create-namespace", "--set", values, ...more];
    return runOk(helm, args, at.foreign);
  };
  const back = (revision: number): Promise<Buffer> =>
    runOk(helm, ["rollback", "app", `${revision}`, "-n", "web"], at.foreign);

  describe.skipIf(missing)("a failed deployment", () => {
    beforeEach(() => {
      at.env["HELM"] = helm;
    });

    test("goes back past revisions that were left, and what was ready stays known through upgrades", async () => {
      await deployGood("web:1");
      await deployGood("web:2");
      expect(ready()).toEqual([1, 2]);
      await deployBad("web:bad", "leave");
      const failed = await deployBad("web:worse-bad", "rollback");
      expect(wentBackTo(failed)).toBe(2);
      expect(at.image()).toBe("web:2");
      // What was made by a rollback is as good as what it went back to.
      expect(wentBackTo(await deployBad("web:bad-again", "rollback"))).toBe(5);
      expect(at.image()).toBe("web:2");
      // What it went back to was found ready again.
      expect(ready()).toEqual([1, 2, 5, 7]);
    });

    test("never goes back to what was rolled back, though it was ready", async () => {
      await deployGood("web:1");
      await deployGood("web:2");
      expect((await at.rollBack()).error).toBeNull();
      expect(at.image()).toBe("web:1");
      expect(ready()).toEqual([1, 2, 3]);
      expect(wentBackTo(await deployBad("web:bad", "rollback"))).toBe(3);
      // All that is good is what runs.
      expect((await at.rollBack()).error).toMatchObject({ code: "NO_REVISION" });
      await deployGood("web:3");
      expect((await at.rollBack()).error).toBeNull();
      expect(at.image()).toBe("web:1");
    });

    test("goes back past one whose run was killed while it waited", async () => {
      await deployGood("web:1");
      // What such a run leaves: Helm did its part, and nobody found it ready.
      await upgrade("web:bad", "--description", `git-vault ${"a".repeat(40)}`);
      expect(at.history()).toEqual(["1 superseded", "2 deployed"]);
      expect(wentBackTo(await deployBad("web:worse-bad", "rollback"))).toBe(1);
      expect(at.image()).toBe("web:1");
    });

    test("goes back past one that failed, which Helm calls superseded later", async () => {
      await deployGood("web:1");
      await upgrade("web:bad", "--description", 'Upgrade "app" failed: admission webhook denied the request');
      expect(wentBackTo(await deployBad("web:worse-bad", "rollback"))).toBe(1);
      expect(at.image()).toBe("web:1");
    });

    test("takes back what was changed by hand, going on and going back", async () => {
      await deployGood("web:1");
      const byHand = async (): Promise<void> => {
        const args = ["-n", "web", "patch", "deployment", "web", "--field-manager", "by-hand", "-p"];
        await runOk(peer("kubectl").path, [...args, '{"spec": {"replicas": 3}}'], at.foreign);
      };
      const replicas = (): unknown => at.kubernetes.get("apps/v1", "Deployment", "web", "web")?.["spec"];
      await byHand();
      expect(replicas()).toMatchObject({ replicas: 3 });
      await deployGood("web:2");
      expect(replicas()).toMatchObject({ replicas: 1 });
      await byHand();
      expect((await at.rollBack()).error).toBeNull();
      expect(at.image()).toBe("web:1");
      expect(replicas()).toMatchObject({ replicas: 1 });
    });

    test("takes what somebody else deployed for good, but for what they rolled back", async () => {
      await upgrade("web:1");
      await upgrade("web:2-bad");
      await back(1);
      expect(wentBackTo(await deployBad("web:bad", "rollback"))).toBe(3);
      expect(at.image()).toBe("web:1");
      await upgrade("web:3");
      expect(wentBackTo(await deployBad("web:bad-again", "rollback"))).toBe(6);
      expect(at.image()).toBe("web:3");
      // Of two that nothing but a rollback leads to, the one that it led to is taken.
      await back(6);
      await back(3);
      expect(wentBackTo(await deployBad("web:worse-bad", "rollback"))).toBe(10);
      expect(at.image()).toBe("web:1");
    });

    test("stays, and says so, where nothing before it is known to be good", async () => {
      await deployBad("web:bad", "leave");
      const failed = await deployBad("web:worse-bad", "rollback");
      expect(names(failed)).toEqual(["begin", "upgrading", "upgraded", "unready", "warning", "failed"]);
      expect(failed.events.find(({ event }) => event === "warning")).toEqual({
        event: "warning",
        message: "no earlier revision of the release app is known to have been ready: it is left as revision 2",
      });
      expect(at.history()).toEqual(["1 superseded", "2 deployed"]);
      await deployGood("web:1");
      expect(wentBackTo(await deployBad("web:bad", "rollback"))).toBe(3);
    });
  });
});

describe.skipIf(HELMS[1]?.missing)("a deployment that is ready", () => {
  test("is recorded as such, though somebody else changes the record at the same time", async () => {
    const record = /\/secrets\/sh\.helm\.release\.v1\.app\.v1$/;
    const put = (name: string): void => {
      const secret = at.kubernetes.get("v1", "Secret", "web", "sh.helm.release.v1.app.v1");
      if (secret === undefined) throw new Error("expected Helm's record");
      const labels = { ...secret.metadata.labels, other: name };
      at.kubernetes.put({ ...secret, metadata: { ...secret.metadata, labels } });
    };
    // Helm itself writes it once.
    at.kubernetes.faults.push({
      fault: "interfere",
      on: record,
      method: "PUT",
      skip: 1,
      times: 1,
      act: () => put("x"),
    });
    expect((await at.deploy()).error).toBeNull();
    expect(ready()).toEqual([1]);
    expect(at.kubernetes.get("v1", "Secret", "web", "sh.helm.release.v1.app.v1")?.metadata.labels).toMatchObject({
      other: "x",
    });
  });

  test("is done with a warning where that cannot be recorded", async () => {
    at.kubernetes.faults.push({ fault: "status", code: 403, on: /v1\.app\.v1$/, method: "PUT", skip: 1 });
    const { error, events } = await at.deploy();
    expect(error).toBeNull();
    expect(events.find(({ event }) => event === "warning")).toMatchObject({
      message: expect.stringContaining("revision 1 of app is ready, but that could not be recorded"),
    });
    expect(ready()).toEqual([]);
  });
});
