import { mkdirSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeSshKey, runOk, temporaryFolder, type TemporaryFolder } from "@git-vault/testkit";
import { startGitHub } from "@git-vault/testkit/github";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { VAULT } from "./program.ts";

/*
 * Start-up is a feature, and most of it is loading. Milliseconds are noisy; which files a run
 * loads, and how many characters of them V8 compiles, is exact: its coverage lists the functions
 * that run.
 * The limits are a little above what there is; who adds to them says why.
 */
const LIMITS = {
  // What each command takes is in them, and what kind of thing each flag and operand is.
  // The words are taken apart here, which is less than Node's own parser and is all counted.
  // What is kept back for a pager is in all of them.
  "--help": 78_500,
  "--version": 76_000,
  "view --help": 78_500,
  // What the other commands take is not among it.
  // The parts that browsers run as well are cut where their cryptography differs.
  "share to a key file": 97_500,
  view: 95_000,
  clean: 49_200,
  smudge: 34_000,
  // It judges each late commit by itself, to see what files it moved, and encrypts what is staged,
  // to see what it copies, and compares ciphertext with the version before it. That somebody pushed
  // over what was fetched voids what is known of keys. What is kept back for a pager is in it, and
  // what wipes progress.
  hook: 138_500,
};

let folder: TemporaryFolder;
let publicKey: string;

beforeAll(async () => {
  folder = temporaryFolder();
  mkdirSync(join(folder.path, ".ssh"));
  publicKey = (await makeSshKey({ type: "ed25519", folder: join(folder.path, ".ssh") })).publicKeyPath;
});

afterAll(() => folder.remove());

interface Coverage {
  readonly url: string;
  readonly functions: readonly {
    readonly ranges: readonly { startOffset: number; endOffset: number; count: number }[];
  }[];
}

/** What a run loads: files, and how many characters the functions have that run. */
interface Loaded {
  readonly files: string[];
  readonly compiled: number;
  readonly stdout: Buffer;
}

async function filesLoadedBy(
  args: string[],
  input: string | Uint8Array = "",
  env: NodeJS.ProcessEnv = {},
  cwd: string = folder.path,
): Promise<Loaded> {
  const coverage = mkdtempSync(join(folder.path, "coverage-"));
  const own = {
    PATH: process.env["PATH"],
    HOME: folder.path,
    NODE_V8_COVERAGE: coverage,
    NODE_DISABLE_COMPILE_CACHE: "1",
  };
  const stdout = await runOk(process.execPath, [VAULT, ...args], { input, cwd, env: { ...own, ...env } });
  const scripts = readdirSync(coverage).flatMap((name) => {
    const { result } = JSON.parse(readFileSync(join(coverage, name), "utf8")) as { result: Coverage[] };
    return result.filter(({ url }) => url.startsWith("file:"));
  });
  return {
    files: scripts.map(({ url }) => basename(fileURLToPath(url))).toSorted(),
    compiled: scripts.map(compiledOf).reduce((sum, one) => sum + one, 0),
    stdout,
  };
}

/** A function that did not run is passed over by V8, wherever it lies. */
function compiledOf({ functions }: Coverage): number {
  const starts = functions.map(({ ranges: [whole] }) => whole ?? { startOffset: 0, endOffset: 0, count: 0 });
  return starts.reduce((sum, { startOffset, endOffset, count }, at) => {
    let [own, next] = [endOffset - startOffset, startOffset];
    for (const inner of starts.slice(at + 1)) {
      if (inner.startOffset >= endOffset) break;
      if (inner.startOffset < next || inner.endOffset > endOffset) continue;
      own -= inner.endOffset - inner.startOffset;
      next = inner.endOffset;
    }
    return count === 0 ? sum : sum + own;
  }, 0);
}

describe("the files that are loaded", () => {
  test.each(["--help", "--version", "view --help"] as const)(
    "by %s are the entry, the one that parses argv, and what all commands take",
    async (line) => {
      const { files, compiled } = await filesLoadedBy(line.split(" "));
      expect(compiled).toBeLessThan(LIMITS[line]);
      expect(files).toEqual(["commands.cjs", "main.cjs", "program.cjs"]);
    },
  );

  test("by share to a key file and by view of an Ed25519 message are the entry, what messages take, and their code", async () => {
    const shared = await filesLoadedBy(["share", "--to", publicKey], "secret");
    expect(shared.files).toEqual(["main.cjs", "program.cjs", "work.cjs"]);
    expect(shared.compiled).toBeLessThan(LIMITS["share to a key file"]);
    const viewed = await filesLoadedBy(["view"], shared.stdout);
    expect(viewed.compiled).toBeLessThan(LIMITS.view);
    expect(viewed.files).toEqual(["main.cjs", "program.cjs", "work.cjs"]);
    expect(viewed.stdout.toString()).toBe("secret");
  });

  test("by share --sign and by view of a signed message are those, and what signing needs", async () => {
    const flags = ["--sign", "--sign-key", publicKey.replace(/\.pub$/, "")];
    const signed = await filesLoadedBy(["share", "--to", publicKey, ...flags], "secret");
    const expected = ["main.cjs", "program.cjs", "signatures.cjs", "work.cjs"];
    expect(signed.files).toEqual([...expected.slice(0, -1), "tweetnacl.cjs", "work.cjs"]);
    expect((await filesLoadedBy(["view"], signed.stdout)).files).toEqual(expected);
  });

  test("by what git runs for each file are the entry and one that holds the filter", async () => {
    const repository = join(folder.path, "repository");
    const env = { GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" };
    await runOk("git", ["init", "-q", repository]);
    const inside = (args: string[], input: string | Uint8Array = ""): ReturnType<typeof filesLoadedBy> =>
      filesLoadedBy(args, input, env, repository);
    const expected = ["filter.cjs", "main.cjs"];
    // It starts the members log, which no command that git runs reads.
    expect((await inside(["init"])).files).toContain("members.cjs");
    const cleaned = await inside(["filter", "clean"], "secret");
    expect(cleaned.files).toEqual(expected);
    const smudged = await inside(["filter", "smudge"], cleaned.stdout);
    expect(smudged.stdout.toString()).toBe("secret");
    expect(cleaned.compiled).toBeLessThan(LIMITS.clean);
    expect(smudged.compiled).toBeLessThan(LIMITS.smudge);
    expect((await inside(["filter"])).files).toEqual(expected);
    const ofHook = ["commands.cjs", "main.cjs", "program.cjs", "repository.cjs"];
    const checked = await inside(["hooks", "check"]);
    expect(checked.files).toEqual(ofHook);
    expect(checked.compiled).toBeLessThan(LIMITS.hook);
  });

  test("by share to a GitHub user are these, and what the network needs", async () => {
    await using github = await startGitHub();
    github.users.set("choldgraf", { keys: [readFileSync(publicKey, "utf8").trim()] });
    const { files } = await filesLoadedBy(["share", "--to", "choldgraf"], "secret", { GITHUB_API_URL: github.url });
    expect(files).toEqual(["main.cjs", "network.cjs", "octokit-rest.cjs", "program.cjs", "work.cjs"]);
  });
});
