import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as fc from "fast-check";
import { cases, type Repository as Throwaway, run, seed, throwawayRepository } from "@git-vault/testkit";
import { expect, test } from "vitest";
import { attributesFor, checkStaged, initialize, lock, openRepository, type Repository, status } from "../src/index.ts";
import { commands, isSealed } from "./sealed.ts";

/*
 * A random walk of git commands and edits of attributes by two clones with different keys. After
 * each step: plaintext that HEAD or the index holds on a path that any commit of the branch
 * protected is named by `status`, and a commit that `checkStaged` would refuse is not made but with
 * --no-verify. What was ever protected is asked of git itself, commit by commit.
 */

const FOLDERS = ["secrets", "other", "open", "secrets/sub"];
const PATHS = FOLDERS.flatMap((folder) => ["a", "b.bin"].map((name) => `${folder}/${name}`));
const KEYS = ["default", "other"] as const;
const LINES = [
  attributesFor("secrets/**"),
  attributesFor("other/**", "other"),
  "other/** filter=git-crypt -text\n",
  "*.bin filter=cat\n",
  "secrets/a !filter\n",
  "[attr]sealed filter=git-crypt -text\n",
  "open/* sealed\n",
];
const ATTRIBUTES = [".gitattributes", "secrets/.gitattributes", ".git/info/attributes"];

const ACTIONS = [
  "edit",
  "edit",
  "edit",
  "add",
  "add all",
  "commit",
  "commit",
  "commit",
  "commit all",
  "commit unverified",
  "remove",
  "move",
  "add line",
  "add line",
  "remove line",
  "no filter here",
  "remove attributes",
  "merge",
  "merge",
  "cherry-pick",
  "rebase",
  "apply mail",
  "put in the index",
  "stash",
  "reset",
  "restore",
  "renormalize",
] as const;

const step = fc.record({
  who: fc.nat(1),
  what: fc.constantFrom(...ACTIONS),
  path: fc.constantFrom(...PATHS),
  to: fc.constantFrom(...PATHS),
  line: fc.constantFrom(...LINES),
  attributes: fc.constantFrom(...ATTRIBUTES, ".gitattributes"),
  number: fc.nat(1_000_000),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

interface Walker {
  readonly path: string;
  readonly opened: Repository;
  /** Gives the exit code, and what it printed. */
  readonly git: (...args: string[]) => Promise<{ status: number | null; output: string }>;
}

async function walkerIn(repo: Throwaway, name: string, keyName: string): Promise<Walker> {
  const path = join(repo.folder, name);
  await repo.git("clone", "--quiet", repo.path, path);
  const opened = openRepository(path, repo);
  initialize(opened, { ...commands, keyName, force: true });
  const git: Walker["git"] = async (...args) => {
    const { status: code, stdout } = await run("git", args, { cwd: path, env: repo.env });
    return { status: code, output: stdout.toString("latin1") };
  };
  await git("config", "filter.cat.clean", "cat");
  return { path, opened, git };
}

const textOf = (path: string): string => (existsSync(path) ? readFileSync(path, "utf8") : "");

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** Commits without asking the hook where it would refuse. */
async function commit({ opened, git }: Walker, ...options: string[]): Promise<void> {
  if (options.includes("--all")) await git("add", "--update");
  if (!options.includes("--no-verify") && checkStaged(opened).length > 0) return;
  await git("commit", "--quiet", "--allow-empty", "--no-verify", "--message=Step");
}

async function take(
  walkers: readonly Walker[],
  { who, what, path, to, line, attributes, number }: Step,
): Promise<void> {
  const walker = walkers[who];
  const from = walkers[1 - who];
  if (walker === undefined || from === undefined) return;
  const { git } = walker;
  const at = (name: string): string => join(walker.path, name);
  const folder = at(attributes);
  switch (what) {
    case "edit":
      return write(at(path), `plain ${number}\n`);
    case "add":
      return void (await git("add", "--", path));
    case "add all":
      return void (await git("add", "--all"));
    case "commit":
      return commit(walker);
    case "commit all":
      return commit(walker, "--all");
    case "commit unverified":
      return commit(walker, "--no-verify");
    case "remove":
      return void (await git("rm", "-q", "-f", "--", path));
    case "move":
      mkdirSync(dirname(at(to)), { recursive: true });
      return void (await git("mv", "-f", "--", path, to));
    case "add line":
      return write(folder, `${textOf(folder)}${line}`);
    case "remove line":
      return write(
        folder,
        textOf(folder)
          .split("\n")
          .toSpliced(number % 3, 1)
          .join("\n"),
      );
    case "no filter here":
      return write(at("secrets/.gitattributes"), "* !filter\n");
    case "remove attributes":
      return rmSync(folder, { force: true });
    case "merge":
      await git("fetch", "--quiet", from.path, "HEAD");
      await git("merge", "--quiet", "--no-edit", "-X", number % 2 === 0 ? "ours" : "theirs", "FETCH_HEAD");
      return void ((await git("ls-files", "-u")).output !== "" && (await git("merge", "--abort")));
    case "cherry-pick":
    case "rebase":
      await git("fetch", "--quiet", from.path, "HEAD");
      if ((await git(what, "FETCH_HEAD")).status !== 0) await git(what, "--abort");
      return;
    case "apply mail": {
      const mail = at("../mail");
      await from.git("format-patch", "--quiet", "-1", "--output", mail);
      if ((await git("am", "--quiet", mail)).status !== 0) await git("am", "--abort");
      return;
    }
    case "put in the index": {
      const { output } = await git("hash-object", "-w", "--no-filters", "--", path);
      const oid = output.trim();
      return void (oid !== "" && (await git("update-index", "--add", "--cacheinfo", `100644,${oid},${to}`)));
    }
    case "stash":
      await git("stash", "--quiet");
      if ((await git("stash", "pop", "--quiet")).status !== 0) await git("reset", "--quiet", "--hard");
      return void (await git("stash", "clear"));
    case "reset":
      return void (await git("reset", "--quiet", number % 3 === 0 ? "--hard" : "--mixed"));
    case "restore":
      return void (await git("checkout", "--quiet", `HEAD~${1 + (number % 4)}`, "--", path));
    case "renormalize":
      return void (await git("add", "--renormalize", "."));
  }
}

/** What the attributes of one commit protect, as git says; each commit is asked for once. */
async function protectedIn(
  repo: Throwaway,
  { path }: Walker,
  known: Map<string, Set<string>>,
  oid: string,
): Promise<Set<string>> {
  const before = known.get(oid);
  if (before !== undefined) return before;
  const env = { ...repo.env, GIT_INDEX_FILE: join(repo.folder, "oracle-index") };
  const ask = async (...args: string[]): Promise<string> => {
    const { stdout } = await run("git", args, { cwd: path, env });
    return stdout.toString();
  };
  const info = join(path, ".git/info/attributes");
  const aside = join(repo.folder, "info-attributes");
  if (existsSync(info)) renameSync(info, aside);
  await ask("read-tree", oid);
  const said = await ask("check-attr", "--cached", "filter", "--", ...PATHS);
  if (existsSync(aside)) renameSync(aside, info);
  const found = new Set(said.split("\n").flatMap((line) => /^(.*): filter: git-crypt/.exec(line)?.[1] ?? []));
  known.set(oid, found);
  return found;
}

/** Whether a blob is plaintext. */
async function isPlain(git: Walker["git"], oid: string): Promise<boolean> {
  const content = Buffer.from((await git("cat-file", "blob", oid)).output, "latin1");
  return content.length > 0 && !isSealed(content);
}

/** The paths on which the index holds plaintext; each blob is looked at once. */
async function plaintextIn({ git }: Walker, blobs: Map<string, Promise<boolean>>): Promise<string[]> {
  const { output } = await git("ls-files", "--stage");
  const entries = output.split("\n").flatMap((line) => {
    const [, oid = "", stage, name = ""] = /^\d+ (\S+) (\d)\t(.*)$/.exec(line) ?? [];
    return stage === "0" && PATHS.includes(name) ? [{ oid, name }] : [];
  });
  const plain = await Promise.all(
    entries.map(({ oid }) => {
      const known = blobs.get(oid) ?? isPlain(git, oid);
      blobs.set(oid, known);
      return known;
    }),
  );
  return entries.flatMap(({ name }, at) => (plain[at] === true ? [name] : []));
}

/** What git answered: what commits protect, and which blobs are plaintext. */
interface Known {
  readonly attributes: Map<string, Set<string>>;
  readonly blobs: Map<string, Promise<boolean>>;
}

/** The paths on which plaintext lies that should not, and that status does not name. */
async function untold(repo: Throwaway, walker: Walker, known: Known): Promise<string[]> {
  const { output } = await walker.git("rev-list", "HEAD");
  const once = new Set<string>();
  for (const oid of output.split("\n").filter(Boolean))
    for (const name of await protectedIn(repo, walker, known.attributes, oid)) once.add(name);
  const clear = (await plaintextIn(walker, known.blobs)).filter((name) => once.has(name));
  const told = new Set(status(walker.opened).findings.map(({ subject }) => subject));
  return clear.filter((name) => !told.has(name));
}

test("no plaintext on a path that was ever protected is stored without a word, however one walks", async () => {
  const steps = fc.array(step, { minLength: 60, maxLength: 60, size: "max" });
  const property = fc.asyncProperty(steps, async (walk) => {
    using repo = await throwawayRepository();
    repo.write(".gitattributes", LINES.slice(0, 2).join(""));
    for (const path of PATHS.filter((name) => name.startsWith("open/"))) repo.write(path, "open\n");
    await repo.commit("Begin");
    const one = await walkerIn(repo, "one", KEYS[0]);
    const walkers = [one, await walkerIn(repo, "two", KEYS[1])];
    const known: Known = { attributes: new Map(), blobs: new Map() };
    for (const next of walk) {
      await take(walkers, next);
      expect({ next, untold: await untold(repo, walkers[next.who] ?? one, known) }).toEqual({ next, untold: [] });
    }
    for (const { opened } of walkers) if (opened.keyNames().length > 0) lock(opened, { force: true });
    for (const walker of walkers) expect(await untold(repo, walker, known)).toEqual([]);
  });
  await fc.assert(property, { numRuns: cases(1, 60), seed: seed(2), endOnFailure: true });
});
