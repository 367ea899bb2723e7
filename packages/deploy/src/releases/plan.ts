import type { Cluster } from "../cluster/cluster.ts";
import { ManifestMask } from "../secrets/mask-manifests.ts";
import { DeployError } from "../errors.ts";
import type { ReleaseContent } from "../cluster/helm-record.ts";
import { controllerWith, NOTHING_CHANGED, tellingState } from "../parallel.ts";
import { StandIns } from "../secrets/stand-ins.ts";
import { type Change, compareReleases } from "./manifest-diff.ts";
import { chartTwins, type OtherContent, otherRehearsal, rehearse, tellable } from "./rehearsal.ts";
import { type LoadedChart, loadChart } from "../charts/loaded-chart.ts";
import { type Manifest, readManifests, runsAfter } from "../helm/manifests.ts";
import { NO_TWIN } from "../secrets/twins.ts";
import type { Project, Secrets } from "../project/project.ts";
import { bindingOf, type ReleaseBinding } from "./plan-binding.ts";
import { currentByCommit, currentOf } from "./running-release.ts";
import { type Drift, driftOf, LiveObjects } from "./live.ts";
import { type Right, rightsToDeploy } from "./rights.ts";
import { isWaitedFor } from "../workloads/readiness.ts";
import { placeObjects, type PlacedManifest } from "../workloads/placed-object.ts";
import { type PendingRelease, pendingReleaseOf } from "./repair.ts";
import type { Release } from "../project/environment.ts";

const always = (): boolean => true;

/** What an upgrade does to a release. */
export interface PlannedRelease extends ReleaseBinding {
  readonly changes: readonly Change[];
  /**
   * What others changed in the cluster since, and what it would refuse. None where that is not
   * asked: for stand-ins, and where its kinds are yet to be made.
   */
  readonly drift: readonly Drift[];
  /** Why that is not known of some objects: the cluster's user lacks a right; null where it is. */
  readonly unseen: string | null;
  /** What the cluster's user has to be allowed for it; none where it cannot be known. */
  readonly needs: readonly Right[];
  /** How many objects stay as they are. */
  readonly unchanged: number;
  /** How many hooks Helm runs, or keeps for other times. */
  readonly hooks: number;
  /** Whether Helm waits for the workloads, for a hook that comes after the upgrade. */
  readonly hooksAfter: boolean;
  /** What an apply does about a release that another run holds or left; null for none. */
  readonly halfWay: PendingRelease | null;
  /** Why less of it is shown than could be; null where all is that depends on no secret. */
  readonly hidden: string | null;
  /** Whether it was rendered offline, since its kinds are installed first. */
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

/** Whether a plan changes nothing, as far as that is known. */
export const isUnchanged = ({ releases }: Plan): boolean =>
  releases.every(({ changes, drift }) => changes.length === 0 && drift.length === 0);

/** Whether it is known that nothing of a release changes, and nobody has to repair it. */
export const isUnchangedRelease = ({ changes, drift, unseen, halfWay, revision }: PlannedRelease): boolean =>
  [changes, drift].every((list) => list.length === 0) && unseen === null && halfWay === null && revision !== null;

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
      // It fails as what needs it does.
      const version = cluster.releases.version();
      version.catch(() => {});
      const releases: PlannedRelease[] = [];
      const [mask, standIns] = [new ManifestMask(cluster.redactor), StandIns.differing()];
      for (const release of environment.releases) {
        const mayLackKinds = async (): Promise<boolean> =>
          releases.some(({ revision }) => revision === null) ||
          (await installsKinds(project, cluster, release, signal));
        releases.push(await planRelease(project, cluster, release, { mask, standIns, version, mayLackKinds, signal }));
      }
      const helm = await version;
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
  readonly version: Promise<3 | 4>;
  /** Whether it may use kinds that another release of the plan, or it itself, installs first. */
  readonly mayLackKinds: () => Promise<boolean>;
}

/** Helm makes the kinds in a chart's folders `crds` when it installs that for the first time. */
async function installsKinds(
  { sources }: Project,
  cluster: Cluster,
  release: Release,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if ((await cluster.revisions(release, signal)).length > 0) return false;
  const bringsKinds = ({ files, charts }: LoadedChart): boolean =>
    [...files.keys()].some((path) => path.startsWith("crds/")) || charts.some(bringsKinds);
  const files = sources.filesWith(release.chart, () => {});
  return bringsKinds(loadChart(files, () => {}));
}

async function planRelease(
  project: Project,
  cluster: Cluster,
  release: Release,
  { mask, standIns, version, mayLackKinds, signal }: PlanningOptions,
): Promise<PlannedRelease> {
  // What asks the cluster goes on at the same time.
  const controller = controllerWith(signal);
  const { signal: stop } = controller;
  const blind = project.secrets === "stand-ins";
  const twins = chartTwins(project, release, standIns);
  const how = { release, chart: twins.own, mayLackKinds, blind, unjudged: blind, signal: stop };
  const current = blind
    ? currentByCommit(project, cluster, how, standIns)
    : currentOf(project, cluster, how, twins.other, standIns);
  // Where nothing changes, nothing is shown, and nobody needs it.
  let started: Promise<OtherContent> | undefined;
  const other = (): Promise<OtherContent> =>
    (started ??= otherRehearsal(cluster, { ...how, chart: twins.other }, standIns));
  const live = new LiveView(cluster, release, stop);
  // Mostly, what runs is what is to run: it is looked at while Helm renders.
  const ahead = blind ? undefined : current.then(({ before }) => live.lookAhead(before)).catch(() => {});
  // Mostly nothing changes: what is as it was recorded need not be judged by the cluster's APIs.
  const drafting = controllerWith(stop);
  const drafted = { release, chart: twins.own, draft: true, signal: drafting.signal };
  const draft = blind ? null : cluster.releases.rehearse(drafted).catch(() => null);
  const after = current.then(async ({ before }) => {
    const content = before === null ? null : await draft;
    if (before !== null && content !== null && isSame(before, content)) return { content, withoutCluster: false };
    drafting.abort();
    if (!blind || before === null) other().catch(() => {});
    return rehearse(cluster, how).catch(async (error: unknown) => {
      throw await tellable(error, project, cluster, how, other);
    });
  });
  try {
    const [{ last, before, like, recorded, missing }, { content, withoutCluster }] = await Promise.all([
      current,
      after,
    ]);
    const isAsBefore = before !== null && isSame(before, content);
    const [twin, pairs] = isAsBefore ? [content, []] : await Promise.all([other(), like()]);
    const { changes, unchanged } = await compareReleases(before, content, mask, {
      after: twin instanceof DeployError ? "none" : twin,
      like: pairs,
      recorded,
    });
    const hidden = twin instanceof DeployError && changes.length > 0 ? `${NO_TWIN}: only kinds are shown` : missing;
    const hooks = readManifests(content.hooks);
    const hooksAfter = hooks.some(runsAfter) && waitsForAll(cluster, content);
    const binding = bindingOf(project, release, await version, last);
    const halfWay = await pendingReleaseOf(cluster, release, last, stop);
    await ahead;
    const seen =
      blind || withoutCluster ? NOT_ASKED : await live.compare({ before, after: content, hooksAfter }, other);
    const told = { changes, unchanged, hooks: hooks.length, hooksAfter, halfWay, hidden, withoutCluster };
    return { ...binding, ...seen, ...told };
  } catch (error) {
    controller.abort();
    await Promise.allSettled([current, ahead, draft, after, started]);
    throw error;
  }
}

const isSame = (one: ReleaseContent, other: ReleaseContent): boolean =>
  one.manifest.trim() === other.manifest.trim() && one.hooks === other.hooks;

/** Helm cannot be told to leave something out when it waits. */
const waitsForAll = ({ environment }: Cluster, { manifest }: ReleaseContent): boolean =>
  environment.doNotWaitFor.length === 0 || readManifests(manifest).every((one) => isWaitedFor(environment, one));

type Live = Pick<PlannedRelease, "drift" | "unseen" | "needs">;
const NOT_ASKED: Live = { drift: [], unseen: null, needs: [] };

/** What others changed of a release, and what an apply has to be allowed. */
class LiveView {
  readonly #cluster: Cluster;
  readonly #release: Release;
  readonly #signal: AbortSignal;
  readonly #objects: LiveObjects;
  /** What runs and what is to run have most documents in common. */
  readonly #known = new Map<string, Manifest[]>();

  constructor(cluster: Cluster, release: Release, signal: AbortSignal) {
    this.#cluster = cluster;
    this.#release = release;
    this.#signal = signal;
    this.#objects = new LiveObjects(cluster, release, signal);
  }

  #place(text: string): Promise<PlacedManifest[]> {
    return placeObjects(this.#cluster, readManifests(text, this.#known), this.#release.namespace, this.#signal);
  }

  /** Looks at what runs already: {@link compare} then has less to ask. */
  async lookAhead(before: ReleaseContent | null): Promise<void> {
    if (before === null) return;
    await this.#objects.look(await this.#place(before.manifest), always, (_, observed) => observed.catch(() => {}));
  }

  async compare(
    made: { readonly before: ReleaseContent | null; readonly after: ReleaseContent; readonly hooksAfter: boolean },
    other: () => Promise<OtherContent>,
  ): Promise<Live> {
    const { before, after, hooksAfter } = made;
    const recorded = before?.manifest ?? "";
    const [old, placed, hooks] = await Promise.all([
      this.#place(recorded),
      this.#place(after.manifest),
      this.#place(after.hooks),
    ]);
    const { drift, unseen } = await driftOf(this.#objects, readManifests(recorded, this.#known), placed, other);
    const needs = rightsToDeploy(this.#release, [...old, ...placed], hooks, hooksAfter);
    // A chart can make the name of a namespace from a secret.
    return { drift, unseen, needs: needs.filter(({ namespace }) => isPlain(this.#cluster, namespace ?? "")) };
  }
}

const isPlain = (cluster: Cluster, text: string): boolean => cluster.tidy(text) === text;
