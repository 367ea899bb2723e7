import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { makeTemplate, type Template, type World } from "./world.ts";

/* What is said if something is not as expected: who it is about, and what to do. */

let template: Template;
let world: World;

beforeAll(async () => void (template = await makeTemplate(["alice"], ["bob"])));
afterAll(() => template.close());
beforeEach(() => void (world = template.begin()));

const as: World["as"] = (...args) => world.as(...args);
const trying: World["trying"] = (...args) => world.trying(...args);

test("a repository that begins again at a known address: the line to remove is named", async () => {
  const origin = join(world.folder, "origin.git");
  await as("alice", `rm -rf ${origin} && git init -q --bare -b main ${origin}`);
  await as("alice", `git init -q ~/again && git -C ~/again remote add origin file://${origin}`);
  const again = join(world.home("alice"), "again");
  const { status, said } = await trying("alice", "vault init 'secrets/**' < /dev/null", again);
  const file = join(world.home("alice"), ".config/git-vault/known-repositories");
  expect([status, said]).toEqual([1, expect.stringContaining(`only if you began this repository again on purpose`)]);
  const [, address = ""] = /remove the line that begins with (\S+) from /.exec(said) ?? [];
  expect(said).toContain(`begins with ${address} from ${file}`);
  expect(await as("alice", "vault help LOG_GONE")).toMatch(/known-repositories/);
  await as("alice", `grep -v '^${address} ' ${file} > ~/kept; cp ~/kept ${file}`);
  await as("alice", "vault init 'secrets/**'", again);
});

test("init without a name says who its author is taken for, and how to choose", async () => {
  await as("bob", "git config --global --unset github.user && git init -q ~/mine", world.folder);
  const mine = join(world.home("bob"), "mine");
  expect((await trying("bob", "vault init < /dev/null", mine)).said).toMatch(
    /you are bob@example\.org in the members log, without an account; `--as NAME`/,
  );
});

test("init that cannot look up the account says what next", async () => {
  await as("bob", "git init -q ~/mine", world.folder);
  world.github.faults.push({ fault: "answer", status: 503 });
  const { status, said } = await trying("bob", "vault init < /dev/null", join(world.home("bob"), "mine"));
  expect([status, said]).toEqual([
    0,
    expect.stringMatching(/no members log was started: .*\n.*nobody else can open the key until .*`vault init` again/),
  ]);
  world.github.faults.length = 0;
  expect(await as("bob", "vault init", join(world.home("bob"), "mine"))).toMatch(
    /the members log in \.git-vault is staged/,
  );
});

test("a member by a key file is found by their bare name, and by their account", async () => {
  await as("alice", "cp ~/../bob/.ssh/id_ed25519.pub ~/bob.pub && vault grant -q ~/bob.pub");
  expect(await as("alice", "vault grant --yes bob")).toMatch(
    /the log calls them file:bob, who has the same key: .*`vault revoke file:bob`/,
  );
  const refused = await trying("alice", "vault revoke bob");
  expect([refused.status, refused.said]).toEqual([3, expect.stringContaining("did you mean file:bob?")]);
  const other = await trying("alice", "vault revoke gitlab:bob");
  expect(other.said).toContain("did you mean file:bob?");
});

test("rotate names a copy for an OpenPGP key of nobody, and removes it", async () => {
  const copy = `.git-crypt/keys/default/0/${"A".repeat(40)}.gpg`;
  world.write("alice", copy, "x");
  await as("alice", "git add -A && git commit -q -m copy");
  expect(await as("alice", "vault rotate")).toContain(`${copy} is removed: no member has that OpenPGP key`);
  expect(await as("alice", "git ls-files .git-crypt")).not.toContain(copy);
});
