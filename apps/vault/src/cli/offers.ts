/*
 * What can stand in place of the word that is being written, by the specs alone. The completion
 * scripts of all shells ask this program for it, so that there is one grammar.
 */
import type { CommandSpec, Flags, Offer } from "./command.ts";
import { flagsOf, type CommandTable } from "./command-table.ts";
import { TOPICS } from "./help.ts";
import { tokensOf } from "./tokens.ts";

/** A word that can stand there, and what it does. */
export type OfferedWord = readonly [word: string, summary: string];

/** What can stand in place of the last word of a command line. */
export interface Offered {
  /** Names of a kind, or words. */
  readonly offer: Exclude<Offer, readonly string[]> | readonly OfferedWord[];
  /** What of the last word stands before the value: `--format=` of `--format=s`. */
  readonly before: string;
  /** What -C names, in order. */
  readonly folders: readonly string[];
  readonly operands: readonly string[];
}

/** What the words before the last one say. */
interface Line {
  /** Empty before it; of a command of two words the first one, before the second. */
  readonly command: string;
  /** The flag whose value comes next. */
  readonly flag: string | null;
  /** Whether `--` was there. */
  readonly ended: boolean;
  readonly given: ReadonlySet<string>;
  readonly folders: readonly string[];
  readonly operands: readonly string[];
}

/** What can stand in place of the last of `words`, which follow the program's name. */
export function offersFor(words: readonly string[], table: CommandTable): Offered {
  const line = readLine(words.slice(0, -1), table);
  const { command, flag, ended, folders, operands } = line;
  const current = words.at(-1) ?? "";
  const known = command === "" ? table.flags : flagsOf(specOf(command, table) ?? unionOf(command, table));
  const valueOf = (name: string): Offer => (known[name] ?? table.flags[name])?.complete ?? [];
  const offered = (offer: Offered["offer"] | readonly string[], before = ""): Offered => ({
    offer: typeof offer === "string" ? offer : offer.map((word) => (typeof word === "string" ? plainly(word) : word)),
    before,
    folders,
    operands,
  });
  if (flag !== null) return offered(valueOf(flag));
  if (ended || !current.startsWith("-")) return offered(operandsAt(line, table));
  const [, before, name] = /^(--([^=]+)=)/.exec(current) ?? [];
  if (before !== undefined && name !== undefined) return offered(valueOf(name), before);
  const left = Object.entries(known).filter(([one, { multiple }]) => multiple === true || !line.given.has(one));
  return offered(left.map(([one, { summary }]): OfferedWord => [`--${one}`, summary]));
}

const plainly = (word: string): OfferedWord => [word, ""];

function readLine(words: readonly string[], { flags: known, families }: CommandTable): Line {
  const { flags, operands, ended } = tokensOf(words, known);
  const [first = "", second, ...others] = operands;
  const isOfTwo = second !== undefined && families.has(first);
  return {
    command: isOfTwo ? `${first} ${second}` : first,
    // None but the last word can lack its value.
    flag: flags.find(({ name, value }) => value === undefined && known[name]?.value !== undefined)?.name ?? null,
    ended,
    given: new Set(flags.map(({ name }) => name)),
    folders: flags.flatMap(({ name, value }) => (name === "directory" && value !== undefined ? value : [])),
    operands: isOfTwo ? others : operands.slice(1),
  };
}

const specOf = (command: string, table: CommandTable): CommandSpec | undefined =>
  table.specs[table.find(command) ?? ""];

/** The flags of all commands that share the first word. */
const unionOf = (family: string, { commands }: CommandTable): { readonly flags: Flags } => {
  const its = commands.filter(([name]) => name.startsWith(`${family} `));
  return { flags: Object.assign({}, ...its.map(([, { flags }]) => flags)) };
};

/** What an operand, or a word of the command's name, can be. */
function operandsAt({ command, operands }: Line, table: CommandTable): Offer | readonly OfferedWord[] {
  if (command === "") return firstWordsOf(table);
  if (table.families.has(command)) return membersOf(command, table);
  if (command === "help") return topicsAt(operands, table);
  const { complete = [], operands: most = 0 } = specOf(command, table) ?? {};
  return operands.length < most ? (complete[operands.length] ?? complete.at(-1) ?? []) : [];
}

function topicsAt([first, ...others]: readonly string[], table: CommandTable): readonly OfferedWord[] {
  if (first !== undefined) return others.length > 0 ? [] : membersOf(first, table);
  return [...firstWordsOf(table), ...Object.entries(TOPICS)];
}

const membersOf = (family: string, { families, specs }: CommandTable): OfferedWord[] =>
  (families.get(family) ?? []).map((member) => [member, specs[`${family} ${member}`]?.summary ?? ""]);

const firstWordsOf = ({ firstWords, specs, families }: CommandTable): OfferedWord[] =>
  firstWords.map((word) => [word, specs[word]?.summary ?? (families.get(word) ?? []).join(", ")]);
