import { printable } from "@git-vault/core";
import { type DeployEvent, isUnchanged, type Plan, planMarkdown } from "@git-vault/deploy/releases";
import { type Finding, findingsInMarkdown, tableInMarkdown } from "@git-vault/deploy/findings";
import type { RolloutOutcome } from "@git-vault/deploy/rollout";
import { currentCi } from "./ci.ts";
import { DeploymentRecord, PLAN_WORDS } from "./deployment-summary.ts";
import { describe } from "../../cli/report-error.ts";
import { printableLine } from "../../io/streams.ts";

/** What became of the environments of a rollout. */
export class RolloutRecord {
  readonly #plans = new Map<string, Plan>();
  readonly #deployments = new Map<string, DeploymentRecord>();
  readonly #findings = new Map<string, readonly Finding[]>();

  plan(environment: string, plan: Plan): void {
    this.#plans.set(environment, plan);
  }

  event(environment: string, event: DeployEvent): void {
    const deployment = this.#deployments.get(environment) ?? new DeploymentRecord();
    deployment.add(event);
    this.#deployments.set(environment, deployment);
  }

  findings(environment: string, findings: readonly Finding[]): void {
    this.#findings.set(environment, findings);
  }

  /** An outcome for `--json`. */
  inJson(outcome: RolloutOutcome): object {
    const findings = this.#findings.get(outcome.environment);
    const found = findings === undefined ? {} : { findings };
    if (outcome.state !== "failed") return { ...outcome, ...found };
    const { code, message, hint } = describe(outcome.error);
    return { ...outcome, error: { code, message, hint }, ...found };
  }

  /**
   * Reports to CI how it ended: annotations, the job's summary, the outputs `changed` and `failed`.
   *
   * @param graph which environments each one waits for
   */
  report(outcomes: readonly RolloutOutcome[], graph: ReadonlyMap<string, readonly string[]>): void {
    const ci = currentCi();
    const found = [...this.#findings.values()].flat();
    ci.annotate([...outcomes.flatMap(failureOf), ...found]);
    ci.output("changed", String([...this.#plans.values()].some((plan) => !isUnchanged(plan))));
    const failed = outcomes.flatMap(({ state, environment }) => (state === "failed" ? environment : []));
    ci.output("failed", JSON.stringify(failed));
    const rows = outcomes.map((outcome) => {
      const told = outcomeText(outcome).slice(outcome.environment.length + 2);
      const hint = hintFor(outcome);
      return [MARKS[outcome.state], outcome.environment, hint === undefined ? told : [told, hint]];
    });
    ci.summary(
      [
        `## vault deploy rollout\n\n${tableInMarkdown(["", "environment", "what became of it"], rows)}`,
        ...(outcomes.length > 1 ? [diagramOf(outcomes, graph)] : []),
        ...(found.length === 0 ? [] : [findingsInMarkdown(found)]),
        ...outcomes.map(({ environment }) => this.#story(environment)),
      ].join("\n"),
    );
  }

  /** What happened in an environment, and what was planned there. */
  #story(environment: string): string {
    const plan = this.#plans.get(environment);
    const happened = this.#deployments.get(environment)?.toMarkdown() ?? "";
    return `${happened}\n${plan === undefined ? "" : planMarkdown(plan, PLAN_WORDS)}`;
  }
}

const MARKS = { done: "✅", failed: "❌", skipped: "⏸️" } as const;

/** A text of which nothing is Mermaid's. */
const label = (text: string): string =>
  text.replaceAll(/[^\p{L}\p{N} ._-]/gu, (character) => `#${character.codePointAt(0)};`);

/** Which environment waited for which, and how each came out: a Mermaid diagram, in Markdown. */
export function diagramOf(outcomes: readonly RolloutOutcome[], graph: ReadonlyMap<string, readonly string[]>): string {
  // A name is a label alone: as an id it could be a word of Mermaid's, such as `end`.
  const ids = new Map(outcomes.map(({ environment }, at) => [environment, `e${at}`]));
  return [
    "",
    "```mermaid",
    "graph LR",
    ...outcomes.map(
      ({ environment, state }) => `  ${ids.get(environment)}["${MARKS[state]} ${label(printable(environment))}"]`,
    ),
    ...outcomes.flatMap(({ environment }) =>
      (graph.get(environment) ?? []).map((before) => `  ${ids.get(before)} --> ${ids.get(environment)}`),
    ),
    "```",
    "",
  ].join("\n");
}

const failureOf = (outcome: RolloutOutcome): Finding[] => {
  if (outcome.state !== "failed") return [];
  const { environment, step, error } = outcome;
  const { code: id, message, hint } = describe(error);
  return [{ id, severity: "error", message: `${environment}: failed to ${step}: ${message}`, hint, environment }];
};

/** An outcome in a line, for a terminal. */
export function outcomeText(outcome: RolloutOutcome): string {
  const name = printable(outcome.environment);
  if (outcome.state === "done") return `${name}: done`;
  if (outcome.state === "failed") {
    const message = printableLine(describe(outcome.error).message);
    return `${name}: failed to ${outcome.step}: ${message}`;
  }
  const why = outcome.because.length === 0 ? "the run was interrupted" : `it waits for ${outcome.because.join(", ")}`;
  return `${name}: not begun, since ${why}`;
}

/** What to do about it, where somebody can. */
export const hintFor = (outcome: RolloutOutcome): string | undefined =>
  outcome.state === "failed" ? describe(outcome.error).hint : undefined;
