/*
 * Values that no commit has: the one who runs a deployment gives them, such as the tags of images
 * that CI has just made.
 */
import { DeployError } from "../errors.ts";
import { type FileSource, plainFile } from "../files/tree.ts";
import { Layer, type LayerDecrypter } from "./layer.ts";
import { formatPath, newMap, type Value, type ValueMap } from "./value.ts";

/** A layer of values that the one who runs a deployment gives, over those of the commit. */
export interface GivenValues {
  /** What it is called wherever values are explained, such as `--set image.tag`. */
  readonly title: string;
  /** A map, as YAML or JSON. */
  readonly text: string;
  /**
   * The release that it is for: its key in the settings, its name, or its namespace and name; the
   * main one where left out.
   */
  readonly release?: string | undefined;
}

/** A layer of them: it is of no commit, and no secret but for what sops encrypted in it. */
export function givenLayer({ title, text }: GivenValues, decrypter: LayerDecrypter): Layer {
  const content = Buffer.from(text);
  const file = plainFile(title, content.length);
  const source: Pick<FileSource, "find" | "read" | "hasKey"> = {
    hasKey: false,
    find: () => file,
    read: () => content,
  };
  return new Layer(source, title, "given", decrypter);
}

/**
 * Reads what `--set` of Helm takes, such as `image.tag=1.2,replicas=3`: `{a,b}` is a list, and a
 * backslash takes `.`, `,` and `=` for what they are. Whole numbers, true, false and null are no
 * texts, unless `asText` says so.
 *
 * @throws DeployError INVALID_SETTINGS for what is none, and for a place within a list
 */
export function valuesOfSet(assignments: string, { asText = false }: { readonly asText?: boolean } = {}): ValueMap {
  const values = newMap();
  for (const assignment of split(assignments, ",")) {
    const [path = "", ...rest] = split(assignment, "=");
    const keys = split(path, ".").map(plain);
    if (rest.length === 0 || keys.includes("")) throw notASet("expected KEY=VALUE, such as image.tag=1.2.3");
    if (/(?:^|[^\\])\[/.test(path)) throw notASet("a place within a list cannot be set: only lists as a whole");
    const text = rest.join("=");
    const list = /^\{(.*)\}$/s.exec(text)?.[1];
    // As Helm has it, {} is a list with an empty text.
    const items = split(list ?? "", ",").map((item) => typed(plain(item), asText));
    put(values, keys, list === undefined ? typed(plain(text), asText) : items);
  }
  return values;
}

/** The paths of all that a map sets: they tell what it is, without a value. */
export function keysOf(map: ValueMap, above: readonly string[] = []): string[] {
  return Object.entries(map).flatMap(([key, value]) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? keysOf(value, [...above, key])
      : formatPath([...above, key]),
  );
}

const notASet = (message: string): DeployError =>
  new DeployError("INVALID_SETTINGS", message, { hint: "put what is more into a file of values" });

/** At separators that no backslash stands before, and that lie in no braces. */
function split(text: string, separator: string): string[] {
  const parts = [""];
  let depth = 0;
  for (const [piece] of text.matchAll(/\\[\s\S]|[\s\S]/g)) {
    if (piece === "{") depth += 1;
    if (piece === "}") depth -= 1;
    if (piece === separator && depth <= 0) parts.push("");
    else parts.push((parts.pop() ?? "") + piece);
  }
  return parts;
}

const plain = (text: string): string => text.replaceAll(/\\([\s\S])/g, "$1");

/** As Helm's strvals has it: what begins with 0 is a text. */
function typed(text: string, asText: boolean): Value {
  if (asText) return text;
  const word = text.toLowerCase();
  if (word === "true" || word === "false") return word === "true";
  if (word === "null") return null;
  if (!/^(?:0|[-+]?[1-9]\d*)$/.test(text)) return text;
  if (Number.isSafeInteger(Number(text))) return Number(text);
  // Helm takes more for text, too, but those below 2 ** 63 for numbers, which JSON cannot hold.
  if (BigInt.asIntN(64, BigInt(text)) !== BigInt(text)) return text;
  throw notASet(`${text} is too large for a number, and has to be given as text`);
}

function put(values: ValueMap, [first = "", ...rest]: readonly string[], value: Value): void {
  if (rest.length === 0) {
    values[first] = value;
    return;
  }
  const there = values[first];
  const below = typeof there === "object" && there !== null && !Array.isArray(there) ? there : newMap();
  values[first] = below;
  put(below, rest, value);
}
