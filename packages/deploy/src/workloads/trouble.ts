import type { KubernetesObject } from "../cluster/api.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { conditionOf, nameOf } from "../cluster/kubernetes-object.ts";
import { DeployError } from "../errors.ts";
import { at, listAt, mapAt, numberAt, textAt } from "../values/value.ts";
import { pathOfKind, type Workload } from "./workload.ts";

/** How many pods are explained, and log lines shown: the others mostly repeat them. */
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
  const object = await cluster.get(`${pathOfKind(workload)}/${workload.name}`, { signal });
  if (object === null) return ["it is not there"];
  const core = `/api/v1/namespaces/${workload.namespace}`;
  const labelSelector = selectorText(at(object, "spec", "selector"));
  const [pods, events] = await Promise.all([
    labelSelector === "" ? { items: [] } : cluster.list(`${core}/pods`, { query: { labelSelector }, signal }),
    cluster.list(`${core}/events`, { query: { fieldSelector: "type=Warning" }, signal }),
  ]);
  const troubled = pods.items.filter((pod) => !isFine(pod));
  const shown = troubled.slice(0, MOST_PODS);
  const reasons = await Promise.all(shown.map((pod) => podTrouble(cluster, core, pod, signal)));
  const uids = new Set([object, ...shown].map(({ metadata }) => metadata.uid));
  const told = events.items.flatMap((event) => {
    const [uid, kind, name] = ["uid", "kind", "name"].map((key) => textAt(event, "involvedObject", key));
    // What makes the pods, such as a ReplicaSet, tells of those that cannot be made.
    const isOwn = uids.has(uid) || (kind === "ReplicaSet" && name?.startsWith(`${workload.name}-`) === true);
    const said = `event on ${kind} ${name}: ${textAt(event, "reason")}: ${textAt(event, "message")}`;
    return isOwn ? [cluster.tidy(said)] : [];
  });
  const left = troubled.length - shown.length;
  const more = left > 0 ? [`and ${left} more ${left === 1 ? "pod" : "pods"}`] : [];
  return [...new Set([...reasons.flat(), ...told, ...more])];
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
  core: string,
  pod: KubernetesObject,
  signal?: AbortSignal,
): Promise<string[]> {
  const name = nameOf(pod);
  const scheduled = conditionOf(pod, "PodScheduled");
  if (textAt(scheduled, "status") === "False")
    return [cluster.tidy(`pod ${name}: no node takes it: ${textAt(scheduled, "message")}`)];
  const containers = ["initContainerStatuses", "containerStatuses"].flatMap((key) => listAt(pod, "status", key));
  const reasons = await Promise.all(
    containers.filter(isTroubled).map(async (container) => {
      const said = `pod ${name}, container ${textAt(container, "name")}: ${containerTrouble(container)}`;
      return [cluster.tidy(said)].concat(await lastLines(cluster, `${core}/pods/${name}/log`, container, signal));
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
