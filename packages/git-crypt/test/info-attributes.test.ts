import { appendFileSync, lstatSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { throwawayRepository } from "@git-vault/testkit";
import { expect, test } from "vitest";
import { changeInfoAttributes } from "../src/git/info-attributes.ts";
import { openRepository } from "../src/index.ts";

/* `.git/info/attributes`, which people and other programs write as well. */

const LINE = "*.md text\n";
const addLine = (text: string): string => (text.includes(LINE) ? text : text + LINE);

test("a line that another program adds meanwhile stays", async () => {
  using repository = await throwawayRepository();
  const place = openRepository(repository.path);
  const path = join(repository.path, ".git/info/attributes");
  rmSync(path, { force: true });
  expect(changeInfoAttributes(place, addLine)).toBe(true);
  let isFirst = true;
  const done = changeInfoAttributes(place, (text) => {
    if (isFirst) appendFileSync(path, "*.txt text\n");
    isFirst = false;
    return `${text}*.c text\n`;
  });
  expect([done, readFileSync(path, "utf8")]).toEqual([true, `${LINE}*.txt text\n*.c text\n`]);
});

test("nothing is written while another program holds the lock", async () => {
  using repository = await throwawayRepository();
  const path = join(repository.path, ".git/info/attributes");
  writeFileSync(path, "*.txt text\n");
  writeFileSync(`${path}.lock`, "");
  expect(changeInfoAttributes(openRepository(repository.path), addLine)).toBe(false);
  expect(readFileSync(path, "utf8")).toBe("*.txt text\n");
});

test("a link is written through", async () => {
  using repository = await throwawayRepository();
  const path = join(repository.path, ".git/info/attributes");
  const target = join(repository.folder, "attributes");
  writeFileSync(target, "*.txt text\n");
  rmSync(path, { force: true });
  symlinkSync(target, path);
  expect(changeInfoAttributes(openRepository(repository.path), addLine)).toBe(true);
  expect([readlinkSync(path), readFileSync(target, "utf8")]).toEqual([target, `*.txt text\n${LINE}`]);
});

test("what cannot be read is left as it is", async () => {
  using repository = await throwawayRepository();
  const path = join(repository.path, ".git/info/attributes");
  rmSync(path, { force: true });
  symlinkSync("attributes", path);
  expect(changeInfoAttributes(openRepository(repository.path), addLine)).toBe(false);
  expect(lstatSync(path).isSymbolicLink()).toBe(true);
});
