import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseSync } from "rolldown/utils";

/** The folder of the whole repository. */
export const ROOT: string = dirname(dirname(fileURLToPath(import.meta.url)));

const FILES = execFileSync("git", ["ls-files", "-z"], { cwd: ROOT, encoding: "utf8", maxBuffer: 2 ** 26 });

/** The paths, from the root, of the files that git tracks and that match. */
export function files(pattern: RegExp): string[] {
  return FILES.split("\0").filter((path) => pattern.test(path));
}

export function read(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

/** What a source file is made of, as the bundler's parser sees it. */
export type Source = ReturnType<typeof parseSync>;

const parsed = new Map<string, Source>();

export function parse(path: string): Source {
  let source = parsed.get(path);
  if (source === undefined) parsed.set(path, (source = parseSync(path, read(path))));
  if (source.errors.length > 0) throw new Error(`${path} cannot be parsed`);
  return source;
}
