import { isObject, listAt, objectAt, textAt } from "./json.ts";
import type { Store } from "./store.ts";

/** One kind of object in one version of the API. */
export interface Resource {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly subresources: readonly string[];
  /** Whether a CustomResourceDefinition brought it. */
  readonly custom: boolean;
}

/** `v1`, or `GROUP/VERSION`. */
export const groupVersion = ({ group, version }: { group: string; version: string }): string =>
  group === "" ? version : `${group}/${version}`;

/**
 * What objects of the resource are stored under: all versions of it together. Events of both groups
 * are the same objects.
 */
export const storedAs = ({ group, plural }: { group: string; plural: string }): string =>
  group === "events.k8s.io" ? `/${plural}` : `${group}/${plural}`;

const NAMESPACED = true;
const CLUSTER = false;
const WORKLOAD = "status scale";

type Row = readonly [plural: string, kind: string, namespaced: boolean, shortNames: string, subresources: string];

const BUILT_IN: Readonly<Record<string, readonly Row[]>> = {
  v1: [
    ["namespaces", "Namespace", CLUSTER, "ns", "status finalize"],
    ["nodes", "Node", CLUSTER, "no", "status"],
    ["persistentvolumes", "PersistentVolume", CLUSTER, "pv", "status"],
    ["pods", "Pod", NAMESPACED, "po", "status log eviction binding"],
    ["configmaps", "ConfigMap", NAMESPACED, "cm", ""],
    ["secrets", "Secret", NAMESPACED, "", ""],
    ["services", "Service", NAMESPACED, "svc", "status"],
    ["endpoints", "Endpoints", NAMESPACED, "ep", ""],
    ["events", "Event", NAMESPACED, "ev", ""],
    ["serviceaccounts", "ServiceAccount", NAMESPACED, "sa", ""],
    ["persistentvolumeclaims", "PersistentVolumeClaim", NAMESPACED, "pvc", "status"],
    ["resourcequotas", "ResourceQuota", NAMESPACED, "quota", "status"],
    ["limitranges", "LimitRange", NAMESPACED, "limits", ""],
    ["replicationcontrollers", "ReplicationController", NAMESPACED, "rc", WORKLOAD],
  ],
  "apps/v1": [
    ["deployments", "Deployment", NAMESPACED, "deploy", WORKLOAD],
    ["daemonsets", "DaemonSet", NAMESPACED, "ds", "status"],
    ["statefulsets", "StatefulSet", NAMESPACED, "sts", WORKLOAD],
    ["replicasets", "ReplicaSet", NAMESPACED, "rs", WORKLOAD],
    ["controllerrevisions", "ControllerRevision", NAMESPACED, "", ""],
  ],
  "batch/v1": [
    ["jobs", "Job", NAMESPACED, "", "status"],
    ["cronjobs", "CronJob", NAMESPACED, "cj", "status"],
  ],
  "autoscaling/v2": [["horizontalpodautoscalers", "HorizontalPodAutoscaler", NAMESPACED, "hpa", "status"]],
  "networking.k8s.io/v1": [
    ["ingresses", "Ingress", NAMESPACED, "ing", "status"],
    ["networkpolicies", "NetworkPolicy", NAMESPACED, "netpol", ""],
    ["ingressclasses", "IngressClass", CLUSTER, "", ""],
  ],
  "policy/v1": [["poddisruptionbudgets", "PodDisruptionBudget", NAMESPACED, "pdb", "status"]],
  "rbac.authorization.k8s.io/v1": [
    ["roles", "Role", NAMESPACED, "", ""],
    ["rolebindings", "RoleBinding", NAMESPACED, "", ""],
    ["clusterroles", "ClusterRole", CLUSTER, "", ""],
    ["clusterrolebindings", "ClusterRoleBinding", CLUSTER, "", ""],
  ],
  "discovery.k8s.io/v1": [["endpointslices", "EndpointSlice", NAMESPACED, "", ""]],
  "events.k8s.io/v1": [["events", "Event", NAMESPACED, "ev", ""]],
  "storage.k8s.io/v1": [["storageclasses", "StorageClass", CLUSTER, "sc", ""]],
  "scheduling.k8s.io/v1": [["priorityclasses", "PriorityClass", CLUSTER, "pc", ""]],
  "coordination.k8s.io/v1": [["leases", "Lease", NAMESPACED, "", ""]],
  "apiextensions.k8s.io/v1": [["customresourcedefinitions", "CustomResourceDefinition", CLUSTER, "crd crds", "status"]],
  "admissionregistration.k8s.io/v1": [
    ["validatingwebhookconfigurations", "ValidatingWebhookConfiguration", CLUSTER, "", ""],
    ["mutatingwebhookconfigurations", "MutatingWebhookConfiguration", CLUSTER, "", ""],
  ],
  "authentication.k8s.io/v1": [["selfsubjectreviews", "SelfSubjectReview", CLUSTER, "", ""]],
  "authorization.k8s.io/v1": [["selfsubjectaccessreviews", "SelfSubjectAccessReview", CLUSTER, "", ""]],
};

/** In the category `all`, which `kubectl get all` shows. */
const IN_ALL: ReadonlySet<string> = new Set(
  "pods services daemonsets deployments replicasets statefulsets horizontalpodautoscalers cronjobs jobs".split(" "),
);

const words = (text: string): string[] => text.split(" ").filter(Boolean);

const builtIn: readonly Resource[] = Object.entries(BUILT_IN).flatMap(([name, rows]) => {
  const [group = "", version = ""] = name.includes("/") ? name.split("/") : ["", name];
  return rows.map(([plural, kind, namespaced, shortNames, subresources]) => ({
    group,
    version,
    plural,
    singular: kind.toLowerCase(),
    kind,
    namespaced,
    shortNames: words(shortNames),
    categories: IN_ALL.has(plural) ? ["all"] : [],
    subresources: words(subresources),
    custom: false,
  }));
});

/** Only asked, never kept: they can be created and nothing else. */
export const isReview = ({ plural }: Resource): boolean => plural.startsWith("selfsubject");

const strings = (values: readonly unknown[]): string[] => values.filter((value) => typeof value === "string");

/** What the CustomResourceDefinitions of the cluster add. */
function customResources(store: Store): Resource[] {
  return store.list("apiextensions.k8s.io/customresourcedefinitions").flatMap((definition) => {
    const names = objectAt(definition, "spec", "names");
    return listAt(definition, "spec", "versions")
      .filter((version) => isObject(version) && version["served"] !== false)
      .map((version) => ({
        group: textAt(definition, "spec", "group"),
        version: textAt(version, "name"),
        plural: textAt(names, "plural"),
        singular: textAt(names, "singular") || textAt(names, "kind").toLowerCase(),
        kind: textAt(names, "kind"),
        namespaced: textAt(definition, "spec", "scope") !== "Cluster",
        shortNames: strings(listAt(names, "shortNames")),
        categories: strings(listAt(names, "categories")),
        subresources: Object.keys(objectAt(version, "subresources")),
        custom: true,
      }));
  });
}

/** All that the cluster serves at the moment. */
export const resourcesOf = (store: Store): readonly Resource[] => [...builtIn, ...customResources(store)];

export const findResource = (
  store: Store,
  wanted: { readonly apiVersion: string; readonly plural?: string; readonly kind?: string },
): Resource | undefined =>
  resourcesOf(store).find(
    (resource) =>
      groupVersion(resource) === wanted.apiVersion &&
      (wanted.plural === undefined || resource.plural === wanted.plural) &&
      (wanted.kind === undefined || resource.kind === wanted.kind),
  );

const TAKES_STRATEGIC = "application/strategic-merge-patch+json";

/** The forms of patch that a resource takes. */
export const patchTypes = ({ custom }: Resource): readonly string[] => [
  "application/json-patch+json",
  "application/merge-patch+json",
  ...(custom ? [] : [TAKES_STRATEGIC]),
  "application/apply-patch+yaml",
];
