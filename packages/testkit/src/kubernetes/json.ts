/** What JSON can say. */
export type Json = null | boolean | number | string | Json[] | JsonObject;

/** A JSON object. A property that is undefined is one that is not there. */
export interface JsonObject {
  [key: string]: Json | undefined;
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What lies at `path`; undefined where a step of it is missing. */
export function at(value: Json | undefined, ...path: readonly string[]): Json | undefined {
  let here = value;
  for (const step of path) here = isObject(here) ? here[step] : undefined;
  return here;
}

/** The object at `path`; an empty one where there is none. */
export function objectAt(value: Json | undefined, ...path: readonly string[]): JsonObject {
  const found = at(value, ...path);
  return isObject(found) ? found : {};
}

/** The list at `path`; an empty one where there is none. */
export function listAt(value: Json | undefined, ...path: readonly string[]): readonly Json[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
}

/** The text at `path`; an empty one where there is none. */
export function textAt(value: Json | undefined, ...path: readonly string[]): string {
  const found = at(value, ...path);
  return typeof found === "string" ? found : "";
}

/** The number at `path`, or `otherwise`. */
export function numberAt(value: Json | undefined, path: readonly string[], otherwise = 0): number {
  const found = at(value, ...path);
  return typeof found === "number" ? found : otherwise;
}

const withoutUndefined = (value: JsonObject): [string, Json | undefined][] =>
  Object.entries(value).filter(([, content]) => content !== undefined);

/** Whether two values are the same JSON, the order of properties aside. */
export function same(a: Json | undefined, b: Json | undefined): boolean {
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, index) => same(item, b[index]));
  if (!isObject(a) || !isObject(b)) return a === b;
  const entries = withoutUndefined(a);
  return entries.length === withoutUndefined(b).length && entries.every(([key, value]) => same(value, b[key]));
}
