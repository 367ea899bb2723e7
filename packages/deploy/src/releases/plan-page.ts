import type { Change } from "./manifest-diff.ts";
import { isUnchanged, type Plan, type PlannedRelease } from "./plan.ts";
import {
  driftTold,
  headOf,
  pendingIn,
  type PlanWords,
  SIGNS,
  STAND_INS_ALONE,
  sumOf,
  titleOfChange,
  WITHOUT_CLUSTER,
  type DiffLine,
  kindOfDiffLine,
} from "./plan-words.ts";

const STYLE = `
:root { color-scheme: light dark; --text: #1f2328; --faint: #57606a; --back: #fff; --box: #f6f8fa; --line: #d0d7de;
  --add: #116329; --remove: #a40e26; --hunk: #0550ae }
@media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --faint: #9da7b3; --back: #0d1117; --box: #161b22;
  --line: #30363d; --add: #7ee787; --remove: #ffa198; --hunk: #79c0ff } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 1rem; max-width: 60rem; font: 1rem/1.5 system-ui, sans-serif; color: var(--text);
  background: var(--back); overflow-wrap: anywhere }
h1 { font-size: 1.4rem } h2 { font-size: 1.15rem; margin-top: 2rem }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem } dt { color: var(--faint) } dd { margin: 0 }
details, .note { border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0; background: var(--box) }
.note { padding: .5rem .75rem; border-left: 4px solid var(--remove) }
summary { padding: .6rem .75rem; cursor: pointer }
pre { margin: 0; padding: .5rem .75rem; border-top: 1px solid var(--line); white-space: pre-wrap }
pre, code { font-family: ui-monospace, monospace; font-size: .85rem }
ins, del { text-decoration: none } ins { color: var(--add) } del { color: var(--remove) } .hunk { color: var(--hunk) }
`;

const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/**
 * A plan as a web page in one file, for a reviewer: it needs no script and loads nothing. It shows
 * what the text does. Names come from charts: strip control characters before writing it.
 */
export function planPage(plan: Plan, words: PlanWords = {}): string {
  const { environment, commit, cluster, given, made, releases, secrets } = plan;
  const facts = [
    ["commit", commit],
    ["cluster", cluster],
    ...given.map((title) => ["with", title] as const),
    ["made", made],
  ] as const;
  return [
    "<!doctype html>",
    '<html lang="en">',
    "<head>",
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    // What a chart says can start nothing, should it ever get out of its quotes.
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    `<title>Plan for ${escaped(headOf(plan))}</title>`,
    `<style>${STYLE}</style>`,
    "</head>",
    "<body>",
    "<main>",
    `<h1>Plan for ${escaped(environment)}</h1>`,
    `<dl>${facts.map(([name, value]) => `<dt>${name}</dt><dd>${escaped(value)}</dd>`).join("")}</dl>`,
    ...(secrets === "stand-ins" ? [noteOf(STAND_INS_ALONE)] : []),
    ...(isUnchanged(plan) ? ["<p>Nothing changes.</p>"] : []),
    ...releases.flatMap((release) => releaseLines(release, words)),
    "</main>",
    "</body>",
    "</html>",
    "",
  ].join("\n");
}

const noteOf = (text: string): string => `<p class="note">${escaped(text)}</p>`;

function releaseLines(release: PlannedRelease, words: PlanWords): string[] {
  const { name, namespace, hidden, withoutCluster, drift, unseen, changes } = release;
  return [
    `<h2>${escaped(name)} in ${escaped(namespace)}</h2>`,
    `<p>${escaped(sumOf(release))}</p>`,
    ...pendingIn(release, words).map(noteOf),
    ...(hidden === null ? [] : [noteOf(hidden)]),
    ...(withoutCluster ? [noteOf(WITHOUT_CLUSTER)] : []),
    ...drift.map((one) => noteOf(driftTold(one))),
    ...(unseen === null ? [] : [noteOf(unseen)]),
    ...changes.map(changeBlock),
  ];
}

function changeBlock(change: Change): string {
  const summary = `<summary><code>${escaped(`${SIGNS[change.action]} ${titleOfChange(change)}`)}</code></summary>`;
  return `<details>${summary}<pre>${change.diff.split("\n").map(diffLine).join("\n")}</pre></details>`;
}

const TAGS: Readonly<Record<DiffLine, readonly [before: string, after: string]>> = {
  place: ['<span class="hunk">', "</span>"],
  added: ["<ins>", "</ins>"],
  removed: ["<del>", "</del>"],
  context: ["", ""],
};

function diffLine(line: string): string {
  const text = escaped(line);
  const [before, after] = TAGS[kindOfDiffLine(line)];
  return `${before}${text}${after}`;
}
