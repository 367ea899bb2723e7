import { temporaryFolder, run, runOk, type TemporaryFolder } from "@git-vault/testkit";
import { existsSync, writeFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { pathToFileURL } from "node:url";
import { rolldown, type Plugin } from "rolldown";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { workspaceSources } from "../scripts/sources.mjs";
import type { MakeWorld, World } from "./readme-worlds/world.ts";
import { files, read, ROOT } from "./sources.ts";

interface Example {
  readonly readme: string;
  readonly name: string;
  readonly code: string;
  /** What it says that it prints: the comments that follow `console.log(…);` on its line. */
  readonly printed: string;
}

const READMES = files(/^packages\/[^/]+\/README\.md$/);
const EXAMPLES = READMES.flatMap((readme): Example[] =>
  [...read(readme).matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = ""], index) => ({
    readme,
    name: `${readme.split("/")[1]}-${index + 1}`,
    code,
    printed: [...code.matchAll(/^\s*console\.log\(.*\); \/\/ (.*)$/gm)].map(([, line]) => `${line}\n`).join(""),
  })),
);

/** Libraries stay where they are: only what is in the repository is bundled, from its sources. */
const externalLibraries: Plugin = {
  name: "external-libraries",
  async resolveId(specifier, importer) {
    if (importer === undefined || /^(?:\.|node:|@git-vault\/)/.test(specifier) || isAbsolute(specifier)) return null;
    const library = await this.resolve(specifier, importer, { skipSelf: true });
    return library && { id: pathToFileURL(library.id).href, external: true };
  },
};

async function bundle(input: string, file: string): Promise<void> {
  const bundled = await rolldown({ input, platform: "node", plugins: [workspaceSources, externalLibraries] });
  await bundled.write({ file, format: "esm", codeSplitting: false });
  await bundled.close();
}

describe("the examples of the READMEs", () => {
  let sources: TemporaryFolder;
  const source = ({ name }: Example): string => join(sources.path, `${name}.mts`);

  beforeAll(() => {
    sources = temporaryFolder();
    for (const example of EXAMPLES) writeFileSync(source(example), example.code);
  });
  afterAll(() => sources.remove());

  test("compile against the sources of the packages", async () => {
    const compilerOptions = {
      noEmit: true,
      declaration: false,
      isolatedDeclarations: false,
      typeRoots: [join(ROOT, "node_modules/@types")],
      lib: ["ES2023", "ESNext.Disposable", "DOM"],
      paths: {
        "@git-vault/*": [join(ROOT, "packages/*/src/index.ts")],
      },
    };
    const declarations = files(/^packages\/[^/]+\/src\/.*\.d\.ts$/).map((path) => join(ROOT, path));
    const settings = {
      extends: join(ROOT, "tsconfig.base.json"),
      compilerOptions,
      files: [...EXAMPLES.map(source), ...declarations],
    };
    writeFileSync(join(sources.path, "tsconfig.json"), JSON.stringify(settings));
    const tsc = join(ROOT, "node_modules/.bin/tsc");
    const { status, stdout } = await run(tsc, ["-p", sources.path], { cwd: sources.path });
    expect({ status, output: stdout.toString() }).toEqual({ status: 0, output: "" });
  });

  describe.each(READMES)("%s", (readme) => {
    const examples = EXAMPLES.filter((example) => example.readme === readme);
    let folder: TemporaryFolder;
    let world: World = {};

    beforeAll(async () => {
      folder = temporaryFolder();
      const file = join(ROOT, "test/readme-worlds", `${readme.split("/")[1]}.ts`);
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
      const program = join(sources.path, `${example.name}.mjs`);
      await bundle(source(example), program);
      const { PATH = "" } = process.env;
      const env = { PATH, HOME: folder.path, ...world.env };
      const output = await runOk(process.execPath, [program], { cwd: folder.path, env });
      expect(output.toString()).toBe(example.printed);
    });
  });
});
