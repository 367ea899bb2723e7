import { createHash } from "node:crypto";
import { isObject, type Json, type JsonObject, listAt, objectAt, textAt } from "./json.ts";
import type { KubernetesObject } from "./objects.ts";

/** Sets properties that are not there. */
function fill(target: JsonObject, values: JsonObject): JsonObject {
  for (const [key, value] of Object.entries(values)) target[key] ??= structuredClone(value);
  return target;
}

const objects = (values: readonly Json[]): JsonObject[] => values.filter((value) => isObject(value));

/** The object at `key`, put there where there was none. */
function within(target: JsonObject, key: string): JsonObject {
  const found = target[key];
  return isObject(found) ? found : (target[key] = {});
}

const pullsAlways = (image: string): boolean => image.endsWith(":latest") || !/[:@][^/]+$/.test(image);

function fillPodSpec(spec: JsonObject): void {
  fill(spec, {
    restartPolicy: "Always",
    dnsPolicy: "ClusterFirst",
    terminationGracePeriodSeconds: 30,
    schedulerName: "default-scheduler",
    securityContext: {},
  });
  for (const container of objects([...listAt(spec, "containers"), ...listAt(spec, "initContainers")])) {
    fill(container, {
      imagePullPolicy: pullsAlways(textAt(container, "image")) ? "Always" : "IfNotPresent",
      terminationMessagePath: "/dev/termination-log",
      terminationMessagePolicy: "File",
      resources: {},
    });
    for (const port of objects(listAt(container, "ports"))) fill(port, { protocol: "TCP" });
  }
}

/** An address that stays the same for a name. */
export const addressOf = (network: string, name: string): string =>
  `${network}.${createHash("sha256").update(name).digest().subarray(0, 2).join(".")}`;

function fillService(spec: JsonObject, name: string): void {
  fill(spec, { type: "ClusterIP", sessionAffinity: "None", internalTrafficPolicy: "Cluster" });
  if (spec["type"] !== "ExternalName") fill(spec, { clusterIP: addressOf("10.96", name) });
  if (typeof spec["clusterIP"] === "string" && spec["type"] !== "ExternalName")
    fill(spec, { clusterIPs: [spec["clusterIP"]], ipFamilies: ["IPv4"], ipFamilyPolicy: "SingleStack" });
  for (const port of objects(listAt(spec, "ports"))) fill(port, { protocol: "TCP", targetPort: port["port"] });
}

const ROLLING = { type: "RollingUpdate", rollingUpdate: { maxSurge: "25%", maxUnavailable: "25%" } };

const DEFAULTS: Readonly<Record<string, (spec: JsonObject, name: string) => void>> = {
  Deployment: (spec) => {
    fill(spec, { replicas: 1, revisionHistoryLimit: 10, progressDeadlineSeconds: 600, strategy: {} });
    const strategy = within(spec, "strategy");
    if ((strategy["type"] ?? "RollingUpdate") === "RollingUpdate") fill(strategy, ROLLING);
  },
  ReplicaSet: (spec) => fill(spec, { replicas: 1 }),
  StatefulSet: (spec) => {
    fill(spec, { replicas: 1, podManagementPolicy: "OrderedReady", revisionHistoryLimit: 10, updateStrategy: {} });
    const strategy = within(spec, "updateStrategy");
    fill(strategy, { type: "RollingUpdate" });
    if (strategy["type"] === "RollingUpdate") fill(strategy, { rollingUpdate: { partition: 0 } });
  },
  DaemonSet: (spec) => {
    fill(spec, { revisionHistoryLimit: 10, updateStrategy: {} });
    const strategy = within(spec, "updateStrategy");
    fill(strategy, { type: "RollingUpdate" });
    if (strategy["type"] === "RollingUpdate") fill(strategy, { rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } });
  },
  Job: (spec) =>
    fill(spec, { parallelism: 1, completions: 1, backoffLimit: 6, completionMode: "NonIndexed", suspend: false }),
  CronJob: (spec) =>
    fill(spec, {
      concurrencyPolicy: "Allow",
      suspend: false,
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 1,
    }),
  Pod: (spec) => fillPodSpec(spec),
  Service: fillService,
  PersistentVolumeClaim: (spec) => fill(spec, { volumeMode: "Filesystem" }),
};

/** Sets what the API sets where an object leaves it out, in place. */
export function fillDefaults(object: KubernetesObject): void {
  const { kind, metadata } = object;
  if (kind === "Secret") fillSecret(object);
  if (kind === "Namespace") {
    fill(within(object, "spec"), { finalizers: ["kubernetes"] });
    metadata.labels = { ...metadata.labels, "kubernetes.io/metadata.name": metadata.name };
  }
  const spec = object["spec"];
  if (!isObject(spec)) return;
  if (kind === "Job" && spec["manualSelector"] !== true) fillJobSelector(spec, metadata.uid ?? "");
  DEFAULTS[kind]?.(spec, `${metadata.namespace}/${metadata.name}`);
  if (isObject(spec["template"])) fillPodSpec(within(within(spec, "template"), "spec"));
}

/** A Job's pods are told from others by its uid. */
function fillJobSelector(spec: JsonObject, uid: string): void {
  const labels = { "batch.kubernetes.io/controller-uid": uid };
  fill(spec, { selector: { matchLabels: labels } });
  fill(within(within(within(spec, "template"), "metadata"), "labels"), labels);
}

function fillSecret(secret: KubernetesObject): void {
  fill(secret, { type: "Opaque" });
  const texts = Object.entries(objectAt(secret, "stringData")).flatMap(([key, text]) =>
    typeof text === "string" ? [[key, text] as const] : [],
  );
  if (texts.length > 0)
    secret["data"] = {
      ...objectAt(secret, "data"),
      ...Object.fromEntries(texts.map(([key, text]) => [key, Buffer.from(text).toString("base64")])),
    };
  delete secret["stringData"];
}
