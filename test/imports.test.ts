import { expect, test } from "vitest";
import { circles, importsOfSources, siblingImports, type FolderImports } from "./import-graph.ts";
import { files, read } from "./sources.ts";

const IMPORTS = importsOfSources();

const FOLDERS = siblingImports(IMPORTS);

test("the sources of every package and of the command are seen", () => {
  for (const folder of ["packages/keys/src", "packages/deploy/src/checks", "apps/vault/src/commands"]) {
    expect(FOLDERS.map((each) => each.folder)).toContain(folder);
  }
  const lost = IMPORTS.filter(({ specifier, to }) => specifier.startsWith("@git-vault/") && to === null);
  expect(lost).toEqual([]);
});

test("no files and no folders beside each other import each other in a circle", () => {
  expect(FOLDERS.flatMap((its) => circles(its).map((circle) => explain(its, circle)))).toEqual([]);
});

/** The arrows of a circle, each with one import that makes it. */
function explain({ folder, children }: FolderImports, circle: readonly string[]): string[] {
  return circle.flatMap((name) =>
    [...(children.get(name) ?? [])]
      .filter(([sibling]) => circle.includes(sibling))
      .map(([sibling, [first]]) => `${folder}: ${name} → ${sibling}, as ${first?.from} imports ${first?.to}`),
  );
}

/**
 * The folders whose order is part of the design: each imports only what is before it.
 */
const ORDER: Readonly<Record<string, readonly string[]>> = {
  "packages/git-crypt/src": ["format", "git", "keys", "checkout", "rotation", "status"],
  "apps/vault/src": ["io", "cli", "commands"],
};

test.each(Object.entries(ORDER))("the folders of %s import only those before them", (folder, order) => {
  const children = FOLDERS.find((each) => each.folder === folder)?.children;
  expect([...(children?.keys() ?? [])]).toEqual(expect.arrayContaining(order.slice(1)));
  const upwards = order.flatMap((name, at) =>
    [...(children?.get(name) ?? [])]
      .filter(([sibling]) => order.includes(sibling) && order.indexOf(sibling) > at)
      .map(([sibling, [first]]) => `${name} → ${sibling}, as ${first?.from} imports ${first?.to}`),
  );
  expect(upwards).toEqual([]);
});

test("no import leads out of its package but by the package's name", () => {
  const packageOf = (path: string): string => path.split("/").slice(0, 2).join("/");
  const out = IMPORTS.filter(
    ({ from, specifier, to }) =>
      specifier.startsWith(".") && to !== null && packageOf(from) !== packageOf(to) && to !== "scripts/sources.mjs",
  );
  expect(out).toEqual([]);
});

test("one file starts programs, so that each gets an environment without secrets", () => {
  const starting = files(/^(?:packages\/(?!testkit\/)[^/]+|apps\/[^/]+)\/src\/.*\.ts$/).filter((path) =>
    /\bchild_process\b/.test(read(path)),
  );
  expect(starting).toEqual(["packages/git-crypt/src/programs.ts"]);
});
