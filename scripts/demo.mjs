// `npm run demo`: the whole story on a throwaway repository, with a stand-in where GitHub would be.
// Each command is printed before it runs, followed by what it printed. Nothing outside a temporary
// folder is touched.
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { generateKeyPairSync } from "node:crypto";
import { environmentOf, sshPublicLine } from "./people.mjs";
import { prepare, root } from "./prepare.mjs";

if (process.env.DEMO_NO_PREPARE !== "1") prepare();
const { startGitHub } = await import(`${root}/packages/testkit/dist/github/index.js`);

const folder = mkdtempSync(join(realpathSync(tmpdir()), "git-vault-demo-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
for (const name of ["bin", "sender", "receiver"]) mkdirSync(join(folder, name));
symlinkSync(join(root, "apps/vault/dist/main.cjs"), join(folder, "bin/vault"));

// choldgraf's key pair, and the account that publishes its public half.
const { publicKey, privateKey } = generateKeyPairSync("ed25519");
mkdirSync(join(folder, "receiver/.ssh"), { mode: 0o700 });
writeFileSync(join(folder, "receiver/.ssh/id_ed25519"), privateKey.export({ type: "pkcs8", format: "pem" }), {
  mode: 0o600,
});
const github = await startGitHub();
github.users.set("choldgraf", { keys: [sshPublicLine(publicKey)] });

const hasGitCrypt = spawnSync("git-crypt", ["--version"], { stdio: "ignore" }).status === 0;
const SECRET = "cookieSecret: the-ferry-leaves-at-dawn\n";

chapter("A sender has a repository whose secrets are encrypted as git-crypt does it");
const repository = join(folder, "sender/binder");
await shell(
  "sender",
  "git init --quiet binder && cd binder && mkdir secrets && echo 'secrets/** filter=git-crypt diff=git-crypt' > .gitattributes",
);
await shell("sender/binder", hasGitCrypt ? "git-crypt init" : "vault init");
writeFileSync(join(repository, "secrets/prod.yaml"), SECRET);
await shell(
  "sender/binder",
  "git add . && git commit --quiet -m 'Deploy the binder' && git cat-file blob HEAD:secrets/prod.yaml | head -c 9 | tr '\\0' '.'; echo '… is what git stores'",
);

chapter("The sender seals the key to choldgraf's SSH keys on GitHub");
await shell("sender/binder", "vault keys choldgraf");
await shell("sender/binder", "vault share --to choldgraf > ../message.txt");

chapter("The message is text, and travels over any chat");
await shell("sender", "cat message.txt");
await shell("receiver", "git clone --quiet ../sender/binder && cp ../sender/message.txt .");

chapter("choldgraf opens it with the private key that was always there, and unlocks the clone, in one step");
await shell("receiver/binder", "vault unlock ../message.txt");
await shell("receiver/binder", "cat secrets/prod.yaml");
await shell("receiver/binder", "vault status");
if (hasGitCrypt) {
  say("\n(git-crypt is installed here, too: each unlocks what the other locked)");
  await shell("receiver/binder", "vault lock && cat ../message.txt | vault view | git-crypt unlock -");
}
const arrived = readFileSync(join(folder, "receiver/binder/secrets/prod.yaml"), "utf8") === SECRET;
await github.close();
console.log(
  arrived
    ? "\nDone: the secret is readable in the clone, and never travelled in the clear."
    : "\nThe secret did not arrive.",
);
process.exitCode = arrived ? 0 : 1;

function chapter(title) {
  console.log(`\n## ${title}\n`);
}

function say(text) {
  console.log(text);
}

/** Runs a shell line in `where`, whose first part is the person: their home folder. */
async function shell(where, line) {
  const [person] = where.split("/");
  console.log(`${person}$ ${line}`);
  const env = {
    ...process.env,
    ...environmentOf(person, folder, github),
    PATH: [join(folder, "bin"), process.env.PATH].join(delimiter),
    GH_TOKEN: "",
    GITHUB_TOKEN: "",
    XDG_CACHE_HOME: join(folder, person, ".cache"),
    XDG_CONFIG_HOME: join(folder, person, ".config"),
  };
  const child = spawn("sh", ["-c", line], { cwd: join(folder, where), env, stdio: ["ignore", "inherit", "inherit"] });
  const status = await new Promise((resolve) => child.on("close", resolve));
  if (status !== 0) {
    console.error(`that ended with ${status}`);
    process.exit(1);
  }
}
