/* How much room text takes on a terminal. */
import { stripVTControlCharacters } from "node:util";

/** Columns of a character. What is not ASCII may be as wide as two. */
const columnsOf = (character: string): number => (character.charCodeAt(0) < 0x80 || NARROW.test(character) ? 1 : 2);

/** Letters with accents, Greek, Cyrillic, dashes, arrows and signs are as narrow as ASCII. */
const NARROW = /[\u0080-\u058f\u2010-\u2027\u2190-\u21ff\u2500-\u25ff\u2700-\u27bf]/u;

/** The size of the terminal that a standard stream is; one that has none has the usual one. */
export function terminalSize(fd: 1 | 2): { readonly columns: number; readonly rows: number } {
  const { columns, rows } = fd === 1 ? process.stdout : process.stderr;
  return { columns: columns > 0 ? columns : 80, rows: rows > 0 ? rows : 24 };
}

/** How many columns a line takes, at most. */
export const widthOf = (line: string): number => Array.from(line, columnsOf).reduce((sum, columns) => sum + columns, 0);

/** The line in at most so many columns. What is cut ends in `…`. */
export function fit(line: string, columns: number): string {
  if (widthOf(line) <= columns) return line;
  let [width, kept] = [1, ""];
  for (const character of line) {
    width += columnsOf(character);
    if (width > columns) break;
    kept += character;
  }
  return columns < 1 ? "" : `${kept}…`;
}

/** How many rows a text takes on a terminal of so many columns; control sequences take no room. */
export const rowsOf = (text: string, columns: number): number =>
  stripVTControlCharacters(text)
    .replace(/\n$/, "")
    .split("\n")
    .reduce((rows, line) => rows + Math.max(1, Math.ceil(widthOf(line) / columns)), 0);
