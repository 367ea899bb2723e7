import { assertString } from "@git-vault/core";
import { type PublicKeyEntry, readPublicKeys } from "@git-vault/keys";
import { DirectoryError, shown } from "./errors.ts";
import { isAgeRecipient } from "./recipient-key.ts";
import { holdsPrivateKey } from "./key-text.ts";

/**
 * What a recipient was written as. Logins are in lower case: the forges tell none apart by case,
 * and one person has one name.
 */
export type RecipientQuery =
  | { readonly kind: "github-user"; readonly login: string }
  | { readonly kind: "github-team"; readonly org: string; readonly team: string }
  | { readonly kind: "forge-user"; readonly forge: "gitlab" | "codeberg"; readonly user: string }
  /** `http:` or `https:`, without a fragment or credentials. */
  | { readonly kind: "url"; readonly url: string }
  /** As it was written, with `~/` still in it. */
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "literal"; readonly entry: PublicKeyEntry }
  /** `age1…`, not yet parsed. */
  | { readonly kind: "age"; readonly recipient: string };

const MAX_QUERY = 8 * 1024;
const MAX_LINES = 1024 * 1024;
const FORMS =
  "a recipient is a GitHub user, github:org/team, gitlab:user, codeberg:user, https://host/user.keys, ./key.pub, a public key or age1…";

// Old accounts may end in a hyphen or have two in a row; the part after `_` is an enterprise's
// short code.
const GITHUB_LOGIN = /^(?=.{1,39}$)[a-z0-9][a-z0-9-]*(?:_[a-z0-9]+)?$/;
const GITHUB_SLUG = /^[a-z0-9_][a-z0-9_.-]{0,254}$/;
const FORGE_USER = /^[a-z0-9_][a-z0-9_.-]{0,254}$/;
const KEY_TYPE = /^(?:ssh|ecdsa|sk)-[a-z0-9@.-]+/;

const invalid = (message: string, hint: string = FORMS): DirectoryError =>
  new DirectoryError("INVALID_RECIPIENT", message, { hint });

/** Whether `login` can be a GitHub login: 1 to 39 characters, in lower case. */
export const isGitHubLogin = (login: string): boolean => GITHUB_LOGIN.test(login);

function refusePrivateKey(text: string): void {
  if (!holdsPrivateKey(text)) return;
  throw invalid(
    "expected a public key, got a private key",
    "a private key is for its owner alone: give the public key, which ends in .pub",
  );
}

function parseLiteral(query: string): RecipientQuery {
  const entry = readPublicKeys(query)[0];
  if (entry === undefined || entry.fingerprint === null) {
    throw invalid(
      `expected a public key, got a malformed ${KEY_TYPE.exec(query)?.[0] ?? ""} key`,
      "give the whole line of the .pub file, in quotes",
    );
  }
  return { kind: "literal", entry };
}

function parseUrl(query: string): RecipientQuery {
  const url = URL.canParse(query) ? new URL(query) : undefined;
  if (url === undefined || !["https:", "http:"].includes(url.protocol)) {
    throw invalid("expected an https:// URL, got another kind or a malformed one");
  }
  if (url.username !== "" || url.password !== "") {
    throw invalid("expected a URL without a user name and password", "download the keys and give the file");
  }
  url.hash = "";
  return { kind: "url", url: url.href };
}

function parseGitHub(name: string, written: string): RecipientQuery {
  const [org = "", team, ...rest] = name.toLowerCase().split("/");
  if (team === undefined && isGitHubLogin(org)) return { kind: "github-user", login: org };
  if (team !== undefined && rest.length === 0 && isGitHubLogin(org) && GITHUB_SLUG.test(team))
    return { kind: "github-team", org, team };
  throw invalid(
    `expected a GitHub user or org/team, got ${shown(written)}`,
    "a GitHub login has 1 to 39 letters, digits and hyphens",
  );
}

function parsePrefixed(prefix: string, name: string, written: string): RecipientQuery {
  if (prefix === "github") return parseGitHub(name, written);
  if (prefix !== "gitlab" && prefix !== "codeberg")
    throw invalid(`expected github:, gitlab: or codeberg: before a name, got ${shown(written)}`);
  const user = name.toLowerCase();
  if (FORGE_USER.test(user)) return { kind: "forge-user", forge: prefix, user };
  throw invalid(
    `expected a ${prefix} user, got ${shown(written)}`,
    `a ${prefix} user name has letters, digits, hyphens, dots and underscores`,
  );
}

const isPath = (query: string): boolean => /[/\\]|^[.~]|\.(?:pub|keys|asc|gpg|pgp)$/i.test(query);

function refuseMention(query: string): void {
  if (!query.startsWith("@")) return;
  const name = shown(query.slice(1));
  throw invalid(
    `expected a recipient without @, got ${shown(query)}`,
    name.includes("/") ? `write github:${name}` : `write ${name}`,
  );
}

/**
 * Tells what a recipient was written as. Nothing is looked up.
 *
 * In this order: a line that begins with the type of an SSH key is a literal key; what begins with
 * `age1` an age recipient; what has a scheme (`https://`) a URL; `github:`, `gitlab:` and
 * `codeberg:` go before a name; what has a slash or backslash, begins with `.` or `~`, or ends in
 * `.pub`, `.keys`, `.asc`, `.gpg` or `.pgp` is a path; a bare word is always a GitHub user, even
 * where a file of that name exists.
 *
 * @param query at most 8 KiB
 * @throws DirectoryError `INVALID_RECIPIENT`; TypeError for anything but a string
 */
export function parseQuery(query: string): RecipientQuery {
  assertString("query", query);
  if (query.trim() === "") throw invalid("expected a recipient, got nothing");
  if (query.length > MAX_QUERY)
    throw invalid(`expected a recipient of at most ${MAX_QUERY} characters, got ${query.length}`);
  refusePrivateKey(query);
  if (/\p{Cc}/u.test(query)) throw invalid("expected a recipient on one line, got control characters");
  if (KEY_TYPE.test(query) && query.includes(" ")) return parseLiteral(query);
  if (isAgeRecipient(query)) return { kind: "age", recipient: query };
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(query)) return parseUrl(query);
  refuseMention(query);
  const [, prefix, name] = /^([a-z]{2,}):(.*)$/.exec(query) ?? [];
  if (prefix !== undefined && name !== undefined) return parsePrefixed(prefix, name, query);
  if (isPath(query)) return { kind: "file", path: query };
  if (/^(?:ssh-(?:ed25519|rsa|dss)|ecdsa-sha2-nistp\d+)$/.test(query)) {
    throw invalid(`expected a whole public key, got only its type ${query}`, "put the key in quotes");
  }
  if (query.startsWith("-")) throw invalid(`expected a recipient, got what looks like a flag: ${shown(query)}`);
  return parseGitHub(query, query);
}

/**
 * The recipients in a list, one on each line. Blank lines, and lines that begin with `#`, are
 * skipped. Each is still to be given to `parseQuery`.
 *
 * @param text at most 1 MiB, with LF or CRLF
 * @throws DirectoryError `INVALID_RECIPIENT` for a longer text, binary data or a private key;
 * TypeError for anything but a string
 */
export function readRecipientLines(text: string): string[] {
  assertString("text", text);
  if (text.length > MAX_LINES) throw invalid(`expected a list of at most ${MAX_LINES} characters, got ${text.length}`);
  if (text.includes("\0")) throw invalid("expected a list of recipients, got binary data");
  refusePrivateKey(text);
  return text
    .replace(/^\u{FEFF}/u, "")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}
