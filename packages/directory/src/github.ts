import { readPublicKeys } from "@git-vault/keys";
import type { DirectoryEntry } from "./entry.ts";
import { DirectoryError } from "./errors.ts";
import { GITHUB, isGitHubLogin, keysPath, nameOf } from "./forges.ts";
import type { Http, HttpAnswer } from "./http.ts";
import { readOpenPgpAnswer } from "./openpgp-answer.ts";
import { type KeyKind, KIND_NAMES, type RecipientKey } from "./recipient-key.ts";
import type { GitHubServer } from "./settings.ts";
import { isRateLimited, rateLimited, unexpectedStatus } from "./status.ts";

const PAGE_SIZE = 100;
const MAX_KEY_PAGES = 10;
const MAX_MEMBER_PAGES = 100;
const AT_ONCE = 4;

const silent = (): void => {};
const SILENT = { debug: silent, info: silent, warn: silent, error: silent };

/** An account on a GitHub server. */
export interface GitHubAccount {
  /** In lower case. Its owner can change it, and somebody else can then take it. */
  readonly login: string;
  /** The server's host and the number that the account keeps, such as `github.com/583231`. */
  readonly account: string;
}

/** A field of what should be an object; undefined where it has none. */
const fieldOf = (item: unknown, name: string): unknown =>
  typeof item === "object" && item !== null ? Reflect.get(item, name) : undefined;

function readLine(item: unknown): string | null {
  const line = fieldOf(item, "key");
  return typeof line === "string" ? line : null;
}

/** An OpenPGP key in a list; `raw` is null for one that was uploaded long ago. */
function readGpgKey(item: unknown): { readonly keyId: string; readonly raw: string | null } | null {
  const [keyId, raw] = [fieldOf(item, "key_id"), fieldOf(item, "raw_key")];
  const isSound = typeof keyId === "string" && (typeof raw === "string" || raw === null);
  return isSound ? { keyId, raw } : null;
}

/** GitHub's REST API by Octokit, which knows paths and pages; requests go through `Http`. */
export class GitHub {
  readonly #http: Http;
  readonly #server: GitHubServer;

  constructor(http: Http, server: GitHubServer) {
    this.#http = http;
    this.#server = server;
  }

  /** A user's keys. */
  async resolveUser(login: string, kind: KeyKind): Promise<DirectoryEntry> {
    const entry = await this.#userEntry(login, kind);
    if (entry.keys.length > 0) return entry;
    throw this.#noKeys(login, kind);
  }

  /** A user's keys to sign in with, and those that only sign. */
  async resolveSigner(login: string): Promise<DirectoryEntry> {
    const { label } = this.#server;
    const entry = await this.#userEntry(login, "ssh");
    // The user is there, so that an older server is what lacks the list.
    const none = new DirectoryError("NOT_FOUND", `${label} has no list of signing keys`);
    const lines = await this.#list("key", readLine, `/users/${login}/ssh_signing_keys`, none).catch(
      (error: unknown) => {
        if (error === none) return [];
        throw error;
      },
    );
    const keys = [...entry.keys, ...this.#read(lines)];
    if (keys.length === 0) throw this.#noKeys(login, "ssh");
    return { ...entry, keys };
  }

  /** The keys of each member of a team; none for a member who has none. */
  async resolveTeam(org: string, team: string, kind: KeyKind): Promise<DirectoryEntry[]> {
    const { label, token, tokenVariable } = this.#server;
    if (token === undefined)
      throw new DirectoryError("AUTHENTICATION_REQUIRED", `${label} shows teams only to those who are signed in`, {
        hint: `set ${tokenVariable} to a token with the scope read:org`,
      });
    const missing = new DirectoryError("NOT_FOUND", `${label} has no team ${org}/${team} that this token may see`, {
      hint: "check the spelling, and that the token has the scope read:org",
    });
    const path = `/orgs/${org}/teams/${team}/members`;
    const accounts = await this.#list("login", this.#readAccount, path, missing, MAX_MEMBER_PAGES);
    if (accounts.length === 0) throw new DirectoryError("NO_KEYS", `${label}'s team ${org}/${team} has no members`);
    return this.#entries(accounts, kind);
  }

  /** The account of a login or number; null if there is none on this server. */
  async account(name: { readonly login: string } | { readonly account: string }): Promise<GitHubAccount | null> {
    const { api, web } = this.#server;
    if ("login" in name) return isGitHubLogin(name.login) ? this.#accountAt(`${api}/users/${name.login}`) : null;
    const [, host, number] = /^(.+)\/([1-9]\d{0,15})$/.exec(name.account) ?? [];
    return host === new URL(web).host ? this.#accountAt(`${api}/user/${number}`) : null;
  }

  /** Whether an account belongs to an organisation, as far as the one who asks may see. */
  async isMember(org: string, login: string): Promise<boolean> {
    const { api, token } = this.#server;
    const accept = "application/vnd.github+json";
    // Who does not belong to the organisation is redirected to its public members.
    const answer = await this.#http.get(new URL(`${api}/orgs/${org}/members/${login}`), { accept, token });
    if (answer.status === 204) return true;
    if (answer.status === 404) return false;
    throw this.#refuse(answer, this.#badAnswer("with something else than yes or no"));
  }

  async #accountAt(address: string): Promise<GitHubAccount | null> {
    const { token } = this.#server;
    const answer = await this.#http.get(new URL(address), { accept: "application/vnd.github+json", token });
    if (answer.status === 404) return null;
    if (answer.status !== 200) throw this.#refuse(answer, this.#badAnswer("with no account"));
    return this.#readAccount(this.#parse(answer)) ?? this.#raise("without the field login");
  }

  /** Null for what is no account. */
  readonly #readAccount = (item: unknown): GitHubAccount | null => {
    const [login, id] = [fieldOf(item, "login"), fieldOf(item, "id")];
    if (typeof login !== "string" || !isGitHubLogin(login) || !Number.isSafeInteger(id)) return null;
    return { login: login.toLowerCase(), account: `${new URL(this.#server.web).host}/${String(id)}` };
  };

  readonly #raise = (how: string): never => {
    throw this.#badAnswer(how);
  };

  /** Some at a time, in order; after a failure no further one is asked for. */
  async #entries(accounts: readonly GitHubAccount[], kind: KeyKind): Promise<DirectoryEntry[]> {
    const entries: DirectoryEntry[] = [];
    const waiting = accounts.map(({ login, account }, index) => ({ login, account, index })).toReversed();
    const work = async (): Promise<void> => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
        try {
          entries[next.index] = { ...(await this.#userEntry(next.login, kind)), account: next.account };
        } catch (error) {
          waiting.length = 0;
          throw error;
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    return entries;
  }

  async #userEntry(login: string, kind: KeyKind): Promise<DirectoryEntry> {
    const { api, label } = this.#server;
    const missing = new DirectoryError("NOT_FOUND", `${label} has no user ${login}`, { hint: "check the spelling" });
    const account = { forge: GITHUB, user: login };
    const path = keysPath(account, kind);
    const keys =
      kind === "openpgp"
        ? await this.#openPgpKeys(login, path, missing)
        : this.#read(await this.#list("key", readLine, path, missing));
    return { name: nameOf(account), source: api + path, keys };
  }

  #read(lines: readonly string[]): RecipientKey[] {
    // A line end would make two keys of one.
    if (lines.some((line) => /[\r\n\0]/.test(line))) throw this.#badAnswer("with a key that is none");
    return readPublicKeys(lines.join("\n"));
  }

  async #openPgpKeys(login: string, path: string, missing: DirectoryError): Promise<RecipientKey[]> {
    const items = await this.#list("key_id", readGpgKey, path, missing);
    const texts = items.flatMap(({ raw }) => raw ?? []);
    // Of keys that were uploaded long ago, the API has only parts; the page has them all.
    if (texts.length < items.length) texts.push(await this.#gpgPage(login, missing));
    const keyIds = items.map(({ keyId }) => keyId);
    const entries = await readOpenPgpAnswer(texts, keyIds);
    if (entries === null) throw this.#badAnswer("with OpenPGP keys that are none");
    return entries;
  }

  /** The page of a user's OpenPGP keys, outside of the API. */
  async #gpgPage(login: string, missing: DirectoryError): Promise<string> {
    const url = new URL(`/${login}.gpg`, this.#server.web);
    const answer = await this.#http.get(url, { accept: "text/plain" });
    if (answer.status !== 200) throw this.#refuse(answer, missing);
    return answer.body.toString();
  }

  /** What `read` makes of every item on every page of a list: null for one that lacks the field. */
  async #list<T>(
    field: string,
    read: (item: unknown) => T | null,
    path: string,
    missing: DirectoryError,
    maxPages: number = MAX_KEY_PAGES,
  ): Promise<T[]> {
    const { Octokit } = await import("@octokit/rest");
    const request = { fetch: (url: string, init: RequestInit) => this.#fetch(url, init, missing), log: SILENT };
    const octokit = new Octokit({ baseUrl: this.#server.api, log: SILENT, request });
    const values: T[] = [];
    let count = 0;
    try {
      for await (const { data } of octokit.paginate.iterator(`GET ${path}`, { per_page: PAGE_SIZE })) {
        count += 1;
        if (count > maxPages) throw this.#badAnswer(`with more than ${maxPages} pages`);
        for (const item of data) values.push(read(item) ?? this.#raise(`without the field ${field}`));
      }
    } catch (error) {
      // Octokit wraps what its fetch throws.
      throw error instanceof Error && "status" in error ? (error.cause ?? error) : error;
    }
    return values;
  }

  /** Octokit's fetch. It sees sound lists only; everything else it would take in its own way. */
  async #fetch(address: string, init: RequestInit, missing: DirectoryError): Promise<Response> {
    const { api, token } = this.#server;
    const url = URL.canParse(address) ? new URL(address) : undefined;
    // The link to the next page comes from the server.
    if (url === undefined || url.origin !== new URL(api).origin) throw this.#badAnswer("with a link to another server");
    const accept = new Headers(init.headers).get("accept") ?? "application/json";
    const answer = await this.#http.get(url, { accept, token });
    if (answer.status !== 200) throw this.#refuse(answer, missing);
    if (!Array.isArray(this.#parse(answer))) throw this.#badAnswer("with something else than a list");
    const link = answer.headers.get("link");
    const headers = { "content-type": "application/json", ...(link === null ? {} : { link }) };
    return new Response(new Uint8Array(answer.body), { headers });
  }

  #parse({ headers, body }: HttpAnswer): unknown {
    if (/^text\/html\b/i.test(headers.get("content-type") ?? ""))
      throw this.#badAnswer("with a web page instead of JSON");
    try {
      return JSON.parse(body.toString());
    } catch {
      // The parser's own error quotes what the server sent.
      throw this.#badAnswer("with broken JSON");
    }
  }

  #noKeys(login: string, kind: KeyKind): DirectoryError {
    const { label, web } = this.#server;
    return new DirectoryError("NO_KEYS", `${label}'s user ${login} has no ${KIND_NAMES[kind]} keys`, {
      hint: `they can add one at ${web}${GITHUB.settings[kind]}`,
    });
  }

  #badAnswer(how: string): DirectoryError {
    return new DirectoryError("BAD_ANSWER", `${this.#server.label} answered ${how}`, {
      hint: "try again later; a proxy or a sign-in page on the way may have answered instead",
    });
  }

  #refuse(answer: HttpAnswer, missing: DirectoryError): DirectoryError {
    const { label, token, tokenVariable } = this.#server;
    if (isRateLimited(answer)) {
      const hint =
        token === undefined ? `set ${tokenVariable} to a token: the limit is far higher with one` : "wait until then";
      return rateLimited(answer, label, hint);
    }
    switch (answer.status) {
      case 404:
        return missing;
      case 401:
      case 403: {
        const message = token === undefined ? `${label} wants a token` : `${label} refused the token`;
        const hint =
          token === undefined
            ? `set ${tokenVariable}`
            : `check ${tokenVariable}: its scopes, its end, its single sign-on`;
        return new DirectoryError("AUTHENTICATION_REQUIRED", message, { hint });
      }
      default:
        return unexpectedStatus(answer, label);
    }
  }
}
