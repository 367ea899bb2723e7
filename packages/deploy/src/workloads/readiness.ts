import { setTimeout as sleep } from "node:timers/promises";
import type { Cluster } from "../cluster/cluster.ts";
import { DeployError } from "../errors.ts";
import { globOf } from "../files/glob.ts";
import { inParallel, sharedSignal } from "../parallel.ts";
import type { Environment } from "../project/environment.ts";
import type { NameTold, PlacedObject } from "./placed-object.ts";
import { troubleOf } from "./trouble.ts";
import { textAt } from "../values/value.ts";
import { stateOf, type Workload, workloadKind, type WorkloadState } from "./workload.ts";

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
  /** How objects are told of. */
  readonly named: NameTold;
  /** Is told whenever a workload is further. */
  readonly onProgress?: (progress: WorkloadProgress) => void;
}

/**
 * How long one that is not ready is left alone, in ms: the longer, the longer all has taken. Each
 * is got by its name, which needs no right that Helm does not need.
 */
const PAUSES = [250, 250, 500, 500, 1000, 1000, 1000, 1000, 2000] as const;
/** How many are looked at at once. */
const MOST = 8;

/**
 * Looks at workloads, again and again, until all are ready at once, one has failed, or the time is
 * over. It looks at least once.
 *
 * @returns those that are not ready, and why; none where all are
 * @throws DeployError INTERRUPTED; UNAUTHORIZED, FORBIDDEN
 */
export async function waitForWorkloads(
  cluster: Cluster,
  workloads: readonly PlacedObject[],
  { deadline, signal: outer, named, onProgress }: WaitOptions,
): Promise<Unready[]> {
  const signal = sharedSignal(outer);
  const states = new Map<PlacedObject, WorkloadState>();
  const look = async (workload: PlacedObject): Promise<void> => {
    const state = await lookAt(cluster, workload, signal);
    const known = states.get(workload);
    // A cluster that does not answer for a while may do so again before the deadline.
    if (state === null || (known?.state === state.state && known.message === state.message)) return;
    states.set(workload, state);
    // What only has to be there, and is, is no news.
    const isNews = known !== undefined || state.state !== "ready" || isWorkload(workload);
    if (isNews) onProgress?.({ workload: named(workload), state: state.state, message: cluster.tidy(state.message) });
  };
  const left = (): PlacedObject[] => workloads.filter((one) => states.get(one)?.state !== "ready");
  const isInterrupted = (): boolean => signal.aborted;
  const isOver = (): boolean =>
    Date.now() >= deadline || left().some((one) => states.get(one)?.state === "failed") || isInterrupted();
  await inParallel(workloads, MOST, look);
  for (let turn = 0; left().length > 0 && !isOver(); turn += 1) {
    const pause = PAUSES[turn] ?? PAUSES.at(-1);
    await sleep(Math.min(pause ?? 0, Math.max(0, deadline - Date.now())), undefined, { signal }).catch(() => {});
    if (isInterrupted()) break;
    await inParallel(left(), MOST, look);
    // What was ready may have ceased to be while others were waited for.
    if (left().length === 0) await inParallel(workloads, MOST, look);
  }
  if (isInterrupted()) throw new DeployError("INTERRUPTED", "interrupted before all was ready");
  return inParallel(left(), MOST, async (workload) => {
    const { state, message } = states.get(workload) ?? NOTHING_TOLD;
    const reasons = await troubleOf(cluster, workload, { named, signal });
    return { workload: named(workload), state, message: cluster.tidy(message), reasons };
  });
}

/** Whether an environment's deployments wait for an object, by its settings. */
export const isWaitedFor = (
  { doNotWaitFor }: Pick<Environment, "doNotWaitFor">,
  { kind, name }: Pick<Workload, "kind" | "name">,
): boolean => !doNotWaitFor.some((pattern) => globOf(pattern)?.(`${kind}/${name}`));

/** Whether all workloads are ready now. @throws DeployError as {@link waitForWorkloads} does */
export async function areReady(
  cluster: Cluster,
  workloads: readonly PlacedObject[],
  signal: AbortSignal,
): Promise<boolean> {
  const states = await inParallel(workloads, MOST, (workload) => lookAt(cluster, workload, signal));
  return states.every((state) => state?.state === "ready");
}

const isWorkload = ({ apiVersion, kind }: PlacedObject): boolean => workloadKind(apiVersion, kind) !== undefined;

const NOTHING_TOLD: WorkloadState = { state: "waiting", message: "the cluster told nothing of it" };

/** How far a workload is now; null where the cluster does not answer. */
async function lookAt(cluster: Cluster, workload: PlacedObject, signal: AbortSignal): Promise<WorkloadState | null> {
  const { path, apiVersion, kind } = workload;
  try {
    const object = await cluster.get(path, { signal });
    if (object !== null) return stateOf(object, workloadKind(apiVersion, kind));
    return kind === "Job"
      ? await goneJobState(cluster, workload, signal)
      : { state: "waiting", message: "it is not there" };
  } catch (error) {
    const passes =
      error instanceof DeployError &&
      ["UNREACHABLE", "API_FAILED", "TOO_MANY_REQUESTS", "INTERRUPTED"].includes(error.code);
    if (!passes) throw error;
    return null;
  }
}

const timeOf = (event: unknown): string => textAt(event, "lastTimestamp") || textAt(event, "eventTime");

/** A Job may be removed once it is done, well or badly: the last of its events tells. */
async function goneJobState(
  cluster: Cluster,
  { namespace, name }: PlacedObject,
  signal: AbortSignal,
): Promise<WorkloadState> {
  const query = { fieldSelector: `involvedObject.kind=Job,involvedObject.name=${name}` };
  const { items } = await cluster
    .list(`/api/v1/namespaces/${encodeURIComponent(namespace)}/events`, { query, signal })
    .catch((error: unknown) => {
      if (error instanceof DeployError && error.code === "FORBIDDEN") return { items: [] };
      throw error;
    });
  const last = items.toSorted((a, b) => timeOf(a).localeCompare(timeOf(b))).at(-1);
  return textAt(last, "type") === "Warning"
    ? { state: "failed", message: `it failed, and is gone: ${textAt(last, "message")}` }
    : { state: "ready", message: "it is gone, as Jobs are that are done" };
}
