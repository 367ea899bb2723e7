import { basename, dirname, join } from "node:path/posix";

/*
 * As much of ssh_config(5) as it takes to know which private keys someone uses: the IdentityFile
 * lines, and the files that Include lines name. All hosts count, since a message has none.
 */

/** What reading a configuration needs from outside. */
interface ConfigSource {
  /** The home folder. */
  readonly home: string;
  /** The text of the file at that path; null if there is none, or it cannot be read. */
  readonly read: (path: string) => string | null;
  /** The names in the folder at that path; empty if there is none. */
  readonly list: (path: string) => readonly string[];
}

/** As in OpenSSH (READCONF_MAX_DEPTH). */
const MAX_DEPTH = 16;
/** As in OpenSSH (SSH_MAX_IDENTITY_FILES). */
const MAX_IDENTITIES = 100;
const MAX_FILES = 100;
/** In characters. */
const MAX_SIZE = 1024 * 1024;

/** A line's keyword, in lower case, and its arguments without quotes and comment. */
export function parseConfigLine(line: string): { readonly keyword: string; readonly args: readonly string[] } {
  const [, keyword = "", rest = ""] = /^[ \t]*([^ \t="]+)[ \t]*=?(.*)$/s.exec(line.trimEnd()) ?? [];
  const args: string[] = [];
  let argument: string | null = null;
  let quote: string | null = null;
  for (let index = 0; index < rest.length; index += 1) {
    const character = rest.charAt(index);
    const next = rest.charAt(index + 1);
    if (character === "\\" && next !== "" && (`"'\\`.includes(next) || (next === " " && quote === null))) {
      argument = (argument ?? "") + next;
      index += 1;
    } else if (quote !== null) {
      if (character === quote) quote = null;
      else argument = (argument ?? "") + character;
    } else if (character === '"' || character === "'") {
      quote = character;
      argument ??= "";
    } else if (character === " " || character === "\t") {
      if (argument !== null) args.push(argument);
      argument = null;
    } else if (character === "#" && argument === null) {
      break;
    } else {
      argument = (argument ?? "") + character;
    }
  }
  // ssh refuses a line with an open quote.
  if (quote !== null || keyword.startsWith("#")) return { keyword: "", args: [] };
  if (argument !== null) args.push(argument);
  return { keyword: keyword.toLowerCase(), args };
}

/**
 * The path that an argument stands for, with `~/`, `%d` and `%%` expanded; null if it depends on a
 * host or another user (`%h`, `%u`, `~user`, `${VARIABLE}`).
 */
const expandPath = (argument: string, home: string): string | null => {
  if (argument === "" || argument.includes("${") || /^~[^/]/.test(argument)) return null;
  const path = argument.startsWith("~") ? home + argument.slice(1) : argument;
  if (/%(?![%d])/.test(path.replaceAll("%%", ""))) return null;
  return path.replaceAll(/%([%d])/g, (_, token: string) => (token === "%" ? "%" : home));
};

/**
 * Whether a name matches a pattern with `*` and `?`, as in glob(7): only a dot matches a dot at its
 * start. It takes linear time per star, unlike a regular expression.
 */
const fits = (name: string, pattern: string): boolean => {
  if (name.startsWith(".") && !pattern.startsWith(".")) return false;
  let [at, to] = [0, 0];
  let [starAt, starTo] = [-1, 0];
  while (at < name.length) {
    if (pattern[to] === "*") {
      [starAt, starTo] = [at, to];
      to += 1;
    } else if (to < pattern.length && (pattern[to] === "?" || pattern[to] === name[at])) {
      at += 1;
      to += 1;
    } else if (starAt >= 0) {
      starAt += 1;
      at = starAt;
      to = starTo + 1;
    } else {
      return false;
    }
  }
  return /^\**$/.test(pattern.slice(to));
};

/** The files that an argument of Include names; only the last part of a path may be a pattern. */
const includedFiles = (argument: string, source: ConfigSource): readonly string[] => {
  const expanded = expandPath(argument, source.home);
  if (expanded === null) return [];
  const path = expanded.startsWith("/") ? expanded : join(source.home, ".ssh", expanded);
  if (!/[*?]/.test(basename(path))) return [path];
  const names = source.list(dirname(path)).filter((name) => fits(name, basename(path)));
  return names.toSorted().map((name) => join(dirname(path), name));
};

/**
 * The paths of all IdentityFile lines of `~/.ssh/config` and what it includes, in their order and
 * without duplicates.
 */
export function configuredIdentities(source: ConfigSource): string[] {
  const identities = new Set<string>();
  let files = 0;
  const visit = (path: string, depth: number): void => {
    if (depth > MAX_DEPTH || files >= MAX_FILES) return;
    files += 1;
    const text = source.read(path);
    if (text === null || text.length > MAX_SIZE) return;
    for (const line of text.split("\n")) {
      const { keyword, args } = parseConfigLine(line);
      if (keyword === "include") {
        for (const argument of args) for (const file of includedFiles(argument, source)) visit(file, depth + 1);
      } else if (keyword === "identityfile" && args[0] !== undefined && args[0].toLowerCase() !== "none") {
        const identity = expandPath(args[0], source.home);
        if (identity !== null && identities.size < MAX_IDENTITIES) identities.add(identity);
      }
    }
  };
  visit(join(source.home, ".ssh", "config"), 0);
  return [...identities];
}
