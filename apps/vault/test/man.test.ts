import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { peer, run, runOk, temporaryFolder, type TemporaryFolder } from "@git-vault/testkit";
import { openTerminal } from "@git-vault/testkit/terminal";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EXIT_CODES } from "../src/cli/error-codes.ts";
import { GLOBAL_FLAGS } from "../src/cli/flags.ts";
import { flagSyntax, overview, TOPICS, widthFor } from "../src/cli/help.ts";
import { manPages } from "../src/man.ts";
import { helpOn } from "../src/cli/topics.ts";
import { flagsOf } from "../src/cli/command-table.ts";
import { TABLE } from "../src/commands/index.ts";
import { VAULT } from "./program.ts";

const shown = TABLE.shown.map(([name, command]) => ({ name, command }));
const man = peer("man");
const groff = peer("groff");
const lexgrog = peer("lexgrog");

const PAGES = manPages("1.2.3");
let folder: TemporaryFolder;
let page: string;

beforeAll(() => {
  folder = temporaryFolder();
  // Where man looks for it below MANPATH.
  mkdirSync(join(folder.path, "man1"));
  for (const [name, text] of Object.entries(PAGES)) writeFileSync(join(folder.path, "man1", name), text);
  page = join(folder.path, "man1/vault.1");
});
afterAll(() => folder.remove());

/** Runs man without a word of warning. */
const man1 = async (words: readonly string[], locale = "C.UTF-8", width = 200): Promise<string> => {
  const env = {
    PATH: process.env["PATH"],
    LC_ALL: locale,
    MANWIDTH: String(width),
    HOME: folder.path,
  };
  const quiet = ["--warnings=all", "--no-hyphenation", "--no-justification"];
  const { stdout, stderr } = await run(man.path, [...quiet, ...words], { env });
  expect(stderr).toBe("");
  return stdout.toString().replaceAll(/\s+/g, " ");
};
const shownPages = new Map<string, Promise<string>>();
/** The page as it is read on a terminal, all white space as one space. */
const rendered = (locale: string, width: number): Promise<string> => {
  const key = `${locale} ${width}`;
  const made = shownPages.get(key) ?? man1(["-l", page], locale, width);
  shownPages.set(key, made);
  return made;
};
const asOneLine = (text: string): string => text.replaceAll("…", "...").replaceAll(/\s+/g, " ").trim();

describe("the man page", () => {
  test("and those of all commands are what the package carries", () => {
    const app = join(import.meta.dirname, "..");
    const manifest = JSON.parse(readFileSync(join(app, "package.json"), "utf8")) as { man: string[]; version: string };
    const pages = manPages(manifest.version);
    expect(manifest.man.toSorted()).toEqual(
      Object.keys(pages)
        .map((name) => `man/${name}`)
        .toSorted(),
    );
    for (const [name, text] of Object.entries(pages)) expect(readFileSync(join(app, "man", name), "utf8")).toBe(text);
  });

  test("and the others are ASCII, which roff reads whatever the locale", () => {
    for (const text of Object.values(PAGES)) expect(text).toMatch(/^\p{ASCII}*\n$/u);
  });

  test.skipIf(groff.missing)(`is read by ${groff.label} without a warning, as are the others`, async () => {
    const all = Object.keys(PAGES)
      .filter((name) => name !== "git-vault.1")
      .map((name) => join(folder.path, "man1", name));
    for (const device of ["utf8", "ascii"]) {
      const { status, stderr } = await run(groff.path, ["-man", "-ww", `-T${device}`, ...all]);
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

    test("of one command has its flags, those of every command, and its examples", async () => {
      const text = await man1(["-M", folder.path, "vault-deploy-plan"]);
      const plan = TABLE.specs["deploy plan"];
      expect(text).toContain(asOneLine(`vault-deploy-plan - ${plan.summary}`));
      for (const [flag, spec] of Object.entries(flagsOf(plan)))
        expect(text).toContain(asOneLine(`${flagSyntax(flag, spec)} ${spec.summary}`));
      for (const example of plan.examples ?? []) expect(text).toContain(asOneLine(example));
    });

    test("is what git vault --help and git help vault open", async () => {
      const bin = join(folder.path, "bin");
      mkdirSync(bin);
      symlinkSync(VAULT, join(bin, "git-vault"));
      const env = { PATH: `${bin}:${process.env["PATH"]}`, HOME: folder.path, MANPATH: folder.path, LC_ALL: "C.UTF-8" };
      for (const words of [
        ["vault", "--help"],
        ["help", "vault"],
      ])
        expect((await runOk("git", words, { env })).toString()).toMatch(/^VAULT\(1\)[^]*hand a repository's secrets/);
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
  const topics = Object.keys(TOPICS).filter((name) => name !== "checks");

  test.each([undefined, 60, 120])("fits into %s columns, and breaks no flag", (terminal) => {
    const width = widthFor(terminal);
    expect(width).toBe(terminal ?? 80);
    const texts = ["", ...shown.map(({ name }) => name), ...topics].map((name) =>
      name === "" ? overview(TABLE, width) : (helpOn(TABLE, name, width) ?? ""),
    );
    for (const text of texts) {
      const [prose = ""] = text.split("\n\nexamples\n");
      const tooLong = prose.split("\n").filter((line) => line.length > width && /\S\s+\S/.test(line));
      // A usage is one line, to be read at once; what one word has room for is not broken.
      expect(tooLong.filter((line) => !/^(?:usage:| {2}\S.* [[A-Z])/.test(line))).toEqual([]);
      expect(text).not.toMatch(/[ \t]$/m);
    }
    for (const { name, command } of shown) {
      const lines = helpOn(TABLE, name, width)?.split("\n");
      for (const [flag, spec] of Object.entries(flagsOf(command)))
        expect(lines?.some((line) => line.startsWith(`  ${flagSyntax(flag, spec)}`))).toBe(true);
    }
  });

  test("has the width of the terminal that it is shown on", async () => {
    for (const cols of [60, 100]) {
      using terminal = openTerminal(VAULT, ["share", "--help", "--no-pager"], { cols });
      await terminal.ended;
      const longest = Math.max(
        ...terminal.screen
          .split("\n\nexamples\n", 1)
          .join("")
          .split("\n")
          .map(({ length }) => length),
      );
      expect(longest).toBeGreaterThan(cols - 15);
      expect(longest).toBeLessThanOrEqual(cols);
    }
  });
});
