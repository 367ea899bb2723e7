import type { KubernetesObject } from "../cluster/api.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { ReadOptions } from "../cluster/requests.ts";
import { conditionOf, isOwnedBy, nameOf } from "../cluster/kubernetes-object.ts";
import { DeployError } from "../errors.ts";
import { at, listAt, mapAt, numberAt, textAt } from "../values/value.ts";
import type { NameTold, PlacedObject } from "./placed-object.ts";

/** How many pods are explained, and log lines shown: the others mostly repeat them. */
const MOST_PODS = 3;
const LOG_LINES = 5;

interface TroubleOptions {
  /** How objects are told of; without any known secret where left out. */
  readonly named?: NameTold;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Why a workload is not ready: what its pods wait for, what the cluster's events tell, and the last
 * lines of the logs. No secret that is known is in it. What cannot be found out is left out.
 */
export async function troubleOf(
  cluster: Cluster,
  workload: PlacedObject,
  { named = ({ name, ...rest }) => ({ ...rest, name: cluster.tidy(name) }), signal }: TroubleOptions = {},
): Promise<string[]> {
  // What it makes has names that begin with its own.
  const { name } = workload;
  const shown = named(workload).name;
  const nameTold = (other: string): string =>
    other.startsWith(name) ? shown + cluster.tidy(other.slice(name.length)) : cluster.tidy(other);
  try {
    return await findTrouble(cluster, workload, nameTold, signal);
  } catch (error) {
    if (!(error instanceof DeployError)) throw error;
    return [`why it is not ready cannot be found out: ${error.message}`];
  }
}

async function findTrouble(
  cluster: Cluster,
  workload: PlacedObject,
  nameTold: (name: string) => string,
  signal?: AbortSignal,
): Promise<string[]> {
  const object = await cluster.get(workload.path, { signal });
  if (object === null) return ["it is not there"];
  const core = `/api/v1/namespaces/${workload.namespace}`;
  const labelSelector = selectorText(at(object, "spec", "selector"));
  const query = { labelSelector };
  const isPod = workload.kind === "Pod";
  // Of those that select pods, a Service does not make them.
  const makesPods = labelSelector !== "" && workload.kind !== "Service";
  const [pods, makers, events] = await Promise.all([
    makesPods ? cluster.list(`${core}/pods`, { query, signal }) : { items: isPod ? [object] : [] },
    workload.kind === "Deployment" ? replicaSetsOf(cluster, workload.namespace, object, { query, signal }) : [],
    cluster.list(`${core}/events`, { query: { fieldSelector: "type=Warning" }, signal }),
  ]);
  const troubled = pods.items.filter((pod) => !isFine(pod));
  const shown = troubled.slice(0, MOST_PODS);
  const reasons = await Promise.all(shown.map((pod) => podTrouble(cluster, { core, pod, nameTold }, signal)));
  const uids = new Set([object, ...makers, ...shown].map(({ metadata }) => metadata.uid));
  const own = events.items.filter((event) => uids.has(textAt(event, "involvedObject", "uid")));
  const left = troubled.length - shown.length;
  const more = left > 0 ? [`and ${left} more ${left === 1 ? "pod" : "pods"}`] : [];
  return [...new Set([...reasons.flat(), ...eventsTold(cluster, own, nameTold), ...more])];
}

/** What makes the pods of a Deployment: it tells of those that cannot be made. */
async function replicaSetsOf(
  cluster: Cluster,
  namespace: string,
  deployment: KubernetesObject,
  options: ReadOptions,
): Promise<KubernetesObject[]> {
  try {
    const { items } = await cluster.list(`/apis/apps/v1/namespaces/${namespace}/replicasets`, options);
    return items.filter((one) => isOwnedBy(one, deployment));
  } catch (error) {
    // Anyone who may not list them can still be told the rest.
    if (error instanceof DeployError && error.code === "FORBIDDEN") return [];
    throw error;
  }
}

/** What an event begins with that stands for many with other messages. */
const COMBINED = /^\(combined from similar events\): /;

/** What events tell: the last of those that are alike, and how many those are. */
function eventsTold(
  cluster: Cluster,
  events: readonly KubernetesObject[],
  nameTold: (name: string) => string,
): string[] {
  const groups = new Map<string, { said: string; count: number }>();
  for (const event of events) {
    const kind = cluster.tidyPlain(textAt(event, "involvedObject", "kind"));
    const name = textAt(event, "involvedObject", "name");
    const reason = textAt(event, "reason");
    const message = textAt(event, "message").replace(COMBINED, "");
    // What cannot be made has another name each time.
    const alike = [kind, name, reason, message.replaceAll(/"[^"]*"/g, '""')].join("\n");
    const count = numberAt(event, "series", "count") || numberAt(event, "count") || 1;
    const before = groups.get(alike)?.count ?? 0;
    groups.set(alike, {
      said: `event on ${kind} ${nameTold(name)}: ${cluster.tidy(`${reason}: ${message}`)}`,
      count: before + count,
    });
  }
  return [...groups.values()].map(({ said, count }) => (count > 1 ? `${said} (${count} times)` : said));
}

/** A LabelSelector as a query has it. */
function selectorText(selector: unknown): string {
  const expressions = listAt(selector, "matchExpressions").map((expression) => {
    const [key, operator] = [textAt(expression, "key"), textAt(expression, "operator")];
    if (operator === "Exists") return key;
    if (operator === "DoesNotExist") return `!${key}`;
    return `${key} ${operator === "In" ? "in" : "notin"} (${listAt(expression, "values").join(",")})`;
  });
  const labels = Object.keys(mapAt(selector, "matchLabels"));
  return [...labels.map((key) => `${key}=${textAt(selector, "matchLabels", key)}`), ...expressions].join(",");
}

const isFine = (pod: KubernetesObject): boolean =>
  textAt(pod, "status", "phase") === "Succeeded" || textAt(conditionOf(pod, "Ready"), "status") === "True";

async function podTrouble(
  cluster: Cluster,
  {
    core,
    pod,
    nameTold,
  }: { readonly core: string; readonly pod: KubernetesObject; readonly nameTold: (name: string) => string },
  signal?: AbortSignal,
): Promise<string[]> {
  const name = nameOf(pod);
  const shown = `pod ${nameTold(name)}`;
  const scheduled = conditionOf(pod, "PodScheduled");
  if (textAt(scheduled, "status") === "False")
    return [`${shown}: ${cluster.tidy(`no node takes it: ${textAt(scheduled, "message")}`)}`];
  const containers = ["initContainerStatuses", "containerStatuses"].flatMap((key) => listAt(pod, "status", key));
  const reasons = await Promise.all(
    containers.filter(isTroubled).map(async (container) => {
      const said = cluster.tidy(`container ${textAt(container, "name")}: ${containerTrouble(container)}`);
      return [`${shown}, ${said}`].concat(await lastLines(cluster, `${core}/pods/${name}/log`, container, signal));
    }),
  );
  return reasons.flat();
}

function isTroubled(container: unknown): boolean {
  const ended = at(container, "state", "terminated");
  return at(container, "ready") !== true && !(at(ended, "exitCode") === 0 && at(ended, "reason") === "Completed");
}

function containerTrouble(container: unknown): string {
  const [waiting, terminated] = ["waiting", "terminated"].map((key) => at(container, "state", key));
  const ended = terminated ?? at(container, "lastState", "terminated");
  const restarted = numberAt(container, "restartCount");
  const restarts = restarted === 0 ? "" : `, after ${restarted} restarts`;
  const code = at(ended, "exitCode");
  const exit = `it ended with ${typeof code === "number" ? code : "?"} (${textAt(ended, "reason") || "no reason"})`;
  if (waiting !== undefined) {
    const [reason, message] = [textAt(waiting, "reason") || "it waits", textAt(waiting, "message")];
    return `${reason}${message === "" ? "" : `: ${message}`}${ended === undefined ? "" : `, ${exit}`}${restarts}`;
  }
  return `${terminated === undefined ? "it runs and is not ready" : exit}${restarts}`;
}

/** The last lines that a container wrote; of the one before, where it was started again. */
async function lastLines(cluster: Cluster, path: string, container: unknown, signal?: AbortSignal): Promise<string[]> {
  const isWaiting = at(container, "state", "waiting") !== undefined;
  const previous = isWaiting && at(container, "lastState", "terminated") !== undefined;
  if (isWaiting && !previous) return [];
  const name = textAt(container, "name");
  const query = { container: name, tailLines: `${LOG_LINES}`, ...(previous ? { previous: "true" } : {}) };
  const text = await cluster.text(path, { query, signal }).catch((error: unknown) => {
    if (error instanceof DeployError && error.code !== "INTERRUPTED") return null;
    throw error;
  });
  const lines = (text ?? "").split("\n").filter((line) => line.trim() !== "");
  return lines.map((line) => cluster.tidy(`log of ${name}: ${line}`));
}
