import { named } from "./answers.ts";
import { sendObject } from "./presentation.ts";
import { type Call, readBody } from "./call.ts";
import { badRequest, Refusal, tooManyRequests } from "./failures.ts";
import { at, type Json, type JsonObject, listAt, numberAt, objectAt, textAt } from "./json.ts";
import type { KubernetesObject } from "./objects.ts";
import { mergePatch, jsonPatch } from "./patches.ts";
import { disruptionsAllowed, guards } from "./disruption-budgets.ts";
import { logOf } from "./pod-lifecycle.ts";
import { updateObject } from "./registry.ts";
import { deleteObject } from "./removal.ts";
import { sendJson } from "./send.ts";

/** `scale`: the number of replicas alone. */
const scaleOf = (object: KubernetesObject): JsonObject => {
  const labels = Object.entries(objectAt(object, "spec", "selector", "matchLabels"));
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: numberAt(object, ["spec", "replicas"], 1) },
    status: {
      replicas: numberAt(object, ["status", "replicas"]),
      selector: labels.map(([key, value]) => `${key}=${typeof value === "string" ? value : ""}`).join(","),
    },
  };
};

function rescaled({ contentType, method }: Call, scale: JsonObject, body: Json): Json {
  if (method === "PUT") return body;
  return contentType.startsWith("application/json-patch") ? jsonPatch(scale, body) : mergePatch(scale, body);
}

function answerScale(call: Call): void {
  const object = named(call);
  if (call.method === "GET") return sendJson(call.response, 200, scaleOf(object));
  const scale = rescaled(call, scaleOf(object), readBody(call));
  const replicas = at(scale, "spec", "replicas");
  if (typeof replicas !== "number" || replicas < 0)
    throw badRequest("spec.replicas must be a number that is not negative");
  const after: KubernetesObject = { ...object, spec: { ...objectAt(object, "spec"), replicas } };
  after.metadata.resourceVersion = textAt(scale, "metadata", "resourceVersion");
  const { dryRun, manager, cluster, resource } = call;
  sendJson(call.response, 200, scaleOf(updateObject(cluster.store, resource, named(call), after, { dryRun, manager })));
}

/** `pods/eviction`: removes a pod, unless a disruption budget keeps it. */
function answerEviction(call: Call): void {
  const pod = named(call);
  const { store } = call.cluster;
  const body = readBody(call);
  const options = at(body, "deleteOptions") ?? {};
  const dryRun = call.dryRun || listAt(options, "dryRun").includes("All");
  const budgets = guards(store, pod);
  if (budgets.length > 1)
    throw new Refusal(
      500,
      "InternalError",
      "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
    );
  const [budget] = budgets;
  if (budget && disruptionsAllowed(store, budget) <= 0) {
    const { name } = budget.metadata;
    throw tooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.", undefined, {
      causes: [
        {
          reason: "DisruptionBudget",
          message: `The disruption budget ${name} needs ${numberAt(budget, ["status", "desiredHealthy"])} healthy pods and has ${numberAt(budget, ["status", "currentHealthy"])} currently`,
        },
      ],
    });
  }
  deleteObject(store, call.resource, pod, options, dryRun);
  sendJson(call.response, 201, { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success" });
}

/** `pods/log`. */
function answerLog(call: Call): void {
  const pod = named(call);
  const query = call.url.searchParams;
  const containers = listAt(pod, "spec", "containers").map((container) => textAt(container, "name"));
  const container = query.get("container") ?? (containers.length === 1 ? containers[0] : undefined);
  if (container === undefined)
    throw badRequest(
      `a container name must be specified for pod ${pod.metadata.name}, choose one of: [${containers.join(" ")}]`,
    );
  if (!containers.includes(container))
    throw badRequest(`container ${container} is not valid for pod ${pod.metadata.name}`);
  const lines = logOf(call.cluster, pod, container, query.get("previous") === "true");
  const tail = query.get("tailLines");
  const shown = tail === null ? lines : lines.slice(Math.max(0, lines.length - Number(tail)));
  const stamp = query.get("timestamps") === "true" ? `${new Date().toISOString()} ` : "";
  const text = shown.map((line) => `${stamp}${line}\n`).join("");
  call.response.writeHead(200, { "content-type": "text/plain" });
  call.response.end(text.slice(0, Number(query.get("limitBytes") ?? text.length)));
}

/** `namespaces/finalize`: anyone who takes the last finalizer away ends the namespace. */
function answerFinalize(call: Call): void {
  const namespace = named(call);
  const { store } = call.cluster;
  const finalizers = listAt(readBody(call), "spec", "finalizers");
  const written = store.write("/namespaces", { ...namespace, spec: { finalizers: [...finalizers] } });
  if (finalizers.length === 0 && namespace.metadata["deletionTimestamp"] !== undefined)
    store.remove("/namespaces", "", namespace.metadata.name);
  sendObject(call, 200, written);
}

const ANSWERS: Readonly<Record<string, (call: Call) => void>> = {
  scale: answerScale,
  eviction: answerEviction,
  log: answerLog,
  finalize: answerFinalize,
};

/**
 * Answers a call on a subresource other than `status`; false where it is none of those. Throws a
 * Refusal.
 */
export function answerSubresource(call: Call): boolean {
  const answer = ANSWERS[call.subresource ?? ""];
  answer?.(call);
  return answer !== undefined;
}
