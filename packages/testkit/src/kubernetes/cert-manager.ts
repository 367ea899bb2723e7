import type { KubernetesObject } from "./objects.ts";

const definition = (group: string, kind: string, plural: string, scope: string): KubernetesObject => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: `${plural}.${group}` },
  spec: {
    group,
    scope,
    names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List`, categories: ["cert-manager"] },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
      },
    ],
  },
});

const GROUP = "cert-manager.io";

/** The kinds of cert-manager, without their schemas. */
export const certManagerDefinitions = (): KubernetesObject[] => [
  definition(GROUP, "Certificate", "certificates", "Namespaced"),
  definition(GROUP, "CertificateRequest", "certificaterequests", "Namespaced"),
  definition(GROUP, "Issuer", "issuers", "Namespaced"),
  definition(GROUP, "ClusterIssuer", "clusterissuers", "Cluster"),
  definition(`acme.${GROUP}`, "Order", "orders", "Namespaced"),
  definition(`acme.${GROUP}`, "Challenge", "challenges", "Namespaced"),
];
