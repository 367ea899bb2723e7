import { createHash } from "node:crypto";
import { recordEvent } from "./events.ts";
import { isObject, type Json, listAt, objectAt, textAt } from "./json.ts";
import { controllerOf, isKubernetesObject, type KubernetesObject, ownerReference, timestamp } from "./objects.ts";
import { isOver, ruleFor, statusOnNode, tellTrouble } from "./pod-lifecycle.ts";
import { createObject } from "./registry.ts";
import { findResource } from "./resources.ts";
import { schedule } from "./scheduling.ts";
import type { Cluster } from "./state.ts";
import { condition, writeStatus } from "./status.ts";
import type { Store } from "./store.ts";

const PODS = "/pods";

/** A short name for what a template says, as in the labels of its pods. */
export const hashOf = (template: Json | undefined): string =>
  createHash("sha256").update(JSON.stringify(template)).digest("hex").slice(0, 10);

/** Makes a pod from its owner's template. */
export function createPod(
  store: Store,
  owner: KubernetesObject,
  name: { readonly name: string } | { readonly generateName: string },
  labels: Record<string, string> = {},
  nodeName?: string,
): void {
  const resource = findResource(store, { apiVersion: "v1", kind: "Pod" });
  const template = objectAt(owner, "spec", "template");
  const pod: Json = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      ...objectAt(template, "metadata"),
      name: "name" in name ? name.name : name.generateName + crypto.randomUUID().slice(0, 5),
      ...name,
      namespace: owner.metadata.namespace ?? "",
      labels: { ...objectAt(template, "metadata", "labels"), ...labels },
      ownerReferences: [ownerReference(owner)],
    },
    spec: { ...objectAt(template, "spec"), ...(nodeName === undefined ? {} : { nodeName }) },
  };
  if (resource && isKubernetesObject(pod))
    createObject(store, resource, pod, { dryRun: false, manager: "kube-controller-manager" });
}

/** The pods of an owner that are not about to go. */
export const podsOf = (store: Store, owner: KubernetesObject): KubernetesObject[] =>
  store
    .list(PODS, owner.metadata.namespace)
    .filter((pod) => controllerOf(pod) === owner.metadata.uid && pod.metadata["deletionTimestamp"] === undefined);

/** Asks a pod to end. */
export function dismissPod(store: Store, pod: KubernetesObject): void {
  pod.metadata["deletionTimestamp"] = timestamp();
  store.write(PODS, pod);
}

function place(cluster: Cluster, pod: KubernetesObject): void {
  const { store } = cluster;
  const rule = ruleFor(cluster, pod);
  const placed =
    rule?.becomes === "Unschedulable"
      ? { refused: rule.message ?? `0/${store.list("/nodes").length} nodes are available: insufficient memory.` }
      : schedule(store, pod);
  if ("node" in placed) {
    store.write(PODS, { ...pod, spec: { ...objectAt(pod, "spec"), nodeName: placed.node } });
    return;
  }
  const scheduled = condition(pod, "PodScheduled", false, { reason: "Unschedulable", message: placed.refused });
  writeStatus(store, PODS, pod, { phase: "Pending", conditions: [scheduled], qosClass: "BestEffort" });
  recordEvent(store, pod, {
    type: "Warning",
    reason: "FailedScheduling",
    message: placed.refused,
    from: "default-scheduler",
  });
}

/**
 * The scheduler and the kubelets: gives every pod a node, and lets it become what its rule says.
 */
export function reconcilePods(cluster: Cluster): void {
  const { store } = cluster;
  for (const pod of store.list(PODS)) {
    if (pod.metadata["deletionTimestamp"] !== undefined) {
      if (listAt(pod.metadata, "finalizers").length === 0)
        store.remove(PODS, pod.metadata.namespace ?? "", pod.metadata.name);
    } else if (isOver(pod) || !isObject(pod["spec"])) continue;
    else if (textAt(pod, "spec", "nodeName") === "") place(cluster, pod);
    else {
      const status = statusOnNode(cluster, pod);
      writeStatus(store, PODS, pod, status);
      tellTrouble(cluster, { ...pod, status });
    }
  }
}
