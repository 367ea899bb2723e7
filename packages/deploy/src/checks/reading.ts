/*
 * How checks read: what cannot be read is one check's finding, and what the others pass over and tell.
 */
import type { Dependency } from "../charts/chart.ts";
import type { Environment } from "../project/environment.ts";
import { DeployError } from "../errors.ts";
import type { CheckContext, Finding, Severity } from "./finding.ts";
import type { Layer } from "../values/layer.ts";
import type { Manifest } from "../helm/manifests.ts";
import type { Setting, Values } from "../values/merge.ts";
import type { Project } from "../project/project.ts";
import { type Position, readYaml, type Yaml } from "../values/yaml.ts";
import type { RuleId } from "./rules.ts";

/** A finding with the parts that are there. */
export function found(
  id: RuleId,
  severity: Severity,
  message: string,
  rest: Omit<Finding, "id" | "severity" | "message"> = {},
): Finding {
  return { id, severity, message, ...rest };
}

/** Where something stands in a layer, and of which environment that is, where it is one's own. */
export const placeIn = (
  layer: Layer,
  { line, column }: Position,
  environment: Environment,
): Pick<Finding, "file" | "line" | "column" | "environment"> => ({
  file: layer.path,
  line,
  column,
  ...(layer.role === "environment" ? { environment: environment.name } : {}),
});

/** Where a value is set. */
export const placeOf = ({ layer, entry }: Setting, environment: Environment): ReturnType<typeof placeIn> =>
  placeIn(layer, entry.position, environment);

/** An error as a finding. */
export const findingOf = (
  id: RuleId,
  { message, place, hint }: DeployError,
  rest: Pick<Finding, "environment"> = {},
): Finding => found(id, "error", message, { ...place, ...rest, hint });

/** What is told where something needs the key, and there is none. */
export const NO_KEY = "what is encrypted, since there is no key";

/** What `read` gives; where it throws a DeployError, what `otherwise` makes of that. */
export function orElse<T>(read: () => T, otherwise: (error: DeployError) => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof DeployError && error.code !== "INTERRUPTED") return otherwise(error);
    throw error;
  }
}

/** Every layer once, with an environment that has it. */
export function layersOf({ environments }: CheckContext): [Layer, Environment][] {
  const byPath = new Map<string, [Layer, Environment]>();
  for (const environment of environments)
    for (const layer of environment.releases.flatMap((release) => release.layers))
      if (!byPath.has(layer.path)) byPath.set(layer.path, [layer, environment]);
  return [...byPath.values()];
}

/** The documents of a YAML or JSON file; null where it is none. A layer is not read again. */
export function documentsOf(context: CheckContext, file: string, text: () => string): readonly Yaml[] | null {
  const layer = layersByPath(context).get(file);
  return orElse<readonly Yaml[] | null>(
    () => (layer === undefined ? readYaml(file, text()) : layer.yaml()).documents,
    () => null,
  );
}

const layersOfRun = new WeakMap<CheckContext, ReadonlyMap<string, Layer>>();

function layersByPath(context: CheckContext): ReadonlyMap<string, Layer> {
  const before = layersOfRun.get(context);
  if (before !== undefined) return before;
  const layers = new Map(layersOf(context).map(([layer]) => [layer.path, layer]));
  layersOfRun.set(context, layers);
  return layers;
}

/** The values of an environment, without what is locked; null where they cannot be had. */
export function valuesOf({ skip }: CheckContext, environment: Environment): Values | null {
  return orElse<Values | null>(
    () => {
      const values = environment.values({ withoutSecrets: true });
      if (values.leftOut.length > 0) skip(NO_KEY);
      return values;
    },
    () => {
      skip(`the values of ${environment.name}, since a layer cannot be taken`);
      return null;
    },
  );
}

type Rendering = Promise<readonly Manifest[] | DeployError>;

/** Each environment is rendered once in a run, and where that fails, it is not tried again. */
const known = new WeakMap<CheckContext, Map<Environment, Rendering>>();

function render(context: CheckContext, environment: Environment): Rendering {
  const ofRun = known.get(context) ?? new Map<Environment, Rendering>();
  known.set(context, ofRun);
  const before = ofRun.get(environment);
  if (before !== undefined) return before;
  const rendering = environment.render({ withoutSecrets: true, signal: context.signal }).catch((error: unknown) => {
    if (error instanceof DeployError && error.code !== "INTERRUPTED") return error;
    throw error;
  });
  // It may fail before anybody waits for it.
  rendering.catch(() => {});
  ofRun.set(environment, rendering);
  return rendering;
}

/** The environments with what the chart renders for each, or why it does not; the next one is rendered meanwhile. */
export async function* renderings(
  context: CheckContext,
): AsyncGenerator<[environment: Environment, manifests: readonly Manifest[] | DeployError]> {
  const { environments } = context;
  for (const [at, environment] of environments.entries()) {
    const current = render(context, environment);
    const next = environments[at + 1];
    if (next !== undefined) void render(context, next);
    yield [environment, await current];
  }
}

/** The environments that can be rendered, with what is rendered. */
export async function* rendered(
  context: CheckContext,
): AsyncGenerator<[environment: Environment, manifests: readonly Manifest[]]> {
  for await (const [environment, manifests] of renderings(context)) {
    if (manifests instanceof DeployError) context.skip(whyNotRendered(environment, manifests));
    else yield [environment, manifests];
  }
}

/** Why what an environment renders was not looked at. */
export function whyNotRendered({ name, layers }: Environment, { code, message }: DeployError): string {
  if (code === "TOOL_MISSING" || code === "UNSUPPORTED_TOOL") return `what the chart renders, since ${message}`;
  const isLocked = code === "TOOL_FAILED" && layers.some(({ locked }) => locked);
  return `what ${name} renders, since it cannot be rendered${isLocked ? " without the secrets" : ""}`;
}

/** The file in the repository that rendered an object; the chart's own description, where a dependency from elsewhere did. */
export function fileOf(project: Project, { source }: Manifest): string {
  const { chart } = project;
  const [, name, path] = /^[^/]+\/(?:charts\/([^/]+)\/)?(.*)$/.exec(source) ?? [];
  const dependency = chart.dependencies.find((one) => one.key === name || one.name === name);
  const folder =
    name === undefined ? chart.path : dependency === undefined ? null : localFolder(chart.path, dependency);
  const candidates = [folder === null ? "" : `${folder}/${path}`, `${chart.path}/charts/${name}/${path}`];
  return candidates.find((candidate) => project.file(candidate) !== undefined) ?? `${chart.path}/Chart.yaml`;
}

function localFolder(chart: string, { repository }: Dependency): string | null {
  if (!repository.startsWith("file://")) return null;
  return new URL(repository.slice("file://".length), `file:///${chart}/`).pathname.slice(1).replace(/\/$/, "");
}

/** A finding about an object that was rendered. What its values hold of secrets is taken out of the message. */
export function foundIn(
  project: Project,
  environment: Environment,
  manifest: Manifest,
  ...[id, severity, message, hint]: [RuleId, Severity, string, string?]
): Finding {
  const { redactor } = project;
  return found(id, severity, redactor.redact(message), {
    file: fileOf(project, manifest),
    environment: environment.name,
    ...(hint === undefined ? {} : { hint: redactor.redact(hint) }),
  });
}

/** An object's name, as people write it. */
export const nameOf = ({ kind, name }: Manifest): string => `${kind} ${name === "" ? "without a name" : name}`;
