import { join } from "node:path";
import { openRepository, Revision } from "@git-vault/git-crypt";
import { type Chart, readChart } from "./chart.ts";
import { Environment, findEnvironment, type Renderer, type SecretLeaf, secretsOf } from "./environment.ts";
import { DeployError } from "./errors.ts";
import { Helm } from "./helm.ts";
import { helmValues } from "./helm-values.ts";
import { findKeys, KEY_VARIABLE, type KeySource } from "./key.ts";
import { Layer } from "./layer.ts";
import { Redactor } from "./redactor.ts";
import { readSettings, type Settings, type Silence, tierOf } from "./settings.ts";
import { type TrackedFile, Tree } from "./tree.ts";
import { Workspace, writeChart } from "./workspace.ts";

/** How a project is opened. Settings that are left out come from `deploy.yaml`, else from the usual layout. */
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
 * A repository that is deployed from, at one commit: the work tree is not looked at. Secrets are decrypted in memory, and the
 * checkout may stay locked. Close it when done, or declare it with `await using`.
 */
export class Project implements AsyncDisposable {
  /** The commit that is read. */
  readonly commit: string;
  readonly chart: Chart;
  /** In the order in which they are deployed. */
  readonly environments: readonly Environment[];
  readonly silence: readonly Silence[];
  readonly #tree: Tree;
  readonly #env: NodeJS.ProcessEnv;
  readonly #workspace = new Workspace();
  #chartFolder: string | undefined;
  #redactor: Redactor<SecretLeaf> | undefined;
  #helm: Helm | undefined;

  private constructor(tree: Tree, settings: Settings & { chart: string }, env: NodeJS.ProcessEnv) {
    this.commit = tree.commit;
    this.#tree = tree;
    this.#env = env;
    this.silence = settings.silence ?? [];
    this.chart = readChart(tree, settings.chart);
    const { defaults } = this.chart;
    const common = (settings.layers ?? []).map((path) => new Layer(tree, path, "common"));
    this.environments = Object.entries(settings.environments).map(([name, environment]) => {
      const own = (environment.layers ?? []).map((path) => new Layer(tree, path, "environment"));
      const parts = {
        name,
        tier: environment.tier ?? tierOf(name),
        namespace: environment.namespace ?? name,
        release: environment.release ?? name,
        kubeconfig: environment.kubeconfig ?? null,
        nodePools: environment.nodePools === undefined ? null : new Map(Object.entries(environment.nodePools)),
        layers: [...(defaults === null ? [] : [defaults]), ...common, ...own],
      };
      return new Environment(parts, this.#render);
    });
    tree.preload([...new Set(this.environments.flatMap(({ layers }) => layers.flatMap(({ file }) => file ?? [])))]);
  }

  /**
   * Opens the project of the repository that `root` lies in.
   *
   * What is wrong with a layer is told when it is used: it is an error then, and a check can tell it before.
   *
   * @throws DeployError NO_PROJECT, INVALID_SETTINGS, NOT_A_CHART, NOT_A_KEY, WRONG_KEY; GitCryptError NOT_A_REPOSITORY,
   * NO_SUCH_REVISION and the like
   */
  static async open(options: ProjectOptions): Promise<Project> {
    const { root, revision = "HEAD", key = {}, env = process.env, ...given } = options;
    const { [KEY_VARIABLE]: _, ...childEnv } = env;
    const repository = openRepository(root, { env: childEnv });
    const tree = new Tree(
      Revision.open(repository, revision),
      key === null ? [] : await findKeys(key, env, repository),
    );
    try {
      tree.tryKeys();
      return new Project(tree, await readSettings(tree, given), childEnv);
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

  /** The contents of many files, a bounded amount at a time; of one that cannot be read, the error. In git's own order. */
  readAll(files: readonly TrackedFile[]): Generator<[file: TrackedFile, content: Buffer | DeployError]> {
    return this.#tree.readAll(files);
  }

  /** Knows every value of the secret layers that can be read, in the forms that it may take in a text. */
  get redactor(): Redactor<SecretLeaf> {
    if (this.#redactor !== undefined) return this.#redactor;
    const redactor = new Redactor<SecretLeaf>();
    for (const layer of new Set(this.environments.flatMap(({ layers }) => layers)))
      if (layer.secret && isReadable(layer))
        for (const leaf of secretsOf(layer)) redactor.add(String(leaf.value), leaf);
    this.#redactor = redactor;
    return redactor;
  }

  readonly #render: Renderer = async ({ release, namespace }, values, signal) => {
    const { path } = this.#workspace;
    this.#helm ??= new Helm({
      program: this.#env["HELM"] ?? "helm",
      home: join(path, "helm"),
      env: this.#env,
      redactor: this.redactor,
    });
    await this.#helm.version();
    if (this.#chartFolder === undefined) {
      writeChart(this.#tree, this.chart, join(path, "chart"));
      this.#chartFolder = join(path, "chart");
    }
    const chart = this.#chartFolder;
    return this.#helm.template({ release, namespace, chart, values: helmValues(values.overrides), signal });
  };

  /** Forgets the key and what was read, and removes the temporary files. */
  async close(): Promise<void> {
    this.#tree.wipe();
    this.#workspace.remove();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
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
