import type { KubernetesObject } from "../cluster/api.ts";
import {
  annotationOf,
  controllerOf,
  fitsSelector,
  labelsOf,
  nameOf,
  namespaceOf,
  ofKind,
  readQuantity,
} from "../cluster/kubernetes-object.ts";
import { at, listAt, mapAt, numberAt, textAt } from "../values/value.ts";

/** What happens to a pod when its node is to be emptied. */
export type EvictionVerdict =
  /** A DaemonSet's, or the node's own (static): it stays with the node, and does not matter. */
  | "stays"
  /** It ran to its end, or is about to leave. */
  | "leaving"
  /** No controller recreates it (a user's server, a Job's pod): evicting loses its work. */
  | "ends"
  /** Its controller recreates it, but it must be evicted to leave. */
  | "moves";

/** A pod on a node, as emptying the node sees it. */
export interface NodePod {
  readonly namespace: string;
  readonly name: string;
  /** `ReplicaSet web-7d4b9`; null where nothing controls it. */
  readonly owner: string | null;
  readonly fate: EvictionVerdict;
  /** What stands against moving it, in words. */
  readonly obstacles: readonly string[];
  /** Whether it has local data (emptyDir), which is lost when it moves. */
  readonly losesData: boolean;
  readonly startedAt: Date | null;
}

/** A pod's role on its node. `budgets` of other namespaces do not matter. */
export function nodePodOf(pod: KubernetesObject, budgets: readonly KubernetesObject[]): NodePod {
  const owner = controllerOf(pod);
  const started = textAt(pod, "status", "startTime");
  const fate = verdictOf(pod, owner);
  return {
    namespace: namespaceOf(pod),
    name: nameOf(pod),
    owner: owner === undefined ? null : `${textAt(owner, "kind")} ${textAt(owner, "name")}`,
    fate,
    obstacles: fate === "moves" || fate === "ends" ? obstaclesOf(pod, budgets) : [],
    losesData: hasLocalData(pod),
    startedAt: started === "" ? null : new Date(started),
  };
}

function verdictOf(pod: KubernetesObject, owner: unknown): EvictionVerdict {
  if (annotationOf(pod, "kubernetes.io/config.mirror") !== "") return "stays";
  const kind = textAt(owner, "kind");
  if (kind === "DaemonSet" || kind === "Node") return "stays";
  if (isOver(pod) || textAt(pod, "metadata", "deletionTimestamp") !== "") return "leaving";
  return owner === undefined || kind === "Job" ? "ends" : "moves";
}

/** Whether a pod ran to its end: it holds nothing of its node any more. */
export const isOver = (pod: KubernetesObject): boolean =>
  ["Succeeded", "Failed"].includes(textAt(pod, "status", "phase"));

function obstaclesOf(pod: KubernetesObject, budgets: readonly KubernetesObject[]): string[] {
  const guards = ofKind("PodDisruptionBudget", budgets).filter(
    (one) => namespaceOf(one) === namespaceOf(pod) && fitsSelector(labelsOf(pod), at(one, "spec", "selector")),
  );
  const [budget] = guards;
  const obstacles: string[] = [];
  if (guards.length > 1) {
    obstacles.push(`${guards.length} disruption budgets guard it, and the API evicts no pod with more than one`);
  } else if (budget !== undefined && numberAt(budget, "status", "disruptionsAllowed") === 0) {
    const [has, needs] = ["currentHealthy", "desiredHealthy"].map((key) => numberAt(budget, "status", key));
    obstacles.push(`the disruption budget ${nameOf(budget)} allows none: ${has} healthy pods, ${needs} needed`);
  }
  if (annotationOf(pod, "cluster-autoscaler.kubernetes.io/safe-to-evict") === "false")
    obstacles.push("it is annotated as not safe to evict");
  if (hasLocalData(pod)) obstacles.push("it has local data (emptyDir), which would be lost");
  return obstacles;
}

const hasLocalData = (pod: KubernetesObject): boolean =>
  listAt(pod, "spec", "volumes").some((volume) => at(volume, "emptyDir") !== undefined);

/** What a node lends to its pods: cores, bytes, and the number of pods. */
export interface Resources {
  readonly cpu: number;
  readonly memory: number;
  readonly pods: number;
}

const isSidecar = (container: unknown): boolean => textAt(container, "restartPolicy") === "Always";

/** A pod's requests: containers' sum or the largest init container's, plus overhead. */
export function requestsOf(pod: KubernetesObject): Resources {
  const of = (resource: string): number => {
    const amount = (container: unknown): number => readQuantity(at(container, "resources", "requests", resource));
    const inits = listAt(pod, "spec", "initContainers");
    const running = [...listAt(pod, "spec", "containers"), ...inits.filter(isSidecar)];
    const together = running.reduce<number>((sum, container) => sum + amount(container), 0);
    const first = Math.max(0, ...inits.filter((container) => !isSidecar(container)).map(amount));
    return Math.max(together, first) + readQuantity(mapAt(pod, "spec", "overhead")[resource]);
  };
  return { cpu: of("cpu"), memory: of("memory"), pods: 1 };
}
