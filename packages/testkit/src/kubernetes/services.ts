import { addressOf } from "./defaults.ts";
import { at, type Json, type JsonObject, listAt, objectAt, same, textAt } from "./json.ts";
import { idOf, type KubernetesObject, ownerReference, timestamp } from "./objects.ts";
import { isReady } from "./pod-lifecycle.ts";
import { writeStatus } from "./status.ts";
import type { Store } from "./store.ts";

const meta = (
  service: KubernetesObject,
  name: string,
  labels: Record<string, string>,
): KubernetesObject["metadata"] => ({
  name,
  namespace: service.metadata.namespace ?? "",
  labels,
  uid: crypto.randomUUID(),
  creationTimestamp: timestamp(),
  ownerReferences: [ownerReference(service)],
});

/** Writes what an object says beside its metadata, where that changed. */
function put(store: Store, kind: string, fresh: KubernetesObject): void {
  const known = store.get(kind, fresh.metadata.namespace ?? "", fresh.metadata.name);
  const { metadata, ...content } = known ?? fresh;
  const { metadata: _fresh, ...wanted } = fresh;
  if (known === undefined || !same(content, wanted))
    store.write(kind, { ...fresh, metadata: known ? metadata : fresh.metadata });
}

const ipOf = (pod: KubernetesObject): string => textAt(pod, "status", "podIP");

const targetOf = ({ metadata: { name, namespace } }: KubernetesObject): Json => ({ kind: "Pod", name, namespace });

function endpointPort(port: Json): JsonObject {
  const target = at(port, "targetPort");
  const name = textAt(port, "name");
  const told: JsonObject = {
    port: typeof target === "number" ? target : (at(port, "port") ?? 0),
    protocol: textAt(port, "protocol") || "TCP",
  };
  return name === "" ? told : { name, ...told };
}

function writeEndpoints(store: Store, service: KubernetesObject): void {
  const selector = Object.entries(objectAt(service, "spec", "selector"));
  if (selector.length === 0) return;
  const pods = store
    .list("/pods", service.metadata.namespace)
    .filter((pod) => isReady(pod) && selector.every(([key, value]) => pod.metadata.labels?.[key] === value));
  const ports = listAt(service, "spec", "ports").map(endpointPort);
  const { name } = service.metadata;
  const addresses = pods.map((pod) => ({ ip: ipOf(pod), targetRef: targetOf(pod) }));
  put(store, "/endpoints", {
    apiVersion: "v1",
    kind: "Endpoints",
    metadata: meta(service, name, {}),
    ...(pods.length > 0 ? { subsets: [{ addresses, ports }] } : {}),
  });
  put(store, "discovery.k8s.io/endpointslices", {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: meta(service, `${name}-slice`, { "kubernetes.io/service-name": name }),
    addressType: "IPv4",
    endpoints: pods.map((pod) => ({ addresses: [ipOf(pod)], conditions: { ready: true }, targetRef: targetOf(pod) })),
    ports,
  });
}

/** Gives services their endpoints, and load balancers, ingresses and claims what they wait for. */
export function reconcileServices(store: Store): void {
  for (const service of store.list("/services")) {
    writeEndpoints(store, service);
    const balanced = textAt(service, "spec", "type") === "LoadBalancer";
    writeStatus(store, "/services", service, {
      loadBalancer: balanced ? { ingress: [{ ip: addressOf("203.0", idOf(service)) }] } : {},
    });
  }
  for (const ingress of store.list("networking.k8s.io/ingresses"))
    if (ingress["status"] === undefined)
      writeStatus(store, "networking.k8s.io/ingresses", ingress, {
        loadBalancer: { ingress: [{ ip: "203.0.113.10" }] },
      });
  for (const claim of store.list("/persistentvolumeclaims"))
    if (claim["status"] === undefined) writeStatus(store, "/persistentvolumeclaims", claim, { phase: "Bound" });
}
