import { type Chart, readChart } from "../charts/chart.ts";
import { DeployError } from "../errors.ts";
import type { Tree } from "../files/tree.ts";
import { Layer, type LayerRole } from "../values/layer.ts";
import { Environment, type EnvironmentParts, type ReleaseParts, type Renderer } from "./environment.ts";
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
 * @throws DeployError NOT_A_CHART; INVALID_SETTINGS where two releases share a name in one
 * namespace, or one names an environment that is not there; what reading YAML throws
 */
export function deploymentsOf(tree: Tree, settings: CompleteSettings, renderer: Renderer): Deployments {
  const chart = readChart(tree, settings.chart);
  const layersAt = (paths: readonly string[] = [], role: LayerRole): Layer[] =>
    paths.map((path) => new Layer(tree, path, role));
  const common = layersAt(settings.layers, "common");
  const extra = Object.entries(settings.releases ?? {}).map(([name, release]): ExtraRelease => {
    assertKnown(name, release, settings);
    const own = readChart(tree, release.chart);
    const layers = [...defaultsOf(own), ...layersAt(release.layers, "common")];
    return { settings: release, parts: { name, namespace: release.namespace ?? name, chart: own, layers } };
  });
  const environments = Object.entries(settings.environments).map(([name, environment]) => {
    const { release = name, namespace = name, layers = [] } = environment;
    const own = [...defaultsOf(chart), ...common, ...layersAt(layers, "environment")];
    const parts = around(name, { name: release, namespace, chart, layers: own }, extra);
    return new Environment(name, environment, parts, renderer);
  });
  return { charts: [chart, ...extra.map(({ parts }) => parts.chart)], environments };
}

/** A release beside the main one. */
interface ExtraRelease {
  readonly parts: ReleaseParts;
  readonly settings: ReleaseSettings;
}

const defaultsOf = ({ defaults }: Chart): Layer[] => (defaults === null ? [] : [defaults]);

function assertKnown(name: string, release: ReleaseSettings, { environments }: CompleteSettings): void {
  const unknown = release.environments?.find((environment) => !Object.hasOwn(environments, environment));
  if (unknown === undefined) return;
  const message = `the release ${name} names the environment ${unknown}, which is not there`;
  throw new DeployError("INVALID_SETTINGS", message);
}

/** What is deployed to an environment around its main release. */
function around(environment: string, main: ReleaseParts, extra: readonly ExtraRelease[]): EnvironmentParts {
  const here = extra.filter(({ settings }) => settings.environments?.includes(environment) ?? true);
  const at = (when: "before" | "after"): ReleaseParts[] =>
    here.filter(({ settings }) => (settings.when ?? "before") === when).map(({ parts }) => parts);
  if (here.some(({ parts }) => parts.name === main.name && parts.namespace === main.namespace)) {
    const message = `two releases of ${environment} have the name ${main.name} in one namespace`;
    throw new DeployError("INVALID_SETTINGS", message, { hint: "give one of them another name or namespace" });
  }
  return { main, all: [...at("before"), main, ...at("after")] };
}
