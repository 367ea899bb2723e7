// Takes the pictures of terminals that the pages show, from real runs of the built program: node
// docs/scripts/pictures.mjs [FOLDER] writes them to FOLDER, docs/pictures where it is left out.
// What is random or new each time is fixed or left out, so that test/pictures.test.ts can tell
// whether they are still what the program prints.
import { createPrivateKey, createPublicKey } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { environmentOf, sshPublicLine } from "../../scripts/people.mjs";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const { openTerminal, screenPicture } = await import(`${root}/packages/testkit/dist/terminal/index.js`);
const { startGitHub } = await import(`${root}/packages/testkit/dist/github/index.js`);

/** The width of a picture that a page shows without making it smaller, in columns. */
const COLUMNS = 104;
const target = resolve(process.argv[2] ?? join(root, "docs/pictures"));
const folder = mkdtempSync(join(realpathSync(tmpdir()), "git-vault-pictures-"));
const github = await startGitHub();
try {
  prepare();
  await takePictures();
} finally {
  await github.close();
  rmSync(folder, { recursive: true, force: true });
}

/** The homes of Alice and of Chris, who is choldgraf on GitHub; and the program on their PATH. */
function prepare() {
  for (const name of ["bin", "alice", "chris/.ssh"]) mkdirSync(join(folder, name), { recursive: true, mode: 0o700 });
  symlinkSync(join(root, "apps/vault/dist/main.cjs"), join(folder, "bin/vault"));
  // An Ed25519 key of a fixed seed, in PKCS #8 (RFC 8410).
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.alloc(32, 7)]);
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  writeFileSync(join(folder, "chris/.ssh/id_ed25519"), key.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
  github.users.set("choldgraf", { keys: [sshPublicLine(createPublicKey(key))] });
}

async function takePictures() {
  await run("alice", [
    "git init --quiet hub",
    "cd hub",
    "vault init --quiet --no-input 'secrets/**'",
    "mkdir secrets",
    "echo 'cookieSecret: the-ferry-leaves-at-dawn' > secrets/prod.yaml",
    "git add .",
    "git commit --quiet --message 'Deploy the hub'",
  ]);
  await picture("share", "alice/hub", "A key is sealed to the SSH keys of a user of GitHub", [
    { line: "vault share --to choldgraf -o ../message.txt", answers: ["y"] },
  ]);
  await run("chris", ["git clone --quiet ../alice/hub", "cp ../alice/message.txt ."]);
  await picture("unlock", "chris/hub", "The message is opened, and the clone unlocked", [
    { line: "vault unlock ../message.txt" },
    { line: "cat secrets/prod.yaml" },
  ]);
  await run("alice/hub", [
    "git -c filter.git-crypt.process= -c filter.git-crypt.clean=cat -c filter.git-crypt.required=false add --renormalize secrets",
    "echo 'token: early' > secrets/staging.yaml",
    "git commit --quiet --message 'Another tool wrote this'",
  ]);
  await picture("status", "alice/hub", "What is at risk in a repository, and what to do", [{ line: "vault status" }]);
  const example = join(folder, "alice/deploy");
  cpSync(join(root, "docs/example/repository"), example, { recursive: true });
  writeFileSync(
    join(example, "config/prod.yaml"),
    "binderhub:\n  replica: 3\nproxy:\n  secretToken: 8f3c6a1b9d27e540c1a7f2\n",
  );
  await run("alice/deploy", [
    "git init --quiet",
    "vault init --quiet --no-input 'secrets/**'",
    "git add .",
    "git commit --quiet --message 'The example'",
  ]);
  await picture("check", "alice/deploy", "What is wrong with a deployment, before it is deployed", [
    { line: "vault deploy check --quiet" },
  ]);
}

function terminal(where, line) {
  const [person] = where.split("/");
  const env = {
    ...environmentOf(person, folder, github),
    PATH: [join(folder, "bin"), dirname(process.execPath), process.env.PATH].join(delimiter),
    LANG: "C.UTF-8",
    TERM: "xterm-256color",
    // What charts render is the same with every Helm, and without one.
    HELM: join(folder, "no-helm"),
  };
  const options = { cwd: join(folder, where), env, cols: COLUMNS, rows: 200, deadline: 60_000 };
  return openTerminal("sh", ["-c", line], options);
}

/** Runs lines that no picture shows. */
async function run(where, lines) {
  const shell = terminal(where, lines.join(" && "));
  const { status } = await shell.ended;
  if (status !== 0) throw new Error(`${lines.join(" && ")} ended with ${status}:\n${shell.screen}`);
}

/** Runs lines, and writes what the terminal shows of them. */
async function picture(name, where, title, lines) {
  let raw = "";
  for (const { line, answers = [] } of lines) {
    const shell = terminal(where, line);
    for (const answer of answers) {
      await shell.waitFor(/\(y\/N\):/);
      shell.type(`${answer}\r`);
    }
    await shell.ended;
    raw += `\u001b[1m$ ${line}\u001b[0m\r\n${shell.raw}\r\n`;
  }
  mkdirSync(target, { recursive: true });
  writeFileSync(join(target, `${name}.svg`), await screenPicture(raw, { cols: COLUMNS, title }));
}
