import { existsSync } from "node:fs";
import { join, posix } from "node:path";
import {
  clearInHistory,
  GitCryptError,
  openRepository,
  type Repository,
  Revision,
  uncommittedFiles,
} from "@git-vault/git-crypt";
import { type Chart, type Dependency, readChart } from "../charts/chart.ts";
import { sha256, withLocalCharts } from "../charts/charts.ts";
import { Dependencies } from "../charts/dependencies.ts";
import { Environment, findEnvironment, type SecretLeaf, secretsOf } from "./environment.ts";
import { DeployError } from "../errors.ts";
import type { FetchedArchive } from "../charts/fetch.ts";
import { Helm } from "../helm/helm.ts";
import type { Manifest } from "../helm/manifests.ts";
import { helmValues } from "../values/helm-values.ts";
import { findKeys, type KeySource, withoutKeys } from "./key.ts";
import { Layer, MOST_LAYER_BYTES } from "../values/layer.ts";
import { LOCK_FILE } from "../charts/lock-file.ts";
import type { AskOptions, Publication } from "../charts/published.ts";
import { Redactor } from "../secrets/redactor.ts";
import type { ReleaseParts, Renderer } from "./release.ts";
import { readSettings, SETTINGS_FILE, type ReleaseSettings, type Settings, type Silence, tierOf } from "./settings.ts";
import { type TrackedFile, Tree } from "../files/tree.ts";
import { Workspace } from "../files/workspace.ts";

/**
 * How a project is opened. Settings that are left out come from `deploy.yaml`, else from the usual
 * layout.
 */
export interface ProjectOptions extends Partial<Settings> {
  /** A folder in the repository. */
  readonly root: string;
  /** The commit that is read; `HEAD` where left out. */
  readonly revision?: string;
  /** Where the key comes from; null for no key, even where there is one. */
  readonly key?: KeySource | null;
  /** The environment that programs get, without the key; this process's own where left out. */
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * A repository that is deployed from, at one commit: the work tree is not looked at. Secrets are
 * decrypted in memory, and the checkout may stay locked. Close it when done, or declare it with
 * `await using`.
 */
export class Project implements AsyncDisposable {
  /** The commit that is read. */
  readonly commit: string;
  readonly chart: Chart;
  /** Those of all releases, the project's own first, and the local ones that they are made from. */
  readonly charts: readonly Chart[];
  /** In the order in which they are deployed. */
  readonly environments: readonly Environment[];
  readonly silence: readonly Silence[];
  /** Where each member of the federation tells its versions, by its name. */
  readonly federation: Readonly<Record<string, string>>;
  /** The paths of JSON Schemas that the values must be as, beside those of the charts. */
  readonly schemas: readonly string[];
  readonly #tree: Tree;
  readonly #env: NodeJS.ProcessEnv;
  readonly #repository: Repository;
  readonly #isHead: boolean;
  readonly #workspace = new Workspace();
  /** Those of all releases. */
  readonly #charts: readonly Chart[];
  readonly #rendered = new Map<string, Promise<readonly Manifest[]>>();
  readonly #dependencies: Dependencies;
  #redactor: Redactor<SecretLeaf> | undefined;
  #helm: Helm | undefined;

  private constructor(tree: Tree, settings: Settings & { chart: string }, repository: Repository, revision: string) {
    const { topLevel, env } = repository;
    this.#isHead = revision === "HEAD";
    this.#repository = repository;
    this.commit = tree.commit;
    this.#tree = tree;
    this.#env = env;
    this.#dependencies = new Dependencies(tree, topLevel, this.#workspace, () => this.#startHelm());
    this.silence = settings.silence ?? [];
    this.federation = settings.federation ?? {};
    this.schemas = settings.schemas ?? [];
    this.chart = readChart(tree, settings.chart);
    const common = (settings.layers ?? []).map((path) => new Layer(tree, path, "common"));
    const extra = extraReleases(tree, settings);
    this.#charts = [this.chart, ...extra.map(({ parts }) => parts.chart)];
    this.charts = withLocalCharts(tree, this.#charts);
    this.environments = Object.entries(settings.environments).map(([name, environment]) => {
      const own = (environment.layers ?? []).map((path) => new Layer(tree, path, "environment"));
      const layers = [...defaultsOf(this.chart), ...common, ...own];
      const namespace = environment.namespace ?? name;
      const main = { name: environment.release ?? name, namespace, chart: this.chart, layers };
      const parts = {
        name,
        tier: environment.tier ?? tierOf(name),
        kubeconfig: environment.kubeconfig ?? null,
        cluster: environment.cluster ?? null,
        kubeVersion: environment.kubeVersion ?? null,
        nodePools: environment.nodePools === undefined ? null : new Map(Object.entries(environment.nodePools)),
        main,
        ...aroundMain(name, main, extra),
      };
      return new Environment(parts, this.#render);
    });
    const files = this.#layers().flatMap(({ file }) => file ?? []);
    tree.preload([...new Set(files)].filter(({ bytes }) => bytes <= MOST_LAYER_BYTES));
  }

  /**
   * Opens the project of the repository that `root` lies in.
   *
   * What is wrong with a layer is told when it is used: it is an error then, and a check can tell
   * it before.
   *
   * @throws DeployError NO_PROJECT, INVALID_SETTINGS, MISSING_FILE, NOT_A_CHART, NOT_A_KEY,
   * WRONG_KEY; GitCryptError NOT_A_REPOSITORY, NO_SUCH_REVISION and the like
   */
  static async open(options: ProjectOptions): Promise<Project> {
    const { root, revision = "HEAD", key = {}, env = process.env, ...given } = options;
    const repository = openRepository(root, { env: withoutKeys(env) });
    const tree = new Tree(
      Revision.open(repository, revision),
      key === null ? [] : await findKeys(key, env, repository),
    );
    try {
      tree.tryKeys();
      return new Project(tree, await readSettings(tree, given), repository, revision);
    } catch (error) {
      tree.wipe();
      throw error;
    }
  }

  /** @throws DeployError NO_SUCH_ENVIRONMENT */
  environment(name: string): Environment {
    return findEnvironment(this.environments, name);
  }

  /** Whether there is a key. Without one, what is encrypted cannot be read. */
  get hasKey(): boolean {
    return this.#tree.hasKey;
  }

  /** Every file of the commit, in git's order. */
  files(): IterableIterator<TrackedFile> {
    return this.#tree.files();
  }

  file(path: string): TrackedFile | undefined {
    return this.#tree.find(path);
  }

  /** What git stores for a file: ciphertext, where it is encrypted. */
  stored(file: TrackedFile): Buffer {
    return this.#tree.stored(file);
  }

  /**
   * The content of a file, decrypted where it is encrypted: then a secret.
   *
   * @throws DeployError LOCKED, TAMPERED_FILE, MISSING_FILE
   */
  read(file: TrackedFile): Buffer {
    return this.#tree.read(file);
  }

  /**
   * The files that the project is made from of which the work tree or the index holds something
   * else than the commit: it is not looked at. None where a commit was named, or git cannot tell.
   */
  uncommitted(): string[] {
    if (!this.#isHead) return [];
    const layers = this.#layers().map(({ path }) => path);
    const paths = [
      SETTINGS_FILE,
      LOCK_FILE,
      ...this.schemas,
      ...this.charts.map(({ path }) => path),
      // A new file beside the layers may be meant as one.
      ...layers.flatMap((path) => [path, posix.dirname(path)]).filter((path) => path !== "."),
      ...this.environments.flatMap(({ kubeconfig }) => kubeconfig ?? []),
    ];
    try {
      const files = uncommittedFiles(this.#repository, [...new Set(paths)]);
      // Archives that were fetched are taken from the work tree.
      return files.filter((path) => !/\/charts\/[^/]+\.tgz$/.test(path));
    } catch (error) {
      if (error instanceof GitCryptError) return [];
      throw error;
    }
  }

  /** Whether the clone lacks older commits. */
  get isShallow(): boolean {
    return existsSync(join(this.#repository.commonDir, "shallow"));
  }

  /**
   * The contents of many files, a bounded amount at a time; of one that cannot be read, the error.
   * In git's own order.
   */
  readAll(files: readonly TrackedFile[]): Generator<[file: TrackedFile, content: Buffer | DeployError]> {
    return this.#tree.readAll(files);
  }

  /**
   * The paths, protected by the index's attributes, of which a commit that any reference reaches
   * holds a version in clear. What a shallow clone lacks is not searched.
   */
  clearInHistory(): string[] {
    return clearInHistory(this.#repository).map(({ file }) => file);
  }

  /**
   * Knows every value of the secret layers that can be read, in the forms that it may take in a
   * text.
   */
  get redactor(): Redactor<SecretLeaf> {
    if (this.#redactor !== undefined) return this.#redactor;
    const redactor = new Redactor<SecretLeaf>();
    for (const layer of this.#layers())
      if (layer.secret && isReadable(layer))
        for (const leaf of secretsOf(layer))
          // Whether something is on or off cannot be told from any other word.
          if (typeof leaf.value !== "boolean") redactor.add(String(leaf.value), leaf);
    this.#redactor = redactor;
    return redactor;
  }

  /**
   * The files of a dependency of a chart, the project's own where left out, by their paths in it,
   * such as `values.yaml`: of an archive, once it is known to be what was locked; of one that is
   * vendored as a folder, none.
   *
   * @throws DeployError UNPINNED_DEPENDENCY, UNLOCKED_DEPENDENCY, MISSING_ARCHIVE,
   * ARCHIVE_MISMATCH, NOT_A_CHART
   */
  dependencyFiles(dependency: Dependency, chart: Chart = this.chart): Map<string, Buffer> {
    return this.#dependencies.filesOf(dependency, chart);
  }

  /**
   * The files of a chart of the project with all that it is made from, by their paths in it, as
   * Helm gets them. What is encrypted is left out, and so is a dependency that cannot be had, which
   * `onMissing` is told.
   */
  chartFiles(chart: Chart, onMissing: (dependency: Dependency) => void): Map<string, Buffer> {
    return this.#dependencies.filesWith(chart, onMissing);
  }

  /**
   * Asks a dependency's repository whether its version was published: over the network. One without
   * a remote repository is unknown.
   *
   * @throws DeployError INTERRUPTED
   */
  askRepository(dependency: Dependency, options: AskOptions = {}): Promise<Publication> {
    return this.#dependencies.ask(dependency, options);
  }

  /**
   * Puts the archives of the dependencies that the commit names into their places in the work tree.
   * Only what `deploy.lock` says is taken.
   *
   * @throws DeployError UNPINNED_DEPENDENCY, UNLOCKED_DEPENDENCY, ARCHIVE_MISMATCH, FETCH_FAILED,
   * NO_WORK_TREE; TOOL_MISSING, UNSUPPORTED_TOOL, INTERRUPTED
   */
  fetch(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<FetchedArchive[]> {
    return this.#dependencies.fetch(this.#charts, options.signal);
  }

  /**
   * Does the same for the dependencies that the work tree names, and records in the work tree's
   * `deploy.lock` what was fetched.
   *
   * @throws DeployError as `fetch` does, but for archives that were not recorded before
   */
  lock(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<FetchedArchive[]> {
    return this.#dependencies.lock(this.#charts, options.signal);
  }

  /**
   * The environment of programs that are started: `env`, or the project's own, without the keys.
   */
  childEnv(env: NodeJS.ProcessEnv = this.#env): NodeJS.ProcessEnv {
    return withoutKeys(env);
  }

  /** The layers of all releases of all environments, each once. */
  #layers(): Layer[] {
    return [...new Set(this.environments.flatMap(({ releases }) => releases.flatMap(({ layers }) => layers)))];
  }

  #startHelm(): Helm {
    return (this.#helm ??= new Helm({
      program: this.#env["HELM"] ?? "helm",
      home: join(this.#workspace.path, "helm"),
      env: this.#env,
      redact: (text) => this.redactor.redact(text),
    }));
  }

  /**
   * Releases of several environments that do not differ in what Helm is given are rendered once,
   * and kept in memory.
   */
  readonly #render: Renderer = ({ name, namespace, chart, environment }, values, signal) => {
    const { kubeVersion } = environment;
    const rendering = { release: name, namespace, kubeVersion, values: helmValues(values.overrides) };
    const id = sha256(Buffer.from(JSON.stringify([chart.path, rendering])));
    const known = this.#rendered.get(id);
    if (known !== undefined) return known;
    const helm = this.#startHelm();
    const rendered = helm.version().then(() => helm.template({ ...rendering, chart: this.chartFolder(chart), signal }));
    this.#rendered.set(id, rendered);
    // What failed may do better once the charts are fetched.
    rendered.catch(() => this.#rendered.delete(id));
    return rendered;
  };

  /**
   * The folder, removed when the project is closed, in which Helm finds a chart of the project with
   * all that it is made from.
   *
   * @throws DeployError SECRET_IN_CHART; UNPINNED_DEPENDENCY, UNLOCKED_DEPENDENCY, MISSING_ARCHIVE,
   * ARCHIVE_MISMATCH
   */
  chartFolder(chart: Chart): string {
    return this.#dependencies.folderWith(chart);
  }

  /**
   * The archives that a chart of the project is made from, by their paths, with the SHA-256 that
   * `deploy.lock` has of each.
   */
  archives(chart: Chart): Map<string, string> {
    return this.#dependencies.archivesOf(chart);
  }

  /**
   * HMAC-SHA-256 of a text in hex, with a key that is derived from the project's: without that key,
   * it tells nothing of the text. Where nothing is encrypted there is no key, and it is an ordinary
   * checksum.
   */
  digest(purpose: string, text: string): string {
    return this.#tree.digest(`git-vault ${purpose}`, text);
  }

  /** Forgets the key and what was read, and removes the temporary files. */
  async close(): Promise<void> {
    this.#tree.wipe();
    this.#rendered.clear();
    this.#workspace.remove();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

interface ExtraRelease {
  readonly parts: ReleaseParts;
  readonly settings: ReleaseSettings;
}

const defaultsOf = ({ defaults }: Chart): Layer[] => (defaults === null ? [] : [defaults]);

/** The releases beside the main one. */
function extraReleases(tree: Tree, { releases = {}, environments }: Settings): ExtraRelease[] {
  return Object.entries(releases).map(([name, settings]) => {
    const unknown = settings.environments?.find((environment) => !Object.hasOwn(environments, environment));
    if (unknown !== undefined)
      throw new DeployError(
        "INVALID_SETTINGS",
        `the release ${name} names the environment ${unknown}, which is not there`,
      );
    const chart = readChart(tree, settings.chart);
    const own = (settings.layers ?? []).map((path) => new Layer(tree, path, "common"));
    const layers = [...defaultsOf(chart), ...own];
    return { settings, parts: { name, namespace: settings.namespace ?? name, chart, layers } };
  });
}

/** What is deployed to an environment before and after its main release, in order. */
function aroundMain(
  environment: string,
  main: ReleaseParts,
  extra: readonly ExtraRelease[],
): Record<"before" | "after", ReleaseParts[]> {
  const here = extra.filter(({ settings }) => settings.environments?.includes(environment) ?? true);
  const at = (when: "before" | "after"): ReleaseParts[] =>
    here.filter(({ settings }) => (settings.when ?? "before") === when).map(({ parts }) => parts);
  const twin = here.find(({ parts }) => parts.name === main.name && parts.namespace === main.namespace);
  if (twin === undefined) return { before: at("before"), after: at("after") };
  throw new DeployError(
    "INVALID_SETTINGS",
    `two releases of ${environment} have the name ${main.name} in one namespace`,
    {
      hint: "give one of them another name or namespace",
    },
  );
}

/** What cannot be read cannot leak. */
function isReadable(layer: Layer): boolean {
  try {
    layer.yaml();
    return true;
  } catch (error) {
    if (error instanceof DeployError) return false;
    throw error;
  }
}
