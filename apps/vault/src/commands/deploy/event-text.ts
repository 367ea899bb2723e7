import type { DeployEvent } from "@git-vault/deploy/releases";
import { plural } from "@git-vault/core";

/** An event in words; none for what is told in another way. */
export function linesOf(event: DeployEvent): string[] {
  switch (event.event) {
    case "begin":
      return [
        `${event.operation} to ${event.environment}, commit ${event.commit.slice(0, 12)}, cluster ${event.cluster}`,
      ];
    case "warning":
      return [`warning: ${event.message}`];
    case "repaired":
      return [
        `${event.release}: revision ${event.revision} was left ${event.status} by a run that is dead, and was repaired`,
      ];
    case "unchanged":
      return [`${event.release}: nothing changes, it stays at revision ${event.revision}`];
    case "upgrading":
      return [`${event.release}: ${event.from === null ? "installing" : `upgrading from revision ${event.from}`}`];
    case "upgraded":
      return [`${event.release}: revision ${event.revision} is there, waiting for its workloads`];
    case "progress":
      return [`${event.release}: ${event.workload.kind} ${event.workload.name}: ${event.message}`];
    case "unready": {
      const of = `${event.release}: ${event.workload.kind} ${event.workload.name}`;
      return [`${of} is not ready: ${event.message}`, ...event.reasons.map((reason) => `  ${reason}`)];
    }
    case "ready": {
      const leftOut = event.leftOut === 0 ? "" : `, ${plural(event.leftOut, "object")} not waited for`;
      const all = `${plural(event.workloads, "workload")}, ${event.seconds.toFixed(1)} seconds${leftOut}`;
      return [`${event.release}: ready (${all})`];
    }
    case "rolling-back":
      return [`${event.release}: ${event.to === null ? "removing it" : `going back to revision ${event.to}`}`];
    case "rolled-back":
      return [
        `${event.release}: ${event.to === null ? "removed again" : `back to revision ${event.to} (as revision ${event.revision})`}`,
      ];
    case "failed":
    case "end":
      // The error itself is told at the end.
      return [];
    default:
      return event satisfies never;
  }
}
