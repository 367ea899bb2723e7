import { setTimeout as sleep } from "node:timers/promises";
import { reconcileDeployments } from "./deployments.ts";
import { reconcileBudgets } from "./disruption-budgets.ts";
import { reconcileGarbage } from "./garbage.ts";
import { reconcilePodOwners } from "./pod-owners.ts";
import { reconcilePods } from "./pods.ts";
import { reconcileServices } from "./services.ts";
import type { Cluster } from "./state.ts";

/** How soon the controllers act on a change, in milliseconds. */
const SOON = 5;
/** How often they look without one: deadlines pass, and rules are changed, without a word. */
const EVERY = 200;

/** The controllers of a cluster, at work. */
export interface Controllers {
  /** Resolves once they have nothing to do for the moment. */
  settled(): Promise<void>;
  stop(): void;
}

/** Starts what a real cluster has beside its API server: the controllers, the scheduler and the kubelets. */
export function startControllers(cluster: Cluster): Controllers {
  const { store } = cluster;
  let pending: NodeJS.Timeout | undefined;
  let worked = false;
  const work = (): void => {
    pending = undefined;
    const before = store.version;
    reconcileGarbage(store);
    reconcileDeployments(store);
    reconcilePodOwners(store);
    reconcilePods(cluster);
    reconcileServices(store);
    reconcileBudgets(store);
    worked = store.version !== before;
  };
  const soon = (): void => {
    pending ??= setTimeout(work, SOON).unref();
  };
  const unsubscribe = store.subscribe(soon);
  const regularly = setInterval(soon, EVERY).unref();
  soon();
  return {
    async settled() {
      do {
        soon();
        while (pending !== undefined) await sleep(SOON);
      } while (worked);
    },
    stop() {
      unsubscribe();
      clearInterval(regularly);
      clearTimeout(pending);
    },
  };
}
