import { AuditLog, deploymentSteps, type Environment, rollout, type RolloutOutcome } from "@git-vault/deploy";
import { certificateOptions, environmentsOf } from "./clusters.ts";
import { applyOptionsOf, keepTrue, tellEvent } from "./follow-events.ts";
import { endOf, interruptible, openCommitted } from "./project.ts";
import { CliError, usageError } from "../../cli/errors.ts";
import type { ExitCode } from "../../cli/error-codes.ts";
import { findingLines } from "./findings.ts";
import { describe } from "../../cli/report-error.ts";
import { hintFor, RolloutRecord, tellOutcome } from "./rollout-summary.ts";
import { printable, say, writeJson, writeStdout } from "../../io/streams.ts";
import type { FlagValues, Invocation } from "../../cli/command-table.ts";
import { agreed } from "../message/check-recipients.ts";

export function run({ flags, args }: Invocation): Promise<void> {
  const most = parallel(flags);
  const apply = applyOptionsOf(flags);
  return interruptible(async (signal, cleanUp) => {
    const verify = certificateOptions(flags, signal);
    await using project = await openCommitted(flags);
    const environments = environmentsOf(project, args);
    const record = new RolloutRecord();
    const log = flags["audit-log"] === undefined ? null : new AuditLog(flags["audit-log"]);
    const steps = deploymentSteps(project, {
      apply,
      verify,
      onEvent({ name: environment }, event) {
        // Those of several environments come side by side.
        const line = { ...event, environment };
        log?.write(line);
        keepTrue(cleanUp, event);
        record.event(environment, event);
        tellEvent(event, flags, environment);
      },
      onFindings({ name }, findings) {
        record.findings(name, findings);
        for (const finding of findings)
          if (!flags.quiet || finding.severity === "error")
            for (const line of findingLines(finding)) say(`vault: ${printable(name)}: ${line}`);
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
    const events = rollout(environments, recording, { ...most, canaries: flags.canary ?? [], signal });
    await agreed(`deploy to ${environments.map(({ name }) => name).join(", ")}`, flags, signal);
    let outcomes: readonly RolloutOutcome[] = [];
    for await (const event of events) {
      if (event.type === "end") outcomes = event.outcomes;
      else if (!flags.quiet)
        say(
          `vault: ${event.type === "step" ? printable(`${event.environment}: ${event.step}`) : tellOutcome(event.outcome)}`,
        );
    }
    record.tell(outcomes);
    if (flags.json) {
      writeJson({ commit: project.commit, environments: outcomes.map((outcome) => record.inJson(outcome)) });
    } else {
      writeStdout(outcomes.map((outcome) => `${tellOutcome(outcome)}\n${indented(hintFor(outcome))}`).join(""));
    }
    process.exitCode = exitCodeFor(outcomes, signal);
  });
}

const indented = (hint: string | undefined): string => (hint === undefined ? "" : `  ${printable(hint)}\n`);

/**
 * That of the first environment that failed, in the order in which they were named; that of the
 * signal, where one ended the run.
 */
function exitCodeFor(outcomes: readonly RolloutOutcome[], signal: AbortSignal): ExitCode {
  if (outcomes.every(({ state }) => state === "done")) return 0;
  if (signal.aborted) return describe(new CliError(endOf(signal), "")).exit;
  const failed = outcomes.find((outcome) => outcome.state === "failed");
  return failed === undefined ? 1 : describe(failed.error).exit;
}

function parallel({ parallel: text }: FlagValues): { most?: number } {
  if (text === undefined) return {};
  if (!/^[1-9]\d?$/.test(text)) throw usageError("--parallel: expected a number from 1 to 99");
  return { most: Number(text) };
}
