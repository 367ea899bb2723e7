import type { PlanOptions } from "./plan.ts";

/** How long things may take, and what happens to what fails. */
export interface DeployLimits extends PlanOptions {
  /**
   * In seconds, for each release: Helm with its hooks, and then the workloads, have so long
   * together. 600 where left out.
   */
  readonly timeout?: number | undefined;
  /** How many revisions Helm keeps of a release; 10 where left out. */
  readonly history?: number | undefined;
}

/** The limits, with what counts where nothing is said. */
export const limitsOf = ({ timeout = 600, history = 10 }: DeployLimits): { timeout: number; history: number } => ({
  timeout,
  history,
});
