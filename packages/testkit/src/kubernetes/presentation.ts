import type { Call } from "./call.ts";
import { convertEvent } from "./events.ts";
import type { JsonObject } from "./json.ts";
import type { KubernetesObject } from "./objects.ts";
import { groupVersion } from "./resources.ts";
import { sendJson } from "./send.ts";
import { formOf, partial, tableOf } from "./tables.ts";

/** An object in the version that is asked for. */
export const inVersion = ({ resource }: Call, object: KubernetesObject): KubernetesObject => {
  if (resource.group === "events.k8s.io") return convertEvent(object, "events.k8s.io/v1");
  return { ...object, apiVersion: groupVersion(resource) };
};

/** Objects in the form that is asked for: `whole` as it is, or a table, or metadata alone. */
export function present(call: Call, objects: readonly KubernetesObject[], whole: KubernetesObject): JsonObject {
  const form = formOf(call.accept);
  if (form === "table") {
    const everything = call.url.searchParams.get("includeObject") === "Object";
    return tableOf(call.resource.kind, objects, { resourceVersion: whole.metadata.resourceVersion ?? "" }, everything);
  }
  return form === "partial" ? partial(whole) : inVersion(call, whole);
}

/** Sends one object. */
export const sendObject = (call: Call, code: number, object: KubernetesObject): void =>
  sendJson(call.response, code, present(call, [object], object));
