import { mintCertificate, type MintedCertificate, startTlsServer, type TlsBehaviour } from "@git-vault/testkit/network";
import { beforeAll, describe, expect, test } from "vitest";
import { probe } from "../src/verify/probe.ts";

let root: MintedCertificate;
let issuer: MintedCertificate;
let wildcard: MintedCertificate;
let shared: MintedCertificate;

beforeAll(async () => {
  root = await mintCertificate({ commonName: "Test Root", authority: true, days: 3650 });
  issuer = await mintCertificate({ commonName: "Test R1", authority: true, days: 1000, issuer: root });
  wildcard = await mintCertificate({ names: ["*.ovh.example.org"], issuer });
  shared = await mintCertificate({ names: ["gke.example.org"], issuer });
});

describe("what a server serves", () => {
  test("is asked for by name, and two certificates on one address are told apart", async () => {
    await using server = await startTlsServer({ certificates: { "gke.example.org": shared, "*": wildcard } });
    const trusted = [root.certificate];
    const own = await probe({ host: "hub.ovh.example.org", address: server.address }, { trusted });
    const other = await probe({ host: "gke.example.org", address: server.address }, { trusted });
    expect(own).toMatchObject({ served: true, distrust: null, address: "127.0.0.1" });
    expect(other).toMatchObject({ served: true, distrust: null });
    if (!own.served || !other.served) throw new Error("unreachable");
    expect(own.chain.map(({ subject }) => subject)).toEqual(["CN=*.ovh.example.org", "CN=Test R1"]);
    expect(other.chain[0]?.subject).toBe("CN=gke.example.org");
    expect(server.asked).toEqual(["hub.ovh.example.org", "gke.example.org"]);
  });

  test("is not trusted where the issuer is unknown or its certificate is not sent", async () => {
    await using whole = await startTlsServer({ certificates: { "*": shared } });
    await using leaf = await startTlsServer({ certificates: { "*": shared }, leafOnly: true });
    const host = "gke.example.org";
    expect(await probe({ host, address: whole.address })).toMatchObject({
      distrust: "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
    });
    expect(await probe({ host, address: leaf.address }, { trusted: [root.certificate] })).toMatchObject({
      distrust: "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    });
  });

  test.each<[TlsBehaviour, string]>([
    ["hang", "timeout"],
    ["reset", "reset"],
    ["plain", "not-tls"],
  ])("is nothing where the server does %s", async (behaviour, failure) => {
    await using server = await startTlsServer({ behaviour });
    const answer = await probe({ host: "gke.example.org", address: server.address }, { timeout: 200 });
    expect(answer).toMatchObject({ served: false, failure });
  });

  test("is nothing where no certificate has the name, nobody listens, or the name leads nowhere", async () => {
    const server = await startTlsServer({ certificates: { "gke.example.org": shared } });
    expect(await probe({ host: "other.example.org", address: server.address })).toMatchObject({ failure: "alert" });
    await server.close();
    expect(await probe({ host: "gke.example.org", address: server.address })).toMatchObject({ failure: "refused" });
    expect(await probe({ host: "gke.example.invalid" }, { timeout: 3000 })).toMatchObject({ failure: "unresolved" });
  });

  test("is not waited for once the run is interrupted", async () => {
    await using server = await startTlsServer({ behaviour: "hang" });
    const answer = probe({ host: "gke.example.org", address: server.address }, { signal: AbortSignal.timeout(50) });
    expect(await answer).toMatchObject({ served: false });
  });
});
