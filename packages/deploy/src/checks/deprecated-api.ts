import type { Check } from "./check.ts";
import { listAt, textAt, type ValueMap } from "../values/value.ts";
import { foundIn, rendered } from "./reading.ts";

/**
 * Tells of objects in an API that the Kubernetes of their environment does not have any more, or
 * that is about to go. Where its version is not known, what any version removed is gone.
 */
export const deprecatedApi: Check = async function* deprecatedApiCheck(context) {
  for await (const [release, manifests] of rendered(context)) {
    const { kubeVersion } = release.environment;
    for (const manifest of manifests) {
      for (const object of objectsIn(manifest.object)) {
        const [version, kind] = [textAt(object, "apiVersion"), textAt(object, "kind")];
        const end = REMOVED.find((one) => one.api === version && (one.kinds.includes(kind) || one.kinds.includes("*")));
        if (end === undefined) continue;
        const isGone = end.removed !== null && (kubeVersion === null || minorOf(kubeVersion) >= minorOf(end.removed));
        const what =
          end.removed === null ? "is deprecated" : `${isGone ? "was" : "is"} removed in Kubernetes ${end.removed}`;
        const on =
          kubeVersion === null || end.removed === null ? "" : `, and ${release.environment.name} runs ${kubeVersion}`;
        yield foundIn(
          context.project,
          release,
          manifest,
          "deprecated-api",
          isGone ? "error" : "warning",
          `${version} ${kind} ${what}${on}`,
          end.instead === null ? "there is nothing in its place" : `use ${end.instead}`,
        );
      }
    }
  }
};

/** 33, of `1.33` or `v1.33.2`. */
const minorOf = (version: string): number => Number(/^v?1\.(\d+)/.exec(version)?.[1]);

const objectsIn = (object: ValueMap): unknown[] =>
  object["kind"] === "List" ? [object, ...listAt(object, "items")] : [object];

interface Removed {
  readonly api: string;
  readonly kinds: readonly string[];
  /** The first version without it; null where it is deprecated alone. */
  readonly removed: string | null;
  readonly instead: string | null;
}

const gone = (api: string, kinds: string, removed: string | null, instead: string | null): Removed => ({
  api,
  kinds: kinds.split(" "),
  removed,
  instead,
});

/** From the Kubernetes deprecation guide (kubernetes.io/docs/reference/using-api). */
const REMOVED: readonly Removed[] = [
  gone("extensions/v1beta1", "DaemonSet Deployment ReplicaSet", "1.16", "apps/v1"),
  gone("extensions/v1beta1", "NetworkPolicy", "1.16", "networking.k8s.io/v1"),
  gone("extensions/v1beta1", "PodSecurityPolicy", "1.16", null),
  gone("extensions/v1beta1", "Ingress", "1.22", "networking.k8s.io/v1"),
  gone("apps/v1beta1", "*", "1.16", "apps/v1"),
  gone("apps/v1beta2", "*", "1.16", "apps/v1"),
  gone(
    "admissionregistration.k8s.io/v1beta1",
    "MutatingWebhookConfiguration ValidatingWebhookConfiguration",
    "1.22",
    "admissionregistration.k8s.io/v1",
  ),
  gone("apiextensions.k8s.io/v1beta1", "*", "1.22", "apiextensions.k8s.io/v1"),
  gone("apiregistration.k8s.io/v1beta1", "*", "1.22", "apiregistration.k8s.io/v1"),
  gone("authentication.k8s.io/v1beta1", "TokenReview", "1.22", "authentication.k8s.io/v1"),
  gone("authorization.k8s.io/v1beta1", "*", "1.22", "authorization.k8s.io/v1"),
  gone("certificates.k8s.io/v1beta1", "CertificateSigningRequest", "1.22", "certificates.k8s.io/v1"),
  gone("coordination.k8s.io/v1beta1", "Lease", "1.22", "coordination.k8s.io/v1"),
  gone("networking.k8s.io/v1beta1", "Ingress IngressClass", "1.22", "networking.k8s.io/v1"),
  gone("rbac.authorization.k8s.io/v1beta1", "*", "1.22", "rbac.authorization.k8s.io/v1"),
  gone("rbac.authorization.k8s.io/v1alpha1", "*", "1.22", "rbac.authorization.k8s.io/v1"),
  gone("scheduling.k8s.io/v1beta1", "PriorityClass", "1.22", "scheduling.k8s.io/v1"),
  gone("storage.k8s.io/v1beta1", "CSIDriver CSINode StorageClass VolumeAttachment", "1.22", "storage.k8s.io/v1"),
  gone("batch/v1beta1", "CronJob", "1.25", "batch/v1"),
  gone("batch/v2alpha1", "CronJob", "1.21", "batch/v1"),
  gone("discovery.k8s.io/v1beta1", "EndpointSlice", "1.25", "discovery.k8s.io/v1"),
  gone("events.k8s.io/v1beta1", "Event", "1.25", "events.k8s.io/v1"),
  gone("autoscaling/v2beta1", "HorizontalPodAutoscaler", "1.25", "autoscaling/v2"),
  gone("autoscaling/v2beta2", "HorizontalPodAutoscaler", "1.26", "autoscaling/v2"),
  gone("policy/v1beta1", "PodDisruptionBudget", "1.25", "policy/v1"),
  gone("policy/v1beta1", "PodSecurityPolicy", "1.25", null),
  gone("node.k8s.io/v1beta1", "RuntimeClass", "1.25", "node.k8s.io/v1"),
  gone("storage.k8s.io/v1beta1", "CSIStorageCapacity", "1.27", "storage.k8s.io/v1"),
  gone("flowcontrol.apiserver.k8s.io/v1beta1", "*", "1.26", "flowcontrol.apiserver.k8s.io/v1"),
  gone("flowcontrol.apiserver.k8s.io/v1beta2", "*", "1.29", "flowcontrol.apiserver.k8s.io/v1"),
  gone("flowcontrol.apiserver.k8s.io/v1beta3", "*", "1.32", "flowcontrol.apiserver.k8s.io/v1"),
  gone("v1", "Endpoints", null, "discovery.k8s.io/v1 EndpointSlice"),
  gone("v1", "ComponentStatus", null, null),
];
