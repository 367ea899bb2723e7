import { spawn } from "node:child_process";
import { cpSync, existsSync, lstatSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  makeSshKey,
  run,
  runOk,
  temporaryFolder,
  throwawayRepository,
  type Repository,
  type RunResult,
} from "@git-vault/testkit";
import { describe, expect, test } from "vitest";
import { VAULT } from "./program.ts";

const vault = (repository: Repository, args: string[], program: string = VAULT): Promise<RunResult> =>
  run(process.execPath, [program, ...args], { cwd: repository.path, env: repository.env });

/** A locked repository of many files, and its key beside it. */
async function lockedRepository(files: number): Promise<{ repository: Repository; key: string }> {
  const repository = await throwawayRepository();
  const key = join(repository.folder, "key");
  await vault(repository, ["init", "secrets/**"]);
  for (let at = 0; at < files; at += 1) repository.write(`secrets/${at}`, `secret ${at}\n`);
  await repository.commit("secrets");
  await vault(repository, ["export-key", "-o", key]);
  expect(await vault(repository, ["lock"])).toMatchObject({ status: 0 });
  return { repository, key };
}

test("init with a key that has a passphrase, and nobody to ask, makes nothing", async () => {
  using repository = await throwawayRepository();
  const home = join(repository.folder, "home");
  mkdirSync(join(home, ".ssh"), { recursive: true });
  await makeSshKey({ folder: join(home, ".ssh"), name: "id_ed25519", type: "ed25519", passphrase: "secret" });
  const env = { ...repository.env, HOME: home, XDG_CONFIG_HOME: join(home, ".config") };
  const before = readFileSync(join(repository.path, ".git/config"), "utf8");
  const init = (...args: string[]): Promise<RunResult> =>
    run(process.execPath, [VAULT, "init", "--no-input", ...args, "secrets/**"], { cwd: repository.path, env });
  const failed = await init();
  expect([failed.status, failed.stderr]).toEqual([2, expect.stringMatching(/passphrase/)]);
  expect(readFileSync(join(repository.path, ".git/config"), "utf8")).toBe(before);
  expect(
    [".git/git-crypt", ".gitattributes", ".git-vault"].map((path) => existsSync(join(repository.path, path))),
  ).toEqual([false, false, false]);
  // With the passphrase it is asked for once, and all is made.
  writeFileSync(join(home, "passphrase"), "secret\n");
  const made = await init("--passphrase-file", join(home, "passphrase"));
  expect([made.status, made.stderr]).toEqual([0, expect.stringMatching(/members log in \.git-vault is staged/)]);
  // So it is where a further key is to be written into the log.
  const further = await init("--key-name", "prod");
  expect([further.status, further.stderr]).toEqual([2, expect.stringMatching(/passphrase/)]);
  expect(existsSync(join(repository.path, ".git/git-crypt/keys/prod"))).toBe(false);
});

describe("unlock that is interrupted", () => {
  test.each([0, 20, 60])(
    "after the key was stored and %i milliseconds is finished by another",
    async (milliseconds) => {
      const { repository, key } = await lockedRepository(200);
      using _ = repository;
      const { path, env } = repository;
      const child = spawn(process.execPath, [VAULT, "unlock", key], { cwd: path, env, stdio: "ignore" });
      const ended = new Promise((resolve) => {
        child.on("close", resolve);
      });
      const stored = join(path, ".git/git-crypt/keys/default");
      while (!existsSync(stored) && child.exitCode === null) await sleep(1);
      await sleep(milliseconds);
      child.kill("SIGINT");
      await ended;

      // Until it is finished git may call a decrypted file modified, by its size; but adding it
      // stores what was there.
      const add = async (): Promise<string> => {
        await repository.git("add", "--all");
        return (await repository.git("diff", "--cached", "--name-only")).toString();
      };
      // A lock on the index would be ours: the next run knows it by its second name, and removes
      // it.
      const lock = lstatSync(join(path, ".git/index.lock"), { throwIfNoEntry: false });
      expect(lock?.nlink ?? 2).toBe(2);
      expect(lock === undefined ? await add() : "").toBe("");
      expect(await vault(repository, ["unlock", key])).toMatchObject({ status: 0 });
      for (const at of [0, 100, 199]) expect(readFileSync(join(path, `secrets/${at}`), "utf8")).toBe(`secret ${at}\n`);
      expect((await repository.git("status", "--porcelain")).toString()).toBe("");
      expect(await vault(repository, ["doctor"])).toMatchObject({ status: 0 });
    },
  );
});

describe("the settings that git runs the program by", () => {
  test("hold in a folder of any name, and doctor sees when it has moved", async () => {
    using folder = temporaryFolder();
    const home = join(folder.path, `it's a "place" $HOME`);
    const program = join(home, "dist/main.cjs");
    cpSync(dirname(VAULT), dirname(program), { recursive: true });
    using repository = await throwawayRepository();
    const its = (args: string[], by: string = program): Promise<RunResult> => vault(repository, args, by);

    expect(await its(["init", "secrets/**"])).toMatchObject({ status: 0 });
    repository.write("secrets/a", "one\ntwo\nthree\nfour\nfive\n");
    await repository.commit("a");
    expect((await repository.git("cat-file", "blob", "HEAD:secrets/a")).subarray(0, 10).toString()).toBe(
      "\0GITCRYPT\0",
    );
    await repository.git("switch", "-q", "-c", "other");
    repository.write("secrets/a", "ONE\ntwo\nthree\nfour\nfive\n");
    await repository.commit("one");
    await repository.git("switch", "-q", "main");
    repository.write("secrets/a", "one\ntwo\nthree\nfour\nFIVE\n");
    await repository.commit("five");
    await repository.git("merge", "-q", "-m", "both", "other");
    expect(readFileSync(join(repository.path, "secrets/a"), "utf8")).toBe("ONE\ntwo\nthree\nfour\nFIVE\n");
    expect(await its(["hooks", "install"])).toMatchObject({ status: 0 });
    await repository.git("commit", "-q", "--allow-empty", "-m", "through the hook");
    expect(await its(["doctor"])).toMatchObject({ status: 0 });

    renameSync(home, join(folder.path, "elsewhere"));
    const doctor = await its(["doctor"], VAULT);
    expect(doctor.status).toBe(7);
    for (const name of ["filter.git-crypt.clean", "filter.git-crypt.process", "merge.git-crypt.driver"]) {
      expect(doctor.stdout.toString()).toContain(`wrong: missing-program: ${name}: `);
    }
    repository.write("secrets/b", "never stored in the clear");
    await expect(repository.git("add", "secrets/b")).rejects.toThrow(/ended with 128/);
    expect(await its(["unlock"], VAULT)).toMatchObject({ status: 0 });
    expect(await its(["hooks", "install"], VAULT)).toMatchObject({ status: 0 });
    expect(await its(["doctor"], VAULT)).toMatchObject({ status: 0 });
    await repository.git("add", "secrets/b");
    await runOk(process.execPath, [VAULT, "status"], { cwd: repository.path, env: repository.env });
  });
});
