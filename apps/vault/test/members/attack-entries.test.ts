import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { keyId } from "@git-vault/git-crypt";
import { audienceOf, encodeDraft, MEMBERS_NAMESPACE, readLog, withDraft, type EntryDraft } from "@git-vault/members";
import { runOk } from "@git-vault/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  adding,
  keyIn,
  keyOf,
  membershipIn,
  newKey,
  recordOf,
  removing,
  strangeKey,
  writeCopy,
  writeEntry,
} from "./adversary.ts";
import { notCurrent } from "./blobs.ts";
import { makeTemplate, type Template, type World } from "./world.ts";

/*
 * What can be written into the log, and by whom. alice started it; bob, carol and mal are admins;
 * rita is a reader with a key that signs; eve is nobody.
 */

let template: Template;
let world: World;

beforeAll(async () => {
  template = await makeTemplate(["alice", "bob", "carol", "mal"], ["rita", "eve"], async (first) => {
    await first.as("alice", "vault grant -q --reader rita && git push -q");
    for (const name of ["bob", "carol", "mal"]) await first.as(name, "git pull -q");
  });
});
afterAll(() => template.close());
beforeEach(() => void (world = template.begin()));

const as = (name: string, line: string): Promise<string> => world.as(name, line);
const trying = (name: string, line: string): ReturnType<World["trying"]> => world.trying(name, line);
const TEAM = ["github:alice", "github:bob", "github:carol", "github:rita"];
const holdersOf = async (name: string): Promise<string[]> =>
  [...(await trying(name, "vault holders --offline")).said.matchAll(/^\S+(?= {2}(?:admin|reader))/gm)].map(
    ([one]) => one,
  );
/** Why entries do not count, in the order of the log. */
const vain = async (name: string): Promise<string[]> =>
  [...(await as(name, "vault log")).matchAll(/! does not count: ([^(;\n]*[^(;\n ])/g)].map(([, why = ""]) => why);

/**
 * Commits what lies in a clone and has it merged into alice's, as a forge merges what is pushed to
 * a branch.
 */
async function mergedFrom(name: string): Promise<void> {
  await as(name, "git add -A && git commit -q -m change && git push -q origin HEAD:refs/heads/pr-$$");
  await as(
    "alice",
    "git fetch -q && for b in $(git branch -r --list 'origin/pr-*'); do git merge -q --no-edit $b; done && git push -q",
  );
}

const malLeaves = (): Promise<string> => as("alice", "vault revoke -q mal && git push -q");

/** Whether a key of somebody's opens anything in a new clone of theirs. */
async function opens(name: string, key = "id_ed25519"): Promise<boolean> {
  await world.join(name);
  await trying(name, `vault unlock --yes -k ${world.home(name)}/.ssh/${key} < /dev/null`);
  return world.read(name, "secrets/password").startsWith("hunter");
}

describe("who was removed comes not back", () => {
  test("by their login in another case", async () => {
    expect(await as("alice", "vault revoke MAL && git push -q")).toMatch(/github:mal is no member any more/);
    for (const name of ["Mal", "MAL", "github:mAl"]) {
      const again = await trying("alice", `vault grant ${name}`);
      expect([name, again.status, again.said]).toEqual([name, 2, expect.stringMatching(/was removed before/)]);
    }
    expect(await holdersOf("alice")).toEqual(TEAM);
  });

  test("by a second key that they had", async () => {
    const second = await newKey(world, "mal", "id_second");
    world.github.users.get("mal")?.keys?.push(second.text);
    await as("alice", "vault sync -q --yes && git push -q");
    expect(await opens("mal", "id_second")).toBe(true);
    await malLeaves();
    writeFileSync(join(world.home("bob"), "friend.pub"), `${second.text}\n`);
    await as("bob", "git pull -q --no-edit; vault unlock");
    const again = await trying("bob", "vault grant ~/friend.pub");
    expect([again.status, again.said]).toEqual([2, expect.stringMatching(/file:friend was removed before/)]);
    await writeEntry(world, "bob", "bob", adding([second]));
    await mergedFrom("bob");
    expect(await vain("alice")).toEqual(["it brings back who was removed, and does not say so"]);
    // bob may have handed them the key with it.
    world.write("alice", "secrets/new", "new\n");
    const refused = await trying("alice", "git add secrets/new");
    expect([refused.status, refused.said]).toEqual([128, expect.stringMatching(/somebody who was removed has it/)]);
    await as("alice", "vault rotate -q && git add -A && git commit -q -m new && git push -q && vault status");
    expect(await notCurrent(world, "alice")).toEqual([]);
    expect(await opens("mal", "id_second")).toBe(false);
  });

  test("by an entry whose parent is far back, nor by one that removes the remover", async () => {
    const { root } = await membershipIn(world, "mal");
    const parents = [root ?? ""];
    const after = await recordOf(world, "mal", "mal");
    await malLeaves();
    const friend = await newKey(world, "mal", "id_friend");
    await writeEntry(world, "mal", "mal", adding([friend]), { parents: [after] });
    await writeEntry(world, "mal", "mal", adding([keyOf(world, "mal")], { label: "github:mal" }), { parents: [after] });
    await writeEntry(world, "mal", "mal", removing([keyOf(world, "alice").id]), { parents: [after] });
    await writeEntry(world, "mal", "mal", adding([friend]), { parents });
    const give = {
      kind: "give",
      member: after,
      keys: [friend],
      role: null,
      opens: [],
      label: null,
      readmits: [],
    } as const;
    await writeEntry(world, "mal", "mal", give, { parents: [after] });
    await mergedFrom("mal");
    expect(await holdersOf("alice")).toEqual(TEAM);
    expect(await vain("alice")).toHaveLength(5);
    await as("alice", "vault rotate -q && git push -q");
    await world.push("alice", "secrets/password", "hunter8\n");
    expect(await notCurrent(world, "alice")).toEqual([]);
    expect(await opens("mal", "id_friend")).toBe(false);
    // A clone that never saw the branch before says the same.
    await world.join("bob");
    await as("bob", "vault unlock --yes");
    expect(await holdersOf("bob")).toEqual(TEAM);
  });

  test("by a key of the repository that they make with an old parent: nobody takes it", async () => {
    const after = await recordOf(world, "mal", "mal");
    const { members } = await membershipIn(world, "mal");
    await malLeaves();
    const key = strangeKey();
    const generation = { keyName: "default", commitment: keyId(key), audience: audienceOf(members, "default") };
    const everybody = ["alice", "bob", "carol"].map((name) => keyOf(world, name));
    const copies = [await writeCopy(world, "mal", key, everybody)];
    const action = { kind: "generation" as const, generations: [generation], copies };
    await writeEntry(world, "mal", "mal", action, { parents: [after] });
    await mergedFrom("mal");
    expect(await vain("alice")).toEqual(["its author was removed"]);
    await as("alice", "vault unlock");
    const status = await trying("alice", "vault status");
    expect([status.status, status.said]).toEqual([7, expect.stringMatching(/^strange-copy: .*opened by nobody$/m)]);
    for (const name of ["alice", "bob"]) {
      if (name === "bob") await as("bob", "git pull -q; vault unlock");
      expect([name, keyId(keyIn(world, name)) === keyId(key)]).toEqual([name, false]);
      await world.push(name, `secrets/${name}`, "x\n");
      expect([name, await notCurrent(world, name)]).toEqual([name, []]);
      await trying("bob", "git pull -q");
    }
  });

  test("by an entry of their own that names the removal", async () => {
    await malLeaves();
    await as("mal", "git pull -q");
    const removal = (await membershipIn(world, "mal")).removed.flatMap(({ by }) => by)[0] ?? "";
    await writeEntry(world, "mal", "mal", adding([keyOf(world, "mal")], { label: "github:mal", readmits: [removal] }));
    await mergedFrom("mal");
    expect(await vain("alice")).toEqual(["its author was removed"]);
    expect(await holdersOf("alice")).toEqual(TEAM);
    await as("alice", "vault status");
  });

  test("but by an admin who says so", async () => {
    await malLeaves();
    await as("alice", "vault grant -q --readmit mal && git push -q");
    expect(await opens("mal")).toBe(true);
    expect(await vain("alice")).toEqual([]);
    await as("alice", "vault status");
  });
});

describe("who may not write", () => {
  test("a reader: by hand, and by the program", async () => {
    await world.join("rita");
    await as("rita", "vault unlock --yes");
    const stopped = await trying("rita", "vault grant eve");
    expect(stopped.status).not.toBe(0);
    expect(stopped.said).toMatch(/no key to sign with|belongs to a reader/);
    expect((await trying("rita", "vault revoke bob --sign-key ~/.ssh/id_ed25519")).said).toMatch(
      /belongs to a reader, who may only open/,
    );
    expect((await trying("rita", "vault rotate --sign-key ~/.ssh/id_ed25519")).said).toMatch(
      /belongs to a reader, who may only open/,
    );
    await writeEntry(world, "rita", "rita", adding([keyOf(world, "eve")]));
    await writeEntry(world, "rita", "rita", removing([keyOf(world, "bob").id]));
    const record = await recordOf(world, "rita", "rita");
    await writeEntry(world, "rita", "rita", {
      kind: "give",
      member: record,
      keys: [],
      role: "admin",
      opens: [],
      label: null,
      readmits: [],
    });
    await mergedFrom("rita");
    expect(await vain("alice")).toEqual(["its author is a reader", "its author is a reader", "its author is a reader"]);
    expect(await holdersOf("alice")).toEqual([
      "github:alice",
      "github:bob",
      "github:carol",
      "github:mal",
      "github:rita",
    ]);
    expect(await opens("eve")).toBe(false);
  });

  test("a CI system, which has a key that opens and none that signs", async () => {
    await as("alice", "vault grant -q --ci=deploy -o ~/identity && git push -q");
    const identity = readFileSync(join(world.home("alice"), "identity"), "utf8");
    await world.join("eve");
    const ci = (line: string): ReturnType<World["trying"]> =>
      world.trying("eve", line, undefined, { GIT_VAULT_IDENTITY: identity });
    expect((await ci("vault unlock")).said).toMatch(/as ci:deploy of the members log/);
    expect(world.read("eve", "secrets/password")).toBe("hunter2\n");
    for (const line of [
      "vault grant eve",
      "vault revoke bob",
      "vault rotate",
      "vault grant --sign-key ~/.ssh/id_ed25519 eve",
    ]) {
      const stopped = await ci(line);
      expect([line, stopped.status === 0]).toEqual([line, false]);
    }
    expect(await as("eve", "git status --porcelain && git log --oneline origin/main..")).toBe("");
  });

  test("somebody who says that another wrote it", async () => {
    await world.join("eve");
    const { root, heads } = await membershipIn(world, "eve");
    const action = adding([keyOf(world, "eve")], { label: "github:eve" });
    const draft: EntryDraft = {
      root,
      parents: heads,
      author: keyOf(world, "alice").id,
      time: "2026-11-29T00:00:00Z",
      action,
    };
    const message = encodeDraft(draft);
    const file = join(world.home("eve"), "message");
    for (const namespace of [MEMBERS_NAMESPACE, "git-vault", "git"]) {
      writeFileSync(file, message);
      const by = namespace === MEMBERS_NAMESPACE ? "eve" : "alice";
      await runOk("ssh-keygen", [
        "-q",
        "-Y",
        "sign",
        "-f",
        join(world.home(by), ".ssh/id_ed25519"),
        "-n",
        namespace,
        file,
      ]);
      const { id } = withDraft(await readLog([]), draft);
      world.write("eve", `.git-vault/members/${id}`, Buffer.concat([message, readFileSync(`${file}.sig`)]));
      await runOk("rm", [`${file}.sig`]);
      await as("eve", "git add -A && git commit -q -m forged");
      expect([namespace, await vain("eve")]).toEqual([namespace, ["its signature does not fit"]]);
    }
    await mergedFrom("eve").catch(() => as("eve", "git push -q origin HEAD:main"));
    await as("alice", "git pull -q --no-edit");
    expect(await holdersOf("alice")).not.toContain("github:eve");
    await as("alice", "vault rotate -q && git push -q");
    expect(await opens("eve")).toBe(false);
  });

  test("who hangs on somebody who does not count", async () => {
    await world.join("eve");
    const friend = await newKey(world, "eve", "id_friend");
    await writeEntry(world, "eve", "eve", adding([keyOf(world, "eve")]));
    await writeEntry(world, "eve", "eve", adding([friend]), { key: "id_ed25519" });
    await writeEntry(world, "eve", "eve", removing([keyOf(world, "alice").id]), { key: "id_friend" });
    await mergedFrom("eve");
    expect(new Set(await vain("alice")).size).toBeGreaterThan(0);
    expect(await vain("alice")).toHaveLength(3);
    expect(await holdersOf("alice")).toHaveLength(5);
    await as("alice", "vault status");
  });
});

describe("two admins at once", () => {
  const KEEP = "--keep bob --keep carol --keep rita";
  test("remove each other: one stays, everybody says the same one, and status tells", async () => {
    await as("mal", `git switch -q -c coup && vault revoke -q alice ${KEEP} && git push -q origin coup`);
    await as("alice", "vault revoke -q mal && git push -q");
    await as(
      "alice",
      "git fetch -q && git merge -q --no-edit origin/coup || (git checkout -q --ours . ; git add -A; git commit -q -m merged)",
    );
    await as("alice", "git push -q");
    expect(await holdersOf("alice")).toEqual(TEAM);
    const status = await trying("alice", "vault status");
    expect([status.status, status.said]).toEqual([
      7,
      expect.stringMatching(/^dispute: members removed each other at once/m),
    ]);
    await as("bob", "git pull -q --no-edit; vault unlock");
    expect(await holdersOf("bob")).toEqual(TEAM);
    await world.join("carol");
    await as("carol", "vault unlock --yes");
    expect(await holdersOf("carol")).toEqual(TEAM);
    await as("alice", "vault rotate -q && git push -q");
    expect(await opens("mal")).toBe(false);
    await world.push("alice", "secrets/password", "hunter8\n");
    expect(await notCurrent(world, "alice")).toEqual([]);
  });

  test("a removal that waits on somebody's branch is told, and changes nothing", async () => {
    await as("mal", `git switch -q -c coup && vault revoke -q alice ${KEEP} && git push -q origin coup`);
    await world.join("eve");
    await writeEntry(world, "eve", "eve", removing([keyOf(world, "bob").id]));
    await as("eve", "git add -A && git commit -q -m x && git push -q origin HEAD:refs/heads/evil");
    await as("alice", "git fetch -q");
    const status = await trying("alice", "vault status");
    expect(status.status).toBe(7);
    expect(status.said.match(/^removal-elsewhere: .*$/gm)).toEqual([
      expect.stringMatching(/github:alice was removed on origin\/coup by github:mal/),
    ]);
    await world.push("alice", "secrets/new", "new\n");
    expect(await notCurrent(world, "alice")).toEqual([]);
    await as("alice", "vault revoke -q mal && git push -q");
    expect(await holdersOf("alice")).toEqual(TEAM);
  });
});
