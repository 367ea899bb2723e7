import { once } from "../remember.ts";
import { backAt } from "./deployment.ts";
import { type DeployLimits, limitsOf } from "./limits.ts";
import { type ReleaseLock, withReleaseLock, overtaken } from "./release-lock.ts";
import { tellReady, waitForRelease } from "./ready-release.ts";
import type { Cluster, WritableCluster } from "../cluster/cluster.ts";
import { DeployError } from "../errors.ts";
import { type DeployEvent, operationEvents, type Tell } from "./events.ts";
import { redactDeployed, runningAmong } from "./deployed-secrets.ts";
import { NOTHING_CHANGED, tellingState } from "../parallel.ts";
import { lastGood } from "./good-revision.ts";
import type { ReleaseRevision } from "../cluster/helm-releases.ts";
import { goBackTo } from "./go-back.ts";
import { otherOfRevision } from "./rehearsal.ts";
import { type Release, releaseIn } from "../project/environment.ts";
import type { PlanOptions } from "./plan.ts";
import type { Project } from "../project/project.ts";
import { assertAbandoned } from "./repair.ts";

/**
 * What a rollback goes back from and to. Where the release is another by the time of it, it is
 * refused.
 */
export interface RollbackPlan {
  readonly release: string;
  readonly namespace: string;
  /** The current revision. */
  readonly from: ReleaseRevision;
  readonly to: ReleaseRevision;
}

export interface RollbackPlanOptions extends PlanOptions {
  /** The main release where left out. */
  readonly release?: string | undefined;
}

export interface RollbackOptions extends DeployLimits {
  /** Take up a release that was left half-way: somebody says that whatever was at it is dead. */
  readonly repair?: boolean;
}

/**
 * Finds out what a release goes back to. Nothing is changed.
 *
 * @param revision as `helm history` numbers them; the last good one that is not as the current one
 * where left out
 * @throws DeployError NO_SUCH_RELEASE, NO_REVISION; TOOL_FAILED, INTERRUPTED; what reading from the
 * cluster throws
 */
export function planRollback(
  cluster: Cluster,
  revision?: number,
  { release: named, signal }: RollbackPlanOptions = {},
): Promise<RollbackPlan> {
  return tellingState(
    async () => {
      const release = releaseIn(cluster.environment, named);
      const { name, namespace } = release;
      const revisions = await cluster.revisions(release, signal);
      const from = revisions.at(-1);
      const number =
        revision ??
        (from === undefined
          ? null
          : await lastGood(cluster, release, { upTo: from.number - 1, unlike: from.number }, signal));
      const to = revisions.find((one) => one.number === number);
      if (from !== undefined && to !== undefined) return { release: name, namespace, from, to };
      const kept = revisions.map(({ number: one, status }) => `${one} (${status})`).join(", ");
      const what = revision === undefined ? "good" : "such";
      throw new DeployError("NO_REVISION", `the release ${name} has no ${what} revision to go back to`, {
        hint: `Helm has kept: ${kept || "none"}`,
      });
    },
    () => NOTHING_CHANGED,
  );
}

/** A rollback in a line, for a terminal or a log. */
export const rollbackText = ({ release, namespace, from, to }: RollbackPlan): string =>
  `${release} in ${namespace}: revision ${from.number} (${from.status}) goes back to revision ${to.number} (${to.status})`;

/**
 * Makes an earlier revision of a release the current one, waits for its workloads, and gives what
 * happens.
 *
 * @throws DeployError STALE_PLAN before anything is changed; RELEASE_BUSY; TOOL_FAILED,
 * ROLLOUT_FAILED, INTERRUPTED; what the cluster's refusals are
 */
export function rollBack(
  project: Project,
  cluster: WritableCluster,
  plan: RollbackPlan,
  options: RollbackOptions = {},
): AsyncGenerator<DeployEvent, void, undefined> {
  return operationEvents("rollback", project, cluster, options.signal, async (tell, signal) => {
    const release = releaseIn(cluster.environment, `${plan.namespace}/${plan.release}`);
    const term = { revision: plan.from.number + 1, most: 3 * limitsOf(options).timeout * 1000 };
    let state = NOTHING_CHANGED;
    const onState = (now: string): void => {
      state = now;
    };
    await tellingState(
      () =>
        withReleaseLock(cluster, release, term, { tell, signal }, (lock) =>
          goBack({ project, cluster, release, plan, options, tell, lock, onState }),
        ),
      () => state,
    );
  });
}

interface RollbackParts {
  readonly project: Project;
  readonly cluster: WritableCluster;
  readonly release: Release;
  readonly plan: RollbackPlan;
  readonly options: RollbackOptions;
  readonly tell: Tell;
  readonly lock: ReleaseLock;
  /** Is told what is so of the release, in words, once that is another. */
  readonly onState: (state: string) => void;
}

async function goBack({ project, cluster, release, plan, options, tell, lock, onState }: RollbackParts): Promise<void> {
  const { signal } = lock;
  const { from, to: target } = plan;
  const to = target.number;
  const limits = limitsOf(options);
  const deadline = Date.now() + limits.timeout * 1000;
  const revisions = await cluster.revisions(release, signal);
  const last = revisions.at(-1);
  if (last?.uid !== from.uid || last.number !== from.number)
    throw new DeployError("STALE_PLAN", `somebody else changed the release ${release.name} meanwhile`, {
      hint: "nothing was changed; look at it again",
    });
  assertAbandoned(release.name, last, lock.previous, options.repair ?? false);
  await redactDeployed(cluster, release, runningAmong(revisions), signal);
  await lock.assertHeld();
  lock.begin();
  tell({ event: "rolling-back", release: release.name, to });
  const other = once(() => otherOfRevision(project, cluster, release, to, signal));
  const attempts = await goBackTo(project, cluster, release, to, { ...limits, lock, revisions, other });
  // Helm was not told to stop, and neither is the question what it made.
  const assertLast = async (): Promise<number> => {
    const now = (await cluster.revisions(release)).at(-1)?.number ?? null;
    if (now !== null && now > from.number && now <= from.number + attempts) return now;
    throw overtaken(release, now, tell);
  };
  const now = await assertLast();
  tell({ event: "rolled-back", release: release.name, to, revision: now });
  onState(`${backAt(release, to, now)}, and was not waited for`);
  await waitForRelease(cluster, release, now, { deadline, other, tell, signal });
  await assertLast();
  await tellReady(cluster, release, now, tell);
}
