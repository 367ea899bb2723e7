import { AnswerCache, type CacheKey } from "./cache.ts";
import { DirectoryError } from "./errors.ts";
import { isDropped, networkError } from "./network-error.ts";
import { isLoopback, type Proxies } from "./settings.ts";
import { proxiedFetch, proxiesFor, type RawAnswer, type Transport } from "./transport.ts";

/** How requests are made. */
export interface HttpOptions {
  readonly proxies: Proxies | null;
  /** null to keep no answers. */
  readonly cacheFolder: string | null;
  /** Milliseconds for one request, from the connection to the end of the body. */
  readonly timeout: number;
  readonly signal: AbortSignal | undefined;
  /** Whether plain http may leave this machine. */
  readonly allowHttp: boolean;
}

/** What is asked for. */
export interface HttpRequest {
  readonly accept: string;
  /** Sent as a bearer token, also after a redirect, which stays on the same origin. */
  readonly token?: string | undefined;
  /** Sent too, also after a redirect. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Whether the answer may be kept on disk; true where it is left out. */
  readonly keep?: boolean;
}

/** A whole answer. */
export interface HttpAnswer {
  readonly status: number;
  /** Where it came from, after redirects. */
  readonly url: URL;
  readonly headers: { get(name: string): string | null };
  /** At most 1 MiB. */
  readonly body: Buffer;
}

const MAX_BODY = 1024 * 1024;
const MAX_REDIRECTS = 3;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** Leaves an answer's body unread, so that its connection is let go. */
async function discard({ body }: RawAnswer): Promise<void> {
  await body?.[Symbol.asyncIterator]().return?.();
}

async function readBody({ body }: RawAnswer, url: URL): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop cancels what is left of the body.
  for await (const chunk of body ?? []) {
    size += chunk.length;
    if (size > MAX_BODY)
      throw new DirectoryError("BAD_ANSWER", `${url.host} answered with more than ${MAX_BODY} bytes`, {
        hint: "check that the address is one of public keys",
      });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The only way to the network: bounded time and size, cached by ETag, one origin. */
export class Http {
  readonly #options: HttpOptions;
  readonly #cache: AnswerCache;
  #proxied: Promise<Transport> | undefined;

  constructor(options: HttpOptions) {
    this.#options = options;
    this.#cache = new AnswerCache(options.cacheFolder);
  }

  /**
   * Gets what lies at `url`, whatever the status.
   *
   * @throws DirectoryError `NETWORK`; `BAD_ANSWER` for more than 1 MiB and for a redirect that
   * leaves the origin or is the fourth; `PLAIN_HTTP`; the signal's reason where it was aborted
   */
  async get(url: URL, request: HttpRequest): Promise<HttpAnswer> {
    // A redirect stays on the origin, and so on its scheme and host.
    this.#assertProtected(url);
    let at = url;
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
      const answer = await this.#revalidate(at, request);
      const location = answer.headers.get("location");
      if (!REDIRECTS.has(answer.status) || location === null) return answer;
      const next = URL.canParse(location, at.href) ? new URL(location, at) : undefined;
      if (next?.origin !== url.origin) {
        throw new DirectoryError("BAD_ANSWER", `${url.host} redirected to another server, which is not followed`, {
          hint: "give the address where the keys really are",
        });
      }
      at = next;
    }
    throw new DirectoryError("BAD_ANSWER", `${url.host} redirected more than ${MAX_REDIRECTS} times`, {
      hint: "give the address where the keys really are",
    });
  }

  #assertProtected(url: URL): void {
    if (url.protocol === "https:" || isLoopback(url) || this.#options.allowHttp) return;
    throw new DirectoryError("PLAIN_HTTP", `expected https for ${url.host}, got http`, {
      hint: "over http anybody on the way can put in their own keys: write https://",
    });
  }

  /** Asks whether a kept answer is still the same, and gets the new one where it is not. */
  async #revalidate(url: URL, { accept, token, headers: more, keep = true }: HttpRequest): Promise<HttpAnswer> {
    const key: CacheKey = { url: url.href, accept, token };
    const kept = keep ? await this.#cache.read(key) : null;
    const answer = await this.#getTwice(url, {
      ...more,
      accept,
      "user-agent": "git-vault",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(kept === null ? {} : { "if-none-match": kept.etag }),
    });
    if (answer.status === 304 && kept !== null) {
      const headers = new Map([
        ["content-type", kept.contentType],
        ["link", kept.link],
      ]);
      return { status: 200, url, headers: { get: (name) => headers.get(name) ?? null }, body: kept.body };
    }
    const etag = answer.headers.get("etag");
    if (keep && answer.status === 200 && etag !== null) {
      const contentType = answer.headers.get("content-type") ?? "";
      await this.#cache.write(key, { etag, contentType, link: answer.headers.get("link") ?? "", body: answer.body });
    }
    return answer;
  }

  /** Tries a second time where the connection was dropped. */
  async #getTwice(url: URL, headers: Record<string, string>): Promise<HttpAnswer> {
    try {
      return await this.#getOnce(url, headers);
    } catch (error) {
      if (!(error instanceof DirectoryError && isDropped(error.cause))) throw error;
      return this.#getOnce(url, headers);
    }
  }

  async #getOnce(url: URL, headers: Record<string, string>): Promise<HttpAnswer> {
    const { timeout, signal } = this.#options;
    const proxies = proxiesFor(url, this.#options.proxies);
    signal?.throwIfAborted();
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    const timer = setTimeout(abort, timeout);
    signal?.addEventListener("abort", abort, { once: true });
    try {
      // Most runs have no proxy, and so need not load undici.
      const transport = proxies === null ? fetch : await (this.#proxied ??= proxiedFetch(proxies));
      const answer = await transport(url.href, { headers, redirect: "manual", signal: controller.signal });
      if (REDIRECTS.has(answer.status)) await discard(answer);
      const body = REDIRECTS.has(answer.status) ? Buffer.alloc(0) : await readBody(answer, url);
      return { status: answer.status, url, headers: answer.headers, body };
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof DirectoryError) throw error;
      if (!controller.signal.aborted) throw networkError(error, url, proxies !== null);
      throw new DirectoryError("NETWORK", `${url.host} did not answer within ${timeout / 1000} seconds`, {
        hint: "check the connection and try again",
        cause: error,
      });
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    }
  }
}
