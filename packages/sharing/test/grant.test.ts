import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Directory } from "@git-vault/directory";
import { keyId, parseKeyFile } from "@git-vault/git-crypt";
import { generateIdentity } from "@git-vault/sealing";
import { peer, runOk, throwawayRepository, type Repository } from "@git-vault/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { encodeGrant, grant, parseGrant } from "../src/grants/index.ts";
import { failureOf } from "./hands.ts";
import { encryptedRepository, grantFiles, grantOf, grantTo, makeTeam, opened, type Team } from "./team.ts";

const age = peer("age");

let team: Team;
let repository: Repository;
beforeAll(async () => void (team = await makeTeam()));
afterAll(() => team.close());
beforeEach(async () => void (repository = await encryptedRepository()));
afterEach(() => repository.remove());

const read = (path: string): Buffer => readFileSync(join(repository.path, path));
const storedKey = (): Buffer => read(".git/git-crypt/keys/default");
const log = async (): Promise<string> => (await repository.git("log", "--format=%s")).toString();

describe("a grant", () => {
  test("says whom it is for, which key it holds, since when, and who gave it", async () => {
    await grantTo(team, repository, ["bob"]);
    const bytes = read(grantOf(repository, "bob"));
    const { statement } = parseGrant(bytes);
    expect(statement).toMatchObject({
      holder: "github:bob",
      account: `${new URL(team.github.url).host}/101`,
      keys: [{ text: team.key("bob"), type: "ssh-ed25519" }],
      keyName: "default",
      keyId: keyId(parseKeyFile(storedKey())),
      grantedBy: "github:alice",
    });
    expect(statement.since).toBe(statement.granted);
    expect(encodeGrant(parseGrant(bytes)).equals(bytes)).toBe(true);
    expect(bytes.includes("bob@") || bytes.includes(repository.folder)).toBe(false);
  });

  test.skipIf(age.missing)(`opens with ${age.label}`, async () => {
    await grantTo(team, repository, ["bob"]);
    const { message } = parseGrant(read(grantOf(repository, "bob")));
    const key = await runOk(age.path, ["-d", "-i", join(team.home("bob"), ".ssh/id_ed25519")], { input: message });
    expect(key.equals(storedKey())).toBe(true);
  });

  test("is signed so that ssh-keygen verifies it over all that stands before", async () => {
    await grantTo(team, repository, ["bob"]);
    const text = read(grantOf(repository, "bob")).toString();
    const at = text.indexOf("-----BEGIN SSH SIGNATURE-----");
    const signature = join(repository.folder, "signature");
    const allowed = join(repository.folder, "allowed");
    writeFileSync(signature, text.slice(at));
    writeFileSync(allowed, `alice namespaces="git-vault" ${team.key("alice")}\n`);
    const args = ["-Y", "verify", "-f", allowed, "-I", "alice", "-n", "git-vault", "-s", signature];
    await runOk("ssh-keygen", args, { input: text.slice(0, at) });
    await expect(runOk("ssh-keygen", args, { input: `${text.slice(0, at)} ` })).rejects.toThrow(/ended with/);
  });

  test("is made to an age key for a machine, and to the keys of a file", async () => {
    const { recipient } = await generateIdentity();
    const to = await team.directory.resolve(join(team.home("carol"), ".ssh/id_ed25519.pub"));
    const machines = new Map([["ci:deploy", recipient]]);
    const by = await team.by("alice");
    const result = await grant({ repository: opened(repository), to, machines, directory: team.directory, by });
    expect(result.granted.map(({ holder }) => holder)).toEqual(["ci:deploy", "file:id_ed25519"]);
  });
});

describe("granting", () => {
  test("commits its own files alone, whatever is staged or changed, and leaves that as it is", async () => {
    repository.write("staged", "1");
    await repository.git("add", "staged");
    repository.write(".gitattributes", "* text\n");
    repository.write("untracked", "1");
    const { commit } = await grantTo(team, repository, ["bob", "carol"]);
    const files = (await repository.git("show", "--name-only", "--format=", commit ?? "")).toString();
    expect(files.trim().split("\n").toSorted()).toEqual([".git-vault/.gitattributes", ...grantFiles(repository)]);
    const status = (await repository.git("status", "--porcelain")).toString();
    expect(status).toBe(" M .gitattributes\nA  staged\n?? untracked\n");
    expect(await log()).toMatch(/^Grant the key default to github:bob and github:carol\n/);
  });

  test("passes over who has a valid grant, and replaces an older one", async () => {
    const first = await grantTo(team, repository, ["bob"]);
    const again = await grantTo(team, repository, ["bob", "carol"]);
    expect(again.unchanged).toEqual(["github:bob"]);
    expect(again.granted.map(({ holder }) => holder)).toEqual(["github:carol"]);
    const none = await grantTo(team, repository, ["bob"]);
    expect(none).toMatchObject({ granted: [], commit: null });
    const user = team.github.users.get("bob");
    team.github.users.set("bob", { ...user, keys: [team.key("bob"), team.key("mallory")] });
    try {
      const renewed = await grantTo(team, repository, ["bob"]);
      expect(renewed.granted).toMatchObject([{ holder: "github:bob", renewed: true }]);
      expect(grantOf(repository, "bob")).not.toBe(first.granted[0]?.path);
    } finally {
      team.github.users.set("bob", { ...user });
    }
  });

  test("works from a linked worktree and where .git-vault is ignored or kept out by a sparse checkout", async () => {
    repository.write(".gitignore", ".git-vault\n");
    await repository.commit("ignore");
    await repository.git("sparse-checkout", "set", "secrets");
    await grantTo(team, repository, ["bob"]);
    expect((await repository.git("ls-files", ".git-vault")).toString()).toContain("github-bob.");
    await grantTo(team, repository, ["carol"]);
    const other = join(repository.folder, "other");
    await repository.git("worktree", "add", "-q", other);
    const worktree: Repository = { ...repository, path: other };
    await grantTo(team, worktree, ["mallory"]);
    const files = (
      await runOk("git", ["ls-files", ".git-vault"], { cwd: other, env: { ...repository.env } })
    ).toString();
    expect(files.match(/github-(?:bob|carol|mallory)\./g)).toHaveLength(3);
  });

  test("leaves the files staged where it is told to", async () => {
    const to = await team.directory.resolve("bob");
    const by = await team.by("alice");
    const { directory } = team;
    const result = await grant({ repository: opened(repository), to, directory, by, stageOnly: true });
    expect(result.commit).toBeNull();
    expect((await repository.git("diff", "--cached", "--name-only")).toString()).toContain("github-bob.");
    await grantTo(team, repository, ["carol"]);
    expect((await repository.git("diff", "--cached", "--name-only")).toString()).toContain("github-bob.");
  });
});

describe("nothing is changed", () => {
  const unchanged = async (): Promise<void> => {
    expect((await repository.git("status", "--porcelain")).toString()).toBe("");
    expect(await log()).toBe("a secret\n");
  };

  test("where a hook refuses, and its words are repeated", async () => {
    mkdirSync(join(repository.path, ".git/hooks"), { recursive: true });
    const hook = join(repository.path, ".git/hooks/pre-commit");
    writeFileSync(hook, "#!/bin/sh\necho no grants on Friday >&2\nexit 1\n");
    chmodSync(hook, 0o755);
    const error = await failureOf(grantTo(team, repository, ["bob"]));
    expect(error).toMatchObject({ code: "GIT_FAILED", message: "git commit failed: no grants on Friday" });
    expect(grantFiles(repository)).toEqual([]);
    await unchanged();
  });

  test("where git has no name for the author", async () => {
    await repository.git("config", "user.useConfigOnly", "true");
    await repository.git("config", "--global", "--unset", "user.email");
    expect((await failureOf(grantTo(team, repository, ["bob"]))).code).toBe("GIT_FAILED");
    await unchanged();
  });

  test("where the rate limit is met in the middle of a team of 150", async () => {
    const names = Array.from({ length: 150 }, (_, at) => `member-${at}`);
    for (const name of names) team.github.users.set(name, { keys: [team.key("bob")] });
    team.github.teams.set("org/team", names);
    team.github.tokens.add("token");
    const env = { GITHUB_API_URL: team.github.url, GH_TOKEN: "token" };
    const directory = new Directory({ env, cacheFolder: null });
    team.github.rate.remaining = 80;
    const by = await team.by("alice");
    const granting = async (): Promise<unknown> => {
      const to = await directory.resolve("github:org/team");
      return grant({ repository: opened(repository), to, directory, by });
    };
    try {
      expect((await failureOf(granting())).code).toBe("RATE_LIMITED");
      await unchanged();
    } finally {
      team.github.rate.remaining = 100_000;
    }
    const before = team.github.requests.length;
    await granting();
    // Two pages of members, which tell the accounts, and the keys of each.
    expect(team.github.requests.length - before).toBe(152);
    expect(grantFiles(repository)).toHaveLength(150);
  });

  test("where a recipient has no usable key", async () => {
    team.github.users.set("keyless", { keys: [] });
    expect((await failureOf(grantTo(team, repository, ["bob", "keyless"]))).code).toBe("NO_KEYS");
    await unchanged();
  });

  test("where .git-vault is a link that leads elsewhere", async () => {
    await repository.git("config", "core.symlinks", "true");
    const elsewhere = join(repository.folder, "elsewhere");
    mkdirSync(elsewhere);
    symlinkSync(elsewhere, join(repository.path, ".git-vault"));
    const error = await failureOf(grantTo(team, repository, ["bob"]));
    expect(error.code).toBe("UNWRITABLE");
    expect(readdirSync(elsewhere)).toEqual([]);
  });

  test("where attributes or settings would have git store something else", async () => {
    mkdirSync(join(repository.path, ".git/info"), { recursive: true });
    writeFileSync(join(repository.path, ".git/info/attributes"), "*.age text working-tree-encoding=UTF-16LE-BOM\n");
    const error = await failureOf(grantTo(team, repository, ["bob"]));
    expect(error.code).toBe("GIT_FAILED");
    expect(grantFiles(repository)).toEqual([]);
  });

  test("where the repository is locked, or does not use git-crypt", async () => {
    rmSync(join(repository.path, ".git/git-crypt"), { recursive: true });
    expect((await failureOf(grantTo(team, repository, ["bob"]))).code).toBe("LOCKED");
    using plain = await throwawayRepository();
    expect((await failureOf(grantTo(team, plain, ["bob"]))).code).toBe("NOT_GIT_CRYPT");
  });
});
