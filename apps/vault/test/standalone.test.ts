import { copyFileSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
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
