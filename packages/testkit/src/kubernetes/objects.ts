import { isObject, type Json, type JsonObject, objectAt, textAt } from "./json.ts";

/** What every object of Kubernetes says of itself. */
export interface ObjectMeta extends JsonObject {
  name: string;
  namespace?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
}

/** An object of the API. */
export interface KubernetesObject extends JsonObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
}

/** Whether a value has the kind, version and name that every object must have. */
export const isKubernetesObject = (value: unknown): value is KubernetesObject =>
  isObject(value) &&
  typeof value["apiVersion"] === "string" &&
  typeof value["kind"] === "string" &&
  typeof objectAt(value, "metadata")["name"] === "string";

/** `NAMESPACE/NAME`, or `/NAME` outside of namespaces. */
export const idOf = ({ metadata }: KubernetesObject): string => `${metadata.namespace ?? ""}/${metadata.name}`;

/** The reference by which an object is said to be owned, and removed together with its owner. */
export const ownerReference = ({ apiVersion, kind, metadata }: KubernetesObject): JsonObject => ({
  apiVersion,
  kind,
  name: metadata.name,
  uid: metadata.uid ?? "",
  controller: true,
  blockOwnerDeletion: true,
});

/** The uid of the object's controller; empty where it has none. */
export function controllerOf(object: KubernetesObject): string {
  const owners = object.metadata["ownerReferences"];
  const owner = (Array.isArray(owners) ? owners : []).find((one: Json) => isObject(one) && one["controller"] === true);
  return textAt(owner, "uid");
}

/** Now, or a later time, as Kubernetes writes it: in whole seconds. */
export const timestamp = (milliseconds: number = Date.now()): string =>
  new Date(milliseconds).toISOString().replace(/\.\d+Z$/, "Z");
