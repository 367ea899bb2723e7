// `pnpm bench status [FILES [PROTECTED [ROUNDS]]]`: what `vault status` takes in a repository of so
// many files (50,000), of which so many are protected (5,000), 2 KB of text each, in turn with
// `git status`. `$CONTENT=random` makes files that cannot be compressed.
import { spawnSync } from "node:child_process";
import { randomFillSync } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { medianOfTurns, report, operands } from "./measure.mjs";
import { vaultProgram, workplace } from "./workplace.mjs";

const [files = 50_000, isProtected = 5000, rounds = 7] = operands.map(Number);
const { folder, env } = workplace();
const { CONTENT: content } = process.env;

const repository = join(folder, "repository");
mkdirSync(repository);
function run(program, ...args) {
  const { status, stderr } = spawnSync(program, args, { cwd: repository, env, maxBuffer: Infinity });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${status}: ${stderr.toString()}`);
}

run("git", "init", "--quiet");
for (const setting of ["user.name=Bench", "user.email=bench@example.com", "gc.auto=0"])
  run("git", "config", ...setting.split("="));
run(process.execPath, vaultProgram, "init", "--quiet", "secrets/**");

const line = (at) => `setting-${at} = ${(Math.sin(at) * 1e9).toFixed(0)} # a line of a file of settings\n`;
const text = (at) => Array.from({ length: 35 }, (_, number) => line(at * 35 + number)).join("");
const every = Math.max(1, Math.round(files / isProtected));
for (let at = 0; at < files; at++) {
  const path = join(repository, at % every === 0 ? "secrets" : "src", String(at % 500));
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, String(at)), content === "random" ? randomFillSync(Buffer.alloc(2000)) : text(at));
}
run("git", "add", ".");
run("git", "commit", "--quiet", "-m", "Begin");
run("git", "repack", "-adq");

const commands = {
  "git status": () => run("git", "status", "--porcelain"),
  "vault status": () => run(process.execPath, vaultProgram, "status"),
};
const medians = medianOfTurns(commands, rounds);
const [base, ms] = Object.values(medians);
report(`${isProtected} protected files of ${files}, medians of ${rounds} turns`, [
  { name: "git status", ms: base },
  { name: "vault status", ms, ratio: ms / base, to: "git status" },
]);
