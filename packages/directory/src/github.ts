import { readPublicKeys } from "@git-vault/keys";
import type { Octokit } from "@octokit/rest";
import type { DirectoryEntry } from "./entry.ts";
import { DirectoryError } from "./errors.ts";
import { GITHUB, keysPath, nameOf } from "./forges.ts";
import type { Http, HttpAnswer } from "./http.ts";
import { readOpenPgpAnswer } from "./openpgp-answer.ts";
import { type KeyKind, KIND_NAMES, type RecipientKey } from "./recipient-key.ts";
import type { GitHubServer } from "./settings.ts";
import { isRateLimited, rateLimited, unexpectedStatus } from "./status.ts";

const PAGE_SIZE = 100;
const MAX_KEY_PAGES = 10;
const MAX_MEMBER_PAGES = 100;
const AT_ONCE = 4;

/** An answer of another status than 200, on its way through Octokit. */
class Refusal extends Error {
  readonly answer: HttpAnswer;

  constructor(answer: HttpAnswer) {
    super(`status ${answer.status}`);
    this.answer = answer;
  }
}

const silent = (): void => {};

/** An account on a GitHub server. */
export interface GitHubAccount {
  /** In lower case. Its owner can change it, and somebody else can then take it. */
  readonly login: string;
  /** The server's host and the number that the account keeps, such as `github.com/583231`. */
  readonly account: string;
}

type Pages = (octokit: Octokit, page: { per_page: number }) => AsyncIterable<{ data: unknown }>;

/** Null where the first is no string, or another is neither a string nor null. */
function fieldsOf(item: unknown, fields: readonly string[]): (string | null)[] | null {
  const values: unknown[] = fields.map((field) =>
    typeof item === "object" && item !== null ? Reflect.get(item, field) : undefined,
  );
  const sound = values.filter((value, at) => typeof value === "string" || (value === null && at > 0));
  return sound.length < values.length ? null : values.map((value) => (typeof value === "string" ? value : null));
}

/**
 * GitHub's REST API, asked through Octokit, which knows the paths and the pages; every request goes
 * through `Http`.
 */
export class GitHub {
  readonly #http: Http;
  readonly #server: GitHubServer;
  #octokit: Promise<Octokit> | undefined;

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
    const lines = await this.#list(["key"], MAX_KEY_PAGES, none, (octokit, page) =>
      octokit.paginate.iterator(octokit.rest.users.listSshSigningKeysForUser, { username: login, ...page }),
    ).catch((error: unknown) => {
      if (error === none) return [];
      throw error;
    });
    const keys = [...entry.keys, ...this.#read(lines.map(([line]) => line ?? ""))];
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
    const accounts = await this.#items(this.#readAccount, "login", MAX_MEMBER_PAGES, missing, (octokit, page) =>
      octokit.paginate.iterator(octokit.rest.teams.listMembersInOrg, { org, team_slug: team, ...page }),
    );
    if (accounts.length === 0) throw new DirectoryError("NO_KEYS", `${label}'s team ${org}/${team} has no members`);
    return this.#entries(accounts, kind);
  }

  /**
   * The account of a login, or of a number as `account` has it; null where there is none, or not on
   * this server.
   */
  async account(name: { readonly login: string } | { readonly account: string }): Promise<GitHubAccount | null> {
    const { api, web } = this.#server;
    if ("login" in name) return this.#accountAt(`${api}/users/${name.login}`);
    const [, host, number] = /^(.+)\/([1-9]\d{0,15})$/.exec(name.account) ?? [];
    return host === new URL(web).host ? this.#accountAt(`${api}/user/${number}`) : null;
  }

  /** Whether an account belongs to an organisation, as far as whoever asks may see. */
  async isMember(org: string, login: string): Promise<boolean> {
    const { api, token } = this.#server;
    const accept = "application/vnd.github+json";
    // Who does not belong to the organisation is redirected to its public members.
    const answer = await this.#http.get(new URL(`${api}/orgs/${org}/members/${login}`), { accept, token, keep: false });
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
    if (typeof item !== "object" || item === null) return null;
    const login: unknown = Reflect.get(item, "login");
    const id: unknown = Reflect.get(item, "id");
    if (typeof login !== "string" || !Number.isSafeInteger(id)) return null;
    const lower = login.toLowerCase();
    return GITHUB.user.test(lower)
      ? { login: lower, account: `${new URL(this.#server.web).host}/${String(id)}` }
      : null;
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
    const [name, source] = [nameOf(account), api + keysPath(account, kind)];
    if (kind === "openpgp") return { name, source, keys: await this.#openPgpKeys(login, missing) };
    const lines = await this.#list(["key"], MAX_KEY_PAGES, missing, (octokit, page) =>
      octokit.paginate.iterator(octokit.rest.users.listPublicKeysForUser, { username: login, ...page }),
    );
    return { name, source, keys: this.#read(lines.map(([line]) => line ?? "")) };
  }

  #read(lines: readonly string[]): RecipientKey[] {
    // A line end would make two keys of one.
    if (lines.some((line) => /[\r\n\0]/.test(line))) throw this.#badAnswer("with a key that is none");
    return readPublicKeys(lines.join("\n"));
  }

  async #openPgpKeys(login: string, missing: DirectoryError): Promise<RecipientKey[]> {
    const items = await this.#list(["key_id", "raw_key"], MAX_KEY_PAGES, missing, (octokit, page) =>
      octokit.paginate.iterator(octokit.rest.users.listGpgKeysForUser, { username: login, ...page }),
    );
    const texts = items.flatMap(([, raw]) => (raw === null || raw === undefined ? [] : [raw]));
    // Of keys that were uploaded long ago, the API has only parts; the page has them all.
    if (texts.length < items.length) texts.push(await this.#gpgPage(login, missing));
    const keyIds = items.map(([keyId]) => keyId ?? "");
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

  /** The fields of every item on every page: a string, or null, where the first may not be null. */
  async #list(
    fields: readonly [first: string, ...others: string[]],
    maxPages: number,
    missing: DirectoryError,
    pages: Pages,
  ): Promise<(string | null)[][]> {
    return this.#items((item) => fieldsOf(item, fields), fields[0], maxPages, missing, pages);
  }

  /** What `read` makes of every item on every page: null for one that lacks the field. */
  async #items<T>(
    read: (item: unknown) => T | null,
    field: string,
    maxPages: number,
    missing: DirectoryError,
    pages: Pages,
  ): Promise<T[]> {
    const values: T[] = [];
    let count = 0;
    try {
      this.#octokit ??= this.#load();
      for await (const { data } of pages(await this.#octokit, { per_page: PAGE_SIZE })) {
        count += 1;
        if (count > maxPages) throw this.#badAnswer(`with more than ${maxPages} pages`);
        const items: unknown[] = Array.isArray(data) ? data : [undefined];
        for (const item of items) values.push(read(item) ?? this.#raise(`without the field ${field}`));
      }
    } catch (error) {
      throw this.#explain(error, missing);
    }
    return values;
  }

  async #load(): Promise<Octokit> {
    const { Octokit } = await import("@octokit/rest");
    const log = { debug: silent, info: silent, warn: silent, error: silent };
    const request = { fetch: (url: string, init: RequestInit) => this.#fetch(url, init), log };
    return new Octokit({ baseUrl: this.#server.api, log, request });
  }

  /** Octokit's fetch. It sees sound lists only; everything else it would take in its own way. */
  async #fetch(address: string, init: RequestInit): Promise<Response> {
    const { api, token } = this.#server;
    const url = URL.canParse(address) ? new URL(address) : undefined;
    // The link to the next page comes from the server.
    if (url === undefined || url.origin !== new URL(api).origin) throw this.#badAnswer("with a link to another server");
    const accept = new Headers(init.headers).get("accept") ?? "application/json";
    const answer = await this.#http.get(url, { accept, token });
    if (answer.status !== 200) throw new Refusal(answer);
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

  #explain(error: unknown, missing: DirectoryError): unknown {
    // Octokit wraps what its fetch throws.
    const thrown = error instanceof Error && "status" in error ? (error.cause ?? error) : error;
    return thrown instanceof Refusal ? this.#refuse(thrown.answer, missing) : thrown;
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
