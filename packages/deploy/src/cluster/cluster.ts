import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Helm } from "../helm/helm.ts";
import { proxyFor } from "../network/proxy.ts";
import type { Environment } from "../project/environment.ts";
import type { Project } from "../project/project.ts";
import { SETTINGS_FILE } from "../project/settings.ts";
import { Redactor, redactorFor } from "../secrets/redactor.ts";
import { Api, type KubernetesObject } from "./api.ts";
import { Credentials } from "./credentials.ts";
import { giveAccess, type HelmAccess } from "./helm-access.ts";
import {
  HelmReleases,
  recordedRevision,
  type RecordedRevision,
  type ReleaseName,
  WritableHelmReleases,
} from "./helm-releases.ts";
import { askUid, assertPinnedCluster, type ClusterIdentity, fingerprintOf } from "./identity.ts";
import { readKubeconfig } from "./environment-kubeconfig.ts";
import { type ReadOptions, Requests, type Sending } from "./requests.ts";

type ConnectOptions = Pick<ReadOptions, "signal">;

interface Parts {
  readonly environment: Environment;
  readonly identity: ClusterIdentity;
  readonly requests: Requests;
  readonly access: HelmAccess;
  /** Private to the connection. Nothing that is secret lies in it. */
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  readonly redactor: Redactor;
  /** The project's own Helm. */
  readonly helm: Helm;
  /** How long Helm may take for what only reads. */
  readonly seconds: number | undefined;
}

/**
 * The connection to an environment's own cluster, to read from it. It is made with the kubeconfig
 * that the project names or was given, and only to the cluster that the project pins; the user's
 * own kubeconfig and its current context are never looked at. Credentials stay in memory, where
 * Helm gets them, too. Close it when done, or declare it with `await using`.
 */
export class Cluster extends Api implements AsyncDisposable {
  readonly environment: Environment;
  readonly identity: ClusterIdentity;
  /** Knows every secret: of the layers, the kubeconfig, and what is added. */
  readonly redactor: Redactor;
  /** What Helm has there. Helm has a home of its own, and knows the way to this cluster alone. */
  readonly releases: HelmReleases;
  readonly #parts: Parts;

  protected constructor(parts: Parts, releases?: HelmReleases) {
    super(parts.requests);
    this.#parts = parts;
    this.environment = parts.environment;
    this.identity = parts.identity;
    this.redactor = parts.redactor;
    this.releases = releases ?? new HelmReleases(helmFor(parts), this);
  }

  /**
   * Connects to an environment's cluster.
   *
   * @throws DeployError NO_KUBECONFIG, INVALID_KUBECONFIG, UNTRUSTED_SOURCE, UNTRUSTED_COMMIT,
   * INVALID_PROXY, WRONG_CLUSTER, UNPINNED_CLUSTER, LOCKED and what else is wrong with the
   * kubeconfig; UNREACHABLE, UNAUTHORIZED, FORBIDDEN, API_FAILED, NO_CREDENTIAL, INTERRUPTED
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

  /** The revisions of a release that Helm recorded, oldest first, without their records. */
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

  /** The text on one line of at most 1000 characters, without secrets and controls. */
  tidy(text: string): string {
    return onOneLine(this.redactor.redact(text));
  }

  /** So of a text that depends on no secret: ordinary words stay, though a secret may be one. */
  tidyPlain(text: string): string {
    return onOneLine(redactorFor(this.redactor, true).redact(text));
  }

  /** Ends what still reads, forgets the credential, and removes the temporary files. */
  async close(): Promise<void> {
    await this.releases.end();
    this.#parts.requests.close();
    this.#parts.access.close();
    rmSync(this.#parts.folder, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

const onOneLine = (text: string): string =>
  text
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, " ")
    .trim()
    .slice(0, 1000);

/** A connection that may change an environment's cluster; {@link Cluster} only reads. */
export class WritableCluster extends Cluster {
  /** Anyone who takes this can change the cluster. */
  readonly writable = true;
  declare readonly releases: WritableHelmReleases;

  constructor(parts: Parts) {
    super(parts, new WritableHelmReleases(helmFor(parts), new Api(parts.requests)));
  }

  /**
   * Creates, changes or removes something by a request to its path. A busy server (429) is asked
   * again, a few times.
   *
   * @throws DeployError NO_SUCH_OBJECT, CONFLICT, TOO_MANY_REQUESTS and the others that reading
   * throws
   */
  send<T = KubernetesObject>(path: string, sending: Sending): Promise<T> {
    return this.change<T>(path, sending);
  }
}

/** Helm with a home of its own, that knows the way to this cluster alone. */
const helmFor = ({ env, folder, access, redactor, helm, seconds }: Parts): Helm =>
  new Helm({
    program: env["HELM"] ?? "helm",
    home: join(folder, "helm"),
    env: { ...env, HOME: join(folder, "helm") },
    redact: (text, plain) => redactorFor(redactor, plain).redact(text),
    kubeconfig: access.kubeconfig,
    sameAs: helm,
    seconds,
  });

async function open(project: Project, environment: Environment, { signal }: ConnectOptions): Promise<Parts> {
  const kubeconfig = readKubeconfig(project, environment);
  await project.assertDemanded(kubeconfig.demands);
  const authority = kubeconfig.authority === null ? null : fingerprintOf(kubeconfig.authority);
  // What can be told without a word to the server is told first.
  assertPinnedCluster(environment, { server: kubeconfig.server, authority });
  const env = project.childEnv;
  const redactor = new Redactor<unknown>(project.redactor);
  const { hostname, port } = new URL(kubeconfig.server);
  const proxy = kubeconfig.proxy ?? proxyFor(hostname.replace(/^\[(.*)\]$/, "$1"), Number(port || 443), env);
  if (proxy !== null) redactor.add(decodeURIComponent(proxy.password), "the proxy's password");
  const credentials = new Credentials(kubeconfig.user, env, (secret) => redactor.add(secret, "the credential"));
  const requests = new Requests(kubeconfig, credentials, proxy, (text) => redactor.redact(text));
  let folder: string | undefined;
  try {
    const uid = await askUid(new Api(requests), signal);
    const identity = { uid, server: kubeconfig.server, authority };
    const isNamed = project.file(SETTINGS_FILE) !== undefined;
    assertPinnedCluster(environment, identity, isNamed ? [] : project.environments.map(({ name }) => name));
    folder = mkdtempSync(join(tmpdir(), "git-vault-cluster-"));
    const access = await giveAccess({ kubeconfig, credentials, namespace: environment.main.namespace, folder });
    const { helm, helmSeconds: seconds } = project;
    return { environment, identity, requests, access, folder, env, redactor, helm, seconds };
  } catch (error) {
    requests.close();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}
