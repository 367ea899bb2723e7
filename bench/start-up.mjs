// `pnpm bench start-up [ROUNDS]`: how long whole commands take, as ratios to an empty Node in the
// same run. The programs take turns, so that whatever else the machine does falls on all of them;
// the median of each is compared.
import { spawnSync } from "node:child_process";
import { appendFileSync, mkdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { generateKeyPairSync } from "node:crypto";
import { dirname, join } from "node:path";
import { medianOfTurns, report, operands } from "./measure.mjs";
import { vaultProgram as vault, workplace } from "./workplace.mjs";

const [ROUNDS = 41] = operands.map(Number);

const { folder, env } = workplace();
mkdirSync(join(folder, ".ssh"));
const pair = generateKeyPairSync("ed25519");
const point = Buffer.from(pair.publicKey.export({ format: "jwk" }).x, "base64url");
const seed = Buffer.from(pair.privateKey.export({ format: "jwk" }).d, "base64url");
writeFileSync(join(folder, ".ssh/id_ed25519"), openSshPrivateKey(seed, point), { mode: 0o600 });
const publicFile = join(folder, "me.pub");
writeFileSync(publicFile, `ssh-ed25519 ${publicBlob(point).toString("base64")} me\n`);
writeFileSync(join(folder, "empty.mjs"), "");
writeFileSync(join(folder, "crypto.mjs"), 'import "node:crypto";\n');
writeFileSync(join(folder, "empty.cjs"), "");
writeFileSync(join(folder, "crypto.cjs"), 'require("node:crypto");\n');
const work = JSON.stringify(join(dirname(vault), "work.cjs"));
writeFileSync(join(folder, "work.cjs"), `process.argv.push("--version"); require(${work});\n`);

const run = (args, input = "") => {
  const { status, stderr, stdout } = spawnSync(process.execPath, args, { env, input });
  if (status !== 0) throw new Error(`node ${args.join(" ")} ended with ${status}: ${stderr.toString()}`);
  return stdout;
};
const secret = Buffer.alloc(148, 7);
const message = run([vault, "share", "--quiet", "--to", publicFile], secret);

/* A repository with one protected file, and the program as its filter. */
const repository = join(folder, "repository");
mkdirSync(join(repository, "secrets"), { recursive: true });
const git = (...args) => {
  const who = ["-c", "user.name=me", "-c", "user.email=me@example.com"];
  const { status, stderr } = spawnSync("git", [...who, ...args], { cwd: repository, env });
  if (status !== 0) throw new Error(`git ${args.join(" ")} ended with ${status}: ${stderr.toString()}`);
};
let turn = 0;
const change = () => appendFileSync(join(repository, "secrets/token"), "more\n");
/** As if it was changed: git asks the filter whether it was. */
const touch = () => {
  turn += 1;
  utimesSync(join(repository, "secrets/token"), 1e9 + turn, 1e9 + turn);
};
git("init", "--quiet");
const { status: begun } = spawnSync(process.execPath, [vault, "init", "--quiet", "secrets/**"], {
  cwd: repository,
  env,
});
if (begun !== 0) throw new Error(`vault init ended with ${begun}`);
writeFileSync(join(repository, "secrets/token"), "one\n");
git("add", "--all");
git("commit", "--quiet", "--message", "Begin");

/** Node 20 has no cache of compiled code of its own. */
const isOldNode = Number(process.versions.node.split(".")[0]) < 22;
const commands = {
  "node -e 0": () => run(["-e", "0"]),
  "an empty ESM file": () => run([join(folder, "empty.mjs")]),
  "an ESM file that imports node:crypto": () => run([join(folder, "crypto.mjs")]),
  "an empty CommonJS file": () => run([join(folder, "empty.cjs")]),
  "… that requires node:crypto": () => run([join(folder, "crypto.cjs")]),
  "… and loads the code of view and share": () => run([join(folder, "work.cjs")]),
  "vault --help": () => run([vault, "--help"]),
  "vault view, an Ed25519 message": () => run([vault, "view"], message),
  "vault share, to a key file": () => run([vault, "share", "--to", publicFile], secret),
  "git add, one protected file": () => {
    change();
    git("add", "secrets");
  },
  "git status, one protected file": () => {
    touch();
    git("status");
  },
  "git checkout, one protected file": () => {
    rmSync(join(repository, "secrets/token"));
    git("checkout", "secrets");
  },
};
/** Of the work named in bench/README.md, as ratios. */
const BUDGET = { "vault view": isOldNode ? 1.8 : 1.6, "vault share": isOldNode ? 1.8 : 1.6, git: 1.7 };
const budgetOf = (name) => Object.entries(BUDGET).find(([start]) => name.startsWith(start))?.[1];
const medians = medianOfTurns(commands, ROUNDS);
const base = medians["node -e 0"];
report(
  `medians of ${ROUNDS} turns`,
  Object.entries(medians).map(([name, ms]) => ({
    name,
    ms,
    ratio: ms / base,
    to: "node -e 0",
    atMost: budgetOf(name),
  })),
);

/** The wire encoding of an Ed25519 public key (RFC 8709). */
function publicBlob(key) {
  return Buffer.concat([field(Buffer.from("ssh-ed25519")), field(key)]);
}

/** An unencrypted key file as ssh-keygen writes it (OpenSSH's PROTOCOL.key). */
function openSshPrivateKey(secretSeed, key) {
  const check = Buffer.from([1, 2, 3, 4]);
  const inner = Buffer.concat([
    check,
    check,
    publicBlob(key),
    field(Buffer.concat([secretSeed, key])),
    field(Buffer.from("me")),
  ]);
  const padding = Buffer.from(Array.from({ length: (8 - (inner.length % 8)) % 8 }, (__, at) => at + 1));
  const none = field(Buffer.from("none"));
  const body = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    none,
    none,
    field(Buffer.alloc(0)),
    Buffer.from([0, 0, 0, 1]),
    field(publicBlob(key)),
    field(Buffer.concat([inner, padding])),
  ]);
  const lines = body
    .toString("base64")
    .match(/.{1,70}/g)
    .join("\n");
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

function field(bytes) {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
