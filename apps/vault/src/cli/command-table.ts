import { push } from "@git-vault/core";
import type { CommandSpec, CommandSpecs, Flags } from "./command.ts";
import { GLOBAL_FLAGS } from "./flags.ts";

/** A command with its name. */
export type NamedCommand = readonly [name: string, command: CommandSpec];

/** All commands, in the order of `vault help`: what parsing, help and completions are made from. */
export class CommandTable<Name extends string = string> {
  readonly specs: Readonly<Record<Name, CommandSpec>>;
  readonly commands: readonly NamedCommand[];
  /** Those that `vault help` shows. */
  readonly shown: readonly NamedCommand[];
  /** The first words of the commands of two words, each with the second ones. */
  readonly families: ReadonlyMap<string, readonly string[]>;
  /** What may stand as the first word. */
  readonly firstWords: readonly string[];
  /** The flags of all commands. */
  readonly flags: Flags;

  constructor(specs: CommandSpecs & Readonly<Record<Name, CommandSpec>>) {
    this.specs = specs;
    this.commands = Object.entries(specs);
    this.shown = this.commands.filter(([, { group }]) => group !== undefined);
    const families = new Map<string, string[]>();
    for (const [name] of this.commands) {
      const [first = "", second] = name.split(" ");
      if (second !== undefined) push(families, first, second);
    }
    this.families = families;
    this.firstWords = [...new Set(this.shown.map(([name]) => name.split(" ")[0] ?? name))];
    this.flags = Object.assign({}, ...this.commands.map(([, { flags }]) => flags), GLOBAL_FLAGS);
  }

  /** The name of the command of that name or alias. */
  find(word: string): Name | undefined {
    const name = this.commands.find(([, { alias }]) => alias === word)?.[0] ?? word;
    return this.#has(name) ? name : undefined;
  }

  #has(name: string): name is Name {
    return Object.hasOwn(this.specs, name);
  }
}

/** The flags that a command takes, or those that stand without one. */
export const flagsOf = (command: Pick<CommandSpec, "flags"> | null): Flags => ({ ...command?.flags, ...GLOBAL_FLAGS });
