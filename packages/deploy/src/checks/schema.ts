import type { ErrorObject } from "ajv";
import type { Release } from "../project/environment.ts";
import { attempt, DeployError, orElse } from "../errors.ts";
import type { Check, CheckContext } from "./check.ts";
import type { Finding } from "../findings/finding.ts";
import type { Setting, Values } from "../values/merge.ts";
import { formatPath, isMap, type Path, readJson, type Value, type ValueMap } from "../values/value.ts";
import type { LoadedChart } from "../charts/loaded-chart.ts";
import { chartScopes, type ScopeMistake } from "../charts/chart-scopes.ts";
import { chartValues, wholeChart } from "./chart-values.ts";
import { compileSchema, type Validate } from "./json-schema.ts";
import { found, merged, placeOf, whereOf } from "./reading.ts";
import { remember } from "../remember.ts";

/** The most that is told of one schema for one release. */
const MOST_FINDINGS = 50;

/** Reports values that do not fit the JSON Schemas of charts and project. */
export const schema: Check = async function* schemaCheck(context) {
  const schemas = remember<CheckContext, Schemas>(ofRun, context, () => new Map());
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
  const scopes = scopesOf(context, release, values);
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

type Scopes = ReturnType<typeof chartScopes> | DeployError;

const scopesKnown = new WeakMap<Values, Scopes>();

/** What each chart of a release sees; worked out once. */
const scopesOf = (context: CheckContext, release: Release, values: Values): Scopes =>
  remember<Values, Scopes>(scopesKnown, values, () =>
    attempt(() => chartScopes(wholeChart(context, release.chart), values.overrides, 4)),
  );

/** The schemas of a run's charts. */
const ofRun = new WeakMap<CheckContext, Schemas>();

/**
 * Whether the check `schema` judges all that Helm would by the schemas of a release's charts, so
 * that Helm need not.
 */
export async function isJudgedHere(context: CheckContext, release: Release): Promise<boolean> {
  const values = attempt(() => release.values({ withoutSecrets: true }));
  if (values instanceof DeployError || values.leftOut.length > 0) return false;
  const scopes = scopesOf(context, release, values);
  if (scopes instanceof DeployError || "path" in scopes) return false;
  for (const { chart, path } of scopes) {
    const source = sourceOf(chart, path.length === 0 ? release.chart.schema?.path : undefined);
    if (
      source !== null &&
      "severity" in
        (await compiledOf(
          source,
          remember(ofRun, context, () => new Map()),
        ))
    )
      return false;
  }
  return true;
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
type Schemas = Map<Source, Promise<Validate | Finding>>;

const compiledOf = (source: Source, schemas: Schemas): Promise<Validate | Finding> =>
  remember(schemas, source, () => compile(source));

function noMap(release: Release, values: Values, { path, chart: { name } }: ScopeMistake): Finding {
  const setting = nearestSetting(values, path);
  return found("schema", "error", `${formatPath(path)} must be a map: it holds the values of the chart ${name}`, {
    ...(setting === null ? whereOf(release) : placeOf(setting, release)),
  });
}

async function compile({ title, file, content }: Source): Promise<Validate | Finding> {
  const place = file === undefined ? {} : { file };
  if (typeof content !== "boolean" && !(typeof content === "object" && content !== null && !Array.isArray(content)))
    return found("schema", "error", `${title} is not there, or no JSON Schema`, place);
  try {
    return await compileSchema(content);
  } catch {
    return unusable(title, place);
  }
}

/** What ajv says may quote the schema at length. */
function unusable(title: string, place: Pick<Finding, "file">): Finding {
  const message = `${title} cannot be used: it is no JSON Schema, refers to what is not there, or has a pattern that Helm does not take`;
  const hint = String.raw`drafts 6, 7, 2019-09 and 2020-12 are understood; a $ref must lead into the same file, and not in a circle; patterns are RE2's, without (?=…) and \1`;
  return found("schema", "warning", message, { ...place, hint });
}

/** What a schema is about: the values at a path, as that chart sees them. */
interface Subject {
  readonly values: Values;
  readonly path: Path;
  readonly part: ValueMap;
}

function* violations(
  validate: Validate | Finding,
  { title, file }: Source,
  release: Release,
  { values, path: top, part }: Subject,
): Generator<Finding> {
  if ("severity" in validate) return;
  const value: unknown = JSON.parse(JSON.stringify(part));
  const verdict = attemptToJudge(() => validate(value));
  if (verdict === null) yield unusable(title, file === undefined ? {} : { file });
  if (verdict !== false) return;
  const errors = (validate.errors() ?? []).filter(
    (error) => values.leftOut.length === 0 || !MAY_BE_SECRET.test(`${error.schemaPath}/${error.keyword}`),
  );
  for (const error of errors.slice(0, MOST_FINDINGS)) {
    const path = [...top, ...pathOf(error, part)];
    const setting = nearestSetting(values, path);
    // A stand-in is no value that anybody wrote.
    if (setting?.layer.hasStandIns === true) continue;
    const at = path.length === 0 ? "the top" : formatPath(path);
    const place = setting === null ? whereOf(release) : placeOf(setting, release);
    yield found("schema", "error", `${at} ${reason(error)}, by ${title}`, place);
  }
}

/** Null for a schema that refers to itself without an end. */
function attemptToJudge(judge: () => boolean): boolean | null {
  try {
    return judge();
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
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
