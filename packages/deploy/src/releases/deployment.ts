import { randomUUID } from "node:crypto";
import type { WritableCluster } from "../cluster/cluster.ts";
import { DeployError } from "../errors.ts";
import type { Tell } from "./events.ts";
import { redactDeployed, runningAmong } from "./deployed-secrets.ts";
import { descriptionOf, lastGood } from "./good-revision.ts";
import type { RecordedRevision, ReleaseName } from "../cluster/helm-releases.ts";
import { isInterrupted, tellingState } from "../parallel.ts";
import { type ReleaseLock, withReleaseLock, isLost, overtaken } from "./release-lock.ts";
import { type DeployLimits, limitsOf } from "./limits.ts";
import type { PlannedRelease } from "./plan.ts";
import type { Project } from "../project/project.ts";
import { tellReady, waitForRelease } from "./ready-release.ts";
import type { Release } from "../project/environment.ts";
import { assertAbandoned, repair } from "./repair.ts";

export interface ApplyOptions extends DeployLimits {
  /** Whether a failed release is rolled back (the default) or left as it is. */
  readonly onFailure?: "rollback" | "leave" | undefined;
  /** Says that whoever left a release half-way is dead, where that cannot be known. */
  readonly repair?: boolean;
}

/** A release that is deployed, and how. */
export interface DeploymentParts {
  readonly project: Project;
  readonly cluster: WritableCluster;
  readonly release: Release;
  readonly planned: PlannedRelease;
  readonly options: ApplyOptions;
  readonly tell: Tell;
  readonly signal: AbortSignal;
}

/** One release, while it is deployed. */
export class Deployment {
  readonly #parts: DeploymentParts;
  readonly #cluster: WritableCluster;
  readonly #release: Release;
  readonly #limits: { readonly timeout: number; readonly history: number };
  readonly #tell: Tell;
  /** What it calls itself in Helm's record of what it makes. */
  readonly #id = randomUUID();
  /** What is so of the release, in words, should the run end now. */
  #state: string;

  constructor(parts: DeploymentParts) {
    this.#parts = parts;
    this.#cluster = parts.cluster;
    this.#release = parts.release;
    this.#limits = limitsOf(parts.options);
    this.#tell = parts.tell;
    this.#state = `nothing was changed of the release ${parts.release.name}`;
  }

  /** @throws DeployError as `apply` does */
  run(): Promise<void> {
    const { planned } = this.#parts;
    const revision = (planned.revision?.number ?? 0) + 1;
    // Helm waits so long for each of its hooks at most, and for a repair and a rollback.
    const term = { revision, most: (planned.hooks + 3) * this.#limits.timeout * 1000 };
    return tellingState(
      () => withReleaseLock(this.#cluster, this.#release, term, this.#parts, (lock) => this.#deploy(lock)),
      () => this.#state,
    );
  }

  async #deploy(lock: ReleaseLock): Promise<void> {
    const release = this.#release;
    const { project, planned, options } = this.#parts;
    const { signal } = lock;
    const [tell, limits] = [this.#tell, this.#limits];
    const revisions = await this.#cluster.revisions(release, signal);
    // Another run may have been quicker to take the lease.
    if ((revisions.at(-1)?.number ?? null) !== (planned.revision?.number ?? null))
      throw new DeployError("STALE_PLAN", `the plan is stale: somebody else changed the release ${release.name}`);
    const last = revisions.at(-1);
    if (last !== undefined) assertAbandoned(release.name, last, lock.previous, options.repair ?? false);
    lock.begin();
    await repair(this.#cluster, { release, revisions, ...limits, tell, signal });
    const repaired = await this.#cluster.revisions(release, signal);
    const before = repaired.at(-1);
    await redactDeployed(this.#cluster, release, runningAmong(repaired), signal);
    this.#state = asItWas(release, before?.number ?? 0);
    await lock.assertHeld();
    const deadline = Date.now() + limits.timeout * 1000;
    tell({ event: "upgrading", release: release.name, namespace: release.namespace, from: before?.number ?? null });
    try {
      await this.#cluster.releases.upgrade({
        release,
        chart: project.sources.placeOf(release.chart),
        description: descriptionOf(project.commit),
        run: this.#id,
        revision: (before?.number ?? 0) + 1,
        ...limits,
        wait: planned.hooksAfter,
        // Who may not make namespaces can still deploy to one that is there.
        createNamespace: before === undefined && (await this.#lacksNamespace()),
        signal,
      });
      const revision = await this.#own(signal);
      tell({ event: "upgraded", release: release.name, revision });
      await waitForRelease(this.#cluster, release, revision, { deadline, tell, signal });
      await this.#own(signal);
      await tellReady(this.#cluster, release, revision, tell);
    } catch (error) {
      // What is somebody else's now is left to them.
      for (const reason of [error, signal.reason]) if (isLost(reason)) throw reason;
      const told = await this.#explained(error, signal);
      if (options.onFailure === "leave") await this.#leave(before?.number ?? 0);
      else await this.#undo(before?.number ?? 0, told, lock);
      throw told;
    }
  }

  async #lacksNamespace(): Promise<boolean> {
    const path = `/api/v1/namespaces/${this.#release.namespace}`;
    try {
      return (await this.#cluster.get(path, { signal: this.#parts.signal })) === null;
    } catch (error) {
      if (error instanceof DeployError && error.code === "FORBIDDEN") return false;
      throw error;
    }
  }

  /** Helm does not say why what it waited for is not ready: the cluster does. */
  async #explained(error: unknown, signal: AbortSignal): Promise<unknown> {
    const isHelms = error instanceof DeployError && error.code === "TOOL_FAILED";
    if (!isHelms || !this.#parts.planned.hooksAfter || signal.aborted) return error;
    try {
      const last = (await this.#cluster.revisions(this.#release)).at(-1);
      if (last === undefined || !this.#isOwn(last)) return error;
      const options = { deadline: Date.now(), tell: this.#tell, signal };
      await waitForRelease(this.#cluster, this.#release, last.number, options);
      return error;
    } catch (found) {
      return found instanceof DeployError && found.code === "ROLLOUT_FAILED" ? found : error;
    }
  }

  #isOwn({ run }: RecordedRevision): boolean {
    return run === this.#id;
  }

  /**
   * The revision that this run made, as long as it is the last one. @throws DeployError
   * RELEASE_LOST
   */
  async #own(signal: AbortSignal): Promise<number> {
    const last = (await this.#cluster.revisions(this.#release, signal)).at(-1);
    if (last !== undefined && this.#isOwn(last)) return last.number;
    throw overtaken(this.#release, last?.number ?? null, this.#tell);
  }

  /** Leaves what failed as it is. */
  async #leave(before: number): Promise<void> {
    try {
      const last = (await this.#cluster.revisions(this.#release)).at(-1);
      if (last === undefined || last.number <= before) return;
      if (!this.#isOwn(last)) throw overtaken(this.#release, last.number, this.#tell);
      this.#state = leftAs(this.#release, last.number);
    } catch (error) {
      if (!(error instanceof DeployError) || isLost(error)) throw error;
      this.#state = `the release ${this.#release.name} is left as it is, and the cluster does not tell how that is`;
    }
  }

  /** Rolls back to what was good, even if interrupted: nothing stays half-done. */
  async #undo(before: number, cause: unknown, lock: ReleaseLock): Promise<void> {
    const release = this.#release;
    const { releases } = this.#cluster;
    try {
      const revisions = await this.#cluster.revisions(release);
      const last = revisions.at(-1);
      // Helm had not begun.
      if (last === undefined || last.number <= before) return;
      if (!this.#isOwn(last)) throw overtaken(release, last.number, this.#tell);
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
      await redactDeployed(this.#cluster, release, target);
      await lock.assertHeld();
      this.#tell({ event: "rolling-back", release: release.name, to: good });
      if (good === null) await releases.remove(release, this.#limits);
      else await releases.rollBack(release, good, this.#limits);
      const revision = good === null ? null : ((await this.#cluster.revisions(release)).at(-1)?.number ?? null);
      this.#tell({ event: "rolled-back", release: release.name, to: good, revision });
      this.#state =
        good === null
          ? `it was the first install of the release ${release.name}, which was removed`
          : backAt(release, good, revision);
    } catch (error) {
      if (!(error instanceof DeployError)) throw error;
      const why = isInterrupted(cause) ? "interrupted; " : cause instanceof DeployError ? `${cause.message}; ` : "";
      const code = isLost(error) ? "RELEASE_LOST" : "ROLLBACK_FAILED";
      const { message, hint, remedy } = error;
      throw new DeployError(code, `${why}and it was not rolled back: ${message}`, { cause, hint, remedy });
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
