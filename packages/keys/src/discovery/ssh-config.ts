import { join } from "node:path/posix";
import { literally, pathsFor } from "./path-pattern.ts";

/*
 * As much of ssh_config(5) as it takes to know which private keys someone uses: what IdentityFile
 * and IdentityAgent lines name, in the files that Include lines name as well. A message has no
 * host, so that all blocks count, whatever their Host and Match lines say: nothing of `Match exec`
 * is run.
 */

/** What the names in a configuration stand for on this machine. */
export interface LocalNames {
  /** The user's login name: `%u`. */
  readonly user: string;
  /** The user's number: `%i`. */
  readonly uid: number;
  /** The machine's name: `%l`, and up to its first dot `%L`. */
  readonly host: string;
  /** What `${NAME}` stands for. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What reading a configuration needs from outside. */
interface ConfigSource {
  /** The home folder. */
  readonly home: string;
  /** Without it, what depends on it matches any name. */
  readonly local?: LocalNames | undefined;
  /** The text of the file at that path; null if there is none, or it cannot be read. */
  readonly read: (path: string) => string | null;
  /** The names in the folder at that path; empty if there is none. */
  readonly list: (path: string) => readonly string[];
}

/** What a configuration names. */
interface Configured {
  /** In their order, without duplicates. */
  readonly identities: readonly string[];
  /** Likewise, what they may name: a name in them depends on the host. It may be any file. */
  readonly guessed: readonly string[];
  /** The sockets of SSH agents. */
  readonly agents: readonly string[];
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

/** What a token stands for: a pattern, where it depends on the host. */
const tokenPattern = (token: string, home: string, local: LocalNames | undefined): string => {
  if (token === "%") return "%";
  if (token === "d") return literally(home);
  if (local === undefined) return "*";
  const { user, uid, host } = local;
  const known: Readonly<Record<string, string>> = { u: user, i: String(uid), l: host, L: host.replace(/\..*/s, "") };
  return known[token] === undefined ? "*" : literally(known[token]);
};

/**
 * The pattern of the paths that an argument stands for, with `~`, `%d` and the like and
 * `${VARIABLE}` expanded; what depends on a host (`%h`) stands for any name. Null for a path in
 * another user's home, and for a variable that is not set, which ssh refuses.
 *
 * @param isPattern whether `*` and the like in the argument are a pattern's
 */
const patternOf = (argument: string, { home, local }: ConfigSource, isPattern: boolean): string | null => {
  if (argument === "") return null;
  let isUnknown = false;
  const plain = (text: string): string => (isPattern ? text : literally(text));
  const variable = (name: string): string => {
    const value = local?.env[name];
    if (value === undefined) isUnknown = true;
    return literally(value ?? "");
  };
  const [, user] = /^~([^/]*)/.exec(argument) ?? [];
  const homed =
    user === "" || (user !== undefined && user === local?.user) ? argument.replace(/^~[^/]*/, "%d") : argument;
  if (homed.startsWith("~")) return null;
  const pattern = [...homed.matchAll(/%(?<token>[^])|\$\{(?<name>[^}]*)\}|(?<text>[^%$]+|[^])/g)]
    .map(({ groups = {} }) => {
      const { token, name, text = "" } = groups;
      if (token !== undefined) return tokenPattern(token, home, local);
      return name === undefined ? plain(text) : variable(name);
    })
    .join("");
  return isUnknown ? null : pattern;
};

/** The system's configuration, and where its relative Include lines start. */
const SYSTEM_FOLDER = "/etc/ssh";

/**
 * What all lines of `~/.ssh/config`, of the system's configuration, and of what they include name.
 */
export function readSshConfig(source: ConfigSource): Configured {
  const identities = new Set<string>();
  const guessed = new Set<string>();
  const agents = new Set<string>();
  let files = 0;
  const pathsOf = (argument: string, folder: string, isPattern = false): { paths: string[]; isExact: boolean } => {
    const pattern = patternOf(argument, source, isPattern);
    if (pattern === null) return { paths: [], isExact: true };
    const absolute = pattern.startsWith("/") ? pattern : `${literally(folder)}/${pattern}`;
    const paths = pathsFor(absolute, source.list);
    return { paths, isExact: paths.length === 1 && absolute === literally(paths[0] ?? "") };
  };
  const visit = (path: string, folder: string, depth: number): void => {
    if (depth > MAX_DEPTH || files >= MAX_FILES) return;
    files += 1;
    const text = source.read(path);
    if (text === null || text.length > MAX_SIZE) return;
    for (const line of text.replace(/^\uFEFF/, "").split("\n")) {
      const { keyword, args } = parseConfigLine(line);
      const [first = "none"] = args;
      if (keyword === "include") {
        for (const argument of args)
          for (const file of pathsOf(argument, folder, true).paths) visit(file, folder, depth + 1);
      } else if (first.toLowerCase() === "none") continue;
      else if (keyword === "identityfile") {
        const { paths, isExact } = pathsOf(first, source.home);
        const into = isExact ? identities : guessed;
        for (const identity of paths) if (into.size < MAX_IDENTITIES) into.add(identity);
      } else if (keyword === "identityagent" && first !== "SSH_AUTH_SOCK") {
        const name = /^\$(\w+)$/.exec(first)?.[1];
        for (const agent of pathsOf(name === undefined ? first : `\${${name}}`, source.home).paths) agents.add(agent);
      }
    }
  };
  visit(join(source.home, ".ssh", "config"), join(source.home, ".ssh"), 0);
  visit(join(SYSTEM_FOLDER, "ssh_config"), SYSTEM_FOLDER, 0);
  return { identities: [...identities], guessed: [...guessed], agents: [...agents] };
}
