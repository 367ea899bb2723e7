import { at, isMap, listAt, textAt } from "../values/value.ts";
import type { Draft } from "./draft.ts";

/**
 * Which of several charts is the main one: the one whose name those of the others begin with, else
 * the one that knows the most of what layers set. Where nothing tells, it is asked.
 *
 * @param layers those over it
 * @param usual its name, where nothing else tells
 */
export function takeMainChart(
  draft: Draft,
  charts: readonly string[],
  layers: readonly string[],
  usual = "",
): string | undefined {
  const [only] = charts;
  if (charts.length < 2) return only;
  const all = charts.join(", ");
  const parent = charts.find((chart) => charts.every((other) => other === chart || other.startsWith(`${chart}-`)));
  if (parent !== undefined) draft.take("chart", `${parent}, after which ${all} are called`);
  const set = new Set(layers.filter((path) => !draft.isEncrypted(path)).flatMap((path) => keysOf(draft, path)));
  const known = charts.map((chart) => keysKnownTo(draft, chart).filter((key) => set.has(key)).length);
  const best = Math.max(...known);
  const told =
    parent ?? (known.filter((count) => count === best).length === 1 ? charts[known.indexOf(best)] : undefined);
  if (parent === undefined && told !== undefined)
    draft.take("chart", `${told}, which of ${all} knows the most of what layers set`);
  if (told !== undefined) return told;
  const guess = charts.find((chart) => chart === usual) ?? only;
  draft.ask(`which chart is the main one: ${guess} was taken, and nothing tells it from the others of ${all}`);
  return guess;
}

/** Whether a values file sets anything that a chart knows. One that cannot be read may. */
export function knowsAnyOf(draft: Draft, chart: string, path: string): boolean {
  if (draft.isEncrypted(path)) return true;
  const known = new Set(keysKnownTo(draft, chart));
  const keys = keysOf(draft, path);
  return keys.length === 0 || keys.some((key) => known.has(key));
}

const keysOf = (draft: Draft, path: string): string[] => {
  const value = draft.value(path);
  return isMap(value) ? Object.keys(value) : [];
};

/** The keys of its values, and those of what it depends on. */
function keysKnownTo(draft: Draft, chart: string): string[] {
  const dependencies = ["Chart.yaml", "requirements.yaml"].flatMap((file) =>
    listAt(draft.value(`${chart}/${file}`), "dependencies"),
  );
  const ofDependencies = dependencies.map((one) =>
    at(one, "alias") === undefined ? textAt(one, "name") : textAt(one, "alias"),
  );
  return [...new Set([...keysOf(draft, `${chart}/values.yaml`), ...ofDependencies])];
}
