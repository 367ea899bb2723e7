import { randomUUID } from "node:crypto";
import type { KubernetesObject } from "./api.ts";
import type { Cluster, WritableCluster } from "./cluster.ts";
import { DeployError } from "../errors.ts";
import type { ReleaseName } from "../helm/helm-releases.ts";

interface Lease extends KubernetesObject {
  readonly spec?: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
  };
}

/** What a run that has the right to a release, or had it, says of itself. */
export interface Holder {
  /** The first revision that it makes. */
  readonly revision: number;
  /** When its Helm has ended at the latest, in milliseconds since 1970. */
  readonly end: number;
}

/** Who has the right to a release, or had it last. */
export interface Holding {
  /** Whether somebody has it now. */
  readonly held: boolean;
  /** What they say; null where nobody had it, or nothing is known of them. */
  readonly holder: Holder | null;
}

/** For how many seconds a lease is good after it was renewed, and after how many milliseconds it is. */
const SECONDS = 30;
const RENEWAL = 10_000;
const ANNOTATION = "git-vault/holder";

/**
 * The right to deploy a release, kept in its cluster (coordination.k8s.io/v1 Lease): two runs never deploy the same one at once, and
 * the next one can tell whether one that left it half-way is dead.
 */
export class ReleaseLease {
  readonly #cluster: WritableCluster;
  readonly #name: string;
  readonly #id = randomUUID();
  readonly #holder: Holder;
  #timer: NodeJS.Timeout | undefined;
  /** Who had it before, and did not give it back; null where nobody did. */
  readonly previous: Holder | null;

  private constructor(cluster: WritableCluster, release: ReleaseName, holder: Holder, previous: Holder | null) {
    this.#cluster = cluster;
    this.#name = nameOf(release);
    this.#holder = holder;
    this.previous = previous;
  }

  /**
   * Takes the lease of a release.
   *
   * @returns null where the user may not have leases: the deployment goes on without one
   * @throws DeployError RELEASE_BUSY where another run has it
   */
  static async take(
    cluster: WritableCluster,
    release: ReleaseName,
    holder: Holder,
    signal?: AbortSignal,
  ): Promise<ReleaseLease | null> {
    try {
      const known = await cluster.get<Lease>(`${LEASES}/${nameOf(release)}`, { signal });
      if (known !== null && isHeld(known)) throw busy(release);
      const lease = new ReleaseLease(cluster, release, holder, known === null ? null : holderOf(known));
      // Not broken off: it could be taken, and nobody know it.
      await lease.#write(known);
      lease.#timer = setInterval(() => {
        lease.#renew().catch(() => {});
      }, RENEWAL).unref();
      return lease;
    } catch (error) {
      if (!(error instanceof DeployError)) throw error;
      if (error.code === "CONFLICT") throw busy(release);
      if (error.code === "FORBIDDEN") return null;
      throw error;
    }
  }

  /** Looks who has the lease of a release, and takes nothing. A user who may not look learns nothing. */
  static async look(cluster: Cluster, release: ReleaseName, signal?: AbortSignal): Promise<Holding> {
    try {
      const known = await cluster.get<Lease>(`${LEASES}/${nameOf(release)}`, { signal });
      return known === null ? { held: false, holder: null } : { held: isHeld(known), holder: holderOf(known) };
    } catch (error) {
      if (error instanceof DeployError && error.code === "FORBIDDEN") return { held: false, holder: null };
      throw error;
    }
  }

  async #renew(): Promise<void> {
    const known = await this.#cluster.get<Lease>(`${LEASES}/${this.#name}`);
    if (known?.spec?.holderIdentity === this.#id) await this.#write(known);
  }

  /** Gives it back. What cannot be given back runs out by itself. */
  async release(): Promise<void> {
    clearInterval(this.#timer);
    try {
      const known = await this.#cluster.get<Lease>(`${LEASES}/${this.#name}`);
      if (known?.spec?.holderIdentity === this.#id)
        await this.#cluster.send(`${LEASES}/${this.#name}`, {
          method: "DELETE",
          body: { preconditions: { uid: known.metadata.uid } },
        });
    } catch (error) {
      if (!(error instanceof DeployError)) throw error;
    }
  }

  /** Gives it back as it was found: what is known of the run that left the release half-way stays known. */
  async restore(): Promise<void> {
    const { previous } = this;
    if (previous === null) return this.release();
    clearInterval(this.#timer);
    try {
      const known = await this.#cluster.get<Lease>(`${LEASES}/${this.#name}`);
      if (known?.spec?.holderIdentity === this.#id)
        await this.#write(known, { holder: previous, renewed: new Date(0) });
    } catch (error) {
      if (!(error instanceof DeployError)) throw error;
    }
  }

  async #write(
    known: Lease | null,
    { holder = this.#holder, renewed = new Date() }: { readonly holder?: Holder; readonly renewed?: Date } = {},
  ): Promise<void> {
    const now = `${renewed.toISOString().slice(0, -1)}000Z`;
    const body = {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: {
        name: this.#name,
        annotations: { [ANNOTATION]: JSON.stringify(holder) },
        ...(known === null ? {} : { resourceVersion: known.metadata.resourceVersion }),
      },
      spec: {
        holderIdentity: this.#id,
        leaseDurationSeconds: SECONDS,
        acquireTime: known?.spec?.holderIdentity === this.#id ? known.spec.acquireTime : now,
        renewTime: now,
      },
    };
    if (known === null) await this.#cluster.send(LEASES, { method: "POST", body });
    else await this.#cluster.send(`${LEASES}/${this.#name}`, { method: "PUT", body });
  }
}

// In the namespace default, which is always there: that of a release may be yet to be made.
const LEASES = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
const nameOf = ({ name, namespace }: ReleaseName): string => `git-vault.${namespace}.${name}`;

/** What is thrown where another run has a release. */
export const busy = ({ name }: ReleaseName): DeployError =>
  new DeployError("RELEASE_BUSY", `somebody else is deploying the release ${name}`, {
    hint: `wait until that run has ended; if it was killed, run this again in ${SECONDS} seconds`,
  });

const isHeld = ({ spec = {} }: Lease): boolean =>
  Date.parse(spec.renewTime ?? "") + (spec.leaseDurationSeconds ?? 0) * 1000 > Date.now();

function holderOf({ metadata }: Lease): Holder | null {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each field is looked at
    const holder = JSON.parse(metadata.annotations?.[ANNOTATION] ?? "") as Partial<Holder> | null;
    const { revision, end } = holder ?? {};
    return typeof revision === "number" && typeof end === "number" ? { revision, end } : null;
  } catch {
    return null;
  }
}
