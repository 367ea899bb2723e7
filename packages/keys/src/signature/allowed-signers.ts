import { readPublicKeys } from "../public/public-line.ts";

/* The file that git and ssh-keygen know signers from: ssh-keygen(1), "ALLOWED SIGNERS". */

/** What is asked of a file of allowed signers. */
export interface AllowedSignerQuery {
  /** `SHA256:…` of the key. */
  readonly fingerprint: string;
  readonly namespace: string;
  readonly now: Date;
}

/** Whom, then what is demanded, then the key: blanks within quotes part nothing. */
const LINE = /^("(?:\\"|[^"])*"|[^\s"]+)\s+(.*)$/;
const OPTION = /^((?:[^\s",]|"(?:\\"|[^"])*"|,)+)\s+(?=\S+\s+[A-Za-z0-9+/]{20})/;
const TIME = /^(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?(Z?)$/i;

/**
 * The principals that a file of allowed signers has for a key, each as it stands there: a name, or
 * a pattern. Lines of certificate authorities, of other namespaces, and out of their time count for
 * nothing, nor do those that cannot be read.
 *
 * @param text at most 1 MiB
 */
export const principalsOf = (text: string, query: AllowedSignerQuery): string[] => linesFor(text, query).flat();

/**
 * Whether a file of allowed signers has a key as somebody's, by the patterns of ssh-keygen: `*`,
 * `?`, and `!` before what is not meant.
 *
 * @param text at most 1 MiB
 */
export const isAllowedSigner = (text: string, query: AllowedSignerQuery, principal: string): boolean =>
  linesFor(text, query).some((patterns) => fitsList(patterns, principal));

/** As OpenSSH's match_pattern_list: one that is negated outweighs all others of its line. */
const fitsList = (patterns: readonly string[], name: string): boolean =>
  patterns.some((one) => !one.startsWith("!") && fits(one, name)) &&
  !patterns.some((one) => one.startsWith("!") && fits(one.slice(1), name));

/** Without backtracking, so that a pattern of many stars is no work. */
function fits(pattern: string, name: string): boolean {
  let at = 0;
  let star = -1;
  let resume = 0;
  for (let end = 0; end < name.length;) {
    if (pattern[at] === "*") {
      star = at;
      resume = end;
      at += 1;
    } else if (at < pattern.length && (pattern[at] === "?" || pattern[at] === name[end])) {
      at += 1;
      end += 1;
    } else if (star >= 0) {
      resume += 1;
      at = star + 1;
      end = resume;
    } else return false;
  }
  return /^\**$/.test(pattern.slice(at));
}

/** The principals of each line that is for a key. */
function linesFor(text: string, { fingerprint, namespace, now }: AllowedSignerQuery): string[][] {
  return text.split("\n").flatMap((line) => {
    const [, principals = "", rest = ""] = LINE.exec(line.trim()) ?? [];
    if (principals === "" || principals.startsWith("#")) return [];
    const options = OPTION.exec(rest)?.[1] ?? "";
    if (!isAllowed(options, namespace, now)) return [];
    const [entry] = readPublicKeys(rest.slice(options.length));
    return entry?.fingerprint === fingerprint ? [unquoted(principals).split(",")] : [];
  });
}

const unquoted = (text: string): string => text.replaceAll(/^"|"$/g, "").replaceAll('\\"', '"');

function isAllowed(options: string, namespace: string, now: Date): boolean {
  const parts = options.match(/(?:[^,"]|"(?:\\"|[^"])*")+/g) ?? [];
  return parts.every((part) => {
    const [name = "", value = ""] = part.split(/=(.*)/s);
    switch (name.toLowerCase()) {
      case "namespaces":
        return unquoted(value).split(",").includes(namespace);
      case "valid-after":
        return (timeOf(unquoted(value)) ?? Number.POSITIVE_INFINITY) <= now.getTime();
      case "valid-before":
        return (timeOf(unquoted(value)) ?? Number.NEGATIVE_INFINITY) > now.getTime();
      default:
        return false;
    }
  });
}

/** Local time, unless it ends in Z; null for no time. */
function timeOf(text: string): number | null {
  const [, ...parts] = TIME.exec(text) ?? [];
  if (parts.length === 0) return null;
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = parts
    .slice(0, 6)
    .map((one) => Number(one ?? 0));
  const isUtc = parts[6] !== "";
  return isUtc
    ? Date.UTC(year, month - 1, day, hour, minute, second)
    : new Date(year, month - 1, day, hour, minute, second).getTime();
}
