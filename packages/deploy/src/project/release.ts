import type { Chart } from "../charts/chart.ts";
import type { Manifest } from "../helm/manifests.ts";
import type { Layer } from "../values/layer.ts";
import type { Environment } from "./environment.ts";
import { Values } from "../values/merge.ts";

/** How values are merged. */
export interface ValuesOptions {
  /** Leaves out the layers that are encrypted where there is no key, instead of refusing. */
  readonly withoutSecrets?: boolean;
  /** As which Helm does; 4 where left out. They differ in nulls that lie over nulls. */
  readonly helm?: 3 | 4;
}

export interface RenderOptions extends Pick<ValuesOptions, "withoutSecrets"> {
  /** Stops Helm. */
  readonly signal?: AbortSignal;
}

/** Renders a release's chart with these values. */
export type Renderer = (release: Release, values: Values, signal?: AbortSignal) => Promise<readonly Manifest[]>;

/** What a release is made from. */
export type ReleaseParts = Pick<Release, "name" | "namespace" | "chart" | "layers">;

/** What Helm deploys as one: a chart with its values, under a name, to one environment. */
export class Release {
  readonly environment: Environment;
  readonly name: string;
  readonly namespace: string;
  readonly chart: Chart;
  /** Lowest first: the chart's own values, then what lies over them. */
  readonly layers: readonly Layer[];
  readonly #values = new Map<string, Values>();
  readonly #renderer: Renderer;

  constructor({ name, namespace, chart, layers }: ReleaseParts, environment: Environment, renderer: Renderer) {
    this.environment = environment;
    this.#renderer = renderer;
    this.name = name;
    this.namespace = namespace;
    this.chart = chart;
    this.layers = layers;
  }

  /**
   * The values, merged as Helm does.
   *
   * @throws DeployError LOCKED without a key, unless `withoutSecrets`; else what is wrong with the
   * first layer that cannot be taken: MISSING_FILE, EMPTY_LAYER, TAMPERED_FILE, TOO_LARGE,
   * MALFORMED_YAML, TOO_MANY_ALIASES, DUPLICATE_KEY, SEVERAL_DOCUMENTS
   */
  values({ withoutSecrets = false, helm = 4 }: ValuesOptions = {}): Values {
    const way = `${helm} ${withoutSecrets}`;
    const known = this.#values.get(way);
    if (known !== undefined) return known;
    const leftOut = withoutSecrets ? this.layers.filter(({ locked }) => locked) : [];
    const taken = this.layers.filter((layer) => !leftOut.includes(layer));
    const values = new Values(taken, { helm, leftOut });
    this.#values.set(way, values);
    return values;
  }

  /**
   * The objects that Helm makes of the chart with the values, for the environment's version of
   * Kubernetes. It is run once, and talks to no cluster.
   *
   * @throws DeployError as `values` does; TOOL_MISSING, UNSUPPORTED_TOOL; TOOL_FAILED where the
   * chart cannot be rendered; SECRET_IN_CHART; UNPINNED_DEPENDENCY, UNLOCKED_DEPENDENCY,
   * MISSING_ARCHIVE, ARCHIVE_MISMATCH; INTERRUPTED
   */
  async render({ withoutSecrets = false, signal }: RenderOptions = {}): Promise<readonly Manifest[]> {
    return this.#renderer(this, this.values({ withoutSecrets }), signal);
  }
}
