import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { notCurrent } from "./blobs.ts";
import { makeTemplate, type Template, type World } from "./world.ts";

/*
 * Four people and what they do each day: nobody needs to notice that there is a log.
 */

let template: Template;
let world: World;

beforeAll(async () => void (template = await makeTemplate(["alice", "bob", "carol", "dave"], ["erin"])));
afterAll(() => template.close());
beforeEach(() => void (world = template.begin()));

describe("everyday", () => {
  test("init, grant, push, clone, unlock, edit, pull", async () => {
    const fresh = join(world.home("alice"), "fresh");
    mkdirSync(fresh);
    await world.as("alice", `git init -q --bare ${world.folder}/fresh.git && git init -q .`, fresh);
    const alice = (line: string): Promise<string> => world.as("alice", line, fresh);
    expect(await alice("vault init 'secrets/**'")).toMatch(
      /made the key default[^]*members log in \.git-vault is staged, and begins with you/,
    );
    await alice("mkdir secrets && echo one > secrets/a && git add -A && git commit -q -m one");
    await alice(`git remote add origin file://${world.folder}/fresh.git && git push -q -u origin main`);
    expect(await alice("vault grant bob")).toMatch(/granted the key default to github:bob, as an admin/);
    await alice("git push -q");
    const clone = join(world.home("bob"), "fresh");
    await world.as("bob", `git clone -q file://${world.folder}/fresh.git ${clone}`, world.folder);
    const bob = (line: string): Promise<string> => world.as("bob", line, clone);
    const asked = await world.trying("bob", "vault unlock", clone);
    expect([asked.status, asked.said]).toEqual([2, expect.stringMatching(/is new here: started by github:alice/)]);
    expect(await bob("vault unlock --yes")).toMatch(/unlocked with the key default: 1 file decrypted\n.*as github:bob/);
    expect(await bob("cat secrets/a")).toBe("one\n");
    await bob("echo two >> secrets/a && git commit -q -am two && git push -q");
    await alice("git pull -q");
    expect(await alice("cat secrets/a")).toBe("one\ntwo\n");
    for (const [name, where] of [
      ["alice", fresh],
      ["bob", clone],
    ] as const) {
      await world.as(name, "vault status && vault holders", where);
      expect(await notCurrent(world, name, where)).toEqual([]);
    }
  });

  test("in a clone, a message is told by whom the members log has its key, which proves nothing", async () => {
    const seal = "vault share -q --sign --sign-key ~/.ssh/id_ed25519 --to bob secrets/password";
    await world.as("alice", `${seal} > ../signed && git config github.user carol && ${seal} --yes > ../as-carol`);
    const view = async (flags: string, file: string): Promise<[number | null, string]> => {
      const { status, said } = await world.trying("bob", `vault view ${flags} ${world.home("alice")}/${file}`);
      return [status, said];
    };
    const alice = "the members log here has that key as github:alice's";
    expect(await view("--offline", "signed")).toEqual([0, expect.stringMatching(`signed as github:alice.*${alice}`)]);
    expect(await view("--offline --require-signature", "signed")).toEqual([10, expect.any(String)]);
    const otherwise = "SAYS OTHERWISE: it has that key as github:alice's";
    expect(await view("--offline", "as-carol")).toEqual([0, expect.stringContaining(otherwise)]);
    await world.as(
      "alice",
      `git config --global --unset github.user; git config --unset github.user; ${seal} > ../unnamed`,
    );
    expect(await view("", "unnamed")).toEqual([0, expect.stringMatching(`NOBODY NAMED.*${alice}`)]);
  });

  test("a key that was sent in a message is noted, and the log tells it to people and to programs", async () => {
    const said = await world.as("alice", "vault share --to bob --to erin --note >/dev/null");
    expect(said).toMatch(/noted in the members log: [0-9a-f]{10}; push it/);
    await world.as("alice", "git push -q");
    await world.as("bob", "git pull -q");
    const text = "the key default was sent to github:bob, github:erin";
    expect(await world.as("bob", "vault log")).toMatch(new RegExp(`  github:alice  noted: ${text}$`, "m"));
    const { entries } = JSON.parse(await world.as("bob", "vault log --json")) as {
      entries: { action: string; author: string; text: string | null }[];
    };
    expect(entries.filter((entry) => entry.text !== null)).toEqual([
      expect.objectContaining({ action: "note", author: "github:alice", text, counts: true, present: true }),
    ]);
    await world.as("bob", "vault status");
  });

  test("somebody is granted the key while others work", async () => {
    world.write("bob", "secrets/bob", "by bob\n");
    await world.as("bob", "git add -A && git commit -q -m bob");
    await world.as("alice", "vault grant erin && git push -q");
    await world.as("bob", "git pull -q --no-edit && git push -q");
    await world.push("carol", "README", "x\n").catch(() => world.as("carol", "git pull -q --no-edit && git push -q"));
    await world.join("erin");
    await world.as("erin", "vault unlock --yes");
    expect(world.read("erin", "secrets/bob")).toBe("by bob\n");
    await world.push("erin", "secrets/erin", "by erin\n");
    for (const name of ["alice", "bob", "carol", "dave"]) {
      await world.as(name, "git pull -q --no-edit");
      expect(world.read(name, "secrets/erin")).toBe("by erin\n");
      await world.as(name, "vault status && vault holders");
      expect(await notCurrent(world, name)).toEqual([]);
    }
  });

  test("two people grant at once, on two branches that are merged without a conflict", async () => {
    await world.as("alice", "git switch -q -c one && vault grant erin");
    await world.as(
      "bob",
      "git switch -q -c two && vault grant erin && vault grant -q --ci=deploy > ci && git push -q origin two",
    );
    await world.as(
      "alice",
      "git fetch -q && git switch -q main && git merge -q --no-edit one && git merge -q --no-edit origin/two && git push -q",
    );
    const shown = await world.as("alice", "vault holders");
    expect(shown.match(/^(?:github|ci)\S+/gm)).toEqual([
      "ci:deploy",
      "github:alice",
      "github:bob",
      "github:carol",
      "github:dave",
      "github:erin",
    ]);
    await world.as("alice", "vault status");
    await world.join("erin");
    await world.as("erin", "vault unlock --yes");
    expect(world.read("erin", "secrets/password")).toBe("hunter2\n");
  });

  test("somebody leaves: the others pull and unlock, and who left reads nothing new", async () => {
    const report = await world.as("alice", "vault revoke dave");
    expect(report).toMatch(/the new key default will be for\n {2}github:alice\n[^]*github:bob\n[^]*github:carol\n/);
    expect(report).toMatch(/github:dave is no member any more[^]*\[ \] secrets\/password/);
    await world.push("alice", "secrets/password", "hunter3\n");
    // Fetched alone: it is told where the removal waits.
    const fetched = await world.trying("bob", "git fetch -q; vault status");
    expect([fetched.status, fetched.said]).toEqual([
      7,
      expect.stringMatching(/^removal-elsewhere: github:dave was removed on origin\/main by github:alice/m),
    ]);
    expect(fetched.said).not.toMatch(/log-cut/);
    for (const name of ["bob", "carol"]) {
      const pulled = await world.as(name, "git pull -q --no-edit");
      expect(pulled).toMatch(/secrets\/password stays encrypted/);
      const stopped = await world.trying(name, "echo x > secrets/x && git add secrets/x");
      expect([name, stopped.status]).toEqual([name, 128]);
      expect(await world.as(name, "vault unlock")).toMatch(/unlocked with the key default/);
      expect(world.read(name, "secrets/password")).toBe("hunter3\n");
      await world.as(name, "rm secrets/x && vault status");
      expect(await world.as(name, "git status --porcelain")).toBe("");
    }
    await world.as("dave", "git pull -q --no-edit");
    const shut = await world.trying("dave", "vault unlock < /dev/null");
    expect(shut.status).not.toBe(0);
    expect(shut.said).toMatch(
      /github:alice removed github:dave from the members log on 20[^]*hint: ask an admin of `vault holders`/,
    );
    expect(world.read("dave", "secrets/password")).not.toMatch(/hunter3/);
    await world.push("bob", "secrets/bob", "x\n");
    expect(await notCurrent(world, "bob")).toEqual([]);
  });
});
