import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { peer, runOk, temporaryFolder, type TemporaryFolder } from "@git-vault/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { flagsOf } from "../src/cli/command-table.ts";
import type { Flags } from "../src/cli/command.ts";
import { completionScript, SHELLS } from "../src/cli/completion.ts";
import { TOPICS } from "../src/cli/help.ts";
import { COMMANDS, TABLE } from "../src/commands/index.ts";
import { VAULT } from "./program.ts";
import { startShell, type CompletingShell } from "./shells.ts";

const shown = TABLE.shown.map(([name, command]) => ({ name, command }));
const names: readonly string[] = [...new Set(shown.map(({ name }) => name.split(" ")[0] ?? name))].toSorted();
const dashed = (flags: Flags): string[] =>
  Object.keys(flags)
    .map((name) => `--${name}`)
    .toSorted();
const flags = Object.entries(TABLE.flags);
const valued = flags.flatMap(([name, { value }]) => (value === undefined ? [] : name));
/** A flag as it is written, long and short. */
const writtenAs = (name: string): string[] => {
  const short = TABLE.flags[name]?.short;
  return short === undefined ? [`--${name}`] : [`--${name}`, `-${short}`];
};
/** Where the flag may stand: before any command, or after one that takes such a value by it. */
const placesOf = (name: string): string[][] => [
  [],
  ...shown.flatMap(({ name: command, command: spec }) =>
    spec.flags[name]?.complete === TABLE.flags[name]?.complete && Object.hasOwn(spec.flags, name)
      ? [command.split(" ")]
      : [],
  ),
];

describe.each(SHELLS)("the completion script for %s", (shell) => {
  test("is what the program prints", async () => {
    expect((await runOk(VAULT, ["completion", shell])).toString()).toBe(completionScript(shell, TABLE));
  });

  const { missing, path, label } = peer(shell);

  test.skipIf(missing)(`loads in ${label} without a word`, async () => {
    using folder = temporaryFolder();
    const script = join(folder.path, "script");
    writeFileSync(script, completionScript(shell, TABLE));
    const before = shell === "zsh" ? "autoload -Uz compinit; compinit -u -D; " : "";
    const quiet = { bash: ["--norc"], zsh: ["-f"], fish: ["--no-config"] }[shell];
    const said = await runOk(path, [...quiet, "-c", `${before}source ${script} 2>&1`], {
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
      expect(await its.offers("vault", "--")).toEqual(dashed(TABLE.flags));
    });

    test.each(shown)("offers the flags of $name after it", async ({ name, command }) => {
      for (const word of [name, ...(command.alias ? [command.alias] : [])]) {
        expect(await its.offers("vault", ...word.split(" "), "--")).toEqual(dashed(flagsOf(command)));
      }
    });

    test("offers the second words of commands that have two", async () => {
      for (const [family, members] of TABLE.families) {
        expect(await its.offers("vault", family, "")).toEqual(members.toSorted());
        expect(await its.offers("vault", "-q", family, "")).toEqual(members.toSorted());
      }
    });

    test("offers the values of a flag that has a list of them", async () => {
      const listed = flags.flatMap(([name, { complete }]) =>
        typeof complete === "object" ? [{ name, complete }] : [],
      );
      expect(listed.map(({ name }) => name)).toContain("format");
      for (const { name, complete } of listed) {
        for (const place of placesOf(name)) {
          for (const flag of writtenAs(name))
            expect(await its.offers("vault", ...place, flag, "")).toEqual(complete.toSorted());
        }
      }
      expect(await its.tab("vault", "share", "--format", "s")).toBe("ssh-vault");
      expect(await its.tab("vault", "share", "--format=s")).toBe("--format=ssh-vault");
      expect(await its.tab("vault", "share", "--format", "my")).toBe("my");
    });

    test("completes files where a flag's value is one, also with spaces in their names", async () => {
      const filed = flags.flatMap(([name, { complete }]) => (complete === "file" ? name : []));
      expect(filed).toContain("output");
      for (const name of filed) {
        for (const place of placesOf(name)) {
          for (const flag of writtenAs(name))
            expect(await its.tab("vault", ...place, flag, "my")).toBe("my secret.age");
          expect(await its.tab("vault", ...place, `--${name}=my`)).toBe(`--${name}=my secret.age`);
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
      const unknown = valued.filter((name) => TABLE.flags[name]?.complete === undefined);
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
      // zsh offers no flag again that is there already.
      const taken = dashed(flagsOf(COMMANDS.view));
      for (const words of [
        ["-o", "share", "view"],
        ["-o", "share", "view", "keys"],
        ["--output=share", "view", "-q", "keys"],
      ]) {
        const offered = await its.offers("vault", ...words, "--");
        const used = words.includes("-q") ? ["--quiet", "--output"] : ["--output"];
        expect(offered.filter((flag) => !used.includes(flag))).toEqual(taken.filter((flag) => !used.includes(flag)));
      }
    });

    test("offers no flags after --", async () => {
      expect(await its.offers("vault", "view", "--", "--")).toEqual([]);
      expect(await its.tab("vault", "view", "--", "my")).toBe("my secret.age");
    });

    test.each(shown.filter(({ command }) => command.complete === "file"))(
      "completes files after $name",
      async ({ name }) => {
        expect(await its.tab("vault", name, "my")).toBe("my secret.age");
        expect(await its.tab("vault", name, "-q", "my")).toBe("my secret.age");
      },
    );

    test.each(shown.filter(({ command }) => command.complete !== "file"))(
      "offers the operands of $name",
      async (place) => {
        const { name, command } = place;
        const words = name === "help" ? [...names, ...Object.keys(TOPICS)] : command.complete;
        expect(await its.offers("vault", name, "")).toEqual([words ?? []].flat().toSorted());
        expect(await its.tab("vault", name, "nest.t")).toBe("nest.t");
      },
    );
  });
});
