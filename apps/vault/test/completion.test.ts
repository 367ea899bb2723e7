import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { peer, run, runOk, temporaryFolder, type RunResult } from "@git-vault/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { completionScript, SHELLS } from "../src/cli/completion.ts";
import { flagsOf } from "../src/cli/command-table.ts";
import { COMMANDS, TABLE } from "../src/commands/index.ts";
import { completionWorld, type CompletionWorld } from "./completion-world.ts";
import { VAULT } from "./program.ts";
import { startShell, type CompletingShell, type DebianShell } from "./shells.ts";

const DEBIANS: readonly DebianShell[] = ["bash", "zsh", "fish"];
const names = TABLE.firstWords.toSorted();
const viewFlags = Object.keys(flagsOf(COMMANDS.view))
  .map((name) => `--${name}`)
  .toSorted();

let world: CompletionWorld;

beforeAll(async () => {
  world = await completionWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const complete = (words: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<RunResult> =>
  run(VAULT, ["complete", ...words], { cwd: world.folder, env: { ...world.env, ...env } });

test("the completion scripts are what the program prints", async () => {
  for (const shell of SHELLS)
    expect((await runOk(VAULT, ["completion", shell])).toString()).toBe(completionScript(shell));
});

describe.each(DEBIANS)("the completion script for %s", (shell) => {
  const { missing, path, label } = peer(shell);

  test.skipIf(missing)(`loads in ${label} without a word`, async () => {
    using folder = temporaryFolder();
    const script = join(folder.path, "script");
    writeFileSync(script, completionScript(shell));
    const before = shell === "zsh" ? "autoload -Uz compinit; compinit -u -D; " : "";
    const quiet = { bash: ["--norc"], zsh: ["-f"], fish: ["--no-config"] }[shell];
    const said = await runOk(path, [...quiet, "-c", `${before}source ${script} 2>&1`], {
      env: { HOME: folder.path, PATH: process.env["PATH"] },
    });
    expect(said.toString()).toBe("");
  });

  describe.skipIf(missing)(`in ${label}`, () => {
    let its: CompletingShell;

    beforeAll(async () => {
      its = await startShell(shell, path, world.folder, world.env);
    });
    afterAll(() => its.close());

    test("completes commands and their second words, as vault, git-vault and git vault", async () => {
      expect(await its.offers("vault", "")).toEqual(names);
      expect(await its.offers("git-vault", "deploy", "")).toEqual(TABLE.families.get("deploy")?.toSorted());
      expect(await its.tab("vault", "sha")).toBe("share");
      expect(await its.tab("git-vault", "-u", "x", "cr")).toBe("create");
      expect(await its.tab("git", "vault", "sha")).toBe("share");
      expect(await its.tab("git", "vault", "deploy", "plan", "sta")).toBe("staging");
    });

    test("completes flags and what they take", async () => {
      expect(await its.offers("vault", "view", "--")).toEqual(viewFlags);
      expect(await its.tab("vault", "share", "--form")).toBe("--format");
      expect(await its.tab("vault", "share", "--format", "s")).toBe("ssh-vault");
      expect(await its.tab("vault", "share", "--format=s")).toBe("--format=ssh-vault");
      expect(await its.tab("vault", "share", "--format", "my")).toBe("my");
      expect(await its.tab("vault", "share", "--work-factor", "my")).toBe("my");
      expect(await its.tab("vault", "status", "my")).toBe("my");
    });

    test("leaves files and folders to the shell, also with spaces in their names", async () => {
      expect(await its.tab("vault", "view", "my")).toBe("my secret.age");
      expect(await its.tab("vault", "view", "--output", "my")).toBe("my secret.age");
      expect(await its.tab("vault", "view", "--output=my")).toBe("--output=my secret.age");
      expect(await its.tab("vault", "view", "--", "my")).toBe("my secret.age");
      expect(await its.tab("vault", "view", "-C", "ne")).toBe("nest/");
      expect(await its.tab("vault", "-C", "my")).toBe("my");
    });

    test("knows environments, releases, nodes, members, key names and recipients", async () => {
      expect(await its.offers("vault", "deploy", "plan", "")).toEqual(["prod", "staging"]);
      expect(await its.offers("vault", "deploy", "values", "prod", "--release", "")).toEqual(["cert-manager", "hub"]);
      expect(await its.offers("vault", "deploy", "nodes", "prod", "drain", "")).toEqual(["core-1", "user-1", "user-2"]);
      expect(await its.offers("vault", "share", "--key-name", "")).toEqual(["default", "ops"]);
      expect(await its.tab("vault", "revoke", "test@ex")).toBe("test@example.com");
      expect(await its.tab("vault", "share", "--to", "chol")).toBe("choldgraf");
      expect(await its.tab("vault", "share", "--to=gitlab:al")).toBe("--to=gitlab:alice");
      expect(await its.tab("vault", "grant", "my")).toBe("my secret.age");
    });
  });
});

describe("what a completion script is answered", () => {
  test("in PowerShell is filtered, with the summaries, and the last word may be empty", async () => {
    const { stdout } = await complete(["powershell", "--", "vault", "share", "--format=s", "=--format=s"]);
    expect(stdout.toString()).toBe("words\n--format=ssh-vault\t\n");
    const all = (await complete(["powershell", "--", "vault", "="])).stdout.toString();
    expect(all).toContain(`\nstatus\t${COMMANDS.status.summary}\n`);
    expect((await complete(["powershell", "--", "vault", "view", "=m"])).stdout.toString()).toBe("files\n");
    const script = completionScript("powershell");
    expect(script).toContain("Register-ArgumentCompleter -Native -CommandName vault, git-vault");
    expect(script).toContain("complete powershell '--' $before \"=$wordToComplete\" 2>$null");
    expect(script).toContain('-split "`t", 2');
  });

  test("has the folder of -C, of git's own, too", async () => {
    const words = ["fish", "--", "git", "-C", world.folder, "vault", "deploy", "plan", ""];
    const { stdout } = await run(VAULT, ["complete", ...words], { env: world.env });
    expect(stdout.toString()).toBe("words\nstaging\t\nprod\t\n");
  });

  test("has no name that a shell would run", async () => {
    const { stdout } = await complete(["bash", "--", "vault", "share", "--to", ""]);
    expect(stdout.toString()).toBe("words\ncholdgraf\ngitlab:alice\n");
  });

  test("is nothing, and no error, where there is no repository, and for damaged files", async () => {
    using folder = temporaryFolder();
    for (const words of [
      ["deploy", "plan", ""],
      ["revoke", ""],
      ["share", "--key-name", ""],
      ["deploy", "nodes", "prod", "drain", ""],
    ]) {
      const env = { ...world.env, HOME: folder.path };
      const { status, stdout, stderr } = await run(VAULT, ["complete", "zsh", "--", "vault", ...words], {
        cwd: folder.path,
        env,
      });
      expect({ status, stdout: stdout.toString(), stderr }).toEqual({ status: 0, stdout: "words\n", stderr: "" });
    }
  });

  test("is nothing once the time is up", async () => {
    for (const words of [
      ["deploy", "nodes", "prod", "drain", ""],
      ["deploy", "plan", ""],
    ]) {
      const late = await complete(["zsh", "--", "vault", ...words], { GIT_VAULT_COMPLETION_MS: "1" });
      expect({ status: late.status, stdout: late.stdout.toString(), stderr: late.stderr }).toEqual({
        status: 0,
        stdout: "words\n",
        stderr: "",
      });
    }
  });
});
