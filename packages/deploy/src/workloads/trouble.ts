import type { KubernetesObject } from "../cluster/api.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { DeployError } from "../errors.ts";
import { type LabelSelector, pathOfKind, type Workload, type WorkloadObject } from "./workload.ts";

interface Pod extends KubernetesObject {
  readonly status?: {
    readonly phase?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message?: string }[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
}

interface ContainerStatus {
  readonly name: string;
  readonly ready?: boolean;
  readonly restartCount?: number;
  readonly state?: ContainerState;
  readonly lastState?: ContainerState;
}

interface ContainerState {
  readonly waiting?: { readonly reason?: string; readonly message?: string };
  readonly running?: object;
  readonly terminated?: { readonly exitCode?: number; readonly reason?: string };
}

interface Event extends KubernetesObject {
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly involvedObject?: { readonly uid?: string; readonly kind?: string; readonly name?: string };
}

/**
 * Of so many pods the trouble is told, and so many lines of a log. The others have the same, most
 * often.
 */
const MOST_PODS = 3;
const LOG_LINES = 5;

/**
 * Why a workload is not ready: what its pods wait for, what the cluster's events tell, and the last
 * lines of the logs. No secret that is known is in it. What cannot be found out is left out.
 */
export async function troubleOf(cluster: Cluster, workload: Workload, signal?: AbortSignal): Promise<string[]> {
  try {
    return await findTrouble(cluster, workload, signal);
  } catch (error) {
    if (!(error instanceof DeployError)) throw error;
    return [`why it is not ready cannot be found out: ${error.message}`];
  }
}

async function findTrouble(cluster: Cluster, workload: Workload, signal?: AbortSignal): Promise<string[]> {
  const object = await cluster.get<WorkloadObject>(`${pathOfKind(workload)}/${workload.name}`, { signal });
  if (object === null) return ["it is not there"];
  const core = `/api/v1/namespaces/${workload.namespace}`;
  const labelSelector = selectorText(object.spec?.selector);
  const [pods, events] = await Promise.all([
    labelSelector === "" ? [] : cluster.list<Pod>(`${core}/pods`, { query: { labelSelector }, signal }).then(itemsOf),
    cluster.list<Event>(`${core}/events`, { query: { fieldSelector: "type=Warning" }, signal }).then(itemsOf),
  ]);
  const troubled = pods.filter((pod) => !isFine(pod));
  const shown = troubled.slice(0, MOST_PODS);
  const reasons = await Promise.all(shown.map((pod) => podTrouble(cluster, core, pod, signal)));
  const uids = new Set([object, ...shown].map(({ metadata }) => metadata.uid));
  // What makes the pods, such as a ReplicaSet, tells of those that cannot be made.
  const isOwn = ({ involvedObject: of = {} }: Event): boolean =>
    uids.has(of.uid) || (of.kind === "ReplicaSet" && of.name?.startsWith(`${workload.name}-`) === true);
  const told = events
    .filter(isOwn)
    .map(({ involvedObject, reason, message }) =>
      cluster.tidy(`event on ${involvedObject?.kind} ${involvedObject?.name}: ${reason}: ${message}`),
    );
  const left = troubled.length - shown.length;
  const more = left > 0 ? [`and ${left} more ${left === 1 ? "pod" : "pods"}`] : [];
  return [...new Set([...reasons.flat(), ...told, ...more])];
}

const itemsOf = <T>({ items }: { readonly items: T[] }): T[] => items;

function selectorText({ matchLabels = {}, matchExpressions = [] }: LabelSelector = {}): string {
  const expressions = matchExpressions.map(({ key, operator, values = [] }) => {
    if (operator === "Exists") return key;
    if (operator === "DoesNotExist") return `!${key}`;
    return `${key} ${operator === "In" ? "in" : "notin"} (${values.join(",")})`;
  });
  return [...Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`), ...expressions].join(",");
}

const isFine = ({ status }: Pod): boolean =>
  status?.phase === "Succeeded" ||
  status?.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True") === true;

async function podTrouble(cluster: Cluster, core: string, pod: Pod, signal?: AbortSignal): Promise<string[]> {
  const { metadata, status = {} } = pod;
  const unscheduled = status.conditions?.find(
    ({ type, status: value }) => type === "PodScheduled" && value === "False",
  );
  if (unscheduled !== undefined)
    return [cluster.tidy(`pod ${metadata.name}: no node takes it: ${unscheduled.message ?? ""}`)];
  const containers = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
  const troubled = containers.filter(
    ({ ready, state }) =>
      ready !== true && !(state?.terminated?.exitCode === 0 && state.terminated.reason === "Completed"),
  );
  const reasons = await Promise.all(
    troubled.map(async (container) => {
      const said = cluster.tidy(`pod ${metadata.name}, container ${container.name}: ${containerTrouble(container)}`);
      return [said].concat(await lastLines(cluster, `${core}/pods/${metadata.name}/log`, container, signal));
    }),
  );
  return reasons.flat();
}

function containerTrouble({ state = {}, lastState = {}, restartCount = 0 }: ContainerStatus): string {
  const { waiting, terminated } = state;
  const ended = terminated ?? lastState.terminated;
  const restarts = restartCount === 0 ? "" : `, after ${restartCount} restarts`;
  const exit = ended === undefined ? "" : `, it ended with ${ended.exitCode ?? "?"} (${ended.reason ?? "no reason"})`;
  if (waiting !== undefined)
    return `${waiting.reason ?? "it waits"}${waiting.message === undefined ? "" : `: ${waiting.message}`}${exit}${restarts}`;
  if (terminated !== undefined)
    return `it ended with ${terminated.exitCode ?? "?"} (${terminated.reason ?? "no reason"})${restarts}`;
  return `it runs and is not ready${restarts}`;
}

/** The last lines that a container wrote; of the one before, where it was started again. */
async function lastLines(
  cluster: Cluster,
  path: string,
  { name, state = {}, lastState = {} }: ContainerStatus,
  signal?: AbortSignal,
): Promise<string[]> {
  const previous = state.waiting !== undefined && lastState.terminated !== undefined;
  if (state.waiting !== undefined && !previous) return [];
  const query = { container: name, tailLines: `${LOG_LINES}`, ...(previous ? { previous: "true" } : {}) };
  const text = await cluster.text(path, { query, signal }).catch((error: unknown) => {
    if (error instanceof DeployError && error.code !== "INTERRUPTED") return null;
    throw error;
  });
  const lines = (text ?? "").split("\n").filter((line) => line.trim() !== "");
  return lines.map((line) => cluster.tidy(`log of ${name}: ${line}`));
}
