import { assertInteger } from "@git-vault/core";
import type { DirectoryEntry } from "./entry.ts";
import { DirectoryError } from "./errors.ts";
import { isGitHubLogin } from "./forges.ts";
import type { GitHub, GitHubAccount } from "./github.ts";
import type { Http } from "./http.ts";
import { parseQuery, parseSigner, type RecipientQuery } from "./query.ts";
import type { KeyKind } from "./recipient-key.ts";
import type { Environment } from "./settings.ts";

/** How recipients are looked up. */
export interface DirectoryOptions {
  /**
   * GH_HOST, GITHUB_API_URL, GH_TOKEN, GITHUB_TOKEN, GH_ENTERPRISE_TOKEN, GITHUB_ENTERPRISE_TOKEN,
   * HTTPS_PROXY, HTTP_PROXY, NO_PROXY, XDG_CACHE_HOME and HOME are read from here; from the
   * process's environment where it is left out.
   */
  readonly env?: Environment;
  /**
   * Where answers are kept; null to keep none. `$XDG_CACHE_HOME/git-vault`, else
   * `~/.cache/git-vault`, where it is left out.
   */
  readonly cacheFolder?: string | null;
  /** Milliseconds for each request; 20,000 where it is left out. */
  readonly timeout?: number;
  /** Stops every request; `resolve` then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Takes keys from `http:` URLs of other machines, which anybody on the way can change. */
  readonly allowHttp?: boolean;
  /**
   * Sent with requests to the URLs that are given, and not to GitHub or another forge. Answers to
   * them are not kept.
   */
  readonly headers?: Readonly<Record<string, string>>;
}

const DEFAULT_TIMEOUT = 20_000;

/**
 * Finds out who a recipient is: a user or a team on GitHub, a user of another forge, a URL, a file,
 * or a key itself.
 */
export class Directory {
  readonly #options: DirectoryOptions;
  readonly #env: Environment;
  #http: Promise<Http> | undefined;
  #github: Promise<GitHub> | undefined;

  /**
   * @throws RangeError for a timeout that is not a whole number from 1 to an hour; TypeError for
   * another type
   */
  constructor(options: DirectoryOptions = {}) {
    if (options.timeout !== undefined) assertInteger("timeout", options.timeout, 1, 3_600_000);
    this.#options = options;
    this.#env = options.env ?? process.env;
  }

  /**
   * Looks up a recipient. Keys come from the forge each time: an answer is kept on disk with its
   * ETag, and used again only when the server says that it is still the same, so that a key which
   * was removed is never given.
   *
   * An entry may have only keys that nothing can be sealed to; each says why.
   *
   * @param query as `parseQuery` takes it
   * @param kind which keys of an account on a forge are looked up; those of SSH where it is left
   * out. A URL and a file give whatever they hold
   * @returns one entry for each member of a team, exactly one for everything else
   * @throws DirectoryError any of its codes; the signal's reason where it was aborted
   */
  async resolve(query: string, kind: KeyKind = "ssh"): Promise<DirectoryEntry[]> {
    const parsed = parseQuery(query);
    return parsed.kind === "team"
      ? (await this.#loadGitHub()).resolveTeam(parsed.org, parsed.team, kind)
      : [await this.#resolveOne(parsed, kind)];
  }

  /**
   * Looks up the keys that a user of a forge signs with: those that they sign in with, and on
   * GitHub those that only sign as well. One that is in both lists is there twice.
   *
   * @param query a bare name or `github:user`, `gitlab:user` and so on
   * @throws DirectoryError as `resolve` does; `INVALID_RECIPIENT` for anything but a user
   */
  async resolveSigner(query: string): Promise<DirectoryEntry> {
    const signer = parseSigner(query);
    return signer.forge.asked === "github"
      ? (await this.#loadGitHub()).resolveSigner(signer.user)
      : this.#resolveOne({ kind: "user", ...signer }, "ssh");
  }

  /**
   * The account on GitHub of a login, or of a server and number, which a change of name leaves as
   * they are.
   *
   * @returns null where there is none, or the number belongs to another server than the one that is
   * asked
   * @throws DirectoryError as for `resolve`
   */
  async gitHubAccount(name: { readonly login: string } | { readonly account: string }): Promise<GitHubAccount | null> {
    return (await this.#loadGitHub()).account(name);
  }

  /**
   * Whether an account belongs to an organisation on GitHub: a member that is not public only those
   * see who belong to it themselves, and have a token.
   *
   * @throws DirectoryError `INVALID_RECIPIENT` for what is no name of an organisation; as for
   * `resolve`
   */
  async isMember(org: string, login: string): Promise<boolean> {
    if (![org, login].every(isGitHubLogin))
      throw new DirectoryError("INVALID_RECIPIENT", "expected the name of an organisation");
    return (await this.#loadGitHub()).isMember(org.toLowerCase(), login);
  }

  /**
   * What lies at a URL, at most 1 MiB, such as a private key that was made for one message. It is
   * kept nowhere.
   *
   * @param url `https:`, or `http:` as for `resolve`
   * @throws DirectoryError as for the URL of a recipient
   */
  async download(url: string): Promise<Buffer> {
    const parsed = parseQuery(url);
    if (parsed.kind !== "url") throw new DirectoryError("INVALID_RECIPIENT", "expected an https:// URL");
    const { downloadUrl } = await import("./web.ts");
    return downloadUrl(await this.#loadHttp(), parsed.url, this.#options.headers);
  }

  async #resolveOne(query: Exclude<RecipientQuery, { kind: "team" }>, kind: KeyKind): Promise<DirectoryEntry> {
    switch (query.kind) {
      case "user": {
        if (query.forge.asked === "github") return (await this.#loadGitHub()).resolveUser(query.user, kind);
        const { resolveForgeUser } = await import("./web.ts");
        return resolveForgeUser(await this.#loadHttp(), query, kind);
      }
      case "url": {
        const { resolveUrl } = await import("./web.ts");
        return resolveUrl(await this.#loadHttp(), query.url, this.#options.headers);
      }
      case "file": {
        const { resolveFile } = await import("./file.ts");
        return resolveFile(query.path, this.#env);
      }
      case "age": {
        const { readAgeKey } = await import("./age-key.ts");
        const entry = await readAgeKey(query.recipient, 1, true);
        return { name: entry.fingerprint ?? `an identity of ${entry.type}`, source: "the key itself", keys: [entry] };
      }
      case "literal":
        break;
    }
    return { name: query.entry.fingerprint ?? "", source: "the key itself", keys: [query.entry] };
  }

  // What only the network needs is loaded when it is needed: most of a short run is loading.
  #loadHttp(): Promise<Http> {
    this.#http ??= (async () => {
      const [{ Http }, { proxiesOf }, { defaultCacheFolder }] = await Promise.all([
        import("./http.ts"),
        import("./settings.ts"),
        import("./cache.ts"),
      ]);
      const {
        cacheFolder = defaultCacheFolder(this.#env),
        timeout = DEFAULT_TIMEOUT,
        signal,
        allowHttp = false,
      } = this.#options;
      return new Http({ proxies: proxiesOf(this.#env), cacheFolder, timeout, signal, allowHttp });
    })();
    return this.#http;
  }

  #loadGitHub(): Promise<GitHub> {
    this.#github ??= (async () => {
      const [{ GitHub }, { gitHubServer }, http] = await Promise.all([
        import("./github.ts"),
        import("./settings.ts"),
        this.#loadHttp(),
      ]);
      return new GitHub(http, gitHubServer(this.#env));
    })();
    return this.#github;
  }
}
