import { posix } from "node:path";
import { type EnvironmentSettings, tierOf } from "../project/settings.ts";
import { isStructured } from "../values/read-yaml.ts";
import { isMap } from "../values/value.ts";
import { type Draft, labelOf } from "./draft.ts";
import { takeMainChart } from "./main-chart.ts";

/** What environments are called in the names of files and folders, and of which tier that is. */
const ENVIRONMENTS: ReadonlyMap<string, EnvironmentSettings["tier"]> = new Map([
  ["dev", "other"],
  ["development", "other"],
  ["qa", "other"],
  ["uat", "other"],
  ["preprod", "other"],
  ["stage", "staging"],
  ["staging", "staging"],
  ["live", "prod"],
  ["prod", "prod"],
  ["production", "prod"],
]);
const FOR_ALL = /^(?:common|shared|base|all|defaults?|globals?)$/;
/** What names of values files say beside that. */
const KIND = /^(?:values?|secrets?|enc|encrypted|sops|config|overrides?)$/;
/** What names of folders say beside that. Any other word tells environments of their own. */
const FOLDER = /^(?:deploy|deployments?|environments?|envs?|helm|k8s|values?|secrets?|configs?)$/;
/** What is deployed by nobody, and what is a part of a chart. */
const ELSEWHERE = /(?:^|\/)(?:\.[^/]*|docs?|tests?|ci|examples?|node_modules|templates|charts|crds|files)\//;

/** A values file whose name, or that of its folder, speaks of an environment, or of all. */
interface Named {
  readonly path: string;
  /** Null where it is for all of its group. */
  readonly environment: string | null;
  readonly tier: EnvironmentSettings["tier"];
  /** What its folders say beside that, such as `aws` of `deploy-aws`. */
  readonly group: string;
  /** The chart in whose folder it lies; null for none. */
  readonly chart: string | null;
}

/**
 * `values-prod.yaml` in a chart's folder, `deploy/prod.yaml`, `environments/prod/values.yaml` and
 * the like, with secrets beside them; `deploy-aws/prod.yaml` is of the environment `aws-prod`.
 * Whether there are any.
 */
export function draftNamed(draft: Draft): boolean {
  const charts = draft.charts;
  const files = [...draft.paths].flatMap((path) => namedAt(draft, charts, path) ?? []);
  const own = files.filter(({ environment }) => environment !== null);
  if (own.length === 0 || charts.length === 0) return false;
  const owners = [...new Set(own.flatMap(({ chart }) => chart ?? []))];
  const paths = own.map(({ path }) => path);
  draft.chart = takeMainChart(draft, owners.length > 0 ? owners : charts, paths);
  const main = files.filter(({ chart }) => chart === null || chart === draft.chart);
  takeShared(draft, main);
  for (const { environment, tier } of own.toSorted((a, b) => rank(a) - rank(b)))
    if (environment !== null && !draft.environments.has(environment))
      draftEnvironment(draft, environment, tier, layersOf(draft, main, environment));
  for (const chart of owners) if (chart !== draft.chart) draftRelease(draft, chart, files);
  return true;
}

const rank = ({ tier }: Named): number => ["other", "staging", "prod"].indexOf(tier ?? "other");

function namedAt(draft: Draft, charts: readonly string[], path: string): Named | null {
  const chart = charts.findLast((one) => path.startsWith(`${one}/`)) ?? null;
  const inner = chart === null ? path : path.slice(chart.length + 1);
  if (!isStructured(path) || ELSEWHERE.test(inner)) return null;
  const folders = inner.split("/").slice(0, -1);
  const words = wordsOf(posix.basename(path).replace(/\.[^.]+$/, "")).filter((word) => !KIND.test(word));
  const last = folders.at(-1) ?? "";
  const name = words.length === 0 && isName(last) ? last : words[0];
  if (name === undefined || words.length > 1 || !isName(name) || !mayBeValues(draft, path)) return null;
  const rest = (words.length === 0 ? folders.slice(0, -1) : folders).flatMap(wordsOf);
  const group = rest.filter((word) => !FOLDER.test(word)).join("-");
  const environment = FOR_ALL.test(name) ? null : labelOf(group === "" ? name : `${group}-${name}`);
  return { path, environment, tier: ENVIRONMENTS.get(name), group, chart };
}

const wordsOf = (name: string): string[] => name.split(/[-_.]/);
const isName = (word: string): boolean => ENVIRONMENTS.has(word) || FOR_ALL.test(word);

/** Kubernetes' own objects are none. */
function mayBeValues(draft: Draft, path: string): boolean {
  if (draft.isEncrypted(path)) return true;
  const value = draft.value(path);
  return isMap(value) && !(Object.hasOwn(value, "apiVersion") && Object.hasOwn(value, "kind"));
}

const isSecret = (draft: Draft, path: string): boolean =>
  draft.isEncrypted(path) || draft.isOfSops(path) || /(?:^|[-_./])secrets?(?=[-_./])/.test(path);

/** What is secret last. */
const inOrder = (draft: Draft, files: readonly Named[]): string[] =>
  files.map(({ path }) => path).toSorted((a, b) => Number(isSecret(draft, a)) - Number(isSecret(draft, b)));

/** What is for all, where all are of one group: for others it is a layer of each. */
function takeShared(draft: Draft, files: readonly Named[]): void {
  const shared = inOrder(
    draft,
    files.filter(({ environment }) => environment === null),
  );
  if (shared.length === 0) return;
  if (new Set(files.map(({ group }) => group)).size === 1) draft.layers = shared;
  draft.take("layers of several environments", shared.join(", "));
  draft.ask(`whether ${shared.join(", ")} lie below what each environment has of its own, as they were taken`);
}

/** Those for all of its group first. */
function layersOf(draft: Draft, files: readonly Named[], name: string): string[] {
  const own = files.filter(({ environment }) => environment === name);
  const groups = new Set(own.map(({ group }) => group));
  const shared = files.filter(({ environment, group }) => environment === null && groups.has(group));
  const layers = inOrder(draft, shared).filter((path) => !draft.layers.includes(path));
  return [...layers, ...inOrder(draft, own)];
}

function draftEnvironment(draft: Draft, name: string, tier: Named["tier"], layers: readonly string[]): void {
  draft.environments.set(name, {
    ...(tier === undefined || tier === tierOf(name) ? {} : { tier }),
    layers,
    ...draft.kubeconfigOf(name),
    ...draft.nodePoolsIn(layers),
  });
  draft.take(`environment ${name}`, layers.join(", "));
}

/** A chart beside the main one, with layers of its own. */
function draftRelease(draft: Draft, chart: string, files: readonly Named[]): void {
  const its = files.filter((file) => file.chart === chart);
  const names = new Set(its.flatMap(({ environment }) => environment ?? []));
  const environments = Object.fromEntries([...names].map((name) => [name, { layers: layersOf(draft, its, name) }]));
  const key = labelOf(posix.basename(chart));
  draft.releases.set(key, { chart, environments });
  draft.take(`release ${key}`, `${chart}, with layers of its own in ${[...names].join(", ")}`);
}
