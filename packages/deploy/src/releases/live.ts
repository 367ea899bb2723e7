/*
 * What Helm's record of a release does not tell: what others changed or removed since, and what the
 * cluster would refuse. Each object is rehearsed on the server (a dry run of a server-side apply),
 * where defaults, admission and rights count:
 * https://kubernetes.io/docs/reference/using-api/server-side-apply/
 */
import { isDeepStrictEqual } from "node:util";
import type { KubernetesObject } from "../cluster/api.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { ReleaseName } from "../cluster/helm-releases.ts";
import { DeployError } from "../errors.ts";
import type { Manifest } from "../helm/manifests.ts";
import { inParallel } from "../parallel.ts";
import { identityOf } from "../secrets/twins.ts";
import { namesTold, type OtherContent } from "./rehearsal.ts";
import { isMap, listAt, mapAt, type Value, type ValueMap } from "../values/value.ts";
import type { PlacedManifest } from "../workloads/placed-object.ts";

/** What an apply meets in the cluster. It holds no secret. */
export interface Drift {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /**
   * `gone`: somebody removed it, and it is made again. `changed`: somebody set fields of it, which
   * are set back. `refused`: the cluster would not let it be changed.
   */
  readonly what: "gone" | "changed" | "refused";
  /** Which fields, who set them and to what; why it is refused. One line. */
  readonly told: string;
}

/** How many objects are rehearsed at once. */
const MOST = 8;
/** As which Helm writes. */
const MANAGER = "helm";

/** What others did, and of how many objects nothing can be said. */
export interface Drifts {
  readonly drift: readonly Drift[];
  /** Why some could not be rehearsed: the cluster's user lacks a right. Null where all could. */
  readonly unseen: string | null;
}

interface DriftOptions {
  readonly release: ReleaseName;
  readonly other: () => Promise<OtherContent>;
  readonly signal: AbortSignal;
}

/**
 * Compares what a release is to be with what is live. Nothing is changed.
 *
 * @param before what Helm's record says: what it does not have was never there
 * @param placed what the release is to be
 * @param other gives that with stand-ins for secrets, once something is to be told
 * @throws DeployError what reading from the cluster throws
 */
export async function driftOf(
  cluster: Cluster,
  before: readonly Manifest[],
  placed: readonly PlacedManifest[],
  { release, other, signal }: DriftOptions,
): Promise<Drifts> {
  const recorded = new Map(before.map((manifest) => [identityOf(manifest), manifest.object]));
  const refused: DeployError[] = [];
  const found = await inParallel(placed, MOST, async (one) => {
    const known = recorded.get(identityOf(one.manifest));
    const told = await driftIn(cluster, release, one, known, signal).catch((error: unknown) => {
      if (!(error instanceof DeployError) || error.code !== "FORBIDDEN") throw error;
      refused.push(error);
      return null;
    });
    return told === null ? null : { one, told };
  });
  const drift = found.filter((one) => one !== null);
  const named = drift.length === 0 ? null : namesTold(cluster, await other());
  const [first] = refused;
  const unseen =
    first === undefined
      ? null
      : `what others changed of ${refused.length} of ${placed.length} objects, and whether they may be changed, is not known: ${cluster.tidy(first.message)}`;
  return { drift: drift.flatMap(({ one, told }) => (named === null ? [] : [{ ...named(one), ...told }])), unseen };
}

async function driftIn(
  cluster: Cluster,
  release: ReleaseName,
  { path, kind, namespace, manifest: { object } }: PlacedManifest,
  recorded: Value | undefined,
  signal: AbortSignal,
): Promise<Pick<Drift, "what" | "told"> | null> {
  const live = await cluster.get(path, { signal });
  if (live === null && recorded !== undefined) return { what: "gone", told: "it is gone, and is made again" };
  try {
    const body = { ...object, metadata: { ...ownedBy(release, mapAt(object, "metadata")), namespace } };
    const applied = await cluster.rehearse(path, body, MANAGER, signal);
    // What the plan itself changes is told as a change.
    if (live === null || recorded === undefined || !isDeepStrictEqual(recorded, object)) return null;
    const fields = differences(contentOf(live), contentOf(applied));
    return fields.length === 0 ? null : { what: "changed", told: cluster.tidy(`${listed(fields)} is taken back`) };
  } catch (error) {
    if (!(error instanceof DeployError)) throw error;
    if (error.code === "CONFLICT" && live !== null) return conflictTold(cluster, kind, error.message, live);
    if (error.code === "INTERRUPTED" || error.code === "UNAUTHORIZED") throw error;
    // Who may not change it is one thing, what nobody may change another.
    const isDenied = error.status === 403 && /denied (?:the )?request|admission/i.test(error.message);
    if (error.code === "FORBIDDEN" && !isDenied) throw error;
    // A namespace that is yet to be made, or what cannot be rehearsed, says nothing.
    const isRefusal = isDenied || error.status === 422 || error.status === 400;
    if (!isRefusal || /dry.?run/i.test(error.message)) return null;
    return { what: "refused", told: `it would be refused: ${cluster.tidy(error.message)}` };
  }
}

/** The metadata that Helm gives each object of a release, beside the chart's. */
const ownedBy = ({ name, namespace }: ReleaseName, metadata: ValueMap): ValueMap => ({
  ...metadata,
  labels: { ...mapAt(metadata, "labels"), "app.kubernetes.io/managed-by": "Helm" },
  annotations: {
    ...mapAt(metadata, "annotations"),
    "meta.helm.sh/release-name": name,
    "meta.helm.sh/release-namespace": namespace,
  },
});

/** Who set which fields, as the API server tells of a conflict; null where that is Helm itself. */
function conflictTold(
  cluster: Cluster,
  kind: string,
  message: string,
  live: KubernetesObject,
): Pick<Drift, "what" | "told"> | null {
  const others = message
    .split(/conflicts? with "/)
    .slice(1)
    .flatMap((part) => {
      const [, manager = "", rest = ""] = /^([^"]*)"[^:]*:(.*)$/s.exec(part) ?? [];
      if (manager === MANAGER) return [];
      const fields = rest.split(/[\s-]+(?=\.)|\s+/).filter((field) => field.startsWith("."));
      return [`${listed(fields.map((field) => `${field}${shown(kind, field, live)}`))} was set by ${manager}`];
    });
  if (others.length === 0) return null;
  return { what: "changed", told: cluster.tidy(`${others.join("; ")}: taken back`) };
}

/** What a field was set to, where that is no secret by its nature. */
function shown(kind: string, field: string, live: KubernetesObject): string {
  const value = valueAt(live, field);
  const isPlain = typeof value === "number" || typeof value === "boolean" || field.endsWith(".image");
  return kind === "Secret" || !isPlain ? "" : ` (${String(value)})`;
}

/** What lies at a path such as `.spec.containers[name="web"].image`. */
function valueAt(object: unknown, field: string): unknown {
  let value = object;
  for (const [, key, choice] of field.matchAll(/\.([^.[\]]+)|\[([^\]]*)\]/g)) {
    if (key !== undefined) value = isMap(value) ? value[key] : undefined;
    else {
      const [by = "", wanted = ""] = (choice ?? "").split("=");
      value = listAt(value).find((item) => isMap(item) && JSON.stringify(item[by]) === wanted);
    }
  }
  return value;
}

const MOST_FIELDS = 5;
const listed = (fields: readonly string[]): string =>
  fields.slice(0, MOST_FIELDS).join(", ") +
  (fields.length > MOST_FIELDS ? ` and ${fields.length - MOST_FIELDS} more` : "");

/** An object without what the server keeps of it. */
function contentOf(object: KubernetesObject): unknown {
  const { metadata, ...rest } = object;
  const { labels, annotations } = metadata;
  const content: Record<string, unknown> = { ...rest, metadata: { labels, annotations } };
  delete content["status"];
  return content;
}

/** The paths of what differs. */
function differences(a: unknown, b: unknown, path = ""): string[] {
  if (isDeepStrictEqual(a, b)) return [];
  if (!isMap(a) || !isMap(b)) return [path];
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap((key) =>
    differences(a[key], b[key], `${path}.${key}`),
  );
}
