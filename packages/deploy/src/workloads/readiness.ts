import { setTimeout as sleep } from "node:timers/promises";
import type { KubernetesObject } from "../cluster/api.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { DeployError } from "../errors.ts";
import { controllerWith } from "../parallel.ts";
import { troubleOf } from "./trouble.ts";
import { pathOfKind, stateOf, type Workload, type WorkloadState } from "./workload.ts";
import { remember } from "../remember.ts";

/** A workload, and how far it is. */
export interface WorkloadProgress {
  readonly workload: Workload;
  readonly state: WorkloadState["state"];
  /** One sentence, without secrets. */
  readonly message: string;
}

/** A workload that is not ready, and why. */
export interface Unready extends WorkloadProgress {
  /** What pods, events and logs tell, without secrets. */
  readonly reasons: readonly string[];
}

export interface WaitOptions {
  /** When it is given up, in milliseconds since 1970. */
  readonly deadline: number;
  readonly signal?: AbortSignal | undefined;
  /** Is told whenever a workload is further. */
  readonly onProgress?: (progress: WorkloadProgress) => void;
}

/** After a watch was cut short it is begun again, after so many milliseconds. */
const PAUSE = 250;

/**
 * Watches workloads, all at once, until they are ready, one has failed, or the time is over.
 *
 * @returns those that are not ready, and why; none where all are
 * @throws DeployError INTERRUPTED; UNAUTHORIZED, FORBIDDEN
 */
export async function waitForWorkloads(
  cluster: Cluster,
  workloads: readonly Workload[],
  { deadline, signal, onProgress }: WaitOptions,
): Promise<Unready[]> {
  if (workloads.length === 0) return [];
  const stop = controllerWith(signal);
  const timer = setTimeout(stop.abort, Math.max(0, deadline - Date.now()));
  const states = new Map<Workload, WorkloadState>();
  const note = (workload: Workload, state: WorkloadState): void => {
    const known = states.get(workload);
    if (known?.state === state.state && known.message === state.message) return;
    states.set(workload, state);
    onProgress?.({ workload: told(cluster, workload), state: state.state, message: cluster.tidy(state.message) });
    const all = workloads.map((one) => states.get(one)?.state);
    if (all.includes("failed") || all.every((one) => one === "ready")) stop.abort();
  };
  try {
    await Promise.all(
      [...groupsOf(workloads)].map(([path, group]) => watchGroup(cluster, path, group, note, stop.signal)),
    );
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
  if (signal?.aborted === true) throw new DeployError("INTERRUPTED", "interrupted before all was ready");
  const left = workloads.filter((workload) => states.get(workload)?.state !== "ready");
  return Promise.all(
    left.map(async (workload) => {
      const { state, message } = states.get(workload) ?? {
        state: "waiting",
        message: "the cluster told nothing of it",
      };
      const reasons = await troubleOf(cluster, workload, signal);
      return { workload: told(cluster, workload), state, message: cluster.tidy(message), reasons };
    }),
  );
}

/** A workload as it is told of: a chart can put a secret into a name. */
const told = (cluster: Cluster, { kind, namespace, name }: Workload): Workload => ({
  kind,
  namespace: cluster.tidy(namespace),
  name: cluster.tidy(name),
});

function groupsOf(workloads: readonly Workload[]): Map<string, Workload[]> {
  const groups = new Map<string, Workload[]>();
  for (const workload of workloads) remember(groups, pathOfKind(workload), () => []).push(workload);
  return groups;
}

/** Watches those of one kind in one namespace until it is told to stop. */
async function watchGroup(
  cluster: Cluster,
  path: string,
  group: readonly Workload[],
  note: (workload: Workload, state: WorkloadState) => void,
  signal: AbortSignal,
): Promise<void> {
  const noteObject = (object: KubernetesObject): void => {
    const workload = group.find(({ name }) => name === object.metadata.name);
    if (workload !== undefined) note(workload, stateOf(workload.kind, object));
  };
  const noteGone = (workload: Workload): void => {
    // A Job may be removed once it is done.
    if (workload.kind === "Job") note(workload, { state: "ready", message: "it is gone, as Jobs are that are done" });
    else note(workload, { state: "waiting", message: "it is not there" });
  };
  while (!signal.aborted) {
    try {
      const { items, resourceVersion } = await cluster.list(path, { signal });
      const names = new Set(items.map(({ metadata }) => metadata.name));
      for (const workload of group) if (!names.has(workload.name)) noteGone(workload);
      for (const object of items) noteObject(object);
      if (signal.aborted) return;
      for await (const { type, object } of cluster.watch(path, resourceVersion, { signal })) {
        const workload = group.find(({ name }) => name === object.metadata.name);
        if (workload === undefined) continue;
        if (type === "DELETED") noteGone(workload);
        else noteObject(object);
        if (signal.aborted) return;
      }
    } catch (error) {
      if (signal.aborted) return;
      // A cluster that does not answer for a while may do so again before the deadline.
      const passes =
        error instanceof DeployError && ["UNREACHABLE", "API_FAILED", "TOO_MANY_REQUESTS"].includes(error.code);
      if (!passes) throw error;
    }
    await sleep(PAUSE, undefined, { signal }).catch(() => {});
  }
}
