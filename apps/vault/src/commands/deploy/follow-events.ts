import { type ApplyOptions, AuditLog, type DeployEvent, type DeployLimits } from "@git-vault/deploy/releases";
import { blockInMarkdown } from "@git-vault/deploy/findings";
import { currentCi } from "./ci.ts";
import { type CleanUp, STOPPING } from "./project.ts";
import { DeploymentRecord } from "./deployment-summary.ts";
import { linesOf } from "./event-text.ts";
import { printableLine, say, writeJson, writeStdout } from "../../io/streams.ts";

/** What --timeout, --history-max and --audit-log say. */
interface LimitOptions {
  readonly timeout: number | undefined;
  readonly historyMax: number | undefined;
}

/** What the flags of `vault deploy apply` say. */
interface ApplyingOptions extends LimitOptions {
  readonly onFailure: "rollback" | "leave" | undefined;
  readonly repair: boolean;
  readonly redeploy: boolean;
}

/** How long a release may take and how many revisions of it are kept. */
export const limitsOf = ({ timeout, historyMax: history }: LimitOptions): DeployLimits => ({ timeout, history });

/** How releases are deployed. */
export const applyOptionsOf = (options: ApplyingOptions): Omit<ApplyOptions, "signal"> => ({
  ...limitsOf(options),
  onFailure: options.onFailure,
  repair: options.repair,
  redeploy: options.redeploy,
});

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
  options: { readonly auditLog: string | undefined; readonly json: boolean; readonly quiet: boolean },
  cleanUp: CleanUp,
): Promise<void> {
  const { auditLog, json, quiet } = options;
  const log = auditLog === undefined ? null : new AuditLog(auditLog);
  const events: DeployEvent[] = [];
  const record = new DeploymentRecord();
  let outcome = "failed";
  try {
    for await (const event of run) {
      log?.write(event);
      updateStatus(cleanUp, event);
      record.add(event);
      if (event.event === "failed") outcome = `failed: ${event.message}`;
      if (event.event === "end") outcome = `done in ${event.seconds.toFixed(1)} seconds`;
      if (json) events.push(event);
      else if (event.event === "end") writeStdout(`${outcome}\n`);
      else reportEvent(event, quiet);
    }
  } finally {
    if (json) writeJson({ events });
    reportToCi(deployed, record, outcome);
  }
}

function reportToCi({ title, release, planned }: Deployed, record: DeploymentRecord, outcome: string): void {
  const ci = currentCi();
  const revision = record.revisionOf(release);
  if (revision !== null) ci.output("revision", String(revision));
  ci.summary([`## ${title}`, blockInMarkdown(outcome), record.toMarkdown(), planned].join("\n\n"));
}

/** Tells on stderr what happens; of which environment, where there are several. */
export function reportEvent(event: DeployEvent, quiet: boolean, environment?: string): void {
  if (quiet && event.event !== "unready") return;
  const of = environment === undefined ? "" : `${environment}: `;
  for (const line of linesOf(event)) say(`vault: ${printableLine(of + line)}`);
}

/** After each event, `cleanUp` says what a run that is interrupted would be at. */
export function updateStatus(cleanUp: CleanUp, event: DeployEvent): void {
  if (event.event === "rolled-back") cleanUp.doing = STOPPING;
  if (event.event !== "rolling-back") return;
  const { release, to } = event;
  const what = to === null ? `removing ${release}` : `rolling back to revision ${to}`;
  cleanUp.doing = `still ${what}; broken off, ${release} would be left half-way`;
}
