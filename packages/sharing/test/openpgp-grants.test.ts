import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Directory } from "@git-vault/directory";
import { encodeKeyFile, generateKeyFile, openRepository } from "@git-vault/git-crypt";
import { readOpenPgpKeys, type OpenPgpPublicKey } from "@git-vault/keys";
import { peer, runOk, startGnuPg, temporaryFolder, type GnuPg, type TemporaryFolder } from "@git-vault/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  findGrants,
  findOpenPgpGrants,
  grantOpenPgp,
  listHolders,
  openOpenPgpGrants,
  renewOpenPgpGrants,
  writeOpenPgpGrant,
  type ReceiveOptions,
} from "../src/index.ts";

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

  it.each(["alice", "bob"])("git-crypt unlock opens what we write to %s", async (name) => {
    const { fingerprint, key } = person(name);
    const { bytes } = repository().readKey();
    const grant = await writeOpenPgpGrant(repository(), bytes, key);
    expect(grant).toMatchObject({ keyName: "default", fingerprint });
    expect(grant.written).toEqual([join(work, ".git-crypt/.gitattributes"), grant.path]);
    expect(grant.path).toBe(join(work, `.git-crypt/keys/default/0/${fingerprint}.gpg`));
    await git(["add", "--", ...grant.written]);
    await git(["commit", "-qm", "grant"]);
    const clone = join(folder.path, `clone-${name}`);
    await git(["clone", "-q", work, clone]);
    await runOk(gitCrypt.path, ["unlock"], { cwd: clone, env: env() });
    expect(readFileSync(join(clone, "secret"), "utf8")).toBe("hello\n");
  });

  it("writes beside a grant what git-crypt does, byte for byte", async () => {
    await runOk(gitCrypt.path, ["add-gpg-user", "-n", "--trusted", person("alice").fingerprint], {
      cwd: work,
      env: env(),
    });
    const attributes = join(work, ".git-crypt/.gitattributes");
    const theirs = readFileSync(attributes);
    rmSync(attributes);
    const { written } = await writeOpenPgpGrant(repository(), repository().readKey().bytes, person("bob").key);
    expect(written).toContain(attributes);
    expect(readFileSync(attributes).equals(theirs)).toBe(true);
    expect(findOpenPgpGrants(repository()).map(({ fingerprint }) => fingerprint)).toEqual(
      [person("alice").fingerprint, person("bob").fingerprint].toSorted(),
    );
  });

  it("opens what git-crypt wrote, with a key file and through gpg", async () => {
    await runOk(gitCrypt.path, ["init", "-k", "other"], { cwd: work, env: env() });
    const add = ["add-gpg-user", "-n", "--trusted", person("alice").fingerprint];
    await runOk(gitCrypt.path, add, { cwd: work, env: env() });
    await runOk(gitCrypt.path, ["add-gpg-user", "-k", "other", ...add.slice(1)], { cwd: work, env: env() });
    const keys = ["default", "other"].map((name) => repository().readKey(name).bytes);
    expect(await openOpenPgpGrants(repository(), byGpg())).toEqual(keys);
    expect(await openOpenPgpGrants(repository(), byFile("alice"))).toEqual(keys);
    expect(await openOpenPgpGrants(repository(), byFile("bob"))).toEqual([]);
  });

  it("keeps to the folder of git-crypt.repoStateDir, as git-crypt does", async () => {
    await git(["config", "git-crypt.repoStateDir", "sub/state"]);
    await runOk(gitCrypt.path, ["add-gpg-user", "-n", "--trusted", person("alice").fingerprint], {
      cwd: work,
      env: env(),
    });
    const { path } = await writeOpenPgpGrant(repository(), repository().readKey().bytes, person("bob").key);
    expect(path.startsWith(join(work, "sub/state/keys/default/0/"))).toBe(true);
    expect(findOpenPgpGrants(repository())).toHaveLength(2);
    expect(existsSync(join(work, ".git-crypt"))).toBe(false);
  });

  it("leaves a grant that is there, unless it is to be renewed", async () => {
    const { bytes } = repository().readKey();
    const first = await writeOpenPgpGrant(repository(), bytes, person("alice").key);
    const before = readFileSync(first.path);
    expect((await writeOpenPgpGrant(repository(), bytes, person("alice").key)).written).toEqual([]);
    expect(readFileSync(first.path).equals(before)).toBe(true);
    const again = await writeOpenPgpGrant(repository(), bytes, person("alice").key, { renew: true });
    expect(again.written).toEqual([first.path]);
    expect(readFileSync(first.path).equals(before)).toBe(false);
    expect(await openOpenPgpGrants(repository(), byFile("alice"))).toEqual([bytes]);
  });

  it("makes the grants of a key anew for whom gpg knows", async () => {
    const { bytes } = repository().readKey();
    const stale = join(work, `.git-crypt/keys/default/0/${"A".repeat(40)}.gpg`);
    for (const name of people.keys()) await writeOpenPgpGrant(repository(), bytes, person(name).key);
    writeFileSync(stale, "to somebody whom gpg does not know");
    const key = encodeKeyFile(generateKeyFile());
    const renewed = await renewOpenPgpGrants(repository(), "default", key, { env: gnupg.env });
    const paths = [...people.values()].map(({ fingerprint }) => `.git-crypt/keys/default/0/${fingerprint}.gpg`);
    expect([...renewed.keys()]).toEqual(paths.toSorted());
    for (const message of renewed.values()) expect((await gnupg.gpg(["--decrypt"], message)).equals(key)).toBe(true);
    expect(await renewOpenPgpGrants(repository(), "other", key, { env: gnupg.env })).toEqual(new Map());
  });

  it("does not write through a link that leads out of the work tree", async () => {
    mkdirSync(join(folder.path, "elsewhere"), { recursive: true });
    symlinkSync(join(folder.path, "elsewhere"), join(work, ".git-crypt"));
    const { bytes } = repository().readKey();
    await expect(writeOpenPgpGrant(repository(), bytes, person("alice").key)).rejects.toMatchObject({
      code: "GRANT_UNWRITABLE",
    });
  });

  it("says why where a grant to the user does not open", async () => {
    const { bytes } = repository().readKey();
    const { path } = await writeOpenPgpGrant(repository(), bytes, person("alice").key);
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

  it("is committed with nothing else, opens by git-crypt in a clone, and is listed among the holders", async () => {
    writeFileSync(join(work, "staged"), "1");
    await git(["add", "staged"]);
    const file = join(folder.path, "alice.pub");
    writeFileSync(file, await gnupg.exportPublic(person("alice").fingerprint));
    const directory = new Directory({ env: {}, cacheFolder: null });
    const to = await directory.resolve(file, "openpgp");
    const { granted, commit } = await grantOpenPgp({ repository: repository(), to, directory });
    expect(granted).toEqual([{ recipient: file, fingerprint: person("alice").fingerprint }]);
    const path = `.git-crypt/keys/default/0/${person("alice").fingerprint}.gpg`;
    const files = (await git(["show", "--name-only", "--format=", commit ?? ""])).toString();
    expect(files).toBe(`.git-crypt/.gitattributes\n${path}\n`);
    expect((await git(["status", "--porcelain"])).toString()).toBe("A  staged\n");
    expect((await grantOpenPgp({ repository: repository(), to, directory })).commit).toBeNull();
    const clone = `${work}-clone`;
    await git(["clone", "-q", work, clone]);
    await runOk(gitCrypt.path, ["unlock"], { cwd: clone, env: env() });
    expect(readFileSync(join(clone, "secret"), "utf8")).toBe("hello\n");
    const holder = `gpg:${person("alice").fingerprint}`;
    expect((await listHolders(repository(), null)).openPgp).toMatchObject([{ holder, keyName: "default", path }]);
    expect((await findGrants(repository(), "default", [holder])).paths).toEqual([path]);
  });

  it("gives nothing in a repository without grants", async () => {
    expect(await openOpenPgpGrants(repository(), byGpg())).toEqual([]);
    await expect(writeOpenPgpGrant(repository(), Buffer.from("no key"), person("alice").key)).rejects.toMatchObject({
      code: "MALFORMED_KEY_FILE",
    });
  });
});
