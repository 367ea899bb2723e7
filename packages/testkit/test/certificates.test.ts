import { X509Certificate } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect, createSecureContext, createServer } from "node:tls";
import { describe, expect, test } from "vitest";
import { peer, run, temporaryFolder } from "../src/index.ts";
import { mintCertificate, type MintedCertificate } from "../src/network/index.ts";

const openssl = peer("openssl");
const DAY = 86_400_000;

/**
 * What openssl says of a certificate against the root and the intermediates that are sent along.
 */
async function verify(
  minted: MintedCertificate,
  options: { root: string; chain?: string },
  ...more: string[]
): Promise<string> {
  using folder = temporaryFolder();
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder.path, name), text);
    return join(folder.path, name);
  };
  const chain = options.chain === undefined ? [] : ["-untrusted", write("chain", options.chain)];
  const args = [
    "verify",
    "-x509_strict",
    "-CAfile",
    write("root", options.root),
    ...chain,
    ...more,
    write("leaf", minted.certificate),
  ];
  const { stdout, stderr } = await run(openssl.path, args);
  return stdout.toString() + stderr;
}

describe("minted certificates", () => {
  test.each([-1, 6, 20, 90])("end in %i days", async (days) => {
    const { certificate, notAfter, notBefore } = await mintCertificate({ names: ["a.example", "127.0.0.1"], days });
    const read = new X509Certificate(certificate);
    expect(Math.abs(Date.parse(read.validTo) - (Date.now() + days * DAY))).toBeLessThan(10_000);
    expect(Date.parse(read.validTo)).toBe(notAfter.getTime());
    expect(Date.parse(read.validFrom)).toBe(notBefore.getTime());
    expect(notBefore.getTime()).toBeLessThan(Date.now());
    expect(read.subjectAltName).toBe("DNS:a.example, IP Address:127.0.0.1");
  });

  test.skipIf(openssl.missing)(`${openssl.label} accepts a whole chain, and nothing less`, async () => {
    const root = await mintCertificate({ commonName: "root", authority: true });
    const between = await mintCertificate({ commonName: "between", authority: true, issuer: root });
    const leaf = await mintCertificate({ names: ["a.example"], issuer: between });
    const past = await mintCertificate({ names: ["a.example"], issuer: between, days: -1 });
    const trust = { root: root.certificate, chain: between.certificate };
    expect(await verify(leaf, trust, "-verify_hostname", "a.example")).toMatch(/: OK\n$/);
    expect(await verify(leaf, trust, "-verify_hostname", "b.example")).toContain("hostname mismatch");
    expect(await verify(leaf, { root: root.certificate })).toContain("unable to get local issuer certificate");
    expect(await verify(past, trust)).toContain("certificate has expired");
    expect(leaf.root).toBe(root.certificate);
    expect(leaf.chain).toBe(leaf.certificate + between.certificate);
  });

  test("serve two names by SNI", async () => {
    const root = await mintCertificate({ commonName: "root", authority: true });
    const [own, shared] = await Promise.all(
      ["*.ovh.example", "hub.example"].map((name) => mintCertificate({ names: [name], issuer: root })),
    );
    const contextOf = (minted: MintedCertificate | undefined) => ({ key: minted?.key, cert: minted?.chain });
    const server = createServer({
      ...contextOf(own),
      SNICallback: (name, done) => done(null, createSecureContext(contextOf(name === "hub.example" ? shared : own))),
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const served = (servername: string): Promise<string | undefined> =>
      new Promise((resolve, reject) => {
        const socket = connect({ port, host: "127.0.0.1", servername, ca: root.certificate }, () => {
          resolve(socket.getPeerX509Certificate()?.subjectAltName);
          socket.destroy();
        });
        socket.on("error", reject);
      });
    expect(await served("hub.example")).toBe("DNS:hub.example");
    expect(await served("a.ovh.example")).toBe("DNS:*.ovh.example");
    await expect(served("other.example")).rejects.toThrow(/does not match certificate/);
    await new Promise((resolve) => server.close(resolve));
  });
});
