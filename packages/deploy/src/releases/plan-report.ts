import type { Change } from "./manifest-diff.ts";
import { isUnchanged, type Plan, type PlannedRelease } from "./plan.ts";

/** GitHub shows no summary of a step that is larger (bytes); this one leaves room for others. */
const MOST_SUMMARY = 900 * 1024;

const SIGNS = { add: "+", change: "~", remove: "-" } as const;

const titleOf = ({ kind, namespace, name, hook }: Change): string =>
  `${kind} ${namespace === null ? "" : `${namespace}/`}${name}${hook ? " (hook)" : ""}`;

function sumOf({ revision, changes, unchanged }: PlannedRelease): string {
  const count = (action: Change["action"]): number => changes.filter((change) => change.action === action).length;
  const from = revision === null ? "first install" : `revision ${revision.number} (${revision.status})`;
  return `${from}; ${count("add")} added, ${count("change")} changed, ${count("remove")} removed, ${unchanged} unchanged`;
}

/** Words of the program that shows a plan. */
export interface PlanWords {
  /** What goes on where a release is pending; `it can be repaired` where left out. */
  readonly repair?: string;
}

/** What becomes of a pending release, in a sentence. */
function pendingIn({ halfWay, revision }: PlannedRelease, { repair = "it can be repaired" }: PlanWords): string[] {
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

const headOf = ({ environment, commit, given, cluster }: Plan): string =>
  [environment, `commit ${commit.slice(0, 12)}`, ...given.map((title) => `with ${title}`), `cluster ${cluster}`].join(
    ", ",
  );

const STAND_INS_ALONE =
  "rendered with stand-ins for all secrets: this commit may tell nothing of them, and cannot be applied by this plan";

/** A plan as text. Names come from charts: strip control characters before showing it. */
export function planText(plan: Plan, words: PlanWords = {}): string {
  const lines = [`plan for ${headOf(plan)}`];
  if (plan.secrets === "stand-ins") lines.push(STAND_INS_ALONE);
  for (const release of plan.releases) {
    lines.push("", `${release.name} in ${release.namespace}: ${sumOf(release)}`);
    lines.push(...pendingIn(release, words).map((sentence) => `  ${sentence}`));
    if (release.hidden !== null) lines.push(`  ${release.hidden}`);
    if (release.withoutCluster) lines.push("  rendered without the cluster, which lacks its kinds as yet");
    for (const change of release.changes) {
      lines.push("", `${SIGNS[change.action]} ${titleOf(change)}`);
      lines.push(...change.diff.split("\n").map((line) => `  ${line}`));
    }
  }
  if (isUnchanged(plan)) lines.push("", "nothing changes");
  return `${lines.join("\n")}\n`;
}

/**
 * A plan as Markdown for a step's summary in GitHub Actions, within its size: diffs that have no
 * room are left out, and it says so.
 */
export function planMarkdown(plan: Plan, words: PlanWords = {}): string {
  const out = [`### Plan for ${escape(headOf(plan))}`, ""];
  if (plan.secrets === "stand-ins") out.push(`_${STAND_INS_ALONE}_`, "");
  let room = MOST_SUMMARY;
  let left = 0;
  for (const release of plan.releases) {
    out.push(`**${escape(release.name)}** in ${escape(release.namespace)}: ${escape(sumOf(release))}`, "");
    for (const sentence of pendingIn(release, words)) out.push(`**${escape(sentence)}**`, "");
    if (release.hidden !== null) out.push(`**${escape(release.hidden)}**`, "");
    for (const change of release.changes) {
      const summary = `<code>${SIGNS[change.action]} ${escape(titleOf(change))}</code>`;
      // A fence longer than any run of backticks within it.
      const fence = "`".repeat(Math.max(3, ...[...change.diff.matchAll(/`+/g)].map(([run]) => run.length + 1)));
      const block = `<details><summary>${summary}</summary>\n\n${fence}diff\n${change.diff}\n${fence}\n\n</details>`;
      room -= Buffer.byteLength(block);
      if (room > 0) out.push(block);
      else left += 1;
    }
    out.push("");
  }
  if (left > 0)
    out.push(`${left === 1 ? "1 more change is" : `${left} more changes are`} not shown here: there is no room.`, "");
  if (isUnchanged(plan)) out.push("Nothing changes.", "");
  return out.join("\n");
}

const escape = (text: string): string =>
  text.replaceAll(/[&<>*_`[\]|]/g, (character) => `&#${character.charCodeAt(0)};`);
