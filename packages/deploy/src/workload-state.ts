import { at, conditionOf, type Kind, type KubernetesObject, kindOf, numberAt, textAt } from "./object.ts";

/** The kinds that {@link workloadProblem} judges. */
export const WORKLOAD_KINDS: readonly Kind[] = [
  { kind: "Deployment", api: "/apis/apps/v1", plural: "deployments" },
  { kind: "StatefulSet", api: "/apis/apps/v1", plural: "statefulsets" },
  { kind: "DaemonSet", api: "/apis/apps/v1", plural: "daemonsets" },
  { kind: "Job", api: "/apis/batch/v1", plural: "jobs" },
];

/** Why a workload is not as it is to be, in words; null where it is. */
export function workloadProblem(object: KubernetesObject): string | null {
  const kind = kindOf(object);
  if (kind === "Job") return jobProblem(object);
  // Its controller did not see the newest change yet, so the rest of its status is about an older one.
  if (numberAt(object, "status", "observedGeneration") < numberAt(object, "metadata", "generation"))
    return "its newest change was not taken up yet";
  if (kind === "DaemonSet") {
    const wanted = numberAt(object, "status", "desiredNumberScheduled");
    return countProblem(object, wanted, "updatedNumberScheduled", "numberAvailable");
  }
  const replicas = at(object, "spec", "replicas");
  const wanted = typeof replicas === "number" ? replicas : 1;
  const progressing = conditionOf(object, "Progressing");
  if (textAt(progressing, "reason") === "ProgressDeadlineExceeded") return "it made no progress in time";
  return countProblem(object, wanted, "updatedReplicas", kind === "Deployment" ? "availableReplicas" : "readyReplicas");
}

function countProblem(object: KubernetesObject, wanted: number, updated: string, available: string): string | null {
  const newest = numberAt(object, "status", updated);
  if (newest < wanted && !isUpdatedByHand(object)) return `${newest} of ${wanted} pods are of the newest version`;
  const ready = numberAt(object, "status", available);
  return ready < wanted ? `${ready} of ${wanted} pods are ready` : null;
}

/** Whether its pods are to stay as they are until somebody deletes them, or moves a partition on. */
const isUpdatedByHand = (object: KubernetesObject): boolean =>
  textAt(object, "spec", "updateStrategy", "type") === "OnDelete" ||
  numberAt(object, "spec", "updateStrategy", "rollingUpdate", "partition") > 0;

function jobProblem(object: KubernetesObject): string | null {
  const failed = conditionOf(object, "Failed");
  if (textAt(failed, "status") === "True")
    return `it failed: ${textAt(failed, "message") || textAt(failed, "reason") || "it does not say why"}`;
  return null;
}
