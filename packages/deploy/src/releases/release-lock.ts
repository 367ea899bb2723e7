import type { WritableCluster } from "../cluster/cluster.ts";
import { type LeaseHolder, ReleaseLease, type Term } from "../cluster/lease.ts";
import { DeployError } from "../errors.ts";
import type { ReleaseName } from "../cluster/helm-releases.ts";
import { sharedSignal } from "../parallel.ts";
import type { Tell } from "./events.ts";

/** A release, while this run alone has the right to deploy it. */
export interface ReleaseLock {
  /** What is known of the run that had it before, and did not give it back. */
  readonly previous: LeaseHolder | null;
  /** Is aborted when the run is interrupted, and when it loses the release to another run. */
  readonly signal: AbortSignal;
  /** Marks that changes begin: what is known of the run before no longer holds. */
  begin(): void;
  /**
   * Asserts, just before something is changed, that the release is still this run's. @throws
   * DeployError RELEASE_LOST
   */
  assertHeld(): Promise<void>;
}

/**
 * Does a job with a release that no other run is at meanwhile, as far as the user may have leases.
 *
 * @throws DeployError RELEASE_BUSY where another run has it; RELEASE_LOST where the job was ended
 * since another run took it
 */
export async function withReleaseLock(
  cluster: WritableCluster,
  release: ReleaseName,
  term: Term,
  { tell, signal }: { readonly tell: Tell; readonly signal: AbortSignal },
  job: (held: ReleaseLock) => Promise<void>,
): Promise<void> {
  const { name } = release;
  const onWait = (seconds: number): void => {
    const message = `another run had the right to deploy ${name}, and did not give it back: it is watched for ${seconds} seconds whether that one is alive`;
    tell({ event: "warning", message });
  };
  const lease = await ReleaseLease.take(cluster, release, { ...term, signal, onWait });
  if (lease === null)
    tell({
      event: "warning",
      message: "the user may not have leases: two runs may deploy at once, and a dead one is not known",
    });
  let hasBegun = false;
  try {
    await job({
      previous: lease?.previous ?? null,
      signal: sharedSignal(signal, lease?.lost),
      begin: () => {
        hasBegun = true;
      },
      assertHeld: async () => lease?.assertHeld(),
    });
  } catch (error) {
    // What the job was at was ended by it.
    if (!isLost(error)) lease?.lost.throwIfAborted();
    throw error;
  } finally {
    await (hasBegun ? lease?.release() : lease?.restore());
  }
}

/** Whether somebody else took a release over. */
export const isLost = (error: unknown): error is DeployError =>
  error instanceof DeployError && error.code === "RELEASE_LOST";

/**
 * What is thrown where the last revision of a release is not the one that this run made. It is told
 * as a warning, too.
 *
 * @param last null where there is none any more
 */
export function overtaken({ name }: ReleaseName, last: number | null, tell: Tell): DeployError {
  const what = last === null ? `removed the release ${name}` : `made revision ${last} of the release ${name}`;
  const message = `somebody else ${what} while this run was at it; that is left as it is`;
  tell({ event: "warning", message });
  return new DeployError("RELEASE_LOST", message, { hint: "look at what runs there now", remedy: "plan" });
}
