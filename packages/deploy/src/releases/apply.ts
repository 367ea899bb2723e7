import { plural } from "@git-vault/core";
import { busy, ReleaseLease } from "../cluster/lease.ts";
import type { Cluster, WritableCluster } from "../cluster/cluster.ts";
import { DeployError } from "../errors.ts";
import { type DeployEvent, operationEvents } from "./events.ts";
import { type ApplyOptions, Deployment } from "./deployment.ts";
import { NOTHING_CHANGED, tellingState } from "../parallel.ts";
import { isUnchangedRelease, type Plan } from "./plan.ts";
import { assertFresh } from "./plan-binding.ts";
import { driftTold } from "./plan-words.ts";
import type { Project } from "../project/project.ts";
import { assertAllSet } from "./unset-values.ts";
import { assertRights } from "./rights.ts";
import { assertAbandoned } from "./repair.ts";

/**
 * Does what a plan says, release by release, and gives what happens. Told to stop, it lets Helm end
 * and clean up, and undoes the release that it was at unless `onFailure` is `leave`.
 *
 * @throws DeployError STALE_PLAN, UNSET_VALUE, FORBIDDEN before anything is changed; RELEASE_BUSY;
 * TOOL_FAILED with Helm's reason; ROLLOUT_FAILED where a workload does not become ready;
 * ROLLBACK_FAILED; INTERRUPTED with the state that the release is in then; what the cluster's
 * refusals are
 */
export function apply(
  project: Project,
  cluster: WritableCluster,
  plan: Plan,
  options: ApplyOptions = {},
): AsyncGenerator<DeployEvent, void, undefined> {
  return operationEvents("apply", project, cluster, options.signal, async (tell, signal) => {
    await tellingState(
      () => assertFit(project, cluster, plan, signal),
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
  for (const release of await assertFit(project, cluster, plan, signal)) {
    const { held, holder } = await ReleaseLease.look(cluster, release, signal);
    if (held) throw busy(release, "seems");
    if (release.revision !== null) assertAbandoned(release.name, release.revision, holder, repair);
  }
  const needs = plan.releases.filter((one) => !isUnchangedRelease(one)).flatMap((one) => one.needs);
  await assertRights(cluster, needs, signal ?? new AbortController().signal);
}

/** Finds out whether a plan is fresh, has all values, and changes nothing that admission denies. */
async function assertFit(
  project: Project,
  cluster: Cluster,
  plan: Plan,
  signal: AbortSignal | undefined,
): ReturnType<typeof assertFresh> {
  assertAllSet(cluster.environment);
  const releases = await assertFresh(project, cluster, plan, signal);
  assertAdmitted(plan);
  return releases;
}

/** What admission denies would fail in the middle, and the way back might be denied as well. */
function assertAdmitted({ releases }: Plan): void {
  const denied = releases.flatMap(({ drift }) => drift.filter(({ what }) => what === "denied"));
  const [first, ...more] = denied;
  if (first === undefined) return;
  const others = more.length === 0 ? "" : `; and ${plural(more.length, "other object")}`;
  throw new DeployError("FORBIDDEN", `the cluster denies what the plan changes: ${driftTold(first)}${others}`, {
    hint: "nothing was changed; change the chart or the cluster's policy, then plan again",
    remedy: "plan",
  });
}
