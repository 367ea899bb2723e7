import { createServer as createTcpServer, type Server, type Socket } from "node:net";
import { createSecureContext, type SecureContext, TLSSocket } from "node:tls";
import type { MintedCertificate } from "./certificates.ts";
import { listen } from "./listen.ts";

/** What a server does with a connection. */
export type TlsBehaviour =
  /** It serves its certificates, and answers every request with `answer`. */
  | "serve"
  /** It takes the connection and says nothing. */
  | "hang"
  /** It cuts the connection once the client spoke. */
  | "reset"
  /** It answers in plain HTTP, as a server on port 80 does. */
  | "plain";

/** How a server is to be. */
export interface TlsServerOptions {
  /**
   * Which certificate is served for a name; the one under `*` for all others, and without it none:
   * the handshake is refused.
   */
  readonly certificates?: Readonly<Record<string, MintedCertificate>>;
  /** Whether only the certificate itself is sent, without those of its issuers. */
  readonly leafOnly?: boolean;
  readonly behaviour?: TlsBehaviour;
  /** The answer to a request for a path of a host: status and body; 200 `ok` where left out. */
  readonly answer?: (host: string, path: string) => { readonly status: number; readonly body: string };
}

/** A running TLS server. */
export interface TlsServer extends AsyncDisposable {
  /** `127.0.0.1:PORT`. */
  readonly address: string;
  /** The names that clients asked for (SNI), in their order. */
  readonly asked: readonly string[];
  close(): Promise<void>;
}

const PLAIN = "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/**
 * Starts a server on a free port of 127.0.0.1 that chooses its certificate by the name that is
 * asked for.
 */
export async function startTlsServer(options: TlsServerOptions): Promise<TlsServer> {
  const { certificates = {}, leafOnly = false, behaviour = "serve", answer } = options;
  const contexts = new Map<string, SecureContext>(
    Object.entries(certificates).map(([name, { key, certificate, chain }]) => [
      name,
      createSecureContext({ key, cert: leafOnly ? certificate : chain }),
    ]),
  );
  const asked: string[] = [];
  const open = new Set<Socket>();
  const serve = (socket: Socket): void => {
    const secured = new TLSSocket(socket, {
      isServer: true,
      SNICallback: (name, done) => {
        asked.push(name);
        done(null, contexts.get(name) ?? contexts.get("*"));
      },
    });
    secured.on("error", () => socket.destroy());
    secured.on("data", (request: Buffer) => {
      const text = request.toString();
      const path = /^\S+ (\S+)/.exec(text)?.[1] ?? "/";
      const host = /^host: *([^\r:]*)/im.exec(text)?.[1] ?? "";
      const { status, body } = answer?.(host, path) ?? { status: 200, body: "ok" };
      secured.end(
        `HTTP/1.1 ${status} Status\r\ncontent-type: text/plain\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
      );
    });
  };
  const behave: Readonly<Record<TlsBehaviour, (socket: Socket) => void>> = {
    serve,
    hang: () => {},
    reset: (socket) => socket.once("data", () => socket.resetAndDestroy()),
    plain: (socket) => socket.once("data", () => socket.end(PLAIN)),
  };
  const server: Server = createTcpServer((socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    socket.on("error", () => {});
    behave[behaviour](socket);
  });
  const { port } = await listen(server);
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of open) socket.destroy();
    });
  return { address: `127.0.0.1:${port}`, asked, close, [Symbol.asyncDispose]: close };
}
