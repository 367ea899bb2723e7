import { isObject, type Json, type JsonObject, same } from "./json.ts";
import { KEY_DEFAULTS, listRule } from "./list-keys.ts";

/**
 * A path in the form of `managedFields`: `f:NAME`, `k:KEYS` for an item of a list by its keys,
 * `v:VALUE` for an item of a set.
 */
export type FieldPath = readonly string[];

/** The fields that one manager owns, by the path written as JSON. */
export type FieldSet = ReadonlyMap<string, FieldPath>;

export const toSet = (paths: Iterable<FieldPath>): Map<string, FieldPath> =>
  new Map([...paths].map((path) => [JSON.stringify(path), path]));

const isItem = (path: FieldPath): boolean => path.at(-1)?.startsWith("k:") ?? false;

/** The element that names an item of a list. */
function itemElement(item: Json, keys: readonly string[]): string {
  if (keys.length === 0) return `v:${JSON.stringify(item)}`;
  const named = keys
    .toSorted()
    .map((key) => [key, (isObject(item) ? item[key] : undefined) ?? KEY_DEFAULTS[key] ?? null]);
  return `k:${JSON.stringify(Object.fromEntries(named))}`;
}

/** Every field of a value of `kind`: its leaves, and the items of its keyed lists. */
export function fieldsOf(kind: string, value: Json, names: readonly string[] = [], path: FieldPath = []): FieldPath[] {
  if (isObject(value) && Object.keys(value).length > 0)
    return Object.entries(value).flatMap(([key, content]) =>
      content === undefined ? [] : fieldsOf(kind, content, [...names, key], [...path, `f:${key}`]),
    );
  const rule = Array.isArray(value) ? listRule(kind, names) : undefined;
  if (!Array.isArray(value) || rule === undefined || value.length === 0) return [path];
  return value.flatMap((item) => {
    const element = [...path, itemElement(item, rule.keys)];
    return rule.keys.length === 0 ? [element] : [element, ...fieldsOf(kind, item, names, element)];
  });
}

const findItem = (list: readonly Json[], element: string): number => {
  const wanted: unknown = JSON.parse(element.slice(2));
  if (element.startsWith("v:")) return list.findIndex((item) => item === wanted);
  return list.findIndex(
    (item) =>
      isObject(item) &&
      isObject(wanted) &&
      Object.entries(wanted).every(([key, value]) => (item[key] ?? KEY_DEFAULTS[key] ?? null) === value),
  );
};

/** What lies at a path. */
export function valueAt(value: Json | undefined, path: FieldPath): Json | undefined {
  let here = value;
  for (const element of path) {
    if (element.startsWith("f:")) here = isObject(here) ? here[element.slice(2)] : undefined;
    else here = Array.isArray(here) ? here[findItem(here, element)] : undefined;
  }
  return here;
}

const isEmpty = (value: Json | undefined): boolean =>
  value === undefined ||
  (isObject(value) ? Object.keys(value).length === 0 : Array.isArray(value) && value.length === 0);

/** Removes what lies at a path, in place, and what became empty. */
export function removeAt(value: Json | undefined, path: FieldPath): void {
  const [element = "", ...rest] = path;
  if (isObject(value) && element.startsWith("f:")) {
    const key = element.slice(2);
    if (rest.length > 0) removeAt(value[key], rest);
    if (rest.length === 0 || isEmpty(value[key])) delete value[key];
  } else if (Array.isArray(value)) {
    const index = findItem(value, element);
    if (index < 0) return;
    if (rest.length > 0) removeAt(value[index], rest);
    else value.splice(index, 1);
  }
}

/** The fields whose values differ between two objects, or that only the second has. */
export const changedFields = (kind: string, before: Json, after: Json): FieldPath[] =>
  fieldsOf(kind, after).filter((path) =>
    isItem(path) ? valueAt(before, path) === undefined : !same(valueAt(before, path), valueAt(after, path)),
  );

/** Whether a field can be in dispute: the mere presence of an item cannot. */
export const isDisputable = (path: FieldPath): boolean => !isItem(path);

/** `fieldsV1`: the paths as nested objects, where `.` says that a path itself is owned. */
export function toFieldsV1(set: FieldSet): JsonObject {
  const root: JsonObject = {};
  for (const path of set.values()) {
    let here = root;
    for (const element of path) {
      const next = here[element];
      here = isObject(next) ? next : (here[element] = {});
    }
    if (isItem(path)) here["."] = {};
  }
  return root;
}

/** The paths of a `fieldsV1`. */
export function fromFieldsV1(fields: Json | undefined, path: FieldPath = []): FieldPath[] {
  if (!isObject(fields)) return [];
  const entries = Object.entries(fields);
  if (entries.length === 0) return path.length === 0 ? [] : [path];
  return entries.flatMap(([element, inner]) => (element === "." ? [path] : fromFieldsV1(inner, [...path, element])));
}

/** A path as messages have it: `.spec.containers[name="web"].image`. */
export const spell = (path: FieldPath): string =>
  path
    .map((element) => {
      const rest = element.slice(2);
      if (element.startsWith("f:")) return `.${rest}`;
      if (element.startsWith("v:")) return `[=${rest}]`;
      const keys: unknown = JSON.parse(rest);
      const pairs = Object.entries(isObject(keys) ? keys : {}).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
      return `[${pairs.join(",")}]`;
    })
    .join("");
