import { isObject, type Json, type JsonObject, listAt } from "./json.ts";
import { listRule } from "./list-keys.ts";

const DELETE_VALUES = "$deleteFromPrimitiveList/";
const ORDER = "$setElementOrder/";

const withoutDirectives = (value: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(value).filter(([key]) => !key.startsWith("$")));

const directive = (value: Json): Json | undefined => (isObject(value) ? value["$patch"] : undefined);

function mergeItems(
  kind: string,
  path: readonly string[],
  key: string,
  current: readonly Json[],
  patch: readonly Json[],
): Json[] {
  if (patch.some((item) => directive(item) === "replace"))
    return patch
      .filter((item) => directive(item) !== "replace")
      .map((item) => (isObject(item) ? withoutDirectives(item) : item));
  const merged = [...current];
  for (const item of patch) {
    const index = merged.findIndex((one) => isObject(one) && isObject(item) && one[key] === item[key]);
    if (directive(item) === "delete") {
      if (index >= 0) merged.splice(index, 1);
    } else if (index >= 0) merged[index] = strategicMerge(kind, merged[index], item, path);
    else merged.push(strategicMerge(kind, undefined, item, path));
  }
  return merged;
}

function mergeList(kind: string, path: readonly string[], current: readonly Json[], patch: readonly Json[]): Json[] {
  const rule = listRule(kind, path);
  if (rule === undefined) return [...patch];
  if (rule.merge === undefined) return [...new Set([...current, ...patch])];
  return mergeItems(kind, path, rule.merge, current, patch);
}

/** Puts items in the order that the patch asks for; those it does not name follow. */
function reorder(list: readonly Json[], order: readonly Json[], key: string | undefined): Json[] {
  const place = (item: Json): number => {
    const value = key !== undefined && isObject(item) ? item[key] : item;
    const index = order.findIndex((one) => (key !== undefined && isObject(one) ? one[key] : one) === value);
    return index < 0 ? order.length : index;
  };
  return list.toSorted((a, b) => place(a) - place(b));
}

function mergeObject(kind: string, path: readonly string[], current: JsonObject, patch: JsonObject): JsonObject {
  if (patch["$patch"] === "replace") return withoutDirectives(patch);
  if (patch["$patch"] === "delete") return {};
  const merged: JsonObject = { ...current };
  const retained = patch["$retainKeys"];
  if (Array.isArray(retained)) for (const key of Object.keys(merged)) if (!retained.includes(key)) delete merged[key];
  for (const [key, value] of Object.entries(patch)) {
    if (!key.startsWith(DELETE_VALUES)) continue;
    const list = key.slice(DELETE_VALUES.length);
    const removed = Array.isArray(value) ? value : [];
    merged[list] = listAt(merged, list).filter((item) => !removed.includes(item));
  }
  for (const [key, value] of Object.entries(withoutDirectives(patch))) {
    if (value === null) delete merged[key];
    else if (value !== undefined) merged[key] = strategicMerge(kind, merged[key], value, [...path, key]);
  }
  for (const [key, order] of Object.entries(patch)) {
    if (!key.startsWith(ORDER) || !Array.isArray(order)) continue;
    const list = key.slice(ORDER.length);
    if (Array.isArray(merged[list]))
      merged[list] = reorder(listAt(merged, list), order, listRule(kind, [...path, list])?.merge);
  }
  return merged;
}

/**
 * A strategic merge patch, the API's own form: objects merge, and so do the lists that have a key.
 * It knows the directives `$patch`, `$retainKeys`, `$deleteFromPrimitiveList` and
 * `$setElementOrder`, all that Helm and kubectl send.
 */
export function strategicMerge(
  kind: string,
  current: Json | undefined,
  patch: Json,
  path: readonly string[] = [],
): Json {
  if (Array.isArray(patch)) return mergeList(kind, path, Array.isArray(current) ? current : [], patch);
  if (isObject(patch)) return mergeObject(kind, path, isObject(current) ? current : {}, patch);
  return patch;
}
