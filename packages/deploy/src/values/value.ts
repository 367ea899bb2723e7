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

/** Whether `value` is a map. */
export const isMap = (value: Value | undefined): value is ValueMap =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The way to a value from the top: keys, and indexes of lists. */
export type Path = readonly (string | number)[];

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
