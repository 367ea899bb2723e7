import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { kept } from "../peers/kept.ts";
import { runOk } from "../peers/run.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** A real git repository that goes away with `using`. Its git sees no configuration but its own. */
export interface Repository extends Disposable {
  /** The work tree's top folder. */
  readonly path: string;
  /** A private folder around it, for worktrees and clones beside it. */
  readonly folder: string;
  /**
   * The whole environment that makes git, git-crypt and gpg independent of the user who runs the
   * tests.
   */
  readonly env: Readonly<Record<string, string>>;
  /** Runs git in the work tree, or in `cwd`; it must succeed. Gives its standard output. */
  git(...args: string[]): Promise<Buffer>;
  /** Writes a file below the work tree, and the folders on the way; gives its absolute path. */
  write(path: string, content: Uint8Array | string): string;
  /** Commits everything in the work tree; gives the commit's name. */
  commit(message: string): Promise<string>;
  remove(): void;
}

/** Settings of git's for what is thrown away: it is neither tidied nor safe from a crash. */
export const NOT_KEPT = `[core]
\tfsync = none
[maintenance]
\tauto = false
`;

const configuration = `[user]
\tname = Test
\temail = test@example.com
[init]
\tdefaultBranch = main
[commit]
\tgpgSign = false
[advice]
\tdetachedHead = false
[protocol "file"]
\tallow = always
${NOT_KEPT}`;

/** Makes an empty repository on the branch `main`. */
export async function throwawayRepository(): Promise<Repository> {
  const temporary = temporaryFolder();
  const folder = temporary.path;
  const remove = (): void => temporary.remove();
  const path = join(folder, "repository");
  const home = join(folder, "home");
  mkdirSync(home, { mode: 0o700 });
  writeFileSync(join(home, ".gitconfig"), configuration);
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: home,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: join(home, ".gitconfig"),
    GIT_TERMINAL_PROMPT: "0",
    LC_ALL: "C.UTF-8",
  };
  const empty = await kept("git", ["init", configuration], async (made) => {
    await runOk("git", ["init", "--quiet", made], { cwd: folder, env });
    // The samples of hooks are most of its files, and nothing to test.
    const hooks = join(made, ".git/hooks");
    for (const sample of readdirSync(hooks)) rmSync(join(hooks, sample));
  });
  cpSync(empty, path, { recursive: true });
  const git = (...args: string[]): Promise<Buffer> => runOk("git", args, { cwd: path, env });
  return {
    path,
    folder,
    env,
    git,
    write: (name, content) => {
      const file = join(path, name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
      return file;
    },
    commit: async (message) => {
      await git("add", "--all");
      await git("commit", "--quiet", "--message", message);
      return (await git("rev-parse", "HEAD")).toString().trim();
    },
    remove,
    [Symbol.dispose]: remove,
  };
}
