/** A count with its noun: `1 file`, `2 files`; `many` where the plural takes more than an `s`. */
export const plural = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;

/** A word of a command line, quoted for a POSIX shell where that is needed. */
export const quoteForShell = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
