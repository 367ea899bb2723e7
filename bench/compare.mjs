// `pnpm bench compare COMMIT [--turns N] [--html FILE] NAME [ARGUMENT…]`: what a change costs.
// Builds COMMIT in a work tree of its own, and lets its program and this one run the benchmark NAME
// in turn, N times each (3). Prints the median of each row of both, as a table, or as a page in
// FILE.
//
// The benchmark is today's for both: only the program is another, and what a benchmark measures of
// the libraries, such as planning itself, is the same on both sides. It must have been built here.
import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { median } from "./measure.mjs";
import { vaultProgram, workplace } from "./workplace.mjs";

const { values, positionals } = parseArgs({
  options: { turns: { type: "string", default: "3" }, html: { type: "string" } },
  allowPositionals: true,
});
const [commit, name, ...args] = positionals;
if (commit === undefined || name === undefined) {
  console.error("usage: pnpm bench compare COMMIT [--turns N] [--html FILE] NAME [ARGUMENT…]");
  process.exit(2);
}

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { folder } = workplace();
const before = join(folder, "before");
const git = (...words) => execFileSync("git", ["-C", root, ...words], { encoding: "utf8" }).trim();
const id = git("rev-parse", "--short", `${commit}^{commit}`);
git("worktree", "add", "--quiet", "--detach", before, id);
process.on("exit", () => git("worktree", "remove", "--force", before));
for (const words of [
  ["install", "--frozen-lockfile", "--prefer-offline"],
  ["exec", "turbo", "run", "build", "--filter=git-vault"],
]) {
  const { status, stdout } = spawnSync("pnpm", words, { cwd: before, encoding: "utf8" });
  if (status !== 0) throw new Error(`pnpm ${words.join(" ")} ended with ${status}: ${stdout}`);
}

/** The rows of one run of the benchmark, with the program of one of the two. */
function rowsBy(program) {
  const { status, stdout } = spawnSync(process.execPath, [join(root, "bench/run.mjs"), name, ...args, "--json"], {
    env: { ...process.env, VAULT_PROGRAM: program },
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) throw new Error(`the benchmark ${name} ended with ${status}`);
  return JSON.parse(stdout).rows;
}

const text = (word) => word.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

const sides = { before: join(before, "apps/vault/dist/main.cjs"), after: vaultProgram };
/** By the name of a row: the values of each side, in milliseconds or MiB. */
const found = new Map();
for (let turn = 0; turn < Number(values.turns); turn += 1) {
  for (const [side, program] of Object.entries(sides)) {
    for (const row of rowsBy(program)) {
      const all = found.get(row.name) ?? { unit: row.ms === undefined ? "MiB" : "ms", before: [], after: [] };
      all[side].push(row.ms ?? row.mib);
      found.set(row.name, all);
    }
  }
}
const rows = [...found].map(([what, { unit, before: old, after }]) => ({
  what,
  cells: [`${median(old).toFixed(1)} ${unit}`, `${median(after).toFixed(1)} ${unit}`],
  ratio: median(after) / median(old),
}));
const title = `pnpm bench ${[name, ...args].join(" ")}: ${id} and this tree, medians of ${values.turns} runs each`;

if (values.html === undefined) {
  const width = Math.max(...rows.map(({ what }) => what.length));
  console.log(title);
  for (const { what, cells, ratio } of rows)
    console.log(`  ${what.padEnd(width)} ${cells.map((cell) => cell.padStart(12)).join("")}  ${ratio.toFixed(2)} ×`);
} else {
  const line = ({ what, cells, ratio }) => {
    const judged = ratio > 1.05 ? "slower" : ratio < 0.95 ? "faster" : "";
    const share = Math.min(100, 50 * ratio).toFixed(0);
    return `<tr class="${judged}"><th scope="row">${text(what)}</th>${cells.map((cell) => `<td>${cell}</td>`).join("")}<td>${ratio.toFixed(2)} ×</td><td><meter min="0" max="100" value="${share}">${share} %</meter></td></tr>`;
  };
  writeFileSync(
    values.html,
    `<!doctype html>
<html lang="en">
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width" />
<title>${text(title)}</title>
<style>
  :root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
  body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
  table { border-collapse: collapse; width: 100%; }
  th, td { border-bottom: 1px solid; padding: 0.3rem 0.6rem; text-align: right; }
  th:first-child { text-align: left; font-weight: normal; }
  .slower td:nth-child(4) { color: light-dark(#b00020, #ff8a80); font-weight: bold; }
  .faster td:nth-child(4) { color: light-dark(#006b3c, #7bdba0); font-weight: bold; }
</style>
<h1>${text(title)}</h1>
<table>
<thead><tr><th scope="col">What</th><th scope="col">Before</th><th scope="col">After</th><th scope="col">Ratio</th><th scope="col"></th></tr></thead>
<tbody>
${rows.map(line).join("\n")}
</tbody>
</table>
</html>
`,
  );
  console.log(`${title}: see ${values.html}`);
}
