import { randomUUID } from "node:crypto";
import { once } from "../remember.ts";
import type { WritableCluster } from "../cluster/cluster.ts";
import { DeployError } from "../errors.ts";
import type { Tell } from "./events.ts";
import { redactDeployed, runningAmong } from "./deployed-secrets.ts";
import { goBackTo, removeRelease } from "./go-back.ts";
import { descriptionOf, lastGood } from "./good-revision.ts";
import type { RecordedRevision, ReleaseName } from "../cluster/helm-releases.ts";
import { isInterrupted, tellingState } from "../parallel.ts";
import { type ReleaseLock, withReleaseLock, isLost, overtaken } from "./release-lock.ts";
import { type DeployLimits, limitsOf } from "./limits.ts";
import { readManifests } from "../helm/manifests.ts";
import { driftOf, LiveObjects } from "./live.ts";
import { isUnchangedRelease, type PlannedRelease } from "./plan.ts";
import type { Project } from "../project/project.ts";
import { assertRights, type Right } from "./rights.ts";
import { tellReady, waitForRelease, type ReleaseWait } from "./ready-release.ts";
import { placeObjects, type PlacedObject } from "../workloads/placed-object.ts";
import {
  chartTwins,
  type OtherContent,
  otherOfRevision,
  otherRehearsal,
  type Rehearsing,
  tellable,
} from "./rehearsal.ts";
import type { Release } from "../project/environment.ts";
import { assertAbandoned, isPending, repair } from "./repair.ts";

export interface ApplyOptions extends DeployLimits {
  /** Whether a failed release is rolled back (the default) or left as it is. */
  readonly onFailure?: "rollback" | "leave" | undefined;
  /** Says that the one who left a release half-way is dead, where that cannot be known. */
  readonly repair?: boolean;
  /** Upgrades a release of which nothing changes, too: its hooks run, and it gets a revision. */
  readonly redeploy?: boolean;
}

/** A release that is deployed, and how. */
export interface DeploymentParts {
  readonly project: Project;
  readonly cluster: WritableCluster;
  readonly release: Release;
  readonly planned: PlannedRelease;
  /** When it was planned: ISO 8601. */
  readonly made: string;
  readonly options: ApplyOptions;
  readonly tell: Tell;
  readonly signal: AbortSignal;
}

/** How long an interrupted run checks whether what it went back to is ready, in ms. */
const LAST_LOOK = 10_000;

const TO_CREATE_NAMESPACES: Right = { namespace: null, group: "", resource: "namespaces", verbs: ["create"] };

/** What was planned longer ago, in ms, others may have changed since. */
const MOST_AGE = 60_000;

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
    // Helm waits so long for each of its hooks at most, and for a repair and a rollback, which is
    // then waited for.
    const term = { revision, most: (planned.hooks + 4) * this.#limits.timeout * 1000 };
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
    await repair(this.#cluster, { project, release, revisions, ...limits, lock, tell, signal });
    const repaired = isPending(last) ? await this.#cluster.revisions(release, signal) : revisions;
    const before = repaired.at(-1);
    await redactDeployed(this.#cluster, release, runningAmong(repaired), signal);
    this.#state = asItWas(release, before?.number ?? 0);
    const deadline = Date.now() + limits.timeout * 1000;
    const { standIns } = project;
    const { own: chart, other: otherChart } = chartTwins(project, release, standIns);
    const how = { release, chart, signal };
    const other = once(() => otherRehearsal(this.#cluster, { ...how, chart: otherChart }, standIns));
    if (before !== undefined && (await this.#isAsPlanned(before, other)))
      return this.#confirm(before, { deadline, other, tell, signal });
    await lock.assertHeld();
    // Who may not make namespaces can still deploy to one that is there.
    const createNamespace = before === undefined && (await this.#lacksNamespace());
    await assertRights(this.#cluster, [...planned.needs, ...(createNamespace ? [TO_CREATE_NAMESPACES] : [])], signal);
    tell({ event: "upgrading", release: release.name, namespace: release.namespace, from: before?.number ?? null });
    try {
      await this.#cluster.releases.upgrade({
        release,
        chart,
        description: descriptionOf(project.commit),
        run: this.#id,
        revision: (before?.number ?? 0) + 1,
        ...limits,
        wait: planned.hooksAfter,
        createNamespace,
        signal,
      });
      const revision = await this.#own(signal);
      tell({ event: "upgraded", release: release.name, revision });
      await waitForRelease(this.#cluster, release, revision, { deadline, other, tell, signal });
      await this.#own(signal);
      await tellReady(this.#cluster, release, revision, tell);
    } catch (error) {
      // What is somebody else's now is left to them.
      for (const reason of [error, signal.reason]) if (isLost(reason)) throw reason;
      const told = await this.#explained(error, how, other);
      if (options.onFailure === "leave") await this.#leave(before?.number ?? 0);
      else await this.#undo(before?.number ?? 0, told, lock);
      throw told;
    }
  }

  /** Whether the last revision is what the plan would make, and nobody changed anything of it. */
  async #isAsPlanned({ number, status }: RecordedRevision, other: () => Promise<OtherContent>): Promise<boolean> {
    const { planned, options, cluster, signal } = this.#parts;
    if (!isUnchangedRelease(planned) || status !== "deployed" || options.redeploy === true) return false;
    const age = Date.now() - Date.parse(this.#parts.made);
    if (age < MOST_AGE) return true;
    const manifests = readManifests((await cluster.releases.record(this.#release, number, signal)).manifest);
    const placed = await placeObjects(cluster, manifests, this.#release.namespace, signal);
    const objects = new LiveObjects(cluster, this.#release, signal);
    const { drift, unseen } = await driftOf(objects, manifests, placed, other);
    return drift.length === 0 && unseen === null;
  }

  /** Nothing is to be changed: it is found out whether all is ready. */
  async #confirm({ number, ready }: RecordedRevision, options: ReleaseWait): Promise<void> {
    this.#tell({ event: "unchanged", release: this.#release.name, revision: number });
    await waitForRelease(this.#cluster, this.#release, number, options);
    if (!ready) await tellReady(this.#cluster, this.#release, number, this.#tell);
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

  /**
   * What Helm says, without what depends on a secret. It does not say why what it waited for is not
   * ready: the cluster does.
   */
  async #explained(failure: unknown, how: Rehearsing, other: () => Promise<OtherContent>): Promise<unknown> {
    const { signal } = this.#parts;
    const isHelms = failure instanceof DeployError && failure.code === "TOOL_FAILED";
    if (!isHelms || signal.aborted) return failure;
    const error = await tellable(failure, this.#parts.project, this.#cluster, how, other);
    if (!this.#parts.planned.hooksAfter) return error;
    try {
      const last = (await this.#cluster.revisions(this.#release)).at(-1);
      if (last === undefined || !this.#isOwn(last)) return error;
      const options = { deadline: Date.now(), other, tell: this.#tell, signal };
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
      await lock.assertHeld();
      this.#tell({ event: "rolling-back", release: release.name, to: good });
      if (good === null) await this.#remove(last.number, lock);
      else await this.#goBack(good, revisions, lock);
    } catch (error) {
      if (!(error instanceof DeployError)) throw error;
      const why = isInterrupted(cause) ? "interrupted; " : cause instanceof DeployError ? `${cause.message}; ` : "";
      const code = isLost(error) ? "RELEASE_LOST" : "ROLLBACK_FAILED";
      const { message, hint, remedy } = error;
      throw new DeployError(code, `${why}and it was not rolled back: ${message}`, { cause, hint, remedy });
    }
  }

  /** Undoes a first installation. */
  async #remove(made: number, lock: ReleaseLock): Promise<void> {
    const release = this.#release;
    const left = await removeRelease(this.#cluster, release, made, { ...this.#limits, lock });
    this.#tell({ event: "rolled-back", release: release.name, to: null, revision: null });
    const first = `it was the first install of the release ${release.name}, which was removed`;
    this.#state = left.length === 0 ? first : `${first}; still being removed: ${this.#named(left)}`;
  }

  /** Goes back to a good revision, and tells whether it is as good again. */
  async #goBack(good: number, revisions: readonly RecordedRevision[], lock: ReleaseLock): Promise<void> {
    const release = this.#release;
    const { project, signal } = this.#parts;
    await goBackTo(project, this.#cluster, release, good, { ...this.#limits, lock, revisions });
    const revision = (await this.#cluster.revisions(release)).at(-1)?.number ?? null;
    const back = backAt(release, good, revision);
    this.#state = `${back}, and was not waited for`;
    // Interrupted, it has a last look: what is told is what the cluster says.
    const deadline = Date.now() + (signal.aborted ? LAST_LOOK : this.#limits.timeout * 1000);
    const until = signal.aborted ? new AbortController().signal : signal;
    const other = once(() => otherOfRevision(project, this.#cluster, release, good, until));
    try {
      await waitForRelease(this.#cluster, release, revision ?? good, {
        deadline,
        other,
        tell: this.#tell,
        signal: until,
      });
      if (revision !== null) await tellReady(this.#cluster, release, revision, this.#tell);
      this.#state = back;
    } catch (error) {
      if (!(error instanceof DeployError)) throw error;
      if (error.code !== "INTERRUPTED") {
        this.#state = `${back}, and ${error.code === "ROLLOUT_FAILED" ? "is not ready there" : "nobody knows whether it is ready"}`;
        this.#tell({ event: "warning", message: `${this.#state}: ${error.message}` });
      }
    }
    this.#tell({ event: "rolled-back", release: release.name, to: good, revision });
  }

  #named(objects: readonly PlacedObject[]): string {
    return objects.map(({ kind, name }) => this.#cluster.tidy(`${kind} ${name}`)).join(", ");
  }
}

const asItWas = ({ name }: ReleaseName, revision: number): string =>
  revision === 0 ? `the release ${name} is not installed` : `the release ${name} is as it was, at revision ${revision}`;

const leftAs = ({ name }: ReleaseName, revision: number): string =>
  `the release ${name} is left as revision ${revision}, not ready`;

/** Where a release is after a rollback, in words. */
export const backAt = ({ name }: ReleaseName, to: number, revision: number | null): string =>
  `the release ${name} is back at revision ${to}${revision === null ? "" : ` (as revision ${revision})`}`;
