import type { ErrorObject, ValidateFunction } from "ajv";
import type { Chart } from "../charts/chart.ts";
import { DeployError } from "../errors.ts";
import type { Check, CheckContext, Finding } from "./finding.ts";
import type { Release } from "../project/release.ts";
import type { Values } from "../values/merge.ts";
import { formatPath, isMap, type Path, type Value, type ValueMap } from "../values/value.ts";
import { type ChartValues, chartValues } from "./chart-values.ts";
import { found, merged, placeOf, whereOf } from "./reading.ts";

/** The most that is told of one schema for one release. */
const MOST_FINDINGS = 50;

/** Tells of values that are not as the JSON Schemas of the charts and of the project say. */
export const schema: Check = async function* schemaCheck(context) {
  const ofCharts = new Map<Chart, readonly CompiledSchema[]>();
  const own = yield* compileAll(ofProject(context));
  for (const { chart } of context.releases)
    if (!ofCharts.has(chart)) ofCharts.set(chart, yield* compileAll(ofChart(context, chart)));
  // The project's own are about what its chart is given.
  const schemasOf = (release: Release): readonly CompiledSchema[] => {
    const schemas = ofCharts.get(release.chart) ?? [];
    return release === release.environment.main ? [...schemas, ...own] : schemas;
  };
  const releases = context.releases.filter((release) => schemasOf(release).length > 0);
  for await (const [release, values] of merged(context, releases))
    for (const one of schemasOf(release)) yield* violations(one, release, values);
};

/** Compiles schemas, and tells of those that are none. */
async function* compileAll(candidates: readonly Candidate[]): AsyncGenerator<Finding, CompiledSchema[]> {
  const schemas: CompiledSchema[] = [];
  for (const candidate of candidates) {
    const compiled = await compile(candidate);
    if ("severity" in compiled) yield compiled;
    else schemas.push(compiled);
  }
  return schemas;
}

/** A schema, and the part of the values that it is about. */
interface Candidate {
  readonly title: string;
  /** The file in the repository that holds it; undefined where it comes with a dependency. */
  readonly file: string | undefined;
  /** Undefined where it is no JSON. */
  readonly content: unknown;
  readonly key: string | null;
  readonly defaults: ValueMap;
}

interface CompiledSchema extends Candidate {
  readonly validate: ValidateFunction;
}

const ofProject = ({ project }: CheckContext): Candidate[] =>
  project.schemas.map((path) => {
    const file = project.file(path);
    const content = file === undefined ? undefined : contentOf(() => project.read(file));
    return { title: `the schema ${path}`, file: path, content, key: null, defaults: {} };
  });

/** That of a chart, and those of what it depends on. */
function ofChart(context: CheckContext, chart: Chart): Candidate[] {
  const { root, dependencies } = chartValues(context, chart);
  return [
    ...candidateOf(root, null, chart.schema?.path),
    ...[...dependencies].flatMap(([key, one]) => (one === null ? [] : candidateOf(one, key))),
  ];
}

function candidateOf({ name, schema: content, defaults }: ChartValues, key: string | null, file?: string): Candidate[] {
  if (content === undefined) return [];
  const title = `the schema of the chart ${name}`;
  return [{ title, file, content: content ?? undefined, key, defaults: key === null ? {} : defaults }];
}

function contentOf(read: () => Buffer): unknown {
  try {
    return JSON.parse(read().toString());
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof DeployError) return undefined;
    throw error;
  }
}

async function compile(candidate: Candidate): Promise<CompiledSchema | Finding> {
  const { title, file, content } = candidate;
  const place = file === undefined ? {} : { file };
  if (typeof content !== "boolean" && !(typeof content === "object" && content !== null && !Array.isArray(content)))
    return found("schema", "error", `${title} is not there, or no JSON Schema`, place);
  const dialect = typeof content === "object" && "$schema" in content ? String(content.$schema) : "";
  try {
    const compileSchema = await compilerFor(dialect);
    return { ...candidate, validate: compileSchema(content) };
  } catch {
    // What ajv says may quote the schema at length.
    return found("schema", "warning", `${title} cannot be used: it is no JSON Schema, or refers to what is not there`, {
      ...place,
      hint: "drafts 6, 7, 2019-09 and 2020-12 are understood; a $ref must lead into the same file",
    });
  }
}

type Compile = (content: object | boolean) => ValidateFunction;

async function compilerFor(dialect: string): Promise<Compile> {
  const { default: addFormats } = await import("ajv-formats");
  const Ajv = dialect.includes("2020-12")
    ? (await import("ajv/dist/2020.js")).Ajv2020
    : dialect.includes("2019-09")
      ? (await import("ajv/dist/2019.js")).Ajv2019
      : (await import("ajv")).Ajv;
  const compileWith = (content: object | boolean, unicodeRegExp: boolean): ValidateFunction => {
    const ajv = new Ajv({ allErrors: true, strict: false, logger: false, validateSchema: false, unicodeRegExp });
    addFormats.default(ajv);
    if (typeof content === "boolean") return ajv.compile(content);
    const { $schema: _, ...rest } = Object.fromEntries(Object.entries(content));
    return ajv.compile(rest);
  };
  return (content) => {
    try {
      return compileWith(content, true);
    } catch (error) {
      // Patterns such as \- are good for Helm, and for JavaScript without Unicode alone.
      if (error instanceof SyntaxError) return compileWith(content, false);
      throw error;
    }
  };
}

function* violations(one: CompiledSchema, release: Release, values: Values): Generator<Finding> {
  const { key, defaults, title, validate } = one;
  const whole = values.value;
  const part = key === null ? whole : underlay(whole[key] ?? {}, defaults, whole["global"]);
  if (validate(JSON.parse(JSON.stringify(part)))) return;
  const errors = (validate.errors ?? []).filter(
    (error) => values.leftOut.length === 0 || !MAY_BE_SECRET.test(`${error.schemaPath}/${error.keyword}`),
  );
  for (const error of errors.slice(0, MOST_FINDINGS)) {
    const path = [...(key === null ? [] : [key]), ...pathOf(error, part)];
    const setting = nearestSetting(values, path);
    const at = path.length === 0 ? "the top" : formatPath(path);
    const place = setting === null ? whereOf(release) : placeOf(setting, release);
    yield found("schema", "error", `${at} ${reason(error)}, by ${title}`, place);
  }
}

/** What a locked layer may yet provide. */
const MAY_BE_SECRET =
  /\/(?:required|dependencies|dependentRequired|minProperties|anyOf|oneOf|allOf|not|if|then|else|contains)\b/;

/** What went wrong, in ajv's words, which quote the schema and never the value. */
function reason({ message = "is not as it should be", params }: ErrorObject): string {
  const extra: unknown = params["additionalProperty"] ?? params["unevaluatedProperty"];
  return typeof extra === "string" ? "must not be there" : message;
}

/** From JSON Pointer (RFC 6901) to a path; to the key that is too many, where that is the trouble. */
function pathOf({ instancePath, params }: ErrorObject, top: Value): Path {
  let here: Value | undefined = top;
  const path = instancePath
    .split("/")
    .slice(1)
    .map((step) => {
      const name = step.replaceAll("~1", "/").replaceAll("~0", "~");
      const isIndex = Array.isArray(here);
      here = Array.isArray(here) ? here[Number(name)] : isMap(here) ? here[name] : undefined;
      return isIndex ? Number(name) : name;
    });
  const extra: unknown = params["additionalProperty"];
  return typeof extra === "string" ? [...path, extra] : path;
}

function nearestSetting(values: Values, path: Path): ReturnType<typeof firstSetting> {
  for (let length = path.length; length > 0; length -= 1) {
    const setting = firstSetting(values, path.slice(0, length));
    if (setting !== null) return setting;
  }
  return null;
}

const firstSetting = (values: Values, path: Path) => values.explain(path)?.settings[0] ?? null;

/** The values of a dependency as it sees them: over its own defaults, and with what is global. */
function underlay(value: Value, defaults: Value, global?: Value): Value {
  if (!isMap(value) || !isMap(defaults)) return value;
  const result: ValueMap = { ...defaults, ...value };
  for (const [key, below] of Object.entries(defaults)) {
    const above = value[key];
    if (above === null) delete result[key];
    else if (above !== undefined) result[key] = underlay(above, below);
  }
  if (global !== undefined) result["global"] = global;
  return result;
}
