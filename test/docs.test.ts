import { posix } from "node:path";
import { SWITCHES } from "@git-vault/testkit";
import { describe, expect, test } from "vitest";
import { files, read } from "./sources.ts";

const PAGES = files(/^(?:README|CONTRIBUTING|bench\/README|docs\/(?:[^/]+\/)?[^/]+|packages\/[^/]+\/README)(?:\.md)$/);
const PATHS = files(/./);
/** Every file and folder that git tracks, by its path from the root. */
const KNOWN = new Set(PATHS.flatMap((path) => path.split("/").map((_, at, parts) => parts.slice(0, at + 1).join("/"))));
/** What the examples of a page name in the repositories of their readers. */
const OF_READERS = new Set(["docs/demo.md", "docs/keys.md"]);
const NAMES = new Set(PATHS.map((path) => posix.basename(path)));

/** What a page holds in the typewriter's letters: code spans, and blocks. */
const codeOf = (page: string): string[] => [
  ...[...page.matchAll(/^```[^\n]*\n(.*?)^```$/gms)].map(([, block = ""]) => block),
  ...[...page.matchAll(/^ {4}.*$/gm)].map(([line]) => line),
  ...[...page.matchAll(/`([^`\n]+)`/g)].map(([, span = ""]) => span),
];

/** Paths from the root, and bare names of source files. */
const NAMED =
  /(?<![\w/.@$-])(?:(?:packages|apps|docs|test|bench|scripts|\.ci|\.changeset)\/[\w./*{},-]*\w\/?|[\w-]+\.m?ts)(?![\w/])/g;

/**
 * Whether a path is there, or made by the build. `*`, NAME and FOLDER stand for any part of a
 * name, and `{a,b}` for each of several.
 */
function exists(named: string): boolean {
  const path = named.replace(/\/$/, "").replaceAll(/\b(?:NAME|FOLDER)\b/g, "*");
  if (!path.includes("/")) return NAMES.has(path);
  if (OF_READERS.has(path) || /\/dist(?:\/|$)/.test(path)) return true;
  if (!/[*{]/.test(path)) return KNOWN.has(path);
  const pattern = path
    .replaceAll(".", "\\.")
    .replaceAll("*", "[^/]+")
    .replaceAll(/\{([^}]+)\}/g, (_, names: string) => `(?:${names.replaceAll(",", "|")})`);
  return [...KNOWN].some((known) => new RegExp(`^${pattern}$`).test(known));
}

/** The anchors that GitHub gives to the headings of a page. */
const anchorsOf = (page: string): string[] =>
  [...page.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );

describe.each(PAGES)("%s", (path) => {
  const page = read(path);

  test("names only files and folders that are there", () => {
    const named = codeOf(page).flatMap((code) => code.match(NAMED) ?? []);
    expect([...new Set(named)].filter((name) => !exists(name))).toEqual([]);
  });

  test("links only to files and headings that are there", () => {
    const links = [...page.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)/g)];
    const broken = links.filter(([, to = "", anchor]) => {
      const target = to === "" ? path : posix.normalize(posix.join(posix.dirname(path), to));
      return !KNOWN.has(target) || (anchor !== undefined && !anchorsOf(read(target)).includes(anchor));
    });
    expect(broken.map(([link]) => link)).toEqual([]);
  });
});

test("CONTRIBUTING.md lists every switch of the tests", () => {
  const named = read("CONTRIBUTING.md")
    .match(/^\| `GIT_VAULT_\w+/gm)
    ?.map((cell) => cell.slice(3));
  expect(named?.toSorted()).toEqual(Object.keys(SWITCHES).toSorted());
});
