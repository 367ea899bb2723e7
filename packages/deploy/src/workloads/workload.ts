/*
 * What Kubernetes says of a workload, as `kubectl rollout status` reads it:
 * https://kubernetes.io/docs/concepts/workloads/
 */
import type { KubernetesObject } from "../cluster/api.ts";
import type { Manifest } from "../helm/manifests.ts";

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

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

/** What is looked at of a workload. */
export interface WorkloadObject extends KubernetesObject {
  readonly spec?: {
    readonly replicas?: number;
    readonly paused?: boolean;
    readonly suspend?: boolean;
    readonly selector?: LabelSelector;
    readonly updateStrategy?: { readonly type?: string; readonly rollingUpdate?: { readonly partition?: number } };
  };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly availableReplicas?: number;
    readonly readyReplicas?: number;
    readonly currentRevision?: string;
    readonly updateRevision?: string;
    readonly desiredNumberScheduled?: number;
    readonly updatedNumberScheduled?: number;
    readonly numberAvailable?: number;
    readonly succeeded?: number;
    readonly conditions?: readonly Condition[];
  };
}

export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}

const API: Readonly<Record<WorkloadKind, string>> = {
  Deployment: "apps/v1/namespaces/{namespace}/deployments",
  DaemonSet: "apps/v1/namespaces/{namespace}/daemonsets",
  StatefulSet: "apps/v1/namespaces/{namespace}/statefulsets",
  Job: "batch/v1/namespaces/{namespace}/jobs",
};

/** The path at which the API lists the workloads of a kind. */
export const pathOfKind = ({ kind, namespace }: Pick<Workload, "kind" | "namespace">): string =>
  `/apis/${API[kind].replace("{namespace}", namespace)}`;

const isWorkloadKind = (kind: string): kind is WorkloadKind => Object.hasOwn(API, kind);

/** The workloads among the objects of a release. */
export const workloadsAmong = (manifests: readonly Manifest[], namespace: string): Workload[] =>
  manifests.flatMap(({ apiVersion, kind, name, namespace: own }) =>
    isWorkloadKind(kind) && /^(?:apps|batch)\/v1$/.test(apiVersion)
      ? [{ kind, name, namespace: own ?? namespace }]
      : [],
  );

const ready = (message: string): WorkloadState => ({ state: "ready", message });
const waiting = (message: string): WorkloadState => ({ state: "waiting", message });
const failed = (message: string): WorkloadState => ({ state: "failed", message });

/** How far a workload is. */
export function stateOf(kind: WorkloadKind, object: WorkloadObject): WorkloadState {
  if (object.metadata.deletionTimestamp !== undefined) return waiting("it is being removed");
  if (kind === "Job") return jobState(object);
  if ((object.status?.observedGeneration ?? 0) < (object.metadata.generation ?? 0))
    return waiting("its change was not yet seen by the cluster");
  if (kind === "Deployment") return deploymentState(object);
  return kind === "DaemonSet" ? daemonSetState(object) : statefulSetState(object);
}

const conditionOf = ({ status }: WorkloadObject, type: string): Condition | undefined =>
  status?.conditions?.find((condition) => condition.type === type);

/** `1 pod is`, `2 pods are`. */
const pods = (number: number, which = ""): string => `${number} ${which}${number === 1 ? "pod is" : "pods are"}`;

function deploymentState(object: WorkloadObject): WorkloadState {
  const { spec = {}, status = {} } = object;
  if (spec.paused === true) return ready("it is paused");
  const wanted = spec.replicas ?? 1;
  const { updatedReplicas: updated = 0, availableReplicas: available = 0, replicas = 0 } = status;
  if (updated >= wanted && replicas <= updated && available >= wanted) return ready(`${pods(wanted)} available`);
  const progressing = conditionOf(object, "Progressing");
  if (progressing?.reason === "ProgressDeadlineExceeded")
    return failed(progressing.message ?? "it made no progress within its deadline");
  const failure = conditionOf(object, "ReplicaFailure");
  const why = failure?.status === "True" ? `: ${failure.message ?? failure.reason ?? ""}` : "";
  if (updated < wanted) return waiting(`${updated} of ${wanted} pods are updated${why}`);
  if (replicas > updated) return waiting(`${pods(replicas - updated, "old ")} still there`);
  return waiting(`${available} of ${wanted} pods are available${why}`);
}

// Where pods are replaced only when somebody removes them (OnDelete), those that are there must be
// ready, whatever they are made from.
const replacesPods = ({ spec }: WorkloadObject): boolean => spec?.updateStrategy?.type !== "OnDelete";

/**
 * All pods count, also where `maxUnavailable` would let some be away: that is for the time of an
 * update.
 */
function daemonSetState(object: WorkloadObject): WorkloadState {
  const {
    desiredNumberScheduled: wanted = 0,
    updatedNumberScheduled: updated = 0,
    numberAvailable = 0,
  } = object.status ?? {};
  if (updated < wanted && replacesPods(object)) return waiting(`${updated} of ${wanted} pods are updated`);
  if (numberAvailable < wanted) return waiting(`${numberAvailable} of ${wanted} pods are available`);
  return ready(`${pods(wanted)} available`);
}

function statefulSetState(object: WorkloadObject): WorkloadState {
  const { spec, status = {} } = object;
  const wanted = spec?.replicas ?? 1;
  const { updatedReplicas: updated = 0, readyReplicas = 0, currentRevision, updateRevision } = status;
  const toUpdate = Math.max(0, wanted - (spec?.updateStrategy?.rollingUpdate?.partition ?? 0));
  if (updated < toUpdate && currentRevision !== updateRevision && replacesPods(object))
    return waiting(`${updated} of ${toUpdate} pods are updated`);
  if (readyReplicas < wanted) return waiting(`${readyReplicas} of ${wanted} pods are ready`);
  return ready(`${pods(wanted)} ready`);
}

function jobState(object: WorkloadObject): WorkloadState {
  const { spec, status } = object;
  if (spec?.suspend === true) return ready("it is suspended");
  if (conditionOf(object, "Complete")?.status === "True") return ready("it is complete");
  const failure = conditionOf(object, "Failed");
  if (failure?.status === "True") return failed(`it failed: ${failure.message ?? failure.reason ?? ""}`);
  return waiting(`${status?.succeeded ?? 0} of its pods are done`);
}
