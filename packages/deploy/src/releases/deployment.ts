import type { Cluster, WritableCluster } from "../cluster/cluster.ts";
import { DeployError } from "../errors.ts";
import type { Tell } from "../workloads/events.ts";
import { Concealer } from "./conceal.ts";
import { learnDeployed, runningAmong } from "./deployed-secrets.ts";
import { descriptionOf, lastGood, recordReady } from "./good-revision.ts";
import type { ReleaseName } from "../helm/helm-releases.ts";
import { isInterrupted, tellingState } from "./interrupted.ts";
import { ReleaseLease } from "../cluster/lease.ts";
import { type Manifest, readManifests } from "../helm/manifests.ts";
import type { PlannedRelease, PlanOptions } from "./plan.ts";
import type { Project } from "../project/project.ts";
import { waitForWorkloads } from "../workloads/readiness.ts";
import type { Release } from "../project/release.ts";
import { assertAbandoned, repair } from "./repair.ts";
import { workloadsAmong } from "../workloads/workload.ts";

/** How long things may take, and what becomes of what fails. */
export interface DeployLimits extends PlanOptions {
  /** In seconds, for each release: Helm with its hooks, and then the workloads, have so long together. 600 where left out. */
  readonly timeout?: number;
  /** How many revisions Helm keeps of a release; 10 where left out. */
  readonly history?: number;
}

export interface ApplyOptions extends DeployLimits {
  /**
   * A release that fails goes back to its last good revision (a first installation is removed), or stays as it is. `rollback` where
   * left out.
   */
  readonly onFailure?: "rollback" | "leave";
  /** Says that whoever left a release half-way is dead, where that cannot be known. */
  readonly repair?: boolean;
}

const TIMEOUT = 600;
const HISTORY = 10;
/** For how many milliseconds workloads are looked at, at least. */
const LOOK = 2000;

/** Waits for the workloads that a release has now. @throws DeployError ROLLOUT_FAILED, INTERRUPTED */
export async function waitForRelease(
  cluster: Cluster,
  release: ReleaseName,
  manifests: readonly Manifest[],
  { deadline, tell, signal }: { readonly deadline: number; readonly tell: Tell; readonly signal: AbortSignal },
): Promise<void> {
  const start = Date.now();
  // A chart may make secrets of its own.
  const concealer = new Concealer(cluster.redactor);
  for (const { object } of manifests) concealer.learn(object);
  const workloads = workloadsAmong(manifests, release.namespace);
  const unready = await waitForWorkloads(cluster, workloads, {
    deadline,
    signal,
    onProgress: (progress) => tell({ event: "progress", release: release.name, ...progress }),
  });
  if (unready.length === 0) {
    tell({ event: "ready", release: release.name, workloads: workloads.length, seconds: (Date.now() - start) / 1000 });
    return;
  }
  for (const one of unready) tell({ event: "unready", release: release.name, ...one });
  const [first] = unready;
  const what = unready.map(({ workload }) => `${workload.kind} ${workload.name}`).join(", ");
  const why = first?.reasons[0] ?? first?.message ?? "";
  throw new DeployError("ROLLOUT_FAILED", `not ready: ${what} of the release ${release.name}: ${why}`);
}

/** One release, while it is deployed. */
export class Deployment {
  readonly #project: Project;
  readonly #cluster: WritableCluster;
  readonly #release: Release;
  readonly #planned: PlannedRelease;
  readonly #onFailure: "rollback" | "leave";
  readonly #force: boolean;
  readonly #timeout: number;
  readonly #history: number;
  readonly #tell: Tell;
  readonly #signal: AbortSignal;
  /** Whether something may be changed. Until then, what the lease told of a run that left the release half-way stays true. */
  #hasBegun = false;
  /** What is so of the release, in words, should the run end now. */
  #state: string;

  constructor(
    project: Project,
    cluster: WritableCluster,
    release: Release,
    planned: PlannedRelease,
    options: ApplyOptions,
    tell: Tell,
    signal: AbortSignal,
  ) {
    this.#project = project;
    this.#cluster = cluster;
    this.#release = release;
    this.#planned = planned;
    this.#onFailure = options.onFailure ?? "rollback";
    this.#force = options.repair ?? false;
    this.#timeout = options.timeout ?? TIMEOUT;
    this.#history = options.history ?? HISTORY;
    this.#tell = tell;
    this.#signal = signal;
    this.#state = `nothing was changed of the release ${release.name}`;
  }

  /** @throws DeployError as `apply` does */
  run(): Promise<void> {
    return tellingState(
      () => this.#run(),
      () => this.#state,
    );
  }

  async #run(): Promise<void> {
    const next = (this.#planned.revision?.number ?? 0) + 1;
    // Helm waits so long for each of its hooks at most, and for a repair and a rollback.
    const end = Date.now() + (this.#planned.hooks + 3) * this.#timeout * 1000;
    const lease = await ReleaseLease.take(this.#cluster, this.#release, { revision: next, end }, this.#signal);
    if (lease === null)
      this.#tell({
        event: "warning",
        message: "the user may not have leases: two runs may deploy at once, and a dead one is not known",
      });
    try {
      await this.#deploy(lease?.previous ?? null);
    } finally {
      await (this.#hasBegun ? lease?.release() : lease?.restore());
    }
  }

  async #deploy(previous: ReleaseLease["previous"]): Promise<void> {
    const release = this.#release;
    const tell = this.#tell;
    const [timeout, history, signal] = [this.#timeout, this.#history, this.#signal];
    const revisions = await this.#cluster.revisions(release, signal);
    // Another run may have been quicker to take the lease.
    if ((revisions.at(-1)?.number ?? null) !== (this.#planned.revision?.number ?? null))
      throw new DeployError("STALE_PLAN", `the plan is stale: somebody else changed the release ${release.name}`);
    const last = revisions.at(-1);
    if (last !== undefined) assertAbandoned(release.name, last, previous, this.#force);
    this.#hasBegun = true;
    await repair(this.#cluster, { release, revisions, timeout, history, tell, signal });
    const repaired = await this.#cluster.revisions(release, signal);
    const before = repaired.at(-1);
    await learnDeployed(this.#cluster, release, runningAmong(repaired), signal);
    this.#state = asItWas(release, before?.number ?? 0);
    const deadline = Date.now() + timeout * 1000;
    tell({ event: "upgrading", release: release.name, namespace: release.namespace, from: before?.number ?? null });
    try {
      await this.#cluster.releases.upgrade({
        release,
        chartFolder: this.#project.chartFolder(release.chart),
        description: descriptionOf(this.#project.commit),
        timeout,
        history,
        wait: this.#planned.hooksAfter,
        // Who may not make namespaces can still deploy to one that is there.
        createNamespace: before === undefined && (await this.#lacksNamespace()),
        signal,
      });
      const revision = await this.#made(before?.number ?? 0);
      tell({ event: "upgraded", release: release.name, revision });
      const { manifest } = await this.#cluster.releases.deployed(release, revision, signal);
      // Where Helm took all the time, they are looked at none the less.
      const until = Math.max(deadline, Date.now() + LOOK);
      await waitForRelease(this.#cluster, release, readManifests(manifest), { deadline: until, tell, signal });
      await tellReady(this.#cluster, release, revision, tell);
    } catch (error) {
      const told = await this.#explained(error, before?.number ?? 0);
      if (this.#onFailure === "rollback") await this.#undo(before?.number ?? 0, told);
      else await this.#leave(before?.number ?? 0);
      throw told;
    }
  }

  async #lacksNamespace(): Promise<boolean> {
    try {
      return (
        (await this.#cluster.get(`/api/v1/namespaces/${this.#release.namespace}`, { signal: this.#signal })) === null
      );
    } catch (error) {
      if (error instanceof DeployError && error.code === "FORBIDDEN") return false;
      throw error;
    }
  }

  /** Helm does not say why what it waited for is not ready: the cluster does. */
  async #explained(error: unknown, before: number): Promise<unknown> {
    const release = this.#release;
    const isHelms = error instanceof DeployError && error.code === "TOOL_FAILED";
    if (!isHelms || !this.#planned.hooksAfter || this.#signal.aborted) return error;
    try {
      const last = (await this.#cluster.revisions(release)).at(-1)?.number ?? 0;
      if (last <= before) return error;
      const { manifest } = await this.#cluster.releases.deployed(release, last);
      const options = { deadline: Date.now() + LOOK, tell: this.#tell, signal: this.#signal };
      await waitForRelease(this.#cluster, release, readManifests(manifest), options);
      return error;
    } catch (found) {
      return found instanceof DeployError && found.code === "ROLLOUT_FAILED" ? found : error;
    }
  }

  /** The revision that this run made. */
  async #made(before: number): Promise<number> {
    const last = (await this.#cluster.revisions(this.#release, this.#signal)).at(-1)?.number ?? 0;
    if (last !== before + 1)
      this.#tell({
        event: "warning",
        message: `somebody else changed the release ${this.#release.name} at the same time`,
      });
    return last;
  }

  /** Leaves what failed as it is. */
  async #leave(before: number): Promise<void> {
    try {
      const last = (await this.#cluster.revisions(this.#release)).at(-1)?.number ?? 0;
      if (last > before) this.#state = leftAs(this.#release, last);
    } catch (error) {
      if (!(error instanceof DeployError)) throw error;
      this.#state = `the release ${this.#release.name} is left as it is, and the cluster does not tell how that is`;
    }
  }

  /** Goes back to what was good before, even where the run was told to end: nothing stays half-done. */
  async #undo(before: number, cause: unknown): Promise<void> {
    const release = this.#release;
    const [timeout, history] = [this.#timeout, this.#history];
    try {
      const revisions = await this.#cluster.revisions(release);
      const last = revisions.at(-1);
      // Helm had not begun.
      if (last === undefined || last.number <= before) return;
      const good = before === 0 ? null : await lastGood(this.#cluster, release, { upTo: before });
      if (before > 0 && good === null) {
        // What was there is not removed for it.
        const left = `it is left as revision ${last.number}`;
        const message = `no earlier revision of the release ${release.name} is known to have been ready: ${left}`;
        this.#tell({ event: "warning", message });
        this.#state = leftAs(release, last.number);
        return;
      }
      const target = revisions.filter(({ number }) => number === good);
      await learnDeployed(this.#cluster, release, target);
      this.#tell({ event: "rolling-back", release: release.name, to: good });
      if (good === null) await this.#cluster.releases.remove(release, { timeout });
      else await this.#cluster.releases.rollBack(release, good, { timeout, history });
      const revision = good === null ? null : ((await this.#cluster.revisions(release)).at(-1)?.number ?? null);
      this.#tell({ event: "rolled-back", release: release.name, to: good, revision });
      this.#state =
        good === null
          ? `it was the first install of the release ${release.name}, which was removed`
          : backAt(release, good, revision);
    } catch (error) {
      if (!(error instanceof DeployError)) throw error;
      const why = isInterrupted(cause) ? "interrupted; " : cause instanceof DeployError ? `${cause.message}; ` : "";
      throw new DeployError("ROLLBACK_FAILED", `${why}and it was not rolled back: ${error.message}`, { cause });
    }
  }
}

const asItWas = ({ name }: ReleaseName, revision: number): string =>
  revision === 0 ? `the release ${name} is not installed` : `the release ${name} is as it was, at revision ${revision}`;

const leftAs = ({ name }: ReleaseName, revision: number): string =>
  `the release ${name} is left as revision ${revision}, not ready`;

/** Where a release is after a rollback, in words. */
export const backAt = ({ name }: ReleaseName, to: number, revision: number | null): string =>
  `the release ${name} is back at revision ${to}${revision === null ? "" : ` (as revision ${revision})`}`;

/** Records that a revision was found ready. Where that fails, it runs none the less. */
export async function tellReady(
  cluster: WritableCluster,
  release: ReleaseName,
  revision: number,
  tell: Tell,
): Promise<void> {
  try {
    await recordReady(cluster, release, revision);
  } catch (error) {
    if (!(error instanceof DeployError)) throw error;
    const message = `revision ${revision} of ${release.name} is ready, but that could not be recorded, and it will not be gone back to: ${error.message}`;
    tell({ event: "warning", message });
  }
}
