import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { peer, runOk, temporaryFolder, type TemporaryFolder } from "@git-vault/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { flagsOf } from "../src/cli/argv.ts";
import { completionScript, SHELLS } from "../src/cli/completion.ts";
import {
  COMMANDS,
  FAMILIES,
  FLAG_NAMES,
  FLAGS,
  TOPICS,
  type CommandSpec,
  type FlagName,
  type FlagSpec,
} from "../src/cli/command-table.ts";
import { VAULT } from "./program.ts";
import { startShell, type CompletingShell } from "./shells.ts";

const shown: readonly CommandSpec[] = COMMANDS.filter(({ group }) => group !== undefined);
const names: readonly string[] = [...new Set(shown.map(({ name }) => name.split(" ")[0] ?? name))].toSorted();
const spec = (name: FlagName): FlagSpec => FLAGS[name];
const dashed = (flags: readonly FlagName[]): string[] => flags.map((name) => `--${name}`).toSorted();
const valued = FLAG_NAMES.filter((name) => spec(name).value !== undefined);
/** A flag as it is written, long and short. */
const writtenAs = (name: FlagName): string[] => [`--${name}`, ...(spec(name).short ? [`-${spec(name).short}`] : [])];

describe.each(SHELLS)("the completion script for %s", (shell) => {
  test("is what the program prints", async () => {
    expect((await runOk(VAULT, ["completion", shell])).toString()).toBe(completionScript(shell));
  });

  const { missing, path, label } = peer(shell);

  test.skipIf(missing)(`loads in ${label} without a word`, async () => {
    using folder = temporaryFolder();
    const script = join(folder.path, "script");
    writeFileSync(script, completionScript(shell));
    const before = shell === "zsh" ? "autoload -Uz compinit; compinit -u -D; " : "";
    const flags = { bash: ["--norc"], zsh: ["-f"], fish: ["--no-config"] }[shell];
    const said = await runOk(path, [...flags, "-c", `${before}source ${script} 2>&1`], {
      env: { HOME: folder.path, PATH: process.env["PATH"] },
    });
    expect(said.toString()).toBe("");
  });

  describe.skipIf(missing)(`in ${label}`, () => {
    let folder: TemporaryFolder;
    let its: CompletingShell;

    beforeAll(async () => {
      folder = temporaryFolder();
      writeFileSync(join(folder.path, "my secret.age"), "");
      mkdirSync(join(folder.path, "nest"));
      writeFileSync(join(folder.path, "nest.txt"), "");
      its = await startShell(shell, path, folder.path);
    });
    afterAll(async () => {
      await its.close();
      folder.remove();
    });

    test("offers the commands", async () => {
      expect(await its.offers("vault", "")).toEqual(names);
      expect(await its.tab("vault", "sha")).toBe("share");
      expect(await its.tab("vault", "comp")).toBe("completion");
    });

    test("completes git-vault as well", async () => {
      expect(await its.offers("git-vault", "")).toEqual(names);
      expect(await its.tab("git-vault", "sha")).toBe("share");
      expect(await its.tab("git-vault", "view", "my")).toBe("my secret.age");
    });

    test("offers every flag before the command, since it may stand there", async () => {
      expect(await its.offers("vault", "--")).toEqual(dashed(FLAG_NAMES));
    });

    test.each(shown)("offers the flags of $name after it", async (command) => {
      for (const name of [command.name, ...(command.alias ? [command.alias] : [])]) {
        expect(await its.offers("vault", ...name.split(" "), "--")).toEqual(dashed(flagsOf(command)));
      }
    });

    test("offers the second words of commands that have two", async () => {
      for (const [family, members] of FAMILIES) {
        expect(await its.offers("vault", family, "")).toEqual(members.toSorted());
        expect(await its.offers("vault", "-q", family, "")).toEqual(members.toSorted());
      }
    });

    test("offers the values of a flag that has a list of them", async () => {
      const listed = FLAG_NAMES.flatMap((name) => {
        const { complete } = spec(name);
        return typeof complete === "object" ? [{ name, complete }] : [];
      });
      expect(listed.map(({ name }) => name)).toContain("format");
      for (const { name, complete } of listed) {
        for (const command of [null, ...shown.filter(({ flags }) => flags.includes(name))]) {
          const line = ["vault", ...(command === null ? [] : command.name.split(" "))];
          for (const flag of writtenAs(name)) expect(await its.offers(...line, flag, "")).toEqual(complete.toSorted());
        }
      }
      expect(await its.tab("vault", "share", "--format", "s")).toBe("ssh-vault");
      expect(await its.tab("vault", "share", "--format=s")).toBe("--format=ssh-vault");
      expect(await its.tab("vault", "share", "--format", "my")).toBe("my");
    });

    test("completes files where a flag's value is one, also with spaces in their names", async () => {
      const filed = FLAG_NAMES.filter((name) => spec(name).complete === "file");
      expect(filed).toContain("output");
      for (const name of filed) {
        for (const command of [null, ...shown.filter(({ flags }) => flags.includes(name))]) {
          const line = ["vault", ...(command === null ? [] : command.name.split(" "))];
          for (const flag of writtenAs(name)) expect(await its.tab(...line, flag, "my")).toBe("my secret.age");
          expect(await its.tab(...line, `--${name}=my`)).toBe(`--${name}=my secret.age`);
        }
      }
    });

    test("completes folders alone where a flag's value is one", async () => {
      for (const flag of writtenAs("directory")) {
        expect(await its.tab("vault", "view", flag, "ne")).toBe("nest/");
        expect(await its.tab("vault", flag, "my")).toBe("my");
      }
    });

    test("offers nothing for a value that it cannot know", async () => {
      const unknown = valued.filter((name) => spec(name).complete === undefined);
      for (const name of unknown) {
        for (const flag of writtenAs(name)) {
          expect(await its.offers("vault", flag, "")).toEqual([]);
          expect(await its.tab("vault", flag, "my")).toBe("my");
        }
      }
    });

    test("offers the commands after flags, whatever their values are called", async () => {
      expect(await its.tab("vault", "-u", "x", "cr")).toBe("create");
      for (const name of valued) {
        for (const flag of writtenAs(name)) expect(await its.offers("vault", flag, "view", "")).toEqual(names);
        expect(await its.offers("vault", `--${name}=view`, "")).toEqual(names);
      }
      expect(await its.tab("vault", "-q", "--json", "sha")).toBe("share");
      expect(await its.tab("vault", "-qu", "view", "cr")).toBe("create");
      expect(await its.tab("vault", "-uview", "cr")).toBe("create");
      expect(await its.tab("vault", "--", "sha")).toBe("share");
    });

    test("knows the command behind flags with values, and is not misled by an operand", async () => {
      const view = shown.find(({ name }) => name === "view");
      // zsh offers no flag again that is there already.
      const flags = dashed(flagsOf(view ?? null));
      for (const words of [
        ["-o", "share", "view"],
        ["-o", "share", "view", "keys"],
        ["--output=share", "view", "-q", "keys"],
      ]) {
        const offered = await its.offers("vault", ...words, "--");
        const used = words.includes("-q") ? ["--quiet", "--output"] : ["--output"];
        expect(offered.filter((flag) => !used.includes(flag))).toEqual(flags.filter((flag) => !used.includes(flag)));
      }
    });

    test("offers no flags after --", async () => {
      expect(await its.offers("vault", "view", "--", "--")).toEqual([]);
      expect(await its.tab("vault", "view", "--", "my")).toBe("my secret.age");
    });

    test.each(shown.filter(({ complete }) => complete === "file"))("completes files after $name", async ({ name }) => {
      expect(await its.tab("vault", name, "my")).toBe("my secret.age");
      expect(await its.tab("vault", name, "-q", "my")).toBe("my secret.age");
    });

    test.each(shown.filter(({ complete }) => complete !== "file"))("offers the operands of $name", async (command) => {
      const words = command.name === "help" ? [...names, ...Object.keys(TOPICS)] : command.complete;
      expect(await its.offers("vault", command.name, "")).toEqual([words ?? []].flat().toSorted());
      expect(await its.tab("vault", command.name, "nest.t")).toBe("nest.t");
    });
  });
});
