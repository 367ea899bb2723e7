import { DeployError } from "../errors.ts";
import { sharedSignal, toldBy } from "../parallel.ts";
import type { Tier } from "../project/settings.ts";

/** The steps for one environment, in their order. */
export type RolloutStep = "plan" | "apply" | "verify";

/** What is done for each environment. A step that fails throws, and the later ones are not done. */
export interface RolloutSteps<Target extends RolloutTarget, Plan> {
  plan(target: Target, signal: AbortSignal): Promise<Plan>;
  apply(target: Target, plan: Plan, signal: AbortSignal): Promise<void>;
  verify(target: Target, signal: AbortSignal): Promise<void>;
}

/** How a rollout goes. */
export interface RolloutOptions {
  /** How many environments are dealt with at a time; 3 where left out. */
  readonly most?: number | undefined;
  /** Environments of prod that the other ones of prod wait for. */
  readonly canaries?: readonly string[];
  /** Tells the steps that run to end, and begins no more. */
  readonly signal?: AbortSignal;
}

/** How an environment came out. */
export type RolloutOutcome =
  | { readonly environment: string; readonly state: "done" }
  | { readonly environment: string; readonly state: "failed"; readonly step: RolloutStep; readonly error: unknown }
  /**
   * It was not begun: those that it waits for did not come out well; or the run was interrupted,
   * and `because` is empty.
   */
  | { readonly environment: string; readonly state: "skipped"; readonly because: readonly string[] };

/** What happens during a rollout. */
export type RolloutEvent =
  | { readonly type: "step"; readonly environment: string; readonly step: RolloutStep }
  | { readonly type: "outcome"; readonly outcome: RolloutOutcome }
  /** The last event: one outcome for each environment, in the order in which they were given. */
  | { readonly type: "end"; readonly outcomes: readonly RolloutOutcome[] };

/**
 * Deploys to several environments: staging before prod, canaries before the rest of prod, and as
 * many at a time as may be. One that fails holds back those that wait for it, and no other; every
 * failure is told. Nothing is done until somebody listens, and who stops listening stops the
 * rollout.
 *
 * @throws DeployError NO_SUCH_ENVIRONMENT for a canary that is none, at once; no failure of a step
 */
export function rollout<Target extends RolloutTarget, Plan>(
  targets: readonly Target[],
  steps: RolloutSteps<Target, Plan>,
  { most = 3, canaries = [], signal }: RolloutOptions = {},
): AsyncGenerator<RolloutEvent> {
  const graph = rolloutGraph(targets, canaries);
  return toldBy((tell, stop) => new Run({ targets, steps, graph, most, tell, signal: stop }).run(), signal);
}

interface RunParts<Target extends RolloutTarget, Plan> {
  readonly targets: readonly Target[];
  readonly steps: RolloutSteps<Target, Plan>;
  readonly graph: ReadonlyMap<string, readonly string[]>;
  readonly most: number;
  readonly tell: (event: RolloutEvent) => void;
  readonly signal: AbortSignal;
}

class Run<Target extends RolloutTarget, Plan> {
  readonly #parts: RunParts<Target, Plan>;
  readonly #running = new Map<string, Promise<void>>();
  readonly #outcomes = new Map<string, RolloutOutcome>();

  constructor(parts: RunParts<Target, Plan>) {
    this.#parts = parts;
  }

  async run(): Promise<void> {
    const { targets, tell } = this.#parts;
    for (this.#begin(); this.#running.size > 0; this.#begin()) await Promise.race(this.#running.values());
    tell({ type: "end", outcomes: targets.flatMap(({ name }) => this.#outcomes.get(name) ?? []) });
  }

  #end(outcome: RolloutOutcome): void {
    this.#outcomes.set(outcome.environment, outcome);
    this.#parts.tell({ type: "outcome", outcome });
  }

  /** Begins what can be begun, and ends what can never be. */
  #begin(): void {
    const { targets, graph, most, signal } = this.#parts;
    for (const target of targets) {
      const { name } = target;
      if (this.#outcomes.has(name) || this.#running.has(name)) continue;
      const before = graph.get(name) ?? [];
      const bad = before.filter((other) => (this.#outcomes.get(other)?.state ?? "done") !== "done");
      if (bad.length > 0 || signal.aborted) {
        this.#end({ environment: name, state: "skipped", because: bad });
      } else if (this.#running.size < most && before.every((other) => this.#outcomes.has(other))) {
        this.#running.set(name, this.#deploy(target));
      }
    }
  }

  async #deploy(target: Target): Promise<void> {
    const environment = target.name;
    const { steps, tell } = this.#parts;
    const signal = sharedSignal(this.#parts.signal);
    let step: RolloutStep = "plan";
    const begin = (next: RolloutStep): void => {
      step = next;
      if (signal.aborted)
        throw new DeployError("INTERRUPTED", `the run was interrupted before the step ${step} of ${environment}`);
      tell({ type: "step", environment, step });
    };
    let outcome: RolloutOutcome = { environment, state: "done" };
    try {
      begin("plan");
      const plan = await steps.plan(target, signal);
      begin("apply");
      await steps.apply(target, plan, signal);
      begin("verify");
      await steps.verify(target, signal);
    } catch (error) {
      outcome = { environment, state: "failed", step, error };
    }
    this.#running.delete(environment);
    this.#end(outcome);
  }
}

/** What a rollout knows of an environment. */
export interface RolloutTarget {
  readonly name: string;
  readonly tier: Tier;
}

/**
 * Which environments each one waits for: prod for all of staging; and where some of prod are
 * canaries, the others for those, too. What is neither staging nor prod waits for nothing, and
 * nothing waits for it.
 *
 * @throws DeployError NO_SUCH_ENVIRONMENT for a canary that is not among them, or not of prod
 */
export function rolloutGraph(
  targets: readonly RolloutTarget[],
  canaries: readonly string[],
): ReadonlyMap<string, readonly string[]> {
  const namesOf = (tier: Tier): string[] => targets.filter((target) => target.tier === tier).map(({ name }) => name);
  const [staging, prod] = [namesOf("staging"), namesOf("prod")];
  const stray = canaries.find((canary) => !prod.includes(canary));
  if (stray !== undefined) {
    throw new DeployError("NO_SUCH_ENVIRONMENT", "a canary is not among the environments of prod that are rolled out", {
      hint: `those are: ${prod.join(", ") || "none"}`,
    });
  }
  const waitsFor = ({ name, tier }: RolloutTarget): string[] => {
    if (tier !== "prod") return [];
    return canaries.includes(name) ? staging : [...staging, ...canaries];
  };
  return new Map(targets.map((target) => [target.name, waitsFor(target)]));
}
