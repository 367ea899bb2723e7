/*
 * What each chart in a chart sees as `.Values`, as Helm works it out: dependencies are turned on
 * and off, named by their aliases, and parts of their values imported; then each chart's defaults
 * are laid under what is above them, top down, and `global` is passed on.
 *
 * Values are changed in place and shared between charts, for Helm does so, and it can be seen in
 * the result.
 */
import type { LoadedChart, Requirement } from "./loaded-chart.ts";
import { DeployError } from "../errors.ts";
import { at, isMap, newMap, type Path, type Value, type ValueMap } from "../values/value.ts";

/** A chart that takes part in a release. */
export interface ChartScope {
  readonly chart: LoadedChart;
  /** The keys that lead to its values; none for the chart at the top. */
  readonly path: readonly string[];
  /** What it sees as `.Values`. Secrets are in it. */
  readonly values: ValueMap;
}

/** What stands where a chart's values should be, and is no map: Helm refuses it. */
export interface ScopeMistake {
  readonly path: Path;
  readonly chart: LoadedChart;
}

/** The major version of Helm that values are worked out as by. */
type Major = 3 | 4;

/** Charts under their aliases, more than anybody has: aliases within aliases multiply. */
const MOST_PARTS = 5000;

/**
 * The charts that take part, and what each sees.
 *
 * @param overrides what lies over the defaults of the chart at the top, nulls included
 * @throws DeployError NOT_A_CHART where aliases make more charts of them than anybody has
 */
export function chartScopes(
  chart: LoadedChart,
  overrides: ValueMap,
  helm: Major,
): readonly ChartScope[] | ScopeMistake {
  const run = new Run(helm);
  try {
    const root = run.partOf(chart, chart.name);
    run.choose(root, overrides, []);
    run.importValues(root);
    return Array.from(scopesOf(root, run.underlaid(root, copyMap(overrides), false), []));
  } catch (error) {
    if (error instanceof NoMap) return { path: error.path, chart: error.chart };
    throw error;
  }
}

/** A chart's defaults with all imports from its subcharts, enabled or not. */
export function defaultsWithImports(chart: LoadedChart): ValueMap {
  const run = new Run(4);
  try {
    const root = run.partOf(chart, chart.name);
    run.nameAll(root);
    run.importValues(root);
    return root.defaults;
  } catch (error) {
    if (error instanceof NoMap || error instanceof DeployError) return chart.defaults;
    throw error;
  }
}

class NoMap extends Error {
  readonly path: readonly string[];
  readonly chart: LoadedChart;

  constructor(path: readonly string[], chart: LoadedChart) {
    super("expected a map");
    this.path = path;
    this.chart = chart;
  }
}

/** A chart under the name by which those above know it. */
interface Part {
  readonly chart: LoadedChart;
  readonly key: string;
  defaults: ValueMap;
  /** Keys are names until parts are named: Helm ignores undeclared dependencies. */
  requirements: readonly Requirement[] | null;
  parts: Part[];
}

class Run {
  readonly #helm: Major;
  #count = 0;

  constructor(helm: Major) {
    this.#helm = helm;
  }

  partOf(chart: LoadedChart, key: string): Part {
    this.#count += 1;
    if (this.#count > MOST_PARTS)
      throw new DeployError("NOT_A_CHART", `${chart.name} is made from more than ${MOST_PARTS} charts`);
    const parts = chart.charts.map((inner) => this.partOf(inner, inner.name));
    const requirements = chart.requirements?.map((one) => ({ ...one, key: one.name })) ?? null;
    return { chart, key, defaults: chart.defaults, requirements, parts };
  }

  /** Names the parts after their requirements; those not required keep their names. */
  #name(part: Part): readonly Requirement[] {
    const requirements = part.chart.requirements ?? [];
    const names = new Set(requirements.map(({ name }) => name));
    const free = part.parts.filter(({ chart }) => !names.has(chart.name));
    const required = requirements.flatMap(({ name, version, key }) => {
      const twins = part.chart.charts.filter((chart) => chart.name === name);
      const chart = twins.find((twin) => twin.version === version) ?? twins[0];
      return chart === undefined ? [] : [this.partOf(chart, key)];
    });
    part.parts = [...free, ...required];
    part.requirements = requirements;
    return requirements;
  }

  nameAll(part: Part): void {
    if (part.requirements === null) return;
    this.#name(part);
    for (const inner of part.parts) this.nameAll(inner);
  }

  /** Leaves the parts that conditions and tags turn on. */
  choose(part: Part, values: ValueMap, path: readonly string[]): void {
    if (part.requirements === null) return;
    const requirements = this.#name(part);
    const seen = this.underlaid(part, copyMap(values), false);
    const off = new Set(requirements.filter((one) => !isOn(one, seen, path)).map(({ key }) => key));
    part.parts = part.parts.filter(({ key }) => !off.has(key));
    const on = requirements.filter(({ key }) => !off.has(key));
    part.requirements = on.length === 0 ? null : on;
    for (const inner of part.parts) this.choose(inner, seen, [...path, inner.key]);
  }

  /** Lays what is imported from the parts under the chart's own defaults, from the bottom up. */
  importValues(part: Part): void {
    for (const inner of part.parts) this.importValues(inner);
    if (part.requirements === null) return;
    const seen = this.underlaid(part, newMap(), true);
    const imported = newMap();
    for (const { key, imports } of part.requirements) {
      for (const { child, parent } of imports) {
        const value = at(seen, key, ...child.split("."));
        if (isMap(value)) this.#mergeUnder(imported, wrapped(parent, value), true);
      }
    }
    part.defaults = copyMap(seen);
    this.#mergeUnder(part.defaults, imported, true);
  }

  /** Lays the defaults of a chart and of its parts under `values`, which it changes and gives. */
  underlaid(part: Part, values: ValueMap, keepNulls: boolean, path: readonly string[] = []): ValueMap {
    for (const [key, value] of Object.entries(copyMap(part.defaults))) {
      const above = values[key];
      if (above === undefined) values[key] = value;
      else if (above === null && !keepNulls) delete values[key];
      // Nulls for a part are kept until they meet its own defaults.
      else if (isMap(above) && isMap(value))
        this.#mergeUnder(above, value, keepNulls || part.parts.some((inner) => inner.key === key));
    }
    for (const inner of part.parts) {
      const here = [...path, inner.key];
      const own = values[inner.key] === undefined ? newMap() : values[inner.key];
      if (!isMap(own)) throw new NoMap(here, inner.chart);
      values[inner.key] = own;
      this.#passGlobals(values, own);
      this.underlaid(inner, own, keepNulls, here);
    }
    return values;
  }

  #mergeUnder(above: ValueMap, below: ValueMap, keepNulls: boolean): void {
    for (const [key, value] of Object.entries(below)) {
      const over = above[key];
      if (over === undefined) above[key] = value;
      else if (over === null) {
        // A null over a null stays in Helm 4.
        if (!keepNulls && (this.#helm === 3 || value !== null)) delete above[key];
      } else if (isMap(over) && isMap(value)) this.#mergeUnder(over, value, keepNulls);
    }
  }

  /** What is global above counts more than what is global in the part. */
  #passGlobals(above: ValueMap, part: ValueMap): void {
    const [from, to] = [above["global"] ?? newMap(), part["global"] ?? newMap()];
    if (above["global"] === null || part["global"] === null || !isMap(from) || !isMap(to)) return;
    for (const [key, value] of Object.entries(from)) {
      const own = to[key];
      if (!isMap(value)) {
        if (!isMap(own)) to[key] = value;
      } else if (own === undefined || isMap(own)) {
        const copy = Object.assign(newMap(), value);
        if (own !== undefined) this.#mergeUnder(copy, own, true);
        to[key] = copy;
      }
    }
    part["global"] = to;
  }
}

function isOn({ conditions, tags }: Requirement, values: ValueMap, path: readonly string[]): boolean {
  for (const condition of conditions) {
    const value = at(values, ...path, ...condition.split("."));
    if (typeof value === "boolean") return value;
  }
  const ofTags = at(values, "tags");
  const said = isMap(ofTags) ? tags.map((tag) => ofTags[tag]) : [];
  return said.includes(true) || !said.includes(false);
}

/** `a.b` with a map makes `{ a: { b: map } }`; `.` is the map itself. */
function wrapped(path: string, map: ValueMap): ValueMap {
  if (path === ".") return map;
  return path.split(".").reduceRight((inner, step) => Object.assign(newMap(), { [step]: inner }), map);
}

function* scopesOf(part: Part, values: ValueMap, path: readonly string[]): Generator<ChartScope> {
  yield { chart: part.chart, path, values };
  for (const inner of part.parts) {
    const own = values[inner.key];
    if (isMap(own)) yield* scopesOf(inner, own, [...path, inner.key]);
  }
}

function copyMap(map: ValueMap): ValueMap {
  const copy = newMap();
  for (const [key, value] of Object.entries(map)) copy[key] = copyOf(value);
  return copy;
}

function copyOf(value: Value): Value {
  if (Array.isArray(value)) return value.map(copyOf);
  return isMap(value) ? copyMap(value) : value;
}
