import { setTimeout as sleep } from "node:timers/promises";
import type { WritableCluster } from "../cluster/cluster.ts";
import type { ReleaseName, ReleaseRevision } from "../cluster/helm-releases.ts";
import { retold } from "../helm/helm.ts";
import type { Release } from "../project/environment.ts";
import type { Project } from "../project/project.ts";
import { redactDeployed } from "./deployed-secrets.ts";
import { type OtherContent, otherOfRevision, redactRendered } from "./rehearsal.ts";
import type { KubernetesObject } from "../cluster/api.ts";
import { annotationOf } from "../cluster/kubernetes-object.ts";
import { DeployError } from "../errors.ts";
import { inParallel } from "../parallel.ts";
import type { PlacedObject } from "../workloads/placed-object.ts";
import { objectsOf } from "./ready-release.ts";
import { isLost, type ReleaseLock } from "./release-lock.ts";

/** What passes by itself, as Helm says it; a hook that failed is none of it. */
const PASSING =
  /unreachable|connection (?:refused|reset)|i\/o timeout|TLS handshake timeout|unexpected EOF|too many requests|etcdserver|unable to handle|being (?:deleted|terminated)/i;
const HOOK = /hook/i;
/** How often Helm is started for it: each time may make a revision. */
const MOST_ATTEMPTS = 3;
/** Between two looks at what is to pass, in ms. */
const PAUSES = [500, 1000, 2000, 4000] as const;
const pauseAt = (turn: number): number => PAUSES[turn] ?? 4000;
/** How long an API server that does not answer is waited for at least, in ms. */
const OUTAGE = 30_000;
/** How many objects are looked at at once. */
const MOST = 8;

/** How long it may take in all, and what is known of the run. */
interface GoingBack {
  /** In seconds. */
  readonly timeout: number;
  readonly lock: Pick<ReleaseLock, "assertHeld">;
}

interface GoingTo extends GoingBack {
  /** Those that Helm has kept. */
  readonly revisions: readonly ReleaseRevision[];
  /** How many revisions Helm keeps. */
  readonly history: number;
  /** Gives the revision with stand-ins; made where something fails, if left out. */
  readonly other?: () => Promise<OtherContent>;
}

/**
 * Makes an earlier revision of a release the current one. Objects of it that are still being
 * removed are waited for: what Helm writes to them would vanish with them. An API server that does
 * not answer is waited for while this run has the release, even if its time is over: a release
 * that is left half-way is worse. If Helm fails, that is told without what depends on a secret in
 * the revision.
 *
 * @returns how many revisions Helm may have made for it
 * @throws DeployError NO_REVISION, TOOL_FAILED, RELEASE_LOST; what reading from the cluster throws
 */
export async function goBackTo(
  project: Project,
  cluster: WritableCluster,
  release: Release,
  number: number,
  { revisions, lock, timeout, history, other }: GoingTo,
): Promise<number> {
  const revision = revisions.find((one) => one.number === number);
  if (revision === undefined)
    throw new DeployError("NO_REVISION", `the release ${release.name} has no revision ${number} any more`);
  const end = Date.now() + timeout * 1000;
  try {
    return await persisting(cluster, release, lock, end, async () => {
      await redactDeployed(cluster, release, [revision]);
      await untilGone(cluster, await whatIsKnown(cluster, release, number), end, isBeingRemoved);
      await lock.assertHeld();
      await cluster.releases.rollBack(release, number, { timeout, history });
    });
  } catch (error) {
    if (!(error instanceof DeployError) || error.code !== "TOOL_FAILED") throw error;
    const own = await cluster.releases.record(release, number);
    redactRendered(cluster, own, await (other?.() ?? otherOfRevision(project, cluster, release, number)));
    throw retold(error);
  }
}

/**
 * Removes a release and all that it made, and waits until that is gone.
 *
 * @param revision the one whose objects are there
 * @returns those that are still there in the end, as far as that is known
 * @throws DeployError as {@link goBackTo} does
 */
export async function removeRelease(
  cluster: WritableCluster,
  release: ReleaseName,
  revision: number,
  { lock, timeout }: GoingBack,
): Promise<readonly PlacedObject[]> {
  const end = Date.now() + timeout * 1000;
  let made: readonly PlacedObject[] = [];
  await persisting(cluster, release, lock, end, async () => {
    // Where Helm's answer was lost, the release may be gone already.
    if ((await cluster.revisions(release)).length === 0) return;
    if (made.length === 0) made = await whatIsKnown(cluster, release, revision);
    await lock.assertHeld();
    await cluster.releases.remove(release, { timeout });
  });
  return untilGone(cluster, made, end, isNotKept);
}

/** The objects of a revision. Where nothing is known of them, it goes on without. */
async function whatIsKnown(
  cluster: WritableCluster,
  release: ReleaseName,
  revision: number,
): Promise<readonly PlacedObject[]> {
  try {
    return await objectsOf(cluster, release, revision);
  } catch (error) {
    if (!(error instanceof DeployError)) throw error;
    return [];
  }
}

/**
 * Does something once the API server answers, and again, a few times, where it failed by what
 * passes by itself.
 *
 * @returns how often it was begun
 */
async function persisting(
  cluster: WritableCluster,
  release: ReleaseName,
  lock: GoingBack["lock"],
  end: number,
  act: () => Promise<void>,
): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    await untilAnswered(cluster, release, lock, end);
    try {
      await act();
      return attempt;
    } catch (error) {
      const said = error instanceof DeployError && error.code === "TOOL_FAILED" ? error.message : "";
      const passes = isUnanswered(error) || (PASSING.test(said) && !HOOK.test(said));
      if (!passes || attempt >= MOST_ATTEMPTS || Date.now() >= end + OUTAGE) throw error;
      await sleep(pauseAt(attempt));
    }
  }
}

/** Whether the API server did not answer, or could not. */
const isUnanswered = (error: unknown): boolean =>
  error instanceof DeployError && ["UNREACHABLE", "API_FAILED", "TOO_MANY_REQUESTS"].includes(error.code);

async function untilAnswered(
  cluster: WritableCluster,
  release: ReleaseName,
  lock: GoingBack["lock"],
  end: number,
): Promise<void> {
  const last = Math.max(end, Date.now() + OUTAGE);
  for (let turn = 0; ; turn += 1) {
    try {
      await cluster.revisions(release);
      return;
    } catch (error) {
      if (!isUnanswered(error) || Date.now() + pauseAt(turn) >= last) throw error;
    }
    await sleep(pauseAt(turn));
    await lock.assertHeld();
  }
}

/** Looks at objects until none is left that `counts`, or the time is over; gives those left. */
async function untilGone(
  cluster: WritableCluster,
  objects: readonly PlacedObject[],
  end: number,
  counts: (object: KubernetesObject) => boolean,
): Promise<readonly PlacedObject[]> {
  for (let [left, turn] = [objects, 0]; ; turn += 1) {
    const still = await inParallel(left, MOST, async ({ path }) => {
      try {
        const object = await cluster.get(path);
        return object !== null && counts(object);
      } catch (error) {
        if (!(error instanceof DeployError) || isLost(error)) throw error;
        return false;
      }
    });
    left = left.filter((_, at) => still[at]);
    if (left.length === 0 || Date.now() + pauseAt(turn) >= end) return left;
    await sleep(pauseAt(turn));
  }
}

const isBeingRemoved = ({ metadata }: KubernetesObject): boolean => metadata.deletionTimestamp !== undefined;

/** What a chart tells Helm to keep stays. */
const isNotKept = (object: KubernetesObject): boolean => annotationOf(object, "helm.sh/resource-policy") !== "keep";
