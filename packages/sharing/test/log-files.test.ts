import { createHash } from "node:crypto";
import { arrivalOf, type LogCommit, type LogFile, type Look } from "@git-vault/members";
import { cases, run, seed, throwawayRepository, type Repository } from "@git-vault/testkit";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { readLogFiles, readLogFolder } from "../src/members/log-files.ts";
import { readHistory, type Arrivals } from "../src/members/log-history.ts";
import { MOST, type Bounds } from "../src/members/log-walk.ts";
import { readOtherLogs } from "../src/members/other-logs.ts";
import { LOG_FOLDER } from "../src/log-places.ts";
import { opened, stage } from "./team.ts";

/* Which entries a branch holds, and in which order they arrived in its history. */

/** Each file has its contents for a name, as an entry has. */
const nameOf = (number: number): string => createHash("sha256").update(`${number}\n`).digest("hex");

/** A commit: which of those before it are its parents, and which entries its tree has. */
interface Commit {
  readonly parents: readonly number[];
  readonly tree: ReadonlySet<number>;
  /** What its other file says. */
  readonly other: number;
}

/** What one commit does, in numbers that its choices are made from. */
interface Step {
  readonly parents: readonly number[];
  readonly added: readonly number[];
  readonly removed: readonly number[];
  readonly isNew: boolean;
}

const step: fc.Arbitrary<Step> = fc.record({
  parents: fc.array(fc.nat({ max: 1000 }), { maxLength: 3 }),
  added: fc.array(fc.nat({ max: 30 }), { maxLength: 2 }),
  removed: fc.array(fc.nat({ max: 30 }), { maxLength: 1 }),
  isNew: fc.boolean(),
});

/** A root is as good as any parent: a history may have several. */
function historyOf(steps: readonly Step[]): Commit[] {
  const commits: Commit[] = [];
  for (const [at, { parents: picks, added, removed, isNew }] of steps.entries()) {
    const parents = at === 0 ? [] : [...new Set(picks.map((pick) => at - 1 - (pick % Math.min(at, 4))))];
    const inherited = parents.flatMap((parent) => [...(commits[parent]?.tree ?? [])]);
    const tree = new Set([...inherited.filter((one) => !removed.includes(one)), ...(isNew ? added : [])]);
    commits.push({ parents, tree, other: at });
  }
  return commits;
}

/** Writes a history into a repository; the branch is at the last commit. */
async function write({ path, env }: Repository, commits: readonly Commit[]): Promise<string[]> {
  const lines = commits.flatMap(({ parents, tree, other }, at) => {
    const [first, ...others] = parents;
    const files = [...tree].map(
      (number) => `M 100644 inline ${LOG_FOLDER}/${nameOf(number)}\ndata <<END\n${number}\nEND\n`,
    );
    return [
      `reset refs/heads/c${at}\ncommit refs/heads/c${at}`,
      `mark :${at + 1}\ncommitter t <t@example.org> ${1_700_000_000 + ((at * 7) % 5)} +0000\ndata 0`,
      ...(first === undefined ? [] : [`from :${first + 1}`]),
      ...others.map((parent) => `merge :${parent + 1}`),
      `deleteall`,
      ...files,
      `M 100644 inline other\ndata <<END\n${other}\nEND\n`,
    ];
  });
  const input = `${lines.join("\n")}\nreset refs/heads/main\nfrom :${commits.length}\n\n`;
  const { status, stderr } = await run("git", ["fast-import", "--quiet", "--force"], { cwd: path, env, input });
  if (status !== 0) throw new Error(stderr);
  const refs = commits.map((_, at) => `refs/heads/c${at}`);
  const { stdout } = await run("git", ["rev-parse", ...refs], { cwd: path, env });
  return stdout.toString().trim().split("\n");
}

/** What a branch's history tells, where any text is an entry that is not empty. */
function readAll(
  repository: Pick<Repository, "path" | "env">,
  tip: string | null,
  bounds?: Bounds,
): Arrivals & { readonly looks: readonly [readonly Look[]]; readonly files: readonly LogFile[] } {
  const { files, isWhole, arrivals } = readHistory(opened(repository), [tip], new Map(), [], bounds);
  expect(isWhole).toBe(true);
  const sound = new Map<string, Uint8Array[]>();
  for (const { name, bytes } of files) if (bytes.length > 0) sound.set(name, [...(sound.get(name) ?? []), bytes]);
  const told = arrivals({ sound });
  return { ...told, looks: [told.looks[0] ?? []], files };
}

/** The looks as the format's page says: each entry belongs to the first that it is in. */
function plainLooks(commits: readonly Commit[]): Look[] {
  const all = new Map<string, LogCommit>(
    commits.map(({ parents, tree }, at) => {
      const before = new Set(parents.flatMap((parent) => [...(commits[parent]?.tree ?? [])]));
      const entries = [...tree].filter((one) => !before.has(one)).map(nameOf);
      return [String(at), { parents: parents.map(String), entries }];
    }),
  );
  return arrivalOf(String(commits.length - 1), all);
}

/** Each entry where it comes first, in looks that are not empty. */
function firstOf(looks: readonly Look[]): string[][] {
  const seen = new Set<string>();
  return looks
    .map((look) =>
      [...new Set(look)]
        .filter((id) => !seen.has(id))
        .toSorted()
        .map((id) => (seen.add(id), id)),
    )
    .filter((look) => look.length > 0);
}

test("the order of arrival is that of a plain reading of all commits, in random histories", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), async (steps) => {
      using repository = await throwawayRepository();
      const commits = historyOf(steps);
      await write(repository, commits);
      const told = readAll(repository, "refs/heads/main");
      const {
        looks: [looks],
        files,
      } = told;
      expect(firstOf(looks)).toEqual(firstOf(plainLooks(commits)));
      const texts = new Map(files.map(({ name, bytes }) => [name, Buffer.from(bytes).toString()]));
      expect(texts).toEqual(new Map(looks.flat().map((id) => [id, texts.get(id)])));
      for (const [name, text] of texts) expect(nameOf(Number(text))).toBe(name);
      // Where git would list too much, it is read tree by tree.
      const byTrees = readAll(repository, "refs/heads/main", { ...MOST, listed: 100 });
      expect(byTrees.commits).toEqual(told.commits);
      expect(byTrees.files.map(({ name }) => name).toSorted()).toEqual(files.map(({ name }) => name).toSorted());
    }),
    { numRuns: cases(20, 500), seed: seed(13) },
  );
});

const SETTINGS = [
  "log.showRoot=false",
  "diff.renames=copies",
  "log.showSignature=true",
  "color.ui=always",
  "log.follow=true",
  "i18n.logOutputEncoding=UTF-16",
];

test.each(SETTINGS)("%s in git's settings changes nothing about that", async (setting) => {
  using repository = await throwawayRepository();
  const commits = historyOf([
    { parents: [], added: [1], removed: [], isNew: true },
    { parents: [0], added: [2], removed: [1], isNew: true },
    // One that has nothing to do with the log: what comes after it has others for its parents.
    { parents: [0], added: [], removed: [], isNew: false },
    { parents: [2], added: [3], removed: [], isNew: true },
    { parents: [0, 1], added: [4], removed: [], isNew: true },
  ]);
  await write(repository, commits);
  const [name = "", value = ""] = setting.split("=");
  await repository.git("config", name, value);
  const [looks] = readAll(repository, "HEAD").looks;
  expect(firstOf(looks)).toEqual(firstOf(plainLooks(commits)));
});

test("what was read is not read again, and a branch without a commit has no history", async () => {
  using repository = await throwawayRepository();
  expect(readAll(repository, null)).toMatchObject({ looks: [[]], files: [] });
  await write(repository, historyOf([{ parents: [], added: [1, 2], removed: [], isNew: true }]));
  const seen = new Map<string, Buffer>();
  const first = readHistory(opened(repository), ["HEAD"], seen).files;
  const again = readHistory(opened(repository), ["HEAD"], seen).files;
  expect(first.map(({ name }) => name).toSorted()).toEqual([nameOf(1), nameOf(2)].toSorted());
  expect(again.map(({ bytes }, at) => bytes === first[at]?.bytes)).toEqual([true, true]);
});

/** Commits trees of one file by an entry's name; the last one is HEAD. */
async function commitFiles(
  repository: Repository,
  name: string,
  files: readonly (readonly [string, string])[],
): Promise<void> {
  for (const [mode, oid] of files) {
    const change = mode === "" ? ["--force-remove", name] : ["--add", "--cacheinfo", `${mode},${oid},${name}`];
    await repository.git("update-index", ...change);
    await repository.git("commit", "-q", "--allow-empty", "-m", "x");
  }
}

test("an entry arrives by a sound copy: what else had its name before, or has it now, is none", async () => {
  using repository = await throwawayRepository();
  await repository.git("commit", "-q", "--allow-empty", "-m", "first");
  const [name, other] = [nameOf(1), nameOf(2)].map((one) => `${LOG_FOLDER}/${one}`);
  const signed = (by: string): string => `1\n-----BEGIN SSH SIGNATURE-----\n${by}`;
  const blob = async (text: string): Promise<string> => {
    repository.write("blob", text);
    return (await repository.git("hash-object", "-w", "blob")).toString().trim();
  };
  const [sound, another, second, empty, large] = [
    await blob(signed("sound")),
    await blob(signed("another")),
    await blob("2\n"),
    await blob(""),
    await blob("x".repeat(256 * 1024 + 1)),
  ];
  const head = (await repository.git("rev-parse", "HEAD")).toString().trim();
  const decoys = [["160000", head], ["120000", sound], ["100644", empty], ["100644", large], [""]] as const;
  await commitFiles(
    repository,
    name ?? "",
    decoys.map(([mode, oid = ""]) => [mode, oid] as const),
  );
  await commitFiles(repository, other ?? "", [["100644", second]]);
  // A link becomes a file; a copy under another signature brings nothing new.
  await commitFiles(repository, name ?? "", [
    ["120000", sound],
    ["100644", another],
    ["100755", sound],
    ["160000", head],
  ]);
  await repository.git("config", "diff.ignoreSubmodules", "all");
  await repository.git("config", "diff.orderFile", "/nowhere");
  await repository.git("config", "diff.relative", "true");
  for (const bounds of [MOST, { ...MOST, listed: 100 }]) {
    const { looks, files } = readAll(repository, "HEAD", bounds);
    expect(looks).toEqual([[[nameOf(2)], [nameOf(1)]]]);
    const texts = files.flatMap((file) => (file.name === nameOf(1) ? Buffer.from(file.bytes).toString() : []));
    expect(texts.toSorted()).toEqual([signed("another"), signed("sound")]);
  }
  expect(readLogFolder(opened(repository))).toMatchObject({
    bad: [{ name: nameOf(1), problem: "it is no regular file" }],
    isWhole: true,
  });
});

test("what lies under a name of somebody's choice first hides no entry, whatever is read at once", async () => {
  using repository = await throwawayRepository();
  await repository.git("commit", "-q", "--allow-empty", "-m", "first");
  repository.write("blob", "1\n");
  const oid = (await repository.git("hash-object", "-w", "blob")).toString().trim();
  const [junk, name] = [`${LOG_FOLDER}/${"0".repeat(64)}`, `${LOG_FOLDER}/${nameOf(1)}`];
  for (const path of [junk, name, junk])
    await commitFiles(repository, path, [
      ["100644", oid],
      ["", ""],
    ]);
  for (const listed of [MOST.listed, 100])
    expect(readAll(repository, "HEAD", { ...MOST, listed }).looks).toEqual([[[nameOf(1)]]]);
});

test("a history with more in it than is read is refused by name", async () => {
  using repository = await throwawayRepository();
  await write(repository, historyOf([{ parents: [], added: [1, 2], removed: [], isNew: true }]));
  for (const bounds of [{ commits: 40 }, { trees: 100 }, { files: 3 }])
    expect(() => readAll(repository, "HEAD", { ...MOST, listed: 100, ...bounds })).toThrow(
      expect.objectContaining({ code: "HISTORY_TOO_LARGE" }),
    );
});

test("a folder in the log's folder is not looked into: a few trees name a billion files", async () => {
  using repository = await throwawayRepository();
  await write(repository, [{ parents: [], tree: new Set([1]), other: 0 }]);
  const oid = async (...args: string[]): Promise<string> => (await repository.git(...args)).toString().trim();
  const mktree = async (lines: readonly string[]): Promise<string> => {
    const { stdout } = await run("git", ["mktree"], {
      cwd: repository.path,
      env: repository.env,
      input: lines.map((line) => `${line}\n`).join(""),
    });
    return stdout.toString().trim();
  };
  let bomb = await oid("rev-parse", `HEAD:${LOG_FOLDER}/${nameOf(1)}`);
  for (const level of [0, 1, 2, 3, 4, 5]) {
    const type = level === 0 ? "100644 blob" : "040000 tree";
    bomb = await mktree(Array.from({ length: 100 }, (_, at) => `${type} ${bomb}\t${at}`));
  }
  const inLog = (await oid("ls-tree", `HEAD:${LOG_FOLDER}`)).split("\n");
  const [folder = "", name = ""] = LOG_FOLDER.split("/");
  const top = async (log: readonly string[]): Promise<string> =>
    mktree([`040000 tree ${await mktree([`040000 tree ${await mktree(log)}\t${name}`])}\t${folder}`]);
  const clean = await top(inLog);
  const bad = await top([...inLog, `040000 tree ${bomb}\t${"0".repeat(64)}`]);
  const with1 = await oid("commit-tree", "-m", "in", "-p", "HEAD", bad);
  const after = await oid("commit-tree", "-m", "out", "-p", with1, clean);
  for (const bounds of [MOST, { ...MOST, listed: 10 }]) {
    const { files, isWhole } = readHistory(opened(repository), [after], new Map(), [], bounds);
    expect([files.map((file) => file.name), isWhole]).toEqual([[nameOf(1)], true]);
  }
  expect(readLogFolder(opened(repository), with1)).toMatchObject({ files: [{ name: nameOf(1) }], bad: [] });
});

test("a shallow clone tells what it has, all at once", async () => {
  using repository = await throwawayRepository();
  const commits = historyOf([1, 2, 3].map((number) => ({ parents: [0], added: [number], removed: [], isNew: true })));
  await write(repository, commits);
  const path = `${repository.folder}/shallow`;
  await repository.git("clone", "-q", "--depth=1", "--branch=main", `file://${repository.path}`, path);
  const {
    looks: [looks],
    unordered,
  } = readAll({ path, env: repository.env }, "HEAD");
  expect(firstOf(looks)).toEqual([[1, 2, 3].map(nameOf).toSorted()]);
  expect([...unordered].toSorted()).toEqual([1, 2, 3].map(nameOf).toSorted());
  expect(readAll(repository, "HEAD").unordered).toEqual(new Set());
});

test("what is named otherwise, is too large or is a link is no file of the log", async () => {
  using repository = await throwawayRepository();
  await stage(repository, `${LOG_FOLDER}/${nameOf(1)}`, "sound");
  await stage(repository, `${LOG_FOLDER}/${nameOf(2)}`, Buffer.alloc(256 * 1024 + 1, "x"));
  await stage(repository, `${LOG_FOLDER}/README`, "no entry");
  await stage(repository, `${LOG_FOLDER}/${nameOf(3)}/${nameOf(4)}`, "in a folder");
  const oid = (await repository.git("rev-parse", `:${LOG_FOLDER}/README`)).toString().trim();
  await repository.git("update-index", "--add", "--cacheinfo", `120000,${oid},${LOG_FOLDER}/${nameOf(5)}`);
  expect(readLogFiles(opened(repository))).toEqual([{ name: nameOf(1), bytes: Buffer.from("sound") }]);
  await repository.git("commit", "-qm", "all");
  await repository.git("rm", "-rq", "--cached", LOG_FOLDER);
  expect(readLogFiles(opened(repository))).toEqual([]);
  expect(readLogFiles(opened(repository), "HEAD").map(({ name }) => name)).toEqual([nameOf(1)]);
});

test("other branches and what was fetched are looked at, each log once", async () => {
  using repository = await throwawayRepository();
  await write(repository, [
    { parents: [], tree: new Set([1]), other: 0 },
    { parents: [0], tree: new Set([1, 2]), other: 1 },
    { parents: [0], tree: new Set([1, 3]), other: 2 },
    { parents: [1], tree: new Set([1, 2]), other: 3 },
  ]);
  await repository.git("update-ref", "refs/remotes/origin/far", "refs/heads/c2");
  await repository.git("branch", "-D", "c2");
  const known = new Set([nameOf(1)]);
  const { others, unread } = readOtherLogs(opened(repository), { known });
  expect(unread).toEqual([]);
  expect(others.flatMap(({ files }) => files.map(({ name }) => name)).toSorted()).toEqual(
    [nameOf(2), nameOf(3)].toSorted(),
  );
  expect(others.find(({ files }) => files[0]?.name === nameOf(3))?.reference).toBe("refs/remotes/origin/far");
});

test("of other branches what costs the least is read, and what is left is named", async () => {
  using repository = await throwawayRepository();
  const tree = (...entries: number[]): ReadonlySet<number> => new Set(entries);
  await write(repository, [
    { parents: [], tree: tree(1), other: 0 },
    { parents: [0], tree: tree(1, ...Array.from({ length: 20 }, (_, at) => 10 + at)), other: 1 },
    { parents: [0], tree: tree(1, 2), other: 2 },
    { parents: [0], tree: tree(1, 3, 4), other: 3 },
    { parents: [0], tree: tree(1), other: 4 },
  ]);
  const read = (most: number, first: readonly string[] = []): unknown[] => {
    const { others, unread } = readOtherLogs(opened(repository), { known: new Set([nameOf(1)]), first, most });
    return [others.map(({ reference }) => reference), unread];
  };
  const [one, two, many] = ["refs/heads/c2", "refs/heads/c3", "refs/heads/c1"];
  expect(read(50_000)).toEqual([[one, two, many], []]);
  expect(read(10_000)).toEqual([[one, two], [many]]);
  expect(read(2048)).toEqual([[one], [two, many]]);
  expect(read(0)).toEqual([[], [one, two, many]]);
  expect(read(41_000, [many])).toEqual([[many], [one, two]]);
});
