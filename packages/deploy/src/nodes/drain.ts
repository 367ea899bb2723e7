import { setTimeout as sleep } from "node:timers/promises";
import { ofEnvironment } from "../verify/certs.ts";
import type { Cluster, WritableCluster } from "../cluster/cluster.ts";
import { DeployError } from "../errors.ts";
import { NODE_KINDS, type NodeReport, type NodeState, reportNodes } from "./nodes.ts";
import { readKinds } from "../cluster/kubernetes-object.ts";
import type { NodePod } from "./node-pod.ts";

/** How a node is closed. */
export interface CordonOptions {
  /** Closes it even where it is the last of its pool that takes pods. */
  readonly force?: boolean;
  readonly signal?: AbortSignal;
}

/** How a node is emptied. */
export interface DrainOptions extends CordonOptions {
  /** Evicts the pods, too, that nothing recreates, and those that would lose local data. */
  readonly evictAll?: boolean;
  /** Milliseconds until it is given up; 600,000 where left out. */
  readonly timeout?: number;
  /** Milliseconds between two attempts; 5,000 where left out. */
  readonly interval?: number;
}

/** What happens while a node is emptied. */
export type DrainEvent =
  | { readonly type: "cordoned"; readonly node: string }
  /** The API took the eviction: the pod is being terminated. */
  | { readonly type: "evicted"; readonly pod: NodePod }
  /** It cannot be evicted now; it is tried again. */
  | { readonly type: "blocked"; readonly pod: NodePod; readonly reason: string }
  /** It is left to end by itself. */
  | { readonly type: "left"; readonly pod: NodePod; readonly reason: string }
  | { readonly type: "drained"; readonly node: string };

/** The nodes of an environment's cluster, by its pools. */
export async function inspectNodes(cluster: Cluster, signal?: AbortSignal): Promise<NodeReport> {
  const report = reportNodes(cluster.environment.nodePools, await readKinds(cluster, NODE_KINDS, { signal }));
  return { ...report, findings: ofEnvironment(cluster, report.findings) };
}

/**
 * Closes a node: no new pod comes to it.
 *
 * @throws DeployError NO_SUCH_NODE; LAST_NODE where no other node of a pool of its takes pods,
 * unless forced; as the cluster does
 */
export async function cordon(cluster: WritableCluster, name: string, options: CordonOptions = {}): Promise<void> {
  const report = await inspectNodes(cluster, options.signal);
  const node = findNode(report, name);
  if (node.cordoned) return;
  if (options.force !== true) assertNotLast(report, node);
  await setUnschedulable(cluster, name, true, options.signal);
}

/**
 * Opens a node again.
 *
 * @throws DeployError NO_SUCH_NODE; as the cluster does
 */
export async function uncordon(cluster: WritableCluster, name: string, signal?: AbortSignal): Promise<void> {
  findNode(await inspectNodes(cluster, signal), name);
  await setUnschedulable(cluster, name, false, signal);
}

function findNode({ pools, strays }: NodeReport, name: string): NodeState {
  const nodes = [...pools.flatMap((pool) => pool.nodes), ...strays];
  const found = nodes.find((node) => node.name === name);
  if (found !== undefined) return found;
  throw new DeployError("NO_SUCH_NODE", "the cluster has no node of that name", {
    hint: `its nodes are: ${nodes.map((node) => node.name).join(", ")}`,
  });
}

function assertNotLast({ pools, strays }: NodeReport, node: NodeState): void {
  const all = [...pools.flatMap((pool) => pool.nodes), ...strays];
  const isOpen = (pool: string): boolean =>
    all.some((other) => other !== node && other.schedulable && other.pools.includes(pool));
  const last = node.schedulable ? node.pools.find((pool) => !isOpen(pool)) : undefined;
  if (last === undefined) return;
  throw new DeployError("LAST_NODE", `${node.name} is the last node of the pool ${last} that takes pods`, {
    hint: "open or add another one first",
    remedy: "force",
  });
}

const setUnschedulable = (
  cluster: WritableCluster,
  name: string,
  unschedulable: boolean,
  signal: AbortSignal | undefined,
): Promise<unknown> =>
  cluster.send(`/api/v1/nodes/${name}`, {
    method: "PATCH",
    contentType: "application/merge-patch+json",
    body: { spec: { unschedulable: unschedulable || null } },
    signal,
  });

/**
 * Closes a node and empties it through the eviction API (policy/v1), which keeps to the disruption
 * budgets. Pods of DaemonSets and the node's own stay. Those that no controller recreates are
 * waited for: they end by themselves.
 *
 * @throws DeployError as `cordon` does; NODE_HELD where pods are left when the time is up: the node
 * stays closed
 */
export async function* drain(
  cluster: WritableCluster,
  name: string,
  options: DrainOptions = {},
): AsyncGenerator<DrainEvent> {
  const { timeout = 600_000, interval = 5_000, evictAll = false, signal } = options;
  const end = Date.now() + timeout;
  await cordon(cluster, name, options);
  yield { type: "cordoned", node: name };
  const told = new Map<string, string>();
  for (;;) {
    const { pods } = findNode(await inspectNodes(cluster, signal), name);
    const waited: { pod: NodePod; why: string }[] = [];
    for (const pod of pods) {
      const { type, reason } = await tryToMove(cluster, pod, evictAll, signal);
      if (type === "gone") continue;
      if (type === "evicted") yield { type, pod };
      else {
        waited.push({ pod, why: reason });
        const key = `${pod.namespace}/${pod.name}`;
        if (told.get(key) !== reason) yield { type, pod, reason };
        told.set(key, reason);
      }
    }
    if (waited.length === 0 && !(await isLeaving(cluster, name, signal))) {
      yield { type: "drained", node: name };
      return;
    }
    if (Date.now() >= end) throw held(name, waited);
    await pause(Math.min(interval, Math.max(0, end - Date.now())), signal);
  }
}

type Attempt = { readonly type: "evicted" | "gone" | "blocked" | "left"; readonly reason: string };

async function tryToMove(
  cluster: WritableCluster,
  pod: NodePod,
  evictAll: boolean,
  signal: AbortSignal | undefined,
): Promise<Attempt> {
  if (!evictAll && pod.fate === "ends") return { type: "left", reason: "nothing recreates it, and it ends by itself" };
  if (!evictAll && pod.losesData) return { type: "left", reason: "its local data (emptyDir) would be lost" };
  const { namespace, name } = pod;
  try {
    await cluster.send(`/api/v1/namespaces/${namespace}/pods/${name}/eviction`, {
      method: "POST",
      body: { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace } },
      // A budget that allows none answers 429, too, and is not asked again at once.
      attempts: 1,
      signal,
    });
    return { type: "evicted", reason: "" };
  } catch (error) {
    if (!(error instanceof DeployError)) throw error;
    if (error.code === "NO_SUCH_OBJECT") return { type: "gone", reason: "" };
    if (error.code !== "TOO_MANY_REQUESTS" && error.status !== 500) throw error;
    return { type: "blocked", reason: cluster.tidy(pod.obstacles[0] ?? error.message) };
  }
}

/** Whether evicted pods are still on their way out. */
async function isLeaving(cluster: WritableCluster, node: string, signal: AbortSignal | undefined): Promise<boolean> {
  const { items } = await cluster.list("/api/v1/pods", { query: { fieldSelector: `spec.nodeName=${node}` }, signal });
  return items.some(({ metadata }) => metadata.deletionTimestamp !== undefined);
}

async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => {
    throw new DeployError("INTERRUPTED", "the run was interrupted before the node was empty: it stays cordoned");
  });
}

function held(node: string, waited: readonly { pod: NodePod; why: string }[]): DeployError {
  const names = waited.slice(0, 5).map(({ pod, why }) => `${pod.namespace}/${pod.name} (${why})`);
  const more = waited.length > names.length ? `, and ${waited.length - names.length} more` : "";
  const message = `${node} is not empty yet: ${names.join(", ") || "pods are still ending"}${more}`;
  const hint = "it stays cordoned; run the same again later";
  const losesData = waited.some(({ pod }) => pod.losesData);
  return new DeployError("NODE_HELD", message, losesData ? { hint, remedy: "evict-all" } : { hint });
}
