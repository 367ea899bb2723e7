import { at, type Json, listAt, objectAt, textAt } from "./json.ts";
import type { KubernetesObject } from "./objects.ts";
import { conditionOf } from "./status.ts";
import type { Store } from "./store.ts";
import { isOver } from "./pod-lifecycle.ts";

const tolerates = (pod: KubernetesObject, taint: Json): boolean =>
  listAt(pod, "spec", "tolerations").some((toleration) => {
    const key = textAt(toleration, "key");
    const effect = textAt(toleration, "effect");
    const fits = (key === "" || key === textAt(taint, "key")) && (effect === "" || effect === textAt(taint, "effect"));
    return (
      fits && (textAt(toleration, "operator") === "Exists" || textAt(toleration, "value") === textAt(taint, "value"))
    );
  });

/**
 * What a node has against a pod, in the scheduler's words; undefined where it takes it. Daemons
 * ignore a cordon.
 */
export function objection(
  node: KubernetesObject,
  pod: KubernetesObject,
  { isDaemon, load }: { isDaemon: boolean; load: number },
): string | undefined {
  const labels = objectAt(node, "metadata", "labels");
  if (!Object.entries(objectAt(pod, "spec", "nodeSelector")).every(([key, value]) => labels[key] === value))
    return "node(s) didn't match Pod's node affinity/selector";
  if (isDaemon) return undefined;
  if (at(node, "spec", "unschedulable") === true) return "node(s) were unschedulable";
  if (at(conditionOf(node, "Ready"), "status") === "False")
    return "node(s) had untolerated taint {node.kubernetes.io/not-ready: }";
  const taint = listAt(node, "spec", "taints").find(
    (one) => ["NoSchedule", "NoExecute"].includes(textAt(one, "effect")) && !tolerates(pod, one),
  );
  if (taint !== undefined) return `node(s) had untolerated taint {${textAt(taint, "key")}: ${textAt(taint, "value")}}`;
  return load >= Number(textAt(node, "status", "allocatable", "pods") || "110") ? "Too many pods" : undefined;
}

/** The node of a pod, the least loaded of those that take it; or why none does. */
export function schedule(store: Store, pod: KubernetesObject): { node: string } | { refused: string } {
  const nodes = store.list("/nodes");
  const pods = store.list("/pods").filter((one) => !isOver(one));
  const loadOf = ({ metadata }: KubernetesObject): number =>
    pods.filter((one) => textAt(one, "spec", "nodeName") === metadata.name).length;
  const objections = new Map<string, number>();
  let best: { name: string; load: number } | undefined;
  for (const node of nodes) {
    const load = loadOf(node);
    const why = objection(node, pod, { isDaemon: false, load });
    if (why !== undefined) objections.set(why, (objections.get(why) ?? 0) + 1);
    else if (best === undefined || load < best.load) best = { name: node.metadata.name, load };
  }
  if (best) return { node: best.name };
  const counted = [...objections].map(([why, count]) => `${count} ${why}`).join(", ");
  return { refused: `0/${nodes.length} nodes are available: ${counted || "no nodes available to schedule pods"}.` };
}
