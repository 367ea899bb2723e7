import { isDeepStrictEqual } from "node:util";
import type { Cluster } from "../cluster/cluster.ts";
import { DeployError } from "../errors.ts";
import type { ReleaseName } from "../cluster/helm-releases.ts";
import { bindingOf, type Plan, type ReleaseBinding } from "./plan.ts";
import type { Project } from "../project/project.ts";

/**
 * Compares what a plan is bound to with what is now.
 *
 * @throws DeployError STALE_PLAN with what is another
 */
export async function assertFresh(
  project: Project,
  cluster: Cluster,
  plan: Plan,
  signal?: AbortSignal,
): Promise<ReleaseBinding[]> {
  const { environment } = cluster;
  if (plan.environment !== environment.name) stale(`it is for ${plan.environment}, and not for ${environment.name}`);
  if (plan.cluster !== cluster.identity.uid) stale("it was made for another cluster");
  if (plan.commit !== project.commit)
    stale(`it was made for the commit ${plan.commit.slice(0, 12)}, and this is ${project.commit.slice(0, 12)}`);
  const helm = await cluster.releases.version();
  if (plan.helm !== helm) stale(`it was made with Helm ${plan.helm}, and this is Helm ${helm}`);
  if (!isDeepStrictEqual(plan.releases.map(names), environment.releases.map(names))) stale("it has other releases");
  const bindings: ReleaseBinding[] = [];
  for (const [at, release] of environment.releases.entries()) {
    const planned = plan.releases[at];
    const binding = bindingOf(project, release, helm, (await cluster.revisions(release, signal)).at(-1) ?? null);
    const { name, revision } = binding;
    if (!isDeepStrictEqual(planned?.revision, revision))
      stale(
        `somebody else changed the release ${name}: it was ${planned?.revision?.number ?? "not there"}, and is ${revision?.number ?? "not there"}`,
      );
    if (!isDeepStrictEqual(planned?.chart, binding.chart)) stale(`the chart of ${name} is another`);
    if (planned?.values !== binding.values) stale(`the values of ${name} are others`);
    bindings.push(binding);
  }
  return bindings;
}

const names = ({ name, namespace }: ReleaseName): string => `${namespace}/${name}`;

function stale(what: string): never {
  throw new DeployError("STALE_PLAN", `the plan is stale: ${what}`, {
    hint: "nothing was changed; make the plan again, and look at it again",
  });
}
