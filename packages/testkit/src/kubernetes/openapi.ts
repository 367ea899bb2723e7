import type { JsonObject } from "./json.ts";
import { groupVersion, patchTypes, type Resource, resourcesOf } from "./resources.ts";
import type { Store } from "./store.ts";

const rootOf = (apiVersion: string): string => (apiVersion.includes("/") ? `apis/${apiVersion}` : `api/${apiVersion}`);

/** The index, `/openapi/v3`. */
export function openApiIndex(store: Store): JsonObject {
  const versions = new Set(resourcesOf(store).map(groupVersion));
  return {
    paths: Object.fromEntries(
      [...versions].map((version) => [rootOf(version), { serverRelativeURL: `/openapi/v3/${rootOf(version)}?hash=1` }]),
    ),
  };
}

const inQuery = (name: string, type = "string"): JsonObject => ({ name, in: "query", schema: { type } });

function operations(resource: Resource): JsonObject {
  const { group, version, kind } = resource;
  const gvk = { "x-kubernetes-group-version-kind": { group, version, kind }, responses: {} };
  const parameters = [inQuery("dryRun"), inQuery("fieldManager"), inQuery("fieldValidation")];
  // Strategic merge patches are taken, but not advertised: a client that finds them here computes
  // them from the schemas, which are not given. Without, it computes them from the types that it
  // was built with.
  const taken = patchTypes(resource).filter((type) => !type.includes("strategic"));
  return {
    get: { ...gvk, "x-kubernetes-action": "get" },
    put: { ...gvk, "x-kubernetes-action": "put", parameters },
    patch: {
      ...gvk,
      "x-kubernetes-action": "patch",
      parameters: [...parameters, inQuery("force", "boolean")],
      requestBody: { content: Object.fromEntries(taken.map((type) => [type, { schema: { type: "object" } }])) },
    },
    delete: { ...gvk, "x-kubernetes-action": "delete", parameters: [inQuery("dryRun")] },
  };
}

/**
 * What is served of a version: its paths and parameters, by which clients learn of
 * `fieldValidation` and `dryRun`. No schemas.
 */
export function openApi(store: Store, apiVersion: string): JsonObject | undefined {
  const resources = resourcesOf(store).filter((resource) => groupVersion(resource) === apiVersion);
  if (resources.length === 0) return undefined;
  return {
    openapi: "3.0.0",
    info: { title: "Kubernetes", version: "v1" },
    paths: Object.fromEntries(
      resources.map((resource) => [
        `/${rootOf(apiVersion)}/${resource.namespaced ? "namespaces/{namespace}/" : ""}${resource.plural}/{name}`,
        operations(resource),
      ]),
    ),
    components: { schemas: {} },
  };
}

const text = (field: number, value: string): Buffer =>
  Buffer.concat([Buffer.from([(field << 3) | 2, Buffer.byteLength(value)]), Buffer.from(value)]);

const info = Buffer.concat([text(1, "Kubernetes"), text(2, "v1")]);

/**
 * The older description, `/openapi/v2`, that says nothing, in the only form in which clients take
 * it: the protobuf message `Document` of gnostic. Who validates by it, as kubectl does what is in a
 * List, finds no schema and lets everything pass.
 */
export const OPEN_API_V2: { readonly type: string; readonly body: Buffer } = {
  type: "application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
  body: Buffer.concat([text(1, "2.0"), Buffer.from([(2 << 3) | 2, info.length]), info]),
};
