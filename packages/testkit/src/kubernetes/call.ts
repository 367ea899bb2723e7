import type { IncomingMessage, ServerResponse } from "node:http";
import { parse as parseYaml } from "yaml";
import { badRequest, noSuchPath } from "./failures.ts";
import type { Json } from "./json.ts";
import { isProtobuf, readProtobuf } from "./protobuf.ts";
import { findResource, type Resource } from "./resources.ts";
import type { Cluster, KubernetesUser } from "./state.ts";

/** One request, let in and read. */
export interface Request {
  readonly cluster: Cluster;
  readonly method: string;
  readonly url: URL;
  readonly accept: string;
  readonly contentType: string;
  readonly body: Buffer;
  readonly user: KubernetesUser;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Milliseconds by which every event of a watch is late. */
  readonly watchDelay: number;
}

/** A request for objects. */
export interface Call extends Request {
  readonly resource: Resource;
  /** Empty for all namespaces, and outside of namespaces. */
  readonly namespace: string;
  /** Undefined for the whole collection. */
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  readonly dryRun: boolean;
  /** Who is said to own what is set. */
  readonly manager: string;
}

/** Splits `/api/v1/…` and `/apis/GROUP/VERSION/…`. */
function splitPath(pathname: string): { apiVersion: string; rest: string[] } {
  const parts = pathname.split("/").filter(Boolean).map(decodeURIComponent);
  const [root, first = "", second = ""] = parts;
  if (root === "api" && parts.length > 1) return { apiVersion: first, rest: parts.slice(2) };
  if (root === "apis" && parts.length > 2) return { apiVersion: `${first}/${second}`, rest: parts.slice(3) };
  throw noSuchPath();
}

/** Finds what a path is about. Throws a Refusal, 404 where the cluster does not serve it. */
export function toCall(request: Request): Call {
  const { apiVersion, rest } = splitPath(request.url.pathname);
  const inNamespace = rest[0] === "namespaces" && rest.length > 2 && !["status", "finalize"].includes(rest[2] ?? "");
  const [plural = "", name, subresource, ...more] = inNamespace ? rest.slice(2) : rest;
  const resource = findResource(request.cluster.store, { apiVersion, plural });
  if (resource === undefined || more.length > 0) throw noSuchPath();
  if (resource.namespaced ? name !== undefined && !inNamespace : inNamespace) throw noSuchPath();
  if (subresource !== undefined && !resource.subresources.includes(subresource)) throw noSuchPath();
  const dryRun = request.url.searchParams.getAll("dryRun");
  if (dryRun.some((value) => value !== "All"))
    throw badRequest(`Invalid value: "${dryRun.join(",")}": dryRun must be All`);
  const agent = (request.request.headers["user-agent"] ?? "unknown").split("/")[0] ?? "";
  return {
    ...request,
    resource,
    namespace: inNamespace ? (rest[1] ?? "") : "",
    name,
    subresource,
    dryRun: dryRun.length > 0,
    manager: request.url.searchParams.get("fieldManager") ?? agent,
  };
}

/**
 * The body: JSON, YAML where it is one for server-side apply, or Kubernetes' protobuf; null where
 * it is empty. Throws a Refusal.
 */
export function readBody({ body, contentType }: Request): Json {
  if (body.length === 0) return null;
  if (isProtobuf(body)) return readProtobuf(body);
  const text = body.toString();
  try {
    const content: Json = contentType.includes("yaml") ? parseYaml(text) : JSON.parse(text);
    return content;
  } catch (error) {
    throw badRequest(`the object provided is unrecognized (must be of type ${contentType}): ${String(error)}`);
  }
}
