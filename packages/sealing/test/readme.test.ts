import { readFileSync, symlinkSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeSshKey, runOk, temporaryFolder, type TemporaryFolder } from "@git-vault/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const PACKAGE = fileURLToPath(new URL("..", import.meta.url));
const README = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const PRINTED = ["hello\n", "hello\n", "WRONG_PASSPHRASE\n", `${8 * 1024 * 1024}\n`, "from a file\n"];
const CASES = [...README.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code = ""], index) => ({
  title: `${index + 1}`,
  code,
  printed: PRINTED[index],
}));

test("the README has the examples that are expected to print something", () => {
  expect(CASES).toHaveLength(PRINTED.length);
});

describe("the README's examples", () => {
  let folder: TemporaryFolder;

  beforeAll(async () => {
    folder = temporaryFolder();
    const scope = join(folder.path, "node_modules", "@git-vault");
    mkdirSync(scope, { recursive: true });
    symlinkSync(PACKAGE, join(scope, "sealing"));
    symlinkSync(join(PACKAGE, "node_modules/@git-vault/keys"), join(scope, "keys"));
    symlinkSync(join(PACKAGE, "../../node_modules/@types"), join(folder.path, "node_modules/@types"));
    const compilerOptions = {
      target: "ES2023",
      module: "NodeNext",
      strict: true,
      exactOptionalPropertyTypes: true,
      types: ["node"],
    };
    const files = CASES.map(({ title }) => `example-${title}.mts`);
    writeFileSync(join(folder.path, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
    for (const { title, code } of CASES) writeFileSync(join(folder.path, `example-${title}.mts`), code);
    writeFileSync(join(folder.path, "plain"), "from a file");
    await makeSshKey({ folder: folder.path, type: "ed25519", passphrase: "the key's passphrase" });
  });
  afterAll(() => folder.remove());

  test("compile", async () => {
    const tsc = join(PACKAGE, "../../node_modules/.bin/tsc");
    expect(await runOk(tsc, ["-p", folder.path], { cwd: folder.path })).toHaveLength(0);
  });

  test.each(CASES)("run, after they were compiled: $title", async ({ title, printed }) => {
    const output = await runOk(process.execPath, [`example-${title}.mjs`], { cwd: folder.path });
    expect(output.toString()).toBe(printed);
  });
});
