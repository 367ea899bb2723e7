import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { rollout } from "../src/rollout/index.ts";
import type { RolloutEvent, RolloutOptions, RolloutSteps, RolloutTarget } from "../src/rollout/rollout.ts";
import { errorOf } from "./world.ts";

const STAGING: RolloutTarget = { name: "staging", tier: "staging" };
const PROD: readonly RolloutTarget[] = ["a", "b", "c"].map((name) => ({ name, tier: "prod" }));

interface Trial {
  readonly events: string[];
  /** What ran, as `STEP NAME`, in its order. */
  readonly steps: string[];
  /** The most that ran at a time. */
  readonly most: number;
}

/** Rolls out to `targets`, where the steps in `failing` fail. */
async function attempt(
  targets: readonly RolloutTarget[],
  failing: readonly string[] = [],
  options: RolloutOptions = {},
): Promise<Trial> {
  const steps: string[] = [];
  const running = new Set<string>();
  let most = 0;
  const step = async (what: string, { name }: RolloutTarget): Promise<void> => {
    steps.push(`${what} ${name}`);
    running.add(name);
    most = Math.max(most, running.size);
    await sleep(2);
    running.delete(name);
    if (failing.includes(`${what} ${name}`)) throw new Error(`no ${what} for ${name}`);
  };
  const all: RolloutSteps<RolloutTarget, string> = {
    async plan(target) {
      await step("plan", target);
      return `the plan of ${target.name}`;
    },
    async apply(target, plan) {
      expect(plan).toBe(`the plan of ${target.name}`);
      await step("apply", target);
    },
    verify: (target) => step("verify", target),
  };
  const events: RolloutEvent[] = [];
  for await (const event of rollout(targets, all, options)) events.push(event);
  const outcomes = events.flatMap((event) => (event.type === "outcome" ? [event.outcome] : []));
  const last = events.at(-1);
  expect(last?.type === "end" && last.outcomes.map(({ environment }) => environment)).toEqual(
    targets.map(({ name }) => name),
  );
  const told = outcomes.map((outcome) => {
    if (outcome.state === "failed") return `${outcome.environment} failed: ${outcome.step}, ${String(outcome.error)}`;
    return outcome.state === "done"
      ? `${outcome.environment} done`
      : `${outcome.environment} skipped: ${outcome.because.join()}`;
  });
  return { events: told, steps, most };
}

describe("a rollout", () => {
  test("deals with staging before prod, each environment in its steps", async () => {
    const { events, steps } = await attempt([...PROD.slice(0, 1), STAGING]);
    expect(events).toEqual(["staging done", "a done"]);
    expect(steps).toEqual(["plan staging", "apply staging", "verify staging", "plan a", "apply a", "verify a"]);
  });

  test("deals with three clusters in parallel, and one failure hides no other outcome", async () => {
    const { events, most, steps } = await attempt([STAGING, ...PROD], ["apply b"]);
    expect(most).toBe(3);
    expect(events[0]).toBe("staging done");
    expect(events.slice(1).toSorted()).toEqual(["a done", "b failed: apply, Error: no apply for b", "c done"]);
    expect(steps).not.toContain("verify b");
  });

  test("tells every failure", async () => {
    const { events } = await attempt([...PROD], ["plan a", "verify b"]);
    expect(events.toSorted()).toEqual([
      "a failed: plan, Error: no plan for a",
      "b failed: verify, Error: no verify for b",
      "c done",
    ]);
  });

  test("keeps to its bound", async () => {
    expect((await attempt(PROD, [], { most: 2 })).most).toBe(2);
    const { steps } = await attempt(PROD, [], { most: 1 });
    expect(steps.filter((step) => step.startsWith("verify"))).toEqual(["verify a", "verify b", "verify c"]);
    expect(steps.indexOf("plan b")).toBeGreaterThan(steps.indexOf("verify a"));
  });

  test("does not go on to prod where staging failed", async () => {
    const { events, steps } = await attempt([STAGING, ...PROD, { name: "lab", tier: "other" }], ["verify staging"]);
    expect(events.toSorted()).toEqual([
      "a skipped: staging",
      "b skipped: staging",
      "c skipped: staging",
      "lab done",
      "staging failed: verify, Error: no verify for staging",
    ]);
    expect(steps).not.toContain("plan a");
  });

  test("lets the rest of prod wait for the canary", async () => {
    const good = await attempt([STAGING, ...PROD], [], { canaries: ["b"] });
    expect(good.events.slice(0, 2)).toEqual(["staging done", "b done"]);
    const bad = await attempt([STAGING, ...PROD], ["verify b"], { canaries: ["b"] });
    expect(bad.events.toSorted()).toEqual([
      "a skipped: b",
      "b failed: verify, Error: no verify for b",
      "c skipped: b",
      "staging done",
    ]);
    expect(await errorOf(() => attempt([STAGING], [], { canaries: ["staging"] }))).toMatchObject({
      code: "NO_SUCH_ENVIRONMENT",
    });
  });

  test("begins nothing more once it is interrupted, and tells the steps", async () => {
    const controller = new AbortController();
    const events: RolloutEvent[] = [];
    const heard: string[] = [];
    const wait = (target: RolloutTarget, signal: AbortSignal): Promise<void> =>
      sleep(5000, undefined, { signal }).catch(() => {
        heard.push(target.name);
        throw new Error("stopped");
      });
    const steps = { plan: wait, apply: async () => {}, verify: async () => {} };
    for await (const event of rollout([STAGING, ...PROD], steps, { signal: controller.signal })) {
      events.push(event);
      controller.abort();
    }
    expect(heard).toEqual(["staging"]);
    const last = events.at(-1);
    expect(last?.type === "end" && last.outcomes.map(({ state }) => state)).toEqual([
      "failed",
      "skipped",
      "skipped",
      "skipped",
    ]);
  });

  test("tells everything to anyone who takes their time", async () => {
    let left = PROD.length;
    let finish = (): void => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const steps = {
      plan: async () => {},
      apply: async () => {},
      async verify() {
        if (--left === 0) setImmediate(finish);
      },
    };
    const told: string[] = [];
    for await (const event of rollout(PROD, steps)) {
      told.push(event.type);
      await finished;
    }
    expect(told.filter((type) => type === "step")).toHaveLength(9);
    expect(told.filter((type) => type === "outcome")).toHaveLength(3);
  });

  test("is over, its steps too, when nobody listens any more", async () => {
    let isRunning = false;
    const steps = {
      async plan(_: RolloutTarget, signal: AbortSignal) {
        isRunning = true;
        await sleep(5000, undefined, { signal }).catch(() => {});
        isRunning = false;
      },
      apply: async () => {},
      verify: async () => {},
    };
    for await (const event of rollout(PROD, steps)) if (event.type === "step") break;
    expect(isRunning).toBe(false);
  });

  test("of nothing ends at once", async () => expect((await attempt([])).events).toEqual([]));
});
