import { describe, expect, test } from "vitest";
import { flagsOf } from "../src/cli/command-table.ts";
import type { Flags } from "../src/cli/command.ts";
import { TOPICS } from "../src/cli/help.ts";
import { offersFor } from "../src/cli/offers.ts";
import { TABLE } from "../src/commands/index.ts";

const shown = TABLE.shown.map(([name, command]) => ({ name, command }));
const dashed = (flags: Flags): string[] => Object.keys(flags).map((name) => `--${name}`);
const valued = Object.entries(TABLE.flags).filter(([, { value }]) => value !== undefined);
/** A flag as it is written, long and short. */
const writtenAs = (name: string): string[] => {
  const short = TABLE.flags[name]?.short;
  return short === undefined ? [`--${name}`] : [`--${name}`, `-${short}`];
};

/** The words, or the kind. */
const offers = (...words: readonly string[]): string | string[] => {
  const { offer } = offersFor(words, TABLE);
  return typeof offer === "string" ? offer : offer.map(([word]) => word);
};

describe("what can stand on a command line", () => {
  test("is a command first, also behind flags and whatever their values are called", () => {
    expect(offers("")).toEqual(TABLE.firstWords);
    for (const [name] of valued) {
      for (const flag of writtenAs(name)) expect(offers(flag, "view", "")).toEqual(TABLE.firstWords);
      expect(offers(`--${name}=view`, "")).toEqual(TABLE.firstWords);
    }
    for (const words of [["-q", "--json"], ["-qu", "view"], ["-uview"], ["--"]])
      expect(offers(...words, "")).toEqual(TABLE.firstWords);
  });

  test("is the second word of a command that has two", () => {
    for (const [family, members] of TABLE.families) {
      expect(offers(family, "")).toEqual(members);
      expect(offers("-q", family, "")).toEqual(members);
    }
  });

  test.each(shown)("is a flag of $name after it, which is not given yet", ({ name, command }) => {
    for (const word of [name, ...(command.alias ? [command.alias] : [])])
      expect(offers(...word.split(" "), "--")).toEqual(dashed(flagsOf(command)));
    const once = Object.entries(flagsOf(command)).flatMap(([flag, { multiple }]) => (multiple ? [] : [flag]));
    for (const flag of once) expect(offers(...name.split(" "), `--${flag}=x`, "-")).not.toContain(`--${flag}`);
  });

  test("is any flag before the command, and none after --", () => {
    expect(offers("--")).toEqual(dashed(TABLE.flags));
    expect(offers("view", "--", "--")).toEqual("file");
  });

  test("is what the flag takes whose value is written, by its long and its short name", () => {
    for (const { name: command, command: spec } of shown) {
      for (const [name, { value, complete = [] }] of Object.entries(flagsOf(spec))) {
        if (value === undefined) continue;
        for (const flag of writtenAs(name)) expect(offers(...command.split(" "), flag, "")).toEqual(complete);
        expect(offersFor([...command.split(" "), `--${name}=x`], TABLE).before).toBe(`--${name}=`);
      }
    }
  });

  test("is what each operand is, and nothing after the last one", () => {
    expect(offers("deploy", "nodes", "")).toBe("environment");
    expect(offers("deploy", "nodes", "-q", "prod", "")).toEqual(["cordon", "uncordon", "drain"]);
    expect(offers("deploy", "nodes", "prod", "drain", "")).toBe("node");
    expect(offers("deploy", "nodes", "prod", "drain", "a", "")).toEqual([]);
    expect(offers("deploy", "rollback", "prod", "")).toEqual([]);
    expect(offers("revoke", "alice", "")).toBe("member");
    expect(offers("grant", "")).toBe("recipient");
    expect(offers("help", "")).toEqual([...TABLE.firstWords, ...Object.keys(TOPICS)]);
    expect(offers("help", "deploy", "")).toEqual(TABLE.families.get("deploy"));
    expect(offers("nonsense", "")).toEqual([]);
  });

  test("tells what the operands and -C are, by which names are looked for", () => {
    expect(offersFor(["-C", "a", "deploy", "nodes", "--directory=b", "prod", "drain", ""], TABLE)).toMatchObject({
      folders: ["a", "b"],
      operands: ["prod", "drain"],
    });
  });
});
