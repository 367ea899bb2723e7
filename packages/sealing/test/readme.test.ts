import { readFileSync, symlinkSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeSshKey, runOk, temporaryFolder } from "@git-vault/testkit";
import { expect, test } from "vitest";

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

test.each(CASES)("the README's example compiles and runs: $title", async ({ code, printed }) => {
  using folder = temporaryFolder();
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
  writeFileSync(join(folder.path, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["example.mts"] }));
  writeFileSync(join(folder.path, "example.mts"), code);
  writeFileSync(join(folder.path, "plain"), "from a file");
  await makeSshKey({ folder: folder.path, type: "ed25519", passphrase: "the key's passphrase" });
  await runOk(join(PACKAGE, "../../node_modules/.bin/tsc"), ["-p", folder.path], { cwd: folder.path });
  const output = await runOk(process.execPath, ["example.mjs"], { cwd: folder.path });
  expect(output.toString()).toBe(printed);
});
