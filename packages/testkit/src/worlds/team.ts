import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { GitHubStandIn } from "../github/index.ts";
import { run, runOk } from "../peers/run.ts";
import { makeSshKey } from "../ssh/ssh-keys.ts";
import { NOT_KEPT } from "./repository.ts";
import { pathWithVault } from "./program-on-path.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** People who share a repository: each has a home, and an SSH key on a stand-in for GitHub. */
export interface TeamWorld {
  readonly github: GitHubStandIn;
  /** Where the repositories lie that they push to. */
  readonly folder: string;
  /** The clone that somebody works in. */
  clone(name: string): string;
  environment(name: string): NodeJS.ProcessEnv;
  /** Runs a command line in somebody's clone; gives all that it says, and fails where it does. */
  as(name: string, line: string, cwd?: string): Promise<string>;
  /**
   * Begins the repository: alice protects `secrets/**` in it, and pushes one secret.
   *
   * @param env what her environment has beside, such as an agent
   */
  begin(env?: NodeJS.ProcessEnv): Promise<void>;
  /** Gives somebody a clone of it. */
  join(name: string): Promise<void>;
  close(): Promise<void>;
}

/** @param program the built `vault` that they run */
export async function makeTeamWorld(program: string, names: readonly string[]): Promise<TeamWorld> {
  const folder = temporaryFolder();
  const { startGitHub } = await import("../github/index.ts");
  const github = await startGitHub();
  Object.assign(github.rate, { limit: 100_000, remaining: 100_000 });
  const path = pathWithVault(program, join(folder.path, "bin"));
  const home = (name: string): string => join(folder.path, name);
  const clone = (name: string): string => join(home(name), "clone");
  const environment = (name: string): NodeJS.ProcessEnv => ({
    PATH: path,
    HOME: home(name),
    TMPDIR: folder.path,
    GIT_CONFIG_NOSYSTEM: "1",
    GITHUB_API_URL: github.url,
  });
  const runAs = async (name: string, line: string, cwd: string, env: NodeJS.ProcessEnv = {}): Promise<string> => {
    const [command = "", ...args] = line.split(" ");
    const { status, stdout, stderr } = await run(command, args, { cwd, env: { ...environment(name), ...env } });
    if (status !== 0) throw new Error(`${name}: ${line} ended with ${status}: ${stdout.toString()}${stderr}`);
    return stdout.toString() + stderr;
  };
  const as: TeamWorld["as"] = (name, line, cwd = clone(name)) => runAs(name, line, cwd);
  const origin = join(folder.path, "origin.git");
  const joinAs = async (name: string): Promise<void> => {
    await as(name, `git clone -q ${origin} ${clone(name)}`, folder.path);
  };
  for (const [at, name] of names.entries()) {
    mkdirSync(join(home(name), ".ssh"), { recursive: true, mode: 0o700 });
    const user = `[user]\n\tname = ${name}\n\temail = ${name}@example.org\n[github]\n\tuser = ${name}\n`;
    const settings = `${user}[init]\n\tdefaultBranch = main\n[pull]\n\trebase = false\n${NOT_KEPT}`;
    writeFileSync(join(home(name), ".gitconfig"), settings);
    const { publicKey } = await makeSshKey({ folder: join(home(name), ".ssh"), name: "id_ed25519", type: "ed25519" });
    github.users.set(name, { keys: [publicKey.split(" ").slice(0, 2).join(" ")], id: 100 + at });
  }
  return {
    github,
    folder: folder.path,
    clone,
    environment,
    as,
    begin: async (env = {}) => {
      await runOk("git", ["init", "-q", "--bare", "-b", "main", origin]);
      await joinAs("alice");
      await runAs("alice", "vault init secrets/**", clone("alice"), env);
      mkdirSync(join(clone("alice"), "secrets"));
      writeFileSync(join(clone("alice"), "secrets/password"), "hunter2\n");
      await as("alice", "git add -A");
      await as("alice", "git commit -q -m begin");
      await as("alice", "git push -q origin main");
    },
    join: joinAs,
    close: async () => {
      await github.close();
      folder.remove();
    },
  };
}
