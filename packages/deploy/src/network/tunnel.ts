import { setMaxListeners } from "node:events";
import { type IncomingMessage, request as httpRequest } from "node:http";
import { Agent, type AgentOptions, request as httpsRequest, type RequestOptions } from "node:https";
import { isIP, isIPv6, type Socket } from "node:net";
import type { Duplex } from "node:stream";

/** How a way through a proxy is asked for. */
export interface TunnelOptions {
  /** Milliseconds until a proxy that says nothing is given up. */
  readonly timeout: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens a connection to a host through a proxy (CONNECT, RFC 9110 section 9.3.6). Rejects with an
 * Error that tells what the proxy said; no name or password of the proxy's is in it.
 *
 * It is Node's own CONNECT: https-proxy-agent hands a proxy's refusal on as if the server had
 * answered, and a 404 of a cluster means that an object is not there.
 */
export function openTunnel(
  proxy: URL,
  { host, port }: { readonly host: string; readonly port: number },
  { timeout, signal }: TunnelOptions,
): Promise<Socket> {
  const target = `${isIPv6(host) ? `[${host}]` : host}:${port}`;
  const isSecure = proxy.protocol === "https:";
  const name = proxy.hostname.replace(/^\[(.*)\]$/, "$1");
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => reject(new Error(`the proxy ${proxy.host} ${why}`));
    const request = (isSecure ? httpsRequest : httpRequest)({
      host: name,
      // Else it would be taken from the header, which names where the way is to lead.
      servername: isIP(name) === 0 ? name : "",
      port: proxy.port === "" ? (isSecure ? 443 : 80) : proxy.port,
      method: "CONNECT",
      path: target,
      headers: { host: target, "user-agent": "git-vault", ...authorizationFor(proxy) },
      agent: false,
      signal,
    });
    const timer = setTimeout(() => {
      fail(`said nothing within ${timeout} ms`);
      request.destroy();
    }, timeout);
    request.on("error", (cause) => {
      clearTimeout(timer);
      if (signal?.aborted === true) reject(cause);
      else fail(`cannot be reached: ${cause.message}`);
    });
    request.on("connect", ({ statusCode = 0 }, socket, head) => {
      clearTimeout(timer);
      if (statusCode >= 200 && statusCode < 300) {
        if (head.length > 0) socket.unshift(head);
        return resolve(socket);
      }
      socket.destroy();
      const asks = statusCode === 407 ? ": it asks for a user name and a password" : "";
      fail(`does not open the way to ${target} (${statusCode})${asks}`);
    });
    request.end();
  });
}

function authorizationFor({ username, password }: URL): Record<string, string> {
  if (username === "" && password === "") return {};
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { "proxy-authorization": `Basic ${Buffer.from(credentials).toString("base64")}` };
}

/** Makes https connections, through a proxy if there is one, with TLS end to end. */
export const agentThrough = (proxy: URL | null, options: AgentOptions, timeout: number): Agent =>
  proxy === null ? new Agent(options) : new TunnelAgent(proxy, options, timeout);

type Connected = (error: Error | null, stream: Duplex) => void;

/** A connection can be made within another one, which Node's type of a request does not say. */
type TlsRequestOptions = RequestOptions & { readonly socket: Socket };

class TunnelAgent extends Agent {
  readonly #proxy: URL;
  readonly #timeout: number;
  readonly #end = new AbortController();

  constructor(proxy: URL, options: AgentOptions, timeout: number) {
    super(options);
    this.#proxy = proxy;
    this.#timeout = timeout;
    // As many connections as the agent may open wait for it; Node warns of more than ten.
    setMaxListeners(0, this.#end.signal);
  }

  override createConnection(options: RequestOptions, done?: Connected): undefined {
    void this.#connect(options, done);
  }

  async #connect(options: RequestOptions, done: Connected | undefined): Promise<void> {
    const end = { host: options.host ?? "", port: Number(options.port) };
    let secured: Duplex | null | undefined;
    try {
      const socket = await openTunnel(this.#proxy, end, { timeout: this.#timeout, signal: this.#end.signal });
      const within: TlsRequestOptions = { ...options, socket };
      secured = super.createConnection(within);
    } catch (error) {
      // What failed has no stream, whatever the type says.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      return done?.(error as Error, undefined as unknown as Duplex);
    }
    if (secured) done?.(null, secured);
  }

  override destroy(): void {
    this.#end.abort();
    super.destroy();
  }
}

/** What is sent, and for how long an answer is waited for. */
export interface RequestExtras {
  readonly body?: string | undefined;
  /** Milliseconds in which nothing comes before it is given up; no limit where left out. */
  readonly silence?: number;
}

/**
 * The answer to an https request, once its head is there. Interrupted by the request's signal, it
 * rejects at once with the reason: the request's own error comes only once it has a connection, and
 * a proxy may take long to open one.
 */
export function ask(options: RequestOptions, { body, silence }: RequestExtras = {}): Promise<IncomingMessage> {
  const { signal } = options;
  return new Promise((resolve, reject) => {
    const sent = httpsRequest(options, resolve);
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- it is what the caller gave
    const stop = (): void => reject(signal?.reason);
    signal?.addEventListener("abort", stop, { once: true });
    sent.once("close", () => signal?.removeEventListener("abort", stop));
    if (silence !== undefined)
      sent.setTimeout(silence, () => sent.destroy(new Error(`no answer for ${silence / 1000} seconds`)));
    sent.on("error", reject);
    sent.end(body);
  });
}
