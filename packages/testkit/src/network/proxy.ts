import { createServer, type IncomingMessage, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import type { MintedCertificate } from "./certificates.ts";
import { listen } from "./listen.ts";

/** How a proxy is to be. */
export interface ProxyOptions {
  /**
   * Where each host is, as `127.0.0.1:PORT`: names that this machine does not know lead somewhere
   * by the proxy alone.
   */
  readonly hosts: Readonly<Record<string, string>>;
  /** `NAME:PASSWORD`, without which nobody is let through; nobody is asked where it is left out. */
  readonly credentials?: string;
  /** Speaks TLS with its clients where it is given. */
  readonly certificate?: MintedCertificate;
}

/** A running proxy that opens connections (CONNECT), and does nothing else. */
export interface ConnectProxy extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, or https. */
  readonly url: string;
  /** What it was asked to connect to, as `HOST:PORT`, in that order, whether it did or not. */
  readonly asked: string[];
  /** It answers with this status instead of connecting, or not at all; null where it connects. */
  refusal: number | "silence" | null;
  close(): Promise<void>;
}

function refuse(socket: Duplex, status: number): void {
  socket.end(`HTTP/1.1 ${status} Status\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`);
}

/** Starts a proxy on a free port of 127.0.0.1. */
export async function startProxy({ hosts, credentials, certificate }: ProxyOptions): Promise<ConnectProxy> {
  const asked: string[] = [];
  const open = new Set<Duplex>();
  const expected = credentials === undefined ? undefined : `Basic ${Buffer.from(credentials).toString("base64")}`;
  const server: Server =
    certificate === undefined ? createServer() : createSecureServer({ key: certificate.key, cert: certificate.chain });
  server.on("connect", ({ url: target = "", headers }: IncomingMessage, socket: Duplex) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    socket.on("error", () => {});
    asked.push(target);
    if (proxy.refusal === "silence") return;
    if (proxy.refusal !== null) return refuse(socket, proxy.refusal);
    if (expected !== headers["proxy-authorization"]) return refuse(socket, 407);
    const [, host = "", port = ""] = /^(.*):(\d+)$/.exec(target) ?? [];
    const [, ownHost = host, ownPort = port] = /^(.*):(\d+)$/.exec(hosts[host] ?? "") ?? [];
    const upstream = connect(Number(ownPort), ownHost, () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      socket.pipe(upstream).pipe(socket);
    });
    open.add(upstream);
    upstream.on("close", () => socket.destroy());
    upstream.on("error", () => socket.destroy());
  });
  const { port } = await listen(server);
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
      for (const socket of open) socket.destroy();
    });
  const proxy: ConnectProxy = {
    url: `http${certificate === undefined ? "" : "s"}://127.0.0.1:${port}`,
    asked,
    refusal: null,
    close,
    [Symbol.asyncDispose]: close,
  };
  return proxy;
}
