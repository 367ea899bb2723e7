import { beginning } from "./apply.ts";
import { backAt, type DeployLimits, tellReady, waitForRelease } from "./deployment.ts";
import type { WritableCluster } from "../cluster/cluster.ts";
import { DeployError } from "../errors.ts";
import { type DeployEvent, eventsOf, type Tell } from "../workloads/events.ts";
import { NOTHING_CHANGED, tellingState } from "./interrupted.ts";
import { lastGood } from "./good-revision.ts";
import type { ReleaseRevision } from "../helm/helm-releases.ts";
import type { Release } from "../project/release.ts";
import { ReleaseLease } from "../cluster/lease.ts";
import { readManifests } from "../helm/manifests.ts";
import type { Project } from "../project/project.ts";
import { assertAbandoned } from "./repair.ts";

export interface RollbackOptions extends DeployLimits {
  /** The main release where left out. */
  readonly release?: string;
  /** Take up a release that was left half-way: somebody says that whatever was at it is dead. */
  readonly repair?: boolean;
}

/**
 * Makes an earlier revision of a release the current one, waits for its workloads, and gives what happens.
 *
 * @param revision as `helm history` numbers them; the last good one that is not as the current one where left out
 * @throws DeployError NO_REVISION; RELEASE_BUSY; TOOL_FAILED, ROLLOUT_FAILED, INTERRUPTED; what the cluster's refusals are
 */
export function rollBack(
  project: Project,
  cluster: WritableCluster,
  revision: number | undefined,
  options: RollbackOptions = {},
): AsyncGenerator<DeployEvent, void, undefined> {
  return eventsOf(async (tell, signal) => {
    const start = Date.now();
    tell(beginning("rollback", project, cluster));
    let state = NOTHING_CHANGED;
    const onState = (now: string): void => {
      state = now;
    };
    await tellingState(
      () => goBack(cluster, revision, options, { tell, signal, onState }),
      () => state,
    );
    tell({ event: "end", seconds: (Date.now() - start) / 1000 });
  }, options.signal);
}

interface Listeners {
  readonly tell: Tell;
  readonly signal: AbortSignal;
  /** Is told what is so of the release, in words, once that is another. */
  readonly onState: (state: string) => void;
}

async function goBack(
  cluster: WritableCluster,
  revision: number | undefined,
  { release: named, timeout = 600, history = 10, repair = false }: RollbackOptions,
  { tell, signal, onState }: Listeners,
): Promise<void> {
  const { environment } = cluster;
  const name = named ?? environment.release;
  const release = environment.releases.find((one) => one.name === name);
  if (release === undefined) throw new DeployError("NO_REVISION", `${environment.name} has no release ${name}`);
  const start = Date.now();
  const revisions = await cluster.revisions(release, signal);
  const last = revisions.at(-1);
  const to = last === undefined ? null : await targetOf(cluster, release, revisions, revision, signal);
  if (last === undefined || to === null) {
    const kept = revisions.map(({ number, status }) => `${number} (${status})`).join(", ");
    const what = revision === undefined ? "good" : "such";
    throw new DeployError("NO_REVISION", `the release ${name} has no ${what} revision to go back to`, {
      hint: `Helm has kept: ${kept || "none"}`,
    });
  }
  const deadline = start + timeout * 1000;
  const holder = { revision: last.number + 1, end: start + 3 * timeout * 1000 };
  const lease = await ReleaseLease.take(cluster, release, holder, signal);
  let isRefused = true;
  try {
    assertAbandoned(name, last, lease?.previous ?? null, repair);
    isRefused = false;
    tell({ event: "rolling-back", release: name, to });
    await cluster.releases.rollBack(release, to, { timeout, history });
    // Helm was not told to stop, and neither is the question what it made.
    const now = (await cluster.revisions(release)).at(-1)?.number ?? 0;
    tell({ event: "rolled-back", release: name, to, revision: now });
    onState(`${backAt(release, to, now)}, and was not waited for`);
    const { manifest } = await cluster.releases.deployed(release, now, signal);
    await waitForRelease(cluster, release, readManifests(manifest), { deadline, tell, signal });
    await tellReady(cluster, release, now, tell);
  } finally {
    await (isRefused ? lease?.restore() : lease?.release());
  }
}

/** The revision that is asked for, where Helm has kept it; else the last good one that is not as the current one. */
async function targetOf(
  cluster: WritableCluster,
  release: Release,
  revisions: readonly ReleaseRevision[],
  revision: number | undefined,
  signal: AbortSignal,
): Promise<number | null> {
  if (revision !== undefined) return revisions.some(({ number }) => number === revision) ? revision : null;
  const current = revisions.at(-1)?.number ?? 0;
  return lastGood(cluster, release, { upTo: current - 1, unlike: current }, signal);
}
