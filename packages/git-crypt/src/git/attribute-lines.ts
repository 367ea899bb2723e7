/**
 * A line of a file of attributes that assigns `filter`, itself or by a macro. All characters are
 * bytes.
 */
export interface FilterLine {
  /** As it is written, with its quotes. */
  readonly pattern: string;
  /** What it assigns, the last of which counts: a filter's name, or `null` for `-` and `!`. */
  readonly filters: readonly (string | null)[];
}

/** What a macro assigns, by its name, in the order in which it is written. */
export type Macros = ReadonlyMap<string, readonly string[]>;

const MACRO = "[attr]";

/** A line of a file of attributes, or one that defines a macro. All characters are bytes. */
export interface AttributeLine {
  /** As it is written, with its quotes. */
  readonly pattern: string;
  readonly words: readonly string[];
}

/**
 * A pattern, in quotes or up to a blank, and what it assigns. Comments and empty lines fit not. A
 * blank is what git takes for one, and no other character that may be a part of a letter.
 */
const LINE = /^[ \t\r]*("(?:\\.|[^"\\])*"|[^#" \t\r][^ \t\r]*)(?:[ \t\r]+([^]*))?$/s;

/** UTF-8's byte order mark, by its bytes, which git ignores. */
const MARK = /^\xef\xbb\xbf/;

/** The lines that have a pattern, also where they give it nothing. */
export function linesOf(text: string): AttributeLine[] {
  return text
    .replace(MARK, "")
    .split("\n")
    .flatMap((line) => {
      const [, written, rest = ""] = LINE.exec(line) ?? [];
      const words = rest.split(/[ \t\r]+/).filter((word) => word !== "");
      if (written === undefined) return [];
      // git looks for a macro's name in what is quoted as well.
      const pattern = written.startsWith(`"${MACRO}`) ? written.slice(1, -1) : written;
      return [{ pattern, words }];
    });
}

/** The macros that files of attributes define. */
export const macrosIn = (texts: Iterable<string>): Macros =>
  new Map(
    [...texts].flatMap((text) =>
      linesOf(text).flatMap(({ pattern, words }) =>
        pattern.startsWith(MACRO) ? [[pattern.slice(MACRO.length), words] as const] : [],
      ),
    ),
  );

/** A macro counts where it is set, not where it is unset. */
function filtersOf(words: readonly string[], macros: Macros, seen: readonly string[] = []): (string | null)[] {
  return words.flatMap((word) => {
    if (word === "-filter" || word === "!filter") return [null];
    if (word.startsWith("filter=")) return [word.slice("filter=".length)];
    const macro = seen.includes(word) ? undefined : macros.get(word);
    return macro === undefined ? [] : filtersOf(macro, macros, [...seen, word]);
  });
}

/** The lines of a file of attributes that assign `filter`. */
export const filterLines = (text: string, macros: Macros): FilterLine[] =>
  linesOf(text).flatMap(({ pattern, words }) => {
    const filters = pattern.startsWith(MACRO) ? [] : filtersOf(words, macros);
    return filters.length === 0 ? [] : [{ pattern, filters }];
  });

/** The lines that say something of another attribute themselves, as if that were the filter. */
export const linesWith = (text: string, attribute: string): FilterLine[] =>
  linesOf(text).flatMap(({ pattern, words }) => {
    const said = words.filter((word) => word.replace(/^[-!]/, "").split("=")[0] === attribute);
    const filters = said.map((word) => (word.startsWith(`${attribute}=`) ? word.slice(attribute.length + 1) : null));
    return pattern.startsWith(MACRO) || filters.length === 0 ? [] : [{ pattern, filters }];
  });

/** Such lines, as git reads them. */
export const writeLines = (lines: readonly FilterLine[]): string =>
  lines
    .map(
      ({ pattern, filters }) =>
        `${pattern} ${filters.map((one) => (one === null ? "!filter" : `filter=${one}`)).join(" ")}\n`,
    )
    .join("");
