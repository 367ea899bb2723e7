import { encodeKeyFile, generateKeyFile, keyId } from "@git-vault/git-crypt";
import { readMemberKey, type MemberKey } from "@git-vault/members";
import { generateIdentity } from "@git-vault/sealing";
import { throwawayRepository, type Repository } from "@git-vault/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { findLocalIdentities, type LocalIdentities } from "../src/identities/local-identities.ts";
import { isSealable, openSealedKeys, sealKey, sealedFor, sealedPaths } from "../src/members/sealed-keys.ts";
import { makeTeam, opened, stage, type Team } from "./team.ts";

/* The copies of keys beside the log: containers, whose content is held against what is wanted. */

const ENTRY = "e".repeat(64);
const OTHER = "f".repeat(64);

let team: Team;
let repository: Repository;
let local: LocalIdentities;
const keyFile = generateKeyFile();
const key = encodeKeyFile(keyFile);
const generation = { keyName: "default", id: keyId(keyFile) };
const memberKey = (name: string): MemberKey => readMemberKey(team.key(name));

beforeAll(async () => {
  team = await makeTeam();
  local = await findLocalIdentities(team.identities("bob"));
});
afterAll(async () => {
  local.lock();
  await team.close();
});
beforeEach(async () => void (repository = await throwawayRepository()));
afterEach(() => repository.remove());

const put = async (content: Uint8Array, keys = [memberKey("bob")], entry = ENTRY): Promise<string[]> => {
  const files = await sealKey(generation, content, entry, keys);
  for (const [path, sealed] of files) await stage(repository, path, sealed);
  return [...files.keys()];
};
const open = (entries = [ENTRY], tips: string[] = []): ReturnType<typeof openSealedKeys> =>
  openSealedKeys(opened(repository), [generation], local, { entries: new Set(entries), tips });

test("a copy opens for whom it was sealed, and its name says to which entry it belongs", async () => {
  const [path = "", ...more] = await put(key, [memberKey("bob"), memberKey("carol")]);
  expect(path).toMatch(
    new RegExp(String.raw`^\.git-vault/sealed/default/${generation.id}/${ENTRY}\.[0-9a-f]{8}\.age$`),
  );
  expect(more).toEqual([]);
  expect([...sealedFor(opened(repository), generation)]).toEqual([ENTRY]);
  expect(sealedPaths(opened(repository), "default")).toEqual([path]);
  const { opened: found, wrong } = await open();
  expect(found).toMatchObject([{ ...generation, key, path, openedWith: { fingerprint: team.id("bob") } }]);
  expect(wrong).toEqual([]);
});

test("a copy for somebody else is passed over", async () => {
  await put(key, [memberKey("carol")]);
  expect(await open()).toEqual({ opened: [], wrong: [] });
});

test("a copy of an entry that does not count is not read", async () => {
  await put(key, [memberKey("bob")], OTHER);
  expect(await open()).toEqual({ opened: [], wrong: [] });
});

test("all copies are tried: what holds another key, or none, is named and hides nothing", async () => {
  const wrong = await put(encodeKeyFile(generateKeyFile()));
  wrong.push(...(await put(Buffer.from("no key"))));
  wrong.push(...(await put(encodeKeyFile({ ...keyFile, name: "prod" }))));
  const [right] = await put(key);
  const result = await open();
  expect(result.opened.map(({ path }) => path)).toEqual([right]);
  for (const { path, problem } of result.wrong) {
    expect(wrong).toContain(path);
    expect(problem).toMatch(/^it holds (?:another key than the members log names|no git-crypt key)$/);
  }
});

test("a copy that is damaged is named, and one at a commit that was fetched is found", async () => {
  const [path = ""] = await put(key);
  await repository.git("commit", "-qm", "sealed");
  await repository.git("branch", "far");
  const damaged = await repository.git("cat-file", "blob", `:${path}`);
  damaged[damaged.length - 40] = (damaged.at(-40) ?? 0) ^ 1;
  await repository.git("rm", "-q", path);
  const broken = path.replace(/[0-9a-f]{8}\.age$/, "00000000.age");
  await stage(repository, broken, damaged);
  const result = await open([ENTRY], ["refs/heads/far"]);
  expect(result.opened).toMatchObject([{ path, key }]);
  expect(result.wrong).toMatchObject([{ path: broken, problem: expect.stringContaining("does not open") as string }]);
});

test("so many keys as age does not take at once are sealed to in several files", async () => {
  const identities = await Promise.all(Array.from({ length: 501 }, () => generateIdentity()));
  const keys = identities.map(({ recipient }) => readMemberKey(recipient));
  const files = await sealKey(generation, key, ENTRY, keys);
  expect(files.size).toBe(2);
});

test("what nothing can be sealed to is passed over", async () => {
  const gpg = readMemberKey(`openpgp ${"A".repeat(40)}`);
  expect([memberKey("bob"), gpg].map(isSealable)).toEqual([true, false]);
  expect(await sealKey(generation, key, ENTRY, [gpg])).toEqual(new Map());
});
