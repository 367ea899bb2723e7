import { listAt, textAt } from "./json.ts";
import type { KubernetesObject } from "./objects.ts";
import { FOREGROUND } from "./removal.ts";
import { timestamp } from "./objects.ts";
import type { Store } from "./store.ts";

const ownersOf = (object: Readonly<KubernetesObject>): string[] =>
  listAt(object.metadata, "ownerReferences").map((owner) => textAt(owner, "uid"));

/** Removes an object, or marks it where finalizers keep it. */
function discard(store: Store, kind: string, object: Readonly<KubernetesObject>): void {
  const { name, namespace = "" } = object.metadata;
  if (listAt(object.metadata, "finalizers").length === 0) store.remove(kind, namespace, name);
  else if (object.metadata["deletionTimestamp"] === undefined)
    store.write(kind, { ...object, metadata: { ...object.metadata, deletionTimestamp: timestamp() } });
}

/** Removes what lost all its owners, and what waited for those that it owns. */
function collect(store: Store): void {
  const all = store.everything();
  const uids = new Set(all.map(([, object]) => object.metadata.uid));
  const owning = new Set(all.flatMap(([, object]) => ownersOf(object)));
  const ending = new Set(
    all
      .filter(([, { metadata }]) => listAt(metadata, "finalizers").includes(FOREGROUND))
      .map(([, { metadata }]) => metadata.uid),
  );
  for (const [kind, object] of all) {
    const owners = ownersOf(object);
    if (owners.length > 0 && owners.every((uid) => !uids.has(uid) || ending.has(uid))) discard(store, kind, object);
    if (ending.has(object.metadata.uid) && !owning.has(object.metadata.uid ?? "")) {
      const finalizers = listAt(object.metadata, "finalizers").filter((one) => one !== FOREGROUND);
      discard(store, kind, { ...object, metadata: { ...object.metadata, finalizers } });
    }
  }
}

/** What every namespace has from the start. */
function furnish(store: Store, namespace: string): void {
  const metadata = (name: string): KubernetesObject["metadata"] => ({
    name,
    namespace,
    uid: crypto.randomUUID(),
    creationTimestamp: timestamp(),
  });
  if (!store.get("/serviceaccounts", namespace, "default"))
    store.write("/serviceaccounts", { apiVersion: "v1", kind: "ServiceAccount", metadata: metadata("default") });
  if (!store.get("/configmaps", namespace, "kube-root-ca.crt"))
    store.write("/configmaps", {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: metadata("kube-root-ca.crt"),
      data: {},
    });
}

function endNamespaces(store: Store): void {
  for (const { metadata } of store.list("/namespaces")) {
    if (metadata["deletionTimestamp"] === undefined) {
      furnish(store, metadata.name);
      continue;
    }
    const content = store.everything().filter(([, object]) => object.metadata.namespace === metadata.name);
    for (const [kind, object] of content) discard(store, kind, object);
    if (content.length === 0) store.remove("/namespaces", "", metadata.name);
  }
}

/** Removes what nothing owns any more, and the content of namespaces that end. */
export function reconcileGarbage(store: Store): void {
  collect(store);
  endNamespaces(store);
}
