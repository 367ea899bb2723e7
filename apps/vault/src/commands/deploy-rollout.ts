import { deploymentSteps, rollout, type RolloutOutcome } from "@git-vault/deploy";
import { environmentsOf, maskSecrets } from "../deploy-clusters.ts";
import { keepTrue, tellEvent, timeoutOf } from "../deploy-events.ts";
import { endOf, interruptible, openCommitted } from "../deploy-project.ts";
import { usageError } from "../errors.ts";
import { type ExitCode, exitCodeOf } from "../exit-codes.ts";
import { describe } from "../report-error.ts";
import { printable, printableText, say, writeJson, writeStdout } from "../streams.ts";
import type { FlagValues, Invocation } from "../table.ts";
import { confirm } from "../trust.ts";

export function run({ flags, args }: Invocation): Promise<void> {
  const most = parallel(flags);
  return interruptible(async (signal, cleanUp) => {
    await using project = await openCommitted(flags);
    const environments = environmentsOf(project, args);
    for (const canary of flags.canary ?? []) project.environment(canary);
    if (!flags.yes) await confirm(`deploy to ${environments.map(({ name }) => name).join(", ")}`);
    for (const environment of environments) maskSecrets(environment);
    const steps = deploymentSteps(project, {
      apply: timeoutOf(flags),
      onEvent({ name }, event) {
        keepTrue(cleanUp, event);
        tellEvent(event, flags, name);
      },
    });
    let outcomes: readonly RolloutOutcome[] = [];
    for await (const event of rollout(environments, steps, { ...most, canaries: flags.canary ?? [], signal })) {
      if (event.type === "end") outcomes = event.outcomes;
      else if (!flags.quiet)
        say(`vault: ${event.type === "step" ? printable(`${event.environment}: ${event.step}`) : tell(event.outcome)}`);
    }
    if (flags.json) writeJson({ commit: project.commit, environments: outcomes.map(inJson) });
    else writeStdout(outcomes.map((outcome) => `${tell(outcome)}\n${hintFor(outcome)}`).join(""));
    process.exitCode = exitCodeFor(outcomes, signal);
  });
}

/** That of the first environment that failed, in the order in which they were named; that of the signal, where one ended the run. */
function exitCodeFor(outcomes: readonly RolloutOutcome[], signal: AbortSignal): ExitCode {
  if (outcomes.every(({ state }) => state === "done")) return 0;
  if (signal.aborted) return exitCodeOf(endOf(signal));
  const failed = outcomes.find((outcome) => outcome.state === "failed");
  return failed === undefined ? 1 : exitCodeOf(describe(failed.error).code);
}

const inJson = (outcome: RolloutOutcome): object =>
  outcome.state === "failed" ? { ...outcome, error: reportOf(outcome.error) } : outcome;

function reportOf(error: unknown): object {
  const { code, message, hint } = describe(error);
  return { code, message, hint };
}

function tell(outcome: RolloutOutcome): string {
  const name = printable(outcome.environment);
  if (outcome.state === "done") return `${name}: done`;
  if (outcome.state === "failed") {
    const message = printableText(describe(outcome.error).message).slice(0, 2000);
    return `${name}: failed to ${outcome.step}: ${message}`;
  }
  const why = outcome.because.length === 0 ? "the run was told to end" : `it waits for ${outcome.because.join(", ")}`;
  return `${name}: not begun, since ${why}`;
}

function hintFor(outcome: RolloutOutcome): string {
  const hint = outcome.state === "failed" ? describe(outcome.error).hint : undefined;
  return hint === undefined ? "" : `  ${printable(hint)}\n`;
}

function parallel({ parallel: text }: FlagValues): { most?: number } {
  if (text === undefined) return {};
  if (!/^[1-9]\d?$/.test(text)) throw usageError("--parallel: expected a number from 1 to 99");
  return { most: Number(text) };
}
