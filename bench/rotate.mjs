// `pnpm bench rotate [FILES] [ROUNDS]`: replacing a repository's key, against encrypting every file
// again with git-crypt.
//
// git-crypt cannot replace a key. What its users do instead is timed here, without the grants:
// another key in the place of the old one, `git add --renormalize` with git-crypt's filter, and a
// commit. Both sides work on copies of one repository with files of 2 KB.
import { spawnSync } from "node:child_process";
import { randomFillSync } from "node:crypto";
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { median, report, operands } from "./measure.mjs";
import { vaultProgram, workplace } from "./workplace.mjs";

const [files = 5000, rounds = 3] = operands.map(Number);
const { folder, env } = workplace();
writeFileSync(join(folder, ".gitconfig"), "[user]\n\tname = Bench\n\temail = bench@example.com\n[gc]\n\tauto = 0\n");

mkdirSync(join(folder, ".ssh"));
run(folder, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", join(folder, ".ssh/id_ed25519"));

function run(cwd, program, ...args) {
  const { status, stderr, stdout } = spawnSync(program, args, { cwd, env, maxBuffer: 2 ** 28 });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${status}: ${stderr.toString()}`);
  return stdout.toString();
}

const vault = (cwd, ...args) => run(cwd, process.execPath, vaultProgram, ...args);

function source() {
  const path = join(folder, "source");
  mkdirSync(join(path, "files"), { recursive: true });
  run(path, "git", "init", "--quiet");
  vault(path, "init", "files/**");
  for (let at = 0; at < files; at++) writeFileSync(join(path, "files", String(at)), randomFillSync(Buffer.alloc(2000)));
  run(path, "git", "add", ".");
  run(path, "git", "commit", "--quiet", "-m", "Begin");
  run(path, "git", "repack", "-adq");
  vault(path, "keygen", "-o", join(folder, "new-key"));
  return path;
}

/** A copy in which everything is as git left it: what is timed finds the index fresh. */
function copyOf(path, program) {
  const copy = join(folder, "copy");
  rmSync(copy, { recursive: true, force: true });
  cpSync(path, copy, { recursive: true, preserveTimestamps: true });
  if (program === "git-crypt") {
    // Its own filter, as `git-crypt unlock` configures it.
    run(copy, "git", "config", "--unset", "filter.git-crypt.process");
    run(copy, "git", "config", "filter.git-crypt.clean", '"git-crypt" clean');
    run(copy, "git", "config", "filter.git-crypt.smudge", '"git-crypt" smudge');
  }
  run(copy, "git", "status");
  return copy;
}

const sides = {
  vault: (copy) => vault(copy, "rotate", "--quiet"),
  "git-crypt": (copy) => {
    cpSync(join(folder, "new-key"), join(copy, ".git/git-crypt/keys/default"));
    run(copy, "git", "add", "--renormalize", ".");
    run(copy, "git", "commit", "--quiet", "-m", "Rotate");
  },
};

const path = source();
const times = { vault: [], "git-crypt": [] };
for (let round = 0; round < rounds; round++) {
  for (const [name, side] of Object.entries(sides)) {
    const copy = copyOf(path, name);
    const start = performance.now();
    side(copy);
    times[name].push(performance.now() - start);
    const changed = run(copy, "git", "diff", "--name-only", "HEAD~1", "HEAD", "--", "files").split("\n").length - 1;
    if (changed !== files) throw new Error(`${name} encrypted ${changed} of ${files} files again`);
    if (run(copy, "git", "status", "--porcelain") !== "") throw new Error(`${name} left changes`);
  }
}
const [ms, theirs] = [median(times.vault), median(times["git-crypt"])];
report(`${files} files of 2 KB, medians of ${rounds} turns`, [
  { name: "vault rotate", ms, ratio: ms / theirs, to: "git-crypt" },
]);
