import { AuditLog, type DeployEvent } from "@git-vault/deploy";
import { count } from "./count.ts";
import { type CleanUp, STOPPING } from "./deploy-project.ts";
import { usageError } from "./errors.ts";
import { printable, say, writeJson, writeStdout } from "./streams.ts";
import type { FlagValues } from "./table.ts";

/** The number of seconds that --timeout gives. */
export function timeoutOf({ timeout }: FlagValues): { timeout?: number } {
  if (timeout === undefined) return {};
  if (/^[1-9]\d{0,5}$/.test(timeout)) return { timeout: Number(timeout) };
  throw usageError("--timeout: expected a number of seconds, such as 600");
}

/**
 * Tells on stderr what happens, records it where --audit-log says, answers on stdout, and keeps `cleanUp` true. Throws what the run
 * throws.
 */
export async function followEvents(
  run: AsyncIterable<DeployEvent>,
  flags: FlagValues,
  cleanUp: CleanUp,
): Promise<void> {
  const log = flags["audit-log"] === undefined ? null : new AuditLog(flags["audit-log"]);
  const events: DeployEvent[] = [];
  try {
    for await (const event of run) {
      log?.write(event);
      keepTrue(cleanUp, event);
      if (flags.json) events.push(event);
      else if (event.event === "end") writeStdout(`done in ${event.seconds.toFixed(1)} seconds\n`);
      else tellEvent(event, flags);
    }
  } finally {
    if (flags.json) writeJson({ events });
  }
}

/** Tells on stderr what happens; of which environment, where there are several. */
export function tellEvent(event: DeployEvent, { quiet }: FlagValues, environment?: string): void {
  if (quiet && event.event !== "unready") return;
  const of = environment === undefined ? "" : `${environment}: `;
  for (const line of linesOf(event)) say(`vault: ${printable(of + line)}`);
}

/** After each event, `cleanUp` says what a run that is told to end would be at. */
export function keepTrue(cleanUp: CleanUp, event: DeployEvent): void {
  if (event.event === "rolled-back") cleanUp.doing = STOPPING;
  if (event.event !== "rolling-back") return;
  const { release, to } = event;
  const what = to === null ? `removing ${release}` : `rolling back to revision ${to}`;
  cleanUp.doing = `still ${what}; broken off, ${release} would be left half-way`;
}

function linesOf(event: DeployEvent): string[] {
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
    case "ready":
      return [`${event.release}: ready (${count(event.workloads, "workload")}, ${event.seconds.toFixed(1)} seconds)`];
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
