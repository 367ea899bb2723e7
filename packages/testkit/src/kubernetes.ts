import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { mintCertificate, type MintedCertificate } from "./certificates.ts";
import { authenticate, isPublic } from "./kubernetes/authentication.ts";
import { startControllers } from "./kubernetes/controllers.ts";
import { injectFault } from "./kubernetes/faults.ts";
import { kubeconfigText, type KubernetesCredentials } from "./kubernetes/kubeconfig.ts";
import type { KubernetesObject } from "./kubernetes/objects.ts";
import { findResource, storedAs } from "./kubernetes/resources.ts";
import { answer } from "./kubernetes/routes.ts";
import { type KubernetesNode, seed } from "./kubernetes/seed.ts";
import { sendFailure } from "./kubernetes/send.ts";
import type { Cluster, KubernetesRequest, KubernetesState, KubernetesUser } from "./kubernetes/state.ts";
import { Store } from "./kubernetes/store.ts";

export type { KubernetesCredentials } from "./kubernetes/kubeconfig.ts";
export type { KubernetesObject } from "./kubernetes/objects.ts";
export type { KubernetesNode } from "./kubernetes/seed.ts";
export type {
  KubernetesFault,
  KubernetesFaultKind,
  KubernetesRequest,
  KubernetesState,
  KubernetesUser,
  PodFate,
  PodRule,
} from "./kubernetes/state.ts";

/** How the cluster is to begin. */
export interface KubernetesOptions {
  /** The uid of the namespace `kube-system`, by which clusters are told apart; random where it is left out. */
  readonly identity?: string;
  /** One of the pool `core` and two of `users` where it is left out. */
  readonly nodes?: readonly KubernetesNode[];
  /** Whether it has the kinds of cert-manager; it has where this is left out. */
  readonly certManager?: boolean;
  /** `v1.35.2` where it is left out. */
  readonly version?: string;
}

/** A running stand-in for a Kubernetes cluster. */
export interface KubernetesStandIn extends KubernetesState, AsyncDisposable {
  /** `https://127.0.0.1:PORT`. */
  readonly url: string;
  readonly identity: string;
  /** Who signs its certificates: the server's, and those of its users. */
  readonly authority: MintedCertificate;
  /** Makes a client certificate; one that is over already where `days` is negative. */
  mintUser(user: KubernetesUser, days?: number): Promise<MintedCertificate>;
  /** Serves another certificate from the next connection on. */
  serve(certificate: MintedCertificate): void;
  /** A kubeconfig, as JSON, which is YAML too. */
  kubeconfig(credentials: KubernetesCredentials): string;
  /** An object as it is now, by a path such as `apps/v1`, `Deployment`. Throws where the cluster does not have the kind. */
  get(apiVersion: string, kind: string, namespace: string, name: string): KubernetesObject | undefined;
  /** All of a kind, in one namespace where it is named. */
  list(apiVersion: string, kind: string, namespace?: string): KubernetesObject[];
  /** Writes an object as it is, its status too: what somebody else did. */
  put(object: KubernetesObject): KubernetesObject;
  /** Removes an object at once. */
  remove(object: KubernetesObject): void;
  /** Forgets past changes: whoever resumes a watch or a long list is answered 410. */
  forget(): void;
  /** Resolves once the controllers have nothing to do for the moment. */
  settled(): Promise<void>;
  /** Stops the server and drops what is connected to it. */
  close(): Promise<void>;
}

const NODES: readonly KubernetesNode[] = [
  { name: "core-1", pool: "core" },
  { name: "user-1", pool: "users" },
  { name: "user-2", pool: "users" },
];

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

async function handle(cluster: Cluster, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = "", url: path = "/", headers } = request;
  const record: KubernetesRequest = { method, path, headers, user: undefined, body: Buffer.alloc(0) };
  cluster.requests.push(record);
  record.body = await readAll(request);
  const url = new URL(path, "https://cluster.test");
  const verdict = await injectFault(cluster, url.pathname, request, response);
  if (verdict.answered) return;
  try {
    const user = isPublic(url.pathname) ? { username: "system:anonymous" } : authenticate(cluster, request);
    record.user = user.username;
    answer({
      cluster,
      method,
      url,
      accept: headers.accept ?? "",
      contentType: headers["content-type"] ?? "",
      body: record.body,
      user,
      request,
      response,
      watchDelay: verdict.watchDelay,
    });
  } catch (error) {
    sendFailure(response, error);
  }
}

const listen = (server: Server): Promise<AddressInfo> =>
  new Promise((resolve, reject) => {
    server.once("error", reject);
    // A server that listens on a port has an AddressInfo; a string is the name of a pipe.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    server.listen(0, "127.0.0.1", () => resolve(server.address() as AddressInfo));
  });

function storageOf(store: Store, apiVersion: string, kind: string): string {
  const resource = findResource(store, { apiVersion, kind });
  if (resource === undefined) throw new Error(`the stand-in serves no ${apiVersion} ${kind}`);
  return storedAs(resource);
}

/** What a test reads and changes of a cluster behind its API. */
const contentOf = (store: Store): Pick<KubernetesStandIn, "get" | "list" | "put" | "remove" | "forget"> => ({
  get: (apiVersion, kind, namespace, name) => store.get(storageOf(store, apiVersion, kind), namespace, name),
  list: (apiVersion, kind, namespace) => store.list(storageOf(store, apiVersion, kind), namespace),
  put(object) {
    const kind = storageOf(store, object.apiVersion, object.kind);
    const known = store.get(kind, object.metadata.namespace ?? "", object.metadata.name);
    const uid = object.metadata.uid ?? known?.metadata.uid ?? randomUUID();
    const creationTimestamp = object.metadata["creationTimestamp"] ?? new Date().toISOString().replace(/\.\d+/, "");
    return store.write(kind, { ...object, metadata: { ...object.metadata, uid, creationTimestamp } });
  },
  remove({ apiVersion, kind, metadata }) {
    store.remove(storageOf(store, apiVersion, kind), metadata.namespace ?? "", metadata.name);
  },
  forget: () => store.forget(),
});

/**
 * Starts a cluster on a free port of 127.0.0.1 that answers real Helm and kubectl, over TLS with certificates of its own authority.
 * Client certificates and bearer tokens are checked; whoever is let in may do everything. Behind it a few controllers let Deployments,
 * StatefulSets, DaemonSets and Jobs become ready, unless `podRules` or the nodes keep their pods from it.
 */
export async function startKubernetes(options: KubernetesOptions = {}): Promise<KubernetesStandIn> {
  const { identity = randomUUID(), version = "v1.35.2" } = options;
  const state: KubernetesState = { tokens: new Map(), podRules: [], faults: [], requests: [] };
  const cluster: Cluster = { ...state, store: new Store(), version };
  seed(cluster.store, { identity, version, nodes: options.nodes ?? NODES, certManager: options.certManager ?? true });

  const authority = await mintCertificate({ commonName: "kubernetes", authority: true, days: 3650 });
  const served = await mintCertificate({ names: ["127.0.0.1", "localhost"], issuer: authority });
  const contextOf = ({ key, chain }: MintedCertificate): { key: string; cert: string; ca: string } => ({
    key,
    cert: chain,
    ca: authority.certificate,
  });
  const server = createServer(
    { ...contextOf(served), requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      handle(cluster, request, response).catch((error: unknown) =>
        response.destroy(error instanceof Error ? error : undefined),
      );
    },
  );
  const { port } = await listen(server);
  const url = `https://127.0.0.1:${port}`;
  const controllers = startControllers(cluster);
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      controllers.stop();
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return {
    ...state,
    ...contentOf(cluster.store),
    url,
    identity,
    authority,
    mintUser: ({ username, groups = [] }, days = 90) =>
      mintCertificate({ commonName: username, organizations: groups, issuer: authority, days }),
    serve: (certificate) => server.setSecureContext(contextOf(certificate)),
    kubeconfig: (credentials) => kubeconfigText(url, authority.certificate, credentials),
    settled: () => controllers.settled(),
    close,
    [Symbol.asyncDispose]: close,
  };
}
