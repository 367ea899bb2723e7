import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Directory } from "@git-vault/directory";
import {
  encodeKeyFile,
  encryptBlob,
  generateKeyFile,
  keyId,
  keyMac,
  openRepository,
  parseKeyFile,
  type KeyFile,
} from "@git-vault/git-crypt";
import {
  makeSshKey,
  runOk,
  temporaryFolder,
  throwawayRepository,
  type Repository,
  type TemporaryFolder,
} from "@git-vault/testkit";
import { startGitHub, type GitHubStandIn } from "@git-vault/testkit/github";
import { grant, type GrantedBy, type GrantResult } from "../src/grants/index.ts";
import { findSigner } from "../src/index.ts";

/** Three people on a stand-in for GitHub, each with a home and a key there. */
export interface Team {
  readonly github: GitHubStandIn;
  readonly directory: Directory;
  /** The home of somebody. */
  home(name: string): string;
  /** The line of somebody's public key. */
  key(name: string): string;
  /** Somebody, as who grants; their signature can be left out. */
  by(name: string, signed?: boolean): Promise<GrantedBy>;
  close(): Promise<void>;
}

export const NAMES = ["alice", "bob", "carol", "mallory"];

export async function makeTeam(): Promise<Team> {
  const folder: TemporaryFolder = temporaryFolder();
  const github = await startGitHub();
  Object.assign(github.rate, { limit: 100_000, remaining: 100_000 });
  const home = (name: string): string => join(folder.path, name);
  const key = (name: string): string => {
    const [type, base64] = readFileSync(join(home(name), ".ssh/id_ed25519.pub"), "utf8").split(" ");
    return `${type} ${base64?.trim()}`;
  };
  for (const [at, name] of NAMES.entries()) {
    mkdirSync(join(home(name), ".ssh"), { recursive: true, mode: 0o700 });
    await makeSshKey({ folder: join(home(name), ".ssh"), type: "ed25519" });
    github.users.set(name, { keys: [key(name)], id: 100 + at });
  }
  const env = { GITHUB_API_URL: github.url };
  return {
    github,
    directory: new Directory({ env, cacheFolder: null }),
    home,
    key,
    by: async (name, signed = true) => {
      const passphrase = (): Promise<never> => Promise.reject(new Error("no passphrase is needed"));
      const signer = signed ? await findSigner({ home: home(name), env: {}, passphrase }) : null;
      return { name: `github:${name}`, signer };
    },
    close: async () => {
      await github.close();
      folder.remove();
    },
  };
}

/** A repository with one encrypted file, whose key lies in it. */
export async function encryptedRepository(): Promise<Repository> {
  const repository = await throwawayRepository();
  repository.write(".gitattributes", "secrets/** filter=git-crypt diff=git-crypt\n");
  await useKey(repository);
  return repository;
}

/** Gives a repository a new key, with which its file is encrypted; gives the key's file. */
export async function useKey(repository: Repository, bytes = encodeKeyFile(generateKeyFile())): Promise<Buffer> {
  const folder = join(repository.path, ".git/git-crypt/keys");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "default"), bytes);
  // No filter is configured, so that git stores the blob as it is.
  repository.write("secrets/password", encryptBlob(parseKeyFile(bytes), Buffer.from(`secret ${Math.random()}`)));
  await repository.commit("a secret");
  return bytes;
}

/** Where our programs work. */
export const opened = (repository: Repository): ReturnType<typeof openRepository> =>
  openRepository(repository.path, { env: { ...repository.env } });

/** Grants as `alice`, unless somebody else is said. */
export async function grantTo(
  team: Team,
  repository: Repository,
  names: readonly string[],
  by?: GrantedBy,
): Promise<GrantResult> {
  const to = (await Promise.all(names.map(async (name) => team.directory.resolve(name)))).flat();
  const { directory } = team;
  return grant({ repository: opened(repository), to, directory, by: by ?? (await team.by("alice")) });
}

/** The grants' files in the work tree, from the top folder. */
export function grantFiles({ path }: Repository): string[] {
  const folder = join(path, ".git-vault/grants/default");
  return existsSync(folder) ? readdirSync(folder).map((name) => `.git-vault/grants/default/${name}`) : [];
}

/** The file of somebody's only grant. */
export function grantOf(repository: Repository, name: string): string {
  const [file, ...more] = grantFiles(repository).filter((path) => path.includes(`/github-${name}.`));
  if (file === undefined || more.length > 0) throw new Error(`expected one grant of ${name}`);
  return file;
}

/** Stages the file by which a rotation from one key to another keeps the old one. */
export function retire(repository: Repository, old: KeyFile, key: KeyFile): Promise<void> {
  const proof = keyMac(old, "git-vault retired key", Buffer.from(keyId(key)))
    .toString("hex")
    .slice(0, 32);
  const path = `.git-vault/retired/default/${keyId(old)}.${keyId(key)}.${proof}.key`;
  return stage(repository, path, encryptBlob(key, encodeKeyFile(old)));
}

/** Writes a file and stages it as it is. */
export async function stage(repository: Repository, path: string, content: Uint8Array | string): Promise<void> {
  repository.write(path, content);
  await runOk("git", ["add", "-f", path], { cwd: repository.path, env: { ...repository.env } });
}
