/*
 * What the charts know of values: their own defaults, what their templates use, and their JSON
 * Schemas; those in them, too.
 */
import type { Chart } from "../charts/chart.ts";
import { type LoadedChart, loadChart } from "../charts/loaded-chart.ts";
import type { CheckContext } from "./check.ts";
import { attempt, DeployError } from "../errors.ts";
import { defaultsWithImports } from "../charts/chart-scopes.ts";
import { remember } from "../remember.ts";
import { readJson, type ValueMap, newMap } from "../values/value.ts";

/** A chart, as far as values are concerned. */
export interface ChartValues {
  /** `mybinder`, `binderhub`: its name for people. */
  readonly name: string;
  /** With what it imports from the charts in it. */
  readonly defaults: ValueMap;
  /** What values.schema.json holds: undefined where there is none, null where it is no JSON. */
  readonly schema: unknown;
  /** Every word of its templates and other files. */
  readonly words: ReadonlySet<string>;
  /** Paths such as `hub.config` that a template uses whole; an empty one for all values. */
  readonly whole: ReadonlySet<string>;
  /** Paths such as `redis.enabled`, and those above, that turn charts in it on and off. */
  readonly switches: ReadonlySet<string>;
  /** Whether its templates call none that only a chart could have which is not here. */
  readonly isWhole: boolean;
  /** Where it takes values from charts that are not here; `.` for anywhere. */
  readonly imports: readonly string[];
  /** The charts that get values from it, by key; null for those that are not here. */
  readonly parts: ReadonlyMap<string, LoadedChart | null>;
}

const loaded = new WeakMap<Chart, LoadedChart>();

/** A chart of the project with all that is in it, as far as that is there. It is loaded once. */
export function wholeChart(context: CheckContext, description: Chart): LoadedChart {
  return remember(loaded, description, () => load(context, description));
}

function load({ project, skip }: CheckContext, description: Chart): LoadedChart {
  const pass = (name: string, why: string): void => skip(`what ${name} knows of values, since ${why}`);
  const gathered = attempt(() =>
    project.sources.filesWith(description, ({ name }) => pass(name, "its files are not there")),
  );
  if (gathered instanceof DeployError) pass(description.name, gathered.message);
  const files = gathered instanceof DeployError ? new Map<string, Buffer>() : gathered;
  // One that is fetched, and is not here, says nothing of itself; its values cannot be had either.
  if (files.size === 0) {
    const { name, version } = description;
    return { name, version, isLibrary: false, requirements: null, defaults: newMap(), files, charts: [] };
  }
  try {
    return loadChart(files, pass);
  } catch (error) {
    // The check layers tells what is wrong with the chart's own values.
    if (!(error instanceof Error)) throw error;
    for (const name of ["values.yaml", "requirements.yaml"]) files.delete(name);
    return loadChart(files, pass);
  }
}

const described = new WeakMap<LoadedChart, ChartValues>();

/** What a chart knows, apart from those in it. */
export const chartValues = (chart: LoadedChart): ChartValues => remember(described, chart, () => describe(chart));

const TEMPLATE = /^(?:templates|files|crds)\/|\.(?:tpl|yaml|yml|txt|py|json|toml|conf|sh)$/;

/** What describes a chart, and the values that are laid over its own: they use none. */
const NO_TEMPLATE =
  /^(?:Chart\.yaml|requirements\.yaml|values[^/]*\.ya?ml|values\.schema\.json|ci\/[^/]*values\.ya?ml)$/;

function describe(chart: LoadedChart): ChartValues {
  const { name, files, requirements } = chart;
  const words = new Set<string>();
  const whole = new Set<string>();
  for (const text of templatesOf(chart)) {
    for (const [word] of text.matchAll(WORD)) words.add(word);
    if (/\.Values(?![\w.])/.test(text)) whole.add("");
    for (const [, before = "", used = ""] of text.matchAll(/([\w"')-]*[ \t(]*)\$?\.Values\.([\w.-]*\w)/g))
      if (!/^(?:if|with|and|or|not|eq|ne|empty)\b/.test(before)) whole.add(used);
  }
  // What a library has, the templates of those above call for their own values.
  for (const text of librariesIn(chart).flatMap(templatesOf)) for (const [word] of text.matchAll(WORD)) words.add(word);
  const switches = new Set<string>();
  for (const path of (requirements ?? []).flatMap(({ conditions }) => conditions))
    for (const { index } of path.matchAll(/\.|$/g)) switches.add(path.slice(0, index));
  const content = files.get("values.schema.json")?.toString();
  const schema = content === undefined ? undefined : (readJson(content) ?? null);
  const parts = partsOf(chart);
  const imports = (requirements ?? [])
    .filter(({ key }) => (parts.get(key) ?? null) === null)
    .flatMap((one) => one.imports.map(({ parent }) => parent));
  const isWhole = [...parts.values()].every((part) => part !== null) || !callsOthers(chart);
  return { name, defaults: defaultsWithImports(chart), schema, words, whole, switches, isWhole, imports, parts };
}

const WORD = /[A-Za-z_][\w-]*/g;

const templatesOf = ({ files }: LoadedChart): string[] =>
  [...files]
    .filter(([path]) => !NO_TEMPLATE.test(path) && TEMPLATE.test(path))
    .map(([, content]) => content.toString());

const CALL = /\b(?:include|template)[ \t]+"([^"]+)"/g;
const DEFINITION = /\bdefine[ \t]+"([^"]+)"/g;

/** Whether the templates of a chart call some that no chart here defines. */
function callsOthers(chart: LoadedChart): boolean {
  const defined = new Set(
    allIn(chart)
      .flatMap(templatesOf)
      .flatMap((text) => namesIn(text, DEFINITION)),
  );
  const called = templatesOf(chart).flatMap((text) => namesIn(text, CALL));
  return called.some((name) => !defined.has(name));
}

const namesIn = (text: string, form: RegExp): string[] => [...text.matchAll(form)].map(([, name = ""]) => name);

const allIn = (chart: LoadedChart): LoadedChart[] => [chart, ...chart.charts.flatMap(allIn)];

const librariesIn = ({ charts }: LoadedChart): LoadedChart[] =>
  charts.flatMap((chart) => [...(chart.isLibrary ? [chart] : []), ...librariesIn(chart)]);

function partsOf({ charts, requirements }: LoadedChart): Map<string, LoadedChart | null> {
  const parts = new Map<string, LoadedChart | null>();
  for (const { name, key } of requirements ?? []) {
    const chart = charts.find((one) => one.name === name) ?? null;
    parts.set(key, chart);
  }
  for (const chart of charts)
    if (requirements?.some(({ name }) => name === chart.name) !== true) parts.set(chart.name, chart);
  return parts;
}
