// `pnpm bench recipients [RECIPIENTS] [ROUNDS]`: sealing a short secret to many recipients, half of
// them with Ed25519 and half with RSA-3072 keys, and opening it by the last of them, with vault and
// with age, wall time with start-up, in turns. `age` is the one on PATH or in $GIT_VAULT_PEERS.
// Making 250 RSA keys takes a minute or two.
import { execFile, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { medianOfTurns, report, operands } from "./measure.mjs";
import { vaultProgram, workplace } from "./workplace.mjs";

const RECIPIENTS = Number(operands[0] ?? 500);
const ROUNDS = Number(operands[1] ?? 9);
const { folder, env } = workplace();

const run = (command, args) => {
  const { status, stderr, error } = spawnSync(command, args, { cwd: folder, env, encoding: "utf8" });
  if (status !== 0) throw error ?? new Error(`${command} ${args.join(" ")} ended with ${status}: ${stderr}`);
};
const vault = (...args) => run(process.execPath, [vaultProgram, ...args]);

const names = Array.from({ length: RECIPIENTS }, (_unused, index) => `key-${index}`);
const half = Math.floor(RECIPIENTS / 2);
const waiting = names.entries();
const makeKeys = async () => {
  for (const [index, name] of waiting) {
    const type = index < half ? ["-t", "ed25519"] : ["-t", "rsa", "-b", "3072"];
    await promisify(execFile)("ssh-keygen", ["-q", ...type, "-N", "", "-C", name, "-f", join(folder, name)]);
  }
};
await Promise.all(Array.from({ length: availableParallelism() }, makeKeys));
const last = names.at(-1);
writeFileSync(join(folder, "recipients"), names.map((name) => readFileSync(join(folder, `${name}.pub`))).join(""));
writeFileSync(join(folder, "secret"), "a secret of some bytes\n");

const seal = {
  age: () => run("age", ["-R", "recipients", "-o", "by-age", "secret"]),
  vault: () => vault("share", "--to", "./recipients", "--binary", "-q", "-o", "by-vault", "secret"),
};
const open = {
  age: () => run("age", ["-d", "-i", last, "-o", "opened-by-age", "by-vault"]),
  vault: () => vault("view", "-q", "-k", last, "-o", "opened-by-vault", "by-age"),
};
const version = spawnSync("age", ["--version"], { env, encoding: "utf8" }).stdout.trim();
const rows = [];
const tell = (name, { age, vault: ms }) => rows.push({ name, ms, ratio: ms / age, to: "age" });
const sum = { age: 0, vault: 0 };
for (const [name, commands] of Object.entries({ "seal to all": seal, "open by the last": open })) {
  const medians = medianOfTurns(commands, ROUNDS);
  for (const program of ["age", "vault"]) sum[program] += medians[program];
  tell(name, medians);
}
tell("both", sum);
for (const program of ["age", "vault"]) {
  if (readFileSync(join(folder, `opened-by-${program}`), "utf8") !== "a secret of some bytes\n")
    throw new Error(`${program} opened something else`);
}
const kinds = `${half} Ed25519 and ${RECIPIENTS - half} RSA-3072 keys`;
report(`${kinds}, medians of ${ROUNDS} turns with age ${version}`, rows);
