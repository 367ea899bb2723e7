import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Api, type KubernetesObject, type ObjectList, type ReadOptions, type Sending, type WatchEvent } from "./api.ts";
import { CredentialHelper } from "./credential-helper.ts";
import { Credentials } from "./credentials.ts";
import type { Environment } from "../project/environment.ts";
import { DeployError } from "../errors.ts";
import { Helm } from "../helm/helm.ts";
import {
  HelmReleases,
  recordedRevision,
  type RecordedRevision,
  type ReleaseName,
  WritableHelmReleases,
} from "./helm-releases.ts";
import { askUid, assertPinned, type ClusterIdentity, fingerprintOf } from "./identity.ts";
import { type Kubeconfig, parseKubeconfig } from "./kubeconfig.ts";
import { proxyFor } from "../network/proxy.ts";
import type { Project } from "../project/project.ts";
import { Redactor } from "../secrets/redactor.ts";
import { runTool } from "../tool.ts";

/** How a cluster is connected to. */
export interface ConnectOptions {
  /**
   * The environment that Helm, kubectl and the kubeconfig's own program are found in; this
   * process's own where left out.
   */
  readonly env?: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal | undefined;
}

interface Parts {
  readonly environment: Environment;
  readonly identity: ClusterIdentity;
  readonly api: Api;
  readonly helper: CredentialHelper;
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  readonly redactor: Redactor;
}

/**
 * The connection to an environment's own cluster, to read from it. It is made with the kubeconfig
 * that the project names, and only to the cluster that the project pins; the user's own kubeconfig
 * and its current context are never looked at. Credentials stay in memory, and reach Helm and
 * kubectl over a private socket. Close it when done, or declare it with `await using`.
 *
 * Whatever reads throws DeployError UNREACHABLE, UNAUTHORIZED, FORBIDDEN, API_FAILED,
 * TOO_MANY_REQUESTS, NO_CREDENTIAL or INTERRUPTED after it was tried several times.
 */
export class Cluster implements AsyncDisposable {
  readonly environment: Environment;
  readonly identity: ClusterIdentity;
  /**
   * Knows every secret that is known here: those of the layers, of the kubeconfig, and what is
   * added.
   */
  readonly redactor: Redactor;
  /** What Helm has there. Helm has a home of its own, and knows the way to this cluster alone. */
  readonly releases: HelmReleases;
  /** Who only reads gets no Helm. */
  protected readonly helm: Helm;
  readonly #parts: Parts;
  readonly #kubectlEnv: NodeJS.ProcessEnv;

  protected constructor(parts: Parts) {
    const { environment, identity, folder, env, redactor } = parts;
    this.#parts = parts;
    this.environment = environment;
    this.identity = identity;
    this.redactor = redactor;
    const kubeconfig = join(folder, "kubeconfig");
    const home = join(folder, "home");
    mkdirSync(home, { mode: 0o700 });
    const own = { ...env, HOME: home };
    this.#kubectlEnv = { ...withoutSettings(own), KUBECONFIG: kubeconfig, KUBECACHEDIR: join(folder, "cache") };
    this.helm = new Helm({
      program: env["HELM"] ?? "helm",
      home: join(folder, "helm"),
      env: own,
      redact: (text) => redactor.redact(text),
      kubeconfig,
    });
    this.releases = new HelmReleases(this.helm);
  }

  /**
   * Connects to an environment's cluster.
   *
   * @throws DeployError NO_KUBECONFIG, INVALID_KUBECONFIG, INVALID_PROXY, WRONG_CLUSTER,
   * UNPINNED_CLUSTER, LOCKED and what else is wrong with the kubeconfig; UNREACHABLE, UNAUTHORIZED,
   * FORBIDDEN, API_FAILED, NO_CREDENTIAL, INTERRUPTED
   */
  static async connect(project: Project, environment: Environment, options: ConnectOptions = {}): Promise<Cluster> {
    return new Cluster(await open(project, environment, options));
  }

  /**
   * Connects as `connect` does, to change the cluster, too.
   *
   * @throws DeployError as `connect` does
   */
  static async connectToChange(
    project: Project,
    environment: Environment,
    options: ConnectOptions = {},
  ): Promise<WritableCluster> {
    return new WritableCluster(await open(project, environment, options));
  }

  /**
   * An object, or a list of them, by its path such as `/api/v1/nodes/core-1`; null where there is
   * none.
   */
  get<T = KubernetesObject>(path: string, options?: ReadOptions): Promise<T | null> {
    return this.#parts.api.get<T>(path, options);
  }

  /**
   * The text at a path, such as a pod's log; null where there is none. It is raw: secrets may be in
   * it.
   */
  text(path: string, options?: ReadOptions): Promise<string | null> {
    return this.#parts.api.text(path, options);
  }

  /** All objects of a kind, however many there are, and the version to watch from. */
  list<T extends KubernetesObject = KubernetesObject>(path: string, options?: ReadOptions): Promise<ObjectList<T>> {
    return this.#parts.api.list<T>(path, options);
  }

  /**
   * The changes after a list, until the server ends the watch or the connection breaks: list and
   * watch again then.
   *
   * @throws DeployError API_FAILED with the status 410 where the version is too old: list again
   */
  watch<T extends KubernetesObject = KubernetesObject>(
    path: string,
    resourceVersion: string,
    options?: ReadOptions,
  ): AsyncGenerator<WatchEvent<T>> {
    return this.#parts.api.watch<T>(path, resourceVersion, options);
  }

  /**
   * The revisions of a release that Helm has recorded, from the first to the last. The records
   * themselves are not read.
   */
  async revisions({ name, namespace }: ReleaseName, signal?: AbortSignal): Promise<RecordedRevision[]> {
    const { items } = await this.list(`/api/v1/namespaces/${namespace}/secrets`, {
      query: { labelSelector: `owner=helm,name=${name}` },
      accept: "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json",
      signal,
    });
    return items
      .map(({ metadata }) => recordedRevision(metadata))
      .filter(({ number }) => Number.isSafeInteger(number))
      .toSorted((a, b) => a.number - b.number);
  }

  /**
   * The text without secrets and control characters, on one line, at most 1000 characters: what a
   * message may hold.
   */
  tidy(text: string): string {
    return this.redactor
      .redact(text)
      .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, " ")
      .trim()
      .slice(0, 1000);
  }

  /** Forgets the credential, and removes the temporary files. */
  async close(): Promise<void> {
    this.#parts.api.close();
    this.#parts.helper.close();
    rmSync(this.#parts.folder, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * Runs kubectl to its end, and gives what it prints, raw: secrets may be in it.
   *
   * @throws DeployError TOOL_MISSING, INTERRUPTED; TOOL_FAILED with kubectl's reason, without
   * secrets
   */
  protected async runKubectl(
    args: readonly string[],
    { input, signal }: { readonly input?: string; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<string> {
    const program = this.#parts.env["KUBECTL"] ?? "kubectl";
    const { status, stdout, stderr } = await runTool({ program, args, env: this.#kubectlEnv, input, signal });
    if (status === 0) return stdout;
    throw new DeployError("TOOL_FAILED", `kubectl: ${this.tidy(stderr) || "it did not say why it failed"}`);
  }

  protected sendToApi<T>(path: string, sending: Sending): Promise<T> {
    return this.#parts.api.send<T>(path, sending);
  }
}

/**
 * The connection to an environment's own cluster, to read from it and to change it. What only reads
 * takes a {@link Cluster}.
 */
export class WritableCluster extends Cluster {
  /** Whoever takes this can change the cluster. */
  readonly writable = true;
  declare readonly releases: WritableHelmReleases;

  constructor(parts: Parts) {
    super(parts);
    this.releases = new WritableHelmReleases(this.helm);
  }

  /**
   * Creates, changes or removes something by a request to its path. A busy server (429) is asked
   * again, a few times.
   *
   * @throws DeployError NO_SUCH_OBJECT, CONFLICT, TOO_MANY_REQUESTS and the others that reading
   * throws
   */
  send<T = KubernetesObject>(path: string, sending: Sending): Promise<T> {
    return this.sendToApi<T>(path, sending);
  }

  /**
   * Runs kubectl to its end, and gives what it prints, raw: secrets may be in it.
   *
   * @throws DeployError TOOL_MISSING, INTERRUPTED; TOOL_FAILED with kubectl's reason, without
   * secrets
   */
  kubectl(
    args: readonly string[],
    options: { readonly input?: string; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<string> {
    return this.runKubectl(args, options);
  }
}

/** Programs are not told what the user's own settings of Helm and kubectl are. */
const withoutSettings = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !/^(?:HELM|KUBE)/.test(name)));

async function open(project: Project, environment: Environment, options: ConnectOptions): Promise<Parts> {
  const kubeconfig = readKubeconfig(project, environment);
  const authority = kubeconfig.authority === null ? null : fingerprintOf(kubeconfig.authority);
  // What can be told without a word to the server is told first.
  assertPinned(environment, { server: kubeconfig.server, authority });
  const env = project.childEnv(options.env);
  const redactor = new Redactor<unknown>(project.redactor);
  const { hostname, port } = new URL(kubeconfig.server);
  const proxy = kubeconfig.proxy ?? proxyFor(hostname.replace(/^\[(.*)\]$/, "$1"), Number(port || 443), env);
  if (proxy !== null) redactor.add(decodeURIComponent(proxy.password), "the proxy's password");
  const credentials = new Credentials(kubeconfig.user, env, (secret) => redactor.add(secret, "the credential"));
  const api = new Api(kubeconfig, credentials, proxy, (text) => redactor.redact(text));
  let helper: CredentialHelper | undefined;
  try {
    const uid = await askUid(api, options.signal);
    const identity = { uid, server: kubeconfig.server, authority };
    assertPinned(environment, identity);
    helper = await CredentialHelper.start(credentials);
    const folder = mkdtempSync(join(tmpdir(), "git-vault-cluster-"));
    writeFileSync(join(folder, "kubeconfig"), helper.kubeconfig(kubeconfig, environment.namespace), { mode: 0o600 });
    return { environment, identity, api, helper, folder, env, redactor };
  } catch (error) {
    api.close();
    helper?.close();
    throw error;
  }
}

function readKubeconfig(project: Project, { name, kubeconfig: path }: Environment): Kubeconfig {
  if (path === null) {
    throw new DeployError("NO_KUBECONFIG", `nothing says how to reach the cluster of ${name}`, {
      hint: `commit a kubeconfig, encrypted, as secrets/${name}-kubeconfig.yaml, or name one in deploy.yaml`,
    });
  }
  const file = project.file(path);
  if (file !== undefined) return parseKubeconfig(path, project.read(file).toString());
  throw new DeployError("MISSING_FILE", `the kubeconfig ${path} is not in the commit`, { place: { file: path } });
}
