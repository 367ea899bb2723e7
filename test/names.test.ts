import { expect, test } from "vitest";
import { files, parse, read } from "./sources.ts";

const SOURCES = [
  ...files(/^packages\/core\/src\/.*\.ts$/),
  ...files(/^(?:packages\/(?!testkit\/|core\/)[^/]+|apps\/[^/]+)\/src\/.*\.ts$/),
];
const packageOf = (path: string): string => path.split("/").slice(0, 2).join("/");

/**
 * Every export that is declared where it is exported: what an index passes on is the same thing.
 */
const DECLARED = SOURCES.flatMap((path) =>
  parse(path)
    .module.staticExports.flatMap(({ entries }) => entries)
    .filter(({ moduleRequest }) => moduleRequest === null)
    .map(({ exportName }) => ({ name: exportName.name ?? "", path })),
);

test("a name means one thing in a package, and what core exports everywhere", () => {
  const seen = new Map<string, string>();
  const twins = DECLARED.flatMap(({ name, path }) => {
    // Each command has its own `run`; a finding of deploy is one of core with more details.
    if (name === "run" && path.startsWith("apps/vault/src/commands/")) return [];
    if (path === "packages/deploy/src/findings/finding.ts") return [];
    // What a browser has in the place of a file of Node bears its names.
    if (path.endsWith("/browser.ts")) return [];
    const twin = seen.get(`core ${name}`) ?? seen.get(`${packageOf(path)} ${name}`);
    seen.set(path.startsWith("packages/core/") ? `core ${name}` : `${packageOf(path)} ${name}`, path);
    return twin === undefined || twin === path ? [] : [`${name}: ${twin} and ${path}`];
  });
  expect(twins).toEqual([]);
});

test("no function only loads the function of its own name from another file", () => {
  const wrappers = SOURCES.flatMap((path) => {
    const text = read(path);
    return [...text.matchAll(/const \{ (\w+)[^}]* \} = await import\(/g)]
      .map(([, name = ""]) => name)
      .filter((name) => new RegExp(`^export (?:async )?function ${name}\\b`, "m").test(text))
      .map((name) => `${path}: ${name}`);
  });
  expect(wrappers).toEqual([]);
});
