import { describe, expect, test } from "vitest";
import { importsOfSources } from "./import-graph.ts";
import { files, read } from "./sources.ts";

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

const MANIFESTS = files(/^(?:packages|apps)\/[^/]+\/package\.json$/).map((path) => ({
  folder: path.replace("/package.json", ""),
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- pnpm has read the same file
  manifest: JSON.parse(read(path)) as Manifest,
}));

/** The packages, in the order in which docs/architecture.md lists them. */
const ORDER =
  /^packages\/\n((?: {2}.*\n)+)/m
    .exec(read("docs/architecture.md"))?.[1]
    ?.match(/^ {2}[a-z-]+(?=\/)/gm)
    ?.map((name) => name.trim()) ?? [];

const house = (names: object = {}): string[] =>
  Object.keys(names)
    .filter((name) => name.startsWith("@git-vault/"))
    .map((name) => name.replace("@git-vault/", ""));

test("docs/architecture.md lists every package", () => {
  const packages = MANIFESTS.filter(({ folder }) => folder.startsWith("packages/"));
  expect(ORDER.toSorted()).toEqual(packages.map(({ folder }) => folder.replace("packages/", "")).toSorted());
});

describe.each(MANIFESTS)("$folder", ({ folder, manifest: { name, dependencies, devDependencies } }) => {
  const isPackage = folder.startsWith("packages/");

  test.runIf(isPackage)("depends only on packages above it in docs/architecture.md", () => {
    const above = ORDER.slice(0, ORDER.indexOf(name.replace("@git-vault/", ""))).filter((each) => each !== "testkit");
    expect(above).toEqual(expect.arrayContaining(house(dependencies)));
  });

  test.runIf(isPackage)("needs for its tests alone no package but testkit", () => {
    expect(["testkit"]).toEqual(expect.arrayContaining(house(devDependencies)));
  });

  test("imports in its sources only packages that are more than a dependency of its tests", () => {
    // The command is bundled: what it uses is there when it is built, and nothing is installed with
    // it.
    const declared = isPackage ? house(dependencies) : house(devDependencies).filter((each) => each !== "testkit");
    const imported = importsOfSources()
      .filter(({ from, specifier }) => from.startsWith(`${folder}/`) && specifier.startsWith("@git-vault/"))
      .map(({ specifier }) => specifier.split("/")[1])
      .filter((each) => `@git-vault/${each}` !== name);
    expect(declared).toEqual(expect.arrayContaining([...new Set(imported)]));
  });
});
