import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeKeyFile, generateKeyFile, keyId, parseKeyFile, type KeyFile } from "@git-vault/git-crypt";
import type { Repository } from "@git-vault/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { lacksPresentKey, openGrants } from "../src/grants/index.ts";
import { Pins } from "../src/index.ts";
import { planRotation } from "../src/rotation/index.ts";
import { readGrantKey } from "../src/grants/grant-file.ts";
import { makeGrant } from "../src/grants/make-grant.ts";
import { encryptedRepository, makeTeam, opened, retire, stage, useKey, type Team } from "./team.ts";

/*
 * Two branches were rotated and merged: each key has its own grants, all of them in one commit.
 */

let team: Team;
let repository: Repository;
let ours: KeyFile;
let theirs: KeyFile;
beforeAll(async () => void (team = await makeTeam()));
afterAll(() => team.close());
beforeEach(async () => {
  repository = await encryptedRepository();
  const old = generateKeyFile();
  [ours, theirs] = [generateKeyFile(), generateKeyFile()];
  await useKey(repository, encodeKeyFile(ours));
  for (const key of [ours, theirs]) {
    await retire(repository, old, key);
  }
  await repository.commit("Two rotations");
});
afterEach(() => repository.remove());

const at = (hour: number): Date => new Date(Date.UTC(2026, 0, 1, hour));

/** A grant that was made at an hour, and keeps the hour of the first one. */
async function put(key: KeyFile, name: string, hour: number, first = hour): Promise<void> {
  const grantee = {
    holder: `github:${name}`,
    account: null,
    keys: [readGrantKey(team.key(name))],
    since: at(first).toISOString().replace(".000Z", "Z"),
  };
  const by = { ...(await team.by("alice")), now: at(hour) };
  await stage(repository, ...(await makeGrant(grantee, { bytes: encodeKeyFile(key), keyFile: key }, by)));
}

/** Puts the other key where `vault unlock` does. */
function learnTheirs(): void {
  const folder = join(repository.path, ".git/git-vault/retired/default");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, keyId(theirs)), encodeKeyFile(theirs));
}

const renewed = async (): Promise<{ holders: readonly string[]; dropped: readonly string[] }> => {
  const by = await team.by("alice");
  const { directory } = team;
  const { renewals, dropped } = await planRotation({
    repository: opened(repository),
    directory,
    pins: new Pins(null),
    by,
  });
  return { holders: renewals.map(({ holder }) => holder), dropped: dropped.map(({ problem }) => problem) };
};

test("opens one's grants of both keys, and tells that one of them is missing", async () => {
  await put(ours, "bob", 3, 1);
  await put(theirs, "bob", 2, 1);
  await put(theirs, "carol", 2, 1);
  const idsFor = async (name: string): Promise<string[]> => {
    const passphrase = (): Promise<never> => Promise.reject(new Error("no passphrase is needed"));
    const found = await openGrants(opened(repository), { home: team.home(name), passphrase });
    expect(found.refused).toEqual([]);
    return found.opened.map(({ key }) => keyId(parseKeyFile(key)));
  };
  expect(await idsFor("bob")).toEqual([keyId(ours), keyId(theirs)]);
  expect(await idsFor("carol")).toEqual([keyId(theirs)]);
  expect(lacksPresentKey(opened(repository))).toBe(true);
  learnTheirs();
  expect(lacksPresentKey(opened(repository))).toBe(false);
});

test("renews whom both keys are granted to, and who came after the other rotation; not whom it may have shut out", async () => {
  learnTheirs();
  await put(ours, "alice", 2, 1);
  await put(theirs, "alice", 3, 1);
  // Revoked where ours was made, and renewed where theirs was.
  await put(theirs, "bob", 3, 1);
  // Came to ours after both.
  await put(ours, "carol", 4);
  expect(await renewed()).toEqual({
    holders: ["github:alice", "github:carol"],
    dropped: ["it is of one of two branches that were rotated, and may have been revoked on the other"],
  });
});

test("renews nobody of one branch where all of the other's holders were revoked", async () => {
  learnTheirs();
  await put(theirs, "bob", 3, 1);
  expect((await renewed()).holders).toEqual([]);
});

test("takes grants of a key that is not here for nobody's", async () => {
  await put(ours, "alice", 2, 1);
  await put(theirs, "bob", 3, 1);
  expect(await renewed()).toEqual({
    holders: ["github:alice"],
    dropped: ["it was not made with a key that lies here"],
  });
});
