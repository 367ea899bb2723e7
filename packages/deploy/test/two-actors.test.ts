import { runOk } from "@git-vault/testkit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { DeployEvent } from "../src/releases/index.ts";
import { applyWorld, type ApplyWorld, names, type Outcome } from "./apply-world.ts";
import { HELMS, HELM_4 } from "./cluster-world.ts";

let at: ApplyWorld;
beforeEach(async () => {
  at = await applyWorld();
});
afterEach(() => at[Symbol.asyncDispose]());

/** Somebody else's upgrade. */
const upgrade = (helm: string): Promise<unknown> =>
  runOk(helm, ["upgrade", "app", "app", "-n", "web", "--reuse-values", "--set", "image=web:theirs"], at.foreign);

const warningsOf = ({ events }: Outcome): string[] =>
  events.flatMap((event) => (event.event === "warning" ? event.message : []));

const lease = (): unknown =>
  at.kubernetes.get("coordination.k8s.io/v1", "Lease", "default", "git-vault.web.app")?.["spec"];

describe.each(HELM_4)("$label", ({ path: helm, missing }) => {
  describe.skipIf(missing)("a revision that somebody else makes meanwhile", () => {
    beforeEach(async () => {
      at.env["HELM"] = helm;
      await at.deploy();
      await at.commitImage("web:slow");
      at.kubernetes.podRules.push({ image: /^web:slow$/, becomes: "unready" });
    });

    const THEIRS = "somebody else made revision 3 of the release app while this run was at it; that is left as it is";

    test("is left alone by a run that fails or is interrupted", async () => {
      const controller = new AbortController();
      const outcome = await at.deploy({ signal: controller.signal, timeout: 300 }, ({ event }) => {
        // With what is theirs unready, too, the run would wait on.
        if (event === "upgraded") void unready().then(() => controller.abort());
      });
      expect(outcome.error).toMatchObject({
        code: "RELEASE_LOST",
        message: `interrupted; and it was not rolled back: ${THEIRS}`,
      });
      expect(warningsOf(outcome)).toEqual([THEIRS]);
      expect(names(outcome)).not.toContain("rolling-back");
      expect(at.history()).toEqual(["1 superseded", "2 superseded", "3 deployed"]);
      expect(at.image()).toBe("web:theirs");
    });

    const unready = async (): Promise<void> => {
      at.kubernetes.podRules.push({ image: /^web:theirs$/, becomes: "unready" });
      await upgrade(helm);
    };

    test("is not taken for what the run itself made ready", async () => {
      const outcome = await at.deploy({ timeout: 300 }, ({ event }) => {
        if (event === "upgraded") void upgrade(helm);
      });
      expect(outcome.error).toMatchObject({ code: "RELEASE_LOST", message: THEIRS });
      expect(names(outcome)).not.toContain("rolling-back");
      expect(at.history().at(-1)).toBe("3 deployed");
      expect(at.image()).toBe("web:theirs");
      const label = at.kubernetes.get("v1", "Secret", "web", "sh.helm.release.v1.app.v3")?.metadata.labels;
      expect(label?.["git-vault/ready"]).not.toBe("3");
    });

    test("is left alone where it is made just before the run's own", async () => {
      at.kubernetes.faults.push({
        fault: "interfere",
        on: /\/secrets$/,
        method: "POST",
        times: 1,
        act: () => {
          const known = at.kubernetes.get("v1", "Secret", "web", "sh.helm.release.v1.app.v1");
          const labels = { ...known?.metadata.labels, version: "2" };
          const metadata = { namespace: "web", name: "sh.helm.release.v1.app.v2", labels };
          at.kubernetes.put({ ...known, apiVersion: "v1", kind: "Secret", metadata });
        },
      });
      const outcome = await at.deploy();
      expect(outcome.error).toMatchObject({ code: "RELEASE_LOST" });
      expect(outcome.error?.message).toContain("and it was not rolled back: somebody else made revision 2");
      expect(at.history()).toEqual(["1 deployed", "2 deployed"]);
      expect(at.image()).toBe("web:1");
    });

    test("is not undone by a run that lost the right to deploy", async () => {
      const outcome = await at.deploy({ timeout: 1 }, ({ event }) => {
        if (event === "upgraded") at.putLease({ revision: 3, end: Date.now() + 60_000 }, { age: 0 });
      });
      expect(outcome.error).toMatchObject({ code: "RELEASE_LOST" });
      expect(outcome.error?.message).toContain(
        "this run no longer has the right to deploy the release app: another run took its Lease",
      );
      expect(names(outcome)).not.toContain("rolling-back");
      expect(at.history().at(-1)).toBe("2 deployed");
      // What is theirs is not given back.
      expect(lease()).toMatchObject({ holderIdentity: "other" });
    });
  });
});

describe.skipIf(HELMS[1]?.missing)("the right to deploy", () => {
  const waiting = (times: DeployEvent["event"], act: () => void): Promise<Outcome> => {
    at.kubernetes.podRules.push({ becomes: "unready" });
    return at.deploy({ timeout: 300 }, ({ event }) => {
      if (event === times) act();
    });
  };

  test("ends the wait of a run that loses it to another", async () => {
    const outcome = await waiting("upgraded", () => at.putLease({ revision: 2, end: Date.now() + 60_000 }, { age: 0 }));
    expect(outcome.error).toMatchObject({
      code: "RELEASE_LOST",
      message: "this run no longer has the right to deploy the release app: another run took its Lease",
    });
    expect(at.history()).toEqual(["1 deployed"]);
  });

  test("ends with its time where it cannot be renewed", async () => {
    const outcome = await waiting("upgraded", () => {
      at.kubernetes.faults.push({ fault: "status", code: 403, on: /leases/ });
    });
    expect(outcome.error).toMatchObject({
      code: "RELEASE_LOST",
      message:
        "this run no longer has the right to deploy the release app: its Lease could not be renewed for 30 seconds",
    });
    expect(at.history()).toEqual(["1 deployed"]);
  });

  test("is not taken from a run that renews it, though its clock is an hour late", async () => {
    const holder = { revision: 1, end: Date.now() + 60_000 };
    let age = 3600;
    at.putLease(holder, { age });
    at.kubernetes.faults.push({
      fault: "interfere",
      on: /leases\/./,
      method: "GET",
      act: () => at.putLease(holder, { age: (age -= 10) }),
    });
    const outcome = await at.deploy();
    expect(outcome.error).toMatchObject({ code: "RELEASE_BUSY", hint: "wait until that run has ended" });
    expect(at.history()).toEqual([]);
    expect(lease()).toMatchObject({ holderIdentity: "other" });
  });

  test("is taken over once it was not renewed for its time, though the clock of who had it is an hour early", async () => {
    at.putLease({ revision: 1, end: Date.now() }, { age: -3600, seconds: 2 });
    const outcome = await at.deploy();
    expect(outcome.error).toBeNull();
    expect(warningsOf(outcome)).toEqual([
      "another run had the right to deploy app, and did not give it back: it is watched for 2 seconds whether that one is alive",
    ]);
    expect(at.history()).toEqual(["1 deployed"]);
  });
});
