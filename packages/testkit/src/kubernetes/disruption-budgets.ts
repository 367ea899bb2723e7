import { at, type Json, numberAt } from "./json.ts";
import type { KubernetesObject } from "./objects.ts";
import { isReady } from "./pod-lifecycle.ts";
import { fitsSelector } from "./selectors.ts";
import type { Store } from "./store.ts";
import { writeStatus } from "./status.ts";

const BUDGETS = "policy/poddisruptionbudgets";

/** A number of pods, or a share of `total` such as `25%`, rounded up. */
function share(value: Json | undefined, total: number): number | undefined {
  if (typeof value === "number") return value;
  const percent = typeof value === "string" ? /^(\d+)%$/.exec(value)?.[1] : undefined;
  return percent === undefined ? undefined : Math.ceil((Number(percent) * total) / 100);
}

/** The budgets that guard a pod. */
export const guards = (store: Store, pod: KubernetesObject): KubernetesObject[] =>
  store
    .list(BUDGETS, pod.metadata.namespace)
    .filter((budget) => fitsSelector(pod.metadata.labels ?? {}, at(budget, "spec", "selector")));

function count(store: Store, budget: KubernetesObject): { expected: number; healthy: number; desired: number } {
  const pods = store
    .list("/pods", budget.metadata.namespace)
    .filter((pod) => fitsSelector(pod.metadata.labels ?? {}, at(budget, "spec", "selector")));
  const expected = pods.length;
  const healthy = pods.filter((pod) => isReady(pod) && pod.metadata["deletionTimestamp"] === undefined).length;
  const unavailable = share(at(budget, "spec", "maxUnavailable"), expected);
  const desired =
    unavailable === undefined ? (share(at(budget, "spec", "minAvailable"), expected) ?? 0) : expected - unavailable;
  return { expected, healthy, desired: Math.max(0, desired) };
}

/** How many pods of a budget may be evicted now. */
export function disruptionsAllowed(store: Store, budget: KubernetesObject): number {
  const { expected, healthy, desired } = count(store, budget);
  return expected === 0 ? 0 : Math.max(0, healthy - desired);
}

/** Keeps the status of the budgets true. */
export function reconcileBudgets(store: Store): void {
  for (const budget of store.list(BUDGETS)) {
    const { expected, healthy, desired } = count(store, budget);
    writeStatus(store, BUDGETS, budget, {
      observedGeneration: numberAt(budget, ["metadata", "generation"], 1),
      currentHealthy: healthy,
      desiredHealthy: desired,
      expectedPods: expected,
      disruptionsAllowed: disruptionsAllowed(store, budget),
    });
  }
}
