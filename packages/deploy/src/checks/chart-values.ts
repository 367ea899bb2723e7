/*
 * What the charts know of values: their own defaults, what their templates use, and their JSON Schemas.
 */
import type { Chart, Dependency } from "../charts/chart.ts";
import { DeployError } from "../errors.ts";
import type { CheckContext } from "./finding.ts";
import type { Project } from "../project/project.ts";
import { isMap, type Value, type ValueMap } from "../values/value.ts";
import { readYaml, valueOf } from "../values/yaml.ts";

/** A chart, as far as values are concerned. */
export interface ChartValues {
  /** `mybinder`, `binderhub`: its name for people. */
  readonly name: string;
  readonly defaults: ValueMap;
  /** What values.schema.json holds: undefined where there is none, null where it is no JSON. */
  readonly schema: unknown;
  /** Every word of its templates and other files. */
  readonly words: ReadonlySet<string>;
  /** Paths such as `resources` or `hub.config` that a template takes whole, empty for all: what is in them it need not name. */
  readonly whole: ReadonlySet<string>;
  /** The keys under which it hands values on to charts in it. */
  readonly parts: ReadonlySet<string>;
}

/** A chart of the project, and those that it depends on by the keys of their values; null for those that are not there. */
export interface ChartsValues {
  readonly root: ChartValues;
  readonly dependencies: ReadonlyMap<string, ChartValues | null>;
}

const known = new WeakMap<Chart, ChartsValues>();

/** What a chart and those that it depends on know. They are read once. */
export function chartValues({ project, skip }: CheckContext, chart: Chart): ChartsValues {
  const before = known.get(chart);
  if (before !== undefined) return before;
  const files = new Map<string, Buffer>();
  const own = chart.files.filter(({ encrypted, mode }) => !encrypted && mode.startsWith("100"));
  for (const [{ path }, content] of project.readAll(own))
    if (!(content instanceof DeployError)) files.set(path.slice(chart.path.length + 1), content);
  const dependencies = new Map<string, ChartValues | null>();
  for (const dependency of chart.dependencies) {
    const read = readDependency(project, chart, dependency);
    if (read === null) skip(`what ${dependency.name} knows of values, since its files are not there`);
    dependencies.set(dependency.key, read);
  }
  const result = { root: describe(chart.name, files), dependencies };
  known.set(chart, result);
  return result;
}

function readDependency(project: Project, chart: Chart, dependency: Dependency): ChartValues | null {
  let files: Map<string, Buffer>;
  try {
    files = project.dependencyFiles(dependency, chart);
  } catch (error) {
    if (error instanceof DeployError) return null;
    throw error;
  }
  if (files.size === 0) files = vendored(project, chart, dependency);
  return files.size === 0 ? null : describe(dependency.name, files);
}

/** The files of a dependency that lies as a folder in `charts`. */
function vendored(project: Project, chart: Chart, { name }: Dependency): Map<string, Buffer> {
  const folder = `${chart.path}/charts/${name}/`;
  return new Map(
    chart.files
      .filter(({ path, encrypted }) => path.startsWith(folder) && !encrypted)
      .map((file) => [file.path.slice(folder.length), project.read(file)]),
  );
}

const TEMPLATE = /^(?:templates|files|crds)\/|\.(?:tpl|yaml|yml|txt|py|json|toml|conf|sh)$/;

const NO_TEMPLATES: ReadonlySet<string> = new Set(["Chart.yaml", "values.yaml", "values.schema.json"]);

function describe(name: string, files: ReadonlyMap<string, Buffer>): ChartValues {
  const words = new Set<string>();
  const whole = new Set<string>();
  for (const [path, content] of files) {
    if (path.startsWith("charts/") || NO_TEMPLATES.has(path) || !TEMPLATE.test(path)) continue;
    const text = content.toString();
    for (const [word] of text.matchAll(/[A-Za-z_][\w-]*/g)) words.add(word);
    if (/\.Values(?![\w.])/.test(text)) whole.add("");
    for (const [, before = "", used = ""] of text.matchAll(/([\w"')-]*[ \t(]*)\$?\.Values\.([\w.-]*\w)/g))
      if (!/^(?:if|with|and|or|not|eq|ne|empty)\b/.test(before)) whole.add(used);
  }
  const metadata = mapIn(files.get("Chart.yaml"));
  const parts = new Set<string>();
  for (const dependency of listIn(metadata["dependencies"])) {
    const { alias, name: own, condition } = isMap(dependency) ? dependency : {};
    for (const key of [alias, own]) if (typeof key === "string") parts.add(key);
    if (typeof condition === "string")
      for (const path of condition.split(",")) for (const word of path.trim().split(".")) words.add(word);
  }
  for (const path of files.keys()) {
    const [, folder] = /^charts\/([^/]+)\//.exec(path) ?? [];
    if (folder !== undefined) parts.add(folder);
  }
  return {
    name,
    defaults: mapIn(files.get("values.yaml")),
    schema: jsonIn(files.get("values.schema.json")),
    words,
    whole,
    parts,
  };
}

const listIn = (value: Value | undefined): Value[] => (Array.isArray(value) ? value : []);

function jsonIn(content: Buffer | undefined): unknown {
  try {
    return content === undefined ? undefined : JSON.parse(content.toString());
  } catch {
    return null;
  }
}

/** The map in a file; an empty one where it holds none. */
function mapIn(content: Buffer | undefined): ValueMap {
  try {
    const [document] = content === undefined ? [] : readYaml("a chart's file", content.toString()).documents;
    const value = document === undefined ? null : valueOf(document);
    return isMap(value) ? value : {};
  } catch (error) {
    if (error instanceof DeployError) return {};
    throw error;
  }
}
