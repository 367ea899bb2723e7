import { spawn } from "node:child_process";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cases } from "@git-vault/testkit";
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

/** Runs a line in alice's clone, and kills it after so many milliseconds; gives how long it ran. */
async function runKilled(world: World, line: string, after: number): Promise<number> {
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
  await Promise.race([ended, sleep(after, undefined, { ref: false })]);
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It ended by itself.
  }
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
