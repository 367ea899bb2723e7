import { type Chart, readChart } from "../charts/chart.ts";
import { DeployError } from "../errors.ts";
import type { Tree } from "../files/tree.ts";
import { Environment, type EnvironmentParts, type ReleaseParts, type Renderer } from "./environment.ts";
import type { Layer } from "../values/layer.ts";
import { LayerFinder } from "./layer-finder.ts";
import type { CompleteSettings, ReleaseSettings } from "./settings.ts";

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
 * @param given lie over all others of the main releases
 *
 * @throws DeployError NOT_A_CHART; INVALID_SETTINGS where two releases share a name in one
 * namespace, or one names an environment that is not there; what reading YAML throws
 */
export function deploymentsOf(
  tree: Tree,
  settings: CompleteSettings,
  given: readonly Layer[],
  renderer: Renderer,
): Deployments {
  const chart = readChart(tree, settings.chart);
  const finder = new LayerFinder(tree);
  const extra = Object.entries(settings.releases ?? {}).map(([name, release]): ExtraRelease => {
    assertKnown(name, release, settings);
    return { name, settings: release, chart: readChart(tree, release.chart) };
  });
  const environments = Object.entries(settings.environments).map(([name, environment]) => {
    const { release = name, namespace = name, layers = [] } = environment;
    const own = finder.find(chart, [settings.layers, "common"], [layers, "environment"]);
    const main = { key: "", name: release, namespace, chart, ...own, layers: [...own.layers, ...given] };
    const parts = around(name, main, partsAt(name, extra, finder));
    return new Environment(name, environment, parts, renderer);
  });
  return { charts: [chart, ...extra.map((one) => one.chart)], environments };
}

/** A release beside the main one. */
interface ExtraRelease {
  readonly name: string;
  readonly settings: ReleaseSettings;
  readonly chart: Chart;
}

type When = NonNullable<ReleaseSettings["when"]>;

/** The releases beside the main one that an environment has. */
function partsAt(environment: string, extra: readonly ExtraRelease[], finder: LayerFinder): [When, ReleaseParts][] {
  return extra.flatMap(({ name, settings, chart }): [When, ReleaseParts][] => {
    const { environments, when = "before" } = settings;
    const isNamed = environments === undefined || namesIn(environments).includes(environment);
    if (!isNamed) return [];
    const here = environments === undefined || isNames(environments) ? {} : environments[environment];
    const { release = name, namespace = name } = { ...settings, ...here };
    const layers = finder.find(chart, [settings.layers ?? [], "common"], [here?.layers ?? [], "environment"]);
    return [[when, { key: name, name: release, namespace, chart, ...layers }]];
  });
}

type ReleaseEnvironments = NonNullable<ReleaseSettings["environments"]>;

const isNames = (environments: ReleaseEnvironments): environments is readonly string[] => Array.isArray(environments);

const namesIn = (environments: ReleaseEnvironments): readonly string[] =>
  isNames(environments) ? environments : Object.keys(environments);

function assertKnown(name: string, release: ReleaseSettings, { environments }: CompleteSettings): void {
  const unknown = namesIn(release.environments ?? []).find((environment) => !Object.hasOwn(environments, environment));
  if (unknown === undefined) return;
  const message = `the release ${name} names the environment ${unknown}, which is not there`;
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
