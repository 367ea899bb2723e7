import { randomBytes, randomUUID } from "node:crypto";
import { fillDefaults } from "./defaults.ts";
import { alreadyExists, badRequest, conflict, forbidden, notFound } from "./failures.ts";
import { isObject, type JsonObject, objectAt, same, textAt } from "./json.ts";
import { afterUpdate } from "./managed-fields.ts";
import { isKubernetesObject, type KubernetesObject, timestamp } from "./objects.ts";
import { groupVersion, type Resource, storedAs } from "./resources.ts";
import type { Store } from "./store.ts";
import { validate } from "./validation.ts";

/** How an object is written. */
export interface Writing {
  /** Everything is checked and answered, nothing is kept. */
  readonly dryRun: boolean;
  /**
   * Who owns what is set. Undefined where `metadata.managedFields` says it already, after
   * server-side apply.
   */
  readonly manager: string | undefined;
}

/** Kinds without a generation: they have nothing that a controller would follow. */
const hasGeneration = ({ kind, subresources, custom }: Resource): boolean =>
  custom ||
  (subresources.includes("status") && !["Namespace", "Node", "Service"].includes(kind)) ||
  kind === "NetworkPolicy";

/**
 * Checks that a body is an object of the resource in the namespace, and completes what the path
 * says already.
 */
export function asObject(resource: Resource, namespace: string, body: unknown, name?: string): KubernetesObject {
  if (!isObject(body)) throw badRequest("the body of the request must be an object");
  const metadata = objectAt(body, "metadata");
  const object: JsonObject = {
    apiVersion: groupVersion(resource),
    kind: resource.kind,
    ...body,
    metadata: { ...metadata },
  };
  if (object["kind"] !== resource.kind || object["apiVersion"] !== groupVersion(resource))
    throw badRequest(
      `the object provided is unrecognized: ${textAt(object, "apiVersion")} ${textAt(object, "kind")} was sent where ${groupVersion(resource)} ${resource.kind} was expected`,
    );
  const meta = objectAt(object, "metadata");
  if (meta["name"] === undefined || meta["name"] === "") {
    const prefix = textAt(meta, "generateName");
    if (prefix !== "") meta["name"] = prefix + randomBytes(3).toString("hex").slice(0, 5);
    else if (name !== undefined) meta["name"] = name;
  }
  if (name !== undefined && meta["name"] !== name)
    throw badRequest(`the name of the object (${textAt(meta, "name")}) does not match the name on the URL (${name})`);
  if (resource.namespaced) meta["namespace"] ??= namespace;
  if (resource.namespaced ? meta["namespace"] !== namespace : meta["namespace"] !== undefined)
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  if (!isKubernetesObject(object)) throw badRequest("resource name may not be empty");
  return object;
}

function checkNamespace(store: Store, namespace: string, resource: Resource, name: string): void {
  const found = store.get("/namespaces", "", namespace);
  if (found === undefined) throw notFound({ group: "", plural: "namespaces", kind: "Namespace" }, namespace);
  if (found.metadata["deletionTimestamp"] !== undefined)
    throw forbidden(
      `${resource.plural} "${name}" is forbidden: unable to create new content in namespace ${namespace} because it is being terminated`,
    );
}

/** What a new object has from the start. */
function initialStatus(resource: Resource, object: KubernetesObject): JsonObject {
  const kept =
    resource.subresources.includes("status") && !["Node"].includes(object.kind) ? {} : objectAt(object, "status");
  if (object.kind === "Namespace") return { phase: "Active" };
  if (object.kind === "Pod") return { phase: "Pending" };
  if (object.kind !== "CustomResourceDefinition") return kept;
  const now = timestamp();
  return {
    acceptedNames: objectAt(object, "spec", "names"),
    storedVersions: [],
    conditions: [
      {
        type: "NamesAccepted",
        status: "True",
        reason: "NoConflicts",
        message: "no conflicts found",
        lastTransitionTime: now,
      },
      {
        type: "Established",
        status: "True",
        reason: "InitialNamesAccepted",
        message: "the initial names have been accepted",
        lastTransitionTime: now,
      },
    ],
  };
}

/**
 * Creates an object. Throws a Refusal: 404 without its namespace, 403 in one that ends, 409 for a
 * name that is taken, 422.
 */
export function createObject(
  store: Store,
  resource: Resource,
  body: KubernetesObject,
  writing: Writing,
): KubernetesObject {
  const object = structuredClone(body);
  const { name, namespace = "" } = object.metadata;
  if (resource.namespaced) checkNamespace(store, namespace, resource, name);
  if (store.get(storedAs(resource), namespace, name)) throw alreadyExists(resource, name);
  if (textAt(object.metadata, "resourceVersion") !== "")
    throw badRequest("resourceVersion should not be set on objects to be created");
  delete object.metadata.resourceVersion;
  const status = initialStatus(resource, object);
  delete object["status"];
  if (writing.manager !== undefined) object.metadata["managedFields"] = afterUpdate(undefined, object, writing.manager);
  if (Object.keys(status).length > 0) object["status"] = status;
  object.metadata.uid = randomUUID();
  fillDefaults(object);
  validate(resource, object);
  object.metadata["creationTimestamp"] = timestamp();
  if (hasGeneration(resource)) object.metadata.generation = 1;
  return writing.dryRun ? object : store.write(storedAs(resource), object);
}

const KEPT = ["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation"];

const withoutManagedFields = (object: KubernetesObject): JsonObject => {
  const { managedFields: _managedFields, resourceVersion: _resourceVersion, ...metadata } = object.metadata;
  return { ...object, metadata };
};

const intent = ({ metadata: _metadata, status: _status, ...rest }: KubernetesObject): JsonObject => rest;

/**
 * Replaces an object by `body`; its status alone for the subresource `status`. Nothing is written
 * where nothing changed. Throws a Refusal: 409 for an outdated resource version, 422.
 */
export function updateObject(
  store: Store,
  resource: Resource,
  before: KubernetesObject,
  body: KubernetesObject,
  writing: Writing & { readonly subresource?: string },
): KubernetesObject {
  const { name } = before.metadata;
  const expected = body.metadata.resourceVersion ?? "";
  if (body.metadata.uid !== undefined && body.metadata.uid !== before.metadata.uid)
    throw conflict(
      resource,
      name,
      `Precondition failed: UID in precondition: ${body.metadata.uid}, UID in object meta: ${before.metadata.uid}`,
    );
  if (expected !== "" && expected !== before.metadata.resourceVersion)
    throw conflict(
      resource,
      name,
      "the object has been modified; please apply your changes to the latest version and try again",
    );
  const ofStatus = writing.subresource === "status";
  const after: KubernetesObject = ofStatus
    ? { ...structuredClone(before), status: body["status"] }
    : structuredClone(body);
  if (!ofStatus && resource.subresources.includes("status")) {
    if (before["status"] === undefined) delete after["status"];
    else after["status"] = structuredClone(before["status"]);
  }
  after.metadata.resourceVersion = before.metadata.resourceVersion ?? "";
  for (const key of KEPT) {
    if (before.metadata[key] === undefined) delete after.metadata[key];
    else after.metadata[key] = before.metadata[key];
  }
  fillDefaults(after);
  validate(resource, after, before);
  if (hasGeneration(resource) && !same(intent(before), intent(after)))
    after.metadata.generation = (before.metadata.generation ?? 0) + 1;
  if (writing.manager !== undefined && !ofStatus) {
    after.metadata["managedFields"] ??= structuredClone(before.metadata["managedFields"]);
    after.metadata["managedFields"] = afterUpdate(before, after, writing.manager);
  }
  const unchanged =
    same(withoutManagedFields(before), withoutManagedFields(after)) &&
    same(before.metadata["managedFields"], after.metadata["managedFields"]);
  if (unchanged || writing.dryRun) return after;
  const finalizers = after.metadata["finalizers"];
  const isOver =
    after.metadata["deletionTimestamp"] !== undefined && !(Array.isArray(finalizers) && finalizers.length > 0);
  if (isOver && resource.kind !== "Pod" && resource.kind !== "Namespace")
    return store.remove(storedAs(resource), before.metadata.namespace ?? "", name) ?? after;
  return store.write(storedAs(resource), after);
}
