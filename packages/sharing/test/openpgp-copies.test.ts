import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { commitFiles, openRepository } from "@git-vault/git-crypt";
import { readOpenPgpKeys, type OpenPgpKeyEntry } from "@git-vault/keys";
import { peer, runOk, startGnuPg, temporaryFolder, type GnuPg, type TemporaryFolder } from "@git-vault/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type ReceiveOptions } from "../src/index.ts";
import {
  openOpenPgpCopies,
  publicKeysOfGpg,
  readOpenPgpCopies,
  sealOpenPgpCopies,
  strangersAmong,
} from "../src/members/openpgp-copies.ts";

const gitCrypt = peer("git-crypt");
const gpg = peer("gpg");

describe.skipIf(gitCrypt.missing || gpg.missing)(`copies as ${gitCrypt.label} and ${gpg.label} write them`, () => {
  let gnupg: GnuPg;
  let folder: TemporaryFolder;
  let work: string;
  const people = new Map<string, { fingerprint: string; entry: OpenPgpKeyEntry; secret: string }>();
  const person = (name: string): { fingerprint: string; entry: OpenPgpKeyEntry; secret: string } => {
    const found = people.get(name);
    if (found === undefined) throw new Error(`nobody is called ${name}`);
    return found;
  };
  const env = (): NodeJS.ProcessEnv => ({ ...gnupg.env, GIT_CONFIG_GLOBAL: join(folder.path, "gitconfig") });
  const git = (args: string[], cwd = work): Promise<Buffer> => runOk("git", args, { cwd, env: env() });
  const addUser = (...args: string[]): Promise<Buffer> =>
    runOk(gitCrypt.path, ["add-gpg-user", "-n", "--trusted", ...args], { cwd: work, env: env() });
  const repository = (): ReturnType<typeof openRepository> => openRepository(work, { env: env() });
  const byGpg = (): ReceiveOptions => ({
    home: folder.path,
    passphrase: () => Promise.reject(new Error("nobody is asked")),
    gpg: { env: gnupg.env, ask: false },
  });
  const byFile = (name: string): ReceiveOptions => ({ ...byGpg(), keyFiles: [person(name).secret] });
  const copies = (): ReturnType<typeof readOpenPgpCopies> => readOpenPgpCopies(repository());
  const keysFrom = async (options: ReceiveOptions): Promise<Buffer[]> =>
    (await openOpenPgpCopies(repository(), copies(), options)).map(({ key }) => key);
  /** Seals the key to somebody and stages that; gives the path of the file. */
  const write = async (name: string): Promise<string> => {
    const { bytes } = repository().readKey();
    const files = await sealOpenPgpCopies(repository(), "default", bytes, [person(name).entry]);
    commitFiles(repository(), files, { message: "", stageOnly: true });
    return join(work, `.git-crypt/keys/default/0/${person(name).fingerprint}.gpg`);
  };

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
      if (entry !== undefined) people.set(name, { fingerprint, entry, secret });
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
    await git(["commit", "-qm", "copy"]);
    const clone = join(folder.path, `clone-${name}`);
    await git(["clone", "-q", work, clone]);
    await runOk(gitCrypt.path, ["unlock"], { cwd: clone, env: env() });
    expect(readFileSync(join(clone, "secret"), "utf8")).toBe("hello\n");
  });

  test("the attributes beside a copy are git-crypt's, byte for byte", async () => {
    await addUser(person("alice").fingerprint);
    const attributes = join(work, ".git-crypt/.gitattributes");
    const theirs = readFileSync(attributes);
    rmSync(attributes);
    await git(["rm", "-q", "--cached", ".git-crypt/.gitattributes"]);
    await write("bob");
    expect(readFileSync(attributes).equals(theirs)).toBe(true);
    const found = copies().map(({ fingerprint }) => fingerprint);
    expect(found).toEqual([person("alice").fingerprint, person("bob").fingerprint].toSorted());
    const member = { keys: [{ id: person("alice").fingerprint }], opens: ["default"] };
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- all that is looked at
    const strangers = strangersAmong(copies(), { members: [member] } as never);
    expect(strangers.map(({ fingerprint }) => fingerprint)).toEqual([person("bob").fingerprint]);
  });

  test("what git-crypt wrote opens with a key file and through gpg", async () => {
    await runOk(gitCrypt.path, ["init", "-k", "other"], { cwd: work, env: env() });
    await addUser(person("alice").fingerprint);
    await addUser("-k", "other", person("alice").fingerprint);
    const keys = ["default", "other"].map((name) => repository().readKey(name).bytes);
    expect(await keysFrom(byGpg())).toEqual(keys);
    expect(await keysFrom(byFile("alice"))).toEqual(keys);
    expect(await keysFrom(byFile("bob"))).toEqual([]);
  });

  test("they lie in the folder of git-crypt.repoStateDir, as git-crypt's do", async () => {
    await git(["config", "git-crypt.repoStateDir", "sub/state"]);
    await addUser(person("alice").fingerprint);
    await write("bob");
    expect(copies()).toHaveLength(2);
    expect(existsSync(join(work, ".git-crypt"))).toBe(false);
  });

  test("gpg is asked for the public keys of fingerprints", async () => {
    const { fingerprint } = person("alice");
    const found = await publicKeysOfGpg(repository(), [fingerprint, "A".repeat(40)], { env: gnupg.env });
    expect([...found.keys()]).toEqual([fingerprint]);
    expect(await publicKeysOfGpg(repository(), [fingerprint], { program: join(folder.path, "no-gpg") })).toEqual(
      new Map(),
    );
  });

  test("nothing is written through a link that leads out of the work tree", async () => {
    mkdirSync(join(folder.path, "elsewhere"), { recursive: true });
    symlinkSync(join(folder.path, "elsewhere"), join(work, ".git-crypt"));
    await expect(write("alice")).rejects.toMatchObject({ code: "UNWRITABLE" });
    expect(readdirSync(join(folder.path, "elsewhere"))).toEqual([]);
  });

  test("one that does not open says why", async () => {
    const path = await write("alice");
    const damaged = readFileSync(path);
    damaged[damaged.length - 9] = (damaged.at(-9) ?? 0) ^ 1;
    writeFileSync(path, damaged);
    await git(["add", "-f", path]);
    for (const options of [byGpg(), byFile("alice")]) {
      await expect(keysFrom(options)).rejects.toMatchObject({ code: "TAMPERED_MESSAGE" });
    }
    const text = await gnupg.gpg(["--trust-model", "always", "-r", person("alice").fingerprint, "-e"], "no key");
    writeFileSync(path, text);
    await git(["add", "-f", path]);
    await expect(keysFrom(byGpg())).rejects.toMatchObject({ code: "MALFORMED_KEY_FILE" });
  });

  test("without any there is nothing to open", async () => {
    expect(await keysFrom(byGpg())).toEqual([]);
  });
});
