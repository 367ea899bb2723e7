import type { Cluster } from "../cluster/cluster.ts";
import { DeployError } from "../errors.ts";
import { toldBy } from "../parallel.ts";
import type { Project } from "../project/project.ts";
import type { WorkloadProgress, Unready } from "../workloads/readiness.ts";

/** What happens in a deployment. No event holds a secret or a value. */
export type DeployEvent =
  | {
      readonly event: "begin";
      readonly operation: "apply" | "rollback";
      readonly environment: string;
      readonly commit: string;
      /** What the values that were given beside the commit are called; nothing of a rollback. */
      readonly given: readonly string[];
      readonly cluster: string;
    }
  | { readonly event: "warning"; readonly message: string }
  /** A release that a dead run had left half-way is taken up from its last good revision. */
  | { readonly event: "repaired"; readonly release: string; readonly revision: number; readonly status: string }
  /** Nothing of it changes: it is left as it is, and looked at. */
  | { readonly event: "unchanged"; readonly release: string; readonly revision: number }
  | { readonly event: "upgrading"; readonly release: string; readonly namespace: string; readonly from: number | null }
  | { readonly event: "upgraded"; readonly release: string; readonly revision: number }
  | ({ readonly event: "progress"; readonly release: string } & WorkloadProgress)
  | ({ readonly event: "unready"; readonly release: string } & Unready)
  | {
      readonly event: "ready";
      readonly release: string;
      readonly workloads: number;
      /** How many objects were not waited for, as the settings say. */
      readonly leftOut: number;
      readonly seconds: number;
    }
  /** It will go back to revision `to`; null for a first installation, which is removed. */
  | { readonly event: "rolling-back"; readonly release: string; readonly to: number | null }
  /** It is back there, as a new revision; null where it is removed. */
  | {
      readonly event: "rolled-back";
      readonly release: string;
      readonly to: number | null;
      readonly revision: number | null;
    }
  | { readonly event: "failed"; readonly code: DeployError["code"] | "OTHER"; readonly message: string }
  | { readonly event: "end"; readonly seconds: number };

/** Tells of an event. */
export type Tell = (event: DeployEvent) => void;

/**
 * Runs what an operation does to a cluster between its first and its last event, and gives what
 * happens, as {@link toldBy} does.
 */
export function operationEvents(
  operation: "apply" | "rollback",
  { commit, given }: Project,
  { environment, identity }: Cluster,
  signal: AbortSignal | undefined,
  job: (tell: Tell, signal: AbortSignal) => Promise<void>,
): AsyncGenerator<DeployEvent, void, undefined> {
  return toldBy(async (tell, stop) => {
    const start = Date.now();
    tell({ event: "begin", operation, environment: environment.name, commit, given, cluster: identity.uid });
    try {
      await job(tell, stop);
      tell({ event: "end", seconds: (Date.now() - start) / 1000 });
    } catch (error) {
      const known = error instanceof DeployError;
      const message = known ? error.message : "an error that was not expected";
      tell({ event: "failed", code: known ? error.code : "OTHER", message });
      throw error;
    }
  }, signal);
}
