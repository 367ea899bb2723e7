import { assertString } from "@git-vault/core";
import { type PublicKeyEntry, readPublicKeys } from "@git-vault/keys";
import { DirectoryError, shown } from "./errors.ts";
import { FORGES, GITHUB, nameOf, type Forge, type ForgeUser } from "./forges.ts";
import { isAgeRecipient, isPluginIdentity } from "./recipient-key.ts";
import { holdsPrivateKey } from "./key-text.ts";

/**
 * What a recipient was written as. Logins are in lower case: the forges tell none apart by case,
 * and one person has one name.
 */
export type RecipientQuery =
  | ({ readonly kind: "user" } & ForgeUser)
  /** Of GitHub. */
  | { readonly kind: "team"; readonly org: string; readonly team: string }
  /** `http:` or `https:`, without a fragment or credentials. */
  | { readonly kind: "url"; readonly url: string }
  /** As it was written, with `~/` still in it. */
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "literal"; readonly entry: PublicKeyEntry }
  /** `age1…`, or an identity of a plugin; not yet parsed. */
  | { readonly kind: "age"; readonly recipient: string };

const MAX_QUERY = 8 * 1024;
const MAX_LINES = 1024 * 1024;
const PREFIXES = FORGES.map(({ prefix }) => `${prefix}:`);
const USERS = PREFIXES.slice(1).map((prefix) => `${prefix}user`);
const FORMS = `a recipient is a GitHub user, github:org/team, ${USERS.join(", ")}, https://host/user.keys, ./key.pub, a public key or age1…`;

const GITHUB_SLUG = /^[a-z0-9_][a-z0-9_.-]{0,254}$/;
/** Any character that is not `\p{Cc}`, which V8 takes a while to look up, is in these ranges. */
const CONTROL = /[^ -~\u00a0-\uffff]/;
const KEY_TYPE = /^(?:ssh|ecdsa|sk)-[a-z0-9@.-]+/;

/** `a, b or c`. */
const anyOf = (words: readonly string[]): string => `${words.slice(0, -1).join(", ")} or ${words.at(-1) ?? ""}`;

const invalid = (message: string, hint: string = FORMS): DirectoryError =>
  new DirectoryError("INVALID_RECIPIENT", message, { hint });

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

function parseAccount(forge: Forge, name: string, written: string): RecipientQuery {
  const { title, user: form, userForm, sigil } = forge;
  const plain = name.startsWith(sigil) ? name.slice(sigil.length) : name;
  const [user = "", team, ...rest] = plain.toLowerCase().split("/");
  if (form.test(user)) {
    if (team === undefined) return { kind: "user", forge, user };
    if (forge === GITHUB && rest.length === 0 && GITHUB_SLUG.test(team)) return { kind: "team", org: user, team };
  }
  const expected = forge === GITHUB ? `a ${title} user or org/team` : `a ${title} user`;
  throw invalid(`expected ${expected}, got ${shown(written)}`, `a ${title} ${userForm}`);
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
 * `age1` an age recipient, with `AGE-PLUGIN-` a plugin's identity; what has a scheme (`https://`) a
 * URL; a forge and a colon go before a name; what has a slash or backslash, begins with `.` or `~`,
 * or ends in `.pub`, `.keys`, `.asc`, `.gpg` or `.pgp` is a path; a bare word is always a GitHub
 * user, even where a file of that name exists.
 *
 * @param query at most 8 KiB
 * @throws DirectoryError `INVALID_RECIPIENT`; TypeError for anything but a string
 */
export function parseQuery(query: string): RecipientQuery {
  assertString("query", query);
  if (query.trim() === "") throw invalid("expected a recipient, got nothing");
  if (query.length > MAX_QUERY)
    throw invalid(`expected a recipient of at most ${MAX_QUERY} characters, got ${query.length}`);
  if (isPluginIdentity(query)) return { kind: "age", recipient: query };
  refusePrivateKey(query);
  if (CONTROL.test(query)) throw invalid("expected a recipient on one line, got control characters");
  if (KEY_TYPE.test(query) && query.includes(" ")) return parseLiteral(query);
  if (isAgeRecipient(query)) return { kind: "age", recipient: query };
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(query)) return parseUrl(query);
  refuseMention(query);
  const [, prefix, name] = /^([a-z]{2,}):(.*)$/.exec(query) ?? [];
  if (prefix !== undefined && name !== undefined) {
    const forge = FORGES.find((one) => one.prefix === prefix);
    if (forge !== undefined) return parseAccount(forge, name, query);
    throw invalid(`expected ${anyOf(PREFIXES)} before a name, got ${shown(query)}`);
  }
  if (isPath(query)) return { kind: "file", path: query };
  if (/^(?:ssh-(?:ed25519|rsa|dss)|ecdsa-sha2-nistp\d+)$/.test(query)) {
    throw invalid(`expected a whole public key, got only its type ${query}`, "put the key in quotes");
  }
  if (query.startsWith("-")) throw invalid(`expected a recipient, got what looks like a flag: ${shown(query)}`);
  return parseAccount(GITHUB, query, query);
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

/**
 * The name, such as `github:alice`, of the forge's user that a recipient was written as; null for
 * any other recipient.
 *
 * @throws what `parseQuery` does
 */
export function userNameOf(query: string): string | null {
  const parsed = parseQuery(query);
  return parsed.kind === "user" ? nameOf(parsed) : null;
}

/**
 * The forge's user that a signer was written as.
 *
 * @throws DirectoryError `INVALID_RECIPIENT` for anything else
 */
export function parseSigner(query: string): ForgeUser {
  const parsed = parseQuery(query);
  if (parsed.kind === "user") return parsed;
  const hint = `a signer is ${anyOf(["a GitHub user", ...USERS])}`;
  throw invalid(`expected the user of a forge, got ${shown(query)}`, hint);
}
