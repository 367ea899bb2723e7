import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeSshKey, NOT_KEPT, pathWithVault, run, runOk, temporaryFolder, type RunResult } from "@git-vault/testkit";
import { startGitHub, type GitHubStandIn, type GitHubUser } from "@git-vault/testkit/github";
import { VAULT } from "../program.ts";

/*
 * People who share a repository with a members log. What they begin with is made once for a test
 * file, and copied for each test: homes, clones and the repository that they push to.
 */

/** What a command said and how it ended. */
export type Told = RunResult & { readonly said: string };

/** One test's copy of everything. */
export interface World {
  readonly github: GitHubStandIn;
  /** Where the homes, the clones and the repository `origin.git` are. */
  readonly folder: string;
  home(name: string): string;
  /** The clone that somebody works in. */
  clone(name: string): string;
  environment(name: string): NodeJS.ProcessEnv;
  /**
   * Runs a line of sh in somebody's clone, with their home; gives what it says. It must succeed.
   */
  as(name: string, line: string, cwd?: string): Promise<string>;
  /** The same where it may fail. */
  trying(name: string, line: string, cwd?: string, env?: NodeJS.ProcessEnv): Promise<Told>;
  write(name: string, file: string, text: string | Uint8Array): void;
  read(name: string, file: string): string;
  /** Writes a file, commits all and pushes it to the branch that is checked out. */
  push(name: string, file: string, text: string): Promise<void>;
  /** Gives somebody a new clone, which becomes theirs. */
  join(name: string, options?: string): Promise<string>;
}

/** What each test's copy is made of. */
export interface Template {
  /** A copy; the one before it goes away. The accounts are what they were. */
  begin(): World;
  close(): Promise<void>;
}

const CONFIGURATION = `[init]
\tdefaultBranch = main
[pull]
\trebase = false
[advice]
\tdetachedHead = false
[protocol "file"]
\tallow = always
[commit]
\tgpgSign = false
${NOT_KEPT}`;

function worldIn(folder: string, github: GitHubStandIn, path: string): World {
  const clones = new Map<string, string>();
  const home = (name: string): string => join(folder, name);
  const clone = (name: string): string => clones.get(name) ?? join(home(name), "clone");
  const environment = (name: string): NodeJS.ProcessEnv => ({
    PATH: path,
    HOME: home(name),
    TMPDIR: folder,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_TEMPLATE_DIR: join(folder, "no-template"),
    GITHUB_API_URL: github.url,
    GNUPGHOME: join(home(name), "gnupg"),
    LC_ALL: "C.UTF-8",
  });
  const trying: World["trying"] = async (name, line, cwd = clone(name), env = {}) => {
    const result = await run("sh", ["-c", line], { cwd, env: { ...environment(name), ...env } });
    return { ...result, said: result.stdout.toString() + result.stderr };
  };
  const as: World["as"] = async (name, line, cwd) => {
    const { status, said } = await trying(name, line, cwd);
    if (status !== 0) throw new Error(`${name}: ${line} ended with ${status}: ${said}`);
    return said;
  };
  const write: World["write"] = (name, file, text) => {
    mkdirSync(join(clone(name), file, ".."), { recursive: true });
    writeFileSync(join(clone(name), file), text);
  };
  return {
    github,
    folder,
    home,
    clone,
    environment,
    trying,
    as,
    write,
    read: (name, file) => readFileSync(join(clone(name), file), "latin1"),
    push: async (name, file, text) => {
      write(name, file, text);
      await as(name, `git add -A && git commit -q -m 'write ${file}' && git push -q origin HEAD`);
    },
    join: async (name, options = "") => {
      const place = join(home(name), `clone-${clones.size}-${Math.random().toString(36).slice(2)}`);
      await as(name, `git clone -q ${options} file://${folder}/origin.git ${place}`, folder);
      clones.set(name, place);
      return place;
    },
  };
}

/** Makes a person's home with an SSH key, and their account. */
async function settle(world: World, name: string, id: number): Promise<void> {
  const home = world.home(name);
  mkdirSync(join(home, ".ssh"), { recursive: true, mode: 0o700 });
  mkdirSync(join(home, "gnupg"), { mode: 0o700 });
  const user = `[user]\n\tname = ${name}\n\temail = ${name}@example.org\n[github]\n\tuser = ${name}\n`;
  writeFileSync(join(home, ".gitconfig"), user + CONFIGURATION);
  const { publicKey } = await makeSshKey({ folder: join(home, ".ssh"), name: "id_ed25519", type: "ed25519" });
  world.github.users.set(name, { keys: [publicKey.split(" ").slice(0, 2).join(" ")], id });
}

/**
 * Begins a repository: the first of the members protects `secrets/**` and pushes one secret,
 * `hunter2`; all others are granted the key, and have an unlocked clone.
 *
 * @param members who has the key; the first one starts the log
 * @param outsiders who has an account and a home alone
 * @param further what else is done before anything is copied
 */
export async function makeTemplate(
  members: readonly string[],
  outsiders: readonly string[] = [],
  further: (world: World) => Promise<void> = async () => {},
): Promise<Template> {
  const temporary = temporaryFolder();
  const github = await startGitHub();
  Object.assign(github.rate, { limit: 1_000_000, remaining: 1_000_000 });
  const path = pathWithVault(VAULT, join(temporary.path, "bin"));
  const template = join(temporary.path, "template");
  mkdirSync(join(template, "no-template"), { recursive: true });
  const world = worldIn(template, github, path);
  for (const [at, name] of [...members, ...outsiders].entries()) await settle(world, name, 100 + at);
  const [first = "", ...others] = members;
  const origin = join(template, "origin.git");
  await runOk("git", ["init", "-q", "--bare", "-b", "main", origin]);
  // Without it no clone is partial.
  await runOk("git", ["-C", origin, "config", "uploadpack.allowFilter", "true"]);
  const cloned = (name: string): Promise<string> =>
    world.as(name, `git clone -q file://${template}/origin.git ${world.clone(name)}`, template);
  await cloned(first);
  await world.as(first, "vault init -q 'secrets/**'");
  await world.push(first, "secrets/password", "hunter2\n");
  if (others.length > 0) await world.as(first, `vault grant -q ${others.join(" ")} && git push -q`);
  for (const name of others) {
    await cloned(name);
    await world.as(name, "vault unlock -q --yes");
  }
  await further(world);
  const accounts = JSON.stringify([...github.users]);
  let count = 0;
  let before: string | null = null;
  return {
    begin: () => {
      if (before !== null) rmSync(before, { recursive: true, force: true });
      const folder = join(temporary.path, `copy-${(count += 1)}`);
      before = folder;
      cpSync(template, folder, { recursive: true });
      const move = (file: string): void => {
        const text = readFileSync(file, "utf8");
        if (text.includes(template)) writeFileSync(file, text.replaceAll(template, folder));
      };
      for (const name of [...members, ...outsiders]) {
        for (const entry of readdirSync(join(folder, name), { recursive: true, encoding: "utf8" })) {
          if (/(?:^|\/)(?:\.git\/config|known-repositories)$/.test(entry)) move(join(folder, name, entry));
        }
      }
      github.users.clear();
      for (const [login, user] of JSON.parse(accounts) as [string, GitHubUser][]) github.users.set(login, user);
      github.faults.length = 0;
      github.requests.length = 0;
      return worldIn(folder, github, path);
    },
    close: async () => {
      await github.close();
      temporary.remove();
    },
  };
}
