/*
 * What Kubernetes says of the objects of a release that take their time, as `kubectl rollout
 * status` and `helm --wait` read it, and custom resources by their conditions:
 * https://kubernetes.io/docs/concepts/workloads/
 * https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md
 */
import type { KubernetesObject } from "../cluster/api.ts";
import { conditionOf, type Kind } from "../cluster/kubernetes-object.ts";
import { at, listAt, numberAt, textAt } from "../values/value.ts";

/** An object of a release that is not ready as soon as it is made. */
export interface Workload {
  /** Such as `Deployment`, `PersistentVolumeClaim`, or the kind of a custom resource. */
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** How far a workload is: `failed` where it will not become ready by itself. */
export interface WorkloadState {
  readonly state: "ready" | "waiting" | "failed";
  /** One sentence. It comes from the cluster: secrets may be in it. */
  readonly message: string;
}

/** One of Kubernetes' own kinds of workloads, and how far an object of it is. */
export interface WorkloadKind extends Kind {
  readonly stateOf: (object: KubernetesObject) => WorkloadState;
}

/** Those that Kubernetes itself has. */
export const WORKLOAD_KINDS: readonly WorkloadKind[] = [
  { kind: "Deployment", api: "/apis/apps/v1", plural: "deployments", stateOf: deploymentState },
  { kind: "StatefulSet", api: "/apis/apps/v1", plural: "statefulsets", stateOf: statefulSetState },
  { kind: "DaemonSet", api: "/apis/apps/v1", plural: "daemonsets", stateOf: daemonSetState },
  { kind: "ReplicaSet", api: "/apis/apps/v1", plural: "replicasets", stateOf: replicaSetState },
  { kind: "ReplicationController", api: "/api/v1", plural: "replicationcontrollers", stateOf: replicaSetState },
  { kind: "Job", api: "/apis/batch/v1", plural: "jobs", stateOf: jobState },
  { kind: "Pod", api: "/api/v1", plural: "pods", stateOf: podState },
  { kind: "PersistentVolumeClaim", api: "/api/v1", plural: "persistentvolumeclaims", stateOf: claimState },
  { kind: "Service", api: "/api/v1", plural: "services", stateOf: serviceState },
  {
    kind: "CustomResourceDefinition",
    api: "/apis/apiextensions.k8s.io/v1",
    plural: "customresourcedefinitions",
    clusterWide: true,
    stateOf: definitionState,
  },
];

/** Which kind of workload an object's kind is; undefined where it is none of Kubernetes' own. */
export const workloadKind = (apiVersion: string | undefined, kind: string | undefined): WorkloadKind | undefined =>
  WORKLOAD_KINDS.find((one) => one.kind === kind && one.api.replace(/^\/apis?\//, "") === apiVersion);

const ready = (message: string): WorkloadState => ({ state: "ready", message });
const waiting = (message: string): WorkloadState => ({ state: "waiting", message });
const failed = (message: string): WorkloadState => ({ state: "failed", message });

/**
 * How far a workload is.
 *
 * @param kind of Kubernetes' own workloads; a custom resource, or what has no state, where left out
 */
export function stateOf(object: KubernetesObject, kind?: WorkloadKind): WorkloadState {
  if (object.metadata.deletionTimestamp !== undefined) return waiting("it is being removed");
  const observed = at(object, "status", "observedGeneration");
  // Not all kinds tell which change they saw.
  const tells = typeof observed === "number" || (kind?.api === "/apis/apps/v1" && kind.kind !== "ReplicaSet");
  if (tells && numberAt(object, "status", "observedGeneration") < (object.metadata.generation ?? 0))
    return waiting("its change was not yet seen by the cluster");
  return (kind?.stateOf ?? resourceState)(object);
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

function replicaSetState(object: KubernetesObject): WorkloadState {
  const wanted = wantedBy(object);
  const available = numberAt(object, "status", "availableReplicas");
  if (available >= wanted) return ready(`${pods(wanted)} available`);
  const failure = conditionOf(object, "ReplicaFailure");
  return waiting(`${available} of ${wanted} pods are available${isTrue(failure) ? `: ${told(failure)}` : ""}`);
}

function podState(object: KubernetesObject): WorkloadState {
  const phase = textAt(object, "status", "phase");
  if (phase === "Succeeded") return ready("it is complete");
  if (phase === "Failed") return failed(`it failed: ${textAt(object, "status", "message") || "it did not say why"}`);
  return isTrue(conditionOf(object, "Ready")) ? ready("it is ready") : waiting("it is not ready");
}

function claimState(object: KubernetesObject): WorkloadState {
  const phase = textAt(object, "status", "phase");
  if (phase === "Bound") return ready("it is bound to a volume");
  return phase === "Lost" ? failed("its volume is lost") : waiting("it is not bound to a volume");
}

/** One that is to be reached from outside has an address for it. */
function serviceState(object: KubernetesObject): WorkloadState {
  const hasAddress =
    listAt(object, "status", "loadBalancer", "ingress").length > 0 || listAt(object, "spec", "externalIPs").length > 0;
  if (textAt(object, "spec", "type") !== "LoadBalancer" || hasAddress) return ready("it has its address");
  return waiting("no load balancer has given it an address");
}

function definitionState(object: KubernetesObject): WorkloadState {
  const names = conditionOf(object, "NamesAccepted");
  if (textAt(names, "status") === "False") return failed(`its names are not accepted: ${told(names)}`);
  return isTrue(conditionOf(object, "Established")) ? ready("it is established") : waiting("it is not established");
}

/** Whether a condition is about an earlier state of its object, as some controllers write. */
function isOutdated(condition: unknown, { metadata: { generation = 0 } }: KubernetesObject): boolean {
  const observed = at(condition, "observedGeneration");
  return typeof observed === "number" && observed < generation;
}

/** A custom resource, or what has no state, by the conditions that most controllers keep. */
function resourceState(object: KubernetesObject): WorkloadState {
  const [stalled, reconciling, readiness] = ["Stalled", "Reconciling", "Ready"].map((type) =>
    conditionOf(object, type),
  );
  if (isTrue(stalled) && !isOutdated(stalled, object)) return failed(`it is stalled: ${told(stalled)}`);
  if (isTrue(reconciling)) return waiting(`its controller is at it: ${told(reconciling)}`);
  if (isOutdated(readiness, object)) return waiting("its change was not yet seen by its controller");
  if (readiness === undefined || isTrue(readiness)) return ready("it is ready");
  return waiting(`it is not ready: ${told(readiness)}`);
}
