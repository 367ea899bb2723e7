import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeKeyFile, keyId } from "@git-vault/git-crypt";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  adding,
  keyIn,
  keyOf,
  membershipIn,
  removing,
  starting,
  strangeKey,
  writeCopy,
  writeEntry,
} from "./adversary.ts";
import { keysOfBlobs, notCurrent } from "./blobs.ts";
import { makeTemplate, type Template, type World } from "./world.ts";

/*
 * What a clone can be shown: logs that were cut, replaced or doubled, and old branches. alice, bob
 * and mal are admins; eve is nobody, and may push.
 */

let template: Template;
let world: World;

beforeAll(async () => void (template = await makeTemplate(["alice", "bob", "mal"], ["eve"])));
afterAll(() => template.close());
beforeEach(() => void (world = template.begin()));

const as = (name: string, line: string, cwd?: string): Promise<string> => world.as(name, line, cwd);
const trying = (name: string, line: string, cwd?: string): ReturnType<World["trying"]> => world.trying(name, line, cwd);
const LOG = ".git-vault/members";
const holdersOf = async (name: string, cwd?: string): Promise<string[]> =>
  [...(await trying(name, "vault holders --offline", cwd)).said.matchAll(/^\S+(?= {2}(?:admin|reader))/gm)].map(
    ([one]) => one,
  );
const expectStatus = async (name: string, what: RegExp): Promise<void> => {
  const { status, said } = await trying(name, "vault status");
  expect([status, said]).toEqual([7, expect.stringMatching(what)]);
};
const malLeaves = async (): Promise<void> => {
  await as("alice", "vault revoke -q mal && git push -q");
  await as("bob", "git pull -q; vault unlock");
};
/**
 * Nobody's key is in what somebody commits now: it is refused, or opens by the key of the branch.
 */
async function encryptsWell(name: string, file = "secrets/new"): Promise<boolean> {
  world.write(name, file, "new\n");
  const added = await trying(name, `git add ${file} && git commit -q -m ${file}`);
  const theirs = (await keysOfBlobs(world, name)).find(({ path }) => path === file);
  expect([file, theirs?.by ?? "current"]).toEqual([file, "current"]);
  return added.status === 0;
}

describe("a log that was cut", () => {
  test("by a commit that deletes the removal: it counts still, and status says so", async () => {
    await malLeaves();
    await world.join("mal");
    await as(
      "mal",
      `git rm -q $(git log --format= --name-only --diff-filter=A -1 -- ${LOG}) && git commit -q -m cut && git push -q`,
    );
    for (const name of ["alice", "bob"]) {
      await as(name, "git pull -q --no-edit");
      await expectStatus(name, /^log-cut: the branch lacks 1 entry [^\n]*1 removal among them/m);
      // Else they would write for mal again.
      expect(await encryptsWell(name, `secrets/${name}`)).toBe(false);
      expect((await trying(name, `git add secrets/${name}`)).said).toMatch(
        /a removal of somebody who has it was taken off this branch/,
      );
      await as(name, `rm secrets/${name}`);
    }
    await world.join("bob");
    await as("bob", "vault unlock --yes");
    await expectStatus("bob", /^log-cut: /m);
    const again = await trying("bob", "vault grant mal");
    expect([again.status, again.said]).toEqual([2, expect.stringMatching(/was removed before/)]);
    // The way out.
    await as("alice", "vault revoke -q mal && git push -q && vault status");
    expect(await encryptsWell("alice")).toBe(true);
    expect(await notCurrent(world, "alice")).toEqual([]);
  });

  test("in its middle: what builds on it counts on", async () => {
    await as("alice", "vault grant -q eve && git push -q");
    await as("bob", "git pull -q");
    const middle =
      (await as("bob", `git log --format= --name-only --diff-filter=A -- ${LOG}`)).trim().split("\n")[1] ?? "";
    await as("mal", "git pull -q");
    await as("mal", `git rm -q ${middle} && git commit -q -m cut && git push -q`);
    for (const name of ["alice", "bob"]) {
      await as(name, "git pull -q --no-edit");
      expect(await holdersOf(name)).toEqual(["github:alice", "github:bob", "github:eve", "github:mal"]);
      await expectStatus(name, /^log-cut: /m);
    }
    await world.push("alice", "secrets/new", "new\n");
    expect(await notCurrent(world, "alice")).toEqual([]);
    // A clone without the history knows that something is missing.
    await world.join("eve", "--depth 1");
    const shallow = await trying("eve", "vault unlock --yes < /dev/null; vault status");
    expect(shallow.said).toMatch(/missing|no private key here is a member's|accepted/);
    // What is written next puts it back.
    await as("alice", "vault grant -q --ci=x -o ~/x && git push -q && vault status");
    expect(await as("alice", `git ls-files ${middle}`)).toContain(middle);
  });

  test("whole, on a branch: status says so, and the key of no other branch is used", async () => {
    await as("alice", "git switch -q -c away && vault rotate -q && git switch -q main");
    await as("alice", "git switch -q -c bare && git rm -q -r .git-vault && git commit -q -m bare");
    await expectStatus("alice", /^log-cut: /m);
    world.write("alice", "secrets/bare", "x\n");
    const refused = await trying("alice", "git add secrets/bare");
    expect([refused.status, refused.said]).toEqual([
      128,
      expect.stringMatching(/this branch lacks the members log that this clone knows/),
    ]);
    expect((await trying("alice", "vault grant eve")).status).not.toBe(0);
    await as("alice", "rm secrets/bare && git switch -q main");
    world.write("alice", "secrets/main", "x\n");
    await as("alice", "git add secrets/main && git commit -q -m x");
    expect(await notCurrent(world, "alice")).toEqual([]);
  });

  test("by pushing what was before a removal: who saw it is told, and nobody comes back by it", async () => {
    const before = (await as("mal", "git rev-parse HEAD")).trim();
    await malLeaves();
    await as("alice", "vault status");
    await as("mal", `git push -q -f origin ${before}:refs/heads/main`);
    for (const name of ["alice", "bob"]) {
      await as(name, "git fetch -q && git reset -q --hard origin/main");
      await expectStatus(name, /^log-cut: the branch lacks 1 entry [^\n]*1 removal among them/m);
      const again = await trying(name, "vault grant mal");
      expect([name, again.status]).not.toEqual([name, 0]);
      expect([name, await encryptsWell(name)]).toEqual([name, false]);
      await as(name, "rm -f secrets/new");
    }
    // What it is to be mended by.
    await as("alice", "git reset -q --hard HEAD@{1} && git push -q -f && vault unlock && vault status");
    await world.push("alice", "secrets/new", "new\n");
    expect(await notCurrent(world, "alice")).toEqual([]);
  });

  test("by pushing over a removal before a command of ours ran: git knows what was pushed and fetched", async () => {
    const before = (await as("mal", "git rev-parse HEAD")).trim();
    await as("alice", "vault revoke -q mal && git push -q");
    await as("bob", "git fetch -q");
    await as("mal", `git push -q -f origin ${before}:refs/heads/main`);
    for (const name of ["alice", "bob"]) {
      await as(name, "git fetch -q && git reset -q --hard origin/main");
      // The filter is asked first: what it knew of this commit holds no more.
      expect([name, await encryptsWell(name)]).toEqual([name, false]);
      await expectStatus(name, /^log-cut: the branch lacks 1 entry [^\n]*1 removal among them/m);
      // It is remembered from then on.
      await as(name, "rm -rf secrets/new .git/logs");
      await expectStatus(name, /^log-cut: /m);
    }
  });

  test("by its author, who never pushed it, is nothing to worry about", async () => {
    await as("alice", "vault revoke -q mal && git reset -q --hard origin/main && vault status");
    await as("alice", "vault revoke -q bob && vault status");
    await world.push("bob", "secrets/bob", "x\n");
    expect((await trying("alice", "git push -q")).status).not.toBe(0);
    await as("alice", "git fetch -q && git reset -q --hard origin/main && vault status");
    expect(await encryptsWell("alice")).toBe(true);
  });
});

describe("another log", () => {
  /**
   * eve starts a log in her clone, with herself called alice, and a key of her own for everybody.
   */
  const startOfEve = async (): Promise<string> => {
    const key = strangeKey();
    const everybody = ["alice", "bob", "eve"].map((name) => keyOf(world, name));
    const copies = [await writeCopy(world, "eve", key, everybody)];
    const action = starting([keyOf(world, "eve")], key, { copies });
    const root = await writeEntry(world, "eve", "eve", action, { root: null });
    await as("eve", "git add -A .git-vault");
    return root;
  };

  test("beside the first changes nothing, in old clones nor in new ones", async () => {
    await world.join("eve");
    await startOfEve();
    await as("eve", "git commit -q -m mine && git push -q origin HEAD:main");
    await as("alice", "git pull -q --no-edit");
    await as("alice", "vault unlock");
    expect(await holdersOf("alice")).toEqual(["github:alice", "github:bob", "github:mal"]);
    await world.push("alice", "secrets/new", "new\n");
    await world.join("bob");
    const asked = await trying("bob", "vault unlock --yes");
    expect([asked.status, asked.said]).toEqual([0, expect.stringMatching(/as github:bob of the members log/)]);
    expect(world.read("bob", "secrets/new")).toBe("new\n");
    for (const name of ["alice", "bob"]) expect(await notCurrent(world, name)).toEqual([]);
  });

  test("in the place of the first, on an orphan branch: nothing is used until somebody says so", async () => {
    await world.join("eve");
    await as("eve", "git checkout -q --orphan fresh && git rm -q -r --cached .git-vault && rm -rf .git-vault");
    await startOfEve();
    await as("eve", "git add -A && git commit -q -m fresh && git push -q -f origin HEAD:main HEAD:fresh");
    await as("alice", "git fetch -q && git checkout -q -f -b fresh origin/fresh");
    const stopped = await trying("alice", "vault unlock");
    expect([stopped.status === 0, stopped.said]).toEqual([
      false,
      expect.stringMatching(/another than the one that was accepted, SHA256:/),
    ]);
    await expectStatus("alice", /^other-log: /m);
    expect(await encryptsWell("alice")).toBe(false);
    for (const line of ["vault grant bob", "vault rotate", "vault revoke mal", "vault sync"]) {
      expect([line, (await trying("alice", line)).status === 0]).toEqual([line, false]);
    }
    // The same by the user's memory of the address, in a clone that they make now.
    await world.join("bob");
    const fresh = await trying("bob", "vault unlock --yes");
    expect([fresh.status === 0, fresh.said]).toEqual([
      false,
      expect.stringMatching(/another than the one that was accepted/),
    ]);
    expect(existsSync(join(world.clone("bob"), ".git/git-crypt"))).toBe(false);
  });

  test("than the one that is demanded, by a flag or by a variable, stops everything", async () => {
    const { root } = await membershipIn(world, "alice");
    const text = (hex: string): string => `SHA256:${Buffer.from(hex, "hex").toString("base64").replace(/=+$/, "")}`;
    const wrong = text("1".repeat(64));
    await world.join("bob");
    expect((await trying("bob", `vault unlock --root ${wrong}`)).said).toMatch(/not the one that is demanded/);
    const byVariable = await world.trying("bob", "vault unlock", undefined, { GIT_VAULT_ROOT: wrong });
    expect([byVariable.status === 0, byVariable.said]).toEqual([false, expect.stringMatching(/another than the one/)]);
    const odd = await world.trying("bob", "vault unlock", undefined, { GIT_VAULT_ROOT: "SHA256:x" });
    expect(odd.said).toMatch(/GIT_VAULT_ROOT: expected the root of a members log/);
    await as("bob", `vault unlock --root ${text(root ?? "")}`);
    expect(world.read("bob", "secrets/password")).toBe("hunter2\n");
  });

  test("that an outsider starts where there was none: no key of theirs is used", async () => {
    await as("alice", `git init -q --bare ${world.folder}/old.git && git init -q ${world.home("alice")}/old`);
    const old = join(world.home("alice"), "old");
    const key = strangeKey();
    writeFileSync(join(world.home("alice"), "key"), encodeKeyFile(key), { mode: 0o600 });
    writeFileSync(join(old, ".gitattributes"), "secrets/** filter=git-crypt diff=git-crypt\n");
    mkdirSync(join(old, "secrets"));
    writeFileSync(join(old, "secrets/a"), "hunter2\n");
    await as(
      "alice",
      `vault unlock ~/key && git add -A && git commit -q -m a && git remote add origin file://${world.folder}/old.git && git push -q -u origin main`,
      old,
    );
    const eves = join(world.home("eve"), "old");
    await as("eve", `git clone -q file://${world.folder}/old.git ${eves}`, world.folder);
    const evil: World = {
      ...world,
      clone: () => eves,
      write: (_, file, text) => {
        mkdirSync(join(eves, file, ".."), { recursive: true });
        writeFileSync(join(eves, file), text);
      },
    };
    const own = strangeKey();
    const everybody = ["alice", "bob"].map((name) => keyOf(world, name));
    const copies = [await writeCopy(evil, "eve", own, everybody)];
    const action = starting([keyOf(world, "eve")], own, { copies });
    await writeEntry(evil, "eve", "eve", action, { root: null });
    await as("eve", "git add -A && git commit -q -m log && git push -q", eves);
    await as("alice", "git pull -q", old);
    const status = await trying("alice", "vault status", old);
    expect([status.status, status.said]).toEqual([
      7,
      expect.stringMatching(/^new-log: the members log is not confirmed/m),
    ]);
    const added = await trying("alice", "echo x > secrets/x && git add secrets/x", old);
    expect(added.status).not.toBe(0);
    for (const line of ["vault unlock < /dev/null", "vault grant bob", "vault rotate"]) {
      const stopped = await trying("alice", line, old);
      expect([line, stopped.status, stopped.said]).toEqual([
        line,
        2,
        expect.stringMatching(/is new here: started by github:alice[^]*not confirmed in this clone/),
      ]);
    }
    expect(readdirSync(join(old, ".git/git-crypt/keys"))).toEqual(["default"]);
    // The way out: it goes, and alice starts her own.
    await as(
      "alice",
      "git rm -q -r .git-vault && git commit -q -m away && git push -q && vault grant -q bob && git push -q",
      old,
    );
    expect(await holdersOf("alice", old)).toEqual(["github:alice", "github:bob"]);
    await as("alice", "git add secrets/x && git commit -q -m x && vault status", old);
  });
});

describe("clones that know less", () => {
  test("a shallow one takes nobody back who was removed: it asks for the history", async () => {
    await malLeaves();
    const mal =
      (await membershipIn(world, "mal")).members.find(({ label }) => label === "github:mal")?.records[0] ?? "";
    await as("mal", "git pull -q");
    await writeEntry(world, "mal", "mal", adding([keyOf(world, "eve")], { label: "github:eve" }), { parents: [mal] });
    await writeEntry(world, "mal", "mal", removing([keyOf(world, "bob").id]), { parents: [mal] });
    await as("mal", "git add -A && git commit -q -m late && git push -q");
    await world.join("alice", "--depth 1");
    const stopped = await trying("alice", "vault unlock --yes");
    expect([stopped.status, stopped.said]).toEqual([1, expect.stringMatching(/shallow clone lacks the history/)]);
    await as("alice", "git fetch -q --unshallow && vault unlock --yes");
    expect(await holdersOf("alice")).not.toContain("github:mal");
    expect(await holdersOf("alice")).not.toContain("github:eve");
    expect(await encryptsWell("alice")).toBe(true);
    expect(await notCurrent(world, "alice")).toEqual([]);
  });

  test("a log in a submodule is the submodule's own", async () => {
    await as("bob", `git init -q --bare ${world.folder}/super.git && git init -q ~/super`);
    const above = join(world.home("bob"), "super");
    await as("bob", `git submodule add -q file://${world.folder}/origin.git sub && git commit -q -m sub`, above);
    await as(
      "bob",
      "vault init -q 'secrets/**' && mkdir secrets && echo top > secrets/top && git add -A && git commit -q -m top",
      above,
    );
    const sub = join(above, "sub");
    const asked = await trying("bob", "vault unlock", sub);
    // The address is known to bob.
    expect([asked.status, asked.said]).toEqual([0, expect.stringMatching(/as github:bob/)]);
    expect(await holdersOf("bob", sub)).toEqual(["github:alice", "github:bob", "github:mal"]);
    expect(await holdersOf("bob", above)).toEqual(["github:bob"]);
    await as("bob", "echo x > secrets/x && git add secrets/x && git commit -q -m x && vault status", sub);
    await as("bob", "git add sub && git commit -q -m moved && vault status", above);
    expect(await notCurrent(world, "bob", sub)).toEqual([]);
    expect(await notCurrent(world, "bob", above)).toEqual([]);
    // Nor does that of the submodule say anything above, where somebody copies it there.
    await as("bob", `cp sub/${LOG}/* ${LOG}/ && git add -A && git commit -q -m copied`, above);
    expect(await holdersOf("bob", above)).toEqual(["github:bob"]);
    expect(await notCurrent(world, "bob", above)).toEqual([]);
  });

  test("a checkout without the folder encrypts as the index says", async () => {
    await as("alice", "git sparse-checkout set --no-cone '/*' '!/.git-vault' && rm -rf .git-vault");
    expect(await encryptsWell("alice")).toBe(true);
    expect(await notCurrent(world, "alice")).toEqual([]);
    expect(await holdersOf("alice")).toHaveLength(3);
  });
});

describe("what git's environment says", () => {
  test("an index without the log encrypts with no key that waits on another branch", async () => {
    await as("alice", "git switch -q -c away && vault rotate -q && git switch -q main");
    world.write("alice", "secrets/new", "new\n");
    const other = await as(
      "alice",
      "export GIT_INDEX_FILE=.git/other && git read-tree --empty && git add .gitattributes secrets/new && git ls-files -s secrets/new",
    );
    const [, oid = ""] = / ([0-9a-f]{40}) /.exec(other) ?? [];
    await as("alice", `git update-index --add --cacheinfo 100644,${oid},secrets/new && git commit -q -m new`);
    expect(await notCurrent(world, "alice")).toEqual([]);
    // Entries that are deleted in the index alone.
    await as("alice", `git rm -q -r --cached ${LOG}`);
    world.write("alice", "secrets/newer", "newer\n");
    await as("alice", "git add secrets/newer && git reset -q -- .git-vault && git commit -q -m newer");
    expect(await notCurrent(world, "alice")).toEqual([]);
  });

  test("GIT_DIR and GIT_WORK_TREE from elsewhere change nothing", async () => {
    const gitDir = join(world.clone("alice"), ".git");
    const env = { GIT_DIR: gitDir, GIT_WORK_TREE: world.clone("alice") };
    world.write("alice", "secrets/new", "new\n");
    const added = await world.trying(
      "alice",
      "git add -A && git commit -q -m new && vault status && vault holders",
      world.clone("bob"),
      env,
    );
    expect([added.status, added.said]).toEqual([0, expect.stringContaining("github:mal")]);
    expect(await notCurrent(world, "alice")).toEqual([]);
    expect(keyId(keyIn(world, "alice"))).toBe(keyId(keyIn(world, "bob")));
  });
});
