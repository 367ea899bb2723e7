import { cpSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Repository } from "@git-vault/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { commitFiles } from "@git-vault/git-crypt";
import {
  acceptRoot,
  memberFindings,
  openMembers,
  parseRoot,
  rootText,
  start,
  starterOf,
} from "../src/members/index.ts";
import { LogWriter } from "../src/members/writer.ts";
import { failureOf } from "./hands.ts";
import {
  accept,
  cloneOf,
  encryptedRepository,
  filesIn,
  grantTo,
  makeTeam,
  membersOf,
  namesOf,
  opened,
  remove,
  stage,
  teamRepository,
  writeMemory,
  type Team,
} from "./team.ts";

/* The log as a branch has it, as a clone remembers it, and which one is the repository's. */

let team: Team;
let repository: Repository;
beforeAll(async () => void (team = await makeTeam()));
afterAll(() => team.close());
beforeEach(async () => void (repository = await teamRepository(team)));
afterEach(() => repository.remove());

const LOG = ".git-vault/members";

test("a log that is started names its author, and seals the key that is here to them", async () => {
  const members = await membersOf(repository);
  expect(members).toMatchObject({ rootState: "accepted", cut: [], bad: [] });
  expect(members.branch.members).toMatchObject([
    { label: "github:alice", role: "admin", accounts: [expect.stringMatching(/\/100$/)], opens: ["default"] },
  ]);
  expect(members.branch.keyNames).toMatchObject([{ name: "default", state: "settled" }]);
  const id = members.branch.keyNames[0]?.current.commitment;
  expect(filesIn(repository, ".git-vault")).toEqual([
    ".git-vault/.gitattributes",
    `${LOG}/${members.root}`,
    expect.stringMatching(new RegExp(String.raw`^\.git-vault/sealed/default/${id}/[0-9a-f]{64}\.age$`)),
  ]);
  const again = { members, author: await team.author("alice"), person: await team.person("alice"), stageOnly: false };
  expect((await failureOf(start(again))).code).toBe("LOG_EXISTS");
});

describe("which log is the repository's", () => {
  test("none where there is none", async () => {
    using bare = await encryptedRepository(team);
    const members = await membersOf(bare);
    expect(members).toMatchObject({ rootState: "none", root: null });
    expect(await memberFindings(members)).toEqual([]);
  });

  test("a clone asks until somebody accepts it, and remembers that", async () => {
    const clone = await cloneOf(repository, "clone");
    const { root } = await membersOf(repository);
    expect(await membersOf(clone)).toMatchObject({ rootState: "new", root });
    // As long as it is locked, that is nothing to worry about.
    expect(await memberFindings(await membersOf(clone))).toEqual([]);
    cpSync(join(repository.path, ".git/git-crypt"), join(clone.path, ".git/git-crypt"), { recursive: true });
    expect(await memberFindings(await membersOf(clone))).toMatchObject([{ id: "new-log" }]);
    expect(await accept(clone)).toMatchObject({ rootState: "accepted", root });
    expect(await membersOf(clone)).toMatchObject({ rootState: "accepted" });
    // The user's next clone from there knows it.
    const next = { ...(await cloneOf(repository, "next")), env: clone.env };
    expect(await membersOf(next)).toMatchObject({ rootState: "accepted", root });
  });

  test("it was started by whom the first entry names, whatever others gave that member since", async () => {
    await grantTo(team, repository, ["bob"]);
    const members = await membersOf(repository);
    const writer = new LogWriter(members, await team.author("bob"));
    const { keys } = await team.person("mallory");
    const gift = { member: members.root ?? "", keys, role: null, opens: [], label: "github:mallory", readmits: [] };
    await writer.write({ kind: "give", ...gift });
    commitFiles(members.repository, writer.files, { message: "a gift" });
    const clone = await cloneOf(repository, "clone");
    expect(starterOf(await membersOf(clone))).toMatchObject({ name: "github:alice", keys: [{ id: team.id("alice") }] });
    const accepted = await accept(clone);
    expect(accepted.branch.members.flatMap((one) => one.keys)).toHaveLength(3);
    expect([...accepted.memory.met]).toEqual([team.id("alice")]);
  });

  test("another one is refused, here and in the user's next clone", async () => {
    const clone = await cloneOf(repository, "clone");
    await accept(clone);
    rmSync(join(repository.path, ".git-vault"), { recursive: true });
    await repository.git("add", "-A", ".git-vault");
    await repository.git("commit", "-qm", "gone");
    rmSync(join(repository.path, ".git/git-vault/members-seen"));
    await repository.git("checkout", "-q", "--orphan", "another");
    const [author, person] = [await team.author("mallory"), await team.person("mallory")];
    const { root } = await start({ members: await membersOf(repository), author, person, stageOnly: false });
    await clone.git("fetch", "-q");
    await clone.git("checkout", "-q", "-f", "another");
    const other = await membersOf(clone);
    expect(other.rootState).toBe("other");
    expect(other.branch.members).toEqual([]);
    expect(await memberFindings(other)).toMatchObject([{ id: "other-log" }]);
    const next = { ...(await cloneOf(repository, "next", "--branch=another")), env: clone.env };
    expect((await membersOf(next)).rootState).toBe("other");
    // Only a person's word replaces it.
    expect(await acceptRoot(await membersOf(clone, root))).toMatchObject({ rootState: "accepted", root });
  });

  test("an environment demands one, as does the private key that was made for it", async () => {
    const clone = await cloneOf(repository, "clone");
    const root = rootText((await membersOf(repository)).root ?? "");
    const wrong = rootText("c".repeat(64));
    const state = async (more: NodeJS.ProcessEnv): Promise<string> =>
      (await openMembers(opened({ ...clone, env: { ...clone.env, ...more } as Record<string, string> }))).rootState;
    expect(await state({ GIT_VAULT_ROOT: wrong })).toBe("other");
    expect(await state({ GIT_VAULT_IDENTITY: `# members log: ${wrong}\nAGE-SECRET-KEY-1X\n` })).toBe("other");
    expect(await state({ GIT_VAULT_IDENTITY: `# members log: ${root}\nAGE-SECRET-KEY-1X\n` })).toBe("accepted");
    expect(await state({ GIT_VAULT_ROOT: root })).toBe("accepted");
    await expect(state({ GIT_VAULT_ROOT: "nonsense" })).rejects.toMatchObject({ code: "MALFORMED_ROOT" });
  });

  test("a root is read as people write it", () => {
    const root = "0123456789abcdef".repeat(4);
    expect(parseRoot(rootText(root), "--root")).toBe(root);
    expect(parseRoot(root, "--root")).toBe(root);
    for (const text of ["", "SHA256:", "SHA256:short", root.slice(1), `${rootText(root)}x`]) {
      expect(() => parseRoot(text, "--root")).toThrow(/--root: expected the root/);
    }
  });
});

describe("a clone that follows a branch", () => {
  let clone: Repository;
  beforeEach(async () => {
    await grantTo(team, repository, ["bob"]);
    clone = await cloneOf(repository, "clone");
    await accept(clone);
  });

  test("still counts a removal that was pushed over, and names it", async () => {
    const before = (await repository.git("rev-parse", "HEAD")).toString().trim();
    await remove(team, repository, ["bob"]);
    await clone.git("pull", "-q");
    expect(namesOf(await membersOf(clone))).toEqual(["github:alice"]);
    await clone.git("reset", "-q", "--hard", before);
    await clone.git("update-ref", "refs/remotes/origin/main", before);
    await clone.git("reflog", "expire", "--expire=now", "--all");
    const members = await membersOf(clone);
    expect(members.cut.map(({ action }) => action.kind)).toEqual(["remove"]);
    expect(members.whole.members.map(({ label }) => label)).toEqual(["github:alice"]);
    // The branch itself encrypts with its own key: what is written there the removed one may read.
    expect(namesOf(members)).toEqual(["github:alice", "github:bob"]);
    const findings = await memberFindings(members);
    expect(findings.find(({ id }) => id === "log-cut")?.message).toMatch(/lacks 1 entry .*, 1 removal among them/);
  });

  test("keeps going where its memory is damaged only after a person looked", async () => {
    writeMemory(clone, "members-seen", "{");
    expect((await failureOf(membersOf(clone))).code).toBe("MEMORY_DAMAGED");
  });
});

test("what the branch builds on, and its files lack, is put back by the next entry", async () => {
  await grantTo(team, repository, ["bob"]);
  const entries = filesIn(repository, LOG);
  const { root } = await membersOf(repository);
  await repository.git("rm", "-q", `${LOG}/${root}`);
  await repository.git("commit", "-qm", "cut");
  const { cut, branch } = await membersOf(repository);
  expect(cut.map(({ id }) => id)).toEqual([root]);
  expect(branch.members).toHaveLength(2);
  await grantTo(team, repository, ["carol"]);
  expect(filesIn(repository, LOG)).toEqual(expect.arrayContaining(entries));
  expect((await membersOf(repository)).cut).toEqual([]);
});

test("one bad file hides nothing", async () => {
  await grantTo(team, repository, ["bob"]);
  const [first = "", second = ""] = filesIn(repository, LOG);
  const copy = readFileSync(join(repository.path, second));
  await stage(repository, `${LOG}/${"0".repeat(64)}`, "nonsense");
  await stage(repository, `${LOG}/${"1".repeat(64)}`, copy);
  await stage(repository, `${LOG}/${"2".repeat(64)}`, "");
  const members = await membersOf(repository);
  expect(namesOf(members)).toEqual(["github:alice", "github:bob"]);
  expect(members.bad.map(({ name }) => name[0])).toEqual(["0", "1", "2"]);
  expect((await memberFindings(members)).map(({ id }) => id)).toEqual(["bad-entry", "bad-entry", "bad-entry"]);
  expect(first).not.toBe(second);
});

test("in a bare repository it is the log of HEAD", async () => {
  await grantTo(team, repository, ["bob"]);
  await repository.git("clone", "-q", "--bare", repository.path, join(repository.folder, "bare.git"));
  const { root } = await membersOf(repository);
  const bare = { path: join(repository.folder, "bare.git"), env: repository.env };
  expect(namesOf(await membersOf(bare, root ?? ""))).toEqual(["github:alice", "github:bob"]);
});
