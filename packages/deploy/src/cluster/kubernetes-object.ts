/*
 * Reading objects of the Kubernetes API. Whatever is missing, or is not of the kind that is asked
 * for, is taken as empty: an API server checked them before.
 */
import type { KubernetesObject, ReadOptions } from "./api.ts";
import type { Cluster } from "./cluster.ts";
import { DeployError } from "../errors.ts";
import { sharedSignal } from "../parallel.ts";
import type { Path } from "../values/value.ts";

export type { KubernetesObject } from "./api.ts";

/** A kind of object, and the path of all of them. */
export interface Kind {
  readonly kind: string;
  /** `/apis/GROUP/VERSION`, or `/api/v1`. */
  readonly api: string;
  readonly plural: string;
  /** Whether its objects lie in no namespace. */
  readonly clusterWide?: true;
  /**
   * Whether it is done without where the cluster's user may not read it. A cluster that does not
   * have the kind has no objects of it.
   */
  readonly optional?: true;
}

/**
 * All objects of some kinds, in some namespaces where they are named. Each says its kind, which an
 * API server leaves out in lists.
 */
export async function readKinds(
  cluster: Cluster,
  kinds: readonly Kind[],
  { namespaces, signal }: { readonly namespaces?: readonly string[] } & Pick<ReadOptions, "signal"> = {},
): Promise<KubernetesObject[]> {
  const shared = sharedSignal(signal);
  const places = namespaces?.map((namespace) => `/namespaces/${namespace}`) ?? [""];
  const read = async ({ kind, api, plural, optional }: Kind, place: string): Promise<KubernetesObject[]> => {
    try {
      const { items } = await cluster.list(`${api}${place}/${plural}`, { signal: shared });
      return items.map((object) => Object.assign(object, { kind }));
    } catch (error) {
      if (optional === true && error instanceof DeployError && error.code === "FORBIDDEN") return [];
      throw error;
    }
  };
  const lists = await Promise.all(
    kinds.flatMap((kind) => (kind.clusterWide === true ? [""] : places).map((place) => read(kind, place))),
  );
  return lists.flat();
}

type JsonMap = Readonly<Record<string, unknown>>;

const isMap = (value: unknown): value is JsonMap =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What lies at a path, if anything does. */
export function at(value: unknown, ...path: Path): unknown {
  let found: unknown = value;
  for (const step of path) {
    if (typeof step === "number") found = Array.isArray(found) ? found[step] : undefined;
    else found = isMap(found) && Object.hasOwn(found, step) ? found[step] : undefined;
  }
  return found;
}

export function textAt(value: unknown, ...path: Path): string {
  const found = at(value, ...path);
  return typeof found === "string" ? found : "";
}

export function numberAt(value: unknown, ...path: Path): number {
  const found = at(value, ...path);
  return typeof found === "number" ? found : 0;
}

export function listAt(value: unknown, ...path: Path): readonly unknown[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
}

export function mapAt(value: unknown, ...path: Path): JsonMap {
  const found = at(value, ...path);
  return isMap(found) ? found : {};
}

export const kindOf = (object: KubernetesObject): string => textAt(object, "kind");
export const nameOf = (object: KubernetesObject): string => textAt(object, "metadata", "name");
export const namespaceOf = (object: KubernetesObject): string => textAt(object, "metadata", "namespace");
export const labelsOf = (object: KubernetesObject): JsonMap => mapAt(object, "metadata", "labels");
export const annotationOf = (object: KubernetesObject, key: string): string =>
  textAt(object, "metadata", "annotations", key);

/** The controller that made an object, if one did. */
export const controllerOf = (object: KubernetesObject): unknown =>
  listAt(object, "metadata", "ownerReferences").find((owner) => at(owner, "controller") === true);

/** A condition of its status, by its type. */
export const conditionOf = (object: KubernetesObject, type: string): unknown =>
  listAt(object, "status", "conditions").find((condition) => textAt(condition, "type") === type);

/** Whether `owner` is among the owners of `object`. */
export const isOwnedBy = (object: KubernetesObject, owner: KubernetesObject): boolean =>
  listAt(object, "metadata", "ownerReferences").some(
    (reference) => textAt(reference, "uid") === textAt(owner, "metadata", "uid"),
  );

/**
 * Whether labels fit a LabelSelector, as budgets and workloads have them. An empty one fits
 * everything, none at all fits nothing.
 */
export function fitsSelector(labels: JsonMap, selector: unknown): boolean {
  if (!isMap(selector)) return false;
  const fitsLabels = Object.entries(mapAt(selector, "matchLabels")).every(([key, value]) => labels[key] === value);
  return fitsLabels && listAt(selector, "matchExpressions").every((expression) => fitsExpression(labels, expression));
}

function fitsExpression(labels: JsonMap, expression: unknown): boolean {
  const value = labels[textAt(expression, "key")];
  const isListed = value !== undefined && listAt(expression, "values").includes(value);
  switch (textAt(expression, "operator")) {
    case "In":
      return isListed;
    case "NotIn":
      return !isListed;
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    default:
      return false;
  }
}
