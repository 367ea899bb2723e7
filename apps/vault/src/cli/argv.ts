import { parseArgs } from "node:util";
import { CliError, usageError } from "./errors.ts";
import {
  COMMANDS,
  COMMON_FLAGS,
  FAMILIES,
  FLAG_NAMES,
  FLAGS,
  type CommandSpec,
  type FlagName,
  type FlagSpec,
  type FlagValues,
} from "./command-table.ts";

/** What the words of a command line say. */
export interface ParsedArgv {
  /** Null where no command was named, as in `vault --help`. */
  readonly command: CommandSpec | null;
  /** The first word of a command of two, where the second one is missing: `vault deploy --help`. */
  readonly family: string | null;
  readonly flags: FlagValues;
  readonly args: readonly string[];
}

const spec = (name: FlagName): FlagSpec => FLAGS[name];
const isFlag = (name: string): name is FlagName => Object.hasOwn(FLAGS, name);

/** The command of that name or alias. */
export const findCommand = (name: string): CommandSpec | undefined =>
  COMMANDS.find((command) => command.name === name || command.alias === name);

/** The flags that `command` takes, or those that stand without a command. */
export const flagsOf = (command: Pick<CommandSpec, "flags"> | null): readonly FlagName[] => [
  ...(command?.flags ?? []),
  ...COMMON_FLAGS,
];

/** What may stand as the first word. */
export const FIRST_WORDS: readonly string[] = [
  ...new Set(COMMANDS.flatMap(({ group, name }) => (group === undefined ? [] : [name.split(" ")[0] ?? name]))),
];

const programOf = (command: CommandSpec | null): string => `\`vault${command === null ? "" : ` ${command.name}`}\``;

/** The line that leads on. */
export const helpHint = (command: { readonly name: string } | null): string =>
  `see \`vault ${command === null ? "" : `${command.name} `}--help\``;

const unknown = async (kind: string, word: string, known: readonly string[]): Promise<CliError> => {
  const { closest, distance } = await import("fastest-levenshtein");
  // A word that is nothing like a command may be a secret in the wrong place.
  const shown = /^[\w-]{1,20}$/.test(word) ? ` ${word}` : "";
  const nearest = shown === "" ? "" : closest(word, known);
  const near = nearest !== "" && distance(word, nearest) <= 3;
  return new CliError("USAGE", `unknown ${kind}${shown}`, {
    hint: near ? `did you mean \`${nearest}\`?` : "see `vault --help`",
  });
};

/**
 * Reads the words after the program's name. Flags may stand before the command, as in ssh-vault's
 * older syntax.
 *
 * @throws CliError `USAGE`
 */
export async function parseArgv(words: readonly string[]): Promise<ParsedArgv> {
  const options = Object.fromEntries(
    FLAG_NAMES.map((name) => {
      const { short, value } = spec(name);
      return [
        name,
        { type: value === undefined ? "boolean" : "string", ...(short === undefined ? {} : { short }) } as const,
      ];
    }),
  );
  // Not strict, since a flag's command may come after it: the tokens are judged here, when the
  // command is known.
  const { tokens } = parseArgs({ args: [...words], options, strict: false, allowPositionals: true, tokens: true });

  const operands = tokens.filter((token) => token.kind === "positional").map((token) => token.value);
  const word = operands.shift();
  const members = FAMILIES.get(word ?? "");
  const second = members === undefined ? undefined : operands.shift();
  const family = members !== undefined && second === undefined ? (word ?? null) : null;
  const name = second === undefined ? word : `${word} ${second}`;
  const command = name === undefined || family !== null ? null : findCommand(name);
  if (command === undefined) throw await unknown("command", second ?? word ?? "", members ?? FIRST_WORDS);

  const taken = flagsOf(command);
  const hint = helpHint(command);
  const values: Record<string, string | true> = {};
  const lists = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    if (!isFlag(token.name) || !taken.includes(token.name)) {
      if (isFlag(token.name)) throw usageError(`${token.rawName} is not a flag of ${programOf(command)}`, hint);
      throw await unknown(
        "flag",
        token.rawName,
        taken.map((flag) => `--${flag}`),
      );
    }
    const { value, multiple, optional } = spec(token.name);
    if (value === undefined) {
      if (token.value !== undefined && optional === undefined) {
        throw usageError(`${token.rawName} takes no value`, hint);
      }
      values[token.name] = token.value ?? true;
      continue;
    }
    const given = token.value;
    const looksLikeFlag = !token.inlineValue && given !== undefined && given.startsWith("-") && given !== "-";
    if (given === undefined || looksLikeFlag) throw usageError(`${token.rawName} needs a value: ${value}`, hint);
    if (multiple === true) lists.set(token.name, [...(lists.get(token.name) ?? []), given]);
    else if (token.name in values) throw usageError(`${token.rawName} was given twice`, hint);
    else values[token.name] = given;
  }

  const most = command?.operands ?? 0;
  if (operands.length > most && values["help"] !== true) {
    const takes = most === 0 ? "no operand" : `at most ${most} operand${most === 1 ? "" : "s"}`;
    throw usageError(`${programOf(command)} takes ${takes}, got ${operands.length}`, hint);
  }
  if (family !== null && values["help"] !== true)
    throw usageError(`\`vault ${family}\` needs one of: ${members?.join(", ")}`, helpHint({ name: family }));
  return { command, family, flags: { ...values, ...Object.fromEntries(lists) }, args: operands };
}
