import { plural, printable } from "@git-vault/core";
import type { CommandSpec, Flags, FlagSpec, Given, Operands, Options } from "./command.ts";
import { flagsOf, type CommandTable } from "./command-table.ts";
import { VERSION_FLAGS } from "./flags.ts";
import { type CliError, helpHint, usageError } from "../errors.ts";
import { type FlagToken, tokensOf } from "./tokens.ts";

/** What the words of a command line say. */
export interface CommandLine<Name extends string = string> {
  /** Null where no command was named, as in `vault --help`. */
  readonly command: Name | null;
  /** The first word of a command of two, where the second one is missing: `vault deploy --help`. */
  readonly family: string | null;
  readonly given: Given;
  readonly operands: readonly string[];
}

const programOf = (command: string | null): string => `\`vault${command === null ? "" : ` ${command}`}\``;

const unknown = async (kind: string, word: string, known: readonly string[]): Promise<CliError> => {
  const { closest, distance } = await import("fastest-levenshtein");
  // A word that is nothing like a command may be a secret in the wrong place.
  const shown = /^[\w-]{1,20}$/.test(word) ? ` ${word}` : "";
  const nearest = shown === "" ? "" : closest(word, known);
  const near = nearest !== "" && distance(word, nearest) <= 3;
  return usageError(`unknown ${kind}${shown}`, near ? `did you mean \`${nearest}\`?` : helpHint(null));
};

/**
 * Reads the words after the program's name. Flags may stand before the command, as in ssh-vault's
 * older syntax.
 *
 * @throws CliError `USAGE`
 */
export async function parseArgv<Name extends string>(
  words: readonly string[],
  table: CommandTable<Name>,
): Promise<CommandLine<Name>> {
  // Of the flags of all commands, since a flag's command may come after it: the tokens are judged
  // here, when the command is known.
  const tokens = tokensOf(words, table.flags);
  const operands = [...tokens.operands];
  const word = operands.shift();
  const members = table.families.get(word ?? "");
  const second = members === undefined ? undefined : operands.shift();
  const family = members !== undefined && second === undefined ? (word ?? null) : null;
  const name = second === undefined ? word : `${word} ${second}`;
  const command = name === undefined || family !== null ? null : table.find(name);
  if (command === undefined) throw await unknown("command", second ?? word ?? "", members ?? table.firstWords);

  const spec: CommandSpec | null = command === null ? null : table.specs[command];
  const isVersion = command === null && tokens.flags.some(({ name: flag }) => flag === "version");
  const taken = new Map(Object.entries({ ...(isVersion ? VERSION_FLAGS : {}), ...flagsOf(spec) }));
  const hint = helpHint(command);
  const given = new Map<string, (string | true)[]>();
  for (const token of tokens.flags) {
    const flag = taken.get(token.name);
    if (flag === undefined) {
      if (Object.hasOwn(table.flags, token.name))
        throw usageError(`${token.rawName} is not a flag of ${programOf(command)}`, hint);
      throw await unknown(
        "flag",
        token.rawName,
        [...taken.keys()].map((known) => `--${known}`),
      );
    }
    const before = given.get(token.name) ?? [];
    given.set(token.name, [...before, valueOf(token, flag, hint)]);
    if (before.length > 0 && flag.value !== undefined && flag.multiple !== true)
      throw usageError(`${token.rawName} was given twice`, hint);
  }

  if (given.has("help")) return { command, family, given, operands };
  const most = spec?.operands ?? 0;
  if (operands.length > most) {
    const takes = most === 0 ? "no operand" : `at most ${plural(most, "operand")}`;
    throw usageError(`${programOf(command)} takes ${takes}, got ${operands.length}`, hint);
  }
  if (family !== null) throw usageError(`\`vault ${family}\` needs one of: ${members?.join(", ")}`, helpHint(family));
  return { command, family, given, operands };
}

/** What was given for a flag: `true` for a switch. */
function valueOf(
  { rawName, value: given, isInline }: FlagToken,
  { value, optional }: FlagSpec,
  hint: string,
): string | true {
  if (value === undefined) {
    if (given === undefined || optional !== undefined) return given ?? true;
    throw usageError(`${rawName} takes no value`, hint);
  }
  const looksLikeFlag = !isInline && given?.startsWith("-") && given !== "-";
  if (given !== undefined && !looksLikeFlag) return given;
  throw usageError(`${rawName} needs a value: ${value}`, hint);
}

/**
 * What was given for `flags`, as a command takes it.
 *
 * @throws CliError `USAGE` for a value that is not of the form that its flag wants
 */
export function optionsOf<F extends Flags>(flags: F, given: Given): Options<F>;
export function optionsOf(flags: Flags, given: Given): object {
  return Object.fromEntries(
    Object.entries(flags).map(([name, spec]) => {
      const values = (given.get(name) ?? []).map((text) => readValue(name, spec, text));
      const isSwitch = spec.value === undefined && spec.optional === undefined;
      return [camelCase(name), spec.multiple === true ? values : isSwitch ? values.length > 0 : values.at(-1)];
    }),
  );
}

const camelCase = (name: string): string => name.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());

function readValue(name: string, { number, complete }: FlagSpec, text: string | true): string | number | true {
  if (text === true) return true;
  if (number !== undefined) {
    if (number.form.test(text)) return Number(text);
    throw usageError(`--${name}: expected ${number.expected}`, number.hint);
  }
  if (typeof complete !== "object" || complete.includes(text)) return text;
  throw usageError(`--${name}: expected ${complete.join(", ")}, got ${printable(text)}`);
}

/**
 * The operands of `command`.
 *
 * @throws CliError `USAGE` where it needs one and has none
 */
export function operandsOf<C extends CommandSpec>(command: C, operands: readonly string[]): Operands<C>;
export function operandsOf({ missing }: CommandSpec, operands: readonly string[]): readonly string[] {
  if (missing !== undefined && operands.length === 0) throw usageError(missing);
  return operands;
}
