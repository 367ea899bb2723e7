import type { Cluster } from "../cluster/cluster.ts";
import { hiddenPart, isPlaceholder, isSensitive, looksSecret, type SecretText } from "../secrets/sensitive.ts";
import { orElse } from "../errors.ts";
import type { RecordedRevision, ReleaseRevision } from "../cluster/helm-releases.ts";
import { inParallel } from "../parallel.ts";
import type { Release } from "../project/environment.ts";
import type { Leaf } from "../values/merge.ts";
import type { StandIns } from "../secrets/stand-ins.ts";
import { formatPath, isMap, type Path, textsIn, type Value, type ValueMap } from "../values/value.ts";
import { remember } from "../remember.ts";

/** How many revisions are read at the same time. */
const MOST_READ = 4;

/** What each cluster's redactor has learnt, or is learning: no revision is read twice. */
const learnt = new WeakMap<Cluster, Map<string, Promise<void>>>();

/**
 * Makes known to the cluster's redactor what may be secret in the values that revisions of a
 * release were deployed with. Do so before anything is told that comes from them, such as a log:
 * the commit may have other secrets.
 *
 * @throws DeployError TOOL_FAILED where Helm cannot read one, INTERRUPTED
 */
export async function redactDeployed(
  cluster: Cluster,
  release: Release,
  revisions: readonly ReleaseRevision[],
  signal?: AbortSignal,
): Promise<void> {
  const known = remember(learnt, cluster, () => new Map());
  await inParallel(revisions, MOST_READ, ({ uid, number }) => {
    // Its number alone would not do: a release that was removed and installed again has the same
    // ones.
    const job = remember(known, uid, () => learn(cluster, release, number, signal));
    job.catch(() => known.delete(uid));
    return job;
  });
}

async function learn(cluster: Cluster, release: Release, revision: number, signal?: AbortSignal): Promise<void> {
  const { values: deployed } = await cluster.releases.record(release, revision, signal);
  const helm = await cluster.releases.version();
  // Of values that cannot be read nothing is known to be public: a rollback goes on without them.
  const current = orElse<Leaf[]>([], () => [...release.values({ helm }).leaves()]);
  for (const secret of secretsAmong(deployed, current))
    cluster.redactor.add(secret.text, "deployed", { sure: looksSecret(secret) });
}

/**
 * Does so for all that runs of the releases of the cluster's environment. @throws DeployError as
 * {@link redactDeployed}
 */
export async function redactRunning(cluster: Cluster, signal?: AbortSignal): Promise<void> {
  await Promise.all(
    cluster.environment.releases.map(async (release) => {
      await redactDeployed(cluster, release, runningAmong(await cluster.revisions(release, signal)), signal);
    }),
  );
}

/**
 * The revisions of a release that pods may be of: the last one, that which was deployed last, and
 * all since one was found ready, as pods of those that were not may still be there; where none is
 * known to have been, the one before the last.
 */
export function runningAmong(revisions: readonly RecordedRevision[]): RecordedRevision[] {
  const ready = revisions.findLastIndex((revision) => revision.ready);
  const deployed = revisions.findLastIndex(({ status }) => status === "deployed");
  const first = ready === -1 ? revisions.length - 2 : ready;
  return revisions.filter((_, at) => at === deployed || at >= first);
}

/**
 * The values of a deployed release that may be secret. It was deployed from another commit, whose
 * secrets may have been others, and in other places: so all are but those at a path where a plain
 * layer sets a value now, and that do not look like a secret.
 *
 * The chart's own values say nothing: what is deployed was set over them. Nor does an empty value
 * or a placeholder, which stands where a layer of secrets was to set another.
 */
function* secretsAmong(deployed: Value, current: readonly Leaf[]): Generator<SecretText> {
  const maybeSecret = secretPaths(current);
  for (const { path, text } of textsIn(deployed)) if (maybeSecret(path, text)) yield { path, text };
}

/** Tells which values of a deployed release may be secret, by what sets them now. */
function secretPaths(current: readonly Leaf[]): (path: Path, text: string) => boolean {
  const plain = new Set(current.filter(isPublic).map(({ path }) => formatPath(path)));
  const isPlain = (path: Path): boolean => path.some((_, at) => plain.has(formatPath(path.slice(0, at + 1))));
  return (path, text) => !isPlain(path) || isSensitive(path) || hiddenPart({ text, path }) !== null;
}

/**
 * The values that a revision was deployed with, and the same with stand-ins for what may be secret.
 */
export async function deployedTwins(
  cluster: Cluster,
  release: Release,
  revision: number,
  standIns: StandIns,
  signal?: AbortSignal,
): Promise<readonly [values: ValueMap, twin: ValueMap]> {
  const { values: deployed } = await cluster.releases.record(release, revision, signal);
  const helm = await cluster.releases.version();
  const maybeSecret = secretPaths(orElse<Leaf[]>([], () => [...release.values({ helm }).leaves()]));
  const twinOf = (value: Value, path: Path): Value => {
    if (Array.isArray(value)) return value.map((item, at) => twinOf(item, [...path, at]));
    if (isMap(value)) return mapTwin(value, path);
    return maybeSecret(path, String(value)) ? standIns.of(value) : value;
  };
  const mapTwin = (map: ValueMap, path: Path): ValueMap =>
    Object.fromEntries(Object.entries(map).map(([key, inner]) => [key, twinOf(inner, [...path, key])]));
  return [deployed, mapTwin(deployed, [])];
}

const isPublic = ({ secret, setting, value }: Leaf): boolean =>
  !secret &&
  setting.layer.role !== "defaults" &&
  value !== null &&
  !(typeof value === "string" && isPlaceholder(value)) &&
  !(isMap(value) && Object.keys(value).length === 0) &&
  !(Array.isArray(value) && value.length === 0);
