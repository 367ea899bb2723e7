import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { peer, run, runOk, temporaryFolder, type TemporaryFolder } from "@git-vault/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EXIT_CODES } from "../src/cli/error-codes.ts";
import { GLOBAL_FLAGS } from "../src/cli/flags.ts";
import { flagSyntax, overview, TOPICS } from "../src/cli/help.ts";
import { manPage } from "../src/man.ts";
import { helpOn } from "../src/cli/topics.ts";
import { flagsOf } from "../src/cli/command-table.ts";
import { TABLE } from "../src/commands/index.ts";

const shown = TABLE.shown.map(([name, command]) => ({ name, command }));
const man = peer("man");
const groff = peer("groff");
const lexgrog = peer("lexgrog");

let folder: TemporaryFolder;
let page: string;

beforeAll(() => {
  folder = temporaryFolder();
  page = join(folder.path, "vault.1");
  writeFileSync(page, manPage("1.2.3"));
});
afterAll(() => folder.remove());

/** The page as it is read on a terminal, all white space as one space. */
const rendered = async (locale: string, width: number): Promise<string> => {
  const env = {
    PATH: process.env["PATH"],
    LC_ALL: locale,
    MANWIDTH: String(width),
    HOME: folder.path,
  };
  const { stdout, stderr } = await run(
    man.path,
    ["-l", "--warnings=all", "--no-hyphenation", "--no-justification", page],
    { env },
  );
  expect(stderr).toBe("");
  return stdout.toString().replaceAll(/\s+/g, " ");
};
const asOneLine = (text: string): string => text.replaceAll("…", "...").replaceAll(/\s+/g, " ").trim();

describe("the man page", () => {
  test("is what the package carries", () => {
    const manifest: unknown = JSON.parse(readFileSync(join(import.meta.dirname, "../package.json"), "utf8"));
    expect(manifest).toMatchObject({ man: ["man/vault.1"], version: expect.any(String) });
    const { version } = manifest as { readonly version: string };
    expect(readFileSync(join(import.meta.dirname, "../man/vault.1"), "utf8")).toBe(manPage(version));
  });

  test("is ASCII, which roff reads whatever the locale", () => {
    expect(manPage("1.2.3")).toMatch(/^\p{ASCII}*\n$/u);
  });

  test.skipIf(groff.missing)(`is read by ${groff.label} without a warning`, async () => {
    for (const device of ["utf8", "ascii"]) {
      const { status, stderr } = await run(groff.path, ["-man", "-ww", `-T${device}`, page]);
      expect([device, status, stderr]).toEqual([device, 0, ""]);
    }
  });

  describe.skipIf(man.missing)(`as ${man.label} shows it`, () => {
    test.each(["C", "C.UTF-8"])(
      "raises no warning in the locale %s, in a narrow and in a wide terminal",
      async (locale) => {
        for (const width of [60, 80, 200])
          expect(await rendered(locale, width)).toContain("vault - hand a repository's secrets");
      },
    );

    test.each(shown)("describes $name with all its flags", async ({ name, command }) => {
      const text = await rendered("C.UTF-8", 200);
      const names = [name, ...(command.alias ? [command.alias] : [])].join(", ");
      expect(text).toContain(asOneLine(`${names} ${command.usage} ${command.summary}.`));
      for (const paragraph of command.description ?? []) expect(text).toContain(asOneLine(paragraph));
      for (const example of command.examples ?? []) expect(text).toContain(asOneLine(example));
      for (const [flag, spec] of Object.entries(flagsOf(command))) {
        expect(text).toContain(asOneLine(`${flagSyntax(flag, spec)} ${spec.summary}`));
      }
    });

    test("lists the flags of every command once, the exit codes and the topics", async () => {
      const text = await rendered("C.UTF-8", 200);
      for (const [flag, spec] of Object.entries(GLOBAL_FLAGS)) {
        expect(text.split(asOneLine(`${flagSyntax(flag, spec)} ${spec.summary}`))).toHaveLength(2);
      }
      for (const [code, meaning] of Object.entries(EXIT_CODES)) expect(text).toContain(`${code} ${meaning}`);
      const topics = Object.keys(TOPICS).filter((name) => name !== "exit-codes" && name !== "checks");
      for (const name of topics) expect(text).toContain(asOneLine(helpOn(TABLE, name) ?? "no help"));
    });

    test("keeps what is copied into a shell as it was written", async () => {
      const text = await rendered("C.UTF-8", 200);
      expect(text).toContain("~/.ssh/config");
      expect(text).toContain("`vault help recipients`");
      expect(text).not.toMatch(/[\u2018\u2019\u2010\u2212\u02c6\u02dc]/);
    });

    test("leaves out what is run by the program itself", async () => {
      expect(await rendered("C.UTF-8", 200)).not.toContain("clear-clipboard");
    });
  });

  test.skipIf(lexgrog.missing)(`is found by its title, which ${lexgrog.label} reads`, async () => {
    const title = await runOk(lexgrog.path, [page]);
    expect(title.toString()).toContain("vault - hand a repository's secrets to the right people");
  });
});

describe("the help", () => {
  test.each([
    ["overview", overview(TABLE)],
    ...[...shown.map(({ name }) => name), ...Object.keys(TOPICS).filter((name) => name !== "checks")].map((name) => [
      name,
      helpOn(TABLE, name) ?? "",
    ]),
  ])("of %s has lines of at most 100 columns and no space at their ends", (_, text) => {
    expect(text).not.toBe("");
    expect(text?.split("\n").filter((line) => line.length > 100 || /\s$/.test(line))).toEqual([]);
  });
});
