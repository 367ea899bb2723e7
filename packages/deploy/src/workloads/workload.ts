/*
 * What Kubernetes says of a workload, as `kubectl rollout status` reads it:
 * https://kubernetes.io/docs/concepts/workloads/
 */
import type { KubernetesObject } from "../cluster/api.ts";
import { conditionOf, type Kind } from "../cluster/kubernetes-object.ts";
import type { Manifest } from "../helm/manifests.ts";
import { at, numberAt, textAt } from "../values/value.ts";

/** A Deployment, DaemonSet, StatefulSet or Job of a release. */
export interface Workload {
  readonly kind: WorkloadKind;
  readonly namespace: string;
  readonly name: string;
}

export type WorkloadKind = "Deployment" | "DaemonSet" | "StatefulSet" | "Job";

/** How far a workload is: `failed` where it will not become ready by itself. */
export interface WorkloadState {
  readonly state: "ready" | "waiting" | "failed";
  /** One sentence. It comes from the cluster: secrets may be in it. */
  readonly message: string;
}

/** Where the API has them. */
export const WORKLOAD_KINDS: readonly (Kind & { readonly kind: WorkloadKind })[] = [
  { kind: "Deployment", api: "/apis/apps/v1", plural: "deployments" },
  { kind: "StatefulSet", api: "/apis/apps/v1", plural: "statefulsets" },
  { kind: "DaemonSet", api: "/apis/apps/v1", plural: "daemonsets" },
  { kind: "Job", api: "/apis/batch/v1", plural: "jobs" },
];

/** Which kind of workload an object's kind is; undefined where it is none. */
export const workloadKind = (kind: string | undefined): (typeof WORKLOAD_KINDS)[number] | undefined =>
  WORKLOAD_KINDS.find((one) => one.kind === kind);

/** The path at which the API lists the workloads of a kind. */
export const pathOfKind = ({ kind, namespace }: Pick<Workload, "kind" | "namespace">): string => {
  const { api, plural } = workloadKind(kind) ?? {};
  return `${api}/namespaces/${namespace}/${plural}`;
};

/** The workloads among the objects of a release. */
export const workloadsAmong = (manifests: readonly Manifest[], namespace: string): Workload[] =>
  manifests.flatMap(({ apiVersion, kind: of, name, namespace: own }) => {
    const kind = workloadKind(of)?.kind;
    return kind !== undefined && /^(?:apps|batch)\/v1$/.test(apiVersion)
      ? [{ kind, name, namespace: own ?? namespace }]
      : [];
  });

const ready = (message: string): WorkloadState => ({ state: "ready", message });
const waiting = (message: string): WorkloadState => ({ state: "waiting", message });
const failed = (message: string): WorkloadState => ({ state: "failed", message });

/** How far a workload is. */
export function stateOf(kind: WorkloadKind, object: KubernetesObject): WorkloadState {
  if (object.metadata.deletionTimestamp !== undefined) return waiting("it is being removed");
  if (kind === "Job") return jobState(object);
  if (numberAt(object, "status", "observedGeneration") < (object.metadata.generation ?? 0))
    return waiting("its change was not yet seen by the cluster");
  if (kind === "Deployment") return deploymentState(object);
  return kind === "DaemonSet" ? daemonSetState(object) : statefulSetState(object);
}

/** `1 pod is`, `2 pods are`. */
const pods = (number: number, which = ""): string => `${number} ${which}${number === 1 ? "pod is" : "pods are"}`;

/** How many pods it is to have: one where it does not say. */
function wantedBy(object: KubernetesObject): number {
  const wanted = at(object, "spec", "replicas");
  return typeof wanted === "number" ? wanted : 1;
}

/** What a condition tells: its message, else its reason. */
const told = (condition: unknown): string => textAt(condition, "message") || textAt(condition, "reason");

const isTrue = (condition: unknown): boolean => textAt(condition, "status") === "True";

function deploymentState(object: KubernetesObject): WorkloadState {
  if (at(object, "spec", "paused") === true) return ready("it is paused");
  const wanted = wantedBy(object);
  const count = (key: string): number => numberAt(object, "status", key);
  const [updated, available, replicas] = [count("updatedReplicas"), count("availableReplicas"), count("replicas")];
  if (updated >= wanted && replicas <= updated && available >= wanted) return ready(`${pods(wanted)} available`);
  const progressing = conditionOf(object, "Progressing");
  if (textAt(progressing, "reason") === "ProgressDeadlineExceeded")
    return failed(textAt(progressing, "message") || "it made no progress within its deadline");
  const failure = conditionOf(object, "ReplicaFailure");
  const why = isTrue(failure) ? `: ${told(failure)}` : "";
  if (updated < wanted) return waiting(`${updated} of ${wanted} pods are updated${why}`);
  if (replicas > updated) return waiting(`${pods(replicas - updated, "old ")} still there`);
  return waiting(`${available} of ${wanted} pods are available${why}`);
}

// Where pods are replaced only when somebody removes them (OnDelete), those that are there must be
// ready, whatever they are made from.
const replacesPods = (object: KubernetesObject): boolean =>
  textAt(object, "spec", "updateStrategy", "type") !== "OnDelete";

/** All pods count, whatever `maxUnavailable` allows: that is for the time of an update. */
function daemonSetState(object: KubernetesObject): WorkloadState {
  const count = (key: string): number => numberAt(object, "status", key);
  const [wanted, updated] = [count("desiredNumberScheduled"), count("updatedNumberScheduled")];
  const available = count("numberAvailable");
  if (updated < wanted && replacesPods(object)) return waiting(`${updated} of ${wanted} pods are updated`);
  if (available < wanted) return waiting(`${available} of ${wanted} pods are available`);
  return ready(`${pods(wanted)} available`);
}

function statefulSetState(object: KubernetesObject): WorkloadState {
  const wanted = wantedBy(object);
  const updated = numberAt(object, "status", "updatedReplicas");
  const readyPods = numberAt(object, "status", "readyReplicas");
  const toUpdate = Math.max(0, wanted - numberAt(object, "spec", "updateStrategy", "rollingUpdate", "partition"));
  const isNew = at(object, "status", "currentRevision") === at(object, "status", "updateRevision");
  if (updated < toUpdate && !isNew && replacesPods(object))
    return waiting(`${updated} of ${toUpdate} pods are updated`);
  if (readyPods < wanted) return waiting(`${readyPods} of ${wanted} pods are ready`);
  return ready(`${pods(wanted)} ready`);
}

function jobState(object: KubernetesObject): WorkloadState {
  if (at(object, "spec", "suspend") === true) return ready("it is suspended");
  if (isTrue(conditionOf(object, "Complete"))) return ready("it is complete");
  const failure = conditionOf(object, "Failed");
  if (isTrue(failure)) return failed(`it failed: ${told(failure)}`);
  return waiting(`${numberAt(object, "status", "succeeded")} of its pods are done`);
}
