import type { CodeOptions, ErrorObject, ValidateFunction } from "ajv";
import type { Release } from "../project/environment.ts";
import { attempt, DeployError, orElse } from "../errors.ts";
import type { Check, CheckContext } from "./check.ts";
import type { Finding } from "../findings/finding.ts";
import type { Setting, Values } from "../values/merge.ts";
import { formatPath, isMap, type Path, readJson, type Value, type ValueMap } from "../values/value.ts";
import type { LoadedChart } from "../charts/loaded-chart.ts";
import { chartScopes, type ScopeMistake } from "../charts/chart-scopes.ts";
import { chartValues, wholeChart } from "./chart-values.ts";
import { found, merged, placeOf, whereOf } from "./reading.ts";
import { remember } from "../remember.ts";

/** The most that is told of one schema for one release. */
const MOST_FINDINGS = 50;

/** Reports values that do not fit the JSON Schemas of charts and project. */
export const schema: Check = async function* schemaCheck(context) {
  const schemas: Schemas = new Map();
  const own = sourcesOfProject(context);
  for (const source of own) {
    const compiled = await compiledOf(source, schemas);
    if ("severity" in compiled) yield compiled;
  }
  // The project's own are about what its chart is given.
  const sourcesOf = (release: Release): readonly Source[] => (release === release.environment.main ? own : []);
  const releases = context.releases.filter(
    (release) => sourcesOf(release).length > 0 || demands(wholeChart(context, release.chart)),
  );
  for await (const [release, values] of merged(context, releases)) {
    for (const source of sourcesOf(release))
      yield* violations(await compiledOf(source, schemas), source, release, { values, path: [], part: values.value });
    yield* ofCharts(context, release, values, schemas);
  }
};

/** What the schemas of a release's charts say of its values. */
async function* ofCharts(
  context: CheckContext,
  release: Release,
  values: Values,
  schemas: Schemas,
): AsyncGenerator<Finding> {
  const chart = wholeChart(context, release.chart);
  const scopes = attempt(() => chartScopes(chart, values.overrides, 4));
  if (scopes instanceof DeployError) {
    context.skip(`whether values are as the charts say, since ${scopes.message}`);
    return;
  }
  if ("path" in scopes) {
    yield noMap(release, values, scopes);
    return;
  }
  for (const { chart: one, path, values: part } of scopes) {
    const source = sourceOf(one, path.length === 0 ? release.chart.schema?.path : undefined);
    if (source === null) continue;
    const compiled = await compiledOf(source, schemas);
    if ("severity" in compiled) yield compiled;
    else yield* violations(compiled, source, release, { values, path, part });
  }
}

/** Whether a chart demands anything of its values: by a schema, or for charts in it. */
const demands = ({ files, charts }: LoadedChart): boolean => files.has("values.schema.json") || charts.length > 0;

/** Where a schema comes from. */
interface Source {
  readonly title: string;
  /** The file in the repository that holds it; undefined where it comes with a dependency. */
  readonly file: string | undefined;
  /** Undefined where it is no JSON. */
  readonly content: unknown;
}

const sourcesOfProject = ({ project }: CheckContext): Source[] =>
  project.schemas.map((path) => {
    const file = project.file(path);
    return {
      title: `the schema ${path}`,
      file: path,
      content: readJson(orElse("", () => (file === undefined ? "" : project.read(file).toString()))),
    };
  });

const sources = new WeakMap<LoadedChart, Source>();

function sourceOf(chart: LoadedChart, file: string | undefined): Source | null {
  const { name, schema: content } = chartValues(chart);
  if (content === undefined) return null;
  const source = { title: `the schema of the chart ${name}`, file, content: content ?? undefined };
  return remember<LoadedChart, Source>(sources, chart, () => source);
}

/** Schemas, each compiled once, or what is wrong with it. */
type Schemas = Map<Source, Promise<ValidateFunction | Finding>>;

const compiledOf = (source: Source, schemas: Schemas): Promise<ValidateFunction | Finding> =>
  remember(schemas, source, () => compile(source));

function noMap(release: Release, values: Values, { path, chart: { name } }: ScopeMistake): Finding {
  const setting = nearestSetting(values, path);
  return found("schema", "error", `${formatPath(path)} must be a map: it holds the values of the chart ${name}`, {
    ...(setting === null ? whereOf(release) : placeOf(setting, release)),
  });
}

async function compile({ title, file, content }: Source): Promise<ValidateFunction | Finding> {
  const place = file === undefined ? {} : { file };
  if (typeof content !== "boolean" && !(typeof content === "object" && content !== null && !Array.isArray(content)))
    return found("schema", "error", `${title} is not there, or no JSON Schema`, place);
  const dialect = typeof content === "object" && "$schema" in content ? String(content.$schema) : "";
  try {
    const compileSchema = await compilerFor(dialect);
    return compileSchema(content);
  } catch {
    // What ajv says may quote the schema at length.
    const message = `${title} cannot be used: it is no JSON Schema, refers to what is not there, or has a pattern that Helm does not take`;
    const hint = String.raw`drafts 6, 7, 2019-09 and 2020-12 are understood; a $ref must lead into the same file; patterns are RE2's, without (?=…) and \1`;
    return found("schema", "warning", message, { ...place, hint });
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
  const regExp = await linearRegExp();
  return (content) => {
    const ajv = new Ajv({ allErrors: true, strict: false, logger: false, validateSchema: false, code: { regExp } });
    addFormats.default(ajv);
    if (typeof content === "boolean") return ajv.compile(content);
    const { $schema: _, ...rest } = Object.fromEntries(Object.entries(content));
    return ajv.compile(rest);
  };
}

/** Patterns in Go's syntax (RE2), as Helm has them, matched in linear time. */
async function linearRegExp(): Promise<RegExpEngine> {
  const { RE2JS } = await import("re2js");
  const engine = (pattern: string): ReturnType<RegExpEngine> => {
    const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern));
    // By this, ajv tells one from another.
    const told = { toString: () => pattern };
    return Object.assign(told, { test: (text: string) => compiled.matcher(text).find() });
  };
  // Only code that is written to a file would name it.
  return Object.assign(engine, { code: "linearRegExp" });
}

type RegExpEngine = NonNullable<CodeOptions["regExp"]>;

/** What a schema is about: the values at a path, as that chart sees them. */
interface Subject {
  readonly values: Values;
  readonly path: Path;
  readonly part: ValueMap;
}

function* violations(
  validate: ValidateFunction | Finding,
  { title }: Source,
  release: Release,
  { values, path: top, part }: Subject,
): Generator<Finding> {
  if ("severity" in validate || validate(JSON.parse(JSON.stringify(part)))) return;
  const errors = (validate.errors ?? []).filter(
    (error) => values.leftOut.length === 0 || !MAY_BE_SECRET.test(`${error.schemaPath}/${error.keyword}`),
  );
  for (const error of errors.slice(0, MOST_FINDINGS)) {
    const path = [...top, ...pathOf(error, part)];
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

/** From a JSON Pointer (RFC 6901) to a path; to the extra key, if that is the problem. */
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

function nearestSetting(values: Values, path: Path): Setting | null {
  for (let length = path.length; length > 0; length -= 1) {
    const [setting] = values.explain(path.slice(0, length))?.settings ?? [];
    if (setting !== undefined) return setting;
  }
  return null;
}
