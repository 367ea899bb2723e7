import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import { mintCertificate, type MintedCertificate } from "../network/certificates.ts";
import { authenticate, isPublic } from "./authentication.ts";
import { startControllers } from "./controllers.ts";
import { injectFault } from "./faults.ts";
import { kubeconfigText } from "./kubeconfig.ts";
import { timestamp } from "./objects.ts";
import { findResource, storedAs } from "./resources.ts";
import { answer } from "./routes.ts";
import { type KubernetesNode, seed } from "./seed.ts";
import { sendFailure } from "./send.ts";
import type { KubernetesOptions, KubernetesStandIn } from "./stand-in.ts";
import type { Cluster, KubernetesRequest, KubernetesState } from "./state.ts";
import { Store } from "./store.ts";
import { listen } from "../network/listen.ts";

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
    const creationTimestamp = object.metadata["creationTimestamp"] ?? timestamp();
    return store.write(kind, { ...object, metadata: { ...object.metadata, uid, creationTimestamp } });
  },
  remove({ apiVersion, kind, metadata }) {
    store.remove(storageOf(store, apiVersion, kind), metadata.namespace ?? "", metadata.name);
  },
  forget: () => store.forget(),
});

/**
 * Starts a cluster on a free port of 127.0.0.1 that answers real Helm and kubectl, over TLS with
 * certificates of its own authority. Client certificates and bearer tokens are checked; anyone who
 * is let in may do everything. Behind it a few controllers let Deployments, StatefulSets,
 * DaemonSets and Jobs become ready, unless `podRules` or the nodes keep their pods from it.
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
