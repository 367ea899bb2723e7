// `pnpm bench git-crypt [SIZE…]`: unlocking, status and what git itself does, against git-crypt in
// the same run. A SIZE is a number of files of 2 KB, or `big` for one of 200 MB; without any, 1 10
// 100. The programs take turns on clones of one repository.
//
// $ROUNDS says how many turns each takes.
import { spawnSync } from "node:child_process";
import { randomFillSync } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { median, report, operands } from "./measure.mjs";
import { vaultProgram } from "./workplace.mjs";

const vault = [process.execPath, vaultProgram];
const peakMemory = fileURLToPath(new URL("peak-memory.cjs", import.meta.url));
const sizes = operands.length > 0 ? operands : ["1", "10", "100"];
const folder = mkdtempSync(join(tmpdir(), "git-vault-bench-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

// NODE_EXTRA_CA_CERTS costs every Node a certificate store, and would hide what is measured.
const { NODE_EXTRA_CA_CERTS: _, ...rest } = process.env;
const env = { ...rest, HOME: folder, GIT_CONFIG_NOSYSTEM: "1" };
writeFileSync(join(folder, ".gitconfig"), "[user]\n\tname = Bench\n\temail = bench@example.com\n");

function run(cwd, [program, ...args]) {
  const { status, stderr, stdout } = spawnSync(program, args, { cwd, env, maxBuffer: 2 ** 28 });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${status}: ${stderr.toString()}`);
  return stdout.toString();
}

function source(size) {
  const path = join(folder, `source-${size}`);
  mkdirSync(join(path, "files"), { recursive: true });
  run(path, ["git", "init", "--quiet"]);
  run(path, ["git-crypt", "init"]);
  run(path, ["git-crypt", "export-key", `${path}.key`]);
  run(path, ["git", "config", "filter.git-crypt.process", `"${vault.join('" "')}" filter`]);
  writeFileSync(join(path, ".gitattributes"), "files/* filter=git-crypt diff=git-crypt -text\n");
  const [count, bytes] = size === "big" ? [1, 200_000_000] : [Number(size), 2000];
  for (let at = 0; at < count; at++)
    writeFileSync(join(path, "files", String(at)), randomFillSync(Buffer.alloc(bytes)));
  run(path, ["git", "add", "."]);
  run(path, ["git", "-c", "gc.auto=0", "commit", "--quiet", "-m", "Begin"]);
  run(path, ["git", "repack", "-adq"]);
  return path;
}

function cloneOf(path) {
  const clone = join(folder, "clone");
  rmSync(clone, { recursive: true, force: true });
  run(folder, ["git", "clone", "--quiet", `file://${path}`, clone]);
  return clone;
}

/** The most memory that unlocking a fresh clone takes, in MiB. */
function peakOf(path) {
  const clone = cloneOf(path);
  run(clone, [process.execPath, "--require", peakMemory, vaultProgram, "unlock", `${path}.key`]);
  return Number(readFileSync(join(clone, "peak-memory"), "utf8")) / 1024;
}

/** Each step's seconds on a fresh clone. */
function steps(path, program) {
  const clone = cloneOf(path);
  const times = {};
  const timed = (name, command) => {
    const start = performance.now();
    run(clone, command);
    times[name] = (performance.now() - start) / 1000;
  };
  timed("unlock", [...program, "unlock", `${path}.key`]);
  timed("status", [...program, "status"]);
  for (const name of readdirSync(join(clone, "files"))) utimesSync(join(clone, "files", name), 1e9, 1e9);
  timed("git status, all touched", ["git", "status", "--porcelain"]);
  rmSync(join(clone, "files"), { recursive: true });
  timed("git checkout, all touched", ["git", "checkout", "--quiet", "--", "files"]);
  timed("lock", [...program, "lock"]);
  return times;
}

/** What is to be reached, as a ratio to git-crypt's time. */
function budgetOf(size, step) {
  if (step === "status" && size === "10") return 1;
  if (step === "unlock" && Number(size) >= 1000) return 0.04;
  return step === "git status, all touched" && Number(size) >= 1000 ? 0.025 : undefined;
}

const rows = [];
for (const size of sizes) {
  const path = source(size);
  const rounds = Number(process.env.ROUNDS ?? (size === "big" || Number(size) >= 1000 ? 3 : 9));
  const times = { vault: [], "git-crypt": [] };
  for (let round = 0; round < rounds; round++) {
    times.vault.push(steps(path, vault));
    times["git-crypt"].push(steps(path, ["git-crypt"]));
  }
  const title = size === "big" ? "one file of 200 MB" : `${size} files of 2 KB`;
  for (const step of Object.keys(times.vault[0])) {
    const [ms, theirs] = [times.vault, times["git-crypt"]].map((all) => 1000 * median(all.map((one) => one[step])));
    rows.push({ name: `${title}: ${step}`, ms, ratio: ms / theirs, to: "git-crypt", atMost: budgetOf(size, step) });
  }
  rows.push({ name: `${title}: unlock, most memory`, mib: peakOf(path) });
  rmSync(path, { recursive: true });
}
report("medians of turns with git-crypt", rows);
