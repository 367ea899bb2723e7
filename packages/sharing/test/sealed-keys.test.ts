import { encodeKeyFile, generateKeyFile, keyId } from "@git-vault/git-crypt";
import { readMemberKey, type MemberKey, type SealedCopy } from "@git-vault/members";
import { generateIdentity } from "@git-vault/sealing";
import { throwawayRepository, type Repository } from "@git-vault/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { findLocalIdentities, type LocalIdentities } from "../src/identities/local-identities.ts";
import {
  isSealable,
  openSealedKeys,
  lookAtCopies,
  sealKey,
  sealedPaths,
  copiesIn,
  unsoundKeys,
} from "../src/members/sealed-keys.ts";
import { makeTeam, opened, stage, type Team } from "./team.ts";

/* The copies of keys beside the log: containers, whose content is held against what is wanted. */

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
beforeEach(async () => {
  attested = [];
  repository = await throwawayRepository();
});
afterEach(() => repository.remove());

let attested: SealedCopy[] = [];
const put = async (content: Uint8Array, keys = [memberKey("bob")], isAttested = true): Promise<string[]> => {
  const files = await sealKey(generation, content, keys);
  for (const [path, sealed] of files) await stage(repository, path, sealed);
  if (isAttested) attested.push(...copiesIn(generation.id, files));
  return [...files.keys()];
};
const open = (tips: string[] = []): ReturnType<typeof openSealedKeys> =>
  openSealedKeys(opened(repository), [generation], local, { attested, tips });

test("a copy opens for whom it was sealed, and is named by the digest that an entry commits to", async () => {
  const [path = "", ...more] = await put(key, [memberKey("bob"), memberKey("carol")]);
  expect(attested).toEqual([{ commitment: generation.id, digest: expect.any(String) as string, recipient: null }]);
  expect(path).toBe(`.git-vault/sealed/default/${generation.id}/${attested[0]?.digest}.age`);
  expect(more).toEqual([]);
  const intact = new Set([`${generation.id} ${attested[0]?.digest}`]);
  expect(lookAtCopies(opened(repository), attested)).toEqual({ intact, strange: [], replaced: [] });
  expect(lookAtCopies(opened(repository), [])).toEqual({ intact: new Set(), strange: [path], replaced: [path] });
  expect(sealedPaths(opened(repository), "default")).toEqual([path]);
  const { opened: found, wrong } = await open();
  expect(found).toMatchObject([{ ...generation, key, path, openedWith: { fingerprint: team.id("bob") } }]);
  expect(wrong).toEqual([]);
});

test("a copy for somebody else is passed over", async () => {
  await put(key, [memberKey("carol")]);
  expect(await open()).toEqual({ opened: [], wrong: [], failed: null });
});

test("a copy that no entry which counts is for is not read", async () => {
  await put(key, [memberKey("bob")], false);
  expect(await open()).toEqual({ opened: [], wrong: [], failed: null });
});

test("all copies are tried: what holds another key, or none, is named and hides nothing", async () => {
  const wrong = await put(encodeKeyFile(generateKeyFile()));
  wrong.push(...(await put(Buffer.from("no key"))));
  wrong.push(...(await put(encodeKeyFile({ ...keyFile, name: "prod" }))));
  const alone = await open();
  expect([alone.opened, alone.wrong.length]).toEqual([[], wrong.length]);
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
  await stage(repository, path, damaged);
  expect(lookAtCopies(opened(repository), attested)).toMatchObject({ strange: [path], replaced: [path] });
  const result = await open(["refs/heads/far"]);
  expect(result.opened).toMatchObject([{ path, key }]);
  expect(result.wrong).toEqual([{ path, problem: "it was changed after it was sealed" }]);
});

test("so many keys as age does not take at once are sealed to in several files", async () => {
  const identities = await Promise.all(Array.from({ length: 501 }, () => generateIdentity()));
  const keys = identities.map(({ recipient }) => readMemberKey(recipient));
  const files = await sealKey(generation, key, keys);
  expect(files.size).toBe(2);
});

test("one member's post-quantum key, or one that is on no curve, keeps nobody from getting a copy", async () => {
  const { recipient } = await generateIdentity("hybrid");
  // A point of low order, and one that P-256 does not have.
  const zero = "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq5cu47z";
  const offCurve = "age1tag1qtllllllllllllllllllllllllllllllllllllllllllllllllll73uhzp3";
  const keys = [memberKey("bob"), ...[recipient, zero, offCurve].map(readMemberKey)];
  expect(keys.map(isSealable)).toEqual([true, true, true, true]);
  expect((await unsoundKeys(keys)).map(({ text }) => text)).toEqual([zero, offCurve]);
  expect(await put(key, keys)).toHaveLength(2);
  expect((await open()).opened).toMatchObject([{ key }]);
});

test("what nothing can be sealed to is passed over", async () => {
  const gpg = readMemberKey(`openpgp ${"A".repeat(40)}`);
  expect([memberKey("bob"), gpg].map(isSealable)).toEqual([true, false]);
  expect(await sealKey(generation, key, [gpg])).toEqual(new Map());
});
