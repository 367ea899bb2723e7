import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { GitHubStandIn } from "../github/index.ts";
import { run, runOk, type RunResult } from "../peers/run.ts";
import { makeSshKey } from "../ssh/ssh-keys.ts";
import { startGnuPg, type GnuPg } from "./gnupg.ts";
import { pathWithVault } from "./program-on-path.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/**
 * People who share a repository: each has a home, an SSH key on a stand-in for GitHub, and a gpg of
 * their own where they are named for it.
 */
export interface TeamWorld {
  readonly github: GitHubStandIn;
  /** Where the repositories lie that they push to. */
  readonly folder: string;
  home(name: string): string;
  /** The clone that somebody works in: that of the repository which was begun last. */
  clone(name: string): string;
  gpg(name: string): GnuPg;
  /** The fingerprint of somebody's OpenPGP key. */
  openPgp(name: string): string;
  environment(name: string): NodeJS.ProcessEnv;
  /** Runs a command line in somebody's clone; gives all that it says, and fails where it does. */
  as(name: string, line: string, cwd?: string): Promise<string>;
  /** The same where it may fail. */
  trying(name: string, line: string, cwd?: string): Promise<RunResult & { readonly said: string }>;
  write(name: string, file: string, text: string | Uint8Array): void;
  read(name: string, file: string): Buffer;
  commit(name: string, message: string): Promise<void>;
  /** Makes another SSH key in somebody's home; gives its line, as GitHub keeps it. */
  newKey(name: string, file: string): Promise<string>;
  /** Begins another repository: alice protects `secrets/**` in it, and pushes one secret. */
  begin(): Promise<void>;
  /** Gives somebody a clone of it, or another one. */
  join(name: string): Promise<void>;
  close(): Promise<void>;
}

const of = <V>(values: ReadonlyMap<string, V>, name: string): V => {
  const value = values.get(name);
  if (value === undefined) throw new Error(`${name} has none`);
  return value;
};

/**
 * @param program the built `vault` that they run
 * @param withGpg who of them has an OpenPGP key, on their account as well
 */
export async function makeTeamWorld(
  program: string,
  names: readonly string[],
  withGpg: readonly string[] = [],
): Promise<TeamWorld> {
  const folder = temporaryFolder();
  const { startGitHub } = await import("../github/index.ts");
  const github = await startGitHub();
  Object.assign(github.rate, { limit: 100_000, remaining: 100_000 });
  const path = pathWithVault(program, join(folder.path, "bin"));
  const gpgs = new Map<string, GnuPg>();
  const fingerprints = new Map<string, string>();
  let repositories = 0;
  const clones = new Map<string, string>();
  const home = (name: string): string => join(folder.path, name);
  const clone = (name: string): string => of(clones, name);
  const environment = (name: string): NodeJS.ProcessEnv => ({
    PATH: path,
    HOME: home(name),
    TMPDIR: folder.path,
    GIT_CONFIG_NOSYSTEM: "1",
    GITHUB_API_URL: github.url,
    GNUPGHOME: gpgs.get(name)?.home ?? join(home(name), "gnupg"),
  });
  const trying: TeamWorld["trying"] = async (name, line, cwd = clone(name)) => {
    const [command = "", ...args] = line.split(" ");
    const result = await run(command, args, { cwd, env: environment(name) });
    return { ...result, said: result.stdout.toString() + result.stderr };
  };
  const as: TeamWorld["as"] = async (name, line, cwd) => {
    const { status, said } = await trying(name, line, cwd);
    if (status !== 0) throw new Error(`${name}: ${line} ended with ${status}: ${said}`);
    return said;
  };
  const write: TeamWorld["write"] = (name, file, text) => {
    mkdirSync(join(clone(name), file, ".."), { recursive: true });
    writeFileSync(join(clone(name), file), text);
  };
  const commit = async (name: string, message: string): Promise<void> => {
    await as(name, "git add -A");
    await as(name, `git commit -q -m ${message}`);
  };
  const newKey = async (name: string, file: string): Promise<string> => {
    const { publicKey } = await makeSshKey({ folder: join(home(name), ".ssh"), name: file, type: "ed25519" });
    return publicKey.split(" ").slice(0, 2).join(" ");
  };
  const origin = (): string => join(folder.path, `origin-${repositories}.git`);
  const joinAs = async (name: string): Promise<void> => {
    clones.set(name, join(home(name), `clone-${repositories}-${Math.random().toString(36).slice(2)}`));
    await as(name, `git clone -q ${origin()} ${clone(name)}`, folder.path);
  };
  for (const [at, name] of names.entries()) {
    mkdirSync(join(home(name), ".ssh"), { recursive: true, mode: 0o700 });
    mkdirSync(join(home(name), "gnupg"), { mode: 0o700 });
    const user = `[user]\n\tname = ${name}\n\temail = ${name}@example.org\n[github]\n\tuser = ${name}\n`;
    writeFileSync(join(home(name), ".gitconfig"), `${user}[init]\n\tdefaultBranch = main\n[pull]\n\trebase = false\n`);
    github.users.set(name, { keys: [await newKey(name, "id_ed25519")], id: 100 + at });
  }
  for (const name of withGpg) {
    const gnupg = startGnuPg();
    gpgs.set(name, gnupg);
    fingerprints.set(name, await gnupg.generate({ userId: `${name} <${name}@example.org>` }));
    const key = (await gnupg.exportPublic(of(fingerprints, name))).toString();
    Object.assign(of(github.users, name), { gpgKeys: [key] });
  }
  return {
    github,
    folder: folder.path,
    home,
    clone,
    gpg: (name) => of(gpgs, name),
    openPgp: (name) => of(fingerprints, name),
    environment,
    as,
    trying,
    write,
    read: (name, file) => readFileSync(join(clone(name), file)),
    commit,
    newKey,
    begin: async () => {
      repositories += 1;
      clones.clear();
      await runOk("git", ["init", "-q", "--bare", "-b", "main", origin()]);
      await joinAs("alice");
      await as("alice", "vault init secrets/**");
      write("alice", "secrets/password", "hunter2\n");
      await commit("alice", "begin");
      await as("alice", "git push -q origin main");
    },
    join: joinAs,
    close: async () => {
      for (const gnupg of gpgs.values()) await gnupg.end();
      await github.close();
      folder.remove();
    },
  };
}
