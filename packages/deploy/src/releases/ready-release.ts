import type { Cluster, WritableCluster } from "../cluster/cluster.ts";
import { ManifestMask } from "../secrets/mask-manifests.ts";
import { DeployError } from "../errors.ts";
import { recordReady } from "./good-revision.ts";
import type { ReleaseName } from "../cluster/helm-releases.ts";
import { readManifests } from "../helm/manifests.ts";
import type { Tell } from "./events.ts";
import { waitForWorkloads } from "../workloads/readiness.ts";
import { workloadsAmong } from "../workloads/workload.ts";

/** The shortest time that workloads are watched, in ms: Helm may have used it all. */
const LOOK = 2000;

/**
 * Waits for the workloads of a revision of a release, and looks at them at least once.
 *
 * @throws DeployError ROLLOUT_FAILED, INTERRUPTED; TOOL_FAILED where Helm cannot read it
 */
export async function waitForRelease(
  cluster: Cluster,
  release: ReleaseName,
  revision: number,
  { deadline, tell, signal }: { readonly deadline: number; readonly tell: Tell; readonly signal: AbortSignal },
): Promise<void> {
  const { manifest } = await cluster.releases.deployed(release, revision, signal);
  const manifests = readManifests(manifest);
  const start = Date.now();
  // A chart may make secrets of its own.
  const mask = new ManifestMask(cluster.redactor);
  for (const { object } of manifests) mask.add(object);
  const workloads = workloadsAmong(manifests, release.namespace);
  const unready = await waitForWorkloads(cluster, workloads, {
    deadline: Math.max(deadline, start + LOOK),
    signal,
    onProgress: (progress) => tell({ event: "progress", release: release.name, ...progress }),
  });
  if (unready.length === 0) {
    tell({ event: "ready", release: release.name, workloads: workloads.length, seconds: (Date.now() - start) / 1000 });
    return;
  }
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
