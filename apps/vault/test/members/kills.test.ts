import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cases, killGroup } from "@git-vault/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { notCurrent } from "./blobs.ts";
import { makeTemplate, type Template, type World } from "./world.ts";

/*
 * What changes who has the keys, killed at any moment with all that it started: nothing is lost,
 * and the same command, or the one that status names, goes on.
 */

const KILLS = cases(2, 35);

let template: Template;
beforeAll(async () => void (template = await makeTemplate(["alice", "bob", "mal"], ["eve"])));
afterAll(() => template.close());

/**
 * Runs a line in alice's clone, and kills it after so many milliseconds, or once something is so;
 * gives how long it ran.
 */
async function runKilled(world: World, line: string, after: number | (() => boolean)): Promise<number> {
  const begun = Date.now();
  const child = spawn("sh", ["-c", line], {
    cwd: world.clone("alice"),
    env: world.environment("alice"),
    stdio: "ignore",
    detached: true,
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const { pid } = child;
  if (pid === undefined) throw new Error("it did not start");
  if (typeof after === "number") await Promise.race([ended, sleep(after, undefined, { ref: false })]);
  else while (child.exitCode === null && child.signalCode === null && !after()) await sleep(1);
  await killGroup(pid);
  await ended;
  return Date.now() - begun;
}

/** What a killed git leaves, and says how to remove. */
function removeLocks(folder: string): void {
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    if (name.endsWith(".lock")) rmSync(join(folder, name), { force: true });
  }
}

/** Goes on as status says, and then as before; gives whether it was in the middle. */
async function goOn(world: World, line: string, isUndone: boolean): Promise<boolean> {
  const gitDir = join(world.clone("alice"), ".git");
  removeLocks(gitDir);
  const isBegun = existsSync(join(gitDir, "git-vault/rotation"));
  const found = await world.trying("alice", "vault status");
  expect([isBegun, found.said]).toEqual([
    isBegun,
    expect.stringMatching(isBegun ? /^unfinished-rotation: /m : /^state: /m),
  ]);
  if (isBegun) await world.as("alice", `vault rotate --${isUndone ? "abort" : "continue"}`);
  const again = await world.trying("alice", line);
  // Whom it took out is out already.
  expect([again.status === 0 || /no member/.test(again.said), again.said]).toEqual([true, again.said]);
  await world.trying("alice", "git commit -q -m 'what was staged'");
  expect(await world.as("alice", "git status --porcelain")).toBe("");
  expect((await world.trying("alice", "vault status")).said).toMatch(/^state: unlocked/m);
  expect(await notCurrent(world, "alice")).toEqual([]);
  return isBegun;
}

test.for([
  ["rotate", "vault rotate --keep mal", "true"],
  ["revoke", "vault revoke mal", "true"],
  ["grant", "vault grant eve", "true"],
  ["sync", "vault sync --yes", "git rm -q -r .git-vault/sealed && git commit -q -m 'copies are gone' && git push -q"],
] as const)(`%s, killed ${KILLS} times, is finished or undone`, async ([, line, first]) => {
  let most = 0;
  let begun = 0;
  for (let count = 0; count < KILLS; count += 1) {
    const world = template.begin();
    await world.as("alice", first);
    // The first run tells how long it takes.
    const ran = await runKilled(world, line, count === 0 ? 600_000 : (count / KILLS) * most);
    most = Math.max(most, ran);
    if (await goOn(world, line, count % 2 === 1)) begun += 1;
    expect(world.read("alice", "secrets/password")).toBe("hunter2\n");
    await world.as("alice", "git push -q");
    await world.join("bob");
    await world.as("bob", "vault unlock -q --yes");
    expect(world.read("bob", "secrets/password")).toBe("hunter2\n");
    await world.push("bob", "secrets/new", "new\n");
    expect(await notCurrent(world, "bob")).toEqual([]);
  }
  expect(begun).toBeLessThan(KILLS);
});

test("in the middle of a rotation nobody is granted the key, or taken out: it is finished first", async () => {
  const world = template.begin();
  const journal = join(world.clone("alice"), ".git/git-vault/rotation");
  for (let tries = 0; !existsSync(journal); tries += 1) {
    expect(tries).toBeLessThan(20);
    await runKilled(world, "vault rotate --keep mal", () => existsSync(journal));
  }
  removeLocks(join(world.clone("alice"), ".git"));
  const head = await world.as("alice", "git rev-parse HEAD");
  for (const line of ["vault grant eve", "vault revoke mal", "vault lock"]) {
    const refused = await world.trying("alice", `${line} < /dev/null`);
    expect([line, refused.status, refused.said]).toEqual([line, 1, expect.stringContaining("was not finished")]);
  }
  expect(await world.as("alice", "git rev-parse HEAD")).toBe(head);
  await world.as("alice", "vault rotate --continue && vault grant eve && vault status");
  expect(await notCurrent(world, "alice")).toEqual([]);
});

/** Runs what follows where a folder can be mounted that no other process sees. */
const UNSHARED = ["--user", "--map-root-user", "--mount"];
const cannotMount = spawnSync("unshare", [...UNSHARED, "mount", "-t", "tmpfs", "x", "/mnt"]).status !== 0;

const SPACE = cases(2, 6);

test.skipIf(cannotMount).for([
  ["grant", "vault grant eve"],
  ["revoke", "vault revoke mal"],
])(`%s, on a disk with hardly any space left, changes nothing or all (it needs unshare)`, async ([, line]) => {
  for (let count = 0; count < SPACE; count += 1) {
    const world = template.begin();
    const clone = world.clone("alice");
    const full = join(world.home("alice"), "full");
    const script = `mkdir -p ${full} && mount -t tmpfs -o size=8m x ${full} && cp -a ${clone}/. ${full} && cd ${full} &&
      (dd if=/dev/zero of=filler bs=4k 2>/dev/null; truncate -s -${4 + count * 12}K filler; export TMPDIR=${full}
      ${line}; echo "ended with $?"; rm filler; git status --porcelain; cat secrets/password; vault status) &&
      (${line} || ${line} 2>&1 | grep -e 'no member' -e 'already') && git push -q`;
    const said = await world.as("alice", `unshare ${UNSHARED.join(" ")} sh -ec '${script.replaceAll("'", `'\\''`)}'`);
    const [, after = ""] = said.split(/^ended with \d+$/m);
    expect(after).toMatch(/^\nhunter2\nstate: unlocked/);
    expect([count > 0 || /space/.test(said), said]).toEqual([true, said]);
    await world.join("bob");
    await world.as("bob", "vault unlock -q --yes");
    expect(world.read("bob", "secrets/password")).toBe("hunter2\n");
  }
});
