import { createHash } from "node:crypto";
import { constants, copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GitCryptError } from "../errors.ts";
import { runGit } from "../git/git.ts";
import { indexPath } from "../git/index-file.ts";
import { assertWorkTree, putEntries } from "../git/protected-files.ts";
import type { Repository } from "../git/repository.ts";
import { PRIVATE, replaceFile } from "../git/write-file.ts";
import { runProgram } from "../programs.ts";
import { filesOfManagers, hookOfHusky } from "./hook-managers.ts";
import { hooksFolder, readScript } from "./hooks-folder.ts";

/** Names a file that the check makes, instead of its work, before it fails: it was reached then. */
export const HOOK_TEST = "GIT_VAULT_HOOK_TEST";

/**
 * What was seen when the hook was run.
 *
 * - `heeded`: the check was run, failed, and the hook with it
 * - `unheeded`: the check was run and failed, and the hook went on
 * - `passed`: the hook ended well, and never ran the check; or there is none
 * - `failed`: it failed before it came to the check, such as for a test that fails
 */
export type HookTestOutcome = "heeded" | "unheeded" | "passed" | "failed";

/** What a test of the hook showed. */
export interface HookTest {
  readonly outcome: HookTestOutcome;
  /** What it printed, as it is. */
  readonly output: string;
}

/** In bytes: it is stopped once it has printed more. */
const MOST_OUTPUT = 16 * 1024 * 1024;

/** The files that decide what the hook does, as far as anybody can tell, with what they hold. */
function digestOfHook(repository: Repository): string {
  const folder = hooksFolder(repository);
  const hook = join(folder, "pre-commit");
  const husky = hookOfHusky(folder);
  const others = [...(husky === null ? [] : [husky]), ...filesOfManagers(repository.topLevel)];
  const scripts = new Map([
    [hook, readScript(hook, constants.X_OK)],
    ...others.map((path) => [path, readScript(path)] as const),
  ]);
  const digest = createHash("sha256");
  for (const [path, script] of scripts)
    if (script !== null) digest.update(`${path}\0${script.length}\0${script}`, "latin1");
  return digest.digest("hex");
}

const notePath = ({ commonDir }: Repository): string => join(commonDir, "git-vault", "hook-test");

/**
 * Whether the hook heeds the check, as a test of it showed; null where it was not tested, or it or
 * a configuration that it may read has changed since.
 */
export function testedHook(repository: Repository): boolean | null {
  try {
    const [outcome, digest] = readFileSync(notePath(repository), "utf8").trim().split(" ");
    return digest === digestOfHook(repository) ? outcome === "heeded" : null;
  } catch {
    return null;
  }
}

/**
 * Runs the pre-commit hook as git does, on a copy of the index with an empty file more, which is in
 * the work tree meanwhile, to see whether it runs the check and heeds it. The check fails then, so
 * that mostly nothing after it is run; whatever the hook does before it, is done. What was seen is
 * noted for {@link testedHook}.
 *
 * @throws GitCryptError GIT_FAILED where git is older than 2.36; NO_WORK_TREE
 */
export function testHook(repository: Repository): HookTest {
  assertWorkTree(repository);
  const folder = mkdtempSync(join(tmpdir(), "git-vault-hook-"));
  const name = `.git-vault-hook-test.${process.pid}`;
  const added = join(repository.topLevel, name);
  try {
    const [index, reached] = [join(folder, "index"), join(folder, "reached")];
    if (existsSync(indexPath(repository))) copyFileSync(indexPath(repository), index);
    // Some managers run nothing where no file is staged that is in the work tree.
    writeFileSync(added, "", { flag: "wx" });
    const place = { ...repository, env: { ...repository.env, GIT_INDEX_FILE: index } };
    const oid = runGit(place, ["hash-object", "-w", "--stdin"], new Uint8Array()).toString().trim();
    putEntries(place, [{ name, mode: "100644", oid, skipped: false }]);
    const { status, stdout, stderr } = runProgram("git", ["hook", "run", "--ignore-missing", "pre-commit"], {
      cwd: repository.topLevel,
      env: { ...place.env, [HOOK_TEST]: reached },
      maxBuffer: MOST_OUTPUT,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const output = `${stdout.toString()}${stderr.toString()}`;
    if (/'hook' is not a git command/.test(output))
      throw new GitCryptError("GIT_FAILED", "git hook failed: it needs git 2.36, and this git is older", {
        hint: "install a newer git",
      });
    const isReached = existsSync(reached);
    const outcome = status === 0 ? (isReached ? "unheeded" : "passed") : isReached ? "heeded" : "failed";
    // Why it failed before, has nothing to do with the check.
    if (outcome !== "failed") note(repository, outcome);
    return { outcome, output };
  } finally {
    rmSync(added, { force: true });
    rmSync(folder, { recursive: true, force: true });
  }
}

function note(repository: Repository, outcome: HookTestOutcome): void {
  replaceFile(notePath(repository), Buffer.from(`${outcome} ${digestOfHook(repository)}\n`), PRIVATE);
}
