import { type Chart, readChart } from "../charts/chart.ts";
import { type ArchiveFiles, publishedAt, remoteChart } from "../charts/remote-chart.ts";
import { remember } from "../remember.ts";
import { DeployError } from "../errors.ts";
import type { FileSource, Tree } from "../files/tree.ts";
import {
  Environment,
  type EnvironmentParts,
  releaseAmong,
  type ReleaseParts,
  releasesNamed,
  type Renderer,
} from "./environment.ts";
import type { Layer, LayerDecrypter } from "../values/layer.ts";
import { LayerFinder } from "./layer-finder.ts";
import {
  type ChartSetting,
  type CompleteSettings,
  type EnvironmentSettings,
  isNames,
  ownSettings,
  type ReleaseSettings,
  SETTINGS_FILE,
} from "./settings.ts";

/** A layer that was given, and what names the release that it is for; nothing for the main ones. */
export interface GivenLayer {
  readonly release: string | undefined;
  readonly layer: Layer;
}

/** What settings make of a commit. */
export interface Deployments {
  /** Those of all releases, the project's own first. */
  readonly charts: readonly [Chart, ...Chart[]];
  /** In the order in which they are deployed. */
  readonly environments: readonly Environment[];
}

/**
 * The charts and environments that the settings name, each environment with its releases.
 *
 * @param given lie over all others of the releases that they are for
 * @param decrypter reads the layers that hold encrypted values
 * @param filesOf reads the archives of charts that are fetched
 *
 * @throws DeployError NOT_A_CHART; INVALID_SETTINGS where two releases share a name in one
 * namespace, or one names an environment that is not there; what reading YAML throws
 */
export function deploymentsOf(
  tree: Tree,
  settings: CompleteSettings,
  given: readonly GivenLayer[],
  decrypter: LayerDecrypter,
  filesOf: ArchiveFiles,
  renderer: Renderer,
): Deployments {
  const chartOf = chartReader(tree, filesOf);
  const main = chartOf(settings.chart);
  const finder = new LayerFinder(tree, decrypter);
  const extra = Object.entries(settings.releases ?? {}).map(([name, release]): ExtraRelease => {
    assertKnown(name, release, settings);
    return { name, settings: release, chart: chartOf(release.chart) };
  });
  const environments = Object.entries(settings.environments).map(([name, environment]) => {
    assertComparable(name, environment, settings);
    const { release = name, namespace = name, layers = [] } = environment;
    const chart = environment.chart === undefined ? main : chartOf(environment.chart);
    const own = finder.find(chart, [settings.layers, "common"], [layers, "environment"]);
    const parts = { key: "", name: release, namespace, chart, ...own };
    const all = around(name, parts, partsAt(name, extra, { finder, chartOf }));
    const doNotWaitFor = [...(settings.doNotWaitFor ?? []), ...(environment.doNotWaitFor ?? [])];
    return new Environment(name, { ...environment, doNotWaitFor }, withGiven(name, all, given), renderer);
  });
  const others = new Set(chartSettingsOf(settings).map(chartOf));
  others.delete(main);
  return { charts: [main, ...others], environments };
}

/** Reads charts that settings name, each once. @param filesOf as {@link deploymentsOf} has it */
export function chartReader(tree: FileSource, filesOf: ArchiveFiles): (setting: ChartSetting) => Chart {
  const charts = new Map<string, Chart>();
  return (setting) =>
    remember(charts, JSON.stringify(setting), () => {
      if (typeof setting !== "string") return remoteChart(setting, SETTINGS_FILE, filesOf);
      const published = publishedAt(setting);
      return published === null ? readChart(tree, setting) : remoteChart(published, SETTINGS_FILE, filesOf);
    });
}

/** Every chart that settings name, the project's own first. */
export function chartSettingsOf({ chart, environments, releases = {} }: CompleteSettings): ChartSetting[] {
  const all = Object.values(releases);
  const own = all.flatMap((release) => Object.values(ownSettings(release)));
  const named = [...all, ...own, ...Object.values(environments)].map((one) => one.chart);
  return [chart, ...named].filter((one) => one !== undefined);
}

/** What the releases of an environment are called, the main one's first. */
export function releaseNames(environment: string, { environments, releases = {} }: CompleteSettings): string[] {
  const extra = Object.entries(releases).filter(([, { environments: where }]) => isAt(environment, where));
  return [environments[environment]?.release ?? environment, ...extra.map(([name]) => name)];
}

/** A release beside the main one. */
interface ExtraRelease {
  readonly name: string;
  readonly settings: ReleaseSettings;
  readonly chart: Chart;
}

type When = NonNullable<ReleaseSettings["when"]>;

/** What the parts of a release are found with. */
interface Finding {
  readonly finder: LayerFinder;
  readonly chartOf: (setting: ChartSetting) => Chart;
}

/** The releases beside the main one that an environment has. */
function partsAt(
  environment: string,
  extra: readonly ExtraRelease[],
  { finder, chartOf }: Finding,
): [When, ReleaseParts][] {
  return extra.flatMap(({ name, settings, chart }): [When, ReleaseParts][] => {
    const { environments, when = "before" } = settings;
    if (!isAt(environment, environments)) return [];
    const here = ownSettings(settings)[environment];
    const { release = name, namespace = name } = { ...settings, ...here };
    const its = here?.chart === undefined ? chart : chartOf(here.chart);
    const own = finder.find(its, [settings.layers ?? [], "common"], [here?.layers ?? [], "environment"]);
    return [[when, { key: name, name: release, namespace, chart: its, ...own }]];
  });
}

/** What was given for a release that the environment does not have is for another's. */
function withGiven(
  environment: string,
  { main, all }: EnvironmentParts,
  given: readonly GivenLayer[],
): EnvironmentParts {
  const isNamed = ({ release }: GivenLayer): boolean => release === undefined || releasesNamed(all, release).length > 0;
  const layersFor = (parts: ReleaseParts): Layer[] =>
    given
      .filter(isNamed)
      .flatMap(({ release, layer }) => (releaseAmong(environment, main, all, release) === parts ? layer : []));
  const changed = new Map(all.map((parts) => [parts, { ...parts, layers: [...parts.layers, ...layersFor(parts)] }]));
  return { main: changed.get(main) ?? main, all: [...changed.values()] };
}

type ReleaseEnvironments = NonNullable<ReleaseSettings["environments"]>;

const namesIn = (environments: ReleaseEnvironments): readonly string[] =>
  isNames(environments) ? environments : Object.keys(environments);

const isAt = (environment: string, where: ReleaseSettings["environments"]): boolean =>
  where === undefined || namesIn(where).includes(environment);

function assertKnown(name: string, release: ReleaseSettings, { environments }: CompleteSettings): void {
  const unknown = namesIn(release.environments ?? []).find((environment) => !Object.hasOwn(environments, environment));
  if (unknown === undefined) return;
  const message = `the release ${name} names the environment ${unknown}, which is not there`;
  throw new DeployError("INVALID_SETTINGS", message);
}

function assertComparable(
  name: string,
  { comparedWith }: EnvironmentSettings,
  { environments }: CompleteSettings,
): void {
  if (comparedWith === undefined || (comparedWith !== name && Object.hasOwn(environments, comparedWith))) return;
  const message = `${name} is to be compared with ${comparedWith}, which is no other environment`;
  throw new DeployError("INVALID_SETTINGS", message);
}

/** What is deployed to an environment around its main release. */
function around(
  environment: string,
  main: ReleaseParts,
  extra: readonly (readonly [When, ReleaseParts])[],
): EnvironmentParts {
  const at = (when: When): ReleaseParts[] => extra.flatMap(([its, parts]) => (its === when ? parts : []));
  const all = [...at("before"), main, ...at("after")];
  const known = new Set<string>();
  for (const { name, namespace } of all) {
    if (known.has(`${namespace}/${name}`)) {
      const message = `two releases of ${environment} have the name ${name} in one namespace`;
      throw new DeployError("INVALID_SETTINGS", message, { hint: "give one of them another name or namespace" });
    }
    known.add(`${namespace}/${name}`);
  }
  return { main, all };
}
