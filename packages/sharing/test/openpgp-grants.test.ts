import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Directory } from "@git-vault/directory";
import { openRepository } from "@git-vault/git-crypt";
import { readOpenPgpKeys, type OpenPgpPublicKey } from "@git-vault/keys";
import { peer, runOk, startGnuPg, temporaryFolder, type GnuPg, type TemporaryFolder } from "@git-vault/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { findGrants, grantOpenPgp, listHolders, openOpenPgpGrants } from "../src/grants/index.ts";
import { findOpenPgpGrants } from "../src/grants/openpgp-files.ts";
import { Pins, type ReceiveOptions } from "../src/index.ts";
import { planRotation } from "../src/rotation/index.ts";

const gitCrypt = peer("git-crypt");
const gpg = peer("gpg");

describe.skipIf(gitCrypt.missing || gpg.missing)(`grants as ${gitCrypt.label} and ${gpg.label} write them`, () => {
  let gnupg: GnuPg;
  let folder: TemporaryFolder;
  let work: string;
  const people = new Map<string, { fingerprint: string; key: OpenPgpPublicKey; secret: string }>();
  const person = (name: string): { fingerprint: string; key: OpenPgpPublicKey; secret: string } => {
    const found = people.get(name);
    if (found === undefined) throw new Error(`nobody is called ${name}`);
    return found;
  };
  const env = (): NodeJS.ProcessEnv => ({ ...gnupg.env, GIT_CONFIG_GLOBAL: join(folder.path, "gitconfig") });
  const git = (args: string[], cwd = work): Promise<Buffer> => runOk("git", args, { cwd, env: env() });
  const repository = (path = work): ReturnType<typeof openRepository> => openRepository(path, { env: env() });
  const byGpg = (): ReceiveOptions => ({
    home: folder.path,
    passphrase: () => Promise.reject(new Error("nobody is asked")),
    gpg: { env: gnupg.env, ask: false },
  });
  const directory = new Directory({ env: {}, cacheFolder: null });
  /** Grants to somebody, without committing it; gives the path of git-crypt's file. */
  const write = async (name: string, keyName = "default"): Promise<string> => {
    const { fingerprint } = person(name);
    const file = join(folder.path, `${name}.pub`);
    writeFileSync(file, await gnupg.exportPublic(fingerprint));
    const to = await directory.resolve(file, "openpgp");
    const by = { signer: null, name: "github:alice" };
    await grantOpenPgp({ repository: repository(), keyName, to, directory, by, stageOnly: true });
    return join(work, `.git-crypt/keys/${keyName}/0/${fingerprint}.gpg`);
  };
  const byFile = (name: string): ReceiveOptions => ({ ...byGpg(), keyFiles: [person(name).secret] });

  beforeAll(async () => {
    gnupg = startGnuPg();
    folder = temporaryFolder();
    writeFileSync(join(folder.path, "gitconfig"), "[user]\nname = a\nemail = a@example.org\n");
    for (const [name, algorithm] of [
      ["alice", "future-default"],
      ["bob", "rsa2048"],
    ] as const) {
      const fingerprint = await gnupg.generate({ userId: `${name} <${name}@example.org>`, algorithm });
      const [entry] = await readOpenPgpKeys(await gnupg.exportPublic(fingerprint));
      const secret = join(folder.path, `${name}.asc`);
      writeFileSync(secret, await gnupg.exportSecret(fingerprint));
      if (entry?.key) people.set(name, { fingerprint, key: entry.key, secret });
    }
  });

  afterAll(async () => {
    await gnupg.end();
    folder.remove();
  });

  beforeEach(async () => {
    work = join(folder.path, `work-${Math.random().toString(36).slice(2)}`);
    mkdirSync(work);
    await git(["init", "-q"]);
    writeFileSync(join(work, ".gitattributes"), "* filter=git-crypt diff=git-crypt\n.gitattributes !filter !diff\n");
    await runOk(gitCrypt.path, ["init"], { cwd: work, env: env() });
    writeFileSync(join(work, "secret"), "hello\n");
    await git(["add", "."]);
    await git(["commit", "-qm", "one"]);
  });

  test.each(["alice", "bob"])("git-crypt unlock opens what we write to %s", async (name) => {
    expect(existsSync(await write(name))).toBe(true);
    await git(["commit", "-qm", "grant"]);
    const clone = join(folder.path, `clone-${name}`);
    await git(["clone", "-q", work, clone]);
    await runOk(gitCrypt.path, ["unlock"], { cwd: clone, env: env() });
    expect(readFileSync(join(clone, "secret"), "utf8")).toBe("hello\n");
  });

  test("writes beside a grant what git-crypt does, byte for byte", async () => {
    await runOk(gitCrypt.path, ["add-gpg-user", "-n", "--trusted", person("alice").fingerprint], {
      cwd: work,
      env: env(),
    });
    const attributes = join(work, ".git-crypt/.gitattributes");
    const theirs = readFileSync(attributes);
    rmSync(attributes);
    await git(["rm", "-q", "--cached", ".git-crypt/.gitattributes"]);
    await write("bob");
    expect(readFileSync(attributes).equals(theirs)).toBe(true);
    expect(findOpenPgpGrants(repository()).map(({ fingerprint }) => fingerprint)).toEqual(
      [person("alice").fingerprint, person("bob").fingerprint].toSorted(),
    );
  });

  test("opens what git-crypt wrote, with a key file and through gpg", async () => {
    await runOk(gitCrypt.path, ["init", "-k", "other"], { cwd: work, env: env() });
    const add = ["add-gpg-user", "-n", "--trusted", person("alice").fingerprint];
    await runOk(gitCrypt.path, add, { cwd: work, env: env() });
    await runOk(gitCrypt.path, ["add-gpg-user", "-k", "other", ...add.slice(1)], { cwd: work, env: env() });
    const keys = ["default", "other"].map((name) => repository().readKey(name).bytes);
    expect(await openOpenPgpGrants(repository(), byGpg())).toEqual(keys);
    expect(await openOpenPgpGrants(repository(), byFile("alice"))).toEqual(keys);
    expect(await openOpenPgpGrants(repository(), byFile("bob"))).toEqual([]);
  });

  test("keeps to the folder of git-crypt.repoStateDir, as git-crypt does", async () => {
    await git(["config", "git-crypt.repoStateDir", "sub/state"]);
    await runOk(gitCrypt.path, ["add-gpg-user", "-n", "--trusted", person("alice").fingerprint], {
      cwd: work,
      env: env(),
    });
    await write("bob");
    expect(findOpenPgpGrants(repository())).toHaveLength(2);
    expect(existsSync(join(work, ".git-crypt"))).toBe(false);
  });

  test("leaves a grant that is there and vouched for, and makes one anew that nobody vouches for", async () => {
    const path = await write("alice");
    const before = readFileSync(path);
    await write("alice");
    expect(readFileSync(path).equals(before)).toBe(true);
    writeFileSync(
      path,
      await gnupg.gpg(["--trust-model", "always", "-r", person("alice").fingerprint, "-e"], "another"),
    );
    await git(["add", path]);
    expect((await listHolders(repository(), null)).bad).toMatchObject([
      { problem: expect.stringContaining("swapped") as string },
    ]);
    await write("alice");
    expect(await openOpenPgpGrants(repository(), byFile("alice"))).toEqual([repository().readKey().bytes]);
    expect(await listHolders(repository(), null)).toMatchObject({
      bad: [],
      unvouched: [],
      holders: [{ format: "openpgp" }],
    });
  });

  test("are planned for whom gpg knows, and only what is vouched for needs no confirmation", async () => {
    for (const name of people.keys()) await write(name);
    await git(["rm", "-q", "--cached", "-r", ".git-vault/grants"]);
    rmSync(join(work, ".git-vault/grants"), { recursive: true });
    const stale = `.git-crypt/keys/default/0/${"A".repeat(40)}.gpg`;
    writeFileSync(join(work, stale), "to somebody whom gpg does not know");
    await git(["add", "-f", stale]);
    const by = { signer: null, name: null };
    const request = { repository: repository(), directory: null, pins: new Pins(null), by, gpg: { env: gnupg.env } };
    const { renewals, dropped } = await planRotation(request);
    const holders = [...people.values()].map(({ fingerprint }) => `gpg:${fingerprint}`);
    expect(renewals.map(({ holder }) => holder).toSorted()).toEqual(holders.toSorted());
    for (const { doubts, userId } of renewals) {
      expect(doubts).toEqual(["no holder of the key vouches for it"]);
      expect(userId).toMatch(/<(alice|bob)@example.org>/);
    }
    expect(dropped).toEqual([
      {
        path: stale,
        problem: "no holder of the key vouches for it, and neither an account nor gpg has the public key",
      },
    ]);
  });

  test("does not write through a link that leads out of the work tree", async () => {
    mkdirSync(join(folder.path, "elsewhere"), { recursive: true });
    symlinkSync(join(folder.path, "elsewhere"), join(work, ".git-crypt"));
    await expect(write("alice")).rejects.toMatchObject({ code: "UNWRITABLE" });
    expect(readdirSync(join(folder.path, "elsewhere"))).toEqual([]);
  });

  test("says why where a grant to the user does not open", async () => {
    const path = await write("alice");
    const damaged = readFileSync(path);
    damaged[damaged.length - 9] = (damaged.at(-9) ?? 0) ^ 1;
    writeFileSync(path, damaged);
    for (const options of [byGpg(), byFile("alice")]) {
      await expect(openOpenPgpGrants(repository(), options)).rejects.toMatchObject({ code: "TAMPERED_MESSAGE" });
    }
    writeFileSync(
      path,
      await gnupg.gpg(["--trust-model", "always", "-r", person("alice").fingerprint, "-e"], "no key"),
    );
    await expect(openOpenPgpGrants(repository(), byGpg())).rejects.toMatchObject({ code: "MALFORMED_KEY_FILE" });
  });

  test("is committed with nothing else, opens by git-crypt in a clone, and is listed among the holders", async () => {
    writeFileSync(join(work, "staged"), "1");
    await git(["add", "staged"]);
    const file = join(folder.path, "alice.pub");
    writeFileSync(file, await gnupg.exportPublic(person("alice").fingerprint));
    const to = await directory.resolve(file, "openpgp");
    const by = { signer: null, name: null };
    const { granted, commit } = await grantOpenPgp({ repository: repository(), to, directory, by });
    const holder = `gpg:${person("alice").fingerprint}`;
    expect(granted).toEqual([{ holder, fingerprint: person("alice").fingerprint }]);
    const path = `.git-crypt/keys/default/0/${person("alice").fingerprint}.gpg`;
    const files = (await git(["show", "--name-only", "--format=", commit ?? ""])).toString();
    const [, , , voucher = ""] = files.split("\n");
    expect(voucher).toMatch(/^\.git-vault\/grants\/default\/gpg-[0-9a-f]{40}\.[0-9a-f]{8}\.voucher$/);
    expect(files).toBe(`.git-crypt/.gitattributes\n${path}\n.git-vault/.gitattributes\n${voucher}\n`);
    expect((await git(["status", "--porcelain"])).toString()).toBe("A  staged\n");
    expect((await grantOpenPgp({ repository: repository(), to, directory, by })).commit).toBeNull();
    const clone = `${work}-clone`;
    await git(["clone", "-q", work, clone]);
    await runOk(gitCrypt.path, ["unlock"], { cwd: clone, env: env() });
    expect(readFileSync(join(clone, "secret"), "utf8")).toBe("hello\n");
    const { holders, unvouched } = await listHolders(repository(), null);
    expect(holders).toMatchObject([{ holder, keyName: "default", paths: [voucher], standing: "current" }]);
    expect(unvouched).toEqual([]);
    expect(findGrants(repository(), "default", [holder]).paths).toEqual([voucher, path]);
  });

  test("gives nothing in a repository without grants", async () => {
    expect(await openOpenPgpGrants(repository(), byGpg())).toEqual([]);
  });
});
