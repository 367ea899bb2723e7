import { busy, ReleaseLease } from "../cluster/lease.ts";
import type { Cluster, WritableCluster } from "../cluster/cluster.ts";
import { type DeployEvent, operationEvents } from "./events.ts";
import { type ApplyOptions, Deployment } from "./deployment.ts";
import { NOTHING_CHANGED, tellingState } from "../parallel.ts";
import { isUnchangedRelease, type Plan } from "./plan.ts";
import { assertFresh } from "./plan-binding.ts";
import type { Project } from "../project/project.ts";
import { assertAllSet } from "./unset-values.ts";
import { assertRights } from "./rights.ts";
import { assertAbandoned } from "./repair.ts";

/**
 * Does what a plan says, release by release, and gives what happens. Told to stop, it lets Helm end
 * and clean up, and undoes the release that it was at unless `onFailure` is `leave`.
 *
 * @throws DeployError STALE_PLAN, UNSET_VALUE before anything is changed; RELEASE_BUSY; TOOL_FAILED
 * with Helm's reason; ROLLOUT_FAILED where a workload does not become ready; ROLLBACK_FAILED;
 * INTERRUPTED with the state that the release is in then; what the cluster's refusals are
 */
export function apply(
  project: Project,
  cluster: WritableCluster,
  plan: Plan,
  options: ApplyOptions = {},
): AsyncGenerator<DeployEvent, void, undefined> {
  return operationEvents("apply", project, cluster, options.signal, async (tell, signal) => {
    await tellingState(
      () => {
        assertAllSet(cluster.environment);
        return assertFresh(project, cluster, plan, signal);
      },
      () => NOTHING_CHANGED,
    );
    for (const [at, release] of cluster.environment.releases.entries()) {
      const planned = plan.releases[at];
      if (planned !== undefined)
        await new Deployment({ project, cluster, release, planned, made: plan.made, options, tell, signal }).run();
    }
  });
}

/**
 * Does all of `apply` that changes nothing: it finds out whether the plan is fresh, and whether
 * `apply` would refuse a release that another run is at, or left half-way.
 *
 * @throws DeployError STALE_PLAN, RELEASE_BUSY, FORBIDDEN; what reading from the cluster throws
 */
export async function checkPlan(
  project: Project,
  cluster: Cluster,
  plan: Plan,
  { signal, repair = false }: Pick<ApplyOptions, "signal" | "repair"> = {},
): Promise<void> {
  assertAllSet(cluster.environment);
  for (const release of await assertFresh(project, cluster, plan, signal)) {
    const { held, holder } = await ReleaseLease.look(cluster, release, signal);
    if (held) throw busy(release, "seems");
    if (release.revision !== null) assertAbandoned(release.name, release.revision, holder, repair);
  }
  const needs = plan.releases.filter((one) => !isUnchangedRelease(one)).flatMap((one) => one.needs);
  await assertRights(cluster, needs, signal ?? new AbortController().signal);
}
