/*
 * Which revision a release goes back to. Helm's record does not tell which one was ever ready:
 * "deployed" and "superseded" say that Helm did its part. So a run of ours writes a label to Helm's
 * record of a revision, once it found all of it ready. Helm keeps labels when it writes the record
 * again, and hands them down to the next revisions: so the label's value is the revision that it is
 * true of. The record is in the cluster, so that every machine finds it, and goes with the
 * revision; to write it needs no right that Helm does not need itself.
 */
import type { Cluster, WritableCluster } from "../cluster/cluster.ts";
import { DeployError } from "../errors.ts";
import { READY_LABEL, type RecordedRevision, type ReleaseName, recordPath } from "../cluster/helm-releases.ts";

/** What a run of ours writes to Helm's history for a revision that it makes. */
export const descriptionOf = (commit: string): string => `git-vault ${commit}`;

const OURS = /^git-vault ([\da-f]{40,64})$/;
const ROLLBACK = /^Rollback to (\d+)$/;
/** What Helm writes over the description of what failed; "superseded" it calls that later, too. */
const FAILED = /^(?:Release|Upgrade|Rollback) ".*?" failed: /s;
/** How often a record is re-read and written if somebody else changes it. */
const ATTEMPTS = 5;

interface Described extends RecordedRevision {
  readonly description: string;
}

/** Which revisions are asked for. */
export interface Wanted {
  /** Those up to it. */
  readonly upTo: number;
  /** Except those with this one's content, by Helm's record of rollbacks. */
  readonly unlike?: number;
}

/**
 * The last revision of a release that is known to be good; null where none is. Good is what a run
 * of ours found ready, and what somebody else deployed, of which no more is known than that Helm
 * did its part. Not good is what a run of ours deployed and did not find ready, and what a rollback
 * jumped over. What was made by a rollback is as good as what it went back to.
 *
 * @throws DeployError TOOL_FAILED, INTERRUPTED; what reading from the cluster throws
 */
export async function lastGood(
  cluster: Cluster,
  release: ReleaseName,
  { upTo, unlike }: Wanted,
  signal?: AbortSignal,
): Promise<number | null> {
  const descriptions = await cluster.releases.descriptions(release, signal);
  const revisions = (await cluster.revisions(release, signal)).map((revision) =>
    Object.assign(revision, { description: descriptions.get(revision.number) ?? "" }),
  );
  const byNumber = new Map(revisions.map((revision) => [revision.number, revision]));
  const rollbacks = revisions.flatMap((revision) => {
    const to = rolledBackTo(revision);
    return to === null ? [] : [{ from: revision.number, to }];
  });
  const isJumped = ({ number }: Described): boolean => rollbacks.some(({ from, to }) => number > to && number < from);
  const isGood = (revision: Described): boolean => {
    if (revision.status !== "deployed" && revision.status !== "superseded") return false;
    if (revision.ready) return true;
    const to = rolledBackTo(revision);
    // Of what a run of ours made, no more is known than whether it was ready.
    if (to === null)
      return revision.run === null && !OURS.test(revision.description) && !FAILED.test(revision.description);
    // Of one that Helm has not kept, nothing is known any more.
    const target = byNumber.get(to);
    return target === undefined || isGood(target);
  };
  const originOf = (number: number): number => {
    const revision = byNumber.get(number);
    const to = revision === undefined ? null : rolledBackTo(revision);
    return to === null ? number : originOf(to);
  };
  const good = revisions.findLast(
    (revision) =>
      revision.number <= upTo &&
      !isJumped(revision) &&
      isGood(revision) &&
      (unlike === undefined || originOf(revision.number) !== originOf(unlike)),
  );
  return good?.number ?? null;
}

/**
 * The commit that a revision was deployed from, or that which a rollback went back to; null where
 * Helm's history does not tell it.
 *
 * @throws DeployError TOOL_FAILED, INTERRUPTED
 */
export async function deployedCommit(
  cluster: Cluster,
  release: ReleaseName,
  revision: number,
  signal?: AbortSignal,
): Promise<string | null> {
  const descriptions = await cluster.releases.descriptions(release, signal);
  for (let number: number | null = revision; number !== null;) {
    const description: string = descriptions.get(number) ?? "";
    const [, commit] = OURS.exec(description) ?? [];
    if (commit !== undefined) return commit;
    const to: number = Number(ROLLBACK.exec(description)?.[1] ?? number);
    number = to < number ? to : null;
  }
  return null;
}

/** The revision a rollback copied; null for other revisions. */
function rolledBackTo({ number, description }: Described): number | null {
  const to = Number(ROLLBACK.exec(description)?.[1] ?? number);
  return to < number ? to : null;
}

/**
 * Records that all of a revision was found ready.
 *
 * @throws DeployError CONFLICT where others change the record all the time; NO_SUCH_OBJECT where
 * Helm has not kept it; what changing the cluster throws
 */
export async function recordReady(cluster: WritableCluster, release: ReleaseName, revision: number): Promise<void> {
  const path = recordPath(release, revision);
  for (let attempt = 1; ; attempt += 1) {
    const record = await cluster.get(path);
    if (record === null)
      throw new DeployError("NO_SUCH_OBJECT", `Helm has no record of revision ${revision} of ${release.name}`);
    const labels = { ...record.metadata.labels, [READY_LABEL]: `${revision}` };
    try {
      await cluster.send(path, { method: "PUT", body: { ...record, metadata: { ...record.metadata, labels } } });
      return;
    } catch (error) {
      if (!(error instanceof DeployError) || error.code !== "CONFLICT" || attempt >= ATTEMPTS) throw error;
    }
  }
}
