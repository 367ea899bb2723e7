import { DeployError } from "../errors.ts";
import type { Layer } from "../values/layer.ts";
import type { Manifest } from "../helm/manifests.ts";
import type { Values } from "../values/merge.ts";
import type { Release, ValuesOptions } from "./release.ts";
import type { ClusterPin, NodePool, Tier } from "./settings.ts";
import type { Path } from "../values/value.ts";
import type { Position, Yaml } from "../values/yaml.ts";

/** What an environment is made from. */
export interface EnvironmentParts {
  readonly name: string;
  readonly tier: Tier;
  /** The path of the kubeconfig; null where none was named. */
  readonly kubeconfig: string | null;
  /** By what its cluster is known; null where nothing says so: then no cluster is talked to. */
  readonly cluster: ClusterPin | null;
  /** By their names; null where they are not known. */
  readonly nodePools: ReadonlyMap<string, NodePool> | null;
  /** What is deployed there, in that order. */
  readonly releases: readonly Release[];
  /** That of the project's chart, one of `releases`. */
  readonly main: Release;
}

/** Renders the chart for an environment with these values. */
export type Renderer = (environment: Environment, values: Values, signal?: AbortSignal) => Promise<readonly Manifest[]>;

/** A value of a secret layer, whether another overrides it or not. */
export interface SecretLeaf {
  readonly value: string | number | boolean;
  readonly path: Path;
  readonly layer: Layer;
  readonly position: Position;
}

export interface RenderOptions extends Pick<ValuesOptions, "withoutSecrets"> {
  /** Stops Helm. */
  readonly signal?: AbortSignal;
}

/** Where a project is deployed to: staging, prod, … */
export class Environment implements EnvironmentParts {
  readonly name: string;
  readonly tier: Tier;
  readonly kubeconfig: string | null;
  readonly cluster: ClusterPin | null;
  readonly nodePools: ReadonlyMap<string, NodePool> | null;
  readonly releases: readonly Release[];
  readonly main: Release;
  readonly #rendered = new Map<boolean, Promise<readonly Manifest[]>>();
  readonly #renderer: Renderer;

  constructor(parts: EnvironmentParts, renderer: Renderer) {
    this.#renderer = renderer;
    this.name = parts.name;
    this.tier = parts.tier;
    this.kubeconfig = parts.kubeconfig;
    this.cluster = parts.cluster;
    this.nodePools = parts.nodePools;
    this.releases = parts.releases;
    this.main = parts.main;
  }

  /** The namespace of the main release. */
  get namespace(): string {
    return this.main.namespace;
  }

  /** The name of the main release. */
  get release(): string {
    return this.main.name;
  }

  /** The layers of the main release, lowest first: the chart's own, the shared ones, the environment's. */
  get layers(): readonly Layer[] {
    return this.main.layers;
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
   * The objects that Helm makes of the project's chart with the values. It is run once, and talks to no cluster.
   *
   * @throws DeployError as `values` does; TOOL_MISSING, UNSUPPORTED_TOOL; TOOL_FAILED where the chart cannot be rendered;
   * SECRET_IN_CHART; UNPINNED_DEPENDENCY, UNLOCKED_DEPENDENCY, MISSING_ARCHIVE, ARCHIVE_MISMATCH; INTERRUPTED
   */
  async render({ withoutSecrets = false, signal }: RenderOptions = {}): Promise<readonly Manifest[]> {
    const known = this.#rendered.get(withoutSecrets);
    if (known !== undefined) return known;
    const rendered = this.#renderer(this, this.values({ withoutSecrets }), signal);
    this.#rendered.set(withoutSecrets, rendered);
    // What failed may do better once the charts are fetched.
    rendered.catch(() => this.#rendered.delete(withoutSecrets));
    return rendered;
  }

  /**
   * Every scalar of its secret layers, those of all its releases, but nulls; of lists, too. None of a layer that is locked.
   *
   * @throws DeployError what is wrong with a layer, as `values` does
   */
  secrets(): SecretLeaf[] {
    const layers = new Set(this.releases.flatMap((release) => release.layers));
    return [...layers].filter((layer) => layer.secret && !layer.locked).flatMap(secretsOf);
  }
}

/** Every scalar of a layer but nulls. */
export const secretsOf = (layer: Layer): SecretLeaf[] =>
  layer.yaml().documents.flatMap((node) => Array.from(scalarsOf(layer, node, [])));

function* scalarsOf(layer: Layer, node: Yaml, path: Path): Generator<SecretLeaf> {
  switch (node.kind) {
    case "scalar":
      if (node.value !== null) yield { value: node.value, path, layer, position: node.position };
      return;
    case "list":
      for (const [at, item] of node.items.entries()) yield* scalarsOf(layer, item, [...path, at]);
      return;
    case "map":
      for (const [key, { value }] of node.entries) yield* scalarsOf(layer, value, [...path, key]);
  }
}

/** @throws DeployError NO_SUCH_ENVIRONMENT */
export function findEnvironment(environments: readonly Environment[], name: string): Environment {
  const found = environments.find((environment) => environment.name === name);
  if (found !== undefined) return found;
  throw new DeployError("NO_SUCH_ENVIRONMENT", "the project has no environment of that name", {
    hint: `its environments are: ${environments.map((environment) => environment.name).join(", ")}`,
  });
}
