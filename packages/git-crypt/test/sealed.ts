import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Repository as Throwaway, temporaryFolder, throwawayRepository } from "@git-vault/testkit";
import { bundleProgram } from "@git-vault/testkit/program";
import { afterAll } from "vitest";
import { initialize, openRepository, type Repository } from "../src/index.ts";

const folder = temporaryFolder();
afterAll(() => folder.remove());

/** The stand-in for the command line. */
export const driver: string = await bundleProgram(join(import.meta.dirname, "driver.mjs"), folder.path);
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
  return { path, opened: openRepository(path, repo), git: (...args) => repo.git("-C", path, ...args) };
}

/** Makes a repository whose `*.secret` files are encrypted by our filter. */
export async function sealed(files: Record<string, string | Uint8Array>, ...init: string[]): Promise<Sealed> {
  const repo = await throwawayRepository();
  if (init.length > 0) {
    rmSync(join(repo.path, ".git"), { recursive: true });
    await repo.git("init", "--quiet", ...init);
  }
  const opened = openRepository(repo.path, repo);
  initialize(opened, commands);
  repo.write(".gitattributes", attributes);
  for (const [name, content] of Object.entries(files)) repo.write(name, content);
  await repo.commit("Begin");
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

export const isSealed = (content: Uint8Array): boolean =>
  Buffer.from(content).subarray(0, 10).equals(Buffer.from("\0GITCRYPT\0"));
