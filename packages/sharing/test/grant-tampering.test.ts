import { readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { encodeKeyFile, generateKeyFile, keyId, keyMac, parseKeyFile, type KeyFile } from "@git-vault/git-crypt";
import { parsePublicKey } from "@git-vault/keys";
import { seal, SshRecipient } from "@git-vault/sealing";
import type { Repository } from "@git-vault/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { encodeGrant, grant, listHolders, openGrants, parseGrant, type GrantFile } from "../src/grants/index.ts";
import { Pins } from "../src/index.ts";
import { planRotation } from "../src/rotation/index.ts";
import { failureOf } from "./hands.ts";
import {
  encryptedRepository,
  grantFiles,
  grantOf,
  grantTo,
  makeTeam,
  opened,
  retire,
  stage,
  useKey,
  type Team,
} from "./team.ts";

/*
 * Whoever can commit can change grants; nothing that they do gets them the key, or somebody else a
 * wrong one.
 */

let team: Team;
let repository: Repository;
beforeAll(async () => void (team = await makeTeam()));
afterAll(() => team.close());
beforeEach(async () => {
  repository = await encryptedRepository();
  await grantTo(team, repository, ["bob", "carol"]);
});
afterEach(() => repository.remove());

const read = (path: string): Buffer => readFileSync(join(repository.path, path));
const keyFile = (): KeyFile => parseKeyFile(read(".git/git-crypt/keys/default"));
const passphrase = (): Promise<never> => Promise.reject(new Error("no passphrase is needed"));
const openAs = (name: string): ReturnType<typeof openGrants> =>
  openGrants(opened(repository), { home: team.home(name), passphrase });
const change = async (path: string, edit: (text: string) => string): Promise<void> =>
  stage(repository, path, edit(read(path).toString()));
const problems = async (): Promise<string[]> => {
  const { bad, stray } = await listHolders(opened(repository), null);
  return [...bad.map(({ problem }) => problem), ...stray.map(({ standing }) => standing)];
};

/** A grant that is whole in itself, and made with `key`. */
async function forge(original: GrantFile, key: KeyFile): Promise<Buffer> {
  const { message } = original;
  const unsigned = { ...original, mac: "0".repeat(64), signature: null };
  const text = encodeGrant(unsigned).toString();
  const before = Buffer.from(text.slice(0, text.indexOf("mac: ")));
  return encodeGrant({ ...unsigned, message, mac: keyMac(key, "git-vault grant", before).toString("hex") });
}

describe("a grant opens for its holder", () => {
  test("and for nobody else", async () => {
    const { opened: found, refused } = await openAs("bob");
    expect(found).toMatchObject([{ keyName: "default", verified: true, grant: { path: grantOf(repository, "bob") } }]);
    expect(found[0]?.key.equals(read(".git/git-crypt/keys/default"))).toBe(true);
    expect(refused).toEqual([]);
    expect(await openAs("mallory")).toEqual({ opened: [], refused: [], bad: [], removed: null });
    expect(await problems()).toEqual([]);
  });

  test("twice over, by the newest", async () => {
    const first = grantOf(repository, "bob");
    const copy = first.replace(/[0-9a-f]{8}\.age$/, "00000000.age");
    await stage(repository, copy, read(first));
    expect((await openAs("bob")).opened).toHaveLength(1);
    expect((await listHolders(opened(repository), null)).holders).toMatchObject([
      { holder: "github:bob", paths: [copy, first] },
      { holder: "github:carol" },
    ]);
  });
});

describe("it is noticed and named", () => {
  test("where a grant was swapped for another person's", async () => {
    const carols = read(grantOf(repository, "carol"));
    await stage(repository, grantOf(repository, "bob"), carols);
    expect(await problems()).toEqual(["it says that it is for github:carol, which its file's name does not"]);
    const found = await openAs("bob");
    expect(found).toMatchObject({ opened: [], refused: [], removed: null });
    expect(found.bad.map(({ path }) => path)).toEqual([grantOf(repository, "bob")]);
  });

  test("where the message in a grant was swapped", async () => {
    const { message } = parseGrant(read(grantOf(repository, "carol")));
    const bobs = parseGrant(read(grantOf(repository, "bob")));
    await stage(repository, grantOf(repository, "bob"), encodeGrant({ ...bobs, message }));
    expect(await problems()).toEqual([
      "its message is sealed to other keys than those that it names: it was swapped or changed",
    ]);
  });

  test("where it was swapped for one to the same keys, of another repository's key", async () => {
    const other = encodeKeyFile(generateKeyFile());
    const bobs = parseGrant(read(grantOf(repository, "bob")));
    const message = (await seal(other, [new SshRecipient(parsePublicKey(team.key("bob")))])).toString();
    await stage(repository, grantOf(repository, "bob"), encodeGrant({ ...bobs, message }));
    expect(await problems()).toEqual(["forged"]);
    expect(await failureOf(openAs("bob"))).toMatchObject({
      code: "MISMATCHED_GRANT",
      message: expect.stringContaining("it holds another key than it says") as string,
    });
    const statement = { ...bobs.statement, keyId: keyId(parseKeyFile(other)) };
    await stage(
      repository,
      grantOf(repository, "bob"),
      await forge({ ...bobs, statement, message }, parseKeyFile(other)),
    );
    expect(await problems()).toEqual(["other-key"]);
    expect((await failureOf(openAs("bob"))).message).toContain("another key than the one this repository's files");
  });

  test.each([
    ["the holder", (text: string) => text.replace("holder: github:bob", "holder: github-bob")],
    ["the date", (text: string) => text.replace(/since: \d{4}/, "since: 2001")],
    ["who granted", (text: string) => text.replace("granted-by: github:alice", "granted-by: github:mallory")],
  ])("where somebody without the key changed %s", async (_, edit) => {
    await change(grantOf(repository, "bob"), (text) => edit(text).replace(/-----BEGIN SSH SIGNATURE[^]*/, ""));
    expect(await problems()).toEqual(["forged"]);
    expect((await failureOf(openAs("bob"))).message).toContain("it was changed by somebody who had not the key");
  });

  test("where the signature is of something else", async () => {
    const carols = parseGrant(read(grantOf(repository, "carol")));
    const bobs = parseGrant(read(grantOf(repository, "bob")));
    await stage(repository, grantOf(repository, "bob"), encodeGrant({ ...bobs, signature: carols.signature }));
    expect((await failureOf(openAs("bob"))).message).toContain("its signature does not fit");
    const { holders } = await listHolders(opened(repository), null);
    expect(holders[0]?.signature).toEqual({ state: "invalid" });
  });

  test("where a grant of a key that was replaced is put back", async () => {
    const old = read(grantOf(repository, "bob"));
    const retired = keyFile();
    await useKey(repository);
    await retire(repository, retired, keyFile());
    await repository.commit("A rotation");
    await stage(repository, grantOf(repository, "bob"), old);
    expect(await problems()).toEqual(["retired", "retired"]);
    expect(await failureOf(openAs("bob"))).toMatchObject({ code: "RETIRED_GRANT" });
  });

  test("where one who has not the key grants it to themselves, and a rotation comes", async () => {
    const bobs = parseGrant(read(grantOf(repository, "bob")));
    const [key] = [parsePublicKey(team.key("mallory"))];
    const message = (await seal(Buffer.from("nothing"), [new SshRecipient(key)])).toString();
    const keys = [{ text: team.key("mallory"), type: "ssh-ed25519", fingerprint: key.fingerprint }];
    const statement = { ...bobs.statement, holder: "github:mallory", keys };
    const path = ".git-vault/grants/default/github-mallory.12345678.age";
    await stage(repository, path, await forge({ ...bobs, statement, message }, generateKeyFile()));
    expect(await problems()).toEqual(["forged"]);
    const by = await team.by("alice");
    const { directory } = team;
    const plan = await planRotation({ repository: opened(repository), directory, pins: new Pins(null), by });
    expect(plan.renewals.map(({ holder, doubts }) => [holder, doubts])).toEqual([
      ["github:bob", []],
      ["github:carol", []],
    ]);
    expect(plan.dropped).toEqual([{ path, problem: "it was not made with a key that lies here" }]);
  });
});

/** What a file can be instead of a grant; of a sound one where it is said how. */
const MALFORMED: readonly (readonly [string, (sound: string) => string | Buffer])[] = [
  ["is empty", () => ""],
  ["is not UTF-8", () => Buffer.from([0xff, 0xfe, 0, 1])],
  ["has other line ends", (sound) => sound.replaceAll("\n", "\r\n")],
  ["has more after its end", (sound) => `${sound}\n`],
  ["is cut off", (sound) => sound.slice(0, -20)],
  ["is of another version", (sound) => sound.replace("v1", "v2")],
  ["has a holder with control characters", (sound) => sound.replace("github:x", "github:\u001B[31mx")],
  ["has a holder with a direction mark", (sound) => sound.replace("github:x", "github:\u202Ex")],
  ["has a very long holder", (sound) => sound.replace("github:x", `github:${"x".repeat(300)}`)],
  ["has no holder", (sound) => sound.replace("holder: github:x\n", "")],
  ["has its fields in another order", (sound) => sound.replace(/(key-name: .*\n)(key-id: .*\n)/, "$2$1")],
  ["has a field twice", (sound) => sound.replace(/(key-id: .*\n)/, "$1$1")],
  ["has a field of its own", (sound) => sound.replace("key-name:", "comment: hello\nkey-name:")],
  ["names a key twice", (sound) => sound.replace(/(recipient: .*\n)/, "$1$1")],
  ["has a comment after its key", (sound) => sound.replace(/(recipient: .*)\n/, "$1 comment\n")],
  ["has a date that is none", (sound) => sound.replace(/granted: \d{4}-\d\d/, "granted: 2026-13")],
  ["is for a key with a path for a name", (sound) => sound.replace("key-name: default", "key-name: ../x")],
  ["has text in its message", (sound) => sound.replace(/(BEGIN AGE ENCRYPTED FILE-----\n)/, "$1 \n")],
];

describe("a file among the grants that is none is named and stops nothing", () => {
  const path = ".git-vault/grants/default/github-x.00000000.age";

  test("whatever is malformed in it", async () => {
    const sound = read(grantOf(repository, "bob")).toString().replace("github:bob", "github:x");
    expect(parseGrant(Buffer.from(sound)).statement.holder).toBe("github:x");
    const errors = await Promise.all(
      MALFORMED.map(async ([what, make]) => {
        const content = make(sound);
        const parse = async (): Promise<unknown> => parseGrant(Buffer.from(content));
        const { code, message } = await failureOf(parse());
        return content === sound ? `${what}: unchanged` : `${what}: ${code} ${/^[\x20-\x7e]+$/.test(message)}`;
      }),
    );
    expect(errors).toEqual(MALFORMED.map(([what]) => `${what}: MALFORMED_GRANT true`));
    const [, ...some] = MALFORMED.slice(0, 6);
    for (const [at, [, make]] of some.entries())
      await stage(repository, path.replace("00000000", `0000000${at}`), make(sound));
    const { holders, bad } = await listHolders(opened(repository), null);
    expect(bad).toHaveLength(some.length);
    expect(holders.map(({ holder }) => holder)).toEqual(["github:bob", "github:carol"]);
    expect((await openAs("bob")).opened).toHaveLength(1);
  });

  test("where it has 100 MB", async () => {
    await stage(repository, path, Buffer.alloc(100_000_000, "x"));
    const { bad } = await listHolders(opened(repository), null);
    expect(bad).toEqual([{ path, problem: "it has 100000000 bytes, and grants have at most 1048576" }]);
    expect((await openAs("bob")).opened).toHaveLength(1);
  });

  test("where it is a link, or lies in a folder of its own", async () => {
    symlinkSync("/etc/passwd", join(repository.path, path));
    await repository.git("add", path);
    const deep = ".git-vault/grants/default/deep/github-bob.00000000.age";
    await stage(repository, deep, read(grantOf(repository, "bob")));
    const elsewhere = ".git-vault/grants/other/github-bob.00000000.age";
    await stage(repository, elsewhere, read(grantOf(repository, "bob")));
    const { bad } = await listHolders(opened(repository), null);
    expect(bad.map((one) => one.path).toSorted()).toEqual([deep, path, elsewhere].toSorted());
  });

  test("where its holder is named as a path: the file's name is made safe", async () => {
    const to = { name: "https://host/../../../.git/hooks/x", source: "https://host/x", keys: [] };
    const [entry] = await team.directory.resolve("bob");
    const { directory } = team;
    const by = await team.by("alice", false);
    await grant({ repository: opened(repository), to: [{ ...to, keys: entry?.keys ?? [] }], directory, by });
    const made = grantFiles(repository).filter((file) => file.includes("host"));
    expect(made).toEqual([expect.stringMatching(/\/https-host-\.-\.-\.-\.git-hooks-x\.[0-9a-f]{8}\.age$/)]);
    expect(await problems()).toEqual([]);
  });
});
