import { isDeepStrictEqual } from "node:util";
import type { Cluster } from "../cluster/cluster.ts";
import type { ReleaseRevision } from "../cluster/helm-releases.ts";
import { DeployError } from "../errors.ts";
import type { Release } from "../project/environment.ts";
import type { Project, Secrets } from "../project/project.ts";
import { helmValues } from "../values/value.ts";
import { identityOfRelease } from "./rehearsal.ts";

/** What a plan is bound to, of a release: where any of it is another, the plan is stale. */
export interface ReleaseBinding {
  readonly name: string;
  readonly namespace: string;
  readonly chart: {
    /** Its folder. */
    readonly path: string;
    readonly name: string;
    readonly version: string;
    /** SHA-256 of the archives that it is made from, by their paths, in hex. */
    readonly archives: Readonly<Record<string, string>>;
  };
  /** A digest of the values, with a key derived from the repository's. */
  readonly values: string;
  /** What the cluster runs; null where it has none of it. */
  readonly revision: ReleaseRevision | null;
}

/** What a plan is bound to. */
interface PlanBinding {
  readonly environment: string;
  readonly cluster: string;
  readonly commit: string;
  readonly helm: 3 | 4;
  readonly secrets: Secrets;
  readonly releases: readonly ReleaseBinding[];
}

/** What a plan for a release is bound to, as things are now. */
export function bindingOf(
  project: Project,
  release: Release,
  helm: 3 | 4,
  revision: ReleaseRevision | null,
): ReleaseBinding {
  const { name, namespace, chart } = release;
  return {
    name,
    namespace,
    chart: {
      path: chart.path,
      name: chart.name,
      version: chart.version,
      archives: Object.fromEntries(project.sources.archivesOf(chart)),
    },
    values: project.digest("values", helmValues(release.values({ helm }).overrides)),
    revision: revision === null ? null : { number: revision.number, status: revision.status, uid: revision.uid },
  };
}

/**
 * Compares what a plan is bound to with what is now.
 *
 * @throws DeployError STALE_PLAN with what is another
 */
export async function assertFresh(
  project: Project,
  cluster: Cluster,
  plan: PlanBinding,
  signal?: AbortSignal,
): Promise<ReleaseBinding[]> {
  const { environment } = cluster;
  if (plan.secrets !== "real") stale("it was rendered with stand-ins for secrets, to be read alone");
  if (plan.environment !== environment.name) stale(`it is for ${plan.environment}, and not for ${environment.name}`);
  if (plan.cluster !== cluster.identity.uid) stale("it was made for another cluster");
  if (plan.commit !== project.commit)
    stale(`it was made for the commit ${plan.commit.slice(0, 12)}, and this is ${project.commit.slice(0, 12)}`);
  const helm = await cluster.releases.version();
  if (plan.helm !== helm) stale(`it was made with Helm ${plan.helm}, and this is Helm ${helm}`);
  if (!isDeepStrictEqual(plan.releases.map(identityOfRelease), environment.releases.map(identityOfRelease)))
    stale("it has other releases");
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

function stale(what: string): never {
  throw new DeployError("STALE_PLAN", `the plan is stale: ${what}`, {
    hint: "nothing was changed; make the plan again, and look at it again",
  });
}
