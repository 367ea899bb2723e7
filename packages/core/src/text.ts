/** A count with its noun: `1 file`, `2 files`; `many` where the plural takes more than an `s`. */
export const plural = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;

/** A word of a command line, quoted for a POSIX shell where that is needed. */
export const quoteForShell = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

/** Cuts text into lines of `columns` characters, of which the last may be shorter; none of "". */
export function wrapLines(text: string, columns = 64): string[] {
  const lines: string[] = [];
  for (let at = 0; at < text.length; at += columns) lines.push(text.slice(at, at + columns));
  return lines;
}
