// `pnpm bench members`: what the members log costs. `git add` and `git status` of one protected
// file with a log of 1,000 entries, as a ratio to the same without a log, in turn: once with as
// many other files, which git itself reads in its index, and once with none; and the seconds
// that a log of 10,000 entries takes to verify, and a locked clone with 20,000 junk files among the
// entries. Each line ends with what it may take; what takes longer is marked with `!`.
import { spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { appendFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readPrivateKey, signMessage } from "@git-vault/keys";
import * as members from "@git-vault/members";
import { medianOfTurns } from "./measure.mjs";
import { vaultProgram as vault, workplace } from "./workplace.mjs";

const [rounds = 31, entries = 1000, cold = 10_000, junk = 20_000] = process.argv.slice(2).map(Number);

const { folder, env } = workplace();
const GIT = ["-c", "user.name=me", "-c", "user.email=me@example.com", "-c", "init.defaultBranch=main"];
const run = (program, args, cwd, isFine = [0]) => {
  const { status, stderr } = spawnSync(program, args, { cwd, env, maxBuffer: Infinity });
  if (!isFine.includes(status))
    throw new Error(`${program} ${args.join(" ")} ended with ${status}: ${stderr.toString()}`);
};
const git = (cwd, ...args) => run("git", [...GIT, ...args], cwd);
const program = (cwd, ...args) => run(process.execPath, [vault, ...args], cwd, [0, 7]);

mkdirSync(join(folder, ".ssh"));
run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(folder, ".ssh/id_ed25519")], folder);
const mine = await readPrivateKey(readFileSync(join(folder, ".ssh/id_ed25519"))).unlock();

/** A repository with one protected file; with a log, of its maker alone, where a key is there. */
function repository(name) {
  const path = join(folder, name);
  git(folder, "init", "-q", path);
  program(path, "init", "--quiet", "secrets/**");
  mkdirSync(join(path, "secrets"));
  writeFileSync(join(path, "secrets/token"), "one\n");
  commit(path);
  return path;
}

const commit = (path) => {
  git(path, "add", "--all");
  git(path, "commit", "--quiet", "-m", "change");
};

const field = (bytes) => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
};
const someKey = () => {
  const blob = Buffer.concat([field(Buffer.from("ssh-ed25519")), field(randomBytes(32))]);
  return members.readMemberKey(`ssh-ed25519 ${blob.toString("base64")}`);
};

/** Adds so many members to the log, each on the one before. */
async function addMembers(path, count) {
  const log = join(path, ".git-vault/members");
  const [root] = readdirSync(log);
  let [parent, number] = [root, 1];
  const author = `SHA256:${createHash("sha256").update(mine.publicKey.blob).digest("base64").replace("=", "")}`;
  for (let left = count; left > 0; left -= 1) {
    const account = `github.com/${(number += 1)}`;
    const who = { account, keys: [someKey()], opens: ["default"], label: `github:user${number}` };
    const action = { kind: "add", role: "reader", ...who, readmits: [] };
    const draft = { root, parents: [parent], author, time: "2026-11-25T02:45:17Z", action };
    const signature = await signMessage(mine, {
      namespace: members.MEMBERS_NAMESPACE,
      message: members.encodeDraft(draft),
    });
    const bytes = members.finishEntry(draft, signature);
    parent = members.parseEntry(bytes).id;
    writeFileSync(join(log, parent), bytes);
  }
  commit(path);
}

const log = repository("log");
await addMembers(log, entries);
cpSync(join(folder, ".ssh"), join(folder, "ssh"), { recursive: true });
rmSync(join(folder, ".ssh"), { recursive: true });
const plain = repository("plain"); // Nobody has a key, and so there is no log.
const files = repository("files");
mkdirSync(join(files, "other"));
for (let left = entries; left > 0; left -= 1)
  writeFileSync(join(files, "other", randomBytes(32).toString("hex")), randomBytes(700));
commit(files);
cpSync(join(folder, "ssh"), join(folder, ".ssh"), { recursive: true });
program(log, "status", "--quiet");

let turn = 0;
const change = () => {
  turn += 1;
  for (const path of [log, files, plain]) {
    git(path, "reset", "--quiet");
    appendFileSync(join(path, "secrets/token"), `${turn}\n`);
  }
};
report(`git add, a log of ${entries} entries`, (path) => git(path, "add", "secrets"));
report(`git status, a log of ${entries} entries`, (path) => git(path, "status"));

function report(title, command) {
  const turns = { a: () => command(log), b: () => command(files), c: () => command(plain) };
  const { a, b, c } = medianOfTurns(turns, rounds, change);
  const ratios = `${(a / b).toFixed(3)} × as many other files, ${(a / c).toFixed(3)} × none`;
  line(title, `${a.toFixed(1).padStart(8)} ms  ${ratios}`, a / b, 1.05, "×");
}

function line(title, text, value, budget, unit) {
  console.log(`${title.padEnd(44)} ${text}  ${value > budget ? "!" : " "} at most ${budget} ${unit}`);
}

await addMembers(log, cold - entries);
const once = (title, budget, action) => {
  const { a } = medianOfTurns({ a: action }, 3);
  line(title, `${(a / 1000).toFixed(2).padStart(8)} s`, a / 1000, budget, "s");
};
const all = readdirSync(join(log, ".git-vault/members")).map((name) => ({
  name,
  bytes: readFileSync(join(log, ".git-vault/members", name)),
}));
const timed = async (action) => {
  const start = performance.now();
  const result = await action();
  return { result, seconds: (performance.now() - start) / 1000 };
};
for (let round = 0; round < 3; round += 1) {
  const read = await timed(() => members.readLog(all));
  const folded = await timed(() => members.fold(read.result));
  const text = `${read.seconds.toFixed(2).padStart(8)} s verified, ${folded.seconds.toFixed(2)} s folded`;
  line(`${all.length} entries`, text, read.seconds + folded.seconds, 1, "s");
}
once(`vault log, ${all.length} entries, the whole command`, 2, () => program(log, "log"));

const locked = join(folder, "locked");
const small = repository("small");
for (let left = junk; left > 0; left -= 1) {
  writeFileSync(join(small, ".git-vault/members", randomBytes(32).toString("hex")), randomBytes(300));
}
commit(small);
git(folder, "clone", "--quiet", small, locked);
program(locked, "unlock", "--yes", "--quiet");
once(`vault holders, ${junk} junk files`, 2, () => program(locked, "holders", "--offline"));
once(`vault unlock, ${junk} junk files`, 2, () => {
  rmSync(locked, { recursive: true });
  git(folder, "clone", "--quiet", small, locked);
  program(locked, "unlock", "--yes", "--quiet");
});
