import { DeployError } from "../errors.ts";
import type { Tier } from "../project/settings.ts";

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
