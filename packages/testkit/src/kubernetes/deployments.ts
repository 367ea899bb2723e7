import { at, type Json, type JsonObject, numberAt, objectAt, textAt } from "./json.ts";
import { controllerOf, isKubernetesObject, type KubernetesObject, ownerReference, timestamp } from "./objects.ts";
import { hashOf } from "./pods.ts";
import { createObject } from "./registry.ts";
import { findResource } from "./resources.ts";
import { condition, conditionOf, writeStatus } from "./status.ts";
import type { Store } from "./store.ts";

const DEPLOYMENTS = "apps/deployments";
const REPLICA_SETS = "apps/replicasets";
const HASH = "pod-template-hash";
const REVISION = "deployment.kubernetes.io/revision";

const revisionOf = (object: KubernetesObject): number => Number(object.metadata.annotations?.[REVISION] ?? 0);

const wanted = (object: KubernetesObject): number => numberAt(object, ["spec", "replicas"], 1);

function createReplicaSet(store: Store, deployment: KubernetesObject, hash: string, revision: number): void {
  const template = objectAt(deployment, "spec", "template");
  const labels = { ...objectAt(template, "metadata", "labels"), [HASH]: hash };
  const selector = objectAt(deployment, "spec", "selector");
  const replicaSet: Json = {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name: `${deployment.metadata.name}-${hash}`,
      namespace: deployment.metadata.namespace ?? "",
      labels,
      annotations: { [REVISION]: String(revision) },
      ownerReferences: [ownerReference(deployment)],
    },
    spec: {
      replicas: 0,
      selector: { ...selector, matchLabels: { ...objectAt(selector, "matchLabels"), [HASH]: hash } },
      template: { ...template, metadata: { ...objectAt(template, "metadata"), labels } },
    },
  };
  const resource = findResource(store, { apiVersion: "apps/v1", kind: "ReplicaSet" });
  if (resource && isKubernetesObject(replicaSet))
    createObject(store, resource, replicaSet, { dryRun: false, manager: "kube-controller-manager" });
}

function setReplicas(store: Store, replicaSet: KubernetesObject, replicas: number): void {
  if (wanted(replicaSet) === replicas) return;
  replicaSet.metadata.generation = (replicaSet.metadata.generation ?? 0) + 1;
  store.write(REPLICA_SETS, { ...replicaSet, spec: { ...objectAt(replicaSet, "spec"), replicas } });
}

function setRevision(store: Store, kind: string, object: KubernetesObject, revision: number): void {
  if (revisionOf(object) === revision) return;
  object.metadata.annotations = { ...object.metadata.annotations, [REVISION]: String(revision) };
  store.write(kind, object);
}

const ready = (object: KubernetesObject): number => numberAt(object, ["status", "readyReplicas"]);
const present = (object: KubernetesObject): number => numberAt(object, ["status", "replicas"]);
const sum = (sets: readonly KubernetesObject[], count: (set: KubernetesObject) => number): number =>
  sets.reduce((total, set) => total + count(set), 0);

/**
 * How far the rollout is: whether it goes on, came to its end, or took longer than its deadline.
 */
function progressing(
  deployment: KubernetesObject,
  current: KubernetesObject,
  { available, complete }: { readonly available: number; readonly complete: boolean },
): JsonObject {
  const before = conditionOf(deployment, "Progressing");
  const observed = numberAt(deployment, ["status", "observedGeneration"]) === deployment.metadata.generation;
  const updated = numberAt(deployment, ["status", "updatedReplicas"]);
  const moved = !observed || before === undefined || ready(deployment) !== available || updated !== present(current);
  const lastUpdateTime = moved ? timestamp() : textAt(before, "lastUpdateTime");
  const name = current.metadata.name;
  if (complete)
    return condition(deployment, "Progressing", true, {
      reason: "NewReplicaSetAvailable",
      message: `ReplicaSet "${name}" has successfully progressed.`,
      lastUpdateTime,
    });
  const deadline = numberAt(deployment, ["spec", "progressDeadlineSeconds"], 600) * 1000;
  if (Date.now() - Date.parse(lastUpdateTime) > deadline)
    return condition(deployment, "Progressing", false, {
      reason: "ProgressDeadlineExceeded",
      message: `ReplicaSet "${name}" has timed out progressing.`,
      lastUpdateTime,
    });
  return condition(deployment, "Progressing", true, {
    reason: "ReplicaSetUpdated",
    message: `ReplicaSet "${name}" is progressing.`,
    lastUpdateTime,
  });
}

function statusOf(
  deployment: KubernetesObject,
  current: KubernetesObject,
  old: readonly KubernetesObject[],
): JsonObject {
  const replicas = wanted(deployment);
  const all = [current, ...old];
  const available = sum(all, ready);
  const complete = ready(current) >= replicas && sum(old, present) === 0 && present(current) === replicas;
  const enough = available >= replicas - (replicas > 3 ? Math.floor(replicas / 4) : 0);
  const reason = enough
    ? { reason: "MinimumReplicasAvailable", message: "Deployment has minimum availability." }
    : { reason: "MinimumReplicasUnavailable", message: "Deployment does not have minimum availability." };
  const known = textAt(conditionOf(deployment, "Available"), "lastUpdateTime");
  return {
    observedGeneration: deployment.metadata.generation ?? 1,
    replicas: sum(all, present),
    updatedReplicas: present(current),
    readyReplicas: available,
    availableReplicas: available,
    unavailableReplicas: Math.max(0, replicas - available),
    conditions: [
      condition(deployment, "Available", enough, { ...reason, lastUpdateTime: known || timestamp() }),
      progressing(deployment, current, { available, complete }),
    ],
  };
}

function rollOut(store: Store, deployment: KubernetesObject): void {
  const owned = store
    .list(REPLICA_SETS, deployment.metadata.namespace)
    .filter((one) => controllerOf(one) === deployment.metadata.uid);
  const hash = hashOf(at(deployment, "spec", "template"));
  const current = owned.find((one) => one.metadata.labels?.[HASH] === hash);
  const newest = Math.max(0, ...owned.map(revisionOf));
  if (current === undefined) {
    if (at(deployment, "spec", "paused") !== true) createReplicaSet(store, deployment, hash, newest + 1);
    return;
  }
  const old = owned.filter((one) => one !== current);
  const revision = owned.length > 1 && revisionOf(current) < newest ? newest + 1 : revisionOf(current);
  setRevision(store, REPLICA_SETS, current, revision);
  writeStatus(store, DEPLOYMENTS, deployment, statusOf(deployment, current, old));
  const fresh = store.get(DEPLOYMENTS, deployment.metadata.namespace ?? "", deployment.metadata.name);
  if (fresh) setRevision(store, DEPLOYMENTS, fresh, revision);

  const replicas = wanted(deployment);
  const oldGoesFirst = textAt(deployment, "spec", "strategy", "type") === "Recreate";
  if (oldGoesFirst || ready(current) >= replicas) for (const one of old) setReplicas(store, one, 0);
  const again = store.get(REPLICA_SETS, current.metadata.namespace ?? "", current.metadata.name);
  if (again && !(oldGoesFirst && sum(old, present) > 0)) setReplicas(store, again, replicas);
}

/**
 * Rolls every Deployment out: a ReplicaSet for its template, and the older ones ended once that is
 * ready.
 */
export function reconcileDeployments(store: Store): void {
  for (const deployment of store.list(DEPLOYMENTS))
    if (deployment.metadata["deletionTimestamp"] === undefined) rollOut(store, deployment);
}
