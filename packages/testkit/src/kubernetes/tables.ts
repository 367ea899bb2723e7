import { at, type Json, type JsonObject, listAt, numberAt, objectAt, textAt } from "./json.ts";
import type { KubernetesObject } from "./objects.ts";

type Column = readonly [name: string, cell: (object: KubernetesObject) => Json];

/** How long ago, as `kubectl get` has it. */
function age(object: KubernetesObject): string {
  const seconds = Math.max(
    0,
    Math.floor((Date.now() - Date.parse(textAt(object, "metadata", "creationTimestamp"))) / 1000),
  );
  if (Number.isNaN(seconds)) return "<unknown>";
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`;
}

const text =
  (...path: string[]) =>
  (object: KubernetesObject): string =>
    textAt(object, ...path) || "<none>";

const count =
  (...path: string[]) =>
  (object: KubernetesObject): number =>
    numberAt(object, path);

const ratio =
  (have: string[], want: string[]) =>
  (object: KubernetesObject): string =>
    `${numberAt(object, have)}/${numberAt(object, want)}`;

/** `Running`, or what a container waits for. */
function podStatus(pod: KubernetesObject): string {
  if (pod.metadata["deletionTimestamp"] !== undefined) return "Terminating";
  const reasons = listAt(pod, "status", "containerStatuses").map(
    (container) =>
      textAt(container, "state", "waiting", "reason") || textAt(container, "state", "terminated", "reason"),
  );
  return reasons.find((reason) => reason !== "") ?? textAt(pod, "status", "phase");
}

function nodeStatus(node: KubernetesObject): string {
  const ready = listAt(node, "status", "conditions").find((condition) => at(condition, "type") === "Ready");
  const cordoned = at(node, "spec", "unschedulable") === true ? ",SchedulingDisabled" : "";
  return (at(ready, "status") === "True" ? "Ready" : "NotReady") + cordoned;
}

const COLUMNS: Readonly<Record<string, readonly Column[]>> = {
  Pod: [
    [
      "Ready",
      (pod) => {
        const all = listAt(pod, "status", "containerStatuses");
        return `${all.filter((one) => at(one, "ready") === true).length}/${listAt(pod, "spec", "containers").length}`;
      },
    ],
    ["Status", podStatus],
    [
      "Restarts",
      (pod) =>
        listAt(pod, "status", "containerStatuses").reduce<number>(
          (sum, one) => sum + numberAt(one, ["restartCount"]),
          0,
        ),
    ],
  ],
  Deployment: [
    ["Ready", ratio(["status", "readyReplicas"], ["spec", "replicas"])],
    ["Up-to-date", count("status", "updatedReplicas")],
    ["Available", count("status", "availableReplicas")],
  ],
  StatefulSet: [["Ready", ratio(["status", "readyReplicas"], ["spec", "replicas"])]],
  ReplicaSet: [
    ["Desired", count("spec", "replicas")],
    ["Current", count("status", "replicas")],
    ["Ready", count("status", "readyReplicas")],
  ],
  DaemonSet: [
    ["Desired", count("status", "desiredNumberScheduled")],
    ["Current", count("status", "currentNumberScheduled")],
    ["Ready", count("status", "numberReady")],
  ],
  Job: [
    [
      "Status",
      (job) =>
        listAt(job, "status", "conditions").some((one) => at(one, "type") === "Complete") ? "Complete" : "Running",
    ],
    ["Completions", ratio(["status", "succeeded"], ["spec", "completions"])],
  ],
  Node: [
    ["Status", nodeStatus],
    ["Version", text("status", "nodeInfo", "kubeletVersion")],
  ],
  Namespace: [["Status", text("status", "phase")]],
  Secret: [
    ["Type", text("type")],
    ["Data", (secret) => Object.keys(objectAt(secret, "data")).length],
  ],
  ConfigMap: [["Data", (map) => Object.keys(objectAt(map, "data")).length]],
  Service: [
    ["Type", text("spec", "type")],
    ["Cluster-IP", text("spec", "clusterIP")],
  ],
  Ingress: [
    [
      "Hosts",
      (ingress) =>
        listAt(ingress, "spec", "rules")
          .map((rule) => textAt(rule, "host"))
          .join(",") || "*",
    ],
  ],
  Event: [
    ["Last Seen", text("lastTimestamp")],
    ["Type", text("type")],
    ["Reason", text("reason")],
    [
      "Object",
      (event) => `${textAt(event, "involvedObject", "kind").toLowerCase()}/${textAt(event, "involvedObject", "name")}`,
    ],
    ["Message", text("message")],
  ],
  PodDisruptionBudget: [["Allowed disruptions", count("status", "disruptionsAllowed")]],
};

/** What an object says of itself alone. */
export const partial = ({ metadata }: KubernetesObject): JsonObject => ({
  kind: "PartialObjectMetadata",
  apiVersion: "meta.k8s.io/v1",
  metadata,
});

/** Objects as a table, as `kubectl get` asks for. */
export function tableOf(
  kind: string,
  objects: readonly KubernetesObject[],
  metadata: JsonObject,
  whole: boolean,
): JsonObject {
  const columns: readonly Column[] = [
    ["Name", ({ metadata: { name } }) => name],
    ...(COLUMNS[kind] ?? []),
    ["Age", age],
  ];
  return {
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata,
    columnDefinitions: columns.map(([name, cell], index) => ({
      name,
      type: objects.some((object) => typeof cell(object) === "number") ? "integer" : "string",
      format: index === 0 ? "name" : "",
      description: name,
      priority: 0,
    })),
    rows: objects.map((object) => ({
      cells: columns.map(([, cell]) => cell(object)),
      object: whole ? object : partial(object),
    })),
  };
}

/** In which form objects are asked for. */
export function formOf(accept: string): "whole" | "table" | "partial" {
  const first = accept.replaceAll(" ", "").split(",")[0] ?? "";
  if (first.includes("as=Table")) return "table";
  return /as=PartialObjectMetadata/.test(first) ? "partial" : "whole";
}
