import type { Flags } from "./command.ts";

/** A flag as it stands on a command line. */
export interface FlagToken {
  /** Its long name, where any flag has it; else what was typed. */
  readonly name: string;
  /** `--output` or `-o`, as it was typed, without its value. */
  readonly rawName: string;
  readonly value: string | undefined;
  /** Whether the value is in the same word. */
  readonly isInline: boolean;
}

/** What the words of a command line are. */
export interface Tokens {
  readonly flags: readonly FlagToken[];
  readonly operands: readonly string[];
  /** Whether `--` was there, after which all are operands. */
  readonly ended: boolean;
}

/**
 * Takes words apart as `parseArgs` of node:util does, by the conventions of POSIX and GNU: `-abc`,
 * `-oFILE`, `-o FILE`, `--output=FILE`, `--output FILE`, and `--`, after which all are operands.
 * That one takes longer to load than most commands to parse.
 *
 * @param known which flags have a value; a flag that is not known has one only after `=`
 */
export function tokensOf(words: readonly string[], known: Flags): Tokens {
  const shortNames = new Map(Object.entries(known).map(([name, { short }]) => [short, name]));
  const takesValue = (name: string): boolean => Object.hasOwn(known, name) && known[name]?.value !== undefined;
  const flags: FlagToken[] = [];
  const operands: string[] = [];
  const rest = [...words];
  const add = (name: string, rawName: string, inline: string | undefined): void => {
    const value = inline ?? (takesValue(name) ? rest.shift() : undefined);
    flags.push({ name, rawName, value, isInline: inline !== undefined });
  };
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "--") return { flags, operands: [...operands, ...rest], ended: true };
    if (word.startsWith("--")) {
      const end = word.indexOf("=", 3);
      if (end === -1) add(word.slice(2), word, undefined);
      else add(word.slice(2, end), word.slice(0, end), word.slice(end + 1));
    } else if (word.startsWith("-") && word.length > 1) {
      for (let at = 1; at < word.length; at++) {
        const short = word.charAt(at);
        const name = shortNames.get(short) ?? short;
        const inline = takesValue(name) && at + 1 < word.length ? word.slice(at + 1) : undefined;
        add(name, `-${short}`, inline);
        if (inline !== undefined) break;
      }
    } else operands.push(word);
  }
  return { flags, operands, ended: false };
}
