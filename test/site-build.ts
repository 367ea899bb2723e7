import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { files, ROOT } from "./sources.ts";

/** Where `pnpm site` puts the pages. */
export const DIST: string = join(ROOT, "docs/.vitepress/dist");

/** VitePress writes it when all pages are there. */
const LAST = join(DIST, "hashmap.json");

/** What pages are made of: themselves, the commands, and the libraries. */
const SOURCES = /^(?:docs|packages\/[^/]+\/src|apps\/(?:vault|page)\/(?:src|scripts))\//;

/**
 * Builds the site unless it is newer than everything that it is made of, which takes about 40
 * seconds of one core.
 *
 * @throws Error with what the build said, where it failed
 */
export function buildSiteIfStale(): void {
  const built = statSync(LAST, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const sources = files(SOURCES).map((path) => join(ROOT, path));
  const isFresh = sources.every((path) => (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Infinity) < built);
  if (isFresh) return;
  // Vue takes its own way in tests.
  const { NODE_ENV: _, VITEST: __, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync("pnpm", ["run", "site"], {
    cwd: join(ROOT, "docs"),
    env,
    encoding: "utf8",
  });
  if (status !== 0 || !existsSync(LAST)) throw new Error(`the site cannot be built: ${stdout}\n${stderr}`);
}

/** The pages, by their paths from the top. */
export const pagesOfSite = (): string[] =>
  readdirSync(DIST, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".html"))
    .toSorted();
