import { recordEvent } from "./events.ts";
import { badRequest } from "./failures.ts";
import { at, isObject, type Json, type JsonObject, listAt, textAt } from "./json.ts";
import { type KubernetesObject, timestamp } from "./objects.ts";
import { addressOf } from "./defaults.ts";
import type { Cluster, PodFate, PodRule } from "./state.ts";
import { condition, conditionOf } from "./status.ts";

/** Whether a pod is ready to serve. */
export const isReady = (pod: KubernetesObject): boolean => at(conditionOf(pod, "Ready"), "status") === "True";

/** Whether a pod came to its end. */
export const isOver = (pod: KubernetesObject): boolean =>
  ["Succeeded", "Failed"].includes(textAt(pod, "status", "phase"));

const imagesOf = (pod: KubernetesObject): string[] =>
  listAt(pod, "spec", "containers").map((container) => textAt(container, "image"));

/** The rule that holds for a pod. */
export const ruleFor = ({ podRules }: Cluster, pod: KubernetesObject): PodRule | undefined =>
  podRules.find(
    (rule) =>
      (rule.namespace ?? pod.metadata.namespace) === pod.metadata.namespace &&
      (rule.name?.test(pod.metadata.name) ?? true) &&
      (rule.image === undefined || imagesOf(pod).some((image) => rule.image?.test(image))),
  );

const ownerKind = (pod: KubernetesObject): string => textAt(listAt(pod.metadata, "ownerReferences")[0], "kind");

/** What happens to one container: the fate of its rule, where the rule is about it. */
function fateOf(rule: PodRule | undefined, image: string): PodFate {
  return rule && (rule.image?.test(image) ?? true) ? rule.becomes : "ready";
}

/** What keeps a container from starting, in the words of the kubelet. */
function reasonToWait(fate: PodFate, image: string, pod: KubernetesObject, container: string): string | undefined {
  if (fate === "ImagePullBackOff")
    return `Back-off pulling image "${image}": ErrImagePull: failed to pull and unpack image "${image}": not found`;
  if (fate === "CrashLoopBackOff")
    return `back-off 5m0s restarting failed container=${container} pod=${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})`;
  return fate === "CreateContainerConfigError" ? `secret "missing" not found` : undefined;
}

const ended = (code: number): JsonObject => ({
  terminated: {
    exitCode: code,
    reason: code === 0 ? "Completed" : "Error",
    startedAt: timestamp(),
    finishedAt: timestamp(),
    containerID: "containerd://0",
  },
});

interface Fated {
  readonly fate: PodFate;
  readonly status: JsonObject;
}

function containerStatus(pod: KubernetesObject, container: Json, rule: PodRule | undefined): Fated {
  const name = textAt(container, "name");
  const image = textAt(container, "image");
  const fate = fateOf(rule, image);
  const known = listAt(pod, "status", "containerStatuses").find((one) => at(one, "name") === name);
  const startedAt = textAt(known, "state", "running", "startedAt") || timestamp();
  const done = fate === "ready" && ownerKind(pod) === "Job";
  const waiting = reasonToWait(fate, image, pod, name);
  const state: JsonObject =
    waiting === undefined
      ? { running: { startedAt } }
      : { waiting: { reason: fate, message: rule?.message ?? waiting } };
  return {
    fate,
    status: {
      name,
      image,
      imageID: waiting === undefined ? `${image}@sha256:${"0".repeat(64)}` : "",
      ready: fate === "ready" && !done,
      started: fate === "ready" || fate === "unready",
      restartCount: fate === "CrashLoopBackOff" ? 4 : 0,
      state: done ? ended(0) : fate === "failed" ? ended(1) : state,
      lastState: fate === "CrashLoopBackOff" ? (at(known, "lastState") ?? ended(1)) : {},
    },
  };
}

function phaseOf(pod: KubernetesObject, fates: readonly PodFate[]): string {
  if (fates.includes("failed")) return "Failed";
  if (fates.some((fate) => fate === "ImagePullBackOff" || fate === "CreateContainerConfigError")) return "Pending";
  return ownerKind(pod) === "Job" && fates.every((fate) => fate === "ready") ? "Succeeded" : "Running";
}

/** The status of a pod that has a node. */
export function statusOnNode(cluster: Cluster, pod: KubernetesObject): JsonObject {
  const rule = ruleFor(cluster, pod);
  const containers = listAt(pod, "spec", "containers").map((container) => containerStatus(pod, container, rule));
  const phase = phaseOf(
    pod,
    containers.map(({ fate }) => fate),
  );
  const ready = containers.every(({ status }) => status["ready"] === true);
  const unready = containers
    .filter(({ status }) => status["ready"] !== true)
    .map(({ status }) => textAt(status, "name"));
  const why = ready
    ? {}
    : phase === "Succeeded"
      ? { reason: "PodCompleted" }
      : { reason: "ContainersNotReady", message: `containers with unready status: [${unready.join(" ")}]` };
  const ip = addressOf("10.244", `${pod.metadata.uid}`);
  return {
    phase,
    conditions: [
      condition(pod, "PodScheduled", true),
      condition(pod, "Initialized", true),
      condition(pod, "ContainersReady", ready, why),
      condition(pod, "Ready", ready, why),
    ],
    hostIP: addressOf("10.0", textAt(pod, "spec", "nodeName")),
    podIP: ip,
    podIPs: [{ ip }],
    startTime: textAt(pod, "status", "startTime") || timestamp(),
    qosClass: "BestEffort",
    containerStatuses: containers.map(({ status }) => status),
  };
}

/** Tells in events what keeps a pod. */
export function tellTrouble({ store }: Cluster, pod: KubernetesObject): void {
  const tell = (reason: string, message: string): void =>
    recordEvent(store, pod, { type: "Warning", reason, message, from: "kubelet" });
  for (const status of listAt(pod, "status", "containerStatuses")) {
    const reason = textAt(status, "state", "waiting", "reason");
    const message = textAt(status, "state", "waiting", "message");
    if (reason === "ImagePullBackOff") {
      tell("Failed", `Failed to pull image "${textAt(status, "image")}": ${message}`);
      tell("Failed", "Error: ImagePullBackOff");
    } else if (reason === "CrashLoopBackOff") tell("BackOff", message);
    else if (reason !== "") tell("Failed", `Error: ${message}`);
    else if (isObject(at(status, "state", "running")) && at(status, "ready") === false)
      tell("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503");
  }
}

/** The lines that a container wrote. Throws a Refusal, 400, where it never started. */
export function logOf(
  cluster: Cluster,
  pod: KubernetesObject,
  container: string,
  previous: boolean,
): readonly string[] {
  if (textAt(pod, "spec", "nodeName") === "")
    throw badRequest(`pod ${pod.metadata.name} does not have a host assigned`);
  const status = listAt(pod, "status", "containerStatuses").find((one) => at(one, "name") === container);
  const waits = textAt(status, "state", "waiting", "reason");
  if (waits === "ImagePullBackOff")
    throw badRequest(
      `container "${container}" in pod "${pod.metadata.name}" is waiting to start: trying and failing to pull image`,
    );
  if (waits === "CreateContainerConfigError")
    throw badRequest(
      `container "${container}" in pod "${pod.metadata.name}" is waiting to start: CreateContainerConfigError`,
    );
  if (previous && !isObject(at(status, "lastState", "terminated")))
    throw badRequest(`previous terminated container "${container}" in pod "${pod.metadata.name}" not found`);
  return ruleFor(cluster, pod)?.logs ?? [];
}
