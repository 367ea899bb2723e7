import { isDeepJson } from "./nesting.ts";

/** What a values file holds, as Helm sees it: every number is a double, every key a string. */
export type Value = null | boolean | number | string | Value[] | ValueMap;

/** A map of values. It has no prototype, so that no key is special. */
export interface ValueMap {
  [key: string]: Value;
}

/** A map with nothing in it. */
export function newMap(): ValueMap {
  const map: ValueMap = Object.create(null);
  return map;
}

/** The same in ordinary objects, for who is given them. A key `__proto__` is one as any other. */
export function ordinary(value: ValueMap): ValueMap;
export function ordinary(value: Value): Value;
export function ordinary(value: Value): Value {
  if (Array.isArray(value)) return value.map((item) => ordinary(item));
  if (!isMap(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, ordinary(inner)]));
}

/** Whether `value`, of a values file or of JSON, is a map. */
export const isMap = (value: unknown): value is ValueMap =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The way to a value from the top: keys, and indexes of lists. */
export type Path = readonly (string | number)[];

/** What JSON holds; undefined where the text is none, or is nested deeper than anybody writes. */
export function readJson(text: string): unknown {
  try {
    return isDeepJson(text) ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What lies at a path of values or JSON; undefined where nothing does. */
export function at(value: unknown, ...path: Path): unknown {
  let found = value;
  for (const step of path) {
    if (typeof step === "number") found = Array.isArray(found) ? found[step] : undefined;
    else found = isMap(found) && Object.hasOwn(found, step) ? found[step] : undefined;
  }
  return found;
}

/** The text at a path; empty where there is none. */
export function textAt(value: unknown, ...path: Path): string {
  const found = at(value, ...path);
  return typeof found === "string" ? found : "";
}

/** The number at a path; 0 where there is none. */
export function numberAt(value: unknown, ...path: Path): number {
  const found = at(value, ...path);
  return typeof found === "number" ? found : 0;
}

/** The list at a path; empty where there is none. */
export function listAt(value: unknown, ...path: Path): readonly unknown[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
}

/** The map at a path; empty where there is none. */
export function mapAt(value: unknown, ...path: Path): ValueMap {
  const found = at(value, ...path);
  return isMap(found) ? found : newMap();
}

const PLAIN_KEY = /^[A-Za-z_][\w-]*$/;

/** `hub.users[0]["a.b"]`: how a path is written for people, and read by {@link parsePath}. */
export function formatPath(path: Path): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === "number") return `${text}[${step}]`;
    if (!PLAIN_KEY.test(step)) return `${text}[${JSON.stringify(step)}]`;
    return text === "" ? step : `${text}.${step}`;
  }, "");
}

/**
 * Reads what {@link formatPath} writes; null for anything else. A plain word between dots may hold
 * all but `.`, `[` and `]`.
 */
export function parsePath(text: string): Path | null {
  const path: (string | number)[] = [];
  const step = /\.?([^.[\]]+)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/y;
  while (step.lastIndex < text.length) {
    const [whole, word, index, quoted] = step.exec(text) ?? [];
    if (whole === undefined || (word !== undefined && path.length > 0 !== whole.startsWith("."))) return null;
    if (index !== undefined) path.push(Number(index));
    else if (word !== undefined) path.push(word);
    else {
      try {
        path.push(String(JSON.parse(quoted ?? "")));
      } catch {
        return null;
      }
    }
  }
  return path;
}

/** Every text and number in a value, as text, with its path; `withKeys`, the keys of maps, too. */
export function* textsIn(
  value: unknown,
  { withKeys = false, path = [] }: { readonly withKeys?: boolean; readonly path?: Path } = {},
): Generator<{ readonly path: Path; readonly text: string }> {
  if (typeof value === "string" || typeof value === "number") yield { path, text: String(value) };
  else if (Array.isArray(value) || isMap(value))
    for (const [key, item] of Object.entries(value)) {
      if (withKeys && isMap(value)) yield { path, text: key };
      yield* textsIn(item, { withKeys, path: [...path, isMap(value) ? key : Number(key)] });
    }
}

/** What YAML does not let stand in quotes as it is, of what JSON does. */
const UNPRINTABLE = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]|\p{Surrogate}/gu;

/** Values on standard input for Helm: JSON, which go-yaml reads as YAML. */
export const helmValues = (value: Value): string =>
  JSON.stringify(value, null, 1).replaceAll(
    UNPRINTABLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
