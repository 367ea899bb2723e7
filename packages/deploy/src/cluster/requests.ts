import type { Agent, RequestOptions } from "node:https";
import type { IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { urlToHttpOptions } from "node:url";
import type { Credentials } from "./credentials.ts";
import { DeployError, type DeployErrorCode } from "../errors.ts";
import type { Kubeconfig } from "./kubeconfig.ts";
import { agentThrough, ask } from "../network/tunnel.ts";
import { readJson, textAt } from "../values/value.ts";

/** How something is asked for. */
export interface ReadOptions {
  /** Parts of the query, such as `labelSelector`. */
  readonly query?: Readonly<Record<string, string>>;
  /** `application/json` where left out. */
  readonly accept?: string;
  readonly signal?: AbortSignal | undefined;
}

/** What is sent. */
export interface Sending extends ReadOptions {
  readonly method: "POST" | "PUT" | "PATCH" | "DELETE";
  readonly body?: unknown;
  /** `application/json` where left out; a PATCH says which kind it is. */
  readonly contentType?: string;
  /** How often it is tried where the server is busy (429); 5 where left out. */
  readonly attempts?: number;
}

/** What the server answers where it does not do what it is asked for. */
export interface Refusal {
  readonly message?: string;
  readonly reason?: string;
}

const ATTEMPTS = 5;
/** The longest wait between two attempts, in milliseconds. */
const MOST_WAIT = 10_000;
/** What an answer may have at most, in bytes: a list comes in parts, of 500 objects each. */
const MOST_ANSWER = 256 * 1024 * 1024;
/** So of a refusal: the reason of a longer one is not told. */
const MOST_REFUSAL = 1024 * 1024;
/** A request that is not answered for so long, in milliseconds, has failed. */
const SILENCE = 30_000;

/** An error that trying again may mend; after how many milliseconds, where the server says so. */
class Transient extends Error {
  readonly after: number | undefined;
  readonly final: DeployError;

  constructor(final: DeployError, after?: number) {
    super(final.message);
    this.final = final;
    this.after = after;
  }
}

/**
 * Requests to an API server, through a proxy where one is given, over TLS that is checked against
 * the kubeconfig's authority alone. What may pass by itself is tried again; what is refused is a
 * DeployError.
 */
export class Requests {
  readonly #kubeconfig: Kubeconfig;
  readonly #credentials: Credentials;
  readonly #redact: (text: string) => string;
  readonly #agent: Agent;

  constructor(kubeconfig: Kubeconfig, credentials: Credentials, proxy: URL | null, redact: (text: string) => string) {
    this.#kubeconfig = kubeconfig;
    this.#credentials = credentials;
    this.#redact = redact;
    this.#agent = agentThrough(proxy, { keepAlive: true, maxSockets: 16 }, SILENCE);
  }

  /** The answer to a request, as text. */
  text(method: string, path: string, options: ReadOptions | Sending, attempts: number = ATTEMPTS): Promise<string> {
    return this.#retry(() => this.#once(method, path, options), attempts, options.signal);
  }

  /** What a refusal is as an error: the server's reason, without secrets. */
  #refusal(status: number, { message, reason }: Refusal, path: string): DeployError {
    const [code, hint] = CODES.get(status) ?? ["API_FAILED"];
    const said = this.#redact(message || reason || "").slice(0, 1000);
    return new DeployError(code, `the cluster answers ${status} to ${path}${said === "" ? "" : `: ${said}`}`, {
      hint,
      status,
    });
  }

  /** An error, or what is thrown in its place where the run was interrupted. */
  interruptedOr(error: unknown, { signal }: ReadOptions): unknown {
    return signal?.aborted === true ? new DeployError("INTERRUPTED", "interrupted before the cluster answered") : error;
  }

  close(): void {
    this.#agent.destroy();
  }

  async #retry<T>(act: () => Promise<T>, attempts: number, signal: AbortSignal | undefined): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await act();
      } catch (error) {
        if (!(error instanceof Transient)) throw this.interruptedOr(error, { signal });
        if (attempt >= attempts) throw error.final;
        const wait = Math.min(error.after ?? 100 * 2 ** attempt * (0.5 + Math.random()), MOST_WAIT);
        await sleep(wait, undefined, { signal }).catch((stopped: unknown) => {
          throw this.interruptedOr(stopped, { signal });
        });
      }
    }
  }

  async #once(method: string, path: string, options: ReadOptions | Sending): Promise<string> {
    const response = await this.#answer(method, path, options);
    return textOf(response).catch((cause: unknown) => {
      throw cause instanceof DeployError ? cause : this.#unreachable(cause, method);
    });
  }

  /** The answer to one request, once it is known to be no refusal. */
  async #answer(method: string, path: string, options: ReadOptions | Sending): Promise<IncomingMessage> {
    const { token, certificate, key } = await this.#credentials.get();
    const { server, authority, serverName } = this.#kubeconfig;
    const url = new URL(server + path);
    for (const [name, value] of Object.entries(options.query ?? {})) url.searchParams.set(name, value);
    const body = "body" in options ? JSON.stringify(options.body) : undefined;
    const contentType = ("contentType" in options ? options.contentType : undefined) ?? "application/json";
    const request: RequestOptions = {
      ...urlToHttpOptions(url),
      method,
      agent: this.#agent,
      ca: authority ?? undefined,
      cert: certificate,
      key,
      servername: serverName ?? undefined,
      signal: options.signal,
      headers: {
        accept: options.accept ?? "application/json",
        "user-agent": "git-vault",
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { "content-type": contentType, "content-length": `${Buffer.byteLength(body)}` }),
      },
    };
    const response = await ask(request, { body, silence: SILENCE }).catch((cause: unknown) => {
      throw options.signal?.aborted === true ? cause : this.#unreachable(cause, method);
    });
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return response;
    const refusal = this.#refusal(status, refusalIn(await textOf(response, MOST_REFUSAL).catch(() => "")), path);
    const after = Number(response.headers["retry-after"] ?? Number.NaN) * 1000;
    // 429 is always before anything is done; a server error may be after.
    if (status === 429 || (status >= 500 && method === "GET"))
      throw new Transient(refusal, Number.isNaN(after) ? undefined : after);
    throw refusal;
  }

  #unreachable(cause: unknown, method: string): unknown {
    if (cause instanceof Error && cause.name === "AbortError") return cause;
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
    const why = tlsFailure(code) ?? this.#redact(cause instanceof Error ? cause.message : String(cause));
    if (TRUST.test(code)) {
      const hint = "check certificate-authority-data in the kubeconfig";
      return new DeployError("UNREACHABLE", `the cluster's certificate is not trusted: ${why}`, { hint });
    }
    const error = new DeployError("UNREACHABLE", `the cluster at ${this.#kubeconfig.server} does not answer: ${why}`);
    return method === "GET" ? new Transient(error) : error;
  }
}

const TRUST = /^(?:CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|ERR_TLS_CERT)/;

/** OpenSSL's own words name its source files. */
function tlsFailure(code: string): string | undefined {
  if (/^(?:ERR_SSL_WRONG_VERSION_NUMBER|ERR_SSL_PACKET_LENGTH_TOO_LONG|EPROTO)$/.test(code))
    return "what is there does not speak TLS";
  return code.startsWith("ERR_SSL_") ? `it refused the TLS handshake (${code.slice("ERR_SSL_".length)})` : undefined;
}

const CODES = new Map<number, [DeployErrorCode, string?]>([
  [
    401,
    ["UNAUTHORIZED", "the credential in the kubeconfig is not, or no longer, valid: its certificate may have expired"],
  ],
  [403, ["FORBIDDEN", "give the kubeconfig's user that right in the cluster"]],
  [404, ["NO_SUCH_OBJECT"]],
  [409, ["CONFLICT"]],
  [429, ["TOO_MANY_REQUESTS"]],
]);

/** @throws DeployError API_FAILED for one that is too large */
async function textOf(response: IncomingMessage, most = MOST_ANSWER): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > most) throw new DeployError("API_FAILED", `the cluster answers with more than ${most} bytes`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString();
}

function refusalIn(text: string): Refusal {
  const answer = readJson(text);
  return { message: textAt(answer, "message"), reason: textAt(answer, "reason") };
}
