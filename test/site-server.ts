import { readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};

/** A web server of plain files. */
export interface FileServer {
  readonly url: string;
  close(): void;
}

/** Serves a folder on a free port of 127.0.0.1, as any host of static files does. */
export async function serveFolder(folder: string): Promise<FileServer> {
  const server = createServer((request, response) => {
    const name = decodeURIComponent((request.url ?? "/").replace(/[?#].*/, "")).replace(/\/$/, "/index.html");
    const file = join(folder, name);
    // A browser asks for it by itself.
    if (name === "/favicon.ico") return response.writeHead(204).end();
    if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) return response.writeHead(404).end();
    // The name of a script has its digest in it, so that a browser may keep it.
    const kept = name.startsWith("/assets/") ? { "Cache-Control": "max-age=3600" } : {};
    const type = { "Content-Type": TYPES[extname(file)] ?? "" };
    return response.writeHead(200, { ...type, ...kept }).end(readFileSync(file));
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("there is no port");
  return { url: `http://127.0.0.1:${address.port}`, close: () => void server.close() };
}
