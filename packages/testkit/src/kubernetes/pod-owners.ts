import { at, numberAt, objectAt, textAt } from "./json.ts";
import type { KubernetesObject } from "./objects.ts";
import { isOver, isReady } from "./pod-lifecycle.ts";
import { createPod, dismissPod, hashOf, podsOf } from "./pods.ts";
import { objection } from "./scheduling.ts";
import { condition, writeStatus } from "./status.ts";
import type { Store } from "./store.ts";

const REVISION = "controller-revision-hash";

const generation = ({ metadata }: KubernetesObject): number => metadata.generation ?? 1;
const live = (pods: readonly KubernetesObject[]): KubernetesObject[] => pods.filter((pod) => !isOver(pod));
const ordinal = ({ metadata }: KubernetesObject): number =>
  Number(metadata.name.slice(metadata.name.lastIndexOf("-") + 1));
const nodeOf = (pod: KubernetesObject): string => textAt(pod, "spec", "nodeName");
const readyOf = (pods: readonly KubernetesObject[]): number => pods.filter(isReady).length;

function runReplicaSet(store: Store, set: KubernetesObject): void {
  const pods = live(podsOf(store, set));
  const wanted = numberAt(set, ["spec", "replicas"], 1);
  for (let missing = wanted - pods.length; missing > 0; missing--)
    createPod(store, set, { generateName: `${set.metadata.name}-` });
  // Those that are not ready go first.
  for (const pod of pods
    .toSorted((a, b) => Number(isReady(a)) - Number(isReady(b)))
    .slice(0, Math.max(0, pods.length - wanted)))
    dismissPod(store, pod);
  writeStatus(store, "apps/replicasets", set, {
    observedGeneration: generation(set),
    replicas: pods.length,
    fullyLabeledReplicas: pods.length,
    readyReplicas: readyOf(pods),
    availableReplicas: readyOf(pods),
  });
}

function runStatefulSet(store: Store, set: KubernetesObject): void {
  const pods = live(podsOf(store, set));
  const wanted = numberAt(set, ["spec", "replicas"], 1);
  const hash = `${set.metadata.name}-${hashOf(at(set, "spec", "template"))}`;
  const isCurrent = (pod: KubernetesObject): boolean => pod.metadata.labels?.[REVISION] === hash;
  const partition = numberAt(set, ["spec", "updateStrategy", "rollingUpdate", "partition"]);
  const inParallel = textAt(set, "spec", "podManagementPolicy") === "Parallel";
  for (let index = 0; index < wanted; index++) {
    const pod = pods.find((one) => ordinal(one) === index);
    const name = `${set.metadata.name}-${index}`;
    if (pod === undefined && store.get("/pods", set.metadata.namespace ?? "", name) === undefined)
      createPod(store, set, { name }, { [REVISION]: hash, "statefulset.kubernetes.io/pod-name": name });
    // One after another: the next waits for this one.
    if (!inParallel && (pod === undefined || !isReady(pod))) break;
  }
  const excess = pods.filter((pod) => ordinal(pod) >= wanted);
  const outdated = pods
    .filter((pod) => !isCurrent(pod) && ordinal(pod) >= partition)
    .toSorted((a, b) => ordinal(b) - ordinal(a));
  const mayReplace = textAt(set, "spec", "updateStrategy", "type") !== "OnDelete" && outdated.length > 0;
  // A pod that is not ready is replaced at once, even where others are not ready either; else one
  // at a time, once all are there.
  const stuck = pods.filter((pod) => !isReady(pod));
  const next =
    stuck.length > 0 ? outdated.filter((pod) => stuck.includes(pod)) : outdated.slice(0, pods.length < wanted ? 0 : 1);
  for (const pod of [...excess, ...(mayReplace ? next : [])]) dismissPod(store, pod);
  const updated = pods.filter(isCurrent).length;
  const before = textAt(set, "status", "currentRevision");
  writeStatus(store, "apps/statefulsets", set, {
    observedGeneration: generation(set),
    replicas: pods.length,
    readyReplicas: readyOf(pods),
    availableReplicas: readyOf(pods),
    currentReplicas: pods.length - updated || updated,
    updatedReplicas: updated,
    currentRevision: before === "" || (updated === wanted && readyOf(pods) === wanted) ? hash : before,
    updateRevision: hash,
    collisionCount: 0,
  });
}

/**
 * How many pods of a DaemonSet may be away while it is updated: a number, or a share of its nodes.
 */
function mostUnavailable(set: KubernetesObject, nodes: number): number {
  const most = at(set, "spec", "updateStrategy", "rollingUpdate", "maxUnavailable");
  if (typeof most === "number") return most;
  return typeof most === "string" ? Math.ceil((Number.parseInt(most, 10) / 100) * nodes) : 1;
}

function runDaemonSet(store: Store, set: KubernetesObject): void {
  const pods = live(podsOf(store, set));
  const hash = hashOf(at(set, "spec", "template"));
  const model: KubernetesObject = { ...set, spec: objectAt(set, "spec", "template", "spec") };
  const nodes = store
    .list("/nodes")
    .filter((node) => objection(node, model, { isDaemon: true, load: 0 }) === undefined);
  const names = nodes.map(({ metadata }) => metadata.name);
  for (const name of names)
    if (!pods.some((pod) => nodeOf(pod) === name))
      createPod(store, set, { generateName: `${set.metadata.name}-` }, { [REVISION]: hash }, name);
  const onDelete = textAt(set, "spec", "updateStrategy", "type") === "OnDelete";
  const outdated = onDelete ? [] : pods.filter((pod) => pod.metadata.labels?.[REVISION] !== hash);
  const misplaced = pods.filter((pod) => !names.includes(nodeOf(pod)));
  // What does not run anyway is replaced at once; of the others, so many that no more than allowed
  // are away.
  const missing = names.length - readyOf(pods.filter((pod) => names.includes(nodeOf(pod))));
  const room = Math.max(0, mostUnavailable(set, names.length) - missing);
  const replaced = [
    ...outdated.filter((pod) => !isReady(pod)),
    ...outdated.filter((pod) => isReady(pod)).slice(0, room),
  ];
  for (const pod of new Set([...misplaced, ...replaced])) dismissPod(store, pod);
  const placed = pods.filter((pod) => names.includes(nodeOf(pod)));
  writeStatus(store, "apps/daemonsets", set, {
    observedGeneration: generation(set),
    desiredNumberScheduled: names.length,
    currentNumberScheduled: placed.length,
    numberMisscheduled: misplaced.length,
    numberReady: readyOf(placed),
    numberAvailable: readyOf(placed),
    numberUnavailable: names.length - readyOf(placed),
    updatedNumberScheduled: placed.filter((pod) => pod.metadata.labels?.[REVISION] === hash).length,
  });
}

function runJob(store: Store, job: KubernetesObject): void {
  const all = podsOf(store, job);
  const active = live(all);
  const succeeded = all.filter((pod) => textAt(pod, "status", "phase") === "Succeeded").length;
  const failed = all.filter((pod) => textAt(pod, "status", "phase") === "Failed").length;
  const completions = numberAt(job, ["spec", "completions"], 1);
  const isFailed = failed > numberAt(job, ["spec", "backoffLimit"], 6);
  const isComplete = succeeded >= completions;
  if (!isFailed && !isComplete && at(job, "spec", "suspend") !== true) {
    const wanted = Math.min(numberAt(job, ["spec", "parallelism"], 1), completions - succeeded);
    const labels = { "batch.kubernetes.io/job-name": job.metadata.name, "job-name": job.metadata.name };
    for (let missing = wanted - active.length; missing > 0; missing--)
      createPod(store, job, { generateName: `${job.metadata.name}-` }, labels);
  }
  const created = textAt(job, "metadata", "creationTimestamp");
  const complete = condition(job, "Complete", true, {
    reason: "CompletionsReached",
    message: "Reached expected number of succeeded pods",
  });
  const backedOff = condition(job, "Failed", true, {
    reason: "BackoffLimitExceeded",
    message: "Job has reached the specified backoff limit",
  });
  writeStatus(store, "batch/jobs", job, {
    startTime: created,
    ...(isComplete ? { completionTime: textAt(complete, "lastTransitionTime"), conditions: [complete] } : {}),
    ...(isFailed ? { conditions: [backedOff] } : {}),
    ...(active.length > 0 ? { active: active.length } : {}),
    ...(succeeded > 0 ? { succeeded } : {}),
    ...(failed > 0 ? { failed } : {}),
    ready: readyOf(active),
    uncountedTerminatedPods: {},
  });
}

const RUN: Readonly<Record<string, (store: Store, owner: KubernetesObject) => void>> = {
  "apps/replicasets": runReplicaSet,
  "apps/statefulsets": runStatefulSet,
  "apps/daemonsets": runDaemonSet,
  "batch/jobs": runJob,
};

/**
 * Keeps the pods of ReplicaSets, StatefulSets, DaemonSets and Jobs as many and as new as those ask,
 * and their status true.
 */
export function reconcilePodOwners(store: Store): void {
  for (const [kind, runOne] of Object.entries(RUN))
    for (const owner of store.list(kind)) if (owner.metadata["deletionTimestamp"] === undefined) runOne(store, owner);
}
