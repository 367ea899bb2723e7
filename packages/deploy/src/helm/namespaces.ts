/*
 * In which namespace an object lands. Helm's templates mostly name none: what is applied goes to
 * the release's.
 */
import { isMap, textAt, type ValueMap } from "../values/value.ts";
import type { Manifest } from "./manifests.ts";

/** Kinds of Kubernetes whose objects lie in no namespace, in any version of their APIs. */
const CLUSTER_WIDE = new Set(
  "APIService CSIDriver CSINode CertificateSigningRequest ClusterRole ClusterRoleBinding ClusterTrustBundle ComponentStatus CustomResourceDefinition DeviceClass FlowSchema IPAddress IngressClass MutatingAdmissionPolicy MutatingAdmissionPolicyBinding MutatingWebhookConfiguration Namespace Node PersistentVolume PodSecurityPolicy PriorityClass PriorityLevelConfiguration ResourceSlice RuntimeClass SelfSubjectAccessReview SelfSubjectReview SelfSubjectRulesReview ServiceCIDR StorageClass StorageVersionMigration SubjectAccessReview TokenReview ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding ValidatingWebhookConfiguration VolumeAttachment VolumeAttributesClass".split(
    " ",
  ),
);

/** The kinds that rendered definitions say lie in no namespace, as `GROUP KIND`. */
export function clusterWideKindsIn(manifests: readonly Manifest[]): Set<string> {
  const definitions = manifests.filter(({ kind }) => kind === "CustomResourceDefinition");
  return new Set(
    definitions.flatMap(({ object }) =>
      textAt(object, "spec", "scope") === "Cluster"
        ? `${textAt(object, "spec", "group")} ${textAt(object, "spec", "names", "kind")}`
        : [],
    ),
  );
}

/**
 * Whether an object lies in a namespace. Of a kind that neither Kubernetes has nor `others` names
 * that is not known: an API server takes a namespace away from what has none, and so it does.
 */
function isNamespaced(object: ValueMap, others: ReadonlySet<string>): boolean {
  const [kind, group] = [textAt(object, "kind"), /^([^/]*)\//.exec(textAt(object, "apiVersion"))?.[1] ?? ""];
  const isOfKubernetes = group === "" || !group.includes(".") || group.endsWith(".k8s.io");
  return !(isOfKubernetes && CLUSTER_WIDE.has(kind)) && !others.has(`${group} ${kind}`);
}

/**
 * An object, or those of a list, in the release's namespace where it names none and lies in one.
 * The object itself where there is nothing to add.
 *
 * @param clusterWide as {@link clusterWideKindsIn} gives them
 */
export function inNamespace(object: ValueMap, namespace: string, clusterWide: ReadonlySet<string>): ValueMap {
  const kind = textAt(object, "kind");
  const { items, metadata } = object;
  if (kind.endsWith("List") && Array.isArray(items)) {
    const placed = items.map((item) => (isMap(item) ? inNamespace(item, namespace, clusterWide) : item));
    return placed.every((item, at) => item === items[at]) ? object : { ...object, items: placed };
  }
  if (kind === "" || !isMap(metadata) || textAt(metadata, "namespace") !== "") return object;
  if (!isNamespaced(object, clusterWide)) return object;
  const { name, namespace: _, ...rest } = metadata;
  return { ...object, metadata: { ...(name === undefined ? {} : { name }), namespace, ...rest } };
}

/**
 * The text of an object with the namespace, else as it is; null where it cannot be put in without
 * writing the object again.
 */
export function textInNamespace({ text, yaml }: Manifest, namespace: string): string | null {
  const metadata = yaml.kind === "map" ? yaml.entries.get("metadata")?.value : undefined;
  if (metadata?.kind !== "map" || metadata.entries.has("namespace")) return null;
  const [first] = metadata.entries.values();
  if (first === undefined) return null;
  const { line, column } = first.position;
  const lines = text.split("\n");
  const before = lines[line - 1]?.slice(0, column - 1);
  const after = lines[line - 1]?.slice(column - 1);
  if (before === undefined || after === undefined) return null;
  const own = `namespace: ${JSON.stringify(namespace)}`;
  if (/^ +$/.test(before)) lines.splice(line - 1, 1, `${before}${own}`, `${before}${after}`);
  else if (/[{,]\s*$/.test(before)) lines[line - 1] = `${before}${own}, ${after}`;
  else return null;
  return lines.join("\n");
}
