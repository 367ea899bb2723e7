import { randomUUID } from "node:crypto";
import { certManagerDefinitions } from "./cert-manager.ts";
import { type KubernetesObject, timestamp } from "./objects.ts";
import { createObject } from "./registry.ts";
import { findResource } from "./resources.ts";
import type { Store } from "./store.ts";

/** A node to begin with. */
export interface KubernetesNode {
  readonly name: string;
  /** Its label `mybinder.org/pool-type`. */
  readonly pool: string;
  readonly cordoned?: boolean;
  readonly ready?: boolean;
  /** How many pods it takes; 110 where it is left out. */
  readonly pods?: number;
}

/** What a cluster has to begin with. */
export interface Seed {
  readonly identity: string;
  readonly nodes: readonly KubernetesNode[];
  readonly certManager: boolean;
  readonly version: string;
}

const nodeOf = (
  { name, pool, cordoned, ready = true, pods = 110 }: KubernetesNode,
  version: string,
): KubernetesObject => {
  const room = { cpu: "4", memory: "16Gi", pods: String(pods) };
  const now = timestamp();
  const status = ready ? "True" : "False";
  const reason = ready ? "KubeletReady" : "KubeletNotReady";
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      uid: randomUUID(),
      creationTimestamp: now,
      labels: { "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "mybinder.org/pool-type": pool },
    },
    spec: cordoned === true ? { unschedulable: true } : {},
    status: {
      capacity: room,
      allocatable: room,
      conditions: [{ type: "Ready", status, reason, message: "", lastHeartbeatTime: now, lastTransitionTime: now }],
      addresses: [{ type: "Hostname", address: name }],
      nodeInfo: { kubeletVersion: version, operatingSystem: "linux", architecture: "amd64" },
    },
  };
};

const namespaceOf = (name: string, uid: string): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name, uid, creationTimestamp: timestamp(), labels: { "kubernetes.io/metadata.name": name } },
  spec: { finalizers: ["kubernetes"] },
  status: { phase: "Active" },
});

/** Fills a new cluster: its namespaces, its nodes, and the kinds of cert-manager. */
export function seed(store: Store, { identity, nodes, certManager, version }: Seed): void {
  for (const name of ["default", "kube-node-lease", "kube-public", "kube-system"])
    store.write("/namespaces", namespaceOf(name, name === "kube-system" ? identity : randomUUID()));
  for (const node of nodes) store.write("/nodes", nodeOf(node, version));
  const resource = findResource(store, { apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition" });
  if (certManager && resource)
    for (const definition of certManagerDefinitions())
      createObject(store, resource, definition, { dryRun: false, manager: "cert-manager" });
}
