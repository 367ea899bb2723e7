import type { KubernetesOptions, KubernetesStandIn } from "./stand-in.ts";

export type { KubernetesCredentials } from "./kubeconfig.ts";
export type { KubernetesObject } from "./objects.ts";
export type { KubernetesNode } from "./seed.ts";
export type { KubernetesOptions, KubernetesStandIn } from "./stand-in.ts";
export type {
  KubernetesFault,
  KubernetesFaultKind,
  KubernetesRequest,
  KubernetesState,
  KubernetesUser,
  PodFate,
  PodRule,
} from "./state.ts";

/**
 * Starts a cluster on a free port of 127.0.0.1 that answers real Helm and kubectl, over TLS with
 * certificates of its own authority. Client certificates and bearer tokens are checked; whoever is
 * let in may do everything. Behind it a few controllers let Deployments, StatefulSets, DaemonSets
 * and Jobs become ready, unless `podRules` or the nodes keep their pods from it.
 */
export async function startKubernetes(options: KubernetesOptions = {}): Promise<KubernetesStandIn> {
  // Most tests start no cluster, and do not load it.
  const { startCluster } = await import("./server.ts");
  return startCluster(options);
}
