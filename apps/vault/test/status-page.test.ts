import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ADVICE } from "../src/commands/repository/advice.ts";

const page = readFileSync(join(import.meta.dirname, "../../../docs/status.md"), "utf8");

test("docs/status.md tells of each finding what it means and what to do, and of no other", () => {
  const rows = [...page.matchAll(/^\| `([^`]+)` *\| +(\S[^|]*) \| +(\S[^|]*) \|$/gm)].map(([, id = ""]) => id);
  expect(rows.toSorted()).toEqual(Object.keys(ADVICE).toSorted());
});
