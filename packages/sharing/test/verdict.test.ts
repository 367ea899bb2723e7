import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { keyId } from "@git-vault/git-crypt";
import type { Repository } from "@git-vault/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openMembers } from "../src/members/index.ts";
import { LOG_FOLDER } from "../src/log-places.ts";
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
  removeAlone,
  stage,
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

test("what was kept does not hold where another root is demanded", async () => {
  const generations = (env: NodeJS.ProcessEnv): unknown =>
    generationsBy(() => {})(
      opened({ ...repository, env: { ...repository.env, ...env } as Record<string, string> }),
      "default",
    );
  for (const env of [
    { GIT_VAULT_ROOT: "a".repeat(64) },
    { GIT_VAULT_ROOT: "nonsense" },
    { GIT_VAULT_IDENTITY: `# members log: SHA256:${"a".repeat(43)}\n` },
  ])
    expect(generations(env)).toMatchObject({ current: null });
  expect(generations({})).toMatchObject({ current: key() });
  const { root } = await membersOf(repository);
  await openMembers(opened({ ...repository, env: { ...repository.env, GIT_VAULT_ROOT: root ?? "" } }));
  expect(generations({ GIT_VAULT_ROOT: root ?? "" })).toMatchObject({ current: key() });
});

test("a name that every object knows is no key's", () => {
  for (const name of ["valueOf", "hasOwnProperty", "__proto__"]) {
    expect(generationsBy(never)(opened(repository), name)).toEqual({
      current: null,
      known: new Set(),
      problem: "the members log names no key of that name",
    });
  }
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
  await removeAlone(team, repository, "bob");
  const generations = generationsBy(never)(opened(repository), "default");
  expect(generations).toMatchObject({
    current: null,
    problem: expect.stringMatching(/who was removed has it/) as string,
  });
});

describe("a verdict holds no longer", () => {
  /** What the filter is told, and how often the log was verified for it. */
  const asked = (): { problem: string | null; current: string | null; verified: number } => {
    let verified = 0;
    const generations = generationsBy(() => void (verified += 1))(opened(repository), "default");
    return { problem: generations?.problem ?? null, current: generations?.current ?? null, verified };
  };

  test("where an entry is another, or one more, or one less", async () => {
    const [first = ""] = (await repository.git("ls-files", LOG_FOLDER)).toString().split("\n");
    const content = readFileSync(join(repository.path, first), "utf8");
    for (const change of [
      (): Promise<void> => stage(repository, first, `${content}\n`),
      (): Promise<void> => stage(repository, `${LOG_FOLDER}/${"0".repeat(64)}`, "junk"),
    ]) {
      await change();
      expect(asked()).toMatchObject({ current: null, verified: 1 });
      await repository.git("reset", "-q", "--hard");
      expect(asked()).toMatchObject({ current: key(), verified: 0 });
    }
    await repository.git("rm", "-q", "-r", "--cached", LOG_FOLDER);
    // An index without a log, such as one that is made for one command, is read by HEAD.
    expect(asked()).toMatchObject({ current: key(), verified: 0 });
    await repository.git("commit", "-q", "-m", "gone");
    expect(asked()).toMatchObject({
      current: null,
      verified: 0,
      problem: expect.stringMatching(/lacks the members log/) as string,
    });
  });

  test("where the history did something to the log, and not where it did not", async () => {
    const before = key();
    repository.write("README", "x\n");
    await repository.commit("something else");
    expect(asked()).toMatchObject({ current: before, verified: 0 });
    // The same entries, on a history of another order.
    const tree = (await repository.git("rev-parse", "HEAD^{tree}")).toString().trim();
    const other = (await repository.git("commit-tree", "-m", "other", tree)).toString().trim();
    await repository.git("reset", "-q", "--soft", other);
    expect(asked()).toMatchObject({ current: null, verified: 1 });
    await membersOf(repository);
    expect(asked()).toMatchObject({ current: before, verified: 0 });
    // Nor does what was said of a commit hold for those before it.
    repository.write("README", "y\n");
    await repository.commit("one more");
    rmSync(join(repository.path, ".git/git-vault/members-verdicts"));
    await membersOf(repository);
    await repository.git("reset", "-q", "--hard", "HEAD~1");
    expect(asked()).toMatchObject({ verified: 1 });
  });

  test("where the clone's memory is another, or its depth", async () => {
    const memory = join(repository.path, ".git/git-vault/members-seen");
    const text = readFileSync(memory, "utf8");
    writeFileSync(memory, `${text}${JSON.stringify({ met: ["SHA256:x"] })}\n`);
    expect(asked()).toMatchObject({ current: null, verified: 1 });
    writeFileSync(memory, text);
    expect(asked()).toMatchObject({ current: key(), verified: 0 });
    // Not a depth of this history: the file alone is asked here.
    writeFileSync(join(repository.path, ".git/shallow"), "");
    expect(asked()).toMatchObject({ current: key(), verified: 0 });
    const head = (await repository.git("rev-parse", "HEAD")).toString();
    writeFileSync(join(repository.path, ".git/shallow"), head);
    expect(asked()).toMatchObject({ current: null, verified: 1 });
  });
});

test("verdicts on sixteen sets of entries are kept, the last ones", async () => {
  const path = join(repository.path, ".git/git-vault/members-verdicts");
  for (let number = 0; number < 20; number += 1) {
    await stage(repository, `${LOG_FOLDER}/junk`, `${number}`);
    await membersOf(repository);
  }
  expect(JSON.parse(readFileSync(path, "utf8"))).toHaveLength(16);
  expect(generationsBy(never)(opened(repository), "default")).toMatchObject({ current: key() });
});
