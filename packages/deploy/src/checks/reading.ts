/*
 * How checks read: what cannot be read is one check's finding, and what the others pass over and
 * tell.
 */
import { availableParallelism } from "node:os";
import { posix } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { Dependency } from "../charts/chart.ts";
import { DeployError, orElse } from "../errors.ts";
import type { CheckContext } from "./check.ts";
import type { Severity } from "@git-vault/core";
import { type Finding, finding, type FindingDetails } from "../findings/finding.ts";
import type { Layer } from "../values/layer.ts";
import type { TrackedFile } from "../files/tree.ts";
import type { Manifest } from "../helm/manifests.ts";
import type { Setting, Values } from "../values/merge.ts";
import { assertGoesOn } from "../parallel.ts";
import { remember } from "../remember.ts";
import type { Project } from "../project/project.ts";
import type { Release } from "../project/environment.ts";
import { readYaml } from "../values/read-yaml.ts";
import { type Position, type Yaml } from "../values/yaml.ts";
import type { RuleId } from "../findings/rules.ts";

/** Told by the check dependencies. */
export const OF_ARCHIVES: ReadonlySet<string> = new Set([
  "UNPINNED_DEPENDENCY",
  "UNLOCKED_DEPENDENCY",
  "MISSING_ARCHIVE",
  "ARCHIVE_MISMATCH",
]);

/** A finding of one of the rules. */
export const found = (id: RuleId, severity: Severity, message: string, details: FindingDetails = {}): Finding =>
  finding(id, severity, message, details);

const nameAmong = ({ key, name, environment }: Release): Pick<Finding, "release"> =>
  environment.releases.length === 1 ? {} : { release: key || name };

/** Which release something is about: its environment, and its name if there are several. */
export const whereOf = (release: Release): Pick<Finding, "environment" | "release"> => ({
  environment: release.environment.name,
  ...nameAmong(release),
});

/** Whose a layer is: an environment's, a release's, or nobody's alone. */
export function ownerOf(layer: Layer, release: Release): ReturnType<typeof whereOf> {
  if (layer.role === "environment") return whereOf(release);
  // A main release has another name in each of the environments that share the layer.
  return release === release.environment.main ? {} : nameAmong(release);
}

/** Where something stands in a layer, and whose that is. */
export const placeIn = (
  layer: Layer,
  { line, column }: Position,
  release: Release,
): Pick<Finding, "file" | "line" | "column" | "environment" | "release"> => ({
  file: layer.path,
  line,
  column,
  ...ownerOf(layer, release),
});

/** Where a value is set. */
export const placeOf = ({ layer, entry }: Setting, release: Release): ReturnType<typeof placeIn> =>
  placeIn(layer, entry.position, release);

/** An error as a finding. */
export const findingOfError = (
  id: RuleId,
  { message, place, hint, remedy, subject }: DeployError,
  rest: Pick<Finding, "environment" | "release"> = {},
): Finding => found(id, "error", message, { ...place, ...rest, hint, remedy, subject });

/** Tells that a file was passed over, since its key is not here. */
export const skipLocked = ({ project, skip }: CheckContext, { keyName }: TrackedFile): void =>
  skip(
    project.hasKey
      ? `what the key ${keyName} encrypts, since it is not here`
      : "what is encrypted, since there is no key",
  );

/** The same of a layer, which may be encrypted as a whole or within. */
function skipLayer(context: CheckContext, { path, file, whyLockedWithin: why }: Layer): void {
  if (file?.locked === true) skipLocked(context, file);
  else if (why !== null) {
    const reason = (of: string): string => `what sops encrypted in ${of}, since ${why}`;
    context.skip(reason(path), { of: path, reason });
  }
}

/** Whether something that a release is made from is encrypted, and its key is not here. */
export const lacksSecrets = ({ project }: CheckContext, release: Release): boolean =>
  project.lockedIn(release).length > 0;

/** Every layer once, with a release that has it. */
export function layersOf({ releases }: CheckContext): [Layer, Release][] {
  const byPath = new Map<string, [Layer, Release]>();
  for (const release of releases)
    for (const layer of release.layers) if (!byPath.has(layer.path)) byPath.set(layer.path, [layer, release]);
  return [...byPath.values()];
}

/** Those that can be opened; where one is locked, that is told. */
export function* openLayers(context: CheckContext): Generator<[layer: Layer, release: Release]> {
  for (const [layer, release] of layersOf(context))
    if (layer.locked) skipLayer(context, layer);
    else yield [layer, release];
}

/** The documents of a YAML or JSON file; null where it is none. A layer is not read again. */
export function documentsOf(context: CheckContext, file: string, text: () => string): readonly Yaml[] | null {
  const layer = remember(layersOfRun, context, () => new Map(layersOf(context).map(([one]) => [one.path, one]))).get(
    file,
  );
  return orElse<readonly Yaml[] | null>(
    null,
    () => (layer === undefined ? readYaml(file, text()) : layer.yaml()).documents,
  );
}

const layersOfRun = new WeakMap<CheckContext, ReadonlyMap<string, Layer>>();

/** Whether a file is a part of some chart: its description, its defaults, or a template. */
export function isOfChart({ project }: CheckContext, path: string): boolean {
  const isChart = (folder: string): boolean => project.file(`${folder}/Chart.yaml`) !== undefined;
  const [, outer = "", inner = ""] = /^(.*?)\/(?:templates|crds|charts)(\/.*)$/.exec(path) ?? [];
  if (inner !== "" && isChart(outer)) return true;
  return /\/(?:Chart|values|requirements)\.yaml$/.test(path) && isChart(posix.dirname(path));
}

/** The values of a release, without what is locked; null where they cannot be had. */
export function valuesOf(context: CheckContext, release: Release): Values | null {
  const values = orElse(null, () => release.values({ withoutSecrets: true }));
  if (values === null) context.skipRelease(release, (of) => `the values of ${of}, since a layer cannot be taken`);
  for (const layer of values?.leftOut ?? []) skipLayer(context, layer);
  return values;
}

/** The releases whose values can be had, with their values. Between two, Helm is given its turn. */
export async function* merged(
  context: CheckContext,
  releases: readonly Release[] = context.releases,
): AsyncGenerator<[release: Release, values: Values]> {
  for (const release of releases) {
    const values = valuesOf(context, release);
    if (values === null) continue;
    yield [release, values];
    await setImmediate();
  }
}

type Rendering = Promise<readonly Manifest[] | DeployError>;

/** Every release of a run, with what it renders. */
const known = new WeakMap<CheckContext, ReadonlyMap<Release, Rendering>>();

/** How many Helm processes render at once: more than cores, since checks block starting. */
const MOST_AT_A_TIME = 2 * availableParallelism();

/** Renders every release once in a run, while checks do other work. */
export const startRendering = (context: CheckContext, isJudged: Judged = notJudged): ReadonlyMap<Release, Rendering> =>
  remember(known, context, () => renderAll(context, isJudged));

/** Whether values are judged by the charts' JSON Schemas here, so that Helm need not do so. */
export type Judged = (context: CheckContext, release: Release) => Promise<boolean>;
const notJudged: Judged = () => Promise.resolve(false);

function renderAll(context: CheckContext, isJudged: Judged): ReadonlyMap<Release, Rendering> {
  const lanes: Promise<unknown>[] = Array.from({ length: MOST_AT_A_TIME }, () => Promise.resolve());
  const ofRun = new Map<Release, Rendering>();
  for (const [at, release] of context.releases.entries()) {
    const lane = at % lanes.length;
    const rendering = Promise.resolve(lanes[lane]).then(() => render(context, release, isJudged));
    // It may fail before anybody waits for it.
    rendering.catch(() => {});
    lanes[lane] = rendering;
    ofRun.set(release, rendering);
  }
  return ofRun;
}

/** Waits until Helm renders nothing more, in a run that was interrupted. */
export async function endRendering(context: CheckContext): Promise<void> {
  for (const rendering of known.get(context)?.values() ?? []) await rendering.catch(() => {});
}

async function render(
  context: CheckContext,
  release: Release,
  isJudged: Judged,
): Promise<readonly Manifest[] | DeployError> {
  try {
    const { signal } = context;
    assertGoesOn(signal);
    const validated = await isJudged(context, release);
    return await release.render({ withoutSecrets: true, validated, signal });
  } catch (error) {
    if (error instanceof DeployError && error.code !== "INTERRUPTED") return error;
    throw error;
  }
}

/** The releases with what their charts render, or why they do not. */
export async function* renderings(
  context: CheckContext,
): AsyncGenerator<[release: Release, manifests: readonly Manifest[] | DeployError]> {
  for (const [release, rendering] of startRendering(context)) yield [release, await rendering];
}

/** The releases that can be rendered, with what is rendered. */
export async function* rendered(
  context: CheckContext,
): AsyncGenerator<[release: Release, manifests: readonly Manifest[]]> {
  for await (const [release, manifests] of renderings(context)) {
    if (manifests instanceof DeployError) skipRendering(context, release, manifests);
    else yield [release, manifests];
  }
}

/** Tells why what a release renders was not looked at. */
export function skipRendering(context: CheckContext, release: Release, { code, message }: DeployError): void {
  if (code === "TOOL_MISSING" || code === "UNSUPPORTED_TOOL")
    return context.skip(`what the chart renders, since ${message}`);
  const isLocked = code === "TOOL_FAILED" && lacksSecrets(context, release);
  const without = isLocked ? " without the secrets" : "";
  context.skipRelease(release, (of) => `what ${of} renders, since it cannot be rendered${without}`);
}

/** The file that rendered an object; the chart's own description for remote dependencies. */
export function fileOf(project: Project, { chart }: Release, { source }: Manifest): string {
  if (chart.remote !== null) return chart.remote.file;
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

/** A finding about a rendered object, with secrets removed from the message. */
export function foundIn(
  project: Project,
  release: Release,
  manifest: Manifest,
  ...[id, severity, message, hint]: [RuleId, Severity, string, string?]
): Finding {
  const { redactor } = project;
  return found(id, severity, redactor.redact(message), {
    file: fileOf(project, release, manifest),
    ...whereOf(release),
    hint: hint && redactor.redact(hint),
  });
}

/** An object's name, as people write it. */
export const titleOfManifest = ({ kind, name }: Manifest): string => `${kind} ${name === "" ? "without a name" : name}`;
