import type { DirectoryEntry } from "./entry.ts";
import { DirectoryError } from "./errors.ts";
import { keysPath, nameOf, type ForgeUser } from "./forges.ts";
import type { Http, HttpAnswer, HttpRequest } from "./http.ts";
import { readKeyText } from "./key-text.ts";
import { type KeyKind, KIND_NAMES } from "./recipient-key.ts";
import { isRateLimited, rateLimited, unexpectedStatus } from "./status.ts";

/** A text of public keys on the web, and how to speak of it. */
interface KeyPage {
  readonly name: string;
  readonly url: URL;
  /** Who answers. */
  readonly who: string;
  /** What is missing where the answer is 404. */
  readonly missing: string;
  /** What is there, where it has no keys. */
  readonly empty: string;
}

/** GitLab sends visitors to its sign-in page for hidden and for missing users alike. */
const isSignIn = ({ url }: HttpAnswer): boolean => url.pathname === "/users/sign_in";

function refuse(answer: HttpAnswer, { who, missing }: Pick<KeyPage, "who" | "missing">): DirectoryError {
  if (isRateLimited(answer)) return rateLimited(answer, who, "wait, or give a file of the keys");
  switch (answer.status) {
    case 404:
    case 410:
      return new DirectoryError("NOT_FOUND", missing, { hint: "check the spelling" });
    case 401:
    case 403:
      return new DirectoryError("AUTHENTICATION_REQUIRED", `${who} shows these keys only to those who are signed in`, {
        hint: "download the keys and give the file",
      });
    default:
      return unexpectedStatus(answer, who);
  }
}

async function resolvePage(
  http: Http,
  page: KeyPage,
  emptyHint: string | undefined,
  headers?: HttpRequest["headers"],
): Promise<DirectoryEntry> {
  const { name, url, who, missing, empty } = page;
  const answer = await http.get(url, { accept: "text/plain", headers, keep: headers === undefined });
  if (isSignIn(answer))
    throw new DirectoryError("NOT_FOUND", `${missing}, or shows it only to those who are signed in`, {
      hint: "check the spelling, or give a file of the keys",
    });
  if (answer.status !== 200) throw refuse(answer, page);
  const looksLikePage = /^(?:\u{FEFF})?\s*</u.test(answer.body.subarray(0, 1024).toString());
  if (looksLikePage || /^text\/html\b/i.test(answer.headers.get("content-type") ?? ""))
    throw new DirectoryError("BAD_ANSWER", `${who} answered with a web page instead of public keys`, {
      hint: "give the address of the keys as plain text, such as https://github.com/USER.keys",
    });
  const text = await readKeyText(answer.body);
  if ("keys" in text) return { name, source: url.href, keys: text.keys };
  if (text.problem === "none") throw new DirectoryError("NO_KEYS", empty, { hint: emptyHint });
  if (text.problem === "private")
    throw new DirectoryError("BAD_ANSWER", `${who} answered with a private key`, {
      hint: "tell its owner: anyone who can read this address has their key",
    });
  throw new DirectoryError("BAD_ANSWER", `${who} answered with something else than public keys`, {
    hint: "give the address of the keys as plain text, such as https://github.com/USER.keys",
  });
}

/** The keys at a URL. */
export function resolveUrl(http: Http, address: string, headers: HttpRequest["headers"]): Promise<DirectoryEntry> {
  const url = new URL(address);
  const page: KeyPage = {
    name: address,
    url,
    who: url.host,
    missing: `${url.host} has no such page`,
    empty: `the page at ${url.host} holds no keys`,
  };
  return resolvePage(http, page, undefined, headers);
}

/** The keys of a user of a forge that shows them as pages. */
export function resolveForgeUser(http: Http, account: ForgeUser, kind: KeyKind): Promise<DirectoryEntry> {
  const { forge, user } = account;
  const { prefix, origin, settings } = forge;
  const page: KeyPage = {
    name: nameOf(account),
    url: new URL(keysPath(account, kind), origin),
    who: prefix,
    missing: `${prefix} has no user ${user}`,
    empty: `${prefix}'s user ${user} has no ${KIND_NAMES[kind]} keys`,
  };
  return resolvePage(http, page, `they can add one at ${origin}${settings[kind]}`);
}

/** The bytes at a URL. */
export async function downloadUrl(http: Http, address: string, headers: HttpRequest["headers"]): Promise<Buffer> {
  const url = new URL(address);
  const answer = await http.get(url, { accept: "text/plain", headers, keep: false });
  if (answer.status !== 200) throw refuse(answer, { who: url.host, missing: `${url.host} has no such page` });
  return answer.body;
}
