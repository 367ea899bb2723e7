import { temporaryFolder, runOk, type TemporaryFolder } from "@git-vault/testkit";
import { compileExamples, examplesIn } from "@git-vault/testkit/program";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { MakeWorld, World } from "./readme-worlds/world.ts";
import { files, read, ROOT } from "./sources.ts";

interface Example {
  readonly readme: string;
  readonly name: string;
  readonly code: string;
  /** What it says that it prints: the comments that follow `console.log(…);` on its line. */
  readonly printed: string;
}

/** The packages' own pages, and those of `docs` that are called as a package. */
const READMES = files(/^packages\/[^/]+\/README\.md$|^docs\/sealing\.md$/);
const packageOf = (readme: string): string => readme.split("/")[1]?.replace(".md", "") ?? "";

const EXAMPLES = READMES.flatMap((readme): Example[] =>
  examplesIn(read(readme)).map((code, index) => ({
    readme,
    name: `${readme.split("/")[0]}-${packageOf(readme)}-${index + 1}`,
    code,
    printed: [...code.matchAll(/^\s*console\.log\(.*\); \/\/ (.*)$/gm)].map(([, line]) => `${line}\n`).join(""),
  })),
);

describe("the examples of the READMEs", () => {
  let compiled: TemporaryFolder;
  let programs: string[];

  beforeAll(async () => {
    compiled = temporaryFolder();
    const examples = EXAMPLES.map(({ code }) => code);
    programs = await compileExamples(examples, compiled.path);
  });
  afterAll(() => compiled.remove());

  describe.each(READMES)("%s", (readme) => {
    const examples = EXAMPLES.filter((example) => example.readme === readme);
    let folder: TemporaryFolder;
    let world: World = {};

    beforeAll(async () => {
      folder = temporaryFolder();
      const file = join(ROOT, "test/readme-worlds", `${packageOf(readme)}.ts`);
      if (!existsSync(file)) return;
      const { default: makeWorld } = (await import(file)) as { default: MakeWorld };
      world = await makeWorld(folder.path);
    });
    afterAll(async () => {
      await world.close?.();
      folder.remove();
    });

    test("shows how to use the package", () => {
      expect(examples).not.toHaveLength(0);
    });

    test.each(examples)("$name prints what it says", async (example) => {
      expect(example.printed).not.toBe("");
      const program = programs[EXAMPLES.indexOf(example)] ?? "";
      const { PATH = "" } = process.env;
      const env = { PATH, HOME: folder.path, ...world.env };
      const output = await runOk(process.execPath, [program], { cwd: folder.path, env });
      expect(output.toString()).toBe(example.printed);
    });
  });
});
