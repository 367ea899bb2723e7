import { randomBytes } from "node:crypto";
import { isObject, type JsonObject, numberAt, objectAt, textAt } from "./json.ts";
import { type KubernetesObject, timestamp } from "./objects.ts";
import type { Store } from "./store.ts";

const EVENTS = "/events";

/** The names of the same fields in `v1` and in `events.k8s.io/v1`. */
const RENAMED: readonly (readonly [core: string, newer: string])[] = [
  ["involvedObject", "regarding"],
  ["message", "note"],
  ["source", "deprecatedSource"],
  ["firstTimestamp", "deprecatedFirstTimestamp"],
  ["lastTimestamp", "deprecatedLastTimestamp"],
  ["count", "deprecatedCount"],
  ["reportingComponent", "reportingController"],
];

/** An event in the words of another version of it; events are kept in those of `v1`. */
export function convertEvent<T extends JsonObject>(event: T, apiVersion: "v1" | "events.k8s.io/v1"): T {
  const converted = { ...event, apiVersion };
  const target: JsonObject = converted;
  for (const names of RENAMED) {
    const [from, to] = apiVersion === "v1" ? [names[1], names[0]] : names;
    if (target[from] === undefined) continue;
    target[to] = target[from];
    delete target[from];
  }
  return converted;
}

/** Says what happened to an object, as controllers do: once, and again as a higher count. */
export function recordEvent(
  store: Store,
  regarding: KubernetesObject,
  { type, reason, message, from }: { type: "Normal" | "Warning"; reason: string; message: string; from: string },
): void {
  const { name, namespace = "default", uid = "" } = regarding.metadata;
  const now = timestamp();
  const known = store
    .list(EVENTS, namespace)
    .find(
      (event) =>
        textAt(event, "involvedObject", "uid") === uid && event["reason"] === reason && event["message"] === message,
    );
  if (known) {
    if (textAt(known, "lastTimestamp") === now) return;
    store.write(EVENTS, { ...known, count: numberAt(known, ["count"], 1) + 1, lastTimestamp: now });
    return;
  }
  store.write(EVENTS, {
    apiVersion: "v1",
    kind: "Event",
    metadata: {
      name: `${name}.${randomBytes(8).toString("hex")}`,
      namespace,
      uid: crypto.randomUUID(),
      creationTimestamp: now,
    },
    involvedObject: {
      kind: regarding.kind,
      apiVersion: regarding.apiVersion,
      namespace,
      name,
      uid,
      resourceVersion: regarding.metadata.resourceVersion ?? "",
    },
    type,
    reason,
    message,
    source: { component: from },
    reportingComponent: from,
    reportingInstance: "",
    firstTimestamp: now,
    lastTimestamp: now,
    eventTime: null,
    count: 1,
  });
}

export const isEvent = (object: JsonObject): boolean =>
  object["kind"] === "Event" && isObject(objectAt(object, "metadata"));
