export { startKubernetes } from "./server.ts";
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
