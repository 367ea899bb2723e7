import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { runOk, temporaryFolder } from "@git-vault/testkit";
import { expect, test } from "vitest";
import { ROOT } from "./sources.ts";

test("the pictures of terminals show what the program prints now: else `pnpm --filter git-vault-docs run pictures`", async () => {
  using folder = temporaryFolder();
  await runOk(process.execPath, [join(ROOT, "docs/scripts/pictures.mjs"), folder.path]);
  const kept = join(ROOT, "docs/pictures");
  expect(readdirSync(kept)).toEqual(readdirSync(folder.path));
  for (const name of readdirSync(kept))
    expect(readFileSync(join(folder.path, name), "utf8")).toBe(readFileSync(join(kept, name), "utf8"));
});
