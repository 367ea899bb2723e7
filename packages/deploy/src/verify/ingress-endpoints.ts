import type { Finding } from "../findings/finding.ts";
import {
  at,
  type Kind,
  kindOf,
  type KubernetesObject,
  labelsOf,
  listAt,
  nameOf,
  namespaceOf,
  textAt,
} from "../cluster/kubernetes-object.ts";

/** The kinds that {@link endpointFindings} looks at, beside the Ingresses. */
export const ENDPOINT_KINDS: readonly Kind[] = [
  { kind: "Service", api: "/api/v1", plural: "services" },
  { kind: "EndpointSlice", api: "/apis/discovery.k8s.io/v1", plural: "endpointslices" },
];

/** What is wrong behind Ingresses: Services that are missing, or have nobody who answers. */
export const endpointFindings = (objects: readonly KubernetesObject[]): Finding[] =>
  objects.filter((object) => kindOf(object) === "Ingress").flatMap((ingress) => findingsOf(ingress, objects));

function findingsOf(ingress: KubernetesObject, objects: readonly KubernetesObject[]): Finding[] {
  const namespace = namespaceOf(ingress);
  const name = nameOf(ingress);
  const findings: Finding[] = [];
  for (const service of servicesOf(ingress)) {
    const found = objects.find(
      (object) => kindOf(object) === "Service" && nameOf(object) === service && namespaceOf(object) === namespace,
    );
    if (found === undefined) {
      findings.push({
        id: "ingress-endpoints",
        severity: "error",
        message: `Ingress ${name}: the Service ${service} is not there`,
      });
    } else if (textAt(found, "spec", "type") !== "ExternalName" && readyEndpoints(found, objects) === 0) {
      findings.push({
        id: "ingress-endpoints",
        severity: "error",
        message: `Ingress ${name}: no pod answers for the Service ${service}`,
        hint: "look at the selector of the Service, and at the pods that it is for",
      });
    }
  }
  if (listAt(ingress, "status", "loadBalancer", "ingress").length === 0) {
    findings.push({
      id: "ingress-endpoints",
      severity: "warning",
      message: `Ingress ${name}: it has no address, so no controller took it up`,
      hint: "look at its class, and at the pods of the ingress controller",
    });
  }
  return findings;
}

/** The Services that an Ingress leads to. */
const servicesOf = (ingress: KubernetesObject): Set<string> =>
  new Set(
    [
      at(ingress, "spec", "defaultBackend"),
      ...listAt(ingress, "spec", "rules").flatMap((rule) =>
        listAt(rule, "http", "paths").map((path) => at(path, "backend")),
      ),
    ].flatMap((backend) => textAt(backend, "service", "name") || []),
  );

/** How many addresses of a Service are ready; one whose readiness is not told counts. */
const readyEndpoints = (service: KubernetesObject, objects: readonly KubernetesObject[]): number =>
  objects
    .filter(
      (object) =>
        kindOf(object) === "EndpointSlice" &&
        namespaceOf(object) === namespaceOf(service) &&
        labelsOf(object)["kubernetes.io/service-name"] === nameOf(service),
    )
    .flatMap((slice) => listAt(slice, "endpoints"))
    .filter((endpoint) => at(endpoint, "conditions", "ready") !== false).length;
