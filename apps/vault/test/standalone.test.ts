import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  deployWorld,
  makeSshKey,
  peer,
  run,
  runOk,
  temporaryFolder,
  throwawayRepository,
  type RunResult,
  type TemporaryFolder,
} from "@git-vault/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";

/* The program that holds Node: nothing else of Node's or ours is on the PATH when it runs. */
const node = peer("node26");
const helm = peer("helm4");
const MIB = 1024 * 1024;

let folder: TemporaryFolder;
let bin: string;

beforeAll(async () => {
  if (node.missing) return;
  folder = temporaryFolder();
  bin = join(folder.path, "bin");
  const script = fileURLToPath(new URL("../../../scripts/release/standalone.mjs", import.meta.url));
  await runOk(process.execPath, [script, `${process.platform}-${process.arch}`, join(bin, "vault"), node.path]);
});
afterAll(() => folder?.remove());

describe.skipIf(node.missing)(`the standalone program, with ${node.label}`, () => {
  const environment = (): Record<string, string> => ({
    PATH: `${bin}:/usr/bin:/bin`,
    HOME: join(folder.path, "home"),
    // What the user's other programs of Node are told changes nothing.
    NODE_OPTIONS: "--require=/nowhere.cjs",
  });
  const vault = (args: string[], cwd = folder.path, env: NodeJS.ProcessEnv = {}): Promise<RunResult> =>
    run("vault", args, { cwd, env: { ...environment(), ...env } });

  test("is git's filter and hook, and is found again by its whole path", async () => {
    using repository = await throwawayRepository();
    const env = { ...repository.env, PATH: `${bin}:/usr/bin:/bin` };
    const git = (...args: string[]): Promise<Buffer> => runOk("git", args, { cwd: repository.path, env });
    await runOk("vault", ["init", "secrets/**"], { cwd: repository.path, env });
    await runOk("vault", ["hooks", "install"], { cwd: repository.path, env });
    repository.write("secrets/token", "one\n");
    await git("add", "--all");
    await git("commit", "--quiet", "--message", "Begin");
    expect((await git("cat-file", "blob", "HEAD:secrets/token")).subarray(1, 9).toString()).toBe("GITCRYPT");
    const filter = (await git("config", "filter.git-crypt.process")).toString();
    expect(filter).toContain(`if [ -x ${bin}/vault ]; then exec ${bin}/vault "$@"; elif`);
    expect(filter).not.toContain("node");
    expect(readFileSync(join(repository.path, ".git/hooks/pre-commit"), "utf8")).toContain(`${bin}/vault`);
    await git("rm", "--quiet", "--cached", "secrets/token");
    await git("checkout", "HEAD", "--", "secrets");
    expect(readFileSync(join(repository.path, "secrets/token"), "utf8")).toBe("one\n");
  });

  test("seals and opens a large message in its threads", async () => {
    mkdirSync(join(folder.path, "home/.ssh"), { recursive: true });
    await makeSshKey({ type: "ed25519", folder: join(folder.path, "home/.ssh") });
    const plain = join(folder.path, "plain");
    writeFileSync(plain, "");
    truncateSync(plain, 20 * MIB);
    const key = join(folder.path, "home/.ssh/id_ed25519.pub");
    const sealed = await vault(["share", "-q", "--binary", "--to", key, "-o", "sealed", "plain"]);
    expect(sealed).toMatchObject({ status: 0, stderr: "" });
    expect(await vault(["view", "-q", "-o", "opened", "sealed"])).toMatchObject({ status: 0, stderr: "" });
    await runOk("cmp", [join(folder.path, "opened"), plain]);
  });

  test("has help, completions, and words for what is wrong", async () => {
    const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
      version: string;
    };
    expect((await vault(["--version"])).stdout.toString()).toBe(`vault ${version}\n`);
    expect((await vault(["completion", "bash"])).stdout.toString()).toContain(
      "complete -o default -F _vault vault git-vault",
    );
    expect((await vault(["help", "share"])).stdout.toString()).toContain("vault share");
    expect(await vault(["/nowhere"])).toMatchObject({ status: 2 });
    // It runs scripts of Node's that it wrote itself, by their whole path.
    const script = join(folder.path, "script.cjs");
    writeFileSync(script, 'process.stdout.write(`${require("node:path").sep} ${process.argv.slice(2)} ${__dirname}`);');
    expect((await vault([script, "a", "b"])).stdout.toString()).toBe(`/ a,b ${folder.path}`);
  });

  describe("in CI, from a release that a server has", () => {
    const NAME = `git-vault-1.2.3-${process.platform}-${process.arch}`;
    const SECRET = "the ferry leaves at dawn";
    let archive: string;
    let digest: string;
    /** What the repository's owner made: the repository, its key, and an identity for CI. */
    let origin: string;
    let key: string;
    let identity: string;
    let root: string;

    beforeAll(async () => {
      mkdirSync(join(folder.path, NAME, "bin"), { recursive: true });
      linkSync(join(bin, "vault"), join(folder.path, NAME, "bin/vault"));
      symlinkSync("vault", join(folder.path, NAME, "bin/git-vault"));
      archive = join(folder.path, `${NAME}.tar.gz`);
      await runOk("tar", ["--use-compress-program", "gzip -1", "-cf", archive, NAME], { cwd: folder.path });
      digest = createHash("sha256").update(readFileSync(archive)).digest("hex");
      origin = join(folder.path, "origin");
      const owner = join(folder.path, "owner");
      mkdirSync(join(owner, ".ssh"), { recursive: true });
      const { publicKeyPath } = await makeSshKey({ type: "ed25519", folder: join(owner, ".ssh") });
      const env = { ...environment(), HOME: owner, GIT_CONFIG_NOSYSTEM: "1" };
      const sh = async (script: string): Promise<string> => {
        const { status, stdout, stderr } = await run("sh", ["-ec", script], { cwd: folder.path, env });
        expect({ status, stderr: status === 0 ? "" : stderr }).toEqual({ status: 0, stderr: "" });
        return stdout.toString();
      };
      await sh(`
        git config --global user.name owner; git config --global user.email owner@example.org
        git init -q origin; cd origin
        vault init -q --sign-key '${publicKeyPath}' 'secrets/**'
        mkdir secrets; echo '${SECRET}' >secrets/prod.yaml
        git add .; git commit -qm Begin`);
      const granted = await sh("cd origin; vault grant --yes --ci=runner");
      identity = /AGE-SECRET-KEY-\S+/.exec(granted)?.[0] ?? "";
      root = /SHA256:\S+/.exec(granted)?.[0] ?? "";
      key = (await sh("cd origin; vault export-key | base64 -w0")).trim();
    });

    /** The files below the runner's folders in which the key, the identity or the secret is. */
    async function leaks(runner: string): Promise<string[]> {
      // The key's own bytes: behind the header and the lengths of its file's fields.
      const bytes = Buffer.from(key, "base64");
      const needles = [SECRET, key.slice(0, 64), identity, bytes.subarray(32, 56)].map((each) => Buffer.from(each));
      const paths = (await runOk("find", [runner, "-type", "f", "-print0"])).toString().split("\0").slice(0, -1);
      return paths.filter((path) => {
        const content = readFileSync(path);
        return needles.some((needle) => content.includes(needle));
      });
    }

    /** A machine that is used again for each job. */
    async function reusedRunner(name: string): Promise<{ runner: string; clone: string; home: string }> {
      const runner = join(folder.path, name);
      const [home, clone] = [join(runner, "home"), join(runner, "work")];
      mkdirSync(home, { recursive: true });
      mkdirSync(join(runner, "temp"));
      await runOk("git", ["clone", "--quiet", origin, clone], { env: { ...environment(), HOME: home } });
      return { runner, clone, home };
    }

    test.each(["key", "identity"])(
      "the action unlocks by its input %s, and leaves neither key nor plaintext",
      async (by) => {
        const { runner, clone, home } = await reusedRunner(`runner-${by}`);
        const server = createServer((_, response) => response.end(readFileSync(archive)));
        await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
        const address = server.address();
        if (address === null || typeof address === "string") throw new Error("there is no port");
        const files = Object.fromEntries(
          ["PATH", "STATE", "ENV", "OUTPUT"].map((each) => [`GITHUB_${each}`, join(runner, each)]),
        );
        for (const file of Object.values(files)) writeFileSync(file, "");
        const variables = {
          PATH: "/usr/bin:/bin",
          HOME: home,
          RUNNER_TEMP: join(runner, "temp"),
          GITHUB_WORKSPACE: clone,
          GIT_VAULT_RELEASES: `http://127.0.0.1:${address.port}`,
          ...files,
          INPUT_VERSION: "1.2.3",
          INPUT_SHA256: digest,
          INPUT_DIRECTORY: ".",
          ...(by === "key" ? { INPUT_KEY: key } : { INPUT_IDENTITY: identity, INPUT_ROOT: root }),
        };
        const step = (name: string, env: NodeJS.ProcessEnv = {}): Promise<RunResult> => {
          const script = fileURLToPath(new URL(`../../../packaging/action/${name}.mjs`, import.meta.url));
          return run(process.execPath, [script], { cwd: clone, env: { ...variables, ...env } });
        };
        const main = await step("main");
        server.close();
        expect({ status: main.status, said: main.status === 0 ? "" : main.stdout.toString() + main.stderr }).toEqual({
          status: 0,
          said: "",
        });
        expect(readFileSync(join(clone, "secrets/prod.yaml"), "utf8")).toBe(`${SECRET}\n`);
        // The steps between find the program, change what is plain, and check out once more.
        const [path = ""] = readFileSync(files["GITHUB_PATH"] ?? "", "utf8").split("\n");
        const script = `
        vault --version; echo '${SECRET} too' >>secrets/prod.yaml
        git worktree add -q ../second; cat ../second/secrets/prod.yaml`;
        const steps = await run("sh", ["-ec", script], {
          cwd: clone,
          env: { ...variables, PATH: `${path}:/usr/bin:/bin` },
        });
        expect({ status: steps.status, stderr: steps.stderr }).toEqual({ status: 0, stderr: "" });
        expect(steps.stdout.toString()).toContain(SECRET);

        const lines = readFileSync(files["GITHUB_STATE"] ?? "", "utf8")
          .trim()
          .split("\n");
        const state = Object.fromEntries(
          lines.map((line) => line.split("=")).map(([name, value]) => [`STATE_${name}`, value]),
        );
        const post = await step("post", state);
        expect({ status: post.status, said: post.status === 0 ? "" : post.stdout.toString() + post.stderr }).toEqual({
          status: 0,
          said: "",
        });
        expect(await leaks(runner)).toEqual([]);
        expect(existsSync(path)).toBe(false);
      },
    );

    test("the component of GitLab does the same, and leaves other jobs of the machine alone", async () => {
      const { runner, clone, home } = await reusedRunner("runner-gitlab");
      const file = fileURLToPath(new URL("../../../packaging/gitlab/git-vault.yml", import.meta.url));
      const inputs: Record<string, string> = { version: "1.2.3", sha256: digest, unlock: "true" };
      const text = readFileSync(file, "utf8").replaceAll(
        /\$\[\[ inputs\.(\w+) \]\]/g,
        (_, name: string) => inputs[name] ?? "",
      );
      const job = parseAllDocuments(text).at(1)?.toJS() as { ".git-vault": Record<string, string[]> };
      // In place of the network.
      const curl = `#!/bin/sh\nwhile [ "$1" != --output ]; do shift; done; cp '${archive}' "$2"\n`;
      mkdirSync(join(runner, "bin"));
      writeFileSync(join(runner, "bin/curl"), curl, { mode: 0o755 });
      const other = join(runner, "other");
      await runOk("git", ["clone", "--quiet", origin, other], { env: { ...environment(), HOME: home } });
      const section = async (name: string, id: string, cwd: string): Promise<void> => {
        const script = job[".git-vault"]?.[name]?.join("\n") ?? "";
        const variables = { TMPDIR: join(runner, "temp"), GIT_VAULT_IDENTITY: identity, GIT_VAULT_ROOT: root };
        const env = { PATH: `${runner}/bin:/usr/bin:/bin`, HOME: home, CI_JOB_ID: id, ...variables };
        const { status, stderr } = await run("sh", ["-ec", script], { cwd, env });
        expect({ status, stderr: status === 0 ? "" : stderr }).toEqual({ status: 0, stderr: "" });
      };
      await section("before_script", "7", clone);
      await section("before_script", "8", other);
      expect(readFileSync(join(clone, "secrets/prod.yaml"), "utf8")).toBe(`${SECRET}\n`);
      await section("after_script", "7", clone);
      expect(await leaks(clone)).toEqual([]);
      expect(await leaks(other)).not.toEqual([]);
      await section("after_script", "8", other);
      expect(await leaks(runner)).toEqual([]);
      expect(readdirSync(join(runner, "temp"))).toEqual([]);
    });
  });

  test.skipIf(helm.missing)("gives Helm the cluster's credential", async () => {
    await using world = await deployWorld();
    const program = join(folder.path, "vault");
    copyFileSync(join(bin, "vault"), program);
    const applied = await run(program, ["deploy", "apply", "prod", "--yes"], {
      cwd: world.repository.path,
      env: world.environment(helm.path),
    });
    expect({ status: applied.status, stderr: applied.stderr }).toMatchObject({ status: 0 });
  });
});
