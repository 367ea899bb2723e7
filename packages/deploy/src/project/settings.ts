import type { ErrorObject } from "ajv";
import { DeployError, errorAt, type Place } from "../errors.ts";
import { once } from "../remember.ts";
import { readYamlFile } from "../values/layer.ts";
import { SETTINGS_SCHEMA } from "./settings-schema.ts";
import type { FileSource } from "../files/tree.ts";
import { valueOf } from "../values/yaml.ts";

/** Where the settings are looked for, in the top folder. */
export const SETTINGS_FILE = "deploy.yaml";

/** What is at stake in an environment. */
export type Tier = "staging" | "prod" | "other";

/** A group of nodes of a cluster. */
export interface NodePool {
  /** The labels that each of its nodes has. */
  readonly labels: Readonly<Record<string, string>>;
  /** How many it has, at the least; not known where left out. */
  readonly nodes?: number;
}

/** By what a cluster is known. Whatever is said must be so. */
export interface ClusterPin {
  /** The uid of its namespace `kube-system`. */
  readonly uid?: string;
  /** The address of its API server, as the kubeconfig has it, without a slash at the end. */
  readonly server?: string;
  /** SHA-256 of the authority's certificates (DER) in the kubeconfig, in hex. */
  readonly authority?: string;
}

/**
 * A values file: its path, in which `*` stands for any part of a name, so that it may be several
 * files; or one that may be missing.
 */
export type LayerSetting = string | { readonly ifThere: string };

/**
 * A chart: its folder; or one that is fetched, by `oci://registry/folder/NAME@VERSION`, or by its
 * name, version and repository.
 */
export type ChartSetting = string | { readonly name: string; readonly version: string; readonly repository: string };

/** An environment in `deploy.yaml`. Paths start at the repository's top folder. */
export interface EnvironmentSettings {
  /** That of its main release; the project's where left out. */
  readonly chart?: ChartSetting;
  readonly tier?: Tier;
  /** The environment's name where left out. */
  readonly namespace?: string;
  /** The name of the Helm release; the environment's name where left out. */
  readonly release?: string;
  /** A kubeconfig, encrypted; as in the usual layout where left out. */
  readonly kubeconfig?: string;
  /** Which cluster it is deployed to. Without it, no cluster is talked to. */
  readonly cluster?: ClusterPin;
  /** The version of Kubernetes that its cluster runs, such as `1.33`; not known where left out. */
  readonly kubeVersion?: string;
  /**
   * The versions of APIs that its cluster has beside those of Kubernetes, such as
   * `cert-manager.io/v1`, or `cert-manager.io/v1/Certificate` for one kind alone.
   */
  readonly apiVersions?: readonly string[];
  /**
   * The environment in which it is tried, and whose shape its own should have; where left out, the
   * one of the tier staging that has the same name but for the tier.
   */
  readonly comparedWith?: string;
  /** Over the shared ones, lowest first; as in the usual layout where left out. */
  readonly layers?: readonly LayerSetting[];
  /** Beside those of the whole project. */
  readonly doNotWaitFor?: readonly string[];
  /** By their names; not known where left out. */
  readonly nodePools?: Readonly<Record<string, NodePool>>;
}

/** A release of Helm beside the main chart's, such as cert-manager. */
export interface ReleaseSettings {
  readonly chart: ChartSetting;
  /** The name of the Helm release; the name that it has here where left out. */
  readonly release?: string;
  /** The name that it has here where left out. */
  readonly namespace?: string;
  /** Over the chart's own values, lowest first. */
  readonly layers?: readonly LayerSetting[];
  /** Before or after the main chart's; `before` where left out. */
  readonly when?: "before" | "after";
  /** The environments that have it, with what it has of its own there; all where left out. */
  readonly environments?:
    | readonly string[]
    | Readonly<Record<string, Partial<Pick<ReleaseSettings, "chart" | "release" | "namespace" | "layers">>>>;
}

/** A finding that is known and accepted. */
export interface Silence {
  /** The check's id. */
  readonly check: string;
  readonly file?: string;
  readonly environment?: string;
  readonly reason: string;
}

/** What `deploy.yaml` describes; paths start at the repository's top folder. */
export interface Settings {
  /** The chart; the one at the top that holds a `Chart.yaml` where left out. */
  readonly chart?: ChartSetting;
  /** Shared by all environments, lowest first; as in the usual layout where left out. */
  readonly layers?: readonly LayerSetting[];
  /** By their names, in the order of deployment; those of the usual layout where left out. */
  readonly environments?: Readonly<Record<string, EnvironmentSettings>>;
  /** Beside the main chart's, by their names, in the order in which they are deployed. */
  readonly releases?: Readonly<Record<string, ReleaseSettings>>;
  readonly silence?: readonly Silence[];
  /**
   * Objects that no deployment waits for: `KIND/NAME`, where `*` stands for any part of a name.
   */
  readonly doNotWaitFor?: readonly string[];
  /** An encrypted file that says where each member of the federation tells its versions. */
  readonly federation?: string;
  /** JSON Schemas that the values of every main release must be as, beside those of the charts. */
  readonly schemas?: readonly string[];
}

/** What a release has of its own, by the environment. */
export type OwnSettings = Exclude<NonNullable<ReleaseSettings["environments"]>, readonly string[]>;

/** What a release has of its own in each environment; nothing where those are only named. */
export function ownSettings({ environments = {} }: ReleaseSettings): OwnSettings {
  return isNames(environments) ? {} : environments;
}

/** Whether environments are only named. */
export const isNames = (
  environments: NonNullable<ReleaseSettings["environments"]>,
): environments is readonly string[] => Array.isArray(environments);

/** Where the usual layout has the kubeconfig of an environment. */
export const usualKubeconfig = (environment: string): string => `secrets/${environment}-kubeconfig.yaml`;

/** What a project's settings say once what they leave out is taken from the usual layout. */
export type CompleteSettings = Settings & Required<Pick<Settings, "chart" | "layers" | "environments">>;

/**
 * A project's settings: those given, else those of `deploy.yaml`. What neither says, each
 * environment's layers and kubeconfig too, is as in the usual layout.
 *
 * @throws DeployError INVALID_SETTINGS, NO_PROJECT; what reading YAML throws
 */
export async function readSettings(tree: FileSource, given: Partial<Settings>): Promise<CompleteSettings> {
  const own = Object.keys(given).length === 0 ? given : await validate(given);
  const settings = own.environments === undefined ? { ...(await settingsOf(tree)), ...own } : own;
  const layout = new Layout(tree);
  const named = settings.environments ?? layout.environments();
  const names = Object.keys(named);
  return {
    ...settings,
    chart: settings.chart ?? commonChart(settings) ?? onlyChart(tree, settings),
    layers: settings.layers ?? layout.common(),
    environments: Object.fromEntries(
      names.map((name) => [name, { ...layout.environment(name, names), ...named[name] }]),
    ),
  };
}

/** What `deploy.yaml` says, as it is; nothing where there is none. */
async function settingsOf(tree: FileSource): Promise<Partial<Settings>> {
  for (const { path } of tree.files())
    if (path.startsWith(`${SETTINGS_FILE}/`))
      throw new DeployError("INVALID_SETTINGS", `expected the file ${SETTINGS_FILE} with the settings, got a folder`, {
        hint: "see docs/deploy.md for what can be set; the folder needs another name",
        place: { file: path },
      });
  if (tree.find(SETTINGS_FILE) === undefined) return {};
  const { documents, oddities } = readYamlFile(tree, SETTINGS_FILE);
  const [oddity] = oddities;
  if (oddity !== undefined) throw errorAt(oddity.code, { file: SETTINGS_FILE, ...oddity.position }, oddity.message);
  const [node] = documents;
  // Through JSON, so that the maps are ordinary objects.
  const value: unknown = node === undefined ? null : JSON.parse(JSON.stringify(valueOf(node)));
  return validate(value, { file: SETTINGS_FILE });
}

/** It takes long to make, and settings are read once for each commit that is looked at. */
const validator = once(async () => {
  const { Ajv } = await import("ajv");
  return new Ajv({ allErrors: false, verbose: true }).compile<Settings>(SETTINGS_SCHEMA);
});

/**
 * @param place where they stand; none for those that were given
 * @throws DeployError INVALID_SETTINGS
 */
async function validate(value: unknown, place?: Place): Promise<Settings> {
  const isSettings = await validator();
  if (isSettings(value)) return value;
  const [error] = isSettings.errors ?? [];
  const at = error?.instancePath.slice(1).replaceAll("/", ".") ?? "";
  const what = error === undefined ? undefined : phraseOf(error);
  const message = `${place?.file ?? "the settings that were given"}: ${at === "" ? "the top" : at} ${what ?? "is not as it should be"}`;
  const hint = "see docs/deploy.md for what can be set";
  throw new DeployError("INVALID_SETTINGS", message, { hint, ...(place === undefined ? {} : { place }) });
}

/** What is wrong, in words where the schema's own tell too little. */
function phraseOf({
  keyword,
  message,
  params,
  propertyName,
  instancePath,
  parentSchema,
}: ErrorObject): string | undefined {
  if (params["missingProperty"] === "reason" || /^\/silence\/\d+\/reason$/.test(instancePath))
    return "expected a reason, in words, for those who read it in a year";
  if (keyword === "not") return "expected a path within the repository, such as config/prod.yaml";
  if (propertyName !== undefined) return `has a name that cannot be used, ${JSON.stringify(propertyName)}: ${message}`;
  const examples: unknown = keyword === "pattern" ? parentSchema?.["examples"] : undefined;
  if (Array.isArray(examples)) return `expected one such as ${examples.join(", ")}`;
  const extra: unknown = params["additionalProperty"];
  return typeof extra === "string" ? `${message}: ${JSON.stringify(extra)}` : message;
}

/** Where each environment names its own, the first of them; null where one names none. */
function commonChart({ environments = {} }: Settings): ChartSetting | null {
  const charts = Object.values(environments).map(({ chart }) => chart);
  return charts.includes(undefined) ? null : (charts[0] ?? null);
}

/** The one at the top that no release beside the main one has. */
function onlyChart(tree: FileSource, { releases = {} }: Settings): string {
  const others = new Set<ChartSetting>(Object.values(releases).map(({ chart }) => chart));
  const folders = [...tree.files()]
    .flatMap(({ path }) => /^([^/]+)\/Chart\.yaml$/.exec(path)?.[1] ?? [])
    .filter((folder) => !others.has(folder));
  const [folder] = folders;
  if (folder !== undefined && folders.length === 1) return folder;
  const got = folders.length === 0 ? "none" : folders.join(", ");
  throw new DeployError("NO_PROJECT", `expected one folder at the top that holds a Chart.yaml, got ${got}`, {
    hint: `name the chart in ${SETTINGS_FILE}`,
  });
}

const LAYERS = /^(secrets\/)?config\/([a-z0-9][a-z0-9-]*)\.ya?ml$/;
const COMMON = "common";
const TIERS = new Map<string, Tier>([
  ["staging", "staging"],
  ["prod", "prod"],
  ["production", "prod"],
]);

const wordsOf = (name: string): string[] => name.split(/[-_.]/);

/** The tier that an environment's name speaks of, such as `hub-prod`. */
export function tierOf(name: string): Tier {
  const tiers = new Set(wordsOf(name).flatMap((word) => TIERS.get(word) ?? []));
  const [tier = "other"] = tiers;
  return tiers.size === 1 ? tier : "other";
}

/** What environments of several tiers have in common in their names: `hub` of `hub-prod`. */
export const baseOf = (name: string): string =>
  wordsOf(name)
    .filter((word) => !TIERS.has(word))
    .join("-");

/** The folders of files that all environments share. */
const SHARED = /^(?:secrets\/)?config\/common\/[^/]+\.ya?ml$/;

const isShared = (path: string): boolean => SHARED.test(path) || LAYERS.exec(path)?.[2] === COMMON;

/**
 * The usual layout: `config/NAME.yaml` and `secrets/config/NAME.yaml` make the environment NAME,
 * those of the name `common` and those in folders of that name are shared, and
 * `secrets/NAME-kubeconfig.yaml` reaches the cluster. What one environment has, all must have: a
 * file that is missing or misspelt is an error later.
 */
class Layout {
  readonly #tree: FileSource;
  readonly #found: readonly { readonly path: string; readonly name: string; readonly kind: "plain" | "secret" }[];

  constructor(tree: FileSource) {
    this.#tree = tree;
    this.#found = [...tree.files()].flatMap(({ path }) => {
      const [, secret, name] = LAYERS.exec(path) ?? [];
      return name === undefined ? [] : [{ path, name, kind: secret === undefined ? "plain" : "secret" }];
    });
  }

  /** Lowest first: git's order has plain ones before secret ones. */
  common(): string[] {
    return [...this.#tree.files()].map(({ path }) => path).filter(isShared);
  }

  /** @throws DeployError NO_PROJECT where there are none */
  environments(): Record<string, EnvironmentSettings> {
    const names = [...new Set(this.#found.map(({ name }) => name))].filter((name) => name !== COMMON);
    if (names.length === 0) {
      const message = `expected ${SETTINGS_FILE}, or config/NAME.yaml for each environment, got neither`;
      throw new DeployError("NO_PROJECT", message, {
        hint: "see docs/deploy.md for the layout, and for what can be set",
      });
    }
    const order: readonly Tier[] = ["other", "staging", "prod"];
    names.sort((a, b) => order.indexOf(tierOf(a)) - order.indexOf(tierOf(b)));
    return Object.fromEntries(names.map((name) => [name, {}]));
  }

  /** What one of the project's environments has, of whom `names` are all. */
  environment(name: string, names: readonly string[]): EnvironmentSettings {
    const kinds = (["plain", "secret"] as const).filter((kind) =>
      this.#found.some((layer) => layer.kind === kind && names.includes(layer.name)),
    );
    const kubeconfig = usualKubeconfig(name);
    return {
      layers: kinds.map((kind) => this.#pathOf(name, kind)),
      ...(this.#tree.find(kubeconfig) === undefined ? {} : { kubeconfig }),
    };
  }

  #pathOf(name: string, kind: "plain" | "secret"): string {
    const found = this.#found.find((layer) => layer.name === name && layer.kind === kind);
    return found?.path ?? `${kind === "secret" ? "secrets/" : ""}config/${name}.yaml`;
  }
}
