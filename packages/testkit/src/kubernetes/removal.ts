import { conflict } from "./failures.ts";
import { isObject, type Json, listAt, numberAt, objectAt, textAt } from "./json.ts";
import { type KubernetesObject, timestamp } from "./objects.ts";
import { type Resource, storedAs } from "./resources.ts";
import type { Store } from "./store.ts";

/** Marks an object that is removed only after those that it owns. */
export const FOREGROUND = "foregroundDeletion";

const finalizersOf = (object: KubernetesObject): readonly Json[] => listAt(object.metadata, "finalizers");

function mark(store: Store, kind: string, object: KubernetesObject, grace: number): KubernetesObject {
  if (object.metadata["deletionTimestamp"] === undefined) {
    object.metadata["deletionTimestamp"] = timestamp(Date.now() + grace * 1000);
    object.metadata["deletionGracePeriodSeconds"] = grace;
  }
  return store.write(kind, object);
}

/** Takes an object out of the lists of owners of those that it owns. */
function orphan(store: Store, owner: KubernetesObject): void {
  for (const [kind, object] of store.everything()) {
    const owners = listAt(object.metadata, "ownerReferences");
    const others = owners.filter((one) => textAt(one, "uid") !== owner.metadata.uid);
    if (others.length < owners.length)
      store.write(kind, { ...object, metadata: { ...object.metadata, ownerReferences: others } });
  }
}

/**
 * Deletes an object as `DeleteOptions` says. One with finalizers, a running pod and a namespace are
 * only marked at first. Throws a Refusal with 409 where a precondition does not hold.
 */
export function deleteObject(
  store: Store,
  resource: Resource,
  object: KubernetesObject,
  options: Json,
  dryRun: boolean,
): KubernetesObject {
  const kind = storedAs(resource);
  const { name, namespace = "", uid, resourceVersion } = object.metadata;
  const wanted = objectAt(options, "preconditions");
  const seen = [
    ["UID", textAt(wanted, "uid"), uid],
    ["ResourceVersion", textAt(wanted, "resourceVersion"), resourceVersion],
  ] as const;
  for (const [what, expected, got] of seen)
    if (expected !== undefined && expected !== "" && expected !== got) {
      const why = `the ${what} in the precondition (${expected}) does not match the ${what} in record (${got}). The object might have been deleted and then recreated`;
      // It names the kind where other conflicts name the resource.
      throw conflict({ ...resource, plural: resource.kind }, name, why);
    }
  if (dryRun) return object;
  const policy =
    isObject(options) && options["orphanDependents"] === true ? "Orphan" : textAt(options, "propagationPolicy");
  if (policy === "Orphan") orphan(store, object);
  if (resource.kind === "Namespace") {
    object["status"] = { phase: "Terminating" };
    return mark(store, kind, object, 0);
  }
  if (policy === "Foreground")
    object.metadata["finalizers"] = [...finalizersOf(object).filter((one) => one !== FOREGROUND), FOREGROUND];
  const grace = numberAt(
    options,
    ["gracePeriodSeconds"],
    numberAt(object, ["spec", "terminationGracePeriodSeconds"], 30),
  );
  const isRunning = resource.kind === "Pod" && grace > 0 && textAt(object, "spec", "nodeName") !== "";
  if (finalizersOf(object).length > 0 || isRunning) return mark(store, kind, object, isRunning ? grace : 0);
  return store.remove(kind, namespace, name) ?? object;
}
