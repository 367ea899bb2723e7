import { isUnchanged, type Plan } from "./plan.ts";
import {
  type DiffLine,
  driftTold,
  headOf,
  kindOfDiffLine,
  pendingIn,
  type PlanWords,
  SIGNS,
  STAND_INS_ALONE,
  sumOf,
  titleOfChange,
  WITHOUT_CLUSTER,
} from "./plan-words.ts";

/** GitHub shows no summary of a step that is larger (bytes); this one leaves room for others. */
const MOST_SUMMARY = 900 * 1024;

/** A line of a plan: its text, and what it tells. */
export interface PlanLine {
  readonly text: string;
  readonly tells: "title" | "added" | "changed" | "warning" | DiffLine;
}

const CHANGES = { add: "added", change: "changed", remove: "removed" } as const;

/** A plan, line by line. Names come from charts: strip control characters before showing it. */
export function planLines(plan: Plan, words: PlanWords = {}): PlanLine[] {
  const lines: PlanLine[] = [];
  const add = (text: string, tells: PlanLine["tells"] = "context"): number => lines.push({ text, tells });
  add(`plan for ${headOf(plan)}`, "title");
  if (plan.secrets === "stand-ins") add(STAND_INS_ALONE, "warning");
  for (const release of plan.releases) {
    add("");
    add(`${release.name} in ${release.namespace}: ${sumOf(release)}`, "title");
    for (const sentence of pendingIn(release, words)) add(`  ${sentence}`, "warning");
    if (release.hidden !== null) add(`  ${release.hidden}`, "warning");
    if (release.withoutCluster) add(`  ${WITHOUT_CLUSTER}`);
    for (const one of release.drift) add(`  ! ${driftTold(one)}`, "warning");
    if (release.unseen !== null) add(`  ${release.unseen}`);
    for (const change of release.changes) {
      add("");
      add(`${SIGNS[change.action]} ${titleOfChange(change)}`, CHANGES[change.action]);
      for (const line of change.diff.split("\n")) add(`  ${line}`, kindOfDiffLine(line));
    }
  }
  if (isUnchanged(plan)) {
    add("");
    add("nothing changes", "title");
  }
  return lines;
}

/** A plan as text. Names come from charts: strip control characters before showing it. */
export const planText = (plan: Plan, words: PlanWords = {}): string =>
  planLines(plan, words)
    .map(({ text }) => `${text}\n`)
    .join("");

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
    if (release.unseen !== null) out.push(escape(release.unseen), "");
    if (release.drift.length > 0) out.push(...release.drift.map((one) => `- ${escape(driftTold(one))}`), "");
    for (const change of release.changes) {
      const summary = `<code>${SIGNS[change.action]} ${escape(titleOfChange(change))}</code>`;
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
