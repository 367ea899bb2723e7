import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import {
  makeSshKey,
  peer,
  run,
  startGnuPg,
  throwawayRepository,
  type GnuPg,
  type Repository,
  type RunResult,
} from "@git-vault/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { VAULT } from "./program.ts";

/*
 * What the programs get that vault starts: each is one of a folder at the front of PATH, which
 * writes its environment down and becomes the real one.
 */

const SECRETS = {
  GIT_CRYPT_KEY: "canary-key-1",
  GIT_VAULT_IDENTITY: "canary-identity-2",
  SSH_VAULT_PASSPHRASE: "canary-passphrase-3",
  GH_TOKEN: "canary-token-4",
  GITHUB_TOKEN: "canary-token-5",
  GH_ENTERPRISE_TOKEN: "canary-token-6",
  GITHUB_ENTERPRISE_TOKEN: "canary-token-7",
};

const gpgPeer = peer("gpg");
let repository: Repository;
let gnupg: GnuPg;
let stand: string;
let seen: string;
let env: NodeJS.ProcessEnv;

/** A program of PATH that notes its environment, and goes on as another. */
function standIn(name: string, as: string): void {
  const script = `#!/bin/sh\n{ echo "words: $*"; env; } > "${seen}/${name}.$$"\n${as}\n`;
  writeFileSync(join(stand, name), script, { mode: 0o755 });
}

beforeAll(async () => {
  repository = await throwawayRepository();
  gnupg = startGnuPg();
  [stand, seen] = [join(repository.folder, "programs"), join(repository.folder, "seen")];
  const home = join(repository.folder, "home");
  for (const folder of [stand, seen, join(home, ".ssh")]) mkdirSync(folder, { recursive: true });
  await makeSshKey({ type: "ed25519", folder: join(home, ".ssh") });
  for (const name of ["git", "gpg", "ssh-keygen"]) standIn(name, `exec "${peer(name).path}" "$@"`);
  standIn("editor", 'echo edited > "$1"');
  standIn("xsel", 'case "$*" in *input*) cat > /dev/null;; *) printf text;; esac');
  standIn("helm", "exit 1");
  env = {
    ...repository.env,
    ...gnupg.env,
    HOME: home,
    PATH: [stand, process.env["PATH"]].join(delimiter),
    EDITOR: "editor",
    // A Wayland session would be asked by other programs.
    DISPLAY: ":31998",
    XDG_CONFIG_HOME: join(home, ".config"),
  };
});
afterAll(async () => {
  repository[Symbol.dispose]();
  await gnupg[Symbol.asyncDispose]();
});

/** Runs the built command with some of the secrets set; gives also what its programs saw. */
async function vault(
  args: string[],
  secrets: Partial<typeof SECRETS> = SECRETS,
  options: { readonly input?: string; readonly cwd?: string } = {},
): Promise<RunResult & { programs: string[]; said: string }> {
  rmSync(seen, { recursive: true });
  mkdirSync(seen);
  const result = await run(process.execPath, [VAULT, ...args], {
    cwd: options.cwd ?? repository.path,
    env: { ...env, ...secrets },
    ...(options.input === undefined ? {} : { input: options.input }),
  });
  const files = readdirSync(seen);
  const said = files.map((file) => readFileSync(join(seen, file), "utf8")).join("\n");
  return { ...result, said, programs: [...new Set(files.map((file) => file.replace(/\.\d+$/, "")))].toSorted() };
}

/** A file in ssh-vault's format, to edit. */
async function makeSealed(): Promise<string> {
  const sealed = join(repository.folder, "sealed");
  rmSync(sealed, { force: true });
  const key = join(env["HOME"] ?? "", ".ssh/id_ed25519.pub");
  const created = await vault(["create", "-k", key, sealed], {}, { input: "secret" });
  expect(created).toMatchObject({ status: 0 });
  return sealed;
}

describe("a program that vault starts sees no secret of the environment", () => {
  test("git, and its hooks", async () => {
    const { path } = repository;
    const tokens = { ...SECRETS, GIT_CRYPT_KEY: "", GIT_VAULT_IDENTITY: "" };
    const made = await vault(["init", "secrets/**"], tokens);
    // gpg is asked whether the new key is sealed to a key of its own.
    expect(made).toMatchObject({ status: 0, programs: ["git", "gpg"] });
    expect(made.said).not.toMatch(/canary/);

    repository.write("secrets/a", "secret\n");
    await repository.commit("a");
    const key = readFileSync(join(path, ".git/git-crypt/keys/default")).toString("base64");
    const hook = join(path, ".git/hooks/reference-transaction");
    writeFileSync(hook, `#!/bin/sh\nenv > "${seen}/hook.$$"\n`, { mode: 0o755 });
    const ran = new Set<string>();
    for (const args of [
      ["lock", "--force"],
      ["status"],
      ["unlock"],
      ["rotate", "--yes"],
      ["status", "--fix"],
      ["doctor"],
    ]) {
      const its = await vault(args, { ...SECRETS, GIT_CRYPT_KEY: key, GIT_VAULT_IDENTITY: "" });
      for (const name of its.programs) ran.add(name);
      expect(its.said).not.toMatch(new RegExp(`canary|${key.slice(0, 20)}`));
    }
    expect([...ran]).toEqual(expect.arrayContaining(["git", "hook"]));
    rmSync(hook);
  });

  test("but for a git that fetches, which gets the tokens of forges, and nothing else", async () => {
    const clone = join(repository.folder, "partial");
    for (const setting of ["uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"])
      await repository.git("config", setting, "true");
    await repository.git("clone", "--quiet", "--no-checkout", "--filter=blob:none", `file://${repository.path}`, clone);
    const key = readFileSync(join(repository.path, ".git/git-crypt/keys/default")).toString("base64");
    const its = await vault(["decrypt", "HEAD:secrets/a"], { ...SECRETS, GIT_CRYPT_KEY: key }, { cwd: clone });
    expect(its.stdout.toString()).toBe("secret\n");
    expect(its.said).not.toMatch(new RegExp(`canary-(?:key|identity|passphrase)|${key.slice(0, 20)}`));
    const runs = its.said.split(/^words: /m).slice(1);
    const withTokens = runs.filter((one) => one.includes("canary-token"));
    expect(withTokens).not.toEqual([]);
    for (const one of withTokens) expect(one.split("\n", 1)[0]).toMatch(/ fetch /);
  });

  test.skipIf(gpgPeer.missing)(`${gpgPeer.label}, which opens a message`, async () => {
    const fingerprint = await gnupg.generate({ userId: "me <me@example.org>" });
    const publicKey = join(repository.folder, "me.asc");
    writeFileSync(publicKey, await gnupg.exportPublic(fingerprint));
    const sealed = await vault(["share", "--to", publicKey, "--format", "openpgp"], SECRETS, { input: "secret" });
    expect(sealed).toMatchObject({ status: 0 });
    const opened = await vault(["view"], { ...SECRETS, GIT_VAULT_IDENTITY: "" }, { input: sealed.stdout.toString() });
    expect(opened.stdout.toString()).toBe("secret");
    expect(opened.programs).toContain("gpg");
    expect(opened.said).not.toMatch(/canary/);
  });

  test("the editor, the clipboard's program, Helm", async () => {
    const sealed = await makeSealed();
    const edited = await vault(["edit", sealed], { ...SECRETS, GIT_VAULT_IDENTITY: "" });
    expect(edited.programs).toContain("editor");
    expect(edited.said).not.toMatch(/canary/);

    const shared = await vault(["share", "-c", "--to", join(env["HOME"] ?? "", ".ssh/id_ed25519.pub")], SECRETS, {
      input: "secret",
    });
    expect(shared).toMatchObject({ status: 0 });
    expect(shared.programs).toContain("xsel");
    expect(shared.said).not.toMatch(/canary/);

    repository.write(
      "deploy.yaml",
      JSON.stringify({ chart: "chart", environments: { prod: { layers: ["prod.yaml"] } } }),
    );
    repository.write("prod.yaml", "a: 1\n");
    repository.write("chart/Chart.yaml", "apiVersion: v2\nname: chart\nversion: 1.0.0\n");
    await repository.commit("chart");
    const checked = await vault(["deploy", "check"], { ...SECRETS, GIT_CRYPT_KEY: "", GIT_VAULT_IDENTITY: "" });
    expect(checked.programs).toContain("helm");
    expect(checked.said).not.toMatch(/canary/);
  });
});

describe("a program is never one of the current folder", () => {
  test.each([".", "", "bin"])("where PATH has the folder %j", async (folder) => {
    const trap = join(repository.path, folder);
    mkdirSync(trap, { recursive: true });
    const sprung = join(repository.folder, "sprung");
    const names = ["git", "editor", "gpg", "sh", "xsel", "env"];
    for (const name of names)
      writeFileSync(join(trap, name), `#!/bin/sh\necho ${name} >> "${sprung}"\n`, { mode: 0o755 });
    const path = [folder, stand, process.env["PATH"]].join(delimiter);
    for (const args of [["status"], ["doctor"], ["edit", await makeSealed()]]) {
      await run(process.execPath, [VAULT, ...args], { cwd: repository.path, env: { ...env, PATH: path } });
    }
    expect(existsSync(sprung) ? readFileSync(sprung, "utf8") : "").toBe("");
    for (const name of names) rmSync(join(trap, name));
  });

  test("nor one that is no file, or not executable", async () => {
    const odd = join(repository.folder, "odd");
    mkdirSync(join(odd, "git"), { recursive: true });
    const found = await run(process.execPath, [VAULT, "status"], {
      cwd: repository.path,
      env: { ...env, PATH: [odd, process.env["PATH"]].join(delimiter) },
    });
    expect(found.stderr).not.toMatch(/not installed/);
    chmodSync(odd, 0o700);
    const none = await run(process.execPath, [VAULT, "status"], { cwd: repository.path, env: { ...env, PATH: odd } });
    expect(none).toMatchObject({ status: 1 });
    expect(none.stderr).toMatch(/git is not installed/);
  });
});
