// `pnpm bench age [MiB] [ROUNDS]`: sealing and opening a large file with vault and with age, wall time with start-up, in turns.
// `age` is the one on PATH or in $GIT_VAULT_PEERS.
import { spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { medianOfTurns } from "./measure.mjs";
import { vaultProgram, workplace } from "./workplace.mjs";

const MIB = Number(process.argv[2] ?? 1024);
const ROUNDS = Number(process.argv[3] ?? 5);
const { folder, env: common } = workplace();
const env = { ...common, VAULT: vaultProgram };
mkdirSync(join(folder, ".ssh"));

const sh = (line) => {
  const { status, stderr } = spawnSync("sh", ["-ec", line], { cwd: folder, env, encoding: "utf8" });
  if (status !== 0) throw new Error(`${line} ended with ${status}: ${stderr}`);
};
sh("ssh-keygen -q -t ed25519 -N '' -f .ssh/id_ed25519");
const file = openSync(join(folder, "plain"), "w");
const block = randomBytes(1024 * 1024);
for (let written = 0; written < MIB; written += 1) writeSync(file, block);
closeSync(file);
sh("age -R .ssh/id_ed25519.pub -o sealed plain && node $VAULT view -q -o opened sealed && cmp opened plain");

const key = "-i .ssh/id_ed25519";
const to = "--to ./.ssh/id_ed25519.pub --binary -q";
const pairs = {
  "seal, file to file": ["age -R .ssh/id_ed25519.pub -o by-age plain", `node $VAULT share ${to} -o by-vault plain`],
  "seal, pipe to pipe": [
    "cat plain | age -R .ssh/id_ed25519.pub | cat > /dev/null",
    `cat plain | node $VAULT share ${to} | cat > /dev/null`,
  ],
  "open, file to file": [`age -d ${key} -o by-age sealed`, "node $VAULT view -q -o by-vault sealed"],
  "open, pipe to pipe": [
    `cat sealed | age -d ${key} | cat > /dev/null`,
    "cat sealed | node $VAULT view | cat > /dev/null",
  ],
};
console.log(
  `${MIB} MiB, median of ${ROUNDS}; age is ${spawnSync("age", ["--version"], { env, encoding: "utf8" }).stdout.trim()}`,
);
for (const [name, [age, vault]] of Object.entries(pairs)) {
  const medians = medianOfTurns({ age: () => sh(age), vault: () => sh(vault) }, ROUNDS);
  const ratio = (medians.age / medians.vault).toFixed(2);
  console.log(
    `${name.padEnd(20)} age ${(medians.age / 1000).toFixed(2)} s  vault ${(medians.vault / 1000).toFixed(2)} s  ${ratio} times as fast as age`,
  );
}
