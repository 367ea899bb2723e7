import { type ApplyOptions, AuditLog, blockInMarkdown, type DeployEvent, type DeployLimits } from "@git-vault/deploy";
import { currentCi } from "./ci.ts";
import { type CleanUp, STOPPING } from "./project.ts";
import { DeploymentRecord } from "./deployment-summary.ts";
import { usageError } from "../../cli/errors.ts";
import { linesOf } from "./event-text.ts";
import { printable, say, writeJson, writeStdout } from "../../io/streams.ts";
import type { FlagValues } from "../../cli/command-table.ts";

/** The number of seconds that --timeout gives. */
export function timeoutOf({ timeout }: FlagValues): { timeout?: number } {
  if (timeout === undefined) return {};
  if (/^[1-9]\d{0,5}$/.test(timeout)) return { timeout: Number(timeout) };
  throw usageError("--timeout: expected a number of seconds, such as 600");
}

/** How long a release may take and how many revisions of it are kept, as the flags say. */
export function limitsOf(flags: FlagValues): DeployLimits {
  const { "history-max": history } = flags;
  if (history === undefined) return timeoutOf(flags);
  // With one alone, nothing would be left to go back to.
  if (!/^(?:0|[2-9]|[1-9]\d{1,4})$/.test(history))
    throw usageError("--history-max: expected a number of revisions, at least 2, or 0 for no limit");
  return { ...timeoutOf(flags), history: Number(history) };
}

/** How releases are deployed, as the flags say. */
export function applyOptionsOf(flags: FlagValues): Omit<ApplyOptions, "signal"> {
  return { ...limitsOf(flags), ...onFailure(flags), repair: flags.repair === true };
}

function onFailure({ "on-failure": value }: FlagValues): Pick<ApplyOptions, "onFailure"> {
  if (value === undefined) return {};
  if (value === "rollback" || value === "leave") return { onFailure: value };
  throw usageError("--on-failure: expected rollback or leave");
}

/** What is done to one environment, for those who follow it. */
export interface Deployed {
  /** `vault deploy apply prod`. */
  readonly title: string;
  /** The release that the output `revision` is about. */
  readonly release: string;
  /** What is to be done, in Markdown. */
  readonly planned: string;
}

/**
 * Tells on stderr what happens, records it where --audit-log says, answers on stdout, and keeps
 * `cleanUp` true; in CI, the summary of the job tells it, too. Throws what the run throws.
 */
export async function followEvents(
  run: AsyncIterable<DeployEvent>,
  deployed: Deployed,
  flags: FlagValues,
  cleanUp: CleanUp,
): Promise<void> {
  const log = flags["audit-log"] === undefined ? null : new AuditLog(flags["audit-log"]);
  const events: DeployEvent[] = [];
  const record = new DeploymentRecord();
  let outcome = "failed";
  try {
    for await (const event of run) {
      log?.write(event);
      keepTrue(cleanUp, event);
      record.add(event);
      if (event.event === "failed") outcome = `failed: ${event.message}`;
      if (event.event === "end") outcome = `done in ${event.seconds.toFixed(1)} seconds`;
      if (flags.json) events.push(event);
      else if (event.event === "end") writeStdout(`${outcome}\n`);
      else tellEvent(event, flags);
    }
  } finally {
    if (flags.json) writeJson({ events });
    tellCi(deployed, record, outcome);
  }
}

function tellCi({ title, release, planned }: Deployed, record: DeploymentRecord, outcome: string): void {
  const ci = currentCi();
  const revision = record.revisionOf(release);
  if (revision !== null) ci.output("revision", String(revision));
  ci.summary([`## ${title}`, blockInMarkdown(outcome), record.toMarkdown(), planned].join("\n\n"));
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
