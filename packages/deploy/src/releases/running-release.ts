import type { Cluster } from "../cluster/cluster.ts";
import type { ReleaseContent } from "../cluster/helm-record.ts";
import type { ReleaseRevision } from "../cluster/helm-releases.ts";
import { DeployError } from "../errors.ts";
import type { ChartPlace } from "../helm/helm.ts";
import type { Release } from "../project/environment.ts";
import type { Project } from "../project/project.ts";
import type { StandIns } from "../secrets/stand-ins.ts";
import { deployedTwins, redactDeployed } from "./deployed-secrets.ts";
import { deployedCommit } from "./good-revision.ts";
import type { OtherRenderings } from "./manifest-diff.ts";
import {
  chartTwins,
  identityOfRelease,
  otherOfRevision,
  otherRehearsal,
  rehearse,
  type Rehearsing,
} from "./rehearsal.ts";

/** What runs of a release. */
export interface Current {
  /** The last revision. */
  readonly last: ReleaseRevision | null;
  readonly before: ReleaseContent | null;
  /** Gives pairs of renderings that may be like it. */
  readonly like: () => Promise<OtherRenderings["like"]>;
  /** Gives just it, with stand-ins for secrets; null where that cannot be made. */
  readonly recorded: () => Promise<ReleaseContent | null>;
  /** Why nothing is known of what runs, though something does. */
  readonly missing: string | null;
}

/** The one that runs is what was deployed last: one that failed or is not done may be anything. */
async function runningOf(
  cluster: Cluster,
  release: Release,
  signal: AbortSignal | undefined,
): Promise<Record<"last" | "running", ReleaseRevision | null>> {
  const revisions = await cluster.revisions(release, signal);
  const last = revisions.at(-1) ?? null;
  // Of what was uninstalled nothing is left but Helm's record.
  if (last?.status === "uninstalled") return { last, running: null };
  return { last, running: revisions.findLast(({ status }) => status === "deployed") ?? last };
}

const none = async (): Promise<null> => null;

/** What runs, by Helm's record of it. Secrets are in it. */
export async function currentOf(
  project: Project,
  cluster: Cluster,
  how: Rehearsing,
  otherChart: ChartPlace,
  standIns: StandIns,
): Promise<Current> {
  const { release, signal } = how;
  const { last, running } = await runningOf(cluster, release, signal);
  if (running === null) return { last, before: null, like: async () => [], recorded: none, missing: null };
  const before = await cluster.releases.record(release, running.number, signal);
  const like = async (): Promise<OtherRenderings["like"]> => {
    // What is shown may hold secrets of the commit that it was deployed from.
    await redactDeployed(cluster, release, [running], signal);
    return likeRunning(cluster, how, otherChart, running, standIns);
  };
  const recorded: Current["recorded"] = async () => {
    const other = await otherOfRevision(project, cluster, release, running.number, signal);
    return other instanceof DeployError ? null : other;
  };
  return { last, before, like, recorded, missing: null };
}

/**
 * What the commit that runs is rendered to with stand-ins: what truly runs holds secrets, and a
 * chart that is compared with it could try guesses.
 */
export async function currentByCommit(
  project: Project,
  cluster: Cluster,
  how: Rehearsing,
  standIns: StandIns,
): Promise<Current> {
  const { release, signal } = how;
  const { last, running } = await runningOf(cluster, release, signal);
  const nothing = { last, before: null, like: async (): Promise<[]> => [], recorded: none };
  if (running === null) return { ...nothing, missing: null };
  const commit = await deployedCommit(cluster, release, running.number, signal);
  if (commit === null) return { ...nothing, missing: `${NOT_COMPARED} nothing says from which commit it was deployed` };
  try {
    const other = await project.at(commit);
    const then = other
      .environment(cluster.environment.name)
      .releases.find((one) => identityOfRelease(one) === identityOfRelease(release));
    if (then === undefined) return { ...nothing, missing: `${NOT_COMPARED} its commit says nothing of it` };
    const places = chartTwins(other, then, standIns);
    const thus = { ...how, release: then, chart: places.own };
    const { content: before } = await rehearse(cluster, thus);
    const like = async (): Promise<OtherRenderings["like"]> => {
      const twin = await otherRehearsal(cluster, { ...thus, chart: places.other }, standIns);
      return twin instanceof DeployError ? [] : [[before, twin]];
    };
    return { last, before, like, recorded: none, missing: null };
  } catch (error) {
    if (!(error instanceof DeployError) || error.code === "INTERRUPTED") throw error;
    const why = `its commit, ${commit.slice(0, 12)}, is not here with its charts, or cannot be rendered`;
    return { ...nothing, missing: `${NOT_COMPARED} ${why}` };
  }
}

const NOT_COMPARED = "all is shown as new, for what runs cannot be rendered with stand-ins:";

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
        rehearse(cluster, { ...how, values, ...(at === 1 ? { chart: otherChart, blind: true, unjudged: true } : {}) }),
      ),
    );
    return like === undefined || other === undefined ? [] : [[like.content, other.content]];
  } catch (error) {
    // The chart may not take those values any more.
    if (error instanceof DeployError && error.code === "TOOL_FAILED") return [];
    throw error;
  }
}
