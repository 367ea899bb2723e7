/*
 * Reading objects of the Kubernetes API, from a cluster or as a chart renders them. Whatever is
 * missing, or is not of the kind that is asked for, is taken as empty: an API server checks them.
 */
import type { KubernetesObject } from "./api.ts";
import type { Cluster } from "./cluster.ts";
import type { ReadOptions } from "./requests.ts";
import { DeployError } from "../errors.ts";
import { sharedSignal } from "../parallel.ts";
import { at, isMap, listAt, mapAt, textAt, type ValueMap } from "../values/value.ts";

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

export const kindOf = (object: KubernetesObject): string => textAt(object, "kind");

/** Those of one kind among objects. */
export const ofKind = (kind: string, objects: readonly KubernetesObject[]): KubernetesObject[] =>
  objects.filter((object) => kindOf(object) === kind);

export const nameOf = (object: KubernetesObject): string => textAt(object, "metadata", "name");
export const namespaceOf = (object: KubernetesObject): string => textAt(object, "metadata", "namespace");
export const labelsOf = (object: KubernetesObject): ValueMap => mapAt(object, "metadata", "labels");
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
export function fitsSelector(labels: Labels, selector: unknown): boolean {
  if (!isMap(selector)) return false;
  const fitsLabels = Object.entries(mapAt(selector, "matchLabels")).every(([key, value]) => labels[key] === value);
  return fitsLabels && listAt(selector, "matchExpressions").every((expression) => fitsExpression(labels, expression));
}

type Labels = Readonly<Record<string, unknown>>;

/** Whether labels fit an expression; `otherwise` where its operator is not known. */
export function fitsExpression(labels: Labels, expression: unknown, otherwise = false): boolean {
  const value = at(labels, textAt(expression, "key"));
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
      return otherwise;
  }
}

/** The specifications of the pods that an object makes; a list's, those of all of its objects. */
export function podSpecsOf(object: unknown): ValueMap[] {
  const kind = textAt(object, "kind");
  if (kind === "List") return listAt(object, "items").flatMap(podSpecsOf);
  const spec = at(object, ...(POD_SPECS.get(kind) ?? ["spec", "template", "spec"]));
  return isMap(spec) ? [spec] : [];
}

/** Where those kinds have it that do not make pods by `spec.template`. */
const POD_SPECS = new Map([
  ["Pod", ["spec"]],
  ["PodTemplate", ["template", "spec"]],
  ["CronJob", ["spec", "jobTemplate", "spec", "template", "spec"]],
]);

/** By the suffixes of quantities. */
const FACTORS = new Map<string, number>([
  ...["n", "u", "m", "", "k", "M", "G", "T", "P", "E"].map(
    (suffix, step) => [suffix, Number(`1e${3 * step - 9}`)] as const,
  ),
  ...["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].map((suffix, step) => [suffix, 1024 ** (step + 1)] as const),
]);

/** A Kubernetes quantity: `250m` cores, `1.5Gi` bytes, `1e3`, `110`; anything else is 0. */
export function readQuantity(value: unknown): number {
  if (typeof value === "number") return value;
  if (typeof value !== "string") return 0;
  const [, digits, suffix = ""] =
    /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([numkKMGTPE]?i?)$/.exec(value.trim()) ?? [];
  return digits === undefined ? 0 : Number(digits) * (FACTORS.get(suffix) ?? 0);
}
