import { type Call, readBody } from "./call.ts";
import { convertEvent, isEvent } from "./events.ts";
import { badRequest, gone, notFound, Refusal, unsupported } from "./failures.ts";
import { isObject, type Json, type JsonObject } from "./json.ts";
import type { KubernetesObject } from "./objects.ts";
import { inVersion, sendObject } from "./presentation.ts";
import { jsonPatch, mergePatch } from "./patches.ts";
import { asObject, createObject, updateObject } from "./registry.ts";
import { deleteObject } from "./removal.ts";
import { groupVersion, patchTypes, type Resource, storedAs } from "./resources.ts";
import { isSelected, type Selection } from "./selectors.ts";
import { sendJson } from "./send.ts";
import { applyServerSide } from "./server-side-apply.ts";
import { strategicMerge } from "./strategic-merge.ts";
import { formOf, partial, tableOf } from "./tables.ts";
import { validateFields } from "./validation.ts";
import { watch } from "./watch.ts";

/** The object that a call names. Throws a Refusal, 404. */
export function named({ cluster, resource, namespace, name = "" }: Call): KubernetesObject {
  const found = cluster.store.get(storedAs(resource), namespace, name);
  if (found === undefined) throw notFound(resource, name);
  return found;
}

const selectionOf = ({ url: { searchParams } }: Call): Selection => ({
  labels: searchParams.get("labelSelector") ?? "",
  fields: searchParams.get("fieldSelector") ?? "",
});

/** Where a list goes on: the version that it began with, and how many of it were sent. */
function readContinue(call: Call): { version: number; start: number } {
  const token = call.url.searchParams.get("continue") ?? "";
  const { version } = call.cluster.store;
  if (token === "") return { version, start: 0 };
  const [from = "", start = ""] = Buffer.from(token, "base64url").toString().split("/");
  if (!/^\d+$/.test(from) || !/^\d+$/.test(start)) throw badRequest("continue key is not valid");
  if (call.cluster.store.eventsAfter(Number(from)) === undefined)
    throw gone("The provided continue parameter is too old to display a consistent list result.");
  return { version: Number(from), start: Number(start) };
}

/** In a list, the objects of Kubernetes' own kinds do not say what they are. */
function withoutKind({ custom }: Resource, object: KubernetesObject): object {
  const { apiVersion: _, kind: __, ...rest } = object;
  return custom ? object : rest;
}

function list(call: Call): void {
  const { cluster, resource, namespace, url, response } = call;
  const selection = selectionOf(call);
  if (["true", "1"].includes(url.searchParams.get("watch") ?? "")) return watch(call, selection);
  const all = cluster.store.list(storedAs(resource), namespace).filter((object) => isSelected(object, selection));
  const { version, start } = readContinue(call);
  const limit = Number(url.searchParams.get("limit") ?? 0) || all.length;
  const items = all.slice(start, start + limit);
  const left = all.length - start - items.length;
  const metadata: JsonObject = { resourceVersion: String(version) };
  if (left > 0) {
    metadata["continue"] = Buffer.from(`${version}/${start + items.length}`).toString("base64url");
    metadata["remainingItemCount"] = left;
  }
  const form = formOf(call.accept);
  if (form === "table") {
    const whole = url.searchParams.get("includeObject") === "Object";
    return sendJson(response, 200, tableOf(resource.kind, items, metadata, whole));
  }
  const type =
    form === "partial"
      ? { kind: "PartialObjectMetadataList", apiVersion: "meta.k8s.io/v1" }
      : { kind: `${resource.kind}List`, apiVersion: groupVersion(resource) };
  const shown = items.map((item) =>
    form === "partial" ? partial(item) : withoutKind(resource, inVersion(call, item)),
  );
  sendJson(response, 200, { ...type, metadata, items: shown });
}

const isStrict = ({ url }: Call): boolean => url.searchParams.get("fieldValidation") === "Strict";

/** An object of the call's resource from what a client sent. */
function incoming(call: Call, content: Json, name?: string): KubernetesObject {
  const object = asObject(call.resource, call.namespace, content, name);
  if (isStrict(call)) validateFields(call.resource, object);
  return isEvent(object) ? convertEvent(object, "v1") : object;
}

function create(call: Call): void {
  const { cluster, resource, dryRun, manager } = call;
  const object = incoming(call, readBody(call));
  sendObject(call, 201, createObject(cluster.store, resource, object, { dryRun, manager }));
}

function replace(call: Call): void {
  const { cluster, resource, dryRun, manager, subresource = "", name = "" } = call;
  const before = named(call);
  const after = incoming(call, readBody(call), name);
  sendObject(call, 200, updateObject(cluster.store, resource, before, after, { dryRun, manager, subresource }));
}

/** Server-side apply: it creates what is not there. */
function apply(call: Call): void {
  const { cluster, resource, namespace, name = "", dryRun, manager, subresource = "", url } = call;
  if (!url.searchParams.has("fieldManager"))
    throw badRequest(
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    );
  const stated = incoming(call, readBody(call), name);
  const before = cluster.store.get(storedAs(resource), namespace, name);
  const after = applyServerSide(before, stated, { manager, force: url.searchParams.get("force") === "true" });
  const writing = { dryRun, manager: undefined, subresource };
  if (before === undefined) sendObject(call, 201, createObject(cluster.store, resource, after, writing));
  else sendObject(call, 200, updateObject(cluster.store, resource, before, after, writing));
}

function patched(call: Call, before: KubernetesObject, change: Json): Json {
  const type = call.contentType.split(";")[0] ?? "";
  if (!patchTypes(call.resource).includes(type))
    throw unsupported(
      `the body of the request was in an unknown format - accepted media types include: ${patchTypes(call.resource).join(", ")}`,
    );
  if (type === "application/json-patch+json") return jsonPatch(before, change);
  if (type === "application/merge-patch+json") return mergePatch(before, change);
  return strategicMerge(call.resource.kind, before, change);
}

function patch(call: Call): void {
  if (call.contentType.startsWith("application/apply-patch")) return apply(call);
  const { cluster, resource, dryRun, manager, subresource = "", name = "" } = call;
  const before = named(call);
  const after = incoming(call, patched(call, inVersion(call, before), readBody(call)), name);
  sendObject(call, 200, updateObject(cluster.store, resource, before, after, { dryRun, manager, subresource }));
}

/** The options of a deletion: the body, and what the query says. */
function deleteOptions(call: Call): { options: JsonObject; dryRun: boolean } {
  const body = readBody(call);
  const options: JsonObject = isObject(body) ? { ...body } : {};
  const query = call.url.searchParams;
  if (query.has("propagationPolicy")) options["propagationPolicy"] = query.get("propagationPolicy") ?? "";
  if (query.has("gracePeriodSeconds")) options["gracePeriodSeconds"] = Number(query.get("gracePeriodSeconds"));
  const asked = options["dryRun"];
  return { options, dryRun: call.dryRun || (Array.isArray(asked) && asked.includes("All")) };
}

function remove(call: Call): void {
  const { options, dryRun } = deleteOptions(call);
  const { cluster, resource, response } = call;
  const removed = deleteObject(cluster.store, resource, named(call), options, dryRun);
  const isGone = dryRun || cluster.store.get(storedAs(resource), call.namespace, call.name ?? "") === undefined;
  if (!isGone) return sendObject(call, 200, removed);
  const { name, uid = "" } = removed.metadata;
  const group = resource.group === "" ? {} : { group: resource.group };
  const details = { name, ...group, kind: resource.plural, uid };
  sendJson(response, 200, { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details });
}

function removeAll(call: Call): void {
  const { options, dryRun } = deleteOptions(call);
  const { cluster, resource, namespace } = call;
  const selection = selectionOf(call);
  const all = cluster.store.list(storedAs(resource), namespace).filter((object) => isSelected(object, selection));
  const items = all.map((object) => deleteObject(cluster.store, resource, object, options, dryRun));
  sendJson(call.response, 200, {
    kind: `${resource.kind}List`,
    apiVersion: groupVersion(resource),
    metadata: { resourceVersion: String(cluster.store.version) },
    items,
  });
}

/** Answers a call on objects, or on their `status`. Throws a Refusal. */
export function answerObjects(call: Call): void {
  const isOne = call.name !== undefined;
  switch (call.method) {
    case "GET":
      return isOne ? sendObject(call, 200, named(call)) : list(call);
    case "POST":
      if (!isOne) return create(call);
      break;
    case "PUT":
      if (isOne) return replace(call);
      break;
    case "PATCH":
      if (isOne) return patch(call);
      break;
    case "DELETE":
      return isOne ? remove(call) : removeAll(call);
  }
  throw new Refusal(405, "MethodNotAllowed", "the server does not allow this method on the requested resource");
}
