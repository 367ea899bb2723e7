import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { keyId } from "@git-vault/git-crypt";
import type { Repository } from "@git-vault/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { openMembers } from "../src/members/index.ts";
import { generationsBy } from "../src/verdict.ts";
import {
  accept,
  cloneOf,
  encryptedRepository,
  grantTo,
  makeTeam,
  membersOf,
  opened,
  remove,
  teamRepository,
  writeMemory,
  type Team,
} from "./team.ts";

/* What git's filter asks of the log: a verdict that is kept for a set of entries. */

let team: Team;
let repository: Repository;
beforeAll(async () => void (team = await makeTeam()));
afterAll(() => team.close());
beforeEach(async () => void (repository = await teamRepository(team)));
afterEach(() => repository.remove());

const never = (): void => {
  throw new Error("a verdict was kept");
};
const key = (): string => keyId(opened(repository).readKey().keyFile);

test("the key that the log names encrypts, without the log being read again", () => {
  const generations = generationsBy(never)(opened(repository), "default");
  expect(generations).toEqual({ current: key(), known: new Set([key()]), problem: null });
  expect(generationsBy(never)(opened(repository), "prod")).toMatchObject({ current: null });
});

test("without a log there is nothing to say", async () => {
  using bare = await encryptedRepository(team);
  expect(generationsBy(never)(opened(bare), "default")).toBeNull();
});

test("another set of entries, or another memory, is verified once", async () => {
  const old = key();
  await repository.git("branch", "old");
  await remove(team, repository);
  const present = key();
  expect(generationsBy(never)(opened(repository), "default")).toMatchObject({ current: present });
  // What was kept of the other branch still holds: the clone's memory is the same.
  await repository.git("checkout", "-q", "old");
  await membersOf(repository);
  const back = generationsBy(never)(opened(repository), "default");
  expect(back).toMatchObject({ current: old, problem: null });
  expect([...(back?.known ?? [])]).toEqual(expect.arrayContaining([old, present]));
  rmSync(join(repository.path, ".git/git-vault/members-verdicts"));
  let verified = 0;
  const nobody = generationsBy(() => void (verified += 1))(opened(repository), "default");
  expect([nobody?.current, verified]).toEqual([null, 1]);
  expect(nobody?.problem).toMatch(/the members log is not confirmed/);
});

test("a damaged file of verdicts is as good as none", async () => {
  writeMemory(repository, "members-verdicts", "{");
  expect(generationsBy(() => {})(opened(repository), "default")).toMatchObject({ current: null });
  await membersOf(repository);
  expect(generationsBy(never)(opened(repository), "default")).toMatchObject({ current: key() });
  expect(readFileSync(join(repository.path, ".git/git-vault/members-verdicts"), "utf8")).toMatch(/^\[/);
});

test("where nobody accepted the log, nothing is encrypted", async () => {
  const clone = await cloneOf(repository, "clone");
  await openMembers(opened(clone));
  expect(generationsBy(() => {})(opened(clone), "default")).toMatchObject({ current: null });
  await accept(clone);
  expect(generationsBy(never)(opened(clone), "default")).toMatchObject({ current: key() });
});

test("where somebody who was removed has the key, nothing is encrypted", async () => {
  await grantTo(team, repository, ["bob"]);
  const file = join(repository.path, ".git/git-crypt/keys/default");
  rmSync(file);
  await remove(team, repository, ["bob"]);
  const generations = generationsBy(never)(opened(repository), "default");
  expect(generations).toMatchObject({
    current: null,
    problem: expect.stringMatching(/who was removed has it/) as string,
  });
});
