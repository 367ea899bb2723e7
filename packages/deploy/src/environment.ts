import { DeployError } from "./errors.ts";
import type { Layer } from "./layer.ts";
import type { Manifest } from "./manifests.ts";
import { Values } from "./merge.ts";
import type { ClusterPin, NodePool, Tier } from "./settings.ts";
import type { Path } from "./value.ts";
import type { Position, Yaml } from "./yaml.ts";

/** What an environment is made from. */
export interface EnvironmentParts {
  readonly name: string;
  readonly tier: Tier;
  readonly namespace: string;
  readonly release: string;
  /** The path of the kubeconfig; null where none was named. */
  readonly kubeconfig: string | null;
  /** By what its cluster is known; null where nothing says so: then no cluster is talked to. */
  readonly cluster: ClusterPin | null;
  /** By their names; null where they are not known. */
  readonly nodePools: ReadonlyMap<string, NodePool> | null;
  /** Lowest first: the chart's own, the shared ones, its own. */
  readonly layers: readonly Layer[];
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

/** What may be done without the key. */
export interface WithoutSecrets {
  /** Leaves out the layers that are encrypted where there is no key, instead of refusing. */
  readonly withoutSecrets?: boolean;
}

/** How values are merged. */
export interface ValuesOptions extends WithoutSecrets {
  /** As which Helm does; 4 where left out. They differ in nulls that lie over nulls. */
  readonly helm?: 3 | 4;
}

export interface RenderOptions extends WithoutSecrets {
  /** Stops Helm. */
  readonly signal?: AbortSignal;
}

/** Where a project is deployed to: staging, prod, … */
export class Environment implements EnvironmentParts {
  readonly name: string;
  readonly tier: Tier;
  readonly namespace: string;
  readonly release: string;
  readonly kubeconfig: string | null;
  readonly cluster: ClusterPin | null;
  readonly nodePools: ReadonlyMap<string, NodePool> | null;
  readonly layers: readonly Layer[];
  readonly #values = new Map<string, Values>();
  readonly #rendered = new Map<boolean, Promise<readonly Manifest[]>>();
  readonly #renderer: Renderer;

  constructor(parts: EnvironmentParts, renderer: Renderer) {
    this.#renderer = renderer;
    this.name = parts.name;
    this.tier = parts.tier;
    this.namespace = parts.namespace;
    this.release = parts.release;
    this.kubeconfig = parts.kubeconfig;
    this.cluster = parts.cluster;
    this.nodePools = parts.nodePools;
    this.layers = parts.layers;
  }

  /**
   * The values, merged as Helm does.
   *
   * @throws DeployError LOCKED without a key, unless `withoutSecrets`; else what is wrong with the first layer that cannot be taken:
   * MISSING_FILE, EMPTY_LAYER, TAMPERED_FILE, TOO_LARGE, MALFORMED_YAML, TOO_MANY_ALIASES, DUPLICATE_KEY, SEVERAL_DOCUMENTS
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
   * The objects that Helm makes of the chart with the values. It is run once, and talks to no cluster.
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
   * Every scalar of its secret layers but nulls; of lists, too. None of a layer that is locked.
   *
   * @throws DeployError what is wrong with a layer, as `values` does
   */
  secrets(): SecretLeaf[] {
    return this.layers.filter((layer) => layer.secret && !layer.locked).flatMap(secretsOf);
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
