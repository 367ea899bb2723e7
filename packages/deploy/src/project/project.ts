import { randomBytes } from "node:crypto";
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
import { type GivenKubeconfig, takeKubeconfig } from "./given-kubeconfig.ts";
import type { Chart } from "../charts/chart.ts";
import { ChartSources } from "../charts/chart-sources.ts";
import type { EncryptedContent } from "../charts/encrypted-files.ts";
import type { FetchedArchive, FetchProgress } from "../charts/fetch.ts";
import { LOCK_FILE, sha256 } from "../charts/lock-file.ts";
import { withLocalCharts } from "../charts/parts.ts";
import { DeployError, orElse, passOn } from "../errors.ts";
import { type TrackedFile, Tree } from "../files/tree.ts";
import { Workspace } from "../files/workspace.ts";
import { Helm, type HelmOptions } from "../helm/helm.ts";
import { type Manifest, readManifests } from "../helm/manifests.ts";
import type { Values } from "../values/merge.ts";
import { withoutSecretWords } from "../secrets/failures.ts";
import { Redactor, redactorFor } from "../secrets/redactor.ts";
import { looksSecret } from "../secrets/sensitive.ts";
import { StandIns } from "../secrets/stand-ins.ts";
import { isStructured, readValue } from "../values/read-yaml.ts";
import { helmValues, textsIn } from "../values/value.ts";
import { givenLayer, type GivenValues } from "../values/given.ts";
import { type Layer, type LayerScalar, MOST_LAYER_BYTES } from "../values/layer.ts";
import { type Environment, type Release, releasesNamed, type Renderer } from "./environment.ts";
import { assertDemands, type CommitDemands } from "./demands.ts";
import { standInsForFiles } from "./files-stand-ins.ts";
import { findKeys, type KeySource } from "./key.ts";
import { deploymentsOf } from "./releases.ts";
import type { SopsKeySource } from "../sops/sops-keys.ts";
import { SopsLayers, type SopsText } from "../sops/sops-layers.ts";
import { type CompleteSettings, readSettings, SETTINGS_FILE, type Settings, type Silence } from "./settings.ts";

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
  /** What opens layers that sops encrypted; null for nothing. */
  readonly sops?: SopsKeySource | null;
  /** The environments that are looked at; all where left out. sops opens no other's layers. */
  readonly only?: readonly string[] | undefined;
  /** The environment that programs get, without the key; this process's own where left out. */
  readonly env?: NodeJS.ProcessEnv;
  /** Values over those of the commit, lowest first, of the main releases or of those they name. */
  readonly given?: readonly GivenValues[];
  /**
   * How the cluster of one environment is reached, instead of by the kubeconfig of the commit: from
   * the caller, who decides what runs and what is connected to.
   */
  readonly kubeconfig?: GivenKubeconfig | undefined;
  /** How long Helm may render, rehearse or read, in seconds; 300 where left out. */
  readonly helmSeconds?: number | undefined;
  /**
   * `stand-ins` for a commit that no holder of the key stands behind: what is read of encrypted
   * files, but for kubeconfigs, is never the secrets, so that whatever its charts do, they cannot
   * tell anything of them but their shape. `real` where left out.
   */
  readonly secrets?: Secrets | undefined;
  /** Whether Helm will be needed for sure: it tells its version while the commit is read. */
  readonly needsHelm?: boolean | undefined;
  /** Stops what is asked while it is opened, and later while another commit of it is. */
  readonly signal?: AbortSignal | undefined;
}

/** How many releases an error names. */
const MOST_NAMED = 10;

const helmIn = ({ env }: Repository, workspace: Workspace): Pick<HelmOptions, "program" | "home" | "env"> => ({
  program: env["HELM"] ?? "helm",
  home: join(workspace.path, "helm"),
  env,
});

/** How each commit of a project is read. */
interface Reading extends Pick<ProjectOptions, "kubeconfig" | "helmSeconds" | "given" | "only"> {
  readonly revision: string;
  /** Removed with the project. */
  readonly workspace: Workspace;
  /** The one that tells its version already; undefined where none was asked. */
  readonly helm: Helm | undefined;
  readonly sops: SopsLayers;
  /** Those that were given, over those of the commit. */
  readonly settings: Partial<Settings>;
}

/** What stands for secrets in what is read: they themselves, or stand-ins alone. */
export type Secrets = "real" | "stand-ins";

/**
 * A repository that is deployed from, at one commit: the work tree is not looked at. Secrets are
 * decrypted in memory, and the checkout may stay locked. Close it when done, or declare it with
 * `await using`.
 *
 * Whatever reads from it throws a GitCryptError where git itself fails.
 */
export class Project implements AsyncDisposable {
  /** The commit that is read. */
  readonly commit: string;
  readonly chart: Chart;
  /** Those of all releases, the project's own first, and the local ones that they are made from. */
  readonly charts: readonly Chart[];
  /** What the charts are made from. */
  readonly sources: ChartSources;
  /** In the order in which they are deployed. */
  readonly environments: readonly Environment[];
  readonly silence: readonly Silence[];
  /** The path of the file that says where each member of the federation tells its versions. */
  readonly federation: string | null;
  /** The paths of JSON Schemas that the values must be as, beside those of the charts. */
  readonly schemas: readonly string[];
  /** What the values that were given, and are in no commit, are called. */
  readonly given: readonly string[];
  /** The kubeconfig that was given for one environment, and is in no commit; null for none. */
  readonly givenKubeconfig: GivenKubeconfig | null;
  /** How long Helm may take for what only reads, in seconds; its own default where undefined. */
  readonly helmSeconds: number | undefined;
  readonly #tree: Tree;
  readonly #repository: Repository;
  readonly #isHead: boolean;
  readonly #workspace: Workspace;
  readonly #firstHelm: Helm | undefined;
  readonly #sops: SopsLayers;
  readonly #only: readonly string[] | undefined;
  /** Those of all releases. */
  readonly #charts: readonly Chart[];
  readonly #rendered = new Map<string, Promise<readonly Manifest[]>>();
  readonly #standIns = StandIns.differing();
  readonly #others: Project[] = [];
  readonly #onceSecret = randomBytes(32).toString("hex");
  readonly #given: readonly GivenValues[];
  readonly #givenSettings: Partial<Settings>;
  #redactor: Redactor<LayerScalar | TrackedFile> | undefined;
  #helm: Helm | undefined;

  private constructor(
    tree: Tree,
    settings: CompleteSettings,
    repository: Repository,
    { revision, workspace, helm, kubeconfig, helmSeconds, given = [], only, sops, settings: own }: Reading,
  ) {
    this.#workspace = workspace;
    this.#firstHelm = helm;
    this.#givenSettings = own;
    this.#sops = sops;
    this.#only = only;
    this.helmSeconds = helmSeconds;
    this.#isHead = revision === "HEAD";
    this.#repository = repository;
    this.#tree = tree;
    this.commit = tree.commit;
    const { topLevel } = repository;
    this.sources = new ChartSources({ tree, topLevel, workspace, startHelm: () => this.helm });
    this.silence = settings.silence ?? [];
    this.federation = settings.federation ?? null;
    this.schemas = settings.schemas ?? [];
    this.#given = given;
    this.given = given.map(({ title }) => title);
    const layers = given.map((one) => ({ release: one.release, layer: givenLayer(one, sops) }));
    const { charts, environments } = deploymentsOf(
      tree,
      settings,
      layers,
      sops,
      (dependency, chart) => this.sources.filesOf(dependency, chart),
      this.#render,
    );
    [this.chart] = charts;
    this.#charts = charts;
    this.charts = withLocalCharts(tree, charts);
    this.environments = environments;
    this.givenKubeconfig = kubeconfig === undefined ? null : takeKubeconfig(kubeconfig, repository);
    if (kubeconfig !== undefined) this.environment(kubeconfig.environment);
    const files = this.#committed().flatMap(({ file }) => file ?? []);
    tree.preload([...new Set(files)].filter(({ bytes, blobId }) => blobId !== "" && bytes <= MOST_LAYER_BYTES));
  }

  /**
   * Opens the project of the repository that `root` lies in.
   *
   * What is wrong with a layer is told when it is used: it is an error then, and a check can tell
   * it before.
   *
   * @throws DeployError NO_PROJECT, INVALID_SETTINGS, MISSING_FILE, NOT_A_CHART, NOT_A_KEY,
   * WRONG_KEY; what git-crypt throws (NOT_A_REPOSITORY, NO_SUCH_REVISION, …) and what opening a
   * sealed key throws (NO_IDENTITY_MATCHED, …), with their codes and as the cause
   */
  static async open(options: ProjectOptions): Promise<Project> {
    const {
      root,
      revision = "HEAD",
      key = {},
      env = process.env,
      kubeconfig,
      helmSeconds,
      given = [],
      sops: sopsKeys,
      only,
      secrets,
      needsHelm = false,
      signal,
      ...settings
    } = options;
    let tree: Tree | undefined;
    let helm: Helm | undefined;
    const workspace = new Workspace();
    const forSops = sopsKeys === null ? { identities: [] } : (sopsKeys ?? {});
    const asksClouds = secrets !== "stand-ins";
    const sops = new SopsLayers(asksClouds ? forSops : { ...forSops, cloudKeys: undefined }, env, signal);
    try {
      const repository = openRepository(root, { env });
      if (needsHelm) {
        // It gets no secret that it could repeat.
        helm = new Helm({ ...helmIn(repository, workspace), redact: (text) => text });
        // Where that fails, the one who needs it is told.
        helm.version().catch(() => {});
      }
      const commit = Revision.open(repository, revision);
      const keys = key === null ? [] : await findKeys(key, env, repository);
      const rings = keys.map(({ ring }) => ring);
      tree = new Tree(commit, rings, secrets === "stand-ins" ? standInsForFiles() : null);
      tree.tryKeys(keys);
      const reading = { revision, workspace, helm, kubeconfig, helmSeconds, given, only, sops, settings };
      const project = await Project.#read(tree, repository, reading);
      project.#assertKnown(given);
      // A key that opens the other encrypted files is right, and need not open these.
      if (!project.hasKey) sops.assertKeysFit();
      return project;
    } catch (error) {
      tree?.wipe();
      sops.wipe();
      await helm?.end();
      workspace.remove();
      return passOn(error);
    }
  }

  static async #read(tree: Tree, repository: Repository, reading: Reading): Promise<Project> {
    const project = new Project(tree, await readSettings(tree, reading.settings), repository, reading);
    await project.#openSops();
    return project;
  }

  /** Values that were given for a release that is nowhere would be lost. */
  #assertKnown(given: readonly GivenValues[]): void {
    const looked = this.environments.filter(({ name }) => this.#only?.includes(name) !== false);
    const all = looked.flatMap(({ releases }) => releases);
    const unknown = given.find(({ release }) => release !== undefined && releasesNamed(all, release).length === 0);
    // An environment that is not there is told by the one who asks for it.
    if (unknown === undefined || looked.length === 0) return;
    const known = new Set(all.map(({ key, name }) => key || name));
    const where = looked.length === 1 ? `${looked[0]?.name} has no` : "no environment has a";
    throw new DeployError("NO_SUCH_RELEASE", `${unknown.title}: ${where} release of that name`, {
      hint: `name one of ${[...known].slice(0, MOST_NAMED).join(", ")}${known.size > MOST_NAMED ? ", …" : ""}`,
    });
  }

  /** @throws DeployError NO_SUCH_ENVIRONMENT */
  environment(name: string): Environment {
    const found = this.environments.find((environment) => environment.name === name);
    if (found !== undefined) return found;
    throw new DeployError("NO_SUCH_ENVIRONMENT", "the project has no environment of that name", {
      hint: `its environments are: ${this.environments.map((environment) => environment.name).join(", ")}`,
    });
  }

  /** Whether there is a key. Without one, what is encrypted cannot be read. */
  get hasKey(): boolean {
    return this.#tree.hasKey;
  }

  /** What stands for secrets in all that is read of it. */
  get secrets(): Secrets {
    return this.#tree.standInsAlone === null ? "real" : "stand-ins";
  }

  /**
   * The project at another commit, read with the same key, stand-ins and given settings. It is
   * closed with this one.
   *
   * @throws DeployError as `open` does
   */
  async at(commit: string): Promise<Project> {
    try {
      const tree = this.#tree.at(Revision.open(this.#repository, commit));
      // What was given when it was deployed is known to nobody: what is given now hides no change.
      const { helm, helmSeconds } = this;
      const own = { given: this.#given, only: this.#only, sops: this.#sops, settings: this.#givenSettings };
      const workspace = new Workspace();
      const project = await Project.#read(tree, this.#repository, {
        revision: commit,
        workspace,
        helm,
        helmSeconds,
        ...own,
      });
      this.#others.push(project);
      return project;
    } catch (error) {
      return passOn(error);
    }
  }

  /** Opens what sops encrypted among the layers that are looked at. */
  async #openSops(): Promise<void> {
    const isWanted = ({ name }: Environment): boolean => this.#only?.includes(name) !== false;
    const layers = this.environments.filter(isWanted).flatMap(({ releases }) => releases.flatMap((one) => one.layers));
    const texts = [...new Set(layers)].flatMap((layer) =>
      orElse<SopsText[]>([], () => [{ path: layer.path, text: layer.text() }]),
    );
    await this.#sops.open(texts);
  }

  /** Every file of the commit, in git's order. */
  files(): IterableIterator<TrackedFile> {
    return this.#tree.files();
  }

  file(path: string): TrackedFile | undefined {
    return this.#tree.find(path);
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
   * The content of a file that holders of the key wrote: it is encrypted, and authentic under the
   * key. Any other may be from anyone who can commit: nothing in it says what runs or is connected
   * to.
   *
   * @throws DeployError UNTRUSTED_SOURCE where it is stored in plaintext; as `read` does
   */
  readAuthentic(file: TrackedFile): Buffer {
    if (file.encrypted && file.mode.startsWith("100")) return this.#tree.readReal(file);
    const message = `${file.path} is stored in plaintext, so that anyone who can commit may have written it`;
    const place = { file: file.path };
    const hint = "encrypt it with the repository's key, once you know that it is right";
    throw new DeployError("UNTRUSTED_SOURCE", message, { hint, remedy: "encrypt", place });
  }

  /**
   * Asserts that the commit is as a kubeconfig demands.
   *
   * @throws DeployError UNTRUSTED_COMMIT; what reading the members log throws, as the cause
   */
  async assertDemanded(demands: CommitDemands): Promise<void> {
    await assertDemands(this.#repository, this.commit, demands).catch(passOn);
  }

  /**
   * The contents of many files, a bounded amount at a time; of one that cannot be read, the error.
   * In git's own order.
   */
  readAll(files: readonly TrackedFile[]): Generator<[file: TrackedFile, content: Buffer | DeployError]> {
    return this.#tree.readAll(files);
  }

  /** The layers of all releases of all environments, each once. */
  layers(): Layer[] {
    return [...new Set(this.environments.flatMap(({ releases }) => releases.flatMap(({ layers }) => layers)))];
  }

  /** Layers of a release and files of its chart that are encrypted, and no key here opens. */
  lockedIn({ layers, chart }: Release): string[] {
    const files = this.sources.encryptedIn(chart);
    return [...layers, ...files].filter(({ locked }) => locked).map(({ path }) => path);
  }

  /** Those that the commit is to have. */
  #committed(): Layer[] {
    return this.layers().filter(({ role }) => role !== "given");
  }

  /**
   * The files that the project is made from of which the work tree or the index holds something
   * else than the commit: it is not looked at. None where a commit was named, or git cannot tell.
   */
  uncommitted(): string[] {
    if (!this.#isHead) return [];
    const layers = this.#committed().flatMap(({ path, file }) => (file?.blobId === "" ? [] : path));
    const paths = [
      SETTINGS_FILE,
      LOCK_FILE,
      ...this.schemas,
      ...this.charts.map(({ path }) => path),
      // A new file beside the layers may be meant as one.
      ...layers.flatMap((path) => [path, posix.dirname(path)]).filter((path) => path !== "."),
      ...this.environments.flatMap(({ kubeconfig }) => kubeconfig ?? []),
      ...(this.federation === null ? [] : [this.federation]),
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
   * The paths, protected by the index's attributes, of which a commit that any reference reaches
   * holds a version in plaintext. What a shallow clone lacks is not searched.
   */
  plaintextInHistory(): string[] {
    return clearInHistory(this.#repository).map(({ file }) => file);
  }

  /**
   * Knows every value of readable secret layers, and each line of the charts' encrypted files, in
   * each form it may take in text.
   */
  get redactor(): Redactor<LayerScalar | TrackedFile> {
    if (this.#redactor !== undefined) return this.#redactor;
    const redactor = new Redactor<LayerScalar | TrackedFile>();
    for (const [file, text] of this.secretTexts()) redactor.add(text, file);
    // What cannot be read cannot leak.
    for (const scalar of this.layers().flatMap((layer) => orElse<LayerScalar[]>([], () => layer.secretScalars())))
      // Whether something is on or off cannot be told from any other word.
      if (typeof scalar.value !== "boolean")
        redactor.add(String(scalar.value), scalar, { sure: looksSecret({ ...scalar, text: String(scalar.value) }) });
    this.#redactor = redactor;
    return redactor;
  }

  /**
   * What the charts' encrypted files hold: the text of each, and the values in those that are YAML
   * or JSON. None of those that cannot be read.
   */
  *secretTexts(): Generator<[file: TrackedFile, text: string]> {
    for (const file of new Set(this.#charts.flatMap((chart) => this.sources.encryptedIn(chart)))) {
      const text = orElse("", () => this.read(file).toString());
      yield [file, text];
      if (!isStructured(file.path)) continue;
      for (const value of textsIn(orElse(null, () => readValue(file.path, text)))) yield [file, value.text];
    }
  }

  /**
   * Puts the archives of the dependencies that the commit names into their places in the work tree.
   * Only what `deploy.lock` says is taken.
   *
   * @throws DeployError UNPINNED_DEPENDENCY, UNLOCKED_DEPENDENCY, ARCHIVE_MISMATCH, FETCH_FAILED,
   * NO_WORK_TREE; TOOL_MISSING, UNSUPPORTED_TOOL, INTERRUPTED
   */
  fetch(
    options: { readonly signal?: AbortSignal | undefined; readonly progress?: FetchProgress | undefined } = {},
  ): Promise<FetchedArchive[]> {
    return this.sources.fetch(this.#charts, options);
  }

  /** The environment of child programs, before its secrets are taken out. */
  get childEnv(): NodeJS.ProcessEnv {
    return this.#repository.env;
  }

  /** Helm, without a way to any cluster. */
  get helm(): Helm {
    return (this.#helm ??= new Helm({
      ...helmIn(this.#repository, this.#workspace),
      sameAs: this.#firstHelm,
      redact: (text, plain) => redactorFor(this.redactor, plain).redact(text),
      seconds: this.helmSeconds,
    }));
  }

  /** Releases with equal input to Helm are rendered once and kept in memory. */
  readonly #render: Renderer = ({ name, namespace, chart, environment }, values, options) => {
    const { validated, signal, withoutSecrets = false } = options;
    const encrypted = withoutSecrets ? "readable" : "own";
    const { kubeVersion, apiVersions } = environment;
    const rendering = { release: name, namespace, kubeVersion, apiVersions, values: helmValues(values.overrides) };
    const id = sha256(Buffer.from(JSON.stringify([chart.path, encrypted, rendering, validated])));
    const known = this.#rendered.get(id);
    if (known !== undefined) return known;
    const helm = this.helm;
    const template = (of: typeof rendering, files: EncryptedContent): Promise<string> =>
      helm.template({ ...of, chart: this.sources.placeOf(chart, files), validated, signal });
    const rendered = helm
      .version()
      .then(async () => readManifests(await template(rendering, encrypted)))
      .catch(async (error: unknown) => {
        const others = helmValues(values.overridesWith((value) => this.#standIns.of(value)));
        const hasSecretFiles = this.sources.encryptedIn(chart).some(({ locked }) => !locked);
        const isSame = others === rendering.values && !hasSecretFiles;
        const files = hasSecretFiles ? this.#standIns : encrypted;
        throw await withoutSecretWords(error, () =>
          isSame ? Promise.resolve("same") : template({ ...rendering, values: others }, files),
        );
      });
    this.#rendered.set(id, rendered);
    // What failed may do better once the charts are fetched.
    rendered.catch(() => this.#rendered.delete(id));
    return rendered;
  };

  /**
   * What a release renders with others in place of secret values, as text: what differs in it
   * depends on them.
   *
   * @param change gives the other value; what secret layers set else stays
   * @param files what stands for the encrypted files of its chart, but for those without a key
   * @throws DeployError as rendering the release does
   */
  async renderOther(
    release: Release,
    change: Parameters<Values["overridesWith"]>[0],
    files: EncryptedContent,
    signal?: AbortSignal,
  ): Promise<string> {
    const { name, namespace, chart, environment } = release;
    return this.helm.template({
      release: name,
      namespace,
      kubeVersion: environment.kubeVersion,
      apiVersions: environment.apiVersions,
      values: helmValues(release.values({ withoutSecrets: true }).overridesWith(change)),
      chart: this.sources.placeOf(chart, files),
      validated: true,
      signal,
    });
  }

  /** Gives each secret value another of its shape. */
  get standIns(): StandIns {
    return this.#standIns;
  }

  /**
   * HMAC-SHA-256 of a text in hex, with a key that is derived from the project's, and from those of
   * sops: without that key, it tells nothing of the text. Where nothing is encrypted there is no
   * key, and it is an ordinary checksum. See {@link digestsLast}.
   */
  digest(purpose: string, text: string): string {
    const token = this.#sops.token ?? (this.digestsLast ? "" : this.#onceSecret);
    return this.#tree.digest(`git-vault ${purpose}`, text, token);
  }

  /**
   * Whether another run makes the same digests. Where a cloud opened all that is encrypted, there
   * is no secret to derive their key from: it is made for this run.
   */
  get digestsLast(): boolean {
    return this.hasKey || this.#sops.token !== null;
  }

  /** Forgets the key and what was read, and removes the temporary files. */
  async close(): Promise<void> {
    await Promise.all(this.#others.map((project) => project.close()));
    await this.#firstHelm?.end();
    this.#tree.wipe();
    this.#sops.wipe();
    this.#rendered.clear();
    this.sources.close();
    this.#workspace.remove();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
