import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { importsOfSources } from "./import-graph.ts";
import { files, read, ROOT } from "./sources.ts";

interface Manifest {
  readonly private?: boolean;
  readonly license?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

interface Dependency {
  readonly name: string;
  /** The folder of the package that depends on it. */
  readonly of: string;
  readonly runTime: boolean;
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- pnpm has read the same files
const manifest = (path: string): Manifest => JSON.parse(readFileSync(path, "utf8")) as Manifest;

const IMPORTS = importsOfSources();

/** What is published depends on it, or has it in its bundle. */
const isRunTime = (folder: string, name: string, kind: "dependencies" | "devDependencies"): boolean =>
  folder.startsWith("apps/")
    ? IMPORTS.some(({ from, specifier }) => from.startsWith(folder) && specifier === name)
    : kind === "dependencies" && manifest(join(ROOT, folder, "package.json")).private !== true;

const DEPENDENCIES = files(/^(?:.*\/)?package\.json$/)
  .filter((path) => !path.startsWith("docs/example/") && !/\/(?:vectors|fixtures)\//.test(path))
  .flatMap((path): Dependency[] =>
    (["dependencies", "devDependencies"] as const).flatMap((kind) =>
      Object.keys(manifest(join(ROOT, path))[kind] ?? {})
        .filter((name) => !name.startsWith("@git-vault/"))
        .map((name) => ({ name, of: dirname(path), runTime: isRunTime(dirname(path), name, kind) })),
    ),
  );

const PAGE = read("docs/dependencies.md");

/** The rows of the table below a heading: the cells of each. */
function rows(heading: string): string[][] {
  const section = PAGE.split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  return section
    .split("\n")
    .filter((line) => /^\| (?!package |-)/.test(line))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

const RUN_TIME = rows("At run time");
const OTHER = rows("For building and testing");
const sorted = (names: Iterable<string | undefined>): string[] => [...new Set(names)].map(String).toSorted();

test("docs/dependencies.md names each dependency once, and nothing else", () => {
  const runTime = sorted(DEPENDENCIES.filter((each) => each.runTime).map(({ name }) => name));
  expect(RUN_TIME.map(([name]) => name)).toEqual(runTime);
  const rest = sorted(DEPENDENCIES.map(({ name }) => name)).filter((name) => !runTime.includes(name));
  expect(OTHER.map(([name]) => name)).toEqual(rest);
});

test("the catalog of pnpm-workspace.yaml pins each dependency, and nothing else", () => {
  const catalog = /^catalog:\n((?: {2}.+\n)+)/m.exec(read("pnpm-workspace.yaml"))?.[1] ?? "";
  const pinned = [...catalog.matchAll(/^ {2}"?([^":]+)"?: (.+)$/gm)];
  expect(sorted(pinned.map(([, name]) => name))).toEqual(sorted(DEPENDENCIES.map(({ name }) => name)));
  expect(pinned.filter(([, , version = ""]) => !/^\d+\.\d+\.\d+[-.\w]*$/.test(version))).toEqual([]);
});

test("each has its licence, and a reason", () => {
  const wrong = [...RUN_TIME, ...OTHER].flatMap(([name = "", licence, reason = ""]) => {
    const of = DEPENDENCIES.find((each) => each.name === name)?.of ?? "";
    const real = manifest(join(ROOT, of, "node_modules", name, "package.json")).license?.replaceAll(/[()]/g, "");
    return licence === real && reason !== "" ? [] : [{ name, licence, real }];
  });
  expect(wrong).toEqual([]);
});
