/*
 * What a command is described with, and what it is given when it runs. A description is data alone:
 * parsing, --help, the completions and the man page are all made from it.
 */

/** What the user's shell lists by itself. */
type OfShell = "file" | "folder";

/** What this machine, the repository or a cluster knows names of. */
export type KnownKind = "environment" | "release" | "node" | "key-name" | "member" | "recipient";

/** What the completions offer in a place: names of a kind, or these words. */
export type Offer = OfShell | KnownKind | readonly string[];

/** A flag of a command. Flags of one name are written alike in all commands: see flags.ts. */
export interface FlagSpec {
  readonly short?: string;
  /** The name of its value in the usage line; a flag without one is a switch. */
  readonly value?: string;
  /** The name of the value that a switch may have, after `=`. */
  readonly optional?: string;
  /** May be given more than once. */
  readonly multiple?: true;
  /** The value is a number, of this form. */
  readonly number?: { readonly form: RegExp; readonly expected: string; readonly hint?: string };
  readonly summary: string;
  /** What the completions offer for its value; of a list, no other value is taken. */
  readonly complete?: Offer;
}

export type Flags = Readonly<Record<string, FlagSpec>>;
export type CommandSpecs = Readonly<Record<string, CommandSpec>>;

/**
 * A command, but for its name: one word, or two; those that share the first one belong together.
 */
export interface CommandSpec {
  readonly alias?: string;
  /** The heading it stands under in `vault help`; a command without one is not shown. */
  readonly group?: "hand over" | "who has the key" | "git-crypt" | "deploy" | "ssh-vault" | "about";
  /** What follows the name in the usage line. */
  readonly usage: string;
  readonly summary: string;
  /** Paragraphs for its own help. */
  readonly description?: readonly string[];
  readonly examples?: readonly string[];
  /** The most operands it takes. */
  readonly operands: number;
  /** What to say where there is no operand, of a command that needs one. */
  readonly missing?: string;
  /** What the completions offer for each of its operands; the last one is for all that follow. */
  readonly complete?: readonly Offer[];
  readonly flags: Flags;
}

type CamelCase<Name extends string> = Name extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Name;
type Value<Spec> = Spec extends { number: object }
  ? number
  : Spec extends { complete: readonly (infer Choice)[] }
    ? Choice
    : string;
type Option<Spec> = Spec extends { multiple: true }
  ? readonly Value<Spec>[]
  : Spec extends { value: string }
    ? Value<Spec> | undefined
    : Spec extends { optional: string }
      ? string | true | undefined
      : boolean;

/**
 * What flags say in one run, by their names in camel case: whether a switch was given, the value of
 * another flag, the list of what may be repeated.
 */
export type Options<F extends Flags> = { readonly [Name in keyof F & string as CamelCase<Name>]: Option<F[Name]> };

/** The operands of a command. */
export type Operands<C extends CommandSpec> = C extends { missing: string }
  ? readonly [string, ...string[]]
  : readonly string[];

/** What a command does. */
export type Run<C extends CommandSpec> = (options: Options<C["flags"]>, operands: Operands<C>) => Promise<void> | void;

/** What was given for each flag, in its order; `true` for a switch. */
export type Given = ReadonlyMap<string, readonly (string | true)[]>;

/** How what each of some commands does is loaded. */
export type Loaders<Specs extends CommandSpecs> = {
  readonly [Name in keyof Specs]: () => Promise<{ readonly run: Run<Specs[Name]> }>;
};
