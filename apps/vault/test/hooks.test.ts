import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { peer, run, switchValue, throwawayRepository, type Repository, type RunResult } from "@git-vault/testkit";
import { describe, expect, test } from "vitest";
import { VAULT } from "./program.ts";

const PUBLISHED = fileURLToPath(new URL("../../../.pre-commit-hooks.yaml", import.meta.url));

/*
 * The check beside other programs that write hooks, each for real: what they check still runs, and
 * where they write their hook again it is told that ours is gone.
 */

interface World extends Disposable {
  readonly repository: Repository;
  readonly env: NodeJS.ProcessEnv;
  vault(...args: string[]): Promise<RunResult>;
  run(program: string, ...args: string[]): Promise<RunResult>;
  /** Commits a file that is not protected, so that only the other's check has a say. */
  commit(): Promise<RunResult>;
  /** Stages plaintext on a protected path, tries to commit it, and takes it back. */
  commitPlaintext(): Promise<RunResult>;
  /** How often the other's check ran. */
  ran(): number;
  read(path: string): string;
}

async function makeWorld(): Promise<World> {
  const repository = await throwawayRepository();
  const { path, folder } = repository;
  const programs = join(folder, "programs");
  mkdirSync(programs);
  for (const name of ["vault", "git-vault"]) symlinkSync(VAULT, join(programs, name));
  const env = {
    ...repository.env,
    PATH: [programs, switchValue("GIT_VAULT_PEERS"), process.env["PATH"]].filter(Boolean).join(delimiter),
    HOME: folder,
    PRE_COMMIT_HOME: join(folder, "pre-commit"),
    MARK: join(folder, "mark"),
  };
  const start = (program: string, ...args: string[]): Promise<RunResult> => run(program, args, { cwd: path, env });
  let count = 0;
  const world: World = {
    repository,
    env,
    vault: (...args) => start("vault", ...args),
    run: start,
    async commit() {
      repository.write("plain", `${(count += 1)}\n`);
      await start("git", "add", "plain");
      return start("git", "commit", "-m", "plain");
    },
    async commitPlaintext() {
      const head = (await start("git", "rev-parse", "HEAD")).stdout.toString().trim();
      const blob = (await start("git", "hash-object", "-w", "--no-filters", ".gitattributes")).stdout.toString().trim();
      await start("git", "update-index", "--add", "--cacheinfo", `100644,${blob},secrets/clear`);
      const result = await start("git", "commit", "-m", "clear");
      await start("git", "reset", "-q", head);
      return result;
    },
    ran: () => (existsSync(env.MARK) ? readFileSync(env.MARK, "utf8").split("\n").length - 1 : 0),
    read: (name) => readFileSync(join(path, name), "utf8"),
    [Symbol.dispose]: () => repository[Symbol.dispose](),
  };
  expect(await world.vault("init", "secrets/**")).toMatchObject({ status: 0 });
  repository.write(".gitignore", "node_modules\n");
  repository.write("secrets/a", "secret\n");
  await repository.commit("a");
  return world;
}

const MARKS = 'echo ran >> "$MARK"';

/** A program that writes hooks. */
interface Manager {
  readonly program: string;
  /** Its configuration, and what to write into that. */
  readonly config: string;
  readonly content: string;
  readonly install: readonly string[];
  /** The file that the check goes into. */
  readonly hook: string;
  /**
   * The configuration with what `hooks install` advises, of its lines; null where that is the hook.
   */
  readonly advised: ((lines: string) => string) | null;
}

const MANAGERS: readonly Manager[] = [
  {
    program: "husky9",
    config: ".husky/pre-commit",
    content: `${MARKS}\n`,
    install: [],
    hook: ".husky/pre-commit",
    advised: null,
  },
  {
    program: "husky4",
    config: "package.json",
    content: JSON.stringify({ husky: { hooks: { "pre-commit": MARKS } } }),
    install: [],
    hook: ".git/hooks/pre-commit",
    advised: (lines) => `{${lines.replace("…", MARKS.replaceAll('"', String.raw`\"`))}}`,
  },
  {
    program: "lefthook",
    config: "lefthook.yml",
    content: `pre-commit:\n  commands:\n    mark:\n      run: ${MARKS}\n`,
    install: ["install", "--force"],
    hook: ".git/hooks/pre-commit",
    advised: (lines) => `${lines}\n    mark:\n      run: ${MARKS}\n`,
  },
  {
    program: "pre-commit",
    config: ".pre-commit-config.yaml",
    content: `repos:\n- repo: local\n  hooks:\n    - {id: mark, name: mark, entry: sh -c '${MARKS}', language: system, always_run: true}\n`,
    install: ["install", "--overwrite"],
    hook: ".git/hooks/pre-commit",
    advised: (lines) => `${MANAGERS.at(-1)?.content}${lines}\n`,
  },
];

describe.each(MANAGERS)("with $program", ({ program, config, content, install, hook, advised }) => {
  const its = peer(program);
  test.skipIf(its.missing)(`${its.label}, both checks run, none is renamed, and a lost one is told`, async () => {
    using world = await makeWorld();
    world.repository.write(config, content);
    await world.repository.git("add", config);
    const installed = await world.run(program, ...install);
    expect([installed.status, installed.stderr]).toEqual([0, expect.anything()]);
    expect(await world.commit()).toMatchObject({ status: 0 });
    expect(world.ran()).toBe(1);
    let before = world.read(hook);
    const { mode } = statSync(join(world.repository.path, hook));

    for (const _ of [1, 2]) expect(await world.vault("hooks", "install")).toMatchObject({ status: 0 });
    const lines = (await world.vault("hooks", "install")).stderr.split("\n").filter((line) => line.startsWith("  "));
    expect(await world.commit()).toMatchObject({ status: 0 });
    expect(world.ran()).toBe(2);
    const refused = await world.commitPlaintext();
    expect(refused.status).not.toBe(0);
    expect(refused.stderr).toContain("staged unencrypted");
    expect(statSync(join(world.repository.path, hook)).mode).toBe(mode);
    expect(await world.vault("doctor")).toMatchObject({ status: 0 });

    // It is installed again, as when dependencies are.
    await world.run(program, ...install);
    const found = await world.vault("status");
    const isLost = advised !== null;
    expect(found.status).toBe(isLost ? 7 : 0);
    expect(/^missing-hook: .*hooks\/pre-commit/m.test(found.stdout.toString())).toBe(isLost);
    expect((await world.vault("doctor")).status).toBe(isLost ? 7 : 0);
    if (isLost) before = world.read(hook);
    expect(await world.vault("hooks", "install")).toMatchObject({ status: 0 });
    expect(await world.vault("status")).toMatchObject({ status: 0 });
    expect((await world.commitPlaintext()).stderr).toContain("staged unencrypted");

    expect(await world.vault("hooks", "remove")).toMatchObject({ status: 0 });
    expect(world.read(hook)).toBe(before);
    expect((await world.commitPlaintext()).stderr).not.toContain("staged unencrypted");

    if (advised === null) return;
    world.repository.write(config, advised(lines.map((line) => line.slice(2)).join("\n")));
    await world.repository.git("add", config);
    await world.run(program, ...install);
    const noted = await world.vault("hooks", "install");
    expect(noted.stderr).toContain(`${config} runs the check already`);
    const again = await world.commitPlaintext();
    expect(again.status).not.toBe(0);
    expect(`${again.stdout.toString()}${again.stderr}`).toContain("staged unencrypted");
    await world.repository.git("add", config);
    const count = world.ran();
    expect(await world.commit()).toMatchObject({ status: 0 });
    expect(world.ran()).toBe(count + 1);
    expect(await world.vault("hooks", "test")).toMatchObject({ status: 0 });
    expect(await world.vault("status")).toMatchObject({ status: 0 });
    // Anyone who takes the lines out again is told.
    world.repository.write(config, content);
    expect(await world.vault("status")).toMatchObject({ status: 7 });
  });
});

/** As overcommit's hook: a copy of one file for each hook, which goes by its own name. */
const OVERCOMMIT = `#!/usr/bin/env ruby
# frozen_string_literal: true

# Entrypoint for Overcommit hook integration.
if ENV['OVERCOMMIT_DISABLE'].to_i != 0
  exit
end

hook_type = File.basename($0)
raise unless 'frozen'.frozen?
File.write(ENV['MARK'], "ran\\n", mode: 'a') if hook_type == 'pre-commit'
`;

describe("a hook in Ruby", () => {
  const ruby = peer("ruby");
  test.skipIf(ruby.missing)(`such as overcommit's, runs after the check: ${ruby.label}`, async () => {
    using world = await makeWorld();
    const path = world.repository.write(".git/hooks/pre-commit", OVERCOMMIT);
    chmodSync(path, 0o755);
    const installed = await world.vault("hooks", "install");
    expect(installed).toMatchObject({ status: 0 });
    expect(installed.stderr).toMatch(/overcommit may write that file again.*\.overcommit\.yml/);
    expect(await world.commit()).toMatchObject({ status: 0 });
    expect(world.ran()).toBe(1);
    expect((await world.commitPlaintext()).stderr).toContain("staged unencrypted");
    expect(await world.vault("doctor")).toMatchObject({ status: 0 });
    writeFileSync(path, OVERCOMMIT);
    expect(await world.vault("status")).toMatchObject({ status: 7 });
    world.repository.write(
      ".overcommit.yml",
      "PreCommit:\n  GitVault:\n    command: ['git-vault', 'hooks', 'check']\n",
    );
    expect(await world.vault("status")).toMatchObject({ status: 0 });
    await world.vault("hooks", "remove");
    expect(world.read(".git/hooks/pre-commit")).toBe(OVERCOMMIT);
  });
});

describe("a hook of one's own", () => {
  const HOOKS: readonly (readonly [what: string, script: string])[] = [
    ["with a header", `#!/bin/sh\n# ours\nset -e\n${MARKS}\n`],
    ["without a line break at its end", `#!/usr/bin/env bash\n${MARKS}`],
    ["that is its first line alone", "#!/bin/sh"],
    ["that is empty but for that line", "#!/bin/sh\n"],
    ["without a first line", `${MARKS}\n`],
    ["in no encoding", `#!/bin/sh\n: \u00ff\u00fe\n${MARKS}\n`],
  ];
  test.each(HOOKS)("%s is as before, byte for byte, when the check is removed", async (_, script) => {
    using world = await makeWorld();
    const path = join(world.repository.path, ".git/hooks/pre-commit");
    writeFileSync(path, Buffer.from(script, "latin1"), { mode: 0o750 });
    expect(await world.vault("hooks", "install")).toMatchObject({ status: 0 });
    expect(await world.commit()).toMatchObject({ status: 0 });
    expect(world.ran()).toBe(script.includes(MARKS) ? 1 : 0);
    expect((await world.commitPlaintext()).stderr).toContain("staged unencrypted");
    expect(await world.vault("hooks", "remove")).toMatchObject({ status: 0 });
    expect(readFileSync(path, "latin1")).toBe(script);
    expect(statSync(path).mode & 0o777).toBe(0o750);
  });

  test("is made, and removed whole", async () => {
    using world = await makeWorld();
    const path = join(world.repository.path, ".git/hooks/pre-commit");
    expect(await world.vault("hooks", "install")).toMatchObject({ status: 0 });
    expect((await world.commitPlaintext()).stderr).toContain("staged unencrypted");
    // Anyone who removes the file is told; so is who makes it no program.
    chmodSync(path, 0o644);
    expect((await world.vault("doctor")).stdout.toString()).toContain("missing-hook");
    rmSync(path);
    expect((await world.vault("status")).stdout.toString()).toContain("missing-hook");
    expect(await world.vault("hooks", "install")).toMatchObject({ status: 0 });
    expect(await world.vault("hooks", "remove")).toMatchObject({ status: 0 });
    expect(existsSync(path)).toBe(false);
    expect(await world.vault("status")).toMatchObject({ status: 0 });
    expect((await world.run("git", "config", "--list", "--local")).stdout.toString()).not.toContain("git-vault.hook");
  });

  test.each([
    ["in another language", "#!/usr/bin/env python3\nprint(1)\n", 0o755],
    ["that is no text", "\u007fELF\0", 0o755],
    ["that git does not run", "#!/bin/sh\n", 0o644],
  ] as const)("%s is left alone, and what to do is said", async (_, script, mode) => {
    using world = await makeWorld();
    const path = join(world.repository.path, ".git/hooks/pre-commit");
    writeFileSync(path, Buffer.from(script, "latin1"), { mode });
    const { status, stderr } = await world.vault("hooks", "install");
    expect(status).toBe(1);
    expect(stderr).toMatch(/hint: call `git-vault hooks check` from the hook/);
    expect(readFileSync(path, "latin1")).toBe(script);
    expect(await world.vault("status")).toMatchObject({ status: 0 });
  });
});

const preCommit = peer("pre-commit");
test.skipIf(preCommit.missing)(
  `${preCommit.label} takes the checks from this project, as others write them`,
  async () => {
    using world = await makeWorld();
    using published = await throwawayRepository();
    published.write(".pre-commit-hooks.yaml", readFileSync(PUBLISHED, "utf8"));
    const rev = await published.commit("hooks");
    const hooks = "[{id: git-vault}, {id: git-vault-deploy}]";
    world.repository.write(
      ".pre-commit-config.yaml",
      `repos:\n- {repo: ${published.path}, rev: ${rev}, hooks: ${hooks}}\n`,
    );
    await world.repository.git("add", ".pre-commit-config.yaml");
    const stages = ["-t", "pre-commit", "-t", "pre-push"];
    expect(await world.run("pre-commit", "install", ...stages)).toMatchObject({ status: 0 });
    expect(await world.commit()).toMatchObject({ status: 0 });
    const refused = await world.commitPlaintext();
    expect(refused.status).not.toBe(0);
    expect(`${refused.stdout.toString()}${refused.stderr}`).toContain("staged unencrypted");
    const remote = join(world.repository.folder, "remote.git");
    await world.run("git", "init", "-q", "--bare", remote);
    // Its configuration is YAML, and there is nothing to deploy.
    const pushed = await world.run("git", "push", remote, "HEAD:main");
    expect(pushed.status).not.toBe(0);
    expect(`${pushed.stdout.toString()}${pushed.stderr}`).toContain("the deployment is sound");
  },
);

describe("a test of the hook", () => {
  const CHECK = "git-vault hooks check";
  test.each([
    ["a function that nobody calls", `check() {\n  ${CHECK}\n}\n${MARKS}\n`, "passed"],
    ["a text that is printed", `cat <<END\n${CHECK}\nEND\n`, "passed"],
    ["its answer is passed over", `${CHECK} | cat\n${MARKS}\n`, "unheeded"],
    ["an alternative that is not taken", `test -n "$HOME" || exit 1 && ${CHECK}\n`, "heeded"],
    ["a script of the repository", `sh check.sh\n`, "heeded"],
  ])("sees what its text does not tell: %s", async (_, script, outcome) => {
    using world = await makeWorld();
    world.repository.write("check.sh", `${CHECK}\n`);
    expect(await world.vault("hooks", "install")).toMatchObject({ status: 0 });
    const path = join(world.repository.path, ".git/hooks/pre-commit");
    writeFileSync(path, `#!/bin/sh\n${script}`);
    const tested = await world.vault("hooks", "test");
    expect(tested.status).toBe(outcome === "heeded" ? 0 : 7);
    const json = await world.vault("hooks", "test", "--json");
    expect(JSON.parse(json.stdout.toString())).toEqual({ outcome });
    const isMissing = outcome !== "heeded";
    for (const command of ["status", "doctor"]) {
      const told = await world.vault(command);
      expect({ command, status: told.status }).toEqual({ command, status: isMissing ? 7 : 0 });
      expect(told.stdout.toString().includes("missing-hook")).toBe(isMissing);
    }
    expect((await world.commitPlaintext()).status === 0).toBe(isMissing);
    expect((await world.run("git", "status", "--porcelain")).stdout.toString()).toBe("?? check.sh\n");
    // Another hook is not the one that was tested.
    writeFileSync(path, `#!/bin/sh\n${isMissing ? CHECK : "true"}\n`);
    expect((await world.vault("status")).status).toBe(isMissing ? 0 : 7);
  });

  test("says what another check says that fails before, and takes it for no answer", async () => {
    using world = await makeWorld();
    expect(await world.vault("hooks", "install")).toMatchObject({ status: 0 });
    const path = join(world.repository.path, ".git/hooks/pre-commit");
    writeFileSync(path, `#!/bin/sh\nprintf '\\033broken' >&2; false || exit 3\n${CHECK}\n`);
    const tested = await world.vault("hooks", "test");
    expect(tested).toMatchObject({ status: 7 });
    expect(tested.stderr).toMatch(/^ {2}\\x1bbroken$/m);
    expect(JSON.parse((await world.vault("hooks", "test", "--json")).stdout.toString())).toEqual({ outcome: "failed" });
    expect(await world.vault("status")).toMatchObject({ status: 0 });
  });

  test("says what git does where there is none, and where ours is", async () => {
    using world = await makeWorld();
    expect(await world.vault("hooks", "test")).toMatchObject({ status: 7 });
    expect(await world.vault("hooks", "install")).toMatchObject({ status: 0 });
    const tested = await world.vault("hooks", "test");
    expect(tested).toMatchObject({ status: 0 });
    expect(tested.stderr).toBe("vault: git runs the check before each commit, and refuses what it finds\n");
    expect(await world.vault("status")).toMatchObject({ status: 0 });
  });
});

describe("core.hooksPath", () => {
  test("out of the repository is not written to; a hook there that calls the check counts", async () => {
    using world = await makeWorld();
    const hooks = join(world.repository.folder, "hooks");
    mkdirSync(hooks);
    await world.repository.git("config", "core.hooksPath", hooks);
    const refused = await world.vault("hooks", "install");
    expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining("git-vault hooks check")]);
    expect(existsSync(join(hooks, "pre-commit"))).toBe(false);
    writeFileSync(join(hooks, "pre-commit"), "#!/bin/sh\ngit-vault hooks check\n", { mode: 0o755 });
    expect((await world.vault("hooks", "install")).stderr).toContain("runs the check already");
    expect((await world.commitPlaintext()).stderr).toContain("staged unencrypted");
    expect(await world.vault("doctor")).toMatchObject({ status: 0 });
    writeFileSync(join(hooks, "pre-commit"), "#!/bin/sh\n# git-vault hooks check\n");
    expect(await world.vault("doctor")).toMatchObject({ status: 7 });
  });

  test("that is set after the hook was installed is told, and both are removed", async () => {
    using world = await makeWorld();
    expect(await world.vault("hooks", "install")).toMatchObject({ status: 0 });
    await world.repository.git("config", "core.hooksPath", "..hooks");
    expect((await world.vault("status")).stdout.toString()).toMatch(/^missing-hook: .*\.hooks\/pre-commit/m);
    const installed = await world.vault("hooks", "install");
    expect(installed.stderr).toContain("may be committed");
    expect(world.read("..hooks/pre-commit")).not.toContain("main.cjs");
    expect((await world.commitPlaintext()).stderr).toContain("staged unencrypted");
    expect(await world.vault("status")).toMatchObject({ status: 0 });
    await world.vault("hooks", "remove");
    for (const folder of ["..hooks", ".git/hooks"])
      expect(existsSync(join(world.repository.path, folder, "pre-commit"))).toBe(false);
  });
});
