import type { Chart } from "../charts/chart.ts";
import type { Manifest } from "../helm/manifests.ts";
import type { Layer } from "../values/layer.ts";
import { Values } from "../values/merge.ts";
import { type ClusterPin, type EnvironmentSettings, type NodePool, type Tier, tierOf } from "./settings.ts";
import { DeployError } from "../errors.ts";
import { remember } from "../remember.ts";

/** How values are merged. */
export interface ValuesOptions {
  /**
   * Leaves out the layers that are encrypted where there is no key, instead of refusing; files of
   * the chart are empty then.
   */
  readonly withoutSecrets?: boolean;
  /** As which Helm does; 4 where left out. They differ in nulls that lie over nulls. */
  readonly helm?: 3 | 4;
}

/** How a chart is rendered. */
export interface RenderOptions extends Pick<ValuesOptions, "withoutSecrets"> {
  /** Whether the values were found to be as the charts' JSON Schemas say: Helm does not look. */
  readonly validated?: boolean;
  /** Stops Helm. */
  readonly signal?: AbortSignal;
}

/** Renders a release's chart with these values. */
export type Renderer = (release: Release, values: Values, options: RenderOptions) => Promise<readonly Manifest[]>;

/** What a release is made from. */
export type ReleaseParts = Pick<Release, "key" | "name" | "namespace" | "chart" | "layers" | "matched">;

/** What is deployed to an environment, in order; `main` is one of them. */
export interface EnvironmentParts {
  readonly main: ReleaseParts;
  readonly all: readonly ReleaseParts[];
}

/** Where a project is deployed to: staging, prod, … */
export class Environment {
  readonly name: string;
  readonly tier: Tier;
  /** The path of the kubeconfig; null where none was named. */
  readonly kubeconfig: string | null;
  /** By what its cluster is known; null where nothing says so: then no cluster is talked to. */
  readonly cluster: ClusterPin | null;
  /** Of its cluster's Kubernetes, such as `1.33`; null where it is not known. */
  readonly kubeVersion: string | null;
  /** What its cluster's API has beside Kubernetes' own. */
  readonly apiVersions: readonly string[];
  /** The name of the environment that it is compared with; null where nothing says so. */
  readonly comparedWith: string | null;
  /** Objects that no deployment waits for: `KIND/NAME`, where `*` stands for any part of a name. */
  readonly doNotWaitFor: readonly string[];
  /** By their names; null where they are not known. */
  readonly nodePools: ReadonlyMap<string, NodePool> | null;
  /** What is deployed there, in that order. */
  readonly releases: readonly Release[];
  /** That of the project's chart, one of `releases`. */
  readonly main: Release;

  constructor(name: string, settings: EnvironmentSettings, parts: EnvironmentParts, renderer: Renderer) {
    this.name = name;
    this.tier = settings.tier ?? tierOf(name);
    this.kubeconfig = settings.kubeconfig ?? null;
    this.cluster = settings.cluster ?? null;
    this.kubeVersion = settings.kubeVersion ?? null;
    this.apiVersions = settings.apiVersions ?? [];
    this.comparedWith = settings.comparedWith ?? null;
    this.doNotWaitFor = settings.doNotWaitFor ?? [];
    this.nodePools = settings.nodePools === undefined ? null : new Map(Object.entries(settings.nodePools));
    this.main = new Release(parts.main, this, renderer);
    this.releases = parts.all.map((one) => (one === parts.main ? this.main : new Release(one, this, renderer)));
  }

  /**
   * The values of the main release, merged as Helm does.
   *
   * @throws DeployError as those of a release
   */
  values(options: ValuesOptions = {}): Values {
    return this.main.values(options);
  }

  /**
   * The objects of the main release.
   *
   * @throws DeployError as those of a release
   */
  render(options: RenderOptions = {}): Promise<readonly Manifest[]> {
    return this.main.render(options);
  }
}

/**
 * A release of an environment, by its key in the settings, its name, or its namespace and name; the
 * main one where nothing is said.
 *
 * @throws DeployError NO_SUCH_RELEASE, also where several have the name
 */
export const releaseIn = ({ name, main, releases }: Environment, wanted: string | undefined): Release =>
  releaseAmong(name, main, releases, wanted);

/** By what a release is named. */
type ReleaseNames = Pick<Release, "key" | "name" | "namespace">;

/** Those of an environment's releases that such a text names. */
export function releasesNamed<T extends ReleaseNames>(releases: readonly T[], wanted: string): readonly T[] {
  const byKey = releases.filter(({ key }) => key === wanted);
  return byKey.length > 0
    ? byKey
    : releases.filter(({ namespace, name }) => [name, `${namespace}/${name}`].includes(wanted));
}

/** The one that it names, as {@link releaseIn} has it. @throws DeployError NO_SUCH_RELEASE */
export function releaseAmong<T extends ReleaseNames>(
  environment: string,
  main: T,
  releases: readonly T[],
  wanted: string | undefined,
): T {
  if (wanted === undefined) return main;
  const found = releasesNamed(releases, wanted);
  const [first] = found;
  if (first !== undefined && found.length === 1) return first;
  const those = (found.length > 1 ? found : releases).map(({ namespace, name }) => `${namespace}/${name}`).join(", ");
  const what = found.length > 1 ? "several releases" : "no release";
  throw new DeployError("NO_SUCH_RELEASE", `${environment} has ${what} of that name`, {
    hint: `name one of ${those}`,
  });
}

/** What Helm deploys as one: a chart with its values, under a name, to one environment. */
export class Release {
  readonly environment: Environment;
  /** What it is called in every environment: its key in the settings; empty for the main one. */
  readonly key: string;
  readonly name: string;
  readonly namespace: string;
  readonly chart: Chart;
  /** Lowest first: the chart's own values, then what lies over them. */
  readonly layers: readonly Layer[];
  /** By each setting that names no one file for sure (`*`, `ifThere`), the files that it is. */
  readonly matched: ReadonlyMap<string, readonly string[]>;
  readonly #values = new Map<string, Values>();
  readonly #renderer: Renderer;

  constructor(
    { key, name, namespace, chart, layers, matched }: ReleaseParts,
    environment: Environment,
    renderer: Renderer,
  ) {
    this.environment = environment;
    this.#renderer = renderer;
    this.key = key;
    this.name = name;
    this.namespace = namespace;
    this.chart = chart;
    this.layers = layers;
    this.matched = matched;
  }

  /**
   * The values, merged as Helm does.
   *
   * @throws DeployError LOCKED without a key, unless `withoutSecrets`; else what is wrong with the
   * first layer that cannot be taken: MISSING_FILE, EMPTY_LAYER, TAMPERED_FILE, TOO_LARGE,
   * MALFORMED_YAML, TOO_MANY_ALIASES, DUPLICATE_KEY, SEVERAL_DOCUMENTS
   */
  values({ withoutSecrets = false, helm = 4 }: ValuesOptions = {}): Values {
    return remember(this.#values, `${helm} ${withoutSecrets}`, () => {
      const leftOut = withoutSecrets ? this.layers.filter(({ locked }) => locked) : [];
      const taken = this.layers.filter((layer) => !leftOut.includes(layer));
      return new Values(taken, { helm, leftOut });
    });
  }

  /**
   * The objects that Helm makes of the chart with the values, for the environment's version of
   * Kubernetes. It is run once, and talks to no cluster.
   *
   * @throws DeployError as `values` does; TOOL_MISSING, UNSUPPORTED_TOOL; TOOL_FAILED where the
   * chart cannot be rendered; SECRET_IN_CHART, FOREIGN_SCHEMA; UNPINNED_DEPENDENCY,
   * UNLOCKED_DEPENDENCY,
   * MISSING_ARCHIVE, ARCHIVE_MISMATCH; INTERRUPTED
   */
  async render(options: RenderOptions = {}): Promise<readonly Manifest[]> {
    const { withoutSecrets = false } = options;
    return this.#renderer(this, this.values({ withoutSecrets }), options);
  }
}
