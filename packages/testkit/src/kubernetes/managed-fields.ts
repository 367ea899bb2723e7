import { changedFields, fieldsOf, type FieldPath, fromFieldsV1, toFieldsV1, toSet, valueAt } from "./field-sets.ts";
import { isObject, type Json, type JsonObject, listAt, textAt } from "./json.ts";
import { type KubernetesObject, timestamp } from "./objects.ts";

/** What one manager owns of an object. */
export interface Ownership {
  readonly manager: string;
  readonly operation: "Apply" | "Update";
  readonly apiVersion: string;
  readonly subresource: string;
  time: string;
  readonly fields: Map<string, FieldPath>;
}

const NOT_OWNED = new Set([
  "name",
  "namespace",
  "uid",
  "resourceVersion",
  "generation",
  "creationTimestamp",
  "managedFields",
]);

/** The part of an object that managers can own. */
export function ownable(object: JsonObject): JsonObject {
  const { apiVersion: _apiVersion, kind: _kind, status: _status, metadata, ...rest } = object;
  const kept = Object.entries(isObject(metadata) ? metadata : {}).filter(([key]) => !NOT_OWNED.has(key));
  return kept.length > 0 ? { metadata: Object.fromEntries(kept), ...rest } : rest;
}

export const ownershipsOf = (object: KubernetesObject | undefined): Ownership[] =>
  listAt(object?.metadata, "managedFields")
    .filter((entry: Json) => textAt(entry, "manager") !== "" || textAt(entry, "operation") !== "")
    .map((entry) => ({
      manager: textAt(entry, "manager"),
      operation: textAt(entry, "operation") === "Apply" ? "Apply" : "Update",
      apiVersion: textAt(entry, "apiVersion"),
      subresource: textAt(entry, "subresource"),
      time: textAt(entry, "time"),
      fields: toSet(fromFieldsV1(isObject(entry) ? entry["fieldsV1"] : undefined)),
    }));

function toEntry({ manager, operation, apiVersion, subresource, time, fields }: Ownership): JsonObject {
  const entry: JsonObject = {
    manager,
    operation,
    apiVersion,
    time,
    fieldsType: "FieldsV1",
    fieldsV1: toFieldsV1(fields),
  };
  if (subresource !== "") entry["subresource"] = subresource;
  return entry;
}

/** `metadata.managedFields`: those who own nothing any more are left out. */
export const toManagedFields = (ownerships: readonly Ownership[]): Json[] =>
  ownerships.filter(({ fields }) => fields.size > 0).map(toEntry);

/** The entry of a manager, added where there is none yet. */
export function ownershipOf(
  ownerships: Ownership[],
  manager: string,
  operation: Ownership["operation"],
  apiVersion: string,
): Ownership {
  const found = ownerships.find(
    (one) => one.manager === manager && one.operation === operation && one.subresource === "",
  );
  if (found) return found;
  const added: Ownership = { manager, operation, apiVersion, subresource: "", time: timestamp(), fields: new Map() };
  ownerships.push(added);
  return added;
}

/**
 * Who owns what after `manager` changed an object without server-side apply: what it set is its
 * own, and nobody else's.
 */
export function afterUpdate(before: KubernetesObject | undefined, after: KubernetesObject, manager: string): Json[] {
  const ownerships = ownershipsOf(after);
  const now = ownable(after);
  const changed = before === undefined ? fieldsOf(after.kind, now) : changedFields(after.kind, ownable(before), now);
  for (const one of ownerships)
    for (const [key, path] of one.fields) if (valueAt(now, path) === undefined) one.fields.delete(key);
  if (changed.length === 0) return toManagedFields(ownerships);
  const mine = ownershipOf(ownerships, manager, "Update", after.apiVersion);
  mine.time = timestamp();
  for (const [key, path] of toSet(changed)) {
    for (const one of ownerships) one.fields.delete(key);
    mine.fields.set(key, path);
  }
  return toManagedFields(ownerships);
}
