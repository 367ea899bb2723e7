/*
 * The checks redundant and type-change: both look at what a layer says over what is below it.
 */
import { isDeepStrictEqual } from "node:util";
import type { Check } from "./check.ts";
import type { Setting } from "../values/merge.ts";
import { areQuantities } from "../values/quantity.ts";
import { formatPath, type Path } from "../values/value.ts";
import { valueOf, type Yaml } from "../values/yaml.ts";
import { found, merged, placeOf } from "./reading.ts";

/** Tells of values that a layer says again, and of those that change their type. */
export const overrides: Check = async function* overridesCheck(context) {
  for await (const [release, values] of merged(context)) {
    for (const { path, settings, state } of values.nodes()) {
      for (const [at, setting] of settings.entries()) {
        const below = settings[at - 1];
        if (below === undefined) continue;
        const change = typeChange(below.entry.value, setting.entry.value, path);
        if (change !== null) {
          yield found("type-change", "warning", `${formatPath(path)} becomes ${change}, in ${where(below)}`, {
            ...placeOf(setting, release),
            hint: change.startsWith("a text instead of true")
              ? "take the quotes away: to a template, the text false is true"
              : "give it the type of what it overrides, or null where it is to be removed",
          });
        } else if (state === "set" && isDeepStrictEqual(valueOf(below.entry.value), valueOf(setting.entry.value))) {
          yield found("redundant", "note", `${formatPath(path)} is already so in ${where(below)}`, {
            ...placeOf(setting, release),
            hint: "take it out: where it changes below, this one would stay behind",
          });
        }
      }
    }
  }
};

const where = ({ layer, entry }: Setting): string => `${layer.path}:${entry.position.line}`;

/** How a value's type changes from the one it replaces; null if it does not. */
function typeChange(below: Yaml, above: Yaml, path: Path): string | null {
  const [from, to] = [typeOf(below), typeOf(above)];
  if (areQuantities(path, valueOf(below), valueOf(above)) || from === to || from === "null" || to === "null")
    return null;
  return `${NAMES[to]} instead of ${NAMES[from]}`;
}

const typeOf = (node: Yaml): keyof typeof NAMES => {
  if (node.kind !== "scalar") return node.kind;
  if (node.value === null) return "null";
  return typeof node.value === "string" ? "string" : typeof node.value === "number" ? "number" : "boolean";
};

const NAMES = {
  null: "null",
  map: "a map",
  list: "a list",
  string: "a text",
  number: "a number",
  boolean: "true or false",
};
