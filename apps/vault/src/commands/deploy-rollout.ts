import { deploymentSteps, rollout, type RolloutOutcome } from "@git-vault/deploy";
import { environmentsOf, maskSecrets } from "../deploy-clusters.ts";
import { timeoutOf } from "../deploy-events.ts";
import { endOf, interruptible, openProject } from "../deploy-project.ts";
import { usageError } from "../errors.ts";
import { exitCodeOf } from "../exit-codes.ts";
import { printable, printableText, say, writeJson, writeStdout } from "../streams.ts";
import type { FlagValues, Invocation } from "../table.ts";
import { confirm } from "../trust.ts";

export function run({ flags, args }: Invocation): Promise<void> {
  const most = parallel(flags);
  return interruptible(async (signal) => {
    await using project = await openProject(flags);
    const environments = environmentsOf(project, args);
    for (const canary of flags.canary ?? []) project.environment(canary);
    if (!flags.yes) await confirm(`deploy to ${environments.map(({ name }) => name).join(", ")}`);
    for (const environment of environments) maskSecrets(environment);
    const steps = deploymentSteps(project, { apply: timeoutOf(flags) });
    let outcomes: readonly RolloutOutcome[] = [];
    for await (const event of rollout(environments, steps, { ...most, canaries: flags.canary ?? [], signal })) {
      if (event.type === "end") outcomes = event.outcomes;
      else if (!flags.quiet) {
        const said = event.type === "step" ? `${event.environment}: ${event.step}` : tell(event.outcome);
        say(`vault: ${said}`);
      }
    }
    if (flags.json) writeJson({ commit: project.commit, environments: outcomes.map(inJson) });
    else writeStdout(outcomes.map((outcome) => `${tell(outcome)}\n`).join(""));
    if (outcomes.some(({ state }) => state !== "done"))
      process.exitCode = signal.aborted ? exitCodeOf(endOf(signal)) : 1;
  });
}

const inJson = (outcome: RolloutOutcome): object =>
  outcome.state === "failed" ? { ...outcome, error: messageOf(outcome.error) } : outcome;

const messageOf = (error: unknown): string =>
  error instanceof Error ? printableText(error.message).slice(0, 2000) : "an error that was not expected";

function tell(outcome: RolloutOutcome): string {
  const name = printable(outcome.environment);
  if (outcome.state === "done") return `${name}: done`;
  if (outcome.state === "failed") return `${name}: failed to ${outcome.step}: ${messageOf(outcome.error)}`;
  const why = outcome.because.length === 0 ? "the run was told to end" : `it waits for ${outcome.because.join(", ")}`;
  return `${name}: not begun, since ${why}`;
}

function parallel({ parallel: text }: FlagValues): { most?: number } {
  if (text === undefined) return {};
  if (!/^[1-9]\d?$/.test(text)) throw usageError("--parallel: expected a number from 1 to 99");
  return { most: Number(text) };
}
