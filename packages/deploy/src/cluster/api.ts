import { type Agent, request as httpsRequest, type RequestOptions } from "node:https";
import type { IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Credentials } from "./credentials.ts";
import { DeployError, type DeployErrorCode } from "../errors.ts";
import type { Kubeconfig } from "./kubeconfig.ts";
import { agentThrough, onAbort } from "../network/tunnel.ts";

/** A Kubernetes object, as the API server sends it. What is not looked at is not described. */
export interface KubernetesObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly generation?: number;
    readonly creationTimestamp?: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly { readonly kind: string; readonly name: string; readonly uid: string }[];
  };
}

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

/** Objects of a kind, and the version to watch from. */
export interface ObjectList<T> {
  readonly items: T[];
  readonly resourceVersion: string;
}

/** A change of an object. */
export interface WatchEvent<T> {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: T;
}

/** What the server answers where it does not do what it is asked for. */
interface Refusal {
  readonly message?: string;
  readonly reason?: string;
}

const ATTEMPTS = 5;
/** The longest wait between two attempts, in milliseconds. */
const MOST_WAIT = 10_000;
/** A request that is not answered for so long, in milliseconds, has failed. */
const SILENCE = 30_000;
/** For how many seconds the server is asked to go on with a watch. */
const WATCH_SECONDS = 240;

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

/** Talks to an API server, through a proxy where one is given, over TLS that is checked against the kubeconfig's authority alone. */
export class Api {
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

  /** An object, or what else lies at a path; null where there is none. */
  async get<T>(path: string, options: ReadOptions = {}): Promise<T | null> {
    const text = await this.text(path, options);
    return text === null ? null : this.#parse<T>(text);
  }

  /** The same as text, such as a log. */
  async text(path: string, options: ReadOptions = {}): Promise<string | null> {
    try {
      return await this.#retry(() => this.#once("GET", path, options), ATTEMPTS, options.signal);
    } catch (error) {
      if (error instanceof DeployError && error.code === "NO_SUCH_OBJECT") return null;
      throw error;
    }
  }

  /** All objects of a kind, in pages, and the version to watch from. */
  async list<T extends KubernetesObject>(path: string, options: ReadOptions = {}): Promise<ObjectList<T>> {
    interface Page {
      readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
      readonly items?: readonly T[] | null;
    }
    const items: T[] = [];
    for (let next = "", expired = 0; ;) {
      const query = { ...options.query, limit: "500", ...(next === "" ? {} : { continue: next }) };
      let page: Page | null;
      try {
        page = await this.get<Page>(path, { ...options, query });
      } catch (error) {
        if (next === "" || !(error instanceof DeployError) || error.status !== 410 || ++expired > 3) throw error;
        // The rest of a long list is not kept for ever: it is begun again.
        [next, items.length] = ["", 0];
        continue;
      }
      for (const item of page?.items ?? []) items.push(item);
      next = page?.metadata?.continue ?? "";
      if (next === "") return { items, resourceVersion: page?.metadata?.resourceVersion ?? "" };
    }
  }

  /** Changes after `resourceVersion`, until the server ends the watch. A 410 is an API_FAILED of that status: list anew. */
  async *watch<T extends KubernetesObject>(
    path: string,
    resourceVersion: string,
    options: ReadOptions = {},
  ): AsyncGenerator<WatchEvent<T>> {
    const query = { ...options.query, watch: "1", resourceVersion, timeoutSeconds: `${WATCH_SECONDS}` };
    const response = await this.#retry(
      () => this.#answer("GET", path, { ...options, query }),
      ATTEMPTS,
      options.signal,
    );
    let rest = "";
    try {
      for await (const chunk of response.setEncoding("utf8")) {
        const lines = (rest + String(chunk)).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) {
          if (line === "") continue;
          const event = this.#parse<{ type: string; object: T & Refusal & { code?: number } }>(line);
          if (event.type === "ERROR") throw this.#refusal(event.object.code ?? 500, event.object, path);
          if (event.type === "ADDED" || event.type === "MODIFIED" || event.type === "DELETED")
            yield { type: event.type, object: event.object };
        }
      }
    } catch (error) {
      if (error instanceof DeployError || options.signal?.aborted === true) throw this.#interruptedOr(error, options);
      // A connection that breaks is the end of this watch, and not of all.
    } finally {
      response.destroy();
    }
  }

  /** Changes something. It is tried again only where the server says that it did nothing. */
  async send<T>(path: string, { attempts = ATTEMPTS, ...sending }: Sending): Promise<T> {
    return this.#parse<T>(await this.#retry(() => this.#once(sending.method, path, sending), attempts, sending.signal));
  }

  close(): void {
    this.#agent.destroy();
  }

  async #retry<T>(act: () => Promise<T>, attempts: number, signal: AbortSignal | undefined): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await act();
      } catch (error) {
        if (!(error instanceof Transient)) throw this.#interruptedOr(error, { signal });
        if (attempt >= attempts) throw error.final;
        const wait = Math.min(error.after ?? 100 * 2 ** attempt * (0.5 + Math.random()), MOST_WAIT);
        await sleep(wait, undefined, { signal }).catch((stopped: unknown) => {
          throw this.#interruptedOr(stopped, { signal });
        });
      }
    }
  }

  async #once(method: string, path: string, options: ReadOptions | Sending): Promise<string> {
    const response = await this.#answer(method, path, options);
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of response) chunks.push(Buffer.from(chunk));
    } catch (cause) {
      throw this.#unreachable(cause, method);
    }
    return Buffer.concat(chunks).toString();
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
    const response = await this.#send(url, request, body);
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return response;
    const said = await textOf(response);
    const refusal = this.#refusal(status, refusalIn(said), path);
    const after = Number(response.headers["retry-after"] ?? Number.NaN) * 1000;
    // 429 is always before anything is done; a server error may be after.
    if (status === 429 || (status >= 500 && method === "GET"))
      throw new Transient(refusal, Number.isNaN(after) ? undefined : after);
    throw refusal;
  }

  #send(url: URL, options: RequestOptions, body: string | undefined): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const request = httpsRequest(url, options, resolve);
      request.setTimeout(SILENCE, () => request.destroy(new Error(`no answer for ${SILENCE / 1000} seconds`)));
      request.on("error", (cause) => reject(this.#unreachable(cause, options.method ?? "")));
      onAbort(request, options.signal, reject);
      request.end(body);
    });
  }

  #unreachable(cause: unknown, method: string): unknown {
    if (cause instanceof Error && cause.name === "AbortError") return cause;
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
    const why = tlsFailure(code) ?? this.#redact(cause instanceof Error ? cause.message : String(cause));
    const isTrust = TRUST.test(code);
    const error = new DeployError(
      "UNREACHABLE",
      isTrust
        ? `the cluster's certificate is not trusted: ${why}`
        : `the cluster at ${this.#kubeconfig.server} does not answer: ${why}`,
      { hint: isTrust ? "check certificate-authority-data in the kubeconfig" : undefined },
    );
    return method === "GET" && !isTrust ? new Transient(error) : error;
  }

  #refusal(status: number, { message, reason }: Refusal, path: string): DeployError {
    const [code, hint] = CODES.get(status) ?? ["API_FAILED"];
    const said = this.#redact(message ?? reason ?? "").slice(0, 1000);
    return new DeployError(code, `the cluster answers ${status} to ${path}${said === "" ? "" : `: ${said}`}`, {
      hint,
      status,
    });
  }

  #interruptedOr(error: unknown, { signal }: ReadOptions): unknown {
    return signal?.aborted === true ? new DeployError("INTERRUPTED", "interrupted before the cluster answered") : error;
  }

  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- what the API promises to send
  #parse<T>(text: string): T {
    try {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the API's own types; each field is optional to its readers
      return JSON.parse(text) as T;
    } catch {
      throw new DeployError("API_FAILED", "expected JSON from the cluster, got something else");
    }
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

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response) chunks.push(Buffer.from(chunk));
  } catch {
    // What came is enough to tell what was refused.
  }
  return Buffer.concat(chunks).toString();
}

function refusalIn(text: string): Refusal {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- both fields are optional
    return (JSON.parse(text) as Refusal | null) ?? {};
  } catch {
    return {};
  }
}
