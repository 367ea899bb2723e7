// `pnpm bench age [MiB] [ROUNDS]`: sealing and opening a large file with vault and with age, wall
// time with start-up, in turns, on all cores and (where taskset is installed) on one, in binary and
// from file to file in armor, too; then vault's memory, and its speed beside the streams of npm's
// age-encryption. `age` is the one on PATH or in $GIT_VAULT_PEERS.
import { spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, truncateSync, writeSync } from "node:fs";
import { availableParallelism } from "node:os";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { medianOfTurns, report, operands } from "./measure.mjs";
import { vaultProgram, workplace } from "./workplace.mjs";

const MIB = Number(operands[0] ?? 1024);
const ROUNDS = Number(operands[1] ?? 5);
/** age-encryption is slow, and its speed does not depend on the size. */
const SMALL_MIB = Math.min(MIB, 256);
const { folder, env: common } = workplace();
const beside = (name) => fileURLToPath(new URL(name, import.meta.url));
const env = {
  ...common,
  VAULT: vaultProgram,
  PEAK_MEMORY: beside("peak-memory.cjs"),
  AGE_ENCRYPTION: beside("age-encryption.mjs"),
};
mkdirSync(join(folder, ".ssh"));

const sh = (line) => {
  const { status, stderr } = spawnSync("sh", ["-ec", line], { cwd: folder, env, encoding: "utf8" });
  if (status !== 0) throw new Error(`${line} ended with ${status}: ${stderr}`);
};
sh(
  "ssh-keygen -q -t ed25519 -N '' -f .ssh/id_ed25519 && age-keygen -o age-identity 2>/dev/null && age-keygen -y -o age-recipient age-identity",
);
const file = openSync(join(folder, "plain"), "w");
const block = randomBytes(1024 * 1024);
for (let written = 0; written < MIB; written += 1) writeSync(file, block);
closeSync(file);
sh(
  "age -R .ssh/id_ed25519.pub -o sealed plain && node $VAULT view -q -o opened sealed && cmp opened plain && rm opened",
);
sh(
  "age -a -R .ssh/id_ed25519.pub -o armored plain && node $VAULT view -q -o opened armored && cmp opened plain && rm opened",
);

const key = "-i .ssh/id_ed25519";
const armored = "--to ./.ssh/id_ed25519.pub -q";
const to = `${armored} --binary`;
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
  "seal, armor, file to file": [
    "age -a -R .ssh/id_ed25519.pub -o by-age plain",
    `node $VAULT share ${armored} -o by-vault plain`,
  ],
  "open, armor, file to file": [`age -d ${key} -o by-age armored`, "node $VAULT view -q -o by-vault armored"],
};
// What a file that is there takes to be replaced depends on the file system, and is not what is
// compared. Nor is what it takes a virtual machine to get memory back from its host, which takes
// what lies free for seconds: that can double the time of writing a new file, no matter who writes
// it. So each finds as much memory as it writes just freed.
const before = () => sh("rm -f by-age by-vault && cat armored > freed && rm freed");
/** What is to be reached, as a ratio to age's time. */
function budgetOf(name, cores) {
  if (name.includes("armor")) return name.startsWith("seal") ? 0.67 : 0.36;
  if (name.includes("pipe")) return cores > 1 ? 0.91 : undefined;
  return name.startsWith("seal") ? (cores > 1 ? 0.77 : 1) : undefined;
}
const rows = [];

const version = spawnSync("age", ["--version"], { env, encoding: "utf8" }).stdout.trim();
const hasTaskset = spawnSync("taskset", ["--version"]).status === 0;
for (const [cores, prefix] of [[availableParallelism(), ""], ...(hasTaskset ? [[1, "taskset -c 0 "]] : [])]) {
  for (const [name, lines] of Object.entries(pairs)) {
    const [age, vault] = lines.map((line) => () => sh(`${prefix}sh -ec '${line}'`));
    const medians = medianOfTurns({ age, vault }, ROUNDS, before);
    const title = `${cores} core${cores > 1 ? "s" : ""}, ${name}`;
    rows.push({
      name: title,
      ms: medians.vault,
      ratio: medians.vault / medians.age,
      to: "age",
      atMost: budgetOf(name, cores),
    });
  }
}

for (const [name, line] of Object.entries({
  seal: `share ${to} -o by-vault plain`,
  open: "view -q -o by-vault sealed",
  "seal, armor": `share ${armored} -o by-vault plain`,
  "open, armor": "view -q -o by-vault armored",
})) {
  before();
  sh(`node --require $PEAK_MEMORY $VAULT ${line}`);
  rows.push({ name: `${name}: most memory`, mib: Number(readFileSync(join(folder, "peak-memory"), "utf8")) / 1024 });
}

before();
truncateSync(join(folder, "plain"), SMALL_MIB * 1024 * 1024);
sh("age -r $(cat age-recipient) -o sealed plain");
const streams = {
  seal: [
    "node $AGE_ENCRYPTION seal $(cat age-recipient) plain",
    "node $VAULT share --to $(cat age-recipient) --binary -q plain > /dev/null",
  ],
  open: [
    "node $AGE_ENCRYPTION open $(grep AGE age-identity) sealed",
    "node $VAULT view -k age-identity sealed > /dev/null",
  ],
};
for (const [name, [ageEncryption, vault]] of Object.entries(streams)) {
  const medians = medianOfTurns(
    { ageEncryption: () => sh(ageEncryption), vault: () => sh(vault) },
    Math.min(ROUNDS, 3),
  );
  const ratio = medians.vault / medians.ageEncryption;
  rows.push({ name: `${SMALL_MIB} MiB, ${name}`, ms: medians.vault, ratio, to: "age-encryption" });
}
report(`${MIB} MiB, medians of ${ROUNDS} turns with age ${version}`, rows);
