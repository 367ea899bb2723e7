import { printable } from "@git-vault/core";
import type { FileSource } from "../files/tree.ts";
import {
  type ChartSetting,
  type EnvironmentSettings,
  ownSettings,
  type OwnSettings,
  type ReleaseSettings,
  type Settings,
  usualKubeconfig,
} from "../project/settings.ts";
import { orElse } from "../errors.ts";
import { isSopsFile } from "../sops/sops-file.ts";
import { MOST_LAYER_BYTES } from "../values/layer.ts";
import { isStructured, readValue } from "../values/read-yaml.ts";
import { at, isMap, type Value } from "../values/value.ts";
import { remember } from "../remember.ts";

/** Of what is told: files' names may be anything. */
const LONGEST = 2000;
/** No system has files with longer names, in characters: a commit can. */
const LONGEST_PATH = 4096;
/** How many files one question names. */
const MOST_NAMED = 10;

/** Settings as they are found, and what is known of how. */
export class Draft {
  chart: ChartSetting | undefined;
  layers: string[] = [];
  readonly environments: Map<string, EnvironmentSettings> = new Map();
  readonly releases: Map<string, ReleaseSettings> = new Map();
  /** What was taken, and from where. */
  readonly taken: string[] = [];
  /** What nobody but people can decide. */
  readonly undecided: string[] = [];
  /** The folders that hold a chart, but those within another. */
  readonly charts: readonly string[];
  readonly #source: FileSource;
  readonly #paths: ReadonlySet<string>;
  readonly #values = new Map<string, Value>();

  constructor(source: FileSource) {
    this.#source = source;
    const files = [...source.files()].filter(({ mode, path }) => mode.startsWith("100") && path.length <= LONGEST_PATH);
    this.#paths = new Set(files.map(({ path }) => path));
    const folders = new Set([...this.#paths].flatMap((path) => /^(.+)\/Chart\.yaml$/.exec(path)?.[1] ?? []));
    this.charts = [...folders].filter((path) => !foldersAbove(path).some((folder) => folders.has(folder)));
  }

  get paths(): ReadonlySet<string> {
    return this.#paths;
  }

  has(path: string): boolean {
    return this.#paths.has(path);
  }

  /** Whether a file lies in the folder of a chart. */
  isInChart(path: string): boolean {
    return this.charts.some((chart) => path.startsWith(`${chart}/`));
  }

  isEncrypted(path: string): boolean {
    return this.#source.find(path)?.encrypted === true;
  }

  /** Whether sops encrypted values in it. */
  isOfSops(path: string): boolean {
    return isStructured(path) && isSopsFile(this.text(path) ?? "");
  }

  /** The text of a file; null where it is encrypted, not there, or larger than a layer may be. */
  text(path: string): string | null {
    const file = this.#source.find(path);
    if (file === undefined || file.encrypted || file.bytes > MOST_LAYER_BYTES) return null;
    return this.#source.read(file).toString();
  }

  /** What a file of YAML holds; null where it is none that can be read. */
  value(path: string): Value {
    return remember(this.#values, path, () => this.valueAfter(path, (text) => text));
  }

  /** The same, once its text is changed. */
  valueAfter(path: string, change: (text: string) => string): Value {
    const text = this.text(path);
    return text === null ? null : orElse<Value>(null, () => readValue(path, change(text)));
  }

  take(what: string, from: string): void {
    this.taken.push(printable(`${what}: ${from}`, { longest: LONGEST }));
  }

  ask(what: string): void {
    this.undecided.push(printable(what, { longest: LONGEST }));
  }

  /** Asks about encrypted files of values that were taken for nothing. */
  askForRest(): void {
    const environments = [...this.environments.values()];
    const releases = [...this.releases.values()];
    const own = releases.flatMap((release) => Object.values(ownSettings(release)));
    const layers = [this, ...environments, ...releases, ...own].flatMap((one) => one.layers ?? []);
    const taken = new Set([...layers, ...environments.map(({ kubeconfig }) => kubeconfig)]);
    const rest = [...this.#paths].filter(
      (path) =>
        isStructured(path) &&
        !taken.has(path) &&
        !this.isInChart(path) &&
        (this.isEncrypted(path) || this.isOfSops(path)),
    );
    if (rest.length === 0) return;
    const more = rest.length > MOST_NAMED ? ` and ${rest.length - MOST_NAMED} more` : "";
    this.ask(
      `what these encrypted files are, which were taken for nothing: ${rest.slice(0, MOST_NAMED).join(", ")}${more}; name those that are layers or kubeconfigs`,
    );
  }

  /** Asks how the clusters are reached of which a file names only credentials of a cloud. */
  askForKubeconfigs(file: string): void {
    this.ask(
      `how each cluster is reached: ${file} names credentials of a cloud, and no kubeconfig; give one by --kubeconfig, or encrypt one and name it`,
    );
  }

  /** The kubeconfig of an environment, where it is in the usual place; else it is asked about. */
  kubeconfigOf(environment: string): Pick<EnvironmentSettings, "kubeconfig"> {
    const kubeconfig = usualKubeconfig(environment);
    if (this.has(kubeconfig)) return { kubeconfig };
    this.ask(`how the cluster of ${environment} is reached: there is no ${kubeconfig}`);
    return {};
  }

  /** The node pools that layers speak of, as far as they can be read. */
  nodePoolsIn(layers: readonly string[]): Pick<EnvironmentSettings, "nodePools"> {
    const nodePools = poolsIn(layers.map((path) => this.value(path)));
    return Object.keys(nodePools).length === 0 ? {} : { nodePools };
  }

  /** Those of the files that are there; the others are asked about. */
  existing(files: readonly string[], whose: string): string[] {
    const missing = files.filter((file) => !this.has(file));
    if (missing.length > 0) this.ask(`${whose} names ${missing.join(", ")}, which the commit does not have`);
    return files.filter((file) => this.has(file));
  }

  /** What a release has of its own in each environment, as far as it is known. */
  ownOf(release: string): OwnSettings {
    const known = this.releases.get(release);
    return known === undefined ? {} : ownSettings(known);
  }

  /** As `deploy.yaml` has it. */
  get settings(): Settings {
    return {
      ...(this.chart === undefined ? {} : { chart: this.chart }),
      layers: this.layers,
      environments: Object.fromEntries(this.environments),
      ...(this.releases.size === 0 ? {} : { releases: Object.fromEntries(this.releases) }),
    };
  }
}

const foldersAbove = (path: string): string[] => {
  const parts = path.split("/");
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join("/"));
};

const DNS_LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** Of a name, in characters: Kubernetes has none that are longer. */
const LONGEST_NAME = 253;

/** A name as Kubernetes takes it. */
export function labelOf(text: string): string {
  const label = text
    .slice(0, LONGEST_NAME)
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, "-")
    .replaceAll(/^-+|-+$/g, "")
    .slice(0, 63);
  return DNS_LABEL.test(label) ? label : "release";
}

/** Node pools, by the selectors that values have: each label that they are told by is one. */
function poolsIn(values: readonly Value[]): Record<string, { labels: Record<string, string> }> {
  const pools: Record<string, { labels: Record<string, string> }> = {};
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) for (const item of value) visit(item);
    if (!isMap(value)) return;
    const selector = at(value, "nodeSelector");
    if (isMap(selector))
      for (const [label, text] of Object.entries(selector))
        if (typeof text === "string" && /pool/i.test(label) && text !== "")
          pools[labelOf(text)] = { labels: { [label]: text } };
    for (const inner of Object.values(value)) visit(inner);
  };
  for (const value of values) visit(value);
  return pools;
}
