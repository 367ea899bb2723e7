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
import { remember } from "../remember.ts";
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
   * are set back. `denied`: an admission policy denies what the plan changes of it. `refused`: the
   * cluster would not let it be written for another reason, or as it is.
   */
  readonly what: "gone" | "changed" | "denied" | "refused";
  /** Which fields, who set them and to what; why it is refused. One line. */
  readonly told: string;
}

/** How many objects are rehearsed at once. */
const MOST = 8;
/** Of a kind that has so many objects in a release, all are got by one list. */
const MANY = 8;
/** Helm marks so what it makes: the lists hold little else. */
const OF_HELM = { labelSelector: "app.kubernetes.io/managed-by=Helm" };
/** As which Helm writes. */
const MANAGER = "helm";

/** What others did, and of how many objects nothing can be said. */
export interface Drifts {
  readonly drift: readonly Drift[];
  /** Why some could not be rehearsed: the cluster's user lacks a right. Null where all could. */
  readonly unseen: string | null;
}

/** What is live of an object; and what it would be, or why it would not: null where it is gone. */
interface Observed {
  readonly live: KubernetesObject | null;
  readonly applied: KubernetesObject | DeployError | null;
}

/** What is live of the objects of a release: each is asked for once, and rehearsed. */
export class LiveObjects {
  readonly cluster: Cluster;
  readonly #release: ReleaseName;
  readonly #signal: AbortSignal;
  readonly #observed = new Map<string, Promise<Observed>>();
  readonly #lists = new Map<string, Promise<ReadonlyMap<string, KubernetesObject>>>();

  constructor(cluster: Cluster, release: ReleaseName, signal: AbortSignal) {
    this.cluster = cluster;
    this.#release = release;
    this.#signal = signal;
  }

  /**
   * Looks at objects.
   *
   * @param isRecorded whether Helm's record has one: it is not rehearsed where it is gone
   * @throws DeployError FORBIDDEN for one that may not be read; what else reading throws
   */
  async look<R>(
    placed: readonly PlacedManifest[],
    isRecorded: (one: PlacedManifest) => boolean,
    act: (one: PlacedManifest, observed: Promise<Observed>) => Promise<R>,
  ): Promise<R[]> {
    this.#list(placed);
    return inParallel(placed, MOST, (one) => {
      const key = JSON.stringify([one.path, one.manifest.text, isRecorded(one)]);
      return act(
        one,
        remember(this.#observed, key, () => this.#observe(one, isRecorded(one))),
      );
    });
  }

  /** Gets those of a kind at once where there are many. */
  #list(placed: readonly PlacedManifest[]): void {
    const counts = new Map<string, number>();
    for (const folder of placed.map(({ path }) => folderOf(path))) counts.set(folder, (counts.get(folder) ?? 0) + 1);
    for (const [folder, count] of counts)
      if (count >= MANY)
        remember(this.#lists, folder, async () => {
          const { items } = await this.cluster.list(folder, { query: OF_HELM, signal: this.#signal });
          return new Map(items.map((item) => [item.metadata.name, item]));
        }).catch(() => {});
  }

  async #observe(
    { path, apiVersion, kind, name, namespace, manifest }: PlacedManifest,
    isRecorded: boolean,
  ): Promise<Observed> {
    const { object } = manifest;
    // Without the right to list them, each is got by its name.
    const list = await this.#lists.get(folderOf(path))?.catch(() => null);
    const listed = list?.get(name);
    // What is in a list does not say its kind.
    const live =
      listed === undefined ? await this.cluster.get(path, { signal: this.#signal }) : { ...listed, apiVersion, kind };
    if (live === null && isRecorded) return { live, applied: null };
    const body = { ...object, metadata: { ...ownedBy(this.#release, mapAt(object, "metadata")), namespace } };
    try {
      return { live, applied: await this.cluster.rehearse(path, body, MANAGER, this.#signal) };
    } catch (error) {
      if (error instanceof DeployError) return { live, applied: error };
      throw error;
    }
  }
}

const folderOf = (path: string): string => path.slice(0, path.lastIndexOf("/"));

/**
 * Compares what a release is to be with what is live. Nothing is changed.
 *
 * @param before what Helm's record says: what it does not have was never there
 * @param placed what the release is to be
 * @param other gives that with stand-ins for secrets, once something is to be told
 * @throws DeployError what reading from the cluster throws
 */
export async function driftOf(
  objects: LiveObjects,
  before: readonly Manifest[],
  placed: readonly PlacedManifest[],
  other: () => Promise<OtherContent>,
): Promise<Drifts> {
  const { cluster } = objects;
  const recorded = new Map(before.map((manifest) => [identityOf(manifest), manifest.object]));
  const recordOf = ({ manifest }: PlacedManifest): Value | undefined => recorded.get(identityOf(manifest));
  const refused: DeployError[] = [];
  const found = await objects.look(
    placed,
    (one) => recordOf(one) !== undefined,
    async (one, observed) => {
      try {
        const told = driftIn(cluster, one, recordOf(one), await observed);
        return told === null ? null : { one, told };
      } catch (error) {
        if (!(error instanceof DeployError) || error.code !== "FORBIDDEN") throw error;
        refused.push(error);
        return null;
      }
    },
  );
  const drift = found.filter((one) => one !== null);
  const named = drift.length === 0 ? null : namesTold(cluster, await other());
  const [first] = refused;
  const unseen =
    first === undefined
      ? null
      : `what others changed of ${refused.length} of ${placed.length} objects, and whether they may be changed, is not known: ${cluster.tidy(first.message)}`;
  return { drift: drift.flatMap(({ one, told }) => (named === null ? [] : [{ ...named(one), ...told }])), unseen };
}

/** @throws DeployError FORBIDDEN where that is not known */
function driftIn(
  cluster: Cluster,
  { kind, manifest: { object } }: PlacedManifest,
  recorded: Value | undefined,
  { live, applied }: Observed,
): Pick<Drift, "what" | "told"> | null {
  if (applied === null) return { what: "gone", told: "it is gone, and is made again" };
  const isChange = recorded === undefined || !isDeepStrictEqual(recorded, object);
  if (!(applied instanceof DeployError)) {
    // What the plan itself changes is told as a change.
    if (live === null || isChange) return null;
    const fields = differences(contentOf(live), contentOf(applied));
    return fields.length === 0 ? null : { what: "changed", told: cluster.tidy(`${listed(fields)} is taken back`) };
  }
  const { code, status, message } = applied;
  if (code === "CONFLICT" && live !== null) return conflictTold(cluster, kind, message, live);
  if (code === "INTERRUPTED" || code === "UNAUTHORIZED") throw applied;
  // Who may not change it is one thing, what nobody may change another. Policies deny as invalid.
  const isDenied = (status === 403 || status === 422) && /denied (?:the )?request|admission/i.test(message);
  if (code === "FORBIDDEN" && !isDenied) throw applied;
  // A namespace that is yet to be made, or what cannot be rehearsed, says nothing.
  const isRefusal = isDenied || status === 422 || status === 400;
  if (!isRefusal || /dry.?run/i.test(message)) return null;
  // What stays as it is need not be written: Helm 3 leaves it alone.
  return { what: isDenied && isChange ? "denied" : "refused", told: `it would be refused: ${cluster.tidy(message)}` };
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
