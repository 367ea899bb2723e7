import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Directory } from "@git-vault/directory";
import { commitFiles, initialize, openRepository, type Repository as Opened } from "@git-vault/git-crypt";
import { makeSshKey, temporaryFolder, throwawayRepository, type Repository } from "@git-vault/testkit";
import { startGitHub, type GitHubStandIn } from "@git-vault/testkit/github";
import { bundleProgram } from "@git-vault/testkit/program";
import { findSigner, Pins, type ReceiveOptions, type Signer } from "../src/index.ts";
import {
  acceptRoot,
  grant,
  openMembers,
  peopleOf,
  planRotation,
  start,
  type GrantOptions,
  type GrantResult,
  type Members,
  type Person,
  type Rotated,
  type RotationPlan,
  type RotationRequest,
} from "../src/members/index.ts";
import { LogWriter } from "../src/members/writer.ts";
import { generationsBy } from "../src/verdict.ts";

/** People on a stand-in for GitHub, each with a home and a key there, who share a repository. */
export interface Team {
  readonly github: GitHubStandIn;
  readonly directory: Directory;
  /** What git is told to run. */
  readonly commands: { readonly filterCommand: string; readonly mergeCommand: string };
  /** The home of somebody. */
  home(name: string): string;
  /** The line of somebody's public key. */
  key(name: string): string;
  /** The fingerprint of that. */
  id(name: string): string;
  author(name: string): Promise<Signer>;
  person(name: string): Promise<Person>;
  /** Opens with somebody's private keys. */
  identities(name: string): ReceiveOptions;
  close(): Promise<void>;
}

const NAMES = ["alice", "bob", "carol", "mallory"];

const noPassphrase = (): Promise<never> => Promise.reject(new Error("no passphrase is needed"));

export async function makeTeam(): Promise<Team> {
  const folder = temporaryFolder();
  const github = await startGitHub();
  Object.assign(github.rate, { limit: 100_000, remaining: 100_000 });
  const home = (name: string): string => join(folder.path, name);
  const key = (name: string): string => {
    const [type, base64] = readFileSync(join(home(name), ".ssh/id_ed25519.pub"), "utf8").split(" ");
    return `${type} ${base64?.trim()}`;
  };
  const ids = new Map<string, string>();
  const signers = new Map<string, Promise<Signer>>();
  const author = (name: string): Promise<Signer> => {
    const found = signers.get(name) ?? findSigner({ home: home(name), env: {}, passphrase: noPassphrase });
    signers.set(name, found);
    return found;
  };
  for (const [at, name] of NAMES.entries()) {
    mkdirSync(join(home(name), ".ssh"), { recursive: true, mode: 0o700 });
    await makeSshKey({ folder: join(home(name), ".ssh"), type: "ed25519" });
    github.users.set(name, { keys: [key(name)], id: 100 + at });
    ids.set(name, (await author(name)).publicKey.fingerprint);
  }
  const directory = new Directory({ env: { GITHUB_API_URL: github.url }, cacheFolder: null });
  const program = await bundleProgram(join(import.meta.dirname, "filter.mjs"), join(folder.path, "bin"));
  const command = `"${process.execPath}" "${program}"`;
  return {
    github,
    directory,
    commands: { filterCommand: command, mergeCommand: "false" },
    home,
    key,
    id: (name) => ids.get(name) ?? "",
    author,
    person: async (name) => {
      const { people } = await peopleOf(await directory.resolve(name), directory);
      const [person] = people;
      if (person === undefined) throw new Error(`nobody is called ${name}`);
      return person;
    },
    identities: (name) => ({ home: home(name), env: {}, passphrase: noPassphrase, gpg: { program: "false" } }),
    close: async () => {
      await github.close();
      folder.remove();
    },
  };
}

/** Where our programs work: `path` is another folder than the repository's, such as a clone. */
export const opened = ({ path, env }: Pick<Repository, "path" | "env">): Opened =>
  openRepository(path, { env: { ...env }, generations: generationsBy(() => {}) });

/** The members as they are now. */
export const membersOf = (repository: Pick<Repository, "path" | "env">, root?: string): Promise<Members> =>
  openMembers(opened(repository), { root });

/** A repository with one encrypted file, unlocked, that has no members log. */
export async function encryptedRepository({ commands }: Team): Promise<Repository> {
  const repository = await throwawayRepository();
  initialize(opened(repository), commands);
  repository.write(".gitattributes", "secrets/** filter=git-crypt diff=git-crypt\n");
  repository.write("secrets/password", "hunter2\n");
  await repository.commit("a secret");
  return repository;
}

/** The same with a log that alice started. */
export async function teamRepository(team: Team): Promise<Repository> {
  const repository = await encryptedRepository(team);
  const [members, author, person] = [
    await membersOf(repository),
    await team.author("alice"),
    await team.person("alice"),
  ];
  await start({ members, author, person, stageOnly: false });
  return repository;
}

/** What is granted beside the people: alice grants the key `default`. */
export type Granting = Partial<Omit<GrantOptions, "author" | "self">> & { readonly by?: string };

export async function grantTo(
  team: Team,
  repository: Pick<Repository, "path" | "env">,
  names: readonly string[],
  { by = "alice", ...others }: Granting = {},
): Promise<GrantResult> {
  return grant({
    members: await membersOf(repository),
    author: await team.author(by),
    self: await team.person(by),
    people: await Promise.all(names.map((name) => team.person(name))),
    keyNames: ["default"],
    isReader: () => false,
    readmit: false,
    readmitKeys: [],
    stageOnly: false,
    ...others,
  });
}

/** Plans a rotation by alice, who asks no forge. */
export async function planBy(
  team: Team,
  members: Members,
  request: Partial<Omit<RotationRequest, "author">> & { readonly by?: string } = {},
): Promise<RotationPlan> {
  const { by = "alice", ...others } = request;
  return planRotation({ members, author: await team.author(by), pins: new Pins(null), directory: null, ...others });
}

/** Removes people, or replaces the key where nobody is named, by alice. */
export async function remove(team: Team, repository: Repository, names: readonly string[] = []): Promise<Rotated> {
  const members = await membersOf(repository);
  const plan = await planBy(team, members, { remove: names.map((name) => memberCalled(members, name)) });
  return plan.apply(team.commands);
}

/** Removes somebody and leaves the keys as they are, as who cannot open them does. */
export async function removeAlone(team: Team, repository: Repository, name: string): Promise<void> {
  const members = await membersOf(repository);
  const writer = new LogWriter(members, await team.author("alice"));
  const { accounts, keys } = memberCalled(members, name);
  await writer.write({ kind: "remove", members: [...accounts, ...keys.map(({ id }) => id)] });
  commitFiles(members.repository, writer.files, { message: `Remove ${name}` });
  await membersOf(repository);
}

/** A member by the name of their account. */
export function memberCalled({ branch }: Members, name: string): Members["branch"]["members"][number] {
  const found = branch.members.find(({ label }) => label === `github:${name}`);
  if (found === undefined) throw new Error(`${name} is no member`);
  return found;
}

/** What the members are called, sorted. */
export const namesOf = ({ branch }: Members): string[] => branch.members.map(({ label }) => label ?? "").toSorted();

/** A clone beside it, of somebody else's home, without what the repository remembers. */
export async function cloneOf(repository: Repository, name: string, ...options: string[]): Promise<Repository> {
  const path = join(repository.folder, name);
  await repository.git("clone", "--quiet", ...options, `file://${repository.path}`, path);
  const env = { ...repository.env, XDG_CONFIG_HOME: join(repository.folder, `config of ${name}`) };
  const git: Repository["git"] = (...args) => repository.git("-C", path, ...args);
  return { ...repository, path, env, git };
}

/** Accepts the log in a clone. */
export const accept = async (repository: Repository): Promise<Members> => acceptRoot(await membersOf(repository));

/** Writes a file and stages it as it is. */
export async function stage(repository: Repository, path: string, content: Uint8Array | string): Promise<void> {
  repository.write(path, content);
  await repository.git("add", "-f", path);
}

/** The files below a folder of the work tree, from the top folder. */
export function filesIn({ path }: Repository, folder: string): string[] {
  if (!existsSync(join(path, folder))) return [];
  return readdirSync(join(path, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
    .toSorted();
}

/** Puts text into a file of `.git/git-vault`. */
export function writeMemory({ path }: Repository, name: string, text: string): void {
  mkdirSync(join(path, ".git/git-vault"), { recursive: true });
  writeFileSync(join(path, ".git/git-vault", name), text);
}
