import { at, isObject, type Json, type JsonObject, listAt, same } from "./json.ts";
import { type KubernetesObject, timestamp } from "./objects.ts";
import type { Store } from "./store.ts";

/** Writes the status of an object, where it changed. */
export function writeStatus(store: Store, kind: string, object: KubernetesObject, status: JsonObject): void {
  if (!same(object["status"], status)) store.write(kind, { ...object, status });
}

/** A condition, with the time of its last change taken from what the object said before. */
export function condition(before: KubernetesObject, type: string, holds: boolean, more: JsonObject = {}): JsonObject {
  const known = listAt(before, "status", "conditions").find((one: Json) => at(one, "type") === type);
  const status = holds ? "True" : "False";
  const since = isObject(known) && known["status"] === status ? known["lastTransitionTime"] : undefined;
  return { type, status, ...more, lastTransitionTime: since ?? timestamp() };
}

/** A condition of an object; undefined where it does not have it. */
export const conditionOf = (object: Json, type: string): Json | undefined =>
  listAt(object, "status", "conditions").find((one) => at(one, "type") === type);
