import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { KubernetesObject } from "./api.ts";
import type { Cluster, WritableCluster } from "./cluster.ts";
import { DeployError } from "../errors.ts";
import type { ReleaseName } from "./helm-releases.ts";
import { at, readJson } from "../values/value.ts";

interface Lease extends KubernetesObject {
  readonly spec?: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
  };
}

/** What a run that has the right to a release, or had it, says of itself. */
export interface LeaseHolder {
  /** The first revision that it makes. */
  readonly revision: number;
  /** When its Helm has ended at the latest, in milliseconds since 1970. */
  readonly end: number;
}

/** Who has the right to a release, or had it last. */
export interface Holding {
  /** Whether somebody seems to hold it; clocks may disagree. */
  readonly held: boolean;
  /** What they say; null where nobody had it, or nothing is known of them. */
  readonly holder: LeaseHolder | null;
}

/** How long a lease is valid after renewal, in seconds, and when it is renewed, in ms. */
const SECONDS = 30;
const RENEWAL = 10_000;
/** How often, in milliseconds, it is looked whether another run renews its lease. */
const LOOK = 1000;
const ANNOTATION = "git-vault/holder";

/** What a run takes a lease for. */
export interface Term {
  /** The first revision that it makes. */
  readonly revision: number;
  /** After how many milliseconds its Helm has ended for sure. */
  readonly most: number;
}

/** How a lease is taken. */
export interface TakeOptions extends Term {
  readonly signal?: AbortSignal | undefined;
  /** Reports that another run left it, and for how many seconds that run is watched. */
  readonly onWait: (seconds: number) => void;
}

/**
 * The right to deploy a release, kept in its cluster (coordination.k8s.io/v1 Lease): two runs never
 * deploy the same one at once, and the next one can tell whether one that left it half-way is dead.
 *
 * As in Kubernetes' own leader election, no clock is compared with another machine's: a lease is
 * taken over once it was seen not to change for as long as it is good, and given up where it could
 * not be renewed for so long.
 */
export class ReleaseLease {
  readonly #cluster: WritableCluster;
  readonly #release: ReleaseName;
  readonly #id = randomUUID();
  readonly #holder: LeaseHolder;
  readonly #controller = new AbortController();
  #renewal: NodeJS.Timeout | undefined;
  #expiry: NodeJS.Timeout | undefined;
  /** As it was written last. */
  #written: Lease | undefined;
  /** Who had it before, and did not give it back; null where nobody did. */
  readonly previous: LeaseHolder | null;

  private constructor(
    cluster: WritableCluster,
    release: ReleaseName,
    holder: LeaseHolder,
    previous: LeaseHolder | null,
  ) {
    this.#cluster = cluster;
    this.#release = release;
    this.#holder = holder;
    this.previous = previous;
  }

  /**
   * Takes the lease of a release. Where another run has not given it back, it is watched whether
   * that one is alive.
   *
   * @returns null where the user may not have leases: the deployment goes on without one
   * @throws DeployError RELEASE_BUSY where another run has it; INTERRUPTED
   */
  static async take(
    cluster: WritableCluster,
    release: ReleaseName,
    options: TakeOptions,
  ): Promise<ReleaseLease | null> {
    try {
      const known = await freeLease(cluster, release, options);
      const holder = { revision: options.revision, end: Date.now() + options.most };
      const lease = new ReleaseLease(cluster, release, holder, known === null ? null : holderOf(known));
      // Not broken off: it could be taken, and nobody know it.
      await lease.#write(known);
      lease.#renewal = setInterval(() => {
        lease.#renew().catch(() => {});
      }, RENEWAL).unref();
      return lease;
    } catch (error) {
      if (!(error instanceof DeployError)) throw error;
      if (error.code === "CONFLICT") throw busy(release, "seen");
      if (error.code === "FORBIDDEN") return null;
      throw error;
    }
  }

  /** Is aborted when the lease is lost, with the error that says how. */
  get lost(): AbortSignal {
    return this.#controller.signal;
  }

  /**
   * Asserts that the lease is still this run's, just before something is changed.
   *
   * @throws DeployError RELEASE_LOST
   */
  async assertHeld(): Promise<void> {
    // One that cannot be renewed now is good until its time is over.
    await this.#renew().catch(() => {});
    this.lost.throwIfAborted();
  }

  /** Finds out who holds a release's lease, without taking it. Without rights: unknown. */
  static async look(cluster: Cluster, release: ReleaseName, signal?: AbortSignal): Promise<Holding> {
    try {
      const known = await cluster.get<Lease>(pathOf(release), { signal });
      return known === null ? { held: false, holder: null } : { held: isHeld(known), holder: holderOf(known) };
    } catch (error) {
      if (error instanceof DeployError && error.code === "FORBIDDEN") return { held: false, holder: null };
      throw error;
    }
  }

  async #renew(): Promise<void> {
    const known = await this.#read();
    if (this.#renewal === undefined) return;
    if (this.#isOwn(known)) await this.#write(known);
    else this.#lose(known === null ? "its Lease was removed" : "another run took its Lease");
  }

  #lose(how: string): void {
    this.#stop();
    const message = `this run no longer has the right to deploy the release ${this.#release.name}: ${how}`;
    this.#controller.abort(
      new DeployError("RELEASE_LOST", message, {
        hint: "nothing more was changed, and nothing undone; look at what the release is now",
        remedy: "plan",
      }),
    );
  }

  #stop(): void {
    clearInterval(this.#renewal);
    clearTimeout(this.#expiry);
    this.#renewal = undefined;
  }

  /** Gives it back. What cannot be given back runs out by itself. */
  release(): Promise<void> {
    return this.#giveBack(({ metadata: { uid, resourceVersion } }) =>
      this.#cluster.send(this.#path, { method: "DELETE", body: { preconditions: { uid, resourceVersion } } }),
    );
  }

  /** Returns it as it was found, keeping what is known of a run that left it half-done. */
  restore(): Promise<void> {
    const { previous } = this;
    if (previous === null) return this.release();
    return this.#giveBack((known) => this.#write(known, { holder: previous, id: "" }));
  }

  async #giveBack(act: (known: Lease) => Promise<unknown>): Promise<void> {
    this.#stop();
    try {
      // Mostly it is as it was left. Else it may be another run's by now, or was just renewed.
      if (this.#written !== undefined && (await this.#acted(this.#written, act))) return;
      const known = await this.#read();
      if (known !== null && this.#isOwn(known)) await act(known);
    } catch (error) {
      if (!(error instanceof DeployError)) throw error;
    }
  }

  async #acted(known: Lease, act: (known: Lease) => Promise<unknown>): Promise<boolean> {
    try {
      await act(known);
      return true;
    } catch (error) {
      if (error instanceof DeployError && error.code === "CONFLICT") return false;
      throw error;
    }
  }

  get #path(): string {
    return pathOf(this.#release);
  }

  #read(): Promise<Lease | null> {
    return this.#cluster.get<Lease>(this.#path);
  }

  #isOwn(known: Lease | null): boolean {
    return known?.spec?.holderIdentity === this.#id;
  }

  /** @param id nobody's where it is given back */
  async #write(
    known: Lease | null,
    { holder, id }: { readonly holder: LeaseHolder; readonly id: string } = { holder: this.#holder, id: this.#id },
  ): Promise<void> {
    const start = performance.now();
    const now = `${new Date().toISOString().slice(0, -1)}000Z`;
    const resourceVersion = known?.metadata.resourceVersion;
    const body = {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: {
        name: leaseName(this.#release),
        annotations: { [ANNOTATION]: JSON.stringify(holder) },
        resourceVersion,
      },
      spec: {
        holderIdentity: id,
        leaseDurationSeconds: SECONDS,
        acquireTime: this.#isOwn(known) ? known?.spec?.acquireTime : now,
        renewTime: now,
      },
    };
    this.#written = await (known === null
      ? this.#cluster.send<Lease>(LEASES, { method: "POST", body })
      : this.#cluster.send<Lease>(this.#path, { method: "PUT", body }));
    clearTimeout(this.#expiry);
    if (id === "") return;
    const left = start + SECONDS * 1000 - performance.now();
    const how = `its Lease could not be renewed for ${SECONDS} seconds`;
    this.#expiry = setTimeout(() => this.#lose(how), left).unref();
  }
}

/**
 * The lease of a release once nobody has it; null where there is none. @throws DeployError
 * RELEASE_BUSY where its run is alive
 */
async function freeLease(
  cluster: WritableCluster,
  release: ReleaseName,
  { signal, onWait }: TakeOptions,
): Promise<Lease | null> {
  const look = (): Promise<Lease | null> => cluster.get<Lease>(pathOf(release), { signal });
  const first = await look();
  if (first === null || isGivenBack(first)) return first;
  const seconds = first.spec?.leaseDurationSeconds ?? SECONDS;
  onWait(seconds);
  const end = performance.now() + seconds * 1000;
  for (;;) {
    const left = end - performance.now();
    await sleep(Math.max(0, Math.min(LOOK, left)), undefined, { signal }).catch(() => {
      throw new DeployError("INTERRUPTED", "interrupted while it was watched whether another run is alive");
    });
    const now = await look();
    if (now === null || isGivenBack(now)) return now;
    if (!isDeepStrictEqual(now.spec, first.spec)) throw busy(release, "seen");
    if (left <= 0) return now;
  }
}

// In the namespace default, which is always there: that of a release may be yet to be made.
const LEASES = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
const leaseName = ({ name, namespace }: ReleaseName): string => `git-vault.${namespace}.${name}`;
const pathOf = (release: ReleaseName): string => `${LEASES}/${leaseName(release)}`;

/** What is thrown where another run was seen to have a release, or only seems to have it. */
export const busy = ({ name }: ReleaseName, how: "seen" | "seems"): DeployError => {
  const killed = how === "seen" ? "" : `; if it was killed, run this again in ${SECONDS} seconds`;
  return new DeployError("RELEASE_BUSY", `somebody else is deploying the release ${name}`, {
    hint: `wait until that run has ended${killed}`,
  });
};

const isGivenBack = ({ spec }: Lease): boolean => (spec?.holderIdentity ?? "") === "";

const isHeld = (lease: Lease): boolean =>
  !isGivenBack(lease) &&
  Date.parse(lease.spec?.renewTime ?? "") + (lease.spec?.leaseDurationSeconds ?? 0) * 1000 > Date.now();

function holderOf({ metadata }: Lease): LeaseHolder | null {
  const holder = readJson(metadata.annotations?.[ANNOTATION] ?? "");
  const [revision, end] = [at(holder, "revision"), at(holder, "end")];
  return typeof revision === "number" && typeof end === "number" ? { revision, end } : null;
}
