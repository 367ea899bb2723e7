// `pnpm bench members`: what the members log costs. `git add` and `git status` of one protected
// file with a log of 1,000 entries, as a ratio to the same without a log, in turn: once with as
// many other files, which git itself reads in its index, and once with none; and the seconds
// that a log of 10,000 entries takes to verify, and a locked clone with 20,000 junk files among the
// entries.
import { spawnSync } from "node:child_process";
import { createHash, generateKeyPairSync, randomBytes, sign, verify } from "node:crypto";
import { appendFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { readPrivateKey, signMessage } from "@git-vault/keys";
import * as members from "@git-vault/members";
import { median, medianOfTurns, report, operands } from "./measure.mjs";
import { vaultProgram as vault, workplace } from "./workplace.mjs";

const [rounds = 31, entries = 1000, cold = 10_000, junk = 20_000] = operands.map(Number);

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
const rows = [];
ofOneFile("git add", (path) => git(path, "add", "secrets"));
ofOneFile("git status", (path) => git(path, "status"));

function ofOneFile(name, command) {
  const turns = { log: () => command(log), files: () => command(files), plain: () => command(plain) };
  const medians = medianOfTurns(turns, rounds, change);
  const title = `${name}, a log of ${entries} entries`;
  const ms = medians.log;
  rows.push({ name: title, ms, ratio: ms / medians.files, to: "as many other files", atMost: 1.05 });
  rows.push({ name: `${title}, beside no files`, ms, ratio: ms / medians.plain, to: "none" });
}

await addMembers(log, cold - entries);
const once = (name, seconds, action) =>
  rows.push({ name, ms: medianOfTurns({ name: action }, 3).name, atMost: 1000 * seconds });
const all = readdirSync(join(log, ".git-vault/members")).map((name) => ({
  name,
  bytes: readFileSync(join(log, ".git-vault/members", name)),
}));
const turns = [];
for (let round = 0; round < 3; round += 1) {
  const start = performance.now();
  members.fold(await members.readLog(all));
  turns.push(performance.now() - start);
}
rows.push({ name: `${all.length} entries, verified and folded`, ms: median(turns), atMost: 1000 });
rows.push({ name: "of that, what OpenSSL takes for the signatures", ms: await signaturesAlone(all.length) });
once(`vault log, ${all.length} entries, the whole command`, 2, () => program(log, "log"));

/** Milliseconds that OpenSSL takes for so many Ed25519 signatures, on all cores. */
async function signaturesAlone(count) {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const message = randomBytes(200);
  const signature = sign(null, message, privateKey);
  const verifyOne = promisify(verify);
  const start = performance.now();
  for (let left = count; left > 0; left -= 64) {
    await Promise.all(Array.from({ length: Math.min(left, 64) }, () => verifyOne(null, message, publicKey, signature)));
  }
  return performance.now() - start;
}

const locked = join(folder, "locked");
const small = repository("small");
for (let left = junk; left > 0; left -= 1) {
  writeFileSync(join(small, ".git-vault/members", randomBytes(32).toString("hex")), randomBytes(300));
}
commit(small);
// As over a network: in a clone of a folder git finds 20,000 files in the place of one pack.
const clone = (path) => git(folder, "clone", "--quiet", "--no-local", small, path);
clone(locked);
program(locked, "unlock", "--yes", "--quiet");
once(`vault holders, ${junk} junk files`, 2, () => program(locked, "holders", "--offline"));
// One for each turn, and for the first, which does not count.
const others = ["second", "third", "fourth", "fifth"].map((name) => join(folder, name));
others.forEach(clone);
once(`vault unlock, ${junk} junk files`, 2, () => program(others.pop(), "unlock", "--yes", "--quiet"));
report(`medians of ${rounds} turns with git, of 3 else`, rows);
