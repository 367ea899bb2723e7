import type { X509Certificate } from "node:crypto";
import { lookup } from "node:dns/promises";
import { connect as connectTcp, isIP, Socket } from "node:net";
import { connect as connectTls, rootCertificates, type TLSSocket } from "node:tls";
import { proxyFor } from "../network/proxy.ts";
import { openTunnel, type TunnelOptions } from "../network/tunnel.ts";

/** Where a host is looked for. */
export interface ProbeTarget {
  /** The name that is asked for (SNI, RFC 6066 section 3). */
  readonly host: string;
  /** Connects to `ADDRESS` or `ADDRESS:PORT` instead of where the name leads. */
  readonly address?: string | undefined;
  /** 443 where left out. */
  readonly port?: number | undefined;
}

/** How a server is asked. */
export interface ProbeOptions {
  /** Milliseconds until a server that says nothing is given up; 10,000 where left out. */
  readonly timeout?: number;
  /** Certificates (PEM) that are trusted beside the public ones. */
  readonly trusted?: readonly string[];
  readonly signal?: AbortSignal;
}

/** Why no certificate was served. */
export type ProbeFailure =
  /** The name leads nowhere. */
  | "unresolved"
  | "refused"
  | "unreachable"
  /** Nothing came in time. */
  | "timeout"
  /** The connection was cut during the handshake. */
  | "reset"
  /** What answers does not speak TLS. */
  | "not-tls"
  /** It speaks TLS, and refused the handshake: often since it has no certificate for that name. */
  | "alert";

/** What a server served. */
export type Probe =
  | {
      readonly served: true;
      /** The IP address that answered; through a proxy, the name that it was asked for. */
      readonly address: string;
      /** What the server sent, its own first. */
      readonly chain: readonly X509Certificate[];
      /**
       * What keeps a client from trusting the chain, by OpenSSL's name, such as
       * `UNABLE_TO_VERIFY_LEAF_SIGNATURE`; null where nothing does.
       */
      readonly distrust: string | null;
    }
  | { readonly served: false; readonly failure: ProbeFailure; readonly message: string };

/**
 * Opens a TLS connection as a browser would, through the proxy that the environment names, and
 * tells what was served. It sends no request.
 *
 * @throws DeployError INVALID_PROXY
 */
export async function probe(target: ProbeTarget, options: ProbeOptions = {}): Promise<Probe> {
  const { host } = target;
  const { timeout = 10_000, trusted = [], signal } = options;
  const end = await endOf(target);
  if (end === null) return { served: false, failure: "unresolved", message: `the name ${host} leads to no address` };
  const socket = await connectTo(end, { timeout, signal });
  if (!(socket instanceof Socket)) return { served: false, failure: "unreachable", message: socket.message };
  const stop = (): void => {
    socket.destroy();
  };
  signal?.addEventListener("abort", stop, { once: true });
  try {
    return await handshake(
      socket,
      { host, timeout, ca: trusted.length === 0 ? undefined : [...rootCertificates, ...trusted] },
      end,
    );
  } finally {
    signal?.removeEventListener("abort", stop);
    socket.destroy();
  }
}

/** Where a connection goes. */
export interface End {
  /** An IP address; a name, where a proxy is to find it. */
  readonly address: string;
  readonly port: number;
  /** The proxy on the way; null where there is none. */
  readonly proxy: URL | null;
}

/**
 * Where a target leads to; null where its name leads nowhere.
 *
 * @throws DeployError INVALID_PROXY
 */
export async function endOf({ host, address, port: usual = 443 }: ProbeTarget): Promise<End | null> {
  const [, bracketed, plain, ownPort] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(address ?? "") ?? [];
  const name = (isIP(address ?? "") === 0 ? (bracketed ?? plain) : address) || host;
  const port = ownPort === undefined ? usual : Number(ownPort);
  const proxy = proxyFor(name, port, process.env);
  if (proxy !== null || isIP(name) !== 0) return { address: name, port, proxy };
  try {
    return { address: (await lookup(name)).address, port, proxy };
  } catch {
    return null;
  }
}

/** A connection, or why there is none. One that needs no proxy may still fail later. */
async function connectTo({ address, port, proxy }: End, options: TunnelOptions): Promise<Socket | Error> {
  if (proxy === null) return connectTcp({ host: address, port });
  try {
    return await openTunnel(proxy, { host: address, port }, options);
  } catch (error) {
    return error instanceof Error ? error : new Error("the proxy cannot be reached");
  }
}

function handshake(
  socket: Socket,
  { host, timeout, ca }: { host: string; timeout: number; ca: string[] | undefined },
  end: End,
): Promise<Probe> {
  return new Promise((resolve) => {
    let connected = end.proxy !== null;
    const fail = (failure: ProbeFailure, message: string): void => resolve({ served: false, failure, message });
    const where = `${end.address} port ${end.port}`;
    socket.once("connect", () => {
      connected = true;
    });
    const timer = setTimeout(
      () =>
        fail(
          "timeout",
          `${where} ${connected ? "took the connection and said nothing" : "did not answer"} within ${timeout} ms`,
        ),
      timeout,
    );
    const secured = connectTls({
      socket,
      ...(ca === undefined ? {} : { ca }),
      ...(isIP(host) === 0 ? { servername: host } : {}),
      // What is wrong with the chain is told, not thrown.
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
    });
    secured.once("secureConnect", () => {
      clearTimeout(timer);
      const chain = chainOf(secured);
      if (chain.length === 0) fail("alert", `${where} served no certificate`);
      else
        resolve({
          served: true,
          address: end.address,
          chain,
          distrust: secured.authorized ? null : String(secured.authorizationError),
        });
      secured.destroy();
    });
    secured.once("error", (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      const [failure, what] = failureOf(error.code ?? "", connected);
      fail(failure, `${where} ${what}`);
    });
    secured.once("close", () => {
      clearTimeout(timer);
      fail("reset", `${where} closed the connection during the handshake`);
    });
  });
}

function failureOf(code: string, connected: boolean): [failure: ProbeFailure, what: string] {
  if (code === "ECONNREFUSED") return ["refused", "refused the connection"];
  if (code === "ECONNRESET" || code === "EPIPE") {
    return connected ? ["reset", "cut the connection during the handshake"] : ["unreachable", "cannot be reached"];
  }
  if (code === "ERR_SSL_WRONG_VERSION_NUMBER" || code === "ERR_SSL_PACKET_LENGTH_TOO_LONG" || code === "EPROTO") {
    return ["not-tls", "does not speak TLS"];
  }
  if (code.startsWith("ERR_SSL_")) return ["alert", `refused the handshake (${code.slice("ERR_SSL_".length)})`];
  return ["unreachable", `cannot be reached (${code || "no reason given"})`];
}

/** The certificates that the server sent, without those that only this side knows. */
function chainOf(socket: TLSSocket): X509Certificate[] {
  const leaf = socket.getPeerX509Certificate();
  const chain: X509Certificate[] = [];
  for (let one = leaf; one !== undefined; one = one.issuerCertificate) {
    if (chain.some(({ fingerprint256 }) => fingerprint256 === one?.fingerprint256)) break;
    chain.push(one);
  }
  return chain;
}
