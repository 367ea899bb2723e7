/** What may be said beside the message. */
export interface VaultErrorOptions {
  /** What to do about it: one sentence without a full stop, shown after `hint:`. */
  readonly hint?: string | undefined;
  /** What it is about, as `printable` gives it: a recipient, a file, a node. */
  readonly subject?: string | undefined;
  /** The error underneath. It is kept for debugging and never printed by default. */
  readonly cause?: unknown;
}

/**
 * The base class of every error that git-vault's packages throw on purpose.
 *
 * Each package derives one class from it, whose `code` is a closed union of upper-case names;
 * callers decide by `code`, people read `message` and `hint`. A message is lower case, has no full
 * stop, and says what was expected and what came. It never holds a secret, a key or raw input.
 */
export class VaultError<Code extends string = string> extends Error {
  /** What went wrong, stable across versions. */
  readonly code: Code;
  /** What to do about it, where there is something to do. */
  readonly hint: string | undefined;
  /** The name that the message is about, for hints in a program's own words. */
  readonly subject: string | undefined;

  constructor(code: Code, message: string, options: VaultErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = options.hint;
    this.subject = options.subject;
  }
}

/**
 * Whether `error` is a VaultError, judged by its shape: a program made of several bundles holds the
 * class more than once, and `instanceof` knows only one of them.
 */
export const isVaultError = (error: unknown): error is VaultError =>
  error instanceof Error && "hint" in error && "code" in error && typeof error.code === "string";
