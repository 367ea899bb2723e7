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

/**
 * Starts what a real cluster has beside its API server: the controllers, the scheduler and the
 * kubelets.
 */
export function startControllers(cluster: Cluster): Controllers {
  const { store } = cluster;
  let pending: NodeJS.Timeout | undefined;
  const waiting: ((worked: boolean) => void)[] = [];
  const pass = (): void => {
    pending = undefined;
    const before = store.version;
    reconcileGarbage(store);
    reconcileDeployments(store);
    reconcilePodOwners(store);
    reconcilePods(cluster);
    reconcileServices(store);
    reconcileBudgets(store);
    for (const tell of waiting.splice(0)) tell(store.version !== before);
  };
  const soon = (): void => {
    pending ??= setTimeout(pass, SOON);
  };
  const nextPass = (): Promise<boolean> =>
    new Promise((resolve) => {
      waiting.push(resolve);
      soon();
    });
  const unsubscribe = store.subscribe(soon);
  const regularly = setInterval(soon, EVERY).unref();
  soon();
  return {
    async settled() {
      while (await nextPass());
    },
    stop() {
      unsubscribe();
      clearInterval(regularly);
      clearTimeout(pending);
    },
  };
}
