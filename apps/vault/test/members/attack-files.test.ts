import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { keyId } from "@git-vault/git-crypt";
import { cases } from "@git-vault/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { adding, keyIn, keyOf, recordOf, strangeKey, writeCopy, writeEntry } from "./adversary.ts";
import { notCurrent } from "./blobs.ts";
import { makeTemplate, type Template, type World } from "./world.ts";

/*
 * What can lie in the folder of the log and beside it. alice, bob and mal are admins; eve is
 * nobody, and whatever she pushes is merged.
 */

let template: Template;
let world: World;

beforeAll(async () => void (template = await makeTemplate(["alice", "bob", "mal"], ["eve"])));
afterAll(() => template.close());
beforeEach(async () => {
  world = template.begin();
  await world.join("eve");
});

const as = (name: string, line: string): Promise<string> => world.as(name, line);
const trying = (name: string, line: string): ReturnType<World["trying"]> => world.trying(name, line);
const LOG = ".git-vault/members";
const TEAM = ["github:alice", "github:bob", "github:mal"];
const holdersOf = async (name: string): Promise<string[]> =>
  [...(await trying(name, "vault holders --offline")).said.matchAll(/^\S+(?= {2}(?:admin|reader))/gm)].map(
    ([one]) => one,
  );
const push = (message = "change"): Promise<string> =>
  as("eve", `git add -A && git commit -q -m '${message}' && git push -q origin HEAD:main`);
const entriesOf = (name: string): string[] =>
  readdirSync(join(world.clone(name), LOG)).filter((one) => /^[0-9a-f]{64}$/.test(one));

/** Everybody goes on as before: alice in her clone, and bob in a new one. */
async function expectEverybodyGoesOn(): Promise<void> {
  await as("alice", "git pull -q --no-edit");
  expect(await holdersOf("alice")).toEqual(TEAM);
  await world.push("alice", "secrets/new", "new\n");
  await world.join("bob");
  await as("bob", "vault unlock --yes");
  expect(world.read("bob", "secrets/new")).toBe("new\n");
  expect(await holdersOf("bob")).toEqual(TEAM);
  for (const name of ["alice", "bob"]) expect([name, await notCurrent(world, name)]).toEqual([name, []]);
}
const expectStatus = async (name: string, what: RegExp): Promise<void> => {
  const { status, said } = await trying(name, "vault status");
  expect([status, said]).toEqual([7, expect.stringMatching(what)]);
};

describe("an entry's file", () => {
  test("that is edited in place counts no more where it stands, and what it was is remembered", async () => {
    const mal = await recordOf(world, "eve", "mal");
    const text = world.read("eve", `${LOG}/${mal}`).replace(/^role: admin$/m, "role: reader");
    world.write("eve", `${LOG}/${mal}`, text);
    await push();
    await expectEverybodyGoesOn();
    await expectStatus(
      "alice",
      /^bad-entry: [0-9a-f]{64} was damaged, and counts as the history [^]*git checkout COMMIT/m,
    );
    await expectStatus("bob", /^bad-entry: /m);
  });

  test("that is copied under another name is none", async () => {
    const [first = ""] = entriesOf("eve");
    world.write("eve", `${LOG}/${"a".repeat(64)}`, world.read("eve", `${LOG}/${first}`));
    await push();
    await expectEverybodyGoesOn();
    await expectStatus("alice", /^bad-entry: a{64} is not a valid entry/m);
  });

  test("with the marks of a conflict, cut off, empty or with line ends of Windows is none", async () => {
    const [first = ""] = entriesOf("eve");
    const text = world.read("eve", `${LOG}/${first}`);
    const odd = [
      `<<<<<<< HEAD\n${text}=======\n${text}>>>>>>> x\n`,
      text.slice(0, 200),
      "",
      text.replaceAll("\n", "\r\n"),
      `\uFEFF${text}`,
    ];
    for (const [at, one] of odd.entries()) world.write("eve", `${LOG}/${String(at).repeat(64)}`, one);
    await push();
    await expectEverybodyGoesOn();
    const { said } = await trying("alice", "vault status");
    expect(said.match(/^bad-entry: /gm)).toHaveLength(odd.length);
  });

  test("may say odd things, of which a terminal shows nothing but text", async () => {
    const labels = ["\u202Egithub:ecila", "a\u200Bb", "github:alice ", "github:аlice", "#.__proto__", "x".repeat(200)];
    for (const label of labels) {
      const { readMemberKey } = await import("@git-vault/members");
      const key = readMemberKey(`openpgp ${randomBytes(20).toString("hex").toUpperCase()}`);
      await writeEntry(world, "mal", "mal", adding([key], { role: "reader", label }));
    }
    const [first = ""] = entriesOf("mal");
    const raw = world.read("mal", `${LOG}/${first}`).replace(/^label: .*$/m, "label: \u001B[2Jx\u0007\nkey: x");
    world.write("mal", `${LOG}/${"b".repeat(64)}`, raw);
    await as("mal", "git add -A && git commit -q -m odd && git push -q");
    await as("alice", "git pull -q --no-edit");
    for (const line of [
      "vault log",
      "vault holders --offline",
      "vault status",
      "vault holders --offline --markdown",
      "vault log --json",
      "vault holders --offline --json",
    ]) {
      const { said } = await trying("alice", line);
      // eslint-disable-next-line no-control-regex
      expect([line, /[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069]/.test(said)]).toEqual([
        line,
        false,
      ]);
      expect([line, said]).toEqual([line, expect.stringMatching(/github(?::|&#58;)bob|^bad-entry/m)]);
    }
    const removed = await trying("alice", "vault revoke 'github:alice '");
    expect(removed.status).not.toBe(0);
  });
});

describe("the folder of the log", () => {
  test("with thousands of files of junk is read as before", async () => {
    const folder = join(world.clone("eve"), LOG);
    // More than the names that git is given in one command.
    const junk = cases(1200, 5000);
    for (let at = 0; at < junk; at += 1) {
      writeFileSync(join(folder, at % 2 === 0 ? at.toString(16).padStart(64, "0") : `junk-${at}`), `junk ${at}`);
    }
    await push();
    await expectEverybodyGoesOn();
    const { said } = await trying("alice", "vault status");
    // They bury nothing else that is to be told.
    expect(said.match(/^bad-entry: /gm)).toHaveLength(21);
    expect(said).toContain(`\nbad-entry: ${junk / 2 - 20} more files like these\n`);
  });

  test("with 10 MB by an entry's name is read as before", async () => {
    world.write("eve", `${LOG}/${"c".repeat(64)}`, Buffer.alloc(10 * 1024 * 1024, "root: start\n"));
    world.write(
      "eve",
      `.git-vault/sealed/default/${keyId(keyIn(world, "alice"))}/${"c".repeat(64)}.age`,
      Buffer.alloc(10 * 1024 * 1024),
    );
    await push();
    await expectEverybodyGoesOn();
  });

  test("with a link, a folder and a submodule by an entry's name is read as before", async () => {
    const folder = join(world.clone("eve"), LOG);
    const [first = ""] = entriesOf("eve");
    symlinkSync(`../members/${first}`, join(folder, "d".repeat(64)));
    symlinkSync("/etc/passwd", join(folder, "e".repeat(64)));
    mkdirSync(join(folder, "f".repeat(64)));
    writeFileSync(join(folder, "f".repeat(64), first), readFileSync(join(folder, first)));
    await as("eve", `git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),${LOG}/${"0".repeat(64)}`);
    await push();
    await expectEverybodyGoesOn();
  });

  test("that is a link to another one names nobody", async () => {
    await as(
      "eve",
      `mkdir other && cp ${LOG}/* other && git rm -q -r --cached ${LOG} && rm -r ${LOG} && ln -s ../other ${LOG}`,
    );
    await push();
    await as("alice", "git pull -q --no-edit");
    await expectStatus("alice", /^log-cut: /m);
    const added = await trying("alice", "echo x > secrets/x && git add secrets/x");
    expect([added.status, added.said]).toEqual([128, expect.stringMatching(/this branch lacks the members log/)]);
  });

  test("is not protected by anyone who says so in .gitattributes", async () => {
    world.write("eve", ".git-vault/.gitattributes", "* filter=git-crypt diff=git-crypt\n");
    world.write("eve", ".gitattributes", "** filter=git-crypt diff=git-crypt\n");
    await as("eve", "git add -A && git commit -q -m attributes && git push -q origin HEAD:main");
    await as("alice", "git pull -q --no-edit");
    await trying("alice", "git add --renormalize . && git commit -q -m renormalized; git push -q");
    await trying("alice", "vault grant -q eve && git push -q");
    const stored = await as(
      "alice",
      `for f in $(git ls-files ${LOG}); do git cat-file blob :$f | head -c 20 | head -1; done`,
    );
    const entries = entriesOf("alice").length;
    expect([stored.match(/git-vault entry v1/g)?.length, stored.includes("GITCRYPT")]).toEqual([entries, false]);
    await world.join("bob");
    expect((await trying("bob", "vault unlock --yes")).said).toMatch(/unlocked with the key default/);
  });
});

describe("attributes", () => {
  test.each([
    ["text eol=crlf", "* text eol=crlf\n"],
    ["an encoding", "* text working-tree-encoding=UTF-16\n.gitattributes !working-tree-encoding\n"],
    ["git's own filter", "* filter=git-crypt diff=git-crypt merge=git-crypt\n"],
    ["a program of somebody's", "* filter=spoil ident text=auto\n"],
  ])("with %s change no entry, keep no clone dirty, and are told", async (_, attributes) => {
    // What git does with CR and LF in a file of text keeps clones dirty for ever.
    world.write("eve", `${LOG}/junk`, "one\r\ntwo\n$Id$\n");
    await push("junk");
    for (const folder of [LOG, ".git-vault/sealed"]) world.write("eve", `${folder}/.gitattributes`, attributes);
    const files = `${LOG}/.gitattributes .git-vault/sealed/.gitattributes`;
    await as("eve", `git add ${files} && git commit -q -m attributes && git push -q origin HEAD:main`);
    const spoil = "git config filter.spoil.clean 'tr a-z A-Z' && git config filter.spoil.smudge 'tr a-z A-Z'";
    await as("alice", `${spoil} && git pull -q --no-edit`);
    await expectStatus("alice", /^own-attributes: \.git-vault\/members\/\.gitattributes changes how git treats/m);
    await as("alice", "vault grant -q eve && git push -q");
    await world.join("bob");
    await as("bob", `${spoil} && vault unlock --yes`);
    for (const name of ["alice", "bob"]) {
      await as(name, "git ls-files -z | xargs -0 touch");
      expect([name, await as(name, "git status --porcelain")]).toEqual([name, ""]);
    }
    expect(await holdersOf("bob")).toEqual(["github:alice", "github:bob", "github:eve", "github:mal"]);
    const entries = entriesOf("bob");
    const stored = await as("bob", `for f in ${entries.join(" ")}; do git cat-file blob :${LOG}/$f | head -1; done`);
    expect(stored).toBe("git-vault entry v1\n".repeat(entries.length));
    await as("bob", "vault revoke -q mal --keep eve --keep alice && git push -q");
    await world.join("eve");
    await as("eve", "vault unlock --yes");
    expect(world.read("eve", "secrets/password")).toBe("hunter2\n");
    expect(await notCurrent(world, "eve")).toEqual([]);
  });

  test("of the user's own, for all repositories, change no entry in a clone, locked or not", async () => {
    const all = ".git-vault/** text eol=crlf filter=spoil ident working-tree-encoding=UTF-16\n";
    writeFileSync(join(world.home("bob"), "attributes"), all);
    const spoil = "git config --global filter.spoil.clean 'tr a-z A-Z' && git config --global filter.spoil.smudge rev";
    await as("bob", `${spoil} && git config --global core.attributesFile ~/attributes`);
    await world.join("bob");
    const expectClean = async (): Promise<void> => {
      await as("bob", "git ls-files -z | xargs -0 touch");
      expect(await as("bob", "git add -A .git-vault && git status --porcelain")).toBe("");
      const same = "for f in $(git ls-files .git-vault); do git cat-file blob :$f | cmp - $f; done";
      expect(await as("bob", same)).toBe("");
    };
    await expectClean();
    await as("bob", "vault unlock --yes");
    await expectClean();
    await as("bob", "vault grant -q eve && git push -q");
    await expectClean();
  });

  test("a name among the entries that is none is inert", async () => {
    for (const name of ["README", "members.json", "A".repeat(64), "0".repeat(63), ".hidden", "sub/" + "0".repeat(64)]) {
      world.write("eve", `${LOG}/${name}`, "junk\n");
    }
    await push();
    await expectEverybodyGoesOn();
    await as("alice", "vault status && vault holders");
  });
});

describe("a sealed copy", () => {
  const everybody = (): ReturnType<typeof keyOf>[] => ["alice", "bob", "mal"].map((name) => keyOf(world, name));

  const generation = (): string => keyId(keyIn(world, "alice"));
  const folder = (): string => `.git-vault/sealed/default/${generation()}`;
  const copiesOf = (name: string): string[] => readdirSync(join(world.clone(name), folder()));

  /** The one who lost their copy says so, and an admin's sync makes it again. */
  async function expectMadeAgain(strange: boolean): Promise<void> {
    await as("alice", "git pull -q --no-edit");
    await expectStatus("alice", /^no-copy: github:bob may open the key default, and no copy of it is for them/m);
    if (strange)
      await expectStatus("alice", /^strange-copy: \S+\.age(?:, and \d others?)?: not as an admin sealed it/m);
    const checked = await trying("alice", "vault sync --check");
    expect([checked.status, checked.said]).toEqual([
      7,
      expect.stringContaining("no copy of the key default is for them"),
    ]);
    expect((await trying("alice", "vault holders --offline")).status).toBe(7);
    await as("alice", "vault sync && git push -q");
    await as("alice", "vault status && vault sync --check && vault holders --offline");
    await expectEverybodyGoesOn();
  }

  test("that is written over in place counts as missing, is named, and is made again", async () => {
    for (const file of copiesOf("eve")) world.write("eve", `${folder()}/${file}`, "junk\n");
    await push();
    await world.join("bob");
    const stopped = await trying("bob", "vault unlock --yes < /dev/null");
    expect([stopped.status === 0, stopped.said]).toEqual([
      false,
      expect.stringContaining("it was changed after it was sealed"),
    ]);
    await expectMadeAgain(true);
  });

  test("that is replaced by one for somebody else, by a name that fits it, counts as missing", async () => {
    for (const file of copiesOf("eve")) await as("eve", `git rm -q ${folder()}/${file}`);
    await writeCopy(world, "eve", strangeKey(), [keyOf(world, "eve")], generation());
    await push();
    await expectMadeAgain(true);
  });

  test("that is gone is made again", async () => {
    for (const file of copiesOf("eve")) await as("eve", `git rm -q ${folder()}/${file}`);
    await push();
    await expectMadeAgain(false);
  });

  test("of an older key in the place of one of the present key counts as missing", async () => {
    const [file = ""] = copiesOf("alice");
    const old = world.read("alice", `${folder()}/${file}`);
    await as("alice", "vault rotate --keep mal && git push -q");
    await as("eve", "git pull -q");
    for (const one of copiesOf("eve")) await as("eve", `git rm -q ${folder()}/${one}`);
    world.write("eve", `${folder()}/${file}`, Buffer.from(old, "latin1"));
    await push();
    await expectMadeAgain(true);
  });

  test("that is a link, a folder or none at all keeps nobody from making copies", async () => {
    const [file = ""] = copiesOf("eve");
    for (const one of copiesOf("eve")) await as("eve", `git rm -q ${folder()}/${one}`);
    mkdirSync(join(world.clone("eve"), folder()), { recursive: true });
    symlinkSync("/etc/passwd", join(world.clone("eve"), folder(), file));
    world.write("eve", `${folder()}/odd\u001B[2J name`, "odd\n");
    world.write("eve", `.git-vault/sealed/default/${file}`, "");
    await push();
    await as("alice", "git pull -q --no-edit && vault sync && git push -q");
    await expectStatus("alice", /^strange-copy: /m);
    await expectEverybodyGoesOn();
  });

  test("of another key beside the right one is not opened, and is named", async () => {
    await writeCopy(world, "eve", strangeKey(), everybody(), generation());
    await push();
    await expectEverybodyGoesOn();
    await expectStatus("alice", /^strange-copy: /m);
    await world.join("bob");
    expect(await as("bob", "vault unlock --yes")).not.toMatch(/another key/);
    expect(keyId(keyIn(world, "bob"))).toBe(generation());
  });

  test("of another key by an admin is named, and hides nothing", async () => {
    const copies = [await writeCopy(world, "mal", strangeKey(), everybody(), generation())];
    const member = await recordOf(world, "mal", "bob");
    const fields = { keys: [], role: null, opens: [], label: "github:bob", readmits: [] };
    await writeEntry(world, "mal", "mal", { kind: "give", member, ...fields, copies });
    await as("mal", "git add -A && git commit -q -m copy && git push -q origin HEAD");
    await world.join("bob");
    await as("bob", "vault unlock --yes");
    expect(keyId(keyIn(world, "bob"))).toBe(generation());
    await as("alice", "git pull -q --no-edit");
    await expectEverybodyGoesOn();
  });

  test("that hangs on an entry which does not count is not read", async () => {
    const copies = [
      await writeCopy(world, "eve", strangeKey(), everybody()),
      await writeCopy(world, "eve", strangeKey(), everybody(), generation()),
    ];
    await writeEntry(world, "eve", "eve", adding([keyOf(world, "eve")], { copies }));
    await push();
    await expectEverybodyGoesOn();
    await world.join("bob");
    expect(await as("bob", "vault unlock --yes")).not.toMatch(/another key/);
  });

  test("is found among much junk, of which none is read", async () => {
    for (let at = 0; at < cases(1000, 2000); at += 1) {
      world.write("eve", `${folder()}/${at.toString(16).padStart(64, "0")}.age`, `junk ${at}`);
    }
    await push();
    await expectEverybodyGoesOn();
    await as("alice", "vault sync -q && git push -q && vault status");
  });
});

describe("a retired key", () => {
  test("by forged names says nothing of the keys that are", async () => {
    const current = keyId(keyIn(world, "alice"));
    const other = "0".repeat(32);
    for (const name of [
      `${current}.key`,
      `${current}.${other}.key`,
      `${current}.${other}.${other}.key`,
      `${other}.${current}.${other}.key`,
    ]) {
      world.write("eve", `.git-vault/retired/default/${name}`, "junk");
    }
    await push();
    await expectEverybodyGoesOn();
    await as("alice", "vault rotate -q && git push -q");
    await as("bob", "git pull -q --no-edit; vault unlock");
    expect(world.read("bob", "secrets/new")).toBe("new\n");
  });
});
