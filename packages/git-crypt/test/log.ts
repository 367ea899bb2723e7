import { spawnSync } from "node:child_process";
import {
  type Generations,
  keyId,
  type KeyFile,
  blobsInIndex,
  openRepository,
  type Repository,
  type StoredKey,
} from "../src/index.ts";

/*
 * Stands for a log of members, which nobody signs: for each key a file whose name says the how
 * manieth of its name it is, and its id. The highest is the current one.
 */

const folderOf = (keyName: string): string => `.git-vault/log/${keyName}`;

interface Entry {
  readonly number: number;
  readonly id: string;
}

const entriesIn = (names: readonly string[]): Entry[] =>
  names.flatMap((name) => {
    const [, number, id = ""] = /(\d+)\.([0-9a-f]{64})$/.exec(name) ?? [];
    return number === undefined ? [] : [{ number: Number(number), id }];
  });

const git = ({ gitDir, env }: Repository, ...args: string[]): string[] =>
  spawnSync("git", [`--git-dir=${gitDir}`, ...args], { env, encoding: "utf8" })
    .stdout.split("\n")
    .slice(0, -1);

/** What the index says, and which keys any reference names; null where the index names none. */
export function generationsIn(repository: Repository, keyName: string): Generations | null {
  const here = entriesIn([...blobsInIndex(repository, folderOf(keyName)).keys()]);
  if (here.length === 0) return null;
  const [only, ...others] = here.filter(({ number }) => here.every((other) => other.number <= number));
  const isOne = others.length === 0;
  return {
    current: isOne ? (only?.id ?? null) : null,
    // The filter needs it only where no key opens a file.
    get known() {
      const references = ["HEAD", "FETCH_HEAD", ...git(repository, "for-each-ref", "--format=%(refname)")];
      const fetched = references.flatMap((name) => git(repository, "ls-tree", `${name}:${folderOf(keyName)}`));
      return new Set([...here, ...entriesIn(fetched)].map(({ id }) => id));
    },
    problem: isOne ? null : "two branches replaced it",
  };
}

/** Opens a repository with such a log. */
export const openLogged = (path: string, { env }: { readonly env: NodeJS.ProcessEnv }): Repository =>
  openRepository(path, { env, generations: generationsIn });

/** The file that makes a key the next of its name. */
export function entryFor(repository: Repository, keyFile: KeyFile): [path: string, content: Buffer] {
  const folder = folderOf(keyFile.name ?? "default");
  const numbers = entriesIn([...blobsInIndex(repository, folder).keys()]).map(({ number }) => number);
  return [`${folder}/${Math.max(0, ...numbers) + 1}.${keyId(keyFile)}`, Buffer.from("signed\n")];
}

/** What a rotation commits along: nothing where there is no log. */
export const entriesFor =
  (repository: Repository) =>
  async (keys: ReadonlyMap<string, StoredKey>): Promise<ReadonlyMap<string, Buffer>> =>
    new Map(
      [...keys].flatMap(([keyName, { keyFile }]) =>
        repository.generations(keyName) === null ? [] : [entryFor(repository, keyFile)],
      ),
    );
