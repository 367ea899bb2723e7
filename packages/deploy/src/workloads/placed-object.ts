import type { Cluster } from "../cluster/cluster.ts";
import { DeployError } from "../errors.ts";
import type { Manifest } from "../helm/manifests.ts";
import { remember } from "../remember.ts";
import { at, listAt, textAt } from "../values/value.ts";
import { type Workload, workloadKind } from "./workload.ts";

/** An object of a release, and where the API has it. */
export interface PlacedObject extends Workload {
  readonly path: string;
  /** `v1`, `apps/v1`, … */
  readonly apiVersion: string;
}

/** How an object is told of: a chart can put a secret into a name. */
export type NameTold = (object: Workload) => Workload;

/** One that a chart renders. */
export interface PlacedManifest extends PlacedObject {
  readonly manifest: Manifest;
}

/**
 * Finds out where the API has the objects of a release. What it does not know, such as those of a
 * kind that is gone, or of an extension of the API that does not answer, is left out.
 *
 * @throws DeployError INTERRUPTED, UNAUTHORIZED
 */
export async function placeObjects(
  cluster: Cluster,
  manifests: readonly Manifest[],
  releaseNamespace: string,
  signal?: AbortSignal,
): Promise<PlacedManifest[]> {
  const apis = new Map<string, Promise<readonly unknown[]>>();
  const before = remember(discovered, cluster, () => new Map());
  const resourceOf = async (api: string, kind: string): Promise<unknown> => {
    const isIt = (one: unknown): boolean => textAt(one, "kind") === kind && !textAt(one, "name").includes("/");
    // What an API had before it has; it may have more since.
    const found = before.get(api)?.find(isIt);
    if (found !== undefined) return found;
    const resources = await remember(apis, api, async () => listAt(await known(cluster, api, signal), "resources"));
    before.set(api, resources);
    return resources.find(isIt);
  };
  const placed = manifests.map(async (manifest): Promise<PlacedManifest[]> => {
    const { apiVersion, kind, name, namespace: own } = manifest;
    if (name === "" || !API_VERSION.test(apiVersion)) return [];
    const namespace = own ?? releaseNamespace;
    const api = `/${apiVersion.includes("/") ? "apis" : "api"}/${apiVersion}`;
    // Names come from the chart: none may lead to another path.
    const place = (plural: string, inNamespace: boolean): PlacedManifest => ({
      apiVersion,
      kind,
      namespace,
      name,
      manifest,
      path: [api, ...(inNamespace ? ["namespaces", part(namespace)] : []), part(plural), part(name)].join("/"),
    });
    const builtIn = workloadKind(apiVersion, kind);
    if (builtIn !== undefined) return [place(builtIn.plural, builtIn.clusterWide !== true)];
    const resource = await resourceOf(api, kind);
    return resource === undefined ? [] : [place(textAt(resource, "name"), isNamespaced(resource))];
  });
  return (await Promise.all(placed)).flat();
}

/** The resources that the APIs of a cluster were found to have, by their paths. */
const discovered = new WeakMap<Cluster, Map<string, readonly unknown[]>>();

/** `v1`, `apps/v1`: what else a chart writes there, even a path to something else, is no API. */
const API_VERSION = /^(?:[a-z\d][a-z\d.-]*\/)?[a-z\d]+$/;

const isNamespaced = (resource: unknown): boolean => at(resource, "namespaced") === true;

/** A part of a path; `.` and `..` are the only ones that escaping leaves as they are. */
const part = (name: string): string => (/^\.{1,2}$/.test(name) ? "%2E" : encodeURIComponent(name));

/** What the API tells of a version of a group; null where it does not answer for that. */
async function known(cluster: Cluster, api: string, signal: AbortSignal | undefined): Promise<unknown> {
  try {
    return await cluster.get<unknown>(api, { signal });
  } catch (error) {
    const isOver = error instanceof DeployError && ["INTERRUPTED", "UNAUTHORIZED"].includes(error.code);
    if (isOver || !(error instanceof DeployError)) throw error;
    return null;
  }
}
