import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { peer, runOk } from "@git-vault/testkit";
import { describe, expect, test } from "vitest";
import { lock, openRepository, status, unlock } from "../src/index.ts";
import { type Clone, commands, isSealed, sealed, type Sealed } from "./sealed.ts";

const gitCrypt = peer("git-crypt");
const NAMES = ["a.secret", "b.secret", "c.secret", "plain.txt"];

/** Two clones of one repository: the first is handled by this package, the second by git-crypt. */
interface Pair {
  readonly source: Sealed;
  readonly ours: Clone;
  readonly theirs: Clone;
}

type Step = { readonly who: "ours" | "theirs" } & (
  | { readonly what: "edit"; readonly file: number; readonly text: string }
  | { readonly what: "remove"; readonly file: number }
  | { readonly what: "stash" }
  | { readonly what: "relock" }
  | { readonly what: "exchange" }
);

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    who: fc.constantFrom("ours", "theirs"),
    what: fc.constant("edit"),
    file: fc.nat(NAMES.length - 1),
    text: fc.string({ minLength: 1, maxLength: 200 }),
  }),
  fc.record({ who: fc.constantFrom("ours", "theirs"), what: fc.constant("remove"), file: fc.nat(NAMES.length - 1) }),
  fc.record({ who: fc.constantFrom("ours", "theirs"), what: fc.constantFrom("stash", "relock", "exchange") }),
) as fc.Arbitrary<Step>;

async function commitAll({ git }: Clone): Promise<void> {
  await git("add", "--all");
  await git("commit", "--quiet", "--allow-empty", "--message=Step");
}

async function relock({ source, theirs, ours }: Pair, who: Step["who"]): Promise<void> {
  if (who === "ours") {
    lock(ours.opened);
    unlock(ours.opened, [source.key], commands);
    return;
  }
  const inside = { cwd: theirs.path, env: source.repo.env };
  await runOk(gitCrypt.path, ["lock"], inside);
  await runOk(gitCrypt.path, ["unlock", source.keyPath], inside);
}

/** Brings one clone's commits to the other by rebasing; in conflict the other's version wins. */
async function exchange(pair: Pair, who: Step["who"]): Promise<void> {
  const [from, to] = who === "ours" ? [pair.theirs, pair.ours] : [pair.ours, pair.theirs];
  await to.git("fetch", "--quiet", from.path, "main");
  try {
    await to.git("rebase", "--quiet", "FETCH_HEAD");
  } catch {
    await to.git("rebase", "--abort");
    await to.git("reset", "--quiet", "--hard", "FETCH_HEAD");
  }
}

let stashes = 0;

async function take(pair: Pair, next: Step): Promise<void> {
  const clone = pair[next.who];
  if (next.what === "relock") return relock(pair, next.who);
  if (next.what === "exchange") return exchange(pair, next.who);
  if (next.what === "stash") {
    // Always another content: git stashes nothing where nothing changed.
    writeFileSync(join(clone.path, "stashed.secret"), `stashed ${next.who} ${(stashes += 1)}\n`);
    await clone.git("add", "stashed.secret");
    await clone.git("stash", "--quiet");
    await clone.git("stash", "pop", "--quiet");
    return commitAll(clone);
  }
  const path = join(clone.path, NAMES[next.file] ?? "");
  if (next.what === "remove") rmSync(path, { force: true });
  else writeFileSync(path, next.text);
  return commitAll(clone);
}

const contentsOf = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder)
      .filter((name) => name !== ".git")
      .map((name) => [name, readFileSync(join(folder, name), "latin1")]),
  );

describe.skipIf(gitCrypt.missing)(`with ${gitCrypt.label}`, () => {
  test("a repository that both programs change in turn stays the same for both", async () => {
    const property = fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 8 }), async (steps) => {
      using source = await sealed({ "a.secret": "one\n", "b.secret": "two\n", "plain.txt": "plain\n" });
      const pair = { source, ours: await source.clone("ours"), theirs: await source.clone("theirs") };
      unlock(pair.ours.opened, [source.key], commands);
      await runOk(gitCrypt.path, ["unlock", source.keyPath], { cwd: pair.theirs.path, env: source.repo.env });
      for (const next of steps) await take(pair, next);
      await exchange(pair, "ours");
      await exchange(pair, "theirs");
      expect(contentsOf(pair.ours.path)).toEqual(contentsOf(pair.theirs.path));
      expect(await pair.ours.git("ls-tree", "-r", "HEAD")).toEqual(await pair.theirs.git("ls-tree", "-r", "HEAD"));
      for (const { git, path } of [pair.ours, pair.theirs]) {
        expect((await git("status", "--porcelain")).toString()).toBe("");
        expect(status(openRepository(path, source.repo)).findings).toEqual([]);
      }
      lock(pair.ours.opened);
      for (const [name, content] of Object.entries(contentsOf(pair.ours.path))) {
        expect({ name, sealed: isSealed(Buffer.from(content, "latin1")) }).toEqual({
          name,
          sealed: name.endsWith(".secret"),
        });
      }
    });
    // The same steps each time, unless others are asked for.
    const { GIT_VAULT_MIXED_RUNS: numRuns = "3", GIT_VAULT_MIXED_SEED: seed = "1" } = process.env;
    await fc.assert(property, { numRuns: Number(numRuns), seed: Number(seed) });
  });
});
