import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { encodeKeyFile, keyId } from "@git-vault/git-crypt";
import { audienceOf, readMemberKey } from "@git-vault/members";
import { generateIdentity } from "@git-vault/sealing";
import { peer, startGnuPg, type GnuPg } from "@git-vault/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  adding,
  commitBlob,
  keyIn,
  keyOf,
  membershipIn,
  newKey,
  recordOf,
  strangeKey,
  writeCopy,
  writeEntry,
} from "./adversary.ts";
import { keysOfBlobs, notCurrent } from "./blobs.ts";
import { makeTemplate, type Template, type World } from "./world.ts";

/*
 * The attacks that made grants a log. alice, bob, carol and mal have the key, eve never had one;
 * dave, where he is, is a reader with an OpenPGP key alone.
 */

const gpg = peer("gpg");

let plain: Template;
let withDave: Template | null = null;
/** The one that tests begin with. */
let template: Template;
let world: World;
let daves: GnuPg | undefined;

beforeAll(async () => {
  plain = await makeTemplate(["alice", "bob", "carol", "mal"], ["eve"]);
  template = plain;
  if (gpg.missing) return;
  const gnupg = startGnuPg();
  daves = gnupg;
  const fingerprint = await gnupg.generate({ userId: "dave <dave@example.org>" });
  const publicKey = await gnupg.exportPublic(fingerprint);
  withDave = await makeTemplate(["alice", "bob", "carol", "mal"], ["dave", "eve"], async (first) => {
    writeFileSync(join(first.home("alice"), "dave.asc"), publicKey);
    first.github.users.set("dave", { keys: [], gpgKeys: [publicKey.toString()], id: 200 });
    await first.as("alice", "vault grant -q --gpg dave && git push -q");
    for (const name of ["bob", "carol", "mal"]) await first.as(name, "git pull -q");
  });
});
afterAll(async () => {
  await plain.close();
  await withDave?.close();
  await daves?.end();
});
beforeEach(() => void (world = template.begin()));

const as = (name: string, line: string): Promise<string> => world.as(name, line);
const trying = (name: string, line: string): ReturnType<World["trying"]> => world.trying(name, line);
const holdersOf = async (name: string): Promise<string[]> =>
  [...(await trying(name, "vault holders --offline")).said.matchAll(/^\S+(?= {2}(?:admin|reader))/gm)].map(
    ([one]) => one,
  );

/**
 * Whether somebody reads the newest secret in a clone that they make now, by the key files of
 * `keys`.
 */
async function opens(name: string, key = "id_ed25519"): Promise<boolean> {
  await world.join(name);
  await trying(name, `vault unlock --yes -k ${world.home(name)}/.ssh/${key} < /dev/null`);
  return world.read(name, "secrets/password").startsWith("hunter");
}

/**
 * alice writes a new secret and pushes it; the one who is named reads it, and the others do not.
 */
async function onlyTheyRead(readers: readonly string[], others: readonly string[]): Promise<void> {
  await world.push("alice", "secrets/password", "hunter9\n");
  expect(await notCurrent(world, "alice")).toEqual([]);
  for (const name of readers) expect([name, await opens(name)]).toEqual([name, true]);
  for (const name of others) expect([name, await opens(name)]).toEqual([name, false]);
}

describe("removing somebody who", () => {
  test("renamed their account removes the account, not the name", async () => {
    const { users } = world.github;
    users.set("mal2", users.get("mal") ?? {});
    users.delete("mal");
    expect(await as("bob", "vault grant mal2 2>&1")).toMatch(/already|granted/);
    await as("bob", "git push -q");
    await as("alice", "git pull -q");
    const names = (await holdersOf("alice")).filter((name) => name.includes("mal"));
    expect(names).toHaveLength(1);
    const byNumber = await trying("alice", "vault revoke 127.0.0.1/103");
    const report = byNumber.status === 0 ? byNumber.said : await as("alice", `vault revoke ${names[0]}`);
    expect(report).toMatch(/is no member any more/);
    expect(await holdersOf("alice")).toEqual(["github:alice", "github:bob", "github:carol"]);
    await as("alice", "git push -q");
    const again = await trying("alice", "vault grant mal2");
    expect([again.status, again.said]).toEqual([2, expect.stringMatching(/was removed before/)]);
    await onlyTheyRead(["bob"], ["mal"]);
  });

  test("has the same key under another name removes both names", async () => {
    writeFileSync(join(world.home("bob"), "mallory-laptop.pub"), `${keyOf(world, "mal").text} laptop\n`);
    await as("bob", "vault grant ~/mallory-laptop.pub; git push -q");
    await as("alice", "git pull -q && vault revoke mal && git push -q");
    expect(await holdersOf("alice")).toEqual(["github:alice", "github:bob", "github:carol"]);
    const again = await trying("bob", "git pull -q --no-edit; vault unlock; vault grant ~/mallory-laptop.pub");
    expect([again.status, again.said]).toEqual([2, expect.stringMatching(/was removed before/)]);
    await onlyTheyRead(["bob"], ["mal"]);
  });

  test("put a key of their own on the remover's record: it is marked there as well", async () => {
    const { recipient } = await generateIdentity();
    const planted = readMemberKey(recipient);
    const member = await recordOf(world, "mal", "alice");
    const gift = { kind: "give", member, keys: [planted], role: null, opens: [], label: null, readmits: [] } as const;
    await writeEntry(world, "mal", "mal", gift);
    await as("mal", "git add -A && git commit -q -m typo && git push -q");
    await as("alice", "git pull -q");
    const stopped = await trying("alice", "vault revoke mal --yes < /dev/null");
    expect([stopped.status, stopped.said]).toEqual([
      2,
      expect.stringMatching(/github:alice \([^)]*the key age1\w+ is added by github:mal, who is being removed/),
    ]);
    // Nor is a key of another name sealed to it unasked.
    const init = await trying("alice", "vault init --key-name prod --yes < /dev/null");
    expect([init.status, init.said]).toEqual([
      2,
      expect.stringMatching(/github:alice \(the key age1\w+ is new to you, added by github:mal\)[^]*--keep NAME/),
    ]);
    expect(await as("alice", "ls .git/git-crypt/keys")).toBe("default\n");
    await as("alice", "vault init -q --key-name prod --keep github:alice && git commit -qm prod");
    await as("alice", `vault revoke --key ${planted.id} && vault revoke mal && git push -q`);
    expect((await membershipIn(world, "alice")).members.flatMap(({ keys }) => keys.map(({ id }) => id))).not.toContain(
      planted.id,
    );
  });

  test("let a key of their own in before names it, and needs a person's word", async () => {
    await newKey(world, "mal", "id_other");
    writeFileSync(join(world.home("mal"), "innocent.pub"), `${keyOf(world, "mal", "id_other").text}\n`);
    await as("mal", "vault grant ~/innocent.pub && git push -q");
    await as("alice", "git pull -q");
    const before = await as("alice", "git rev-parse HEAD");
    for (const flags of ["--keep dave", "--keep dave --yes"]) {
      const stopped = await trying("alice", `vault revoke mal ${flags}`);
      expect([stopped.status, stopped.said]).toEqual([
        2,
        expect.stringMatching(/file:innocent \([^)]*added by github:mal, who is being removed/),
      ]);
    }
    expect(await as("alice", "git rev-parse HEAD && git status --porcelain")).toBe(before);
    const json = await trying("alice", "vault revoke mal --json");
    expect(json.status).toBe(2);
    expect(json.said).toMatch(/UNCONFIRMED_MEMBERS/);
    await as("alice", "vault revoke mal --drop file:innocent && git push -q");
    expect(await holdersOf("alice")).toEqual(["github:alice", "github:bob", "github:carol"]);
    await world.push("alice", "secrets/password", "hunter9\n");
    expect(await opens("mal", "id_other")).toBe(false);
    expect(await opens("carol")).toBe(true);
  });
});

describe("an outsider's pull request", () => {
  beforeEach(async () => void (await world.join("eve")));

  /** eve's commit is merged by alice, who looks at nothing. */
  const merged = async (): Promise<void> => {
    await as("eve", "git push -q origin HEAD:refs/heads/pr");
    await as("alice", "git fetch -q && git merge -q --no-edit origin/pr && git push -q");
  };

  test("with a key of its own gets nobody to encrypt with it", async () => {
    const key = strangeKey();
    const everybody = ["alice", "bob", "carol"].map((name) => keyOf(world, name));
    const audience = audienceOf((await membershipIn(world, "eve")).members, "default");
    const present = keyId(keyIn(world, "alice"));
    const copies = [
      await writeCopy(world, "eve", key, everybody),
      await writeCopy(world, "eve", key, everybody, present),
    ];
    await writeEntry(world, "eve", "eve", {
      kind: "generation",
      generations: [{ keyName: "default", commitment: keyId(key), audience }],
      copies,
    });
    await as("eve", "git add .git-vault");
    await commitBlob(world, "eve", "secrets/eve", key, "trojan\n");
    await as("eve", "git push -q origin HEAD:main");
    const pulled = await trying("alice", "git pull -q");
    expect([pulled.status, pulled.said]).toEqual([
      0,
      expect.stringMatching(/secrets\/eve stays encrypted: no key in this clone opens it/),
    ]);
    await world.join("alice");
    const unlocked = await trying("alice", "vault unlock --yes");
    expect([unlocked.status, unlocked.said]).toEqual([
      7,
      expect.stringMatching(/not opened by the key[^]*secrets\/eve/),
    ]);
    const status = await trying("alice", "vault status");
    expect([status.status, status.said]).toEqual([7, expect.stringMatching(/^unopened: secrets\/eve/m)]);
    expect(await as("alice", "vault log")).toMatch(
      /made new keys: default {2}! does not count: who signed it is no member/,
    );
    await world.push("alice", "secrets/password", "hunter9\n");
    expect((await notCurrent(world, "alice")).map(({ path }) => path)).toEqual(["secrets/eve"]);
    await world.join("bob");
    expect(await trying("bob", "vault unlock --yes")).toMatchObject({ status: 7 });
    expect(keyId(keyIn(world, "bob"))).toBe(keyId(keyIn(world, "alice")));
    expect(world.read("bob", "secrets/eve")).not.toBe("trojan\n");
    await world.push("bob", "secrets/bob", "x\n");
    await as("bob", "git rm -q --cached secrets/eve && git commit -q -m away && vault sync -q && vault status");
    expect((await notCurrent(world, "bob")).map(({ path }) => path)).toEqual([]);
  });

  test("with a key of a new name gets no clone to take it", async () => {
    const key = strangeKey("prod");
    const everybody = ["alice", "bob", "carol"].map((name) => keyOf(world, name));
    await writeEntry(world, "eve", "eve", {
      kind: "generation",
      generations: [{ keyName: "prod", commitment: keyId(key), audience: audienceOf([], "prod") }],
      copies: [await writeCopy(world, "eve", key, everybody)],
    });
    const attributes = readFileSync(join(world.clone("eve"), ".gitattributes"), "utf8");
    world.write("eve", ".gitattributes", `${attributes}prod/** filter=git-crypt-prod diff=git-crypt-prod\n`);
    await as("eve", "git add .git-vault .gitattributes");
    await commitBlob(world, "eve", "prod/db", key, "trojan\n");
    await merged();
    await as("bob", "git pull -q --no-edit");
    for (const name of ["alice", "bob"]) {
      await trying(name, "vault unlock --yes");
      expect([name, readdirSync(join(world.clone(name), ".git/git-crypt/keys"))]).toEqual([name, ["default"]]);
    }
    await world.join("carol");
    await trying("carol", "vault unlock --yes < /dev/null");
    expect(readdirSync(join(world.clone("carol"), ".git/git-crypt/keys"))).toEqual(["default"]);
    // Nobody adds to it in the clear either.
    world.write("alice", "prod/mine", "secret\n");
    const status = await trying("alice", "git add prod/mine; vault status");
    expect(status.status).toBe(7);
    expect(status.said).toMatch(/prod/);
  });
});

describe("history, rewritten", () => {
  test("two rotations are merged, and who was removed dates an entry back: it counts for nothing", async () => {
    await as("alice", "git switch -q -c one && vault revoke mal");
    await as("bob", "git switch -q -c two && vault rotate --keep carol --keep mal && git push -q origin two");
    await as("alice", "git fetch -q && vault unlock");
    await as("alice", "git switch -q main && git merge -q --no-edit one && git merge -q --no-edit origin/two");
    // bob's key is for mal, too: that of the branch without her is the one.
    await trying("alice", "vault status --fix && git commit -q -m fixed");
    await as("alice", "vault status && git push -q");
    expect(await notCurrent(world, "alice")).toEqual([]);
    // mal's clone knows nothing of the removal: she adds a friend, and one of alice's age.
    await newKey(world, "mal", "id_other");
    const other = keyOf(world, "mal", "id_other");
    await writeEntry(world, "mal", "mal", adding([other]), { time: "2036-01-01T00:00:00Z" });
    await writeEntry(world, "mal", "mal", adding([keyOf(world, "mal")], { label: "github:mal" }), {
      time: "2016-01-01T00:00:00Z",
    });
    await as("mal", "git add -A && git commit -q -m old && git push -q origin HEAD:refs/heads/pr");
    await as("alice", "git fetch -q && git merge -q --no-edit origin/pr && git push -q");
    expect(await holdersOf("alice")).toEqual(["github:alice", "github:bob", "github:carol"]);
    expect((await as("alice", "vault log")).match(/does not count: its author was removed/g)).toHaveLength(2);
    await as("alice", "vault rotate && git push -q");
    await world.push("alice", "secrets/password", "hunter9\n");
    expect(await notCurrent(world, "alice")).toEqual([]);
    expect(await opens("mal", "id_other")).toBe(false);
    expect(await opens("mal")).toBe(false);
    expect(await opens("bob")).toBe(true);
  });

  test("after a rejected push and a reset the team stays, and what is written next is readable", async () => {
    await world.push("bob", "secrets/bob", "by bob\n");
    await as("alice", "vault revoke mal");
    expect((await trying("alice", "git push -q")).status).not.toBe(0);
    await as("alice", "git fetch -q && git reset -q --hard origin/main");
    expect(world.read("alice", "secrets/bob")).toBe("by bob\n");
    await as("alice", "vault status");
    await world.push("alice", "secrets/after", "after\n");
    expect(await notCurrent(world, "alice")).toEqual([]);
    await as("bob", "git pull -q");
    expect(world.read("bob", "secrets/after")).toBe("after\n");
    // The rotation that was given up is in no commit: the next one asks about nobody's absence.
    expect(await as("alice", "vault rotate")).toMatch(
      /will be for\n {2}github:alice\n[^]*github:bob\n[^]*github:carol\n[^]*github:mal\n/,
    );
    await as("alice", "git push -q");
    expect(await opens("carol")).toBe(true);
    expect(await holdersOf("alice")).toHaveLength(4);
  });

  test("a rotation that waits on a branch: what is written on main is for main's members, and status says so", async () => {
    await as("alice", "git switch -q -c away && vault revoke mal && git push -q origin away && git switch -q main");
    const status = await trying("alice", "vault status");
    expect([status.status, status.said]).toEqual([
      7,
      expect.stringMatching(
        /^removal-elsewhere: github:mal was removed on (?:origin\/)?away by github:alice, and can read what is written here until that is merged/m,
      ),
    ]);
    await world.push("alice", "secrets/meanwhile", "meanwhile\n");
    expect(await notCurrent(world, "alice")).toEqual([]);
    for (const name of ["bob", "carol", "mal"]) {
      await as(name, "git pull -q");
      expect([name, world.read(name, "secrets/meanwhile")]).toEqual([name, "meanwhile\n"]);
    }
    expect((await trying("bob", "vault status")).said).toMatch(
      /^removal-elsewhere: github:mal was removed on origin\/away/m,
    );
    await as("alice", "git merge -q --no-edit away");
    const merged = await trying("alice", "vault status");
    expect([merged.status, merged.said]).toEqual([7, expect.stringMatching(/^retired-key: secrets\/meanwhile/m)]);
    await as("alice", "vault status --fix; git commit -q -m fixed && git push -q && vault status");
    await onlyTheyRead(["bob"], ["mal"]);
  });

  test("a rotation that is reverted: status says what was cut off, and what is written opens by the branch's key", async () => {
    await as("alice", "vault revoke mal && git push -q");
    await as("bob", "git pull -q; vault unlock");
    await as("alice", "git revert --no-edit HEAD && git push -q");
    const status = await trying("alice", "vault status");
    expect([status.status, status.said]).toEqual([
      7,
      expect.stringMatching(/^log-cut: the branch lacks 1 entry [^\n]*1 removal among them/m),
    ]);
    // Else it were written for mal again.
    world.write("alice", "secrets/after", "after\n");
    const added = await trying("alice", "git add secrets/after");
    expect([added.status, added.said]).toEqual([
      128,
      expect.stringMatching(/a removal of somebody who has it was taken off this branch/),
    ]);
    await trying("bob", "git pull -q --no-edit");
    expect((await trying("bob", "vault status")).said).toMatch(/^log-cut: /m);
    expect(await trying("bob", "vault unlock")).toMatchObject({ status: 0 });
    expect(world.read("bob", "secrets/password")).toBe("hunter2\n");
    // A way out that is named: the removal is said again.
    await as("alice", "vault revoke mal; git push -q");
    await as("alice", "vault status");
    expect(await holdersOf("alice")).not.toContain("github:mal");
    await onlyTheyRead(["bob", "carol"], ["mal"]);
  });
});

describe.skipIf(gpg.missing)(`a copy of git-crypt's own, by ${gpg.label}`, () => {
  beforeEach(() => {
    template = withDave ?? plain;
    world = template.begin();
  });
  const hisGnuPg = (): GnuPg => {
    if (daves === undefined) throw new Error("gpg is missing");
    return daves;
  };
  const pathOf = (): string => {
    const folder = join(world.clone("alice"), ".git-crypt/keys/default/0");
    const [name = ""] = readdirSync(folder);
    return `.git-crypt/keys/default/0/${name}`;
  };

  test("that was swapped is refused, and nothing is encrypted with what it holds", async () => {
    await world.join("eve");
    const key = strangeKey();
    const message = await hisGnuPg().gpg(
      ["--encrypt", "--trust-model", "always", "--recipient", "dave@example.org"],
      encodeKeyFile(key),
    );
    world.write("eve", pathOf(), message);
    await as("eve", "git add -A && git commit -q -m swapped");
    await commitBlob(world, "eve", "secrets/eve", key, "trojan\n");
    await as("eve", "git push -q origin HEAD:main");
    await world.join("dave");
    const stopped = await world.trying("dave", "vault unlock --yes < /dev/null", undefined, {
      GNUPGHOME: hisGnuPg().home,
    });
    expect(stopped.status).not.toBe(0);
    expect(stopped.said).toMatch(/it holds another key than the members log names/);
    expect(world.read("dave", "secrets/eve")).not.toBe("trojan\n");
  });

  test("that is as it should be opens; one for a stranger is named, and goes at the next rotation", async () => {
    await world.join("dave");
    const env = { GNUPGHOME: hisGnuPg().home };
    const unlocked = await world.trying("dave", "vault unlock --yes", undefined, env);
    expect([unlocked.status, unlocked.said]).toEqual([0, expect.stringMatching(/as github:dave of the members log/)]);
    expect(world.read("dave", "secrets/password")).toBe("hunter2\n");
    const bytes = readFileSync(join(world.clone("alice"), pathOf()));
    const stranger = `.git-crypt/keys/default/0/${"A".repeat(40)}.gpg`;
    await world.push("mal", stranger, bytes.toString("latin1"));
    await as("alice", "git pull -q");
    const status = await trying("alice", "vault status");
    expect([status.status, status.said]).toEqual([
      7,
      expect.stringMatching(/^stranger: \S+AAAA\.gpg is for the OpenPGP key A{40}, which belongs to no member$/m),
    ]);
    await as("alice", "vault rotate --keep dave --keep mal && vault status");
    expect(await as("alice", "git ls-files .git-crypt")).not.toContain(stranger);
    expect(await as("alice", "git ls-files .git-crypt")).toContain(pathOf());
  });
});

describe("odd names of members", () => {
  let listener: Server;
  let connections: number;
  beforeEach(async () => {
    connections = 0;
    listener = createServer((socket) => {
      connections += 1;
      socket.destroy();
    });
    await new Promise<void>((resolve) => void listener.listen(0, "127.0.0.1", resolve));
  });
  afterAll(() => void listener.close());

  test("are never an address to connect to, and hide nobody else", async () => {
    const address = listener.address();
    const port = typeof address === "object" ? (address?.port ?? 0) : 0;
    const labels = [
      "github:alice/../bob",
      `https://127.0.0.1:${port}/x`,
      `http://127.0.0.1:${port}/x.keys`,
      `gitlab:x@127.0.0.1:${port}`,
      `127.0.0.1:${port}/x`,
      "github:orgs/teams",
      "../../../etc/passwd",
      "file:///etc/passwd",
    ];
    for (const [at, label] of labels.entries()) {
      await writeEntry(world, "mal", "mal", adding([await newKey(world, "mal", `id_${at}`)], { label }));
    }
    await as("mal", "git add -A && git commit -q -m odd && git push -q");
    await as("alice", "git pull -q");
    world.github.requests.length = 0;
    const holders = await trying("alice", "vault holders");
    for (const name of ["github:alice", "github:bob", "github:carol", "github:mal"])
      expect(holders.said).toMatch(new RegExp(`^${name} `, "m"));
    for (const label of labels) expect(holders.said).toContain(label);
    const sync = await trying("alice", "vault sync --check");
    expect(sync.said).not.toMatch(/error/);
    const rotated = await trying("alice", "vault rotate");
    expect(rotated.status).toBe(2);
    for (const { path } of world.github.requests)
      expect(path).toMatch(
        /^\/users\/(?:alice|bob|carol|mal|dave)\/|^\/users?\/(?:\d+|alice|bob|carol|mal|dave)$|^\/(?:alice|bob|carol|mal|dave)\.keys/,
      );
    // A locked clone asks nobody at all.
    world.github.requests.length = 0;
    await world.join("carol");
    await world.as("carol", "vault unlock --yes");
    await trying("carol", "vault log && vault status");
    await world.join("eve");
    await trying("eve", "vault holders; vault unlock --yes < /dev/null; vault status; vault log");
    expect(world.github.requests).toEqual([]);
    expect(connections).toBe(0);
    expect(await keysOfBlobs(world, "carol")).toEqual([{ path: "secrets/password", by: "current" }]);
  });
});
