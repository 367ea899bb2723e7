import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { cases, peer, runOk, seed } from "@git-vault/testkit";
import { describe, expect, test } from "vitest";
import { lock, openRepository, status, unlock } from "../src/index.ts";
import { type Clone, cloneOf, commands, isSealed, sealed, type Sealed } from "./sealed.ts";

const gitCrypt = peer("git-crypt");
const NAMES = ["a.secret", "b.secret", "c.secret", "plain.txt"];
const PROGRAMS = ["ours", "theirs"] as const;

type Program = (typeof PROGRAMS)[number];

/** Two clones of one repository: the one is handled by this package, the other by git-crypt. */
interface Pair extends Record<Program, Clone> {
  readonly source: Sealed;
  /** How many clones and stashes were made: each gets another name, each stash another content. */
  made: number;
}

/** What one of the programs' users does next. */
type Action = (typeof ACTIONS)[number];

const ACTIONS = [
  "edit",
  "rewrite",
  "remove",
  "go back",
  "merge",
  "rebase",
  "cherry-pick",
  "stash",
  "relock",
  "clone",
] as const;

interface Step {
  readonly who: Program;
  readonly what: Action;
  /** Where and how an action changes a file, if it does; how many commits it goes back. */
  readonly file: number;
  readonly line: number;
  readonly text: string;
  readonly commits: number;
}

const details = fc.record({
  file: fc.nat(NAMES.length - 1),
  line: fc.nat(29),
  text: fc.string({ minLength: 1, maxLength: 200 }),
  commits: fc.integer({ min: 1, max: 3 }),
});

/** In any order, each action by each program, edits several times. */
const ALL = PROGRAMS.flatMap((who) =>
  [...ACTIONS, "edit" as const, "edit" as const, "merge" as const].map((what) => ({ who, what })),
);

const stepsInTurn: fc.Arbitrary<Step[]> = fc
  .tuple(
    fc.shuffledSubarray(ALL, { minLength: ALL.length }),
    fc.array(details, { minLength: ALL.length, maxLength: ALL.length }),
  )
  .map(([actions, all]) => all.flatMap((one, at) => (actions[at] === undefined ? [] : { ...one, ...actions[at] })));

/** Lines enough that two edits can be merged. */
const linesOf = (name: string): string => Array.from({ length: 30 }, (_, at) => `${name} line ${at}\n`).join("");

async function commitAll({ git }: Clone): Promise<void> {
  await git("add", "--all");
  await git("commit", "--quiet", "--allow-empty", "--message=Step");
}

const contentsOf = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder)
      .filter((name) => name !== ".git")
      .map((name) => [name, readFileSync(join(folder, name), "latin1")]),
  );

async function unlockBy({ source }: Pair, program: Program, { path, opened }: Clone): Promise<void> {
  if (program === "ours") unlock(opened, [source.key], commands);
  else await runOk(gitCrypt.path, ["unlock", source.keyPath], { cwd: path, env: source.repo.env });
}

async function lockBy({ source }: Pair, program: Program, { path, opened }: Clone): Promise<void> {
  if (program === "ours") lock(opened);
  else await runOk(gitCrypt.path, ["lock"], { cwd: path, env: source.repo.env });
}

const succeeds = async (action: Promise<unknown>): Promise<boolean> => {
  try {
    await action;
    return true;
  } catch {
    return false;
  }
};

const conflictsOf = async ({ git }: Clone): Promise<string[]> =>
  (await git("diff", "--name-only", "--diff-filter=U")).toString().split("\n").filter(Boolean);

/**
 * The files of two versions that are in conflict get both, one after the other, as somebody would
 * who resolves them.
 */
async function resolve(clone: Clone): Promise<void> {
  for (const name of await conflictsOf(clone)) {
    const sides = (await clone.git("ls-files", "-u", "--", name)).toString().trim().split("\n");
    const stages = sides.map((line) => line.split(/\s/)[2]).filter((stage) => stage !== "1");
    const texts = await Promise.all(stages.map((stage) => clone.git("cat-file", "--filters", `:${stage}:${name}`)));
    writeFileSync(join(clone.path, name), Buffer.concat(texts));
  }
  await clone.git("add", "--all");
}

/** Brings the other clone's commits into this one; what is in conflict is resolved. */
async function bring(pair: Pair, program: Program, way: "merge" | "rebase" | "cherry-pick"): Promise<void> {
  const [to, from] = program === "ours" ? [pair.ours, pair.theirs] : [pair.theirs, pair.ours];
  await to.git("fetch", "--quiet", from.path, "main");
  const quietly = ["-c", "core.editor=true", "-c", "advice.mergeConflict=false"];
  const command = {
    merge: ["merge", "--quiet", "--no-edit", "FETCH_HEAD"],
    rebase: ["rebase", "--quiet", "FETCH_HEAD"],
    "cherry-pick": ["cherry-pick", "--allow-empty", "--keep-redundant-commits", "--mainline=1", "FETCH_HEAD"],
  }[way];
  // Only a merge has a first parent to pick against.
  const parents = (await to.git("rev-list", "--parents", "-1", "FETCH_HEAD")).toString().trim().split(" ").length - 1;
  const args = parents > 1 ? command : command.filter((word) => !word.startsWith("--mainline"));
  let isDone = await succeeds(to.git(...quietly, ...args));
  for (let tries = 0; !isDone; tries++) {
    if (tries === 100) throw new Error(`the ${way} does not come to its end`);
    const isOver = (await conflictsOf(to)).length === 0;
    await resolve(to);
    if (way === "merge") isDone = await succeeds(to.git("commit", "--quiet", "--no-edit"));
    // Where nothing is in conflict any more, and it stops all the same, nothing is left of the
    // commit.
    else isDone = await succeeds(to.git(...quietly, way, isOver ? "--skip" : "--continue"));
  }
}

/** Checks an older commit out, and comes back. */
async function goBack(clone: Clone, commits: number): Promise<void> {
  const all = (await clone.git("rev-list", "--first-parent", "HEAD")).toString().trim().split("\n");
  const before = contentsOf(clone.path);
  await clone.git("checkout", "--quiet", all[Math.min(commits, all.length - 1)] ?? "HEAD");
  expect((await clone.git("status", "--porcelain")).toString()).toBe("");
  const contents = Object.values(contentsOf(clone.path));
  expect(contents.filter((content) => isSealed(Buffer.from(content, "latin1")))).toEqual([]);
  await clone.git("checkout", "--quiet", "main");
  expect(contentsOf(clone.path)).toEqual(before);
}

async function take(pair: Pair, next: Step): Promise<void> {
  const clone = pair[next.who];
  const write = (name: string, content: string): Promise<void> => {
    writeFileSync(join(clone.path, name), content);
    return commitAll(clone);
  };
  switch (next.what) {
    case "edit": {
      const name = NAMES[next.file] ?? "";
      const lines = Buffer.from(contentsOf(clone.path)[name] ?? "", "latin1")
        .toString()
        .split("\n");
      lines[Math.min(next.line, lines.length - 1)] = next.text;
      return write(name, lines.join("\n"));
    }
    case "rewrite":
      return write(NAMES[next.file] ?? "", next.text);
    case "remove":
      rmSync(join(clone.path, NAMES[next.file] ?? ""), { force: true });
      return commitAll(clone);
    case "stash":
      // Always another content: git stashes nothing where nothing changed.
      writeFileSync(join(clone.path, "stashed.secret"), `stashed by ${next.who}, ${(pair.made += 1)}\n`);
      await clone.git("add", "stashed.secret");
      await clone.git("stash", "--quiet");
      await clone.git("stash", "pop", "--quiet");
      return commitAll(clone);
    case "relock":
      await lockBy(pair, next.who, clone);
      return unlockBy(pair, next.who, clone);
    case "clone":
      pair[next.who] = await cloneOf({ ...pair.source.repo, path: clone.path }, `clone-${(pair.made += 1)}`);
      return unlockBy(pair, next.who, pair[next.who]);
    case "go back":
      return goBack(clone, next.commits);
    case "merge":
    case "rebase":
    case "cherry-pick":
      return bring(pair, next.who, next.what);
  }
}

describe.skipIf(gitCrypt.missing)(`with ${gitCrypt.label}`, () => {
  test("a repository that both programs change in turn stays the same for both", async () => {
    const property = fc.asyncProperty(stepsInTurn, async (steps) => {
      using source = await sealed(Object.fromEntries(NAMES.map((name) => [name, linesOf(name)])));
      const pair = { source, ours: await source.clone("ours"), theirs: await source.clone("theirs"), made: 0 };
      for (const program of PROGRAMS) await unlockBy(pair, program, pair[program]);
      for (const next of steps) await take(pair, next);
      await bring(pair, "ours", "merge");
      await bring(pair, "theirs", "merge");
      expect(contentsOf(pair.ours.path)).toEqual(contentsOf(pair.theirs.path));
      expect(await pair.ours.git("ls-tree", "-r", "HEAD")).toEqual(await pair.theirs.git("ls-tree", "-r", "HEAD"));
      for (const { git, path } of [pair.ours, pair.theirs]) {
        expect((await git("status", "--porcelain")).toString()).toBe("");
        expect(status(openRepository(path, source.repo), { history: true }).findings).toEqual([]);
      }
      for (const program of PROGRAMS) await lockBy(pair, program, pair[program]);
      expect(contentsOf(pair.ours.path)).toEqual(contentsOf(pair.theirs.path));
      for (const [name, content] of Object.entries(contentsOf(pair.ours.path))) {
        expect({ name, sealed: isSealed(Buffer.from(content, "latin1")) }).toEqual({
          name,
          sealed: name.endsWith(".secret"),
        });
      }
    });
    // Each takes every action by each program.
    await fc.assert(property, { numRuns: cases(1, 10), seed: seed(1), endOnFailure: true });
  });
});
