// How what the failures left is told.
import { FAILURES } from "./failures.mjs";

/** What became of the release, in two or three words. */
function verdict({ error, runs, isAsked, isAsBefore, record, next }) {
  if (error !== undefined) return "not tried";
  const isToldDone = runs.at(-1).exit === 0;
  const isWhole = isAsBefore && record.isGood;
  const back = record.before === record.after ? "nothing changed" : "went back";
  const what = isToldDone ? (isAsked ? "deployed" : "says deployed") : isWhole ? back : "left broken";
  return next === null ? what : `${what}; next fails`;
}

/** Whether what it says, and what it leaves, is in order. */
const isWell = (result) => ["nothing changed", "went back", "deployed"].includes(verdict(result));

const MOST = 220;

/** The last thing that was said of the failure, without what is another in each run. */
function lastWords({ said }, namespace) {
  const lines = said
    // oxlint-disable-next-line no-control-regex -- colours of a terminal
    .replaceAll(/\u001B\[[0-9;]*m/g, "")
    .replaceAll(namespace, "NAMESPACE")
    .replaceAll(/127\.0\.0\.1:\d+/g, "SERVER")
    .replaceAll(/\bweb-[0-9a-f]{6,10}(?:-\w{5})?\b/g, "web-…")
    .replaceAll(/\d\d:\d\d:\d\d(?:AM|PM)?:? ?/g, "")
    .split("\n")
    .map((line) => line.trim().replaceAll(/\s+/g, " "))
    .filter((line) => line !== "");
  const line = lines.findLast((one) => /^(?:vault|kapp|error|hint)\b.*:/i.test(one)) ?? lines.at(-1) ?? "";
  return line.length > MOST ? `${line.slice(0, MOST - 1)}…` : line;
}

const exitCode = ({ exit }) => `${exit}`;

/** A row: what it told, and what is there. */
function row(result) {
  if (result.error !== undefined) return [result.tool, "", result.error.split("\n")[0], "", "", "", ""];
  const { tool, runs, image, isReady, record, changes, next, namespace } = result;
  return [
    tool,
    runs.map(exitCode).join(", then "),
    lastWords(runs.at(-1), namespace),
    record.before === record.after ? record.after : `${record.before} → ${record.after}`,
    image === null ? "nothing" : `${image}${isReady ? "" : ", not ready"}`,
    changes.length === 0 ? "as before" : changes.join("; "),
    next === null ? "works" : `fails: ${lastWords(next, namespace)}`,
  ];
}

const COLUMNS = ["tool", "exit code", "last words", "record", "runs", "objects", "the next deployment"];

const cell = (one) => one.replaceAll("|", "\\|").replaceAll("<", "&lt;");
const line = (cells) => `| ${cells.map(cell).join(" | ")} |`;
const table = (head, rows) => [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
const quoted = (one) => (one === "" ? "" : `"${one.replaceAll(/[*_[\]`]/g, "\\$&")}"`);

const sumOf = (count) => (count === FAILURES.length ? `${count} failures` : `${count} of ${FAILURES.length} failures`);

const preface = (count) => `# When a deployment fails

The same ${sumOf(count)}, given to \`vault deploy apply\` and to other tools that deploy a chart, on a
real control plane (Kubernetes 1.35). Each begins with a release that is well and runs \`web:1\`, and
the tool has ten seconds for it. What this page shows is what a command prints, in the
[lab of the project](../../CONTRIBUTING.md#a-real-control-plane):

    pnpm bench failures --markdown
    pnpm bench failures 'pods crash'     # one of them, with the words that its title has
`;

const LEGEND = `Read it so:

- **nothing changed**: the deployment was refused, and all is as it was.
- **went back**: objects and pods are those of before, all are ready, and the record says so.
- **deployed**: what was asked for runs and is ready.
- **left broken**: it says that it failed, and something else than before is there or on record.
- **says deployed**: the exit code is 0, and what was asked for is not ready.
- **not tried**: the tool was not given this one, or its first deployment did not go through.
- **next fails**: once the cause is gone, an ordinary deployment by the same tool does not go through.
`;

const counts = (found) =>
  found[0].results.map(({ tool }) => {
    const all = found.map(({ results }) => results.find((one) => one.tool === tool));
    return `${all.filter(isWell).length} of ${all.filter(({ error }) => error === undefined).length}`;
  });

/** As a page of the documentation. */
export function markdown(found) {
  const tools = found[0].results.map(({ tool }) => tool);
  const rows = found.map(({ failure, results }) => [
    failure,
    ...results.map((one) => (isWell(one) || one.error !== undefined ? verdict(one) : `**${verdict(one)}**`)),
  ]);
  const summary = table(["failure", ...tools], [...rows, ["in order", ...counts(found)]]);
  const details = found.map(({ failure, results }) => {
    const told = results.map((result) => {
      const [tool, exit, words, ...others] = row(result);
      return [tool, exit, quoted(words), ...others];
    });
    return `### ${failure[0].toUpperCase()}${failure.slice(1)}\n\n${table(COLUMNS, told)}\n`;
  });
  return [preface(found.length), summary, "", LEGEND, "## What each says and leaves", "", ...details].join("\n");
}

/** For a terminal. */
export const text = (found) =>
  found
    .flatMap(({ failure, results }) => [
      failure,
      ...results.flatMap((result) => [
        `  ${result.tool}: ${verdict(result)}`,
        ...row(result)
          .slice(1)
          .map((value, at) => `      ${COLUMNS[at + 1]}: ${value}`),
      ]),
    ])
    .join("\n");
