import type { Cluster, WritableCluster } from "../cluster/cluster.ts";
import { ManifestMask } from "../secrets/mask-manifests.ts";
import { DeployError } from "../errors.ts";
import { recordReady } from "./good-revision.ts";
import type { ReleaseName } from "../cluster/helm-releases.ts";
import { readManifests } from "../helm/manifests.ts";
import { namesTold, type OtherContent, redactRendered } from "./rehearsal.ts";
import type { Tell } from "./events.ts";
import { placeObjects, type PlacedObject } from "../workloads/placed-object.ts";
import { areReady, isWaitedFor, waitForWorkloads } from "../workloads/readiness.ts";
import { workloadKind } from "../workloads/workload.ts";

/** The shortest time that workloads are watched, in ms: Helm may have used it all. */
const LOOK = 2000;

/** How long a release is waited for, and who is told. */
export interface ReleaseWait {
  /** In milliseconds since 1970. */
  readonly deadline: number;
  /** Gives the same with stand-ins for secrets, once something is to be told. */
  readonly other: () => Promise<OtherContent>;
  readonly tell: Tell;
  readonly signal: AbortSignal;
}

/**
 * The objects of a revision of a release, by Helm's record of it.
 *
 * @throws DeployError TOOL_FAILED where Helm cannot read it; INTERRUPTED, UNAUTHORIZED
 */
export async function objectsOf(
  cluster: Cluster,
  release: ReleaseName,
  revision: number,
  signal?: AbortSignal,
): Promise<readonly PlacedObject[]> {
  const { manifest } = await cluster.releases.record(release, revision, signal);
  return placeObjects(cluster, readManifests(manifest), release.namespace, signal);
}

/**
 * Waits until all objects of a revision of a release are there, and those that take their time are
 * ready, but for those that the settings leave out. It looks at them at least once.
 *
 * @throws DeployError ROLLOUT_FAILED, INTERRUPTED; TOOL_FAILED where Helm cannot read it
 */
export async function waitForRelease(
  cluster: Cluster,
  release: ReleaseName,
  revision: number,
  { deadline, other, tell, signal }: ReleaseWait,
): Promise<void> {
  const content = await cluster.releases.record(release, revision, signal);
  const start = Date.now();
  const manifests = readManifests(content.manifest);
  const all = await placeObjects(cluster, manifests, release.namespace, signal);
  const objects = all.filter((object) => isWaitedFor(cluster.environment, object));
  const tellAllReady = (): void => {
    const workloads = objects.filter(({ apiVersion, kind }) => workloadKind(apiVersion, kind) !== undefined).length;
    const leftOut = all.length - objects.length;
    tell({ event: "ready", release: release.name, workloads, leftOut, seconds: (Date.now() - start) / 1000 });
  };
  if (await areReady(cluster, objects, signal)) return tellAllReady();
  const twin = await other();
  redactRendered(cluster, content, twin);
  // What a Secret holds is secret in a log, though it may depend on no other.
  const mask = new ManifestMask(cluster.redactor);
  for (const { object } of manifests) mask.add(object, "none");
  const unready = await waitForWorkloads(cluster, objects, {
    deadline: Math.max(deadline, start + LOOK),
    signal,
    named: namesTold(cluster, twin),
    onProgress: (progress) => tell({ event: "progress", release: release.name, ...progress }),
  });
  if (unready.length === 0) return tellAllReady();
  for (const one of unready) tell({ event: "unready", release: release.name, ...one });
  const [first] = unready;
  const what = unready.map(({ workload }) => `${workload.kind} ${workload.name}`).join(", ");
  const why = first?.reasons[0] ?? first?.message ?? "";
  throw new DeployError("ROLLOUT_FAILED", `not ready: ${what} of the release ${release.name}: ${why}`);
}

/** Records that a revision was found ready. Where that fails, it runs none the less. */
export async function tellReady(
  cluster: WritableCluster,
  release: ReleaseName,
  revision: number,
  tell: Tell,
): Promise<void> {
  try {
    await recordReady(cluster, release, revision);
  } catch (error) {
    if (!(error instanceof DeployError)) throw error;
    const message = `revision ${revision} of ${release.name} is ready, but that could not be recorded, and it will not be gone back to: ${error.message}`;
    tell({ event: "warning", message });
  }
}
