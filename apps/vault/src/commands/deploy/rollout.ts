import { printable } from "@git-vault/core";
import { AuditLog } from "@git-vault/deploy/releases";
import {
  deploymentSteps,
  rollout,
  rolloutGraph,
  type RolloutEvent,
  type RolloutOutcome,
} from "@git-vault/deploy/rollout";
import type { Environment } from "@git-vault/deploy";
import { certificateOptions, environmentsOf } from "./clusters.ts";
import { applyOptionsOf, reportEvent, updateStatus } from "./follow-events.ts";
import { endOf, interruptible, openCommitted } from "./project.ts";
import { CliError } from "../../errors.ts";
import type { ExitCode } from "../../cli/error-codes.ts";
import { findingLines, inOwnWords } from "./findings.ts";
import { describe } from "../../cli/report-error.ts";
import { hintFor, RolloutRecord, outcomeText } from "./rollout-summary.ts";
import { RolloutTable } from "./rollout-table.ts";
import { coloured } from "../../io/colour.ts";
import { canDraw } from "../../io/live.ts";
import type { Run } from "../../cli/command.ts";
import { printableLine, say, writeJson, writeStdout } from "../../io/streams.ts";
import { agreed } from "./confirm-change.ts";
import type { DEPLOY_COMMANDS } from "./specs.ts";

export const run: Run<(typeof DEPLOY_COMMANDS)["deploy rollout"]> = (options, names) =>
  interruptible(async (signal, cleanUp) => {
    const { parallel: most, canary: canaries, auditLog, json, quiet } = options;
    const apply = applyOptionsOf(options);
    const verify = certificateOptions(options, signal);
    await using project = await openCommitted(options, { environments: names, needsHelm: true, signal });
    const environments = environmentsOf(project, names);
    const record = new RolloutRecord();
    let table: RolloutTable | null = null;
    const log = auditLog === undefined ? null : new AuditLog(auditLog);
    const steps = deploymentSteps(project, {
      apply,
      verify,
      onEvent({ name: environment }, event) {
        // Those of several environments come side by side.
        const line = { ...event, environment };
        log?.write(line);
        updateStatus(cleanUp, event);
        record.event(environment, event);
        // What is said stands above the table, which shows progress by itself.
        if (table === null || event.event !== "progress") reportEvent(event, quiet, environment);
        table?.tell(environment, event);
      },
      onFindings({ name }, found) {
        const findings = inOwnWords(found);
        record.findings(name, findings);
        for (const finding of findings)
          if (!quiet || finding.severity === "error")
            for (const line of findingLines(finding, 2)) say(`vault: ${printable(name)}: ${line}`);
      },
    });
    const recording = {
      ...steps,
      async plan(environment: Environment, stop: AbortSignal) {
        const plan = await steps.plan(environment, stop);
        record.plan(environment.name, plan);
        return plan;
      },
    };
    // A canary that is none is told before anything is asked.
    const events = rollout(environments, recording, { most, canaries, signal });
    await agreed(`deploy to ${environments.map(({ name }) => name).join(", ")}`, options, signal);
    let outcomes: readonly RolloutOutcome[] = [];
    {
      using shown = canDraw(options) ? new RolloutTable(environments.map(({ name }) => name)) : null;
      table = shown;
      for await (const event of events) {
        if (event.type === "end") outcomes = event.outcomes;
        else if (shown !== null) shown.follow(event);
        else if (!quiet) reportStep(event);
      }
    }
    record.report(outcomes, rolloutGraph(environments, canaries));
    if (json) {
      writeJson({ commit: project.commit, environments: outcomes.map((outcome) => record.inJson(outcome)) });
    } else {
      writeStdout(outcomes.map((outcome) => `${shownOutcome(outcome)}\n${indented(hintFor(outcome))}`).join(""));
    }
    process.exitCode = exitCodeFor(outcomes, signal);
  });

/** Where there is no table, a line tells what happens. */
const reportStep = (event: Exclude<RolloutEvent, { readonly type: "end" }>): void =>
  say(
    `vault: ${event.type === "step" ? printableLine(`${event.environment}: ${event.step}`) : outcomeText(event.outcome)}`,
  );

const OUTCOMES = {
  done: { colour: "good", words: "done" },
  failed: { colour: "bad", words: "failed" },
  skipped: { colour: "warning", words: "not begun" },
} as const;

/** An outcome in a line, whose words for its state are coloured. */
function shownOutcome(outcome: RolloutOutcome): string {
  const text = outcomeText(outcome);
  const { colour, words } = OUTCOMES[outcome.state];
  const at = printable(outcome.environment).length + ": ".length;
  return `${text.slice(0, at)}${coloured(colour, words)}${text.slice(at + words.length)}`;
}

const indented = (hint: string | undefined): string =>
  hint === undefined ? "" : `  ${coloured("hint", printableLine(hint))}\n`;

/** That of the first environment that failed, in the order named; the signal's, if any. */
function exitCodeFor(outcomes: readonly RolloutOutcome[], signal: AbortSignal): ExitCode {
  if (outcomes.every(({ state }) => state === "done")) return 0;
  if (signal.aborted) return describe(new CliError(endOf(signal), "")).exit;
  const failed = outcomes.find((outcome) => outcome.state === "failed");
  return failed === undefined ? 1 : describe(failed.error).exit;
}
