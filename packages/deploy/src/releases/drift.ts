import { type Finding, finding } from "../findings/finding.ts";
import type { Change } from "./manifest-diff.ts";
import type { Plan, PlannedRelease } from "./plan.ts";

/** How many changes are named: the plan shows all of them. */
const MOST_NAMED = 5;

const WORDS = { add: "is missing", change: "differs", remove: "is too many" } as const;

/**
 * In what a cluster differs from the commit that a plan was made for: what others changed in the
 * cluster by hand, what was committed and never deployed, and releases that are not in order.
 */
export function driftIn({ environment, releases }: Plan): Finding[] {
  const several = releases.length > 1;
  return releases.flatMap((release) => {
    const place = several ? { environment, release: release.name } : { environment };
    return findingsOf(release).map((one) => Object.assign(one, place));
  });
}

function findingsOf({ name, revision, changes, drift, unseen }: PlannedRelease): Finding[] {
  const byHand = drift.map((one) => finding("drift", "error", `${one.kind} ${one.namespace}/${one.name}: ${one.told}`));
  const unknown = unseen === null ? [] : [finding("drift-unknown", "warning", unseen)];
  if (revision === null)
    return [finding("not-deployed", "error", `the release ${name} is not installed`, PLAN), ...byHand, ...unknown];
  const state =
    revision.status === "deployed"
      ? []
      : [finding("release-state", "error", `revision ${revision.number} of the release ${name} is ${revision.status}`)];
  const undeployed =
    changes.length === 0
      ? []
      : [finding("not-deployed", "error", `the release ${name} is not what the commit says: ${named(changes)}`, PLAN)];
  return [...state, ...undeployed, ...byHand, ...unknown];
}

const PLAN = { hint: "look at all of it", remedy: "plan" } as const;

function named(changes: readonly Change[]): string {
  const shown = changes.slice(0, MOST_NAMED).map(({ action, kind, name }) => `${kind} ${name} ${WORDS[action]}`);
  const left = changes.length - shown.length;
  return [...shown, ...(left > 0 ? [`and ${left} more`] : [])].join(", ");
}
