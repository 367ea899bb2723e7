import type { Cluster, WritableCluster } from "../cluster/cluster.ts";
import { DeployError } from "../errors.ts";
import type { Tell } from "./events.ts";
import { goBackTo } from "./go-back.ts";
import { lastGood } from "./good-revision.ts";
import { recordPath, type ReleaseName, type ReleaseRevision } from "../cluster/helm-releases.ts";
import { type LeaseHolder, ReleaseLease } from "../cluster/lease.ts";
import type { Release } from "../project/environment.ts";
import type { ReleaseLock } from "./release-lock.ts";
import type { Project } from "../project/project.ts";

export interface RepairOptions {
  readonly project: Project;
  readonly release: Release;
  readonly revisions: readonly ReleaseRevision[];
  readonly timeout: number;
  readonly history: number;
  readonly lock: Pick<ReleaseLock, "assertHeld">;
  readonly tell: Tell;
  readonly signal: AbortSignal;
}

/** Whether a run is at a release, or died at it: Helm refuses to touch it then. */
export const isPending = (revision: ReleaseRevision | undefined): boolean =>
  revision?.status.startsWith("pending-") === true;

/**
 * Asserts that whatever left a release half-way, if it is so, is dead. A run of ours tells when its
 * Helm has ended for sure; of others, nothing is known.
 *
 * @throws DeployError RELEASE_BUSY
 */
export function assertAbandoned(
  release: string,
  last: ReleaseRevision,
  previous: LeaseHolder | null,
  force: boolean,
): void {
  if (!isPending(last) || isDead(last, previous) || force) return;
  const when =
    previous === null ? "" : `; the run that did so has ended for sure at ${new Date(previous.end).toISOString()}`;
  throw new DeployError("RELEASE_BUSY", `the release ${release} is ${last.status}: somebody may be at it${when}`, {
    hint: "where you know that nobody is, repair it",
    remedy: "repair",
  });
}

const isDead = ({ number }: ReleaseRevision, previous: LeaseHolder | null): boolean =>
  previous !== null && previous.revision <= number && previous.end < Date.now();

/** What a deployment makes of a release that is half-way, as things are now. */
export interface PendingRelease {
  /**
   * `repairs`: it goes on from the last good revision. `waits`: it refuses while another run is at
   * it. `refuses`: unless told to repair.
   */
  readonly apply: "repairs" | "waits" | "refuses";
  /** When the run that left it has ended for sure (ISO 8601, UTC); null where that is not known. */
  readonly until: string | null;
}

/** @returns null where the release is not half-way */
export async function pendingReleaseOf(
  cluster: Cluster,
  release: ReleaseName,
  last: ReleaseRevision | null,
  signal?: AbortSignal,
): Promise<PendingRelease | null> {
  if (last === null || !isPending(last)) return null;
  const { held, holder } = await ReleaseLease.look(cluster, release, signal);
  const until = holder === null ? null : new Date(holder.end).toISOString();
  if (held) return { apply: "waits", until };
  return { apply: isDead(last, holder) ? "repairs" : "refuses", until };
}

/**
 * Makes a release that was left half-way one that Helm takes again: it goes back to its last good
 * revision; where there is none, only Helm's record of the attempt is removed, and what it made
 * stays to be taken over. Nothing is done where nothing is half-way. What was at it must be dead:
 * {@link assertAbandoned}.
 *
 * @throws DeployError TOOL_FAILED, INTERRUPTED; what the cluster's refusals are
 */
export async function repair(cluster: WritableCluster, options: RepairOptions): Promise<void> {
  const { project, release, revisions, timeout, history, lock, tell, signal } = options;
  const last = revisions.at(-1);
  if (last === undefined || !isPending(last)) return;
  const good = await lastGood(cluster, release, { upTo: last.number }, signal);
  if (good !== null) await goBackTo(project, cluster, release, good, { timeout, history, lock, revisions });
  else
    for (const { number, status } of revisions)
      if (status.startsWith("pending-")) await cluster.send(recordPath(release, number), { method: "DELETE", signal });
  tell({ event: "repaired", release: release.name, revision: last.number, status: last.status });
}
