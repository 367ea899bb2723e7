import { DeployError } from "../errors.ts";
import type { Layer } from "../values/layer.ts";
import type { Manifest } from "../helm/manifests.ts";
import type { Values } from "../values/merge.ts";
import { Release, type ReleaseParts, type Renderer, type RenderOptions, type ValuesOptions } from "./release.ts";
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
  /** Of its cluster's Kubernetes, such as `1.33`; null where it is not known. */
  readonly kubeVersion: string | null;
  /** By their names; null where they are not known. */
  readonly nodePools: ReadonlyMap<string, NodePool> | null;
  /** What is deployed there before the main release, in that order. */
  readonly before: readonly ReleaseParts[];
  /** That of the project's chart. */
  readonly main: ReleaseParts;
  readonly after: readonly ReleaseParts[];
}

/** A value of a secret layer, whether another overrides it or not. */
export interface SecretLeaf {
  readonly value: string | number | boolean;
  readonly path: Path;
  readonly layer: Layer;
  readonly position: Position;
}

/** Where a project is deployed to: staging, prod, … */
export class Environment {
  readonly name: string;
  readonly tier: Tier;
  readonly kubeconfig: string | null;
  readonly cluster: ClusterPin | null;
  readonly kubeVersion: string | null;
  readonly nodePools: ReadonlyMap<string, NodePool> | null;
  /** What is deployed there, in that order. */
  readonly releases: readonly Release[];
  /** That of the project's chart, one of `releases`. */
  readonly main: Release;

  constructor(parts: EnvironmentParts, renderer: Renderer) {
    this.name = parts.name;
    this.tier = parts.tier;
    this.kubeconfig = parts.kubeconfig;
    this.cluster = parts.cluster;
    this.kubeVersion = parts.kubeVersion;
    this.nodePools = parts.nodePools;
    const releaseOf = (release: ReleaseParts): Release => new Release(release, this, renderer);
    this.main = releaseOf(parts.main);
    this.releases = [...parts.before.map(releaseOf), this.main, ...parts.after.map(releaseOf)];
  }

  /** The namespace of the main release. */
  get namespace(): string {
    return this.main.namespace;
  }

  /** The name of the main release. */
  get release(): string {
    return this.main.name;
  }

  /**
   * The layers of the main release, lowest first: the chart's own, the shared ones, the
   * environment's.
   */
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
   * The objects of the main release.
   *
   * @throws DeployError as those of a release
   */
  render(options: RenderOptions = {}): Promise<readonly Manifest[]> {
    return this.main.render(options);
  }

  /**
   * Every scalar of its secret layers, those of all its releases, but nulls; of lists, too. None of
   * a layer that is locked.
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
