import type { IncomingHttpHeaders } from "node:http";

/** An account. Everything may be changed while the server runs. */
export interface GitHubUser {
  /** Authentication keys, one `ssh-…` line each, without a comment, as GitHub keeps them. */
  keys?: string[];
  /** Keys that sign commits. */
  signingKeys?: string[];
  /** OpenPGP keys, ASCII-armored. */
  gpgKeys?: string[];
  /**
   * Whether the API has them in parts only, as of keys that were uploaded long ago: `raw_key` is
   * null.
   */
  gpgKeysInParts?: boolean;
  /**
   * The number that the account keeps when it is renamed; one made of the login where it is left
   * out.
   */
  id?: number;
  /** The name beside the login; null where the account has none. */
  name?: string | null;
}

/**
 * What the rate limit has left: it goes down with each answer of the API and is refused with 403 at
 * 0.
 */
export interface GitHubRate {
  limit: number;
  remaining: number;
  /** When it is full again, in seconds since 1970. */
  reset: number;
}

/** A request that came in. */
export interface GitHubRequest {
  readonly method: string;
  /** The path with its query, as sent. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

/** What the server knows: plain data, to be read and changed at any time. */
export interface GitHubState {
  /** Accounts by login. Logins are looked up without regard to case. */
  readonly users: Map<string, GitHubUser>;
  /** The logins of a team's members, by `org/team`. */
  readonly teams: Map<string, string[]>;
  /** The logins of an organisation's members, by its name, and which of them are public. */
  readonly members: Map<string, { readonly login: string; readonly public?: boolean }[]>;
  /** The tokens that are accepted. Any other is answered with 401; a team without one with 404. */
  readonly tokens: Set<string>;
  /**
   * Plain text by path, such as `/alice.keys`, for the answers of other forges and of plain web
   * servers.
   */
  readonly texts: Map<string, string>;
  /**
   * What goes wrong: the first that fits a request is applied, and goes away after its number of
   * times.
   */
  readonly faults: GitHubFault[];
  /** Every request so far, the refused ones too. */
  readonly requests: GitHubRequest[];
  readonly rate: GitHubRate;
}

/** What can go wrong with an answer. */
export type GitHubFaultKind =
  /** The primary rate limit, used up. GitHub sends 403 or 429. */
  | {
      readonly fault: "rate-limit";
      readonly status?: 403 | 429;
      /** Seconds until it is full again. */ readonly resetIn?: number;
    }
  /**
   * The limit on too many requests at once; `retryAfter` in seconds, null for an answer that does
   * not say.
   */
  | { readonly fault: "secondary-limit"; readonly status?: 403 | 429; readonly retryAfter?: number | null }
  /** The usual answer, late. */
  | { readonly fault: "delay"; readonly milliseconds: number }
  /** The connection is cut: before anything was sent, or in the middle of the body. */
  | { readonly fault: "drop"; readonly when: "before-headers" | "after-headers" }
  /** A body of so many bytes; announced by a Content-Length unless `chunked`. */
  | { readonly fault: "oversized"; readonly bytes: number; readonly chunked?: boolean }
  /** A body that never ends. */
  | { readonly fault: "endless" }
  /** Headers, and then silence. */
  | { readonly fault: "stall" }
  /** JSON cut off in the middle. */
  | { readonly fault: "broken-json" }
  /** A web page, as captive portals and proxies send. */
  | { readonly fault: "html"; readonly status?: number }
  | { readonly fault: "redirect"; readonly status?: 301 | 302 | 303 | 307 | 308; readonly location: string }
  /** Any answer at all. */
  | {
      readonly fault: "answer";
      readonly status: number;
      readonly headers?: Record<string, string>;
      readonly body?: string;
    };

/** A fault, where it strikes and how often. */
export type GitHubFault = GitHubFaultKind & {
  /** The path without its query that it strikes; every path where it is left out. */
  readonly on?: string | RegExp;
  /** How many requests it still strikes; all of them where it is left out. */
  times?: number;
};

/** The state that requests are answered from, and where the API lies. */
export interface GitHubSite extends GitHubState {
  readonly url: string;
  readonly prefix: string;
}
