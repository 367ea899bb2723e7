import type { JsonObject } from "./json.ts";
import { groupVersion, isReview, type Resource, resourcesOf } from "./resources.ts";
import type { Store } from "./store.ts";

const VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/** What a subresource is of, and can do. */
const SUBRESOURCES: Readonly<Record<string, { kind?: string; group?: string; version?: string; verbs: string[] }>> = {
  status: { verbs: ["get", "patch", "update"] },
  finalize: { verbs: ["update"] },
  log: { verbs: ["get"] },
  binding: { kind: "Binding", verbs: ["create"] },
  scale: { kind: "Scale", group: "autoscaling", version: "v1", verbs: ["get", "patch", "update"] },
  eviction: { kind: "Eviction", group: "policy", version: "v1", verbs: ["create"] },
};

const verbsOf = (resource: Resource): string[] => (isReview(resource) ? ["create"] : VERBS);

function plainResources(resource: Resource): JsonObject[] {
  const { plural, singular, namespaced, kind, shortNames, categories } = resource;
  return [
    {
      name: plural,
      singularName: singular,
      namespaced,
      kind,
      verbs: verbsOf(resource),
      ...(shortNames.length > 0 ? { shortNames: [...shortNames] } : {}),
      ...(categories.length > 0 ? { categories: [...categories] } : {}),
    },
    ...resource.subresources.map((name) => {
      const { verbs, ...type } = SUBRESOURCES[name] ?? { verbs: ["get"] };
      return { name: `${plural}/${name}`, singularName: "", namespaced, kind, ...type, verbs };
    }),
  ];
}

/**
 * The resources of one version of a group, `/api/v1` or `/apis/GROUP/VERSION`; undefined where it
 * is not served.
 */
export function resourceList(store: Store, apiVersion: string): JsonObject | undefined {
  const resources = resourcesOf(store).filter((resource) => groupVersion(resource) === apiVersion);
  if (resources.length === 0) return undefined;
  return {
    kind: "APIResourceList",
    apiVersion: "v1",
    groupVersion: apiVersion,
    resources: resources.flatMap(plainResources),
  };
}

const groupNames = (store: Store): string[] =>
  [...new Set(resourcesOf(store).map(({ group }) => group))].filter(Boolean);

const versionsOf = (store: Store, group: string): string[] => [
  ...new Set(
    resourcesOf(store)
      .filter((resource) => resource.group === group)
      .map(({ version }) => version),
  ),
];

function plainGroup(store: Store, name: string): JsonObject {
  const versions = versionsOf(store, name).map((version) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions, preferredVersion: versions[0] };
}

/** One group, `/apis/GROUP`; undefined where it is not served. */
export const groupOf = (store: Store, name: string): JsonObject | undefined =>
  groupNames(store).includes(name) ? { kind: "APIGroup", apiVersion: "v1", ...plainGroup(store, name) } : undefined;

/** All groups, `/apis`. */
export const groupList = (store: Store): JsonObject => ({
  kind: "APIGroupList",
  apiVersion: "v1",
  groups: groupNames(store).map((name) => plainGroup(store, name)),
});

/** The versions of the core group, `/api`. */
export const coreVersions = (): JsonObject => ({
  kind: "APIVersions",
  versions: ["v1"],
  serverAddressByClientCIDRs: [],
});

function aggregatedResource(resource: Resource): JsonObject {
  const { group, version, kind, plural, singular, namespaced, shortNames, categories, subresources } = resource;
  const responseKind = { group, version, kind };
  return {
    resource: plural,
    responseKind,
    scope: namespaced ? "Namespaced" : "Cluster",
    singularResource: singular,
    verbs: verbsOf(resource),
    shortNames: [...shortNames],
    categories: [...categories],
    subresources: subresources.map((subresource) => {
      const { verbs, ...type } = SUBRESOURCES[subresource] ?? { verbs: ["get"] };
      return { subresource, responseKind: { ...responseKind, ...type }, verbs };
    }),
  };
}

/** The content type of aggregated discovery. */
export const AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/** Whether a client takes discovery in one piece. */
export const takesAggregated = (accept: string): boolean =>
  accept.replaceAll(" ", "").includes("g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");

/** Everything in one piece: `/api` for the core group, `/apis` for the others. */
export function aggregated(store: Store, ofCore: boolean): JsonObject {
  const names = ofCore ? [""] : groupNames(store);
  return {
    kind: "APIGroupDiscoveryList",
    apiVersion: "apidiscovery.k8s.io/v2",
    metadata: {},
    items: names.map((name) => ({
      metadata: name === "" ? {} : { name },
      versions: versionsOf(store, name).map((version) => ({
        version,
        freshness: "Current",
        resources: resourcesOf(store)
          .filter((resource) => resource.group === name && resource.version === version)
          .map(aggregatedResource),
      })),
    })),
  };
}
