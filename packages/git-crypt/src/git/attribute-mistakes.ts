import { printable } from "@git-vault/core";
import { type AttributeLine, filterLines, linesOf, macrosIn } from "./attribute-lines.ts";
import type { RepositoryFinding } from "./finding.ts";
import { keyNameOf } from "./protected-files.ts";

/** Why a line of attributes that is meant to protect does not, as it follows its pattern. */
const PROBLEMS = {
  "folder-pattern":
    "is a pattern for a folder, and in .gitattributes it matches no file: git stores the files of that folder unencrypted",
  "dead-pattern":
    "is a pattern that matches no file in .gitattributes: git stores the files that it is meant for unencrypted",
  "misspelt-filter": "does not name the filter in the way that git reads: git stores the matching files unencrypted",
} as const;

/** Why a line of attributes that is meant to protect does not. */
export type LineProblem = keyof typeof PROBLEMS;

/** A finding about a line of attributes: its `subject` is the pattern. */
export type LineFinding = RepositoryFinding<LineProblem>;

/** A word that somebody means for the filter, and what follows in it. */
const FILTER = /^filter(?:[=:](.*))?$/is;

/** What is meant for git-crypt's filter, or for one of ours. */
const MEANT = /git[-_.]?(?:crypt|vault)/i;

const isOurs = (filter: string | null | undefined): boolean => keyNameOf(filter ?? "") !== null;

/** The same, where the blank before it is missing. */
const GLUED = /.filter[=:]/is;

/**
 * Whether a line is meant to protect, and names no key: by `filter = git-crypt`, `git_crypt`, or
 * without a blank before it.
 */
function isMisspelt({ pattern, words }: AttributeLine): boolean {
  if (GLUED.test(pattern) && MEANT.test(pattern)) return true;
  if (words.some((word) => word.startsWith("filter=") && isOurs(word.slice("filter=".length)))) return false;
  return words.some((word) => {
    const [found, value] = FILTER.exec(word) ?? [];
    return found !== undefined && MEANT.test(value || words.join(" "));
  });
}

/** git passes over longer lines (ATTR_MAX_LINE_LENGTH). */
const LONGEST_LINE = 2047;
/** The attributes stand on the line, too. */
const LONGEST_PATTERN = 1500;

/** Why no file can fit a pattern, as it follows one; null where some may. */
export function faultIn(pattern: string): string | null {
  if (pattern.trim() === "") return "that is empty";
  if (Buffer.byteLength(pattern) > LONGEST_PATTERN) return `of more than ${LONGEST_PATTERN} bytes, which git ignores`;
  if (pattern.startsWith("!")) return "that begins with !, which git ignores in .gitattributes";
  if (pattern.startsWith("[attr]")) return "that defines a macro";
  if (pattern.split("/").some((part) => part === "." || part === "..")) return "with . or .. as a folder";
  if (/(?<!\\)\[[^\]]*$/.test(pattern)) return "with a [ that nothing closes";
  return null;
}

/**
 * The lines of files of attributes, whose characters are bytes, that are meant to protect and
 * protect nothing: for a folder, as in `.gitignore`, for what fits no file, or with another name of
 * the filter.
 */
export function attributeMistakes(texts: readonly string[]): LineFinding[] {
  const macros = macrosIn(texts);
  const patterns = texts.flatMap((text) =>
    filterLines(text, macros).flatMap(({ pattern, filters }) =>
      isOurs(filters.at(-1)) ? [pattern.replace(/^"(.*)"$/s, "$1")] : [],
    ),
  );
  const misspelt = texts.flatMap((text) =>
    linesOf(text)
      .filter(isMisspelt)
      .map(({ pattern }) => pattern),
  );
  const long = texts.flatMap((text) =>
    text.split("\n").filter((line) => line.length > LONGEST_LINE && MEANT.test(line)),
  );
  return [
    ...lineFindings(
      "folder-pattern",
      patterns.filter((pattern) => pattern.endsWith("/")),
    ),
    ...lineFindings("dead-pattern", [...patterns.filter((pattern) => faultIn(pattern) !== null), ...long]),
    ...lineFindings("misspelt-filter", misspelt),
  ];
}

/** Findings about lines, each by its pattern, whose characters are bytes. */
export const lineFindings = (id: LineProblem, patterns: readonly string[]): LineFinding[] =>
  [...new Set(patterns)].map((pattern) => {
    const subject = printable(Buffer.from(pattern, "latin1"), { longest: Number.POSITIVE_INFINITY });
    return { id, severity: "error", message: `${subject}: ${PROBLEMS[id]}`, subject };
  });
