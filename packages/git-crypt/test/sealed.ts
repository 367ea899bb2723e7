import { cpSync, lstatSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Repository as Throwaway, temporaryFolder, throwawayRepository } from "@git-vault/testkit";
import { bundleProgram } from "@git-vault/testkit/program";
import { afterAll } from "vitest";
import { locate } from "../src/format/file-name.ts";
import { refreshIndex } from "../src/git/index-file.ts";
import { listIndex } from "../src/git/protected-files.ts";
import { WorkTree } from "../src/git/work-tree.ts";
import { entriesFor, entryFor, openLogged } from "./log.ts";
import { initialize, openRepository, type Repository, rotate, type RotateResult } from "../src/index.ts";

/** What all tests of a file share. */
const shared = temporaryFolder();
afterAll(() => shared.remove());

/** The stand-in for the command line. */
export const driver: string = await bundleProgram(join(import.meta.dirname, "driver.ts"), shared.path);
const self = `"${process.execPath}" "${driver}"`;

/** What git is told to run. */
export const commands = { filterCommand: `${self} filter`, mergeCommand: `${self} merge` };

export const attributes = "*.secret filter=git-crypt diff=git-crypt merge=git-crypt -text\n";

/** A repository with encrypted files, unlocked, and its key's file. */
export interface Sealed extends Disposable {
  readonly repo: Throwaway;
  readonly opened: Repository;
  readonly key: Buffer;
  /** The key's file, outside of the repository. */
  readonly keyPath: string;
  /** Clones it without the key. */
  clone(name?: string, ...options: string[]): Promise<Clone>;
}

/** A clone of such a repository. */
export interface Clone {
  readonly path: string;
  readonly opened: Repository;
  readonly git: (...args: string[]) => Promise<Buffer>;
}

export async function cloneOf(repo: Throwaway, name: string, options: readonly string[] = []): Promise<Clone> {
  const path = join(repo.folder, name);
  await repo.git("clone", "--quiet", ...options, `file://${repo.path}`, path);
  return { path, opened: openLogged(path, repo), git: (...args) => repo.git("-C", path, ...args) };
}

/** The repositories that this file's tests asked for, by what they hold; a test gets a copy. */
const templates = new Map<string, Promise<string>>();

function templateOf(name: string, make: (repo: Throwaway) => Promise<void>): Promise<string> {
  const present = templates.get(name);
  if (present !== undefined) return present;
  const path = join(shared.path, String(templates.size));
  const made = (async () => {
    using repo = await throwawayRepository();
    await make(repo);
    cpSync(repo.path, path, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
    return path;
  })();
  templates.set(name, made);
  return made;
}

function copy(template: string, repo: Throwaway): void {
  rmSync(repo.path, { recursive: true });
  cpSync(template, repo.path, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
}

const initialized = (init: readonly string[]): Promise<string> =>
  templateOf(JSON.stringify(init), async (repo) => {
    if (init.length > 0) {
      rmSync(join(repo.path, ".git"), { recursive: true });
      await repo.git("init", "--quiet", ...init);
    }
    initialize(openRepository(repo.path, repo), commands);
    repo.write(".gitattributes", attributes);
  });

/** Makes a repository whose `*.secret` files are encrypted by our filter. */
export async function sealed(files: Record<string, string | Uint8Array>, ...init: string[]): Promise<Sealed> {
  const template = await templateOf(JSON.stringify([files, init]), async (repo) => {
    copy(await initialized(init), repo);
    for (const [name, content] of Object.entries(files)) repo.write(name, content);
    await repo.commit("Begin");
  });
  const repo = await throwawayRepository();
  copy(template, repo);
  const opened = openLogged(repo.path, repo);
  // The copies are other files than those that the index remembers.
  const copies = listIndex(opened).map(
    ({ name, oid }) => [name, { oid, stat: lstatSync(locate(repo.path, name), { bigint: true }) }] as const,
  );
  refreshIndex(opened, new WorkTree(repo.path, opened.gitDir), new Map(copies));
  const key = opened.readKey().bytes;
  const keyPath = join(repo.folder, "key");
  writeFileSync(keyPath, key);
  return {
    repo,
    opened,
    key,
    keyPath,
    clone: (name = "clone", ...options) => cloneOf(repo, name, options),
    [Symbol.dispose]: () => repo.remove(),
  };
}

/** The same, with a log that names its key. */
export async function logged(files: Record<string, string | Uint8Array>, ...init: string[]): Promise<Sealed> {
  const source = await sealed(files, ...init);
  const { repo, opened } = source;
  repo.write(".git-vault/.gitattributes", "* -text !eol !filter !diff !merge -ident !working-tree-encoding\n");
  repo.write(...entryFor(opened, opened.readKey().keyFile));
  await repo.commit("Log");
  return source;
}

/** Replaces keys, and says so in the log, if there is one. */
export const rotated = (opened: Repository, ...keyNames: string[]): Promise<RotateResult> =>
  rotate(opened, {
    ...commands,
    keyNames: keyNames.length === 0 ? ["default"] : keyNames,
    message: "Rotate\n",
    filesFor: entriesFor(opened),
  });

export const isSealed = (content: Uint8Array): boolean =>
  Buffer.from(content).subarray(0, 10).equals(Buffer.from("\0GITCRYPT\0"));
