import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  makeSshKey,
  run,
  runOk,
  temporaryFolder,
  throwawayRepository,
  type RunResult,
  type TemporaryFolder,
} from "@git-vault/testkit";
import { startGitHub } from "@git-vault/testkit/github";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

/* The command as it is published: packed, and installed into an empty folder. */
let folder: TemporaryFolder;
let installed: string;
let tarball: string;

beforeAll(async () => {
  folder = temporaryFolder();
  const app = join(import.meta.dirname, "..");
  await runOk("pnpm", ["pack", "--pack-destination", folder.path], { cwd: app });
  tarball = join(folder.path, readdirSync(folder.path).find((name) => name.endsWith(".tgz")) ?? "");
  // Nothing may be fetched, and npm's own cache stays out of it.
  installed = join(folder.path, "prefix");
  await runOk("npm", ["install", "--silent", "--global", "--offline", "--prefix", installed, tarball], {
    env: { ...process.env, npm_config_cache: join(folder.path, "cache") },
  });
});

afterAll(() => folder.remove());

describe("the packed command", () => {
  test("does the whole flow, with nothing else installed", async () => {
    const home = join(folder.path, "home");
    mkdirSync(join(home, ".ssh"), { recursive: true });
    const { publicKey } = await makeSshKey({ type: "ed25519", folder: join(home, ".ssh"), passphrase: "open sesame" });
    await using github = await startGitHub();
    github.users.set("choldgraf", { keys: [publicKey.trim()] });
    const env = {
      HOME: home,
      PATH: process.env["PATH"],
      GITHUB_API_URL: github.url,
      SSH_VAULT_PASSPHRASE: "open sesame",
    };
    const vault = join(installed, "bin/vault");
    const secret = Buffer.from(Array.from({ length: 256 }, (_, at) => at));
    const message = await runOk(vault, ["share", "--to", "choldgraf"], { env, input: secret });
    expect(await runOk(join(installed, "bin/git-vault"), ["view"], { env, input: message })).toEqual(secret);
    expect((await run(vault, ["--version"], { env })).stdout.toString()).toMatch(/^vault \d/);
  });

  test("run by npx, is not what git is told to run", async () => {
    using repository = await throwawayRepository();
    const words = ["exec", "--yes", "--offline", `--package=${tarball}`, "--", "git-vault", "init", "secrets/**"];
    const npx = (path: string): Promise<RunResult> =>
      run("npm", words, {
        cwd: repository.path,
        env: { ...repository.env, PATH: path, npm_config_cache: join(folder.path, "npx") },
      });
    const path = repository.env["PATH"] ?? "";
    const folders = path.split(":").filter((place) => !existsSync(join(place, "git-vault")));
    const refused = await npx(folders.join(":"));
    expect(refused).toMatchObject({ status: 1 });
    expect(refused.stderr).toContain("first install it: `npm install --global git-vault`");
    const accepted = await npx([join(installed, "bin"), ...folders].join(":"));
    expect({ status: accepted.status, stderr: accepted.stderr }).toMatchObject({ status: 0 });
    expect(accepted.stderr).toContain(`so git will run ${installed}/bin/git-vault\n`);
    expect(readFileSync(join(repository.path, ".git/config"), "utf8")).not.toContain("_npx");
  });

  test("holds what it needs and nothing that it does not", () => {
    const root = join(installed, "lib/node_modules/git-vault");
    const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { dependencies?: object };
    expect(manifest.dependencies).toBeUndefined();
    expect(existsSync(join(root, "node_modules"))).toBe(false);
    expect(readdirSync(root).toSorted()).toEqual(
      ["LICENSE", "README.md", "THIRD-PARTY-NOTICES.txt", "dist", "man", "package.json", "schemas"].toSorted(),
    );
    expect(readdirSync(join(root, "dist")).filter((name) => !name.endsWith(".cjs"))).toEqual(["seal.html"]);
    const notices = readFileSync(join(root, "THIRD-PARTY-NOTICES.txt"), "utf8");
    for (const name of [
      "@octokit/rest",
      "clipboardy",
      "inquirer",
      "sshpk",
      "tweetnacl",
      "undici",
      "bcrypt-pbkdf",
      "@noble/curves",
    ]) {
      expect(notices).toMatch(new RegExp(`^${name} \\d`, "m"));
    }
    expect(readFileSync(join(root, "man/vault.1"), "utf8")).toMatch(/^\.TH VAULT 1/);
  });
});
