/*
 * The APIs of Kubernetes, by its versions: its deprecation guide
 * (kubernetes.io/docs/reference/using-api/deprecation-guide) and its API reference.
 */

/** Kinds of one version of an API. */
export interface KubernetesApi {
  /** Such as `policy/v1`. */
  readonly api: string;
  readonly kinds: readonly string[];
  /** The minor version of Kubernetes that had it first; 0 for whatever is older than 1.16. */
  readonly since: number;
  /** The first minor version without it; Infinity if it is deprecated alone, null for neither. */
  readonly removed: number | null;
  /** What there is in its place, where it is removed or deprecated; null where nothing is. */
  readonly instead: string | null;
}

/** 33, of `1.33` or `v1.33.2`. */
export const minorOf = (version: string): number => Number(/^v?1\.(\d+)/.exec(version)?.[1]);

/** Helm tells templates nothing else where it is told no version: those of this one are told. */
const DEFAULT_MINOR = 33;

/**
 * What `.Capabilities.APIVersions` is to have for a version of Kubernetes. Helm itself knows the
 * versions of groups alone, and no kinds (`policy/v1`, but not `policy/v1/PodDisruptionBudget`),
 * so that templates that ask for a kind take an older version of it.
 */
export function apiVersionsOf(kubeVersion: string | null, others: readonly string[]): string[] {
  const minor = kubeVersion === null ? DEFAULT_MINOR : minorOf(kubeVersion);
  const there = APIS.filter(({ since, removed }) => since <= minor && (removed === null || minor < removed));
  const ofKubernetes = there.flatMap(({ api, kinds }) =>
    ["", ...kinds].map((kind) => (kind === "" ? api : `${api}/${kind}`)),
  );
  // Of a kind, its version is there, too.
  const ofCluster = others.flatMap((one) => [one.replace(/\/[A-Z]\w*$/, ""), one]);
  return [...new Set([...ofKubernetes, ...ofCluster])];
}

function row(
  api: string,
  kinds: string,
  since: number,
  removed: number | null = null,
  instead: string | null = null,
): KubernetesApi {
  return { api, kinds: kinds.split(" "), since, removed, instead };
}

const WORKLOADS = "ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet";
const RBAC = "ClusterRole ClusterRoleBinding Role RoleBinding";
const WEBHOOKS = "MutatingWebhookConfiguration ValidatingWebhookConfiguration";
const ACCESS_REVIEWS = "LocalSubjectAccessReview SelfSubjectAccessReview SelfSubjectRulesReview SubjectAccessReview";
const FLOWS = "FlowSchema PriorityLevelConfiguration";
const ADMISSION = "admissionregistration.k8s.io";
const FLOW_CONTROL = "flowcontrol.apiserver.k8s.io";

/** All but the alpha ones of today, which clusters have only where that was asked for. */
export const APIS: readonly KubernetesApi[] = [
  row(
    "v1",
    "Binding ConfigMap Event LimitRange Namespace Node PersistentVolume PersistentVolumeClaim Pod PodTemplate ReplicationController ResourceQuota Secret Service ServiceAccount",
    0,
  ),
  row("v1", "Endpoints", 0, Infinity, "discovery.k8s.io/v1 EndpointSlice"),
  row("v1", "ComponentStatus", 0, Infinity),
  row(`${ADMISSION}/v1`, WEBHOOKS, 16),
  row(`${ADMISSION}/v1beta1`, WEBHOOKS, 0, 22, `${ADMISSION}/v1`),
  row(`${ADMISSION}/v1`, "ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding", 30),
  row("apiextensions.k8s.io/v1", "CustomResourceDefinition", 16),
  row("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition", 0, 22, "apiextensions.k8s.io/v1"),
  row("apiregistration.k8s.io/v1", "APIService", 0),
  row("apiregistration.k8s.io/v1beta1", "APIService", 0, 22, "apiregistration.k8s.io/v1"),
  row("apps/v1", WORKLOADS, 0),
  row("apps/v1beta1", "ControllerRevision Deployment StatefulSet", 0, 16, "apps/v1"),
  row("apps/v1beta2", WORKLOADS, 0, 16, "apps/v1"),
  row("authentication.k8s.io/v1", "TokenRequest TokenReview", 0),
  row("authentication.k8s.io/v1", "SelfSubjectReview", 28),
  row("authentication.k8s.io/v1beta1", "TokenReview", 0, 22, "authentication.k8s.io/v1"),
  row("authorization.k8s.io/v1", ACCESS_REVIEWS, 0),
  row("authorization.k8s.io/v1beta1", ACCESS_REVIEWS, 0, 22, "authorization.k8s.io/v1"),
  row("autoscaling/v1", "HorizontalPodAutoscaler", 0),
  row("autoscaling/v2", "HorizontalPodAutoscaler", 23),
  row("autoscaling/v2beta1", "HorizontalPodAutoscaler", 0, 25, "autoscaling/v2"),
  row("autoscaling/v2beta2", "HorizontalPodAutoscaler", 0, 26, "autoscaling/v2"),
  row("batch/v1", "Job", 0),
  row("batch/v1", "CronJob", 21),
  row("batch/v1beta1", "CronJob", 0, 25, "batch/v1"),
  row("batch/v2alpha1", "CronJob", 0, 21, "batch/v1"),
  row("certificates.k8s.io/v1", "CertificateSigningRequest", 19),
  row("certificates.k8s.io/v1beta1", "CertificateSigningRequest", 0, 22, "certificates.k8s.io/v1"),
  row("coordination.k8s.io/v1", "Lease", 0),
  row("coordination.k8s.io/v1beta1", "Lease", 0, 22, "coordination.k8s.io/v1"),
  row("discovery.k8s.io/v1", "EndpointSlice", 21),
  row("discovery.k8s.io/v1beta1", "EndpointSlice", 17, 25, "discovery.k8s.io/v1"),
  row("events.k8s.io/v1", "Event", 19),
  row("events.k8s.io/v1beta1", "Event", 0, 25, "events.k8s.io/v1"),
  row("extensions/v1beta1", "DaemonSet Deployment ReplicaSet", 0, 16, "apps/v1"),
  row("extensions/v1beta1", "NetworkPolicy", 0, 16, "networking.k8s.io/v1"),
  row("extensions/v1beta1", "PodSecurityPolicy", 0, 16),
  row("extensions/v1beta1", "Ingress", 0, 22, "networking.k8s.io/v1"),
  row(`${FLOW_CONTROL}/v1`, FLOWS, 29),
  row(`${FLOW_CONTROL}/v1beta1`, FLOWS, 20, 26, `${FLOW_CONTROL}/v1`),
  row(`${FLOW_CONTROL}/v1beta2`, FLOWS, 23, 29, `${FLOW_CONTROL}/v1`),
  row(`${FLOW_CONTROL}/v1beta3`, FLOWS, 26, 32, `${FLOW_CONTROL}/v1`),
  row("networking.k8s.io/v1", "NetworkPolicy", 0),
  row("networking.k8s.io/v1", "Ingress IngressClass", 19),
  row("networking.k8s.io/v1", "IPAddress ServiceCIDR", 33),
  row("networking.k8s.io/v1beta1", "Ingress", 0, 22, "networking.k8s.io/v1"),
  row("networking.k8s.io/v1beta1", "IngressClass", 18, 22, "networking.k8s.io/v1"),
  row("node.k8s.io/v1", "RuntimeClass", 20),
  row("node.k8s.io/v1beta1", "RuntimeClass", 0, 25, "node.k8s.io/v1"),
  row("policy/v1", "Eviction PodDisruptionBudget", 21),
  row("policy/v1beta1", "PodDisruptionBudget", 0, 25, "policy/v1"),
  row("policy/v1beta1", "PodSecurityPolicy", 0, 25),
  row("rbac.authorization.k8s.io/v1", RBAC, 0),
  row("rbac.authorization.k8s.io/v1beta1", RBAC, 0, 22, "rbac.authorization.k8s.io/v1"),
  row("rbac.authorization.k8s.io/v1alpha1", RBAC, 0, 22, "rbac.authorization.k8s.io/v1"),
  row("resource.k8s.io/v1", "DeviceClass ResourceClaim ResourceClaimTemplate ResourceSlice", 34),
  row("scheduling.k8s.io/v1", "PriorityClass", 0),
  row("scheduling.k8s.io/v1beta1", "PriorityClass", 0, 22, "scheduling.k8s.io/v1"),
  row("storage.k8s.io/v1", "StorageClass VolumeAttachment", 0),
  row("storage.k8s.io/v1", "CSINode", 17),
  row("storage.k8s.io/v1", "CSIDriver", 18),
  row("storage.k8s.io/v1", "CSIStorageCapacity", 24),
  row("storage.k8s.io/v1", "VolumeAttributesClass", 34),
  row("storage.k8s.io/v1beta1", "CSIDriver CSINode StorageClass VolumeAttachment", 0, 22, "storage.k8s.io/v1"),
  row("storage.k8s.io/v1beta1", "CSIStorageCapacity", 21, 27, "storage.k8s.io/v1"),
];

const KINDS = new Set(APIS.flatMap(({ api, kinds }) => kinds.map((kind) => `${api} ${kind}`)));

/** Whether Kubernetes itself has, or had, a kind. */
export const isOfKubernetes = ({ apiVersion, kind }: { readonly apiVersion: string; readonly kind: string }): boolean =>
  KINDS.has(`${apiVersion} ${kind}`);
