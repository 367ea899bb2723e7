import { join } from "node:path/posix";

/*
 * Patterns as in glob(7): `*`, `?`, `[…]` and `\` before a character that stands for itself. None
 * crosses a slash, and only a dot matches a dot at the start of a name.
 */

/** One place of a pattern: any run of characters, or one that the test admits. */
type Part = "run" | ((character: string) => boolean);

const MAX_PATHS = 1000;

/** The same text as a pattern that only it matches. */
export const literally = (text: string): string => text.replaceAll(/[*?[\\]/g, String.raw`\$&`);

const isLiteral = (pattern: string): boolean => !/[*?[]/.test(pattern.replaceAll(/\\./gs, ""));
const unescape = (pattern: string): string => pattern.replaceAll(/\\(.)/gs, "$1");

const partsOf = (pattern: string): Part[] =>
  [...pattern.matchAll(/\\(?<escaped>.)|\[(?<not>[!^]?)(?<set>\]?[^\]]*)\]|(?<plain>[^])/gs)].map(({ groups = {} }) => {
    const { escaped, not, set, plain } = groups;
    if (set !== undefined) return (character) => isIn(character, set) === (not === "");
    if (escaped === undefined && plain === "*") return "run";
    if (escaped === undefined && plain === "?") return () => true;
    return (character) => character === (escaped ?? plain);
  });

const isIn = (character: string, set: string): boolean =>
  [...set.matchAll(/([^])-([^])|([^])/g)].some(([, from, to, one]) =>
    from === undefined || to === undefined ? character === one : from <= character && character <= to,
  );

/**
 * Whether a name matches a pattern, in linear time per star, unlike a regular expression.
 */
export function fits(name: string, pattern: string): boolean {
  if (name.startsWith(".") && !/^\\?\./.test(pattern)) return false;
  const parts = partsOf(pattern);
  let [at, to] = [0, 0];
  let [runAt, runTo] = [-1, 0];
  while (at < name.length) {
    const part = parts[to];
    if (part === "run") {
      [runAt, runTo] = [at, to];
      to += 1;
    } else if (part?.(name.charAt(at)) === true) {
      at += 1;
      to += 1;
    } else if (runAt >= 0) {
      runAt += 1;
      at = runAt;
      to = runTo + 1;
    } else return false;
  }
  return parts.slice(to).every((part) => part === "run");
}

/**
 * The paths that an absolute pattern stands for, sorted; a pattern without wildcards is the path
 * itself, whether it exists or not.
 *
 * @param list the names in a folder; empty if there is none
 */
export function pathsFor(pattern: string, list: (folder: string) => readonly string[]): string[] {
  let paths = ["/"];
  for (const segment of pattern.split("/").filter((part) => part !== "")) {
    paths = paths.flatMap((folder) =>
      isLiteral(segment)
        ? [join(folder, unescape(segment))]
        : list(folder)
            .filter((name) => fits(name, segment))
            .toSorted()
            .map((name) => join(folder, name)),
    );
    paths.splice(MAX_PATHS);
  }
  return paths;
}
