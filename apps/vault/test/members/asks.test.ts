import { join } from "node:path";
import { openTerminal, type Terminal } from "@git-vault/testkit/terminal";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { makeTemplate, type Template, type World } from "./world.ts";

/* What `vault` asks on a terminal when somebody starts a log, or removes a member. */

let template: Template;
let world: World;

beforeAll(async () => void (template = await makeTemplate(["alice", "bob"], ["eve"])));
afterAll(() => template.close());
beforeEach(() => void (world = template.begin()));

const as: World["as"] = (...args) => world.as(...args);

const onTerminal = (name: string, words: readonly string[], cwd = world.clone(name)): Terminal =>
  openTerminal("vault", words, { cwd, env: world.environment(name), cols: 200 });

test("init asks once who starts the log, and git keeps the answer", async () => {
  await as("eve", "git config --global --unset github.user && git init -q ~/mine && git init -q ~/next", world.folder);
  const init = async (folder: string, question?: RegExp): Promise<void> => {
    using terminal = onTerminal("eve", ["init", "secrets/**"], join(world.home("eve"), folder));
    if (question !== undefined) {
      await terminal.waitFor(question);
      terminal.type("eve\r");
    }
    expect(await terminal.ended).toMatchObject({ status: 0, sane: true });
    expect(terminal.screen).toMatch(/the members log in \.git-vault is staged, and begins with you/);
  };
  await init("mine", /Your user name on GitHub \(empty: none\)/);
  const mine = join(world.home("eve"), "mine");
  expect(await as("eve", "git config git-vault.user && vault log", mine)).toMatch(
    /^github:eve\n[^]*started the log as github:eve/,
  );
  // Where it is known, nothing is asked.
  await as("eve", "git -C ~/next config git-vault.user eve", world.folder);
  await init("next");
});

test("revoke shows who will have the new key, and does nothing without a yes", async () => {
  const before = await as("alice", "git rev-parse HEAD");
  for (const answer of ["n\r", "\r"]) {
    using terminal = onTerminal("alice", ["revoke", "bob"]);
    await terminal.waitFor(/give the new key to these people/);
    expect(terminal.screen).toMatch(/to be taken out\s+github:bob[^]*will be for\s+github:alice/);
    terminal.type(answer);
    expect(await terminal.ended).toMatchObject({ status: 1, sane: true });
  }
  expect(await as("alice", "git rev-parse HEAD; git status --porcelain")).toBe(before);
  using terminal = onTerminal("alice", ["revoke", "bob"]);
  await terminal.waitFor(/give the new key to these people/);
  terminal.type("y\r");
  expect(await terminal.ended).toMatchObject({ status: 0, sane: true });
  expect(await as("alice", "vault holders --offline")).not.toContain("github:bob");
});
