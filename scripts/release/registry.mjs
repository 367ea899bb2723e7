// A registry of npm's protocol, for rehearsals: it keeps what is published in memory, and sends all
// other questions to the registry that npm is set up with.
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { run } from "./common.mjs";

/**
 * Starts it on a free port of this machine alone.
 *
 * @returns its address, which ends with a slash; the versions that were published, `name@version`;
 * and what ends it
 */
export async function startRegistry() {
  const elsewhere = run("npm", ["config", "get", "registry"]).trim().replace(/\/$/, "");
  const packages = new Map();
  const files = new Map();
  const server = createServer((request, response) => {
    const send = (status, body, type = "application/json") =>
      response.writeHead(status, { "content-type": type }).end(body);
    const name = decodeURIComponent(new URL(request.url, "http://localhost").pathname.slice(1));
    if (request.method === "PUT") {
      const chunks = [];
      request.on("data", (chunk) => chunks.push(chunk));
      request.on("end", () => {
        const refused = publish(JSON.parse(Buffer.concat(chunks).toString()), `http://${request.headers.host}/`);
        send(refused === null ? 201 : 409, JSON.stringify(refused === null ? { ok: true } : { error: refused }));
      });
    } else if (files.has(name)) send(200, files.get(name), "application/octet-stream");
    else if (packages.has(name)) send(200, JSON.stringify(packages.get(name)));
    else if (name.startsWith("@git-vault/") || name === "git-vault") send(404, '{"error":"not found"}');
    else response.writeHead(307, { location: `${elsewhere}${request.url}` }).end();
  });

  /** What `npm publish` sends: a packument of one version, with its tarball. A version is final. */
  function publish({ name, versions, "dist-tags": tags, _attachments: attachments }, address) {
    const known = packages.get(name) ?? { name, versions: {}, "dist-tags": {} };
    for (const [version, manifest] of Object.entries(versions)) {
      if (Object.hasOwn(known.versions, version)) return `${name}@${version} is there already`;
      const bytes = Buffer.from(Object.values(attachments)[0].data, "base64");
      const integrity = `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
      const file = `-/${name.replace("/", "+")}-${version}.tgz`;
      files.set(file, bytes);
      const shasum = createHash("sha1").update(bytes).digest("hex");
      known.versions[version] = { ...manifest, dist: { integrity, shasum, tarball: `${address}${file}` } };
    }
    packages.set(name, { ...known, "dist-tags": { ...known["dist-tags"], ...tags } });
    return null;
  }

  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `http://127.0.0.1:${server.address().port}/`,
    published: () =>
      [...packages].flatMap(([name, { versions }]) => Object.keys(versions).map((version) => `${name}@${version}`)),
    close: () => server.close(),
  };
}
