/*
 * The words of a plan, which its text, its Markdown and its page share.
 */
import type { Drift } from "./live.ts";
import type { Change } from "./manifest-diff.ts";
import type { Plan, PlannedRelease } from "./plan.ts";

/** What stands before a change. */
export const SIGNS = { add: "+", change: "~", remove: "-" } as const;

/** What a line of a diff is: `context` where it is the same before and after. */
export type DiffLine = "added" | "removed" | "place" | "context";

/** What a line of a unified diff is. */
export function kindOfDiffLine(line: string): DiffLine {
  if (line.startsWith("@@")) return "place";
  if (line.startsWith("+")) return "added";
  return line.startsWith("-") ? "removed" : "context";
}

/** The object that a change is about. */
export const titleOfChange = ({ kind, namespace, name, hook }: Change): string =>
  `${kind} ${namespace === null ? "" : `${namespace}/`}${name}${hook ? " (hook)" : ""}`;

/** What changes in a release, in numbers. */
export function sumOf({ revision, changes, unchanged }: PlannedRelease): string {
  const count = (action: Change["action"]): number => changes.filter((change) => change.action === action).length;
  const from = revision === null ? "first install" : `revision ${revision.number} (${revision.status})`;
  return `${from}; ${count("add")} added, ${count("change")} changed, ${count("remove")} removed, ${unchanged} unchanged`;
}

/** What others changed, in a line. */
export const driftTold = ({ kind, namespace, name, told }: Drift): string => `${kind} ${namespace}/${name}: ${told}`;

/** Words of the program that shows a plan. */
export interface PlanWords {
  /** What goes on where a release is pending; `it can be repaired` where left out. */
  readonly repair?: string;
}

/** What happens to a pending release, in a sentence. */
export function pendingIn(
  { halfWay, revision }: PlannedRelease,
  { repair = "it can be repaired" }: PlanWords,
): string[] {
  if (halfWay === null) return [];
  const status = revision?.status ?? "";
  const when = halfWay.until === null ? "" : ` until ${halfWay.until}, when that run has ended for sure`;
  const sentences = {
    repairs: `left ${status} by a run that is dead: apply repairs it first, by going back to its last good revision`,
    waits: `${status}: another run is at it, and apply refuses as long as it is`,
    refuses: `${status}: a run is at it, or died at it, and apply refuses${when}; where you know that it is dead, ${repair}`,
  };
  return [sentences[halfWay.apply]];
}

/** Which deployment it is the plan of. */
export const headOf = ({ environment, commit, given, cluster }: Plan): string =>
  [environment, `commit ${commit.slice(0, 12)}`, ...given.map((title) => `with ${title}`), `cluster ${cluster}`].join(
    ", ",
  );

/** What is said of a release whose kinds the cluster does not know yet. */
export const WITHOUT_CLUSTER = "rendered without the cluster, which lacks its kinds as yet";

/** What is said of a plan that no secret went into. */
export const STAND_INS_ALONE =
  "rendered with stand-ins for all secrets: this commit may tell nothing of them, and cannot be applied by this plan";
