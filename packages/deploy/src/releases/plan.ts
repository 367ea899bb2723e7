import type { Cluster } from "../cluster/cluster.ts";
import { ManifestMask } from "../secrets/mask-manifests.ts";
import { deployedTwins, redactDeployed } from "./deployed-secrets.ts";
import { DeployError } from "../errors.ts";
import type { ReleaseContent, ReleaseName, ReleaseRevision } from "../cluster/helm-releases.ts";
import { controllerWith, NOTHING_CHANGED, tellingState } from "../parallel.ts";
import { helmValues, type ValueMap } from "../values/value.ts";
import { StandIns } from "../secrets/stand-ins.ts";
import { withoutSecretWords } from "../secrets/failures.ts";
import { deployedCommit } from "./good-revision.ts";
import { type Change, compareReleases, type OtherRenderings } from "./manifest-diff.ts";
import { readManifests } from "../helm/manifests.ts";
import type { ChartPlace } from "../helm/helm.ts";
import type { Project, Secrets } from "../project/project.ts";
import { type PendingRelease, pendingReleaseOf } from "./repair.ts";
import type { Release } from "../project/environment.ts";
import { isDeepStrictEqual } from "node:util";

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

/** What an upgrade does to a release. */
export interface PlannedRelease extends ReleaseBinding {
  readonly changes: readonly Change[];
  /** How many objects stay as they are. */
  readonly unchanged: number;
  /** How many hooks Helm runs, or keeps for other times. */
  readonly hooks: number;
  /** Whether one of them comes after the upgrade, and expects the workloads to be ready. */
  readonly hooksAfter: boolean;
  /** What an apply does about a release that another run holds or left; null for none. */
  readonly halfWay: PendingRelease | null;
  /** Why less of it is shown than could be; null where all is that depends on no secret. */
  readonly hidden: string | null;
  /** Whether it was rendered offline, since another planned release brings its kinds. */
  readonly withoutCluster: boolean;
}

/** What a deployment does to an environment. It holds no secret: it may be shown and stored. */
export interface Plan {
  readonly environment: string;
  /** The uid of the cluster. */
  readonly cluster: string;
  readonly commit: string;
  /** What the values that were given beside the commit are called. */
  readonly given: readonly string[];
  /** The first number of Helm's version. */
  readonly helm: 3 | 4;
  /** When it was made: ISO 8601, UTC. */
  readonly made: string;
  /** With what it was rendered: with stand-ins alone, it is to be read, and cannot be applied. */
  readonly secrets: Secrets;
  /** In the order in which they are deployed. */
  readonly releases: readonly PlannedRelease[];
}

export interface PlanOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Whether a plan changes nothing. */
export const isUnchanged = ({ releases }: Plan): boolean => releases.every(({ changes }) => changes.length === 0);

/**
 * Plans a deployment to the environment that the cluster is connected for. Nothing is changed.
 *
 * @throws DeployError what is wrong with the values, the charts or the lock; TOOL_FAILED with
 * Helm's reason; what reading from the cluster throws; INTERRUPTED
 */
export function makePlan(project: Project, cluster: Cluster, { signal }: PlanOptions = {}): Promise<Plan> {
  return tellingState(
    async () => {
      const { environment, identity } = cluster;
      const helm = await cluster.releases.version();
      const releases: PlannedRelease[] = [];
      const [mask, standIns] = [new ManifestMask(cluster.redactor), StandIns.differing()];
      for (const release of environment.releases) {
        const mayLackKinds = releases.some(({ revision }) => revision === null);
        releases.push(await planRelease(project, cluster, release, { mask, standIns, helm, mayLackKinds, signal }));
      }
      const made = new Date().toISOString();
      const { commit, given, secrets } = project;
      return { environment: environment.name, cluster: identity.uid, commit, given, helm, made, secrets, releases };
    },
    () => NOTHING_CHANGED,
  );
}

interface PlanningOptions extends PlanOptions {
  readonly mask: ManifestMask;
  readonly standIns: StandIns;
  readonly helm: 3 | 4;
  /** Whether it may use kinds that other releases of the plan install first. */
  readonly mayLackKinds: boolean;
}

async function planRelease(
  project: Project,
  cluster: Cluster,
  release: Release,
  { mask, standIns, helm, mayLackKinds, signal }: PlanningOptions,
): Promise<PlannedRelease> {
  // Both ask the cluster, and neither waits for the other.
  const controller = controllerWith(signal);
  const { signal: stop } = controller;
  const blind = project.secrets === "stand-ins";
  const twins = twinsOf(project, release, standIns);
  const how = { release, chart: twins.own, mayLackKinds, blind, signal: stop };
  const current = blind
    ? currentByCommit(project, cluster, how, standIns, helm)
    : currentOf(cluster, how, twins.other, standIns);
  const other = otherRehearsal(cluster, { ...how, chart: twins.other }, standIns, helm);
  const after = rehearse(cluster, how).catch(async (error: unknown) => {
    throw await withoutSecretWords(error, () => other);
  });
  try {
    const [{ last, before, like, missing }, { content, withoutCluster }, twin] = await Promise.all([
      current,
      after,
      other,
    ]);
    const changed = before?.manifest.trim() !== content.manifest.trim() || before.hooks !== content.hooks;
    const { changes, unchanged } = await compareReleases(before, content, mask, {
      after: twin instanceof DeployError ? "none" : twin,
      like: changed ? await like() : [],
    });
    const hidden = twin instanceof DeployError && changes.length > 0 ? NO_OTHER : missing;
    const hooks = readManifests(content.hooks).length;
    const hooksAfter = /^\s*["']?helm\.sh\/hook["']?:.*post-(?:install|upgrade)/m.test(content.hooks);
    const binding = bindingOf(project, release, helm, last);
    const halfWay = await pendingReleaseOf(cluster, release, last, stop);
    return { ...binding, changes, unchanged, hooks, hooksAfter, halfWay, hidden, withoutCluster };
  } catch (error) {
    controller.abort();
    await Promise.allSettled([current, after, other]);
    throw error;
  }
}

/** Where Helm finds the chart, and the same with stand-ins for what is encrypted in it. */
const twinsOf = (
  { sources }: Project,
  { chart }: Release,
  standIns: StandIns,
): Record<"own" | "other", ChartPlace> => ({
  own: sources.placeOf(chart),
  other: sources.placeOf(chart, standIns),
});

/** What runs of a release. */
interface Current {
  /** The last revision. */
  readonly last: ReleaseRevision | null;
  readonly before: ReleaseContent | null;
  /** Gives pairs of renderings that may be like it. */
  readonly like: () => Promise<OtherRenderings["like"]>;
  /** Why nothing is known of what runs, though something does. */
  readonly missing: string | null;
}

/** The one that runs is what was deployed last: one that failed or is not done may be anything. */
async function runningOf(
  cluster: Cluster,
  release: Release,
  signal: AbortSignal,
): Promise<Record<"last" | "running", ReleaseRevision | null>> {
  const revisions = await cluster.revisions(release, signal);
  const last = revisions.at(-1) ?? null;
  return { last, running: revisions.findLast(({ status }) => status === "deployed") ?? last };
}

/** What runs, by Helm's record of it. Secrets are in it. */
async function currentOf(
  cluster: Cluster,
  how: Rehearsing,
  otherChart: ChartPlace,
  standIns: StandIns,
): Promise<Current> {
  const { release, signal } = how;
  const { last, running } = await runningOf(cluster, release, signal);
  if (running === null) return { last, before: null, like: async () => [], missing: null };
  const before = await cluster.releases.deployed(release, running.number, signal);
  const like = async (): Promise<OtherRenderings["like"]> => {
    // What is shown may hold secrets of the commit that it was deployed from.
    await redactDeployed(cluster, release, [running], signal);
    return likeRunning(cluster, how, otherChart, running, standIns);
  };
  return { last, before, like, missing: null };
}

/**
 * What the commit that runs is rendered to with stand-ins: what truly runs holds secrets, and a
 * chart that is compared with it could try guesses.
 */
async function currentByCommit(
  project: Project,
  cluster: Cluster,
  how: Rehearsing,
  standIns: StandIns,
  helm: 3 | 4,
): Promise<Current> {
  const { release, signal } = how;
  const { last, running } = await runningOf(cluster, release, signal);
  const nothing = { last, before: null, like: async (): Promise<[]> => [] };
  if (running === null) return { ...nothing, missing: null };
  const commit = await deployedCommit(cluster, release, running.number, signal);
  if (commit === null) return { ...nothing, missing: `${NOT_COMPARED} nothing says from which commit it was deployed` };
  try {
    const other = await project.at(commit);
    const then = other.environment(cluster.environment.name).releases.find((one) => names(one) === names(release));
    if (then === undefined) return { ...nothing, missing: `${NOT_COMPARED} its commit says nothing of it` };
    const places = twinsOf(other, then, standIns);
    const thus = { ...how, release: then, chart: places.own };
    const [own, twin] = await Promise.all([
      rehearse(cluster, thus),
      otherRehearsal(cluster, { ...thus, chart: places.other }, standIns, helm),
    ]);
    const pair = twin instanceof DeployError ? [] : [[own.content, twin] as const];
    return { last, before: own.content, like: async () => pair, missing: null };
  } catch (error) {
    if (!(error instanceof DeployError) || error.code === "INTERRUPTED") throw error;
    const why = `its commit, ${commit.slice(0, 12)}, is not here with its charts, or cannot be rendered`;
    return { ...nothing, missing: `${NOT_COMPARED} ${why}` };
  }
}

const NOT_COMPARED = "all is shown as new, for what runs cannot be rendered with stand-ins:";

const NO_OTHER =
  "the chart cannot be rendered with stand-ins for its secrets, so that nobody can tell what depends on them: only kinds are shown";

/**
 * The same rehearsal with stand-ins for secrets, in which templates find nothing in the cluster
 * either, where a chart may look up the Secrets of others: what differs depends on a secret. The
 * error where the chart does not take that.
 */
async function otherRehearsal(
  cluster: Cluster,
  how: Rehearsing,
  standIns: StandIns,
  helm: 3 | 4,
): Promise<ReleaseContent | DeployError> {
  const values = how.release.values({ helm });
  const others = values.overridesWith((value) => standIns.of(value));
  try {
    return (await rehearse(cluster, { ...how, values: others, blind: true })).content;
  } catch (error) {
    if (error instanceof DeployError && error.code === "TOOL_FAILED") return error;
    throw error;
  }
}

/**
 * Today's chart with the values of what runs, twice: where that is alike, it tells of what runs.
 */
async function likeRunning(
  cluster: Cluster,
  how: Rehearsing,
  otherChart: ChartPlace,
  { number }: ReleaseRevision,
  standIns: StandIns,
): Promise<OtherRenderings["like"]> {
  try {
    const both = await deployedTwins(cluster, how.release, number, standIns, how.signal);
    const [like, other] = await Promise.all(
      both.map((values, at) =>
        rehearse(cluster, { ...how, values, ...(at === 1 ? { chart: otherChart, blind: true } : {}) }),
      ),
    );
    return like === undefined || other === undefined ? [] : [[like.content, other.content]];
  } catch (error) {
    // The chart may not take those values any more.
    if (error instanceof DeployError && error.code === "TOOL_FAILED") return [];
    throw error;
  }
}

interface Rehearsing {
  readonly release: Release;
  readonly chart: ChartPlace;
  readonly values?: ValueMap;
  readonly blind?: boolean;
  /** Whether it may use kinds that other releases of the plan install first. */
  readonly mayLackKinds: boolean;
  readonly signal: AbortSignal;
}

async function rehearse(
  cluster: Cluster,
  { mayLackKinds, ...rehearsal }: Rehearsing,
): Promise<{ content: ReleaseContent; withoutCluster: boolean }> {
  try {
    return { content: await cluster.releases.rehearse(rehearsal), withoutCluster: false };
  } catch (error) {
    const said = error instanceof DeployError && error.code === "TOOL_FAILED" ? error.message : "";
    if (said.includes("another operation (install/upgrade/rollback) is in progress"))
      return { content: await cluster.releases.rehearse(rehearsal, "install"), withoutCluster: false };
    if (!mayLackKinds || !said.includes("no matches for kind")) throw error;
    return { content: await cluster.releases.rehearse(rehearsal, "install without cluster"), withoutCluster: true };
  }
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
  plan: Plan,
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
