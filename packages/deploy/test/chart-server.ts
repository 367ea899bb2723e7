import { createHash } from "node:crypto";
import { createServer, type Server } from "node:http";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { runOk, temporaryFolder } from "@git-vault/testkit";

/** A server of charts, by HTTP as `helm repo` has it and by OCI's distribution specification. */
export interface ChartServer extends AsyncDisposable {
  /** The repository, for HTTP. */
  readonly http: string;
  /** The same for OCI. */
  readonly oci: string;
  /** Packs a chart and publishes it, also over one that was published before; gives its archive. */
  publish(name: string, version: string, files?: Readonly<Record<string, string>>): Promise<Buffer>;
  /** What was asked for. */
  readonly requests: string[];
  /** Answers everything with this status from now on; with 0, nothing is answered at all. */
  fail(status: number): void;
}

const digestOf = (bytes: Buffer): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

/** A token that is given to everybody who asks, as public registries do. */
const TOKEN = "for-everybody";

/**
 * Starts one on a port of this machine. `helm` packs the charts. OCI's part of it wants a token
 * that anybody can have.
 */
export async function startChartServer(helm: string): Promise<ChartServer> {
  const archives = new Map<string, Buffer>();
  const blobs = new Map<string, Buffer>();
  const manifests = new Map<string, Buffer>();
  const requests: string[] = [];
  let failure: number | undefined;
  const server: Server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://x");
    requests.push(`${request.method} ${pathname}`);
    if (failure === 0) return;
    if (failure !== undefined) {
      response.statusCode = failure;
      response.end();
      return;
    }
    if (pathname.startsWith("/v2/") && request.headers.authorization !== `Bearer ${TOKEN}`) {
      response.statusCode = 401;
      response.setHeader("www-authenticate", `Bearer realm="${origin()}/token",service="charts"`);
      response.end();
      return;
    }
    const manifest = manifests.get(/^\/v2\/charts\/(.*)$/.exec(pathname)?.[1]?.replace("/manifests/", " ") ?? "");
    if (manifest !== undefined) {
      response.setHeader("content-type", "application/vnd.oci.image.manifest.v1+json");
      response.setHeader("docker-content-digest", digestOf(manifest));
    }
    const found =
      manifest ??
      (pathname === "/v2/" ? Buffer.from("{}") : undefined) ??
      blobs.get(/\/blobs\/(.*)$/.exec(pathname)?.[1] ?? "") ??
      (pathname === "/token" ? Buffer.from(JSON.stringify({ token: TOKEN })) : undefined) ??
      tags(/^\/v2\/charts\/(.*)\/tags\/list$/.exec(pathname)?.[1]) ??
      (pathname === "/index.yaml" ? Buffer.from(index()) : undefined) ??
      archives.get(pathname.slice(1));
    response.statusCode = found === undefined ? 404 : 200;
    response.setHeader("content-length", found?.length ?? 0);
    response.end(request.method === "HEAD" ? undefined : found);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  const origin = (): string => `http://127.0.0.1:${port}`;
  const published = (): { name: string; version: string; file: string }[] =>
    [...archives.keys()].map((file) => {
      const [, name = "", version = ""] = /^(.*?)-(\d.*)\.tgz$/.exec(file) ?? [];
      return { name, version, file };
    });
  const index = (): string => {
    const entries: Record<string, object[]> = {};
    for (const { name, version, file } of published())
      (entries[name] ??= []).push({ apiVersion: "v2", name, version, urls: [`${origin()}/${file}`] });
    return JSON.stringify({ apiVersion: "v1", entries });
  };
  const tags = (wanted: string | undefined): Buffer | undefined => {
    const versions = published().filter(({ name }) => name === wanted);
    if (wanted === undefined || versions.length === 0) return undefined;
    return Buffer.from(JSON.stringify({ name: `charts/${wanted}`, tags: versions.map(({ version }) => version) }));
  };

  return {
    fail: (status) => {
      failure = status;
    },
    http: origin(),
    oci: `oci://127.0.0.1:${port}/charts`,
    requests,
    publish: async (name, version, files = {}) => {
      using folder = temporaryFolder();
      const chart = join(folder.path, name);
      const all = { "Chart.yaml": `apiVersion: v2\nname: ${name}\nversion: ${version}\n`, ...files };
      for (const [path, text] of Object.entries(all)) {
        mkdirSync(join(chart, path, ".."), { recursive: true });
        writeFileSync(join(chart, path), text);
      }
      await runOk(helm, ["package", chart, "--destination", folder.path], { env: { HOME: folder.path } });
      const archive = readFileSync(join(folder.path, `${name}-${version}.tgz`));
      archives.set(`${name}-${version}.tgz`, archive);
      const config = Buffer.from(JSON.stringify({ apiVersion: "v2", name, version }));
      for (const blob of [archive, config]) blobs.set(digestOf(blob), blob);
      const describe = (mediaType: string, blob: Buffer): object => ({
        mediaType,
        digest: digestOf(blob),
        size: blob.length,
      });
      const manifest = Buffer.from(
        JSON.stringify({
          schemaVersion: 2,
          mediaType: "application/vnd.oci.image.manifest.v1+json",
          config: describe("application/vnd.cncf.helm.config.v1+json", config),
          layers: [describe("application/vnd.cncf.helm.chart.content.v1.tar+gzip", archive)],
        }),
      );
      manifests.set(`${name} ${version}`, manifest);
      manifests.set(`${name} ${digestOf(manifest)}`, manifest);
      return archive;
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
