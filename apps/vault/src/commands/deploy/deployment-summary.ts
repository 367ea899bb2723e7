import { blockInMarkdown } from "@git-vault/deploy/findings";
import { type DeployEvent, isUnchanged, type Plan, planMarkdown } from "@git-vault/deploy/releases";
import { currentCi } from "./ci.ts";
import { linesOf } from "./event-text.ts";

/** What the command line says in the text of a plan. */
export const PLAN_WORDS = { repair: "apply --repair goes on" } as const;

/** What happens to a deployment, gathered from its events for the summary of a job in CI. */
export class DeploymentRecord {
  readonly #lines: string[] = [];
  readonly #revisions = new Map<string, number | null>();

  add(event: DeployEvent): void {
    // While workloads are waited for, there is a line every few seconds: they are in the log.
    if (event.event !== "progress") this.#lines.push(...linesOf(event));
    if (["unchanged", "upgraded", "rolled-back"].includes(event.event) && "revision" in event)
      this.#revisions.set(event.release, event.revision);
  }

  /** The revision that a release ends at; null if unknown, or no longer there. */
  revisionOf(release: string): number | null {
    return this.#revisions.get(release) ?? null;
  }

  /** What happened, as Markdown; empty where nothing did. */
  toMarkdown(): string {
    return this.#lines.length === 0 ? "" : blockInMarkdown(this.#lines.join("\n"));
  }
}

/**
 * Reports to CI what a deployment would change: the output `changed`, and where `summary` says so
 * the plan in the job's summary.
 */
export function reportPlan(plan: Plan, { summary }: { readonly summary: boolean }): void {
  const ci = currentCi();
  ci.output("changed", String(!isUnchanged(plan)));
  if (summary) ci.summary(planMarkdown(plan, PLAN_WORDS));
}
