import {
  mintCertificate,
  type MintedCertificate,
  startTlsServer,
  type TlsServerOptions,
} from "@git-vault/testkit/network";
import { beforeAll, describe, expect, test } from "vitest";
import { lifetimeOf } from "../src/verify/certificate.ts";
import type { Issuance } from "../src/verify/issuance.ts";
import { probe } from "../src/verify/probe.ts";
import { type HostCertificate, judgeHost } from "../src/verify/served-certificate.ts";

const HOST = "hub.example.org";
const DAY = 86_400_000;
const host = { host: HOST, askFor: HOST, namespace: "prod", ingress: "edge", secret: "hub-tls" };

let root: MintedCertificate;
let issuer: MintedCertificate;

beforeAll(async () => {
  root = await mintCertificate({ commonName: "Test Root", authority: true, days: 3650 });
  issuer = await mintCertificate({ commonName: "Test R1", authority: true, days: 1000, issuer: root });
});

interface Case extends Omit<TlsServerOptions, "certificates"> {
  readonly stored?: MintedCertificate | string | null;
  readonly issuance?: Issuance;
  readonly trusted?: readonly string[];
}

async function judge(served: MintedCertificate | null, options: Case = {}): Promise<HostCertificate> {
  const { stored = served, issuance = null, trusted = [root.certificate], ...server } = options;
  await using running = await startTlsServer({ certificates: served === null ? {} : { [HOST]: served }, ...server });
  return judgeHost(
    {
      host,
      probe: await probe({ host: HOST, address: running.address }, { trusted, timeout: 5000 }),
      stored: typeof stored === "string" || stored === null ? stored : stored.chain,
      issuance,
    },
    {},
    new Date(),
  );
}

const brief = ({ findings }: HostCertificate): string[] => findings.map(({ id, severity }) => `${severity} ${id}`);

describe("the certificate of a host", () => {
  test.each([
    [90, []],
    [20, ["warning certificate-expiry"]],
    [6, ["error certificate-expiry"]],
    [-1, ["error certificate-expiry"]],
  ])("that ends in %i days", async (days, expected) => {
    const judged = await judge(await mintCertificate({ names: [HOST], issuer, days }));
    expect(brief(judged)).toEqual(expected);
    expect(judged.served?.notAfter).toEqual(judged.stored?.notAfter);
    expect(judged.served).toMatchObject({ subject: HOST, issuer: "Test R1", names: [HOST] });
  });

  test("says in words when it ends", async () => {
    const soon = await judge(await mintCertificate({ names: [HOST], issuer, days: 6 }));
    expect(soon.findings[0]?.message).toMatch(
      /^hub\.example\.org: the certificate that is served ends in 5 days, at \d{4}-\d\d-\d\d \d\d:\d\d UTC$/,
    );
    const past = await judge(await mintCertificate({ names: [HOST], issuer, days: -3 }));
    expect(past.findings[0]?.message).toMatch(/ expired 3 days ago, at /);
  });

  test("is for other names", async () => {
    const judged = await judge(await mintCertificate({ names: ["a.example.org", "*.b.example.org"], issuer }));
    expect(brief(judged)).toEqual(["error certificate-name"]);
    expect(judged.findings[0]?.message).toContain("is for a.example.org, *.b.example.org, not for this name");
  });

  test("comes without its issuer's", async () => {
    const judged = await judge(await mintCertificate({ names: [HOST], issuer }), { leafOnly: true });
    expect(brief(judged)).toEqual(["error certificate-chain"]);
    expect(judged.findings[0]?.message).toContain("sent without that of its issuer Test R1");
  });

  test("comes from nobody who is known, from a staging authority, or from itself", async () => {
    const unknown = await judge(await mintCertificate({ names: [HOST], issuer }), { trusted: [] });
    expect(brief(unknown)).toEqual(["error certificate-issuer"]);
    expect(unknown.findings[0]?.message).toContain("no known authority stands behind the issuer Test Root");
    const trial = await mintCertificate({ commonName: "(STAGING) Ersatz Edamame E1", authority: true, issuer: root });
    const staging = await judge(await mintCertificate({ names: [HOST], issuer: trial }), { trusted: [] });
    expect(staging.findings[0]?.message).toContain("which is for trying out alone");
    const own = await judge(await mintCertificate({ names: [HOST] }), { trusted: [] });
    expect(own.findings.map(({ message }) => message)).toEqual([`${HOST}: the certificate is signed by itself`]);
  });

  test("is the ingress controller's own", async () => {
    const fake = await mintCertificate({
      names: ["ingress.local"],
      commonName: "Kubernetes Ingress Controller Fake Certificate",
    });
    const judged = await judge(fake, { stored: null });
    expect(brief(judged)).toEqual(["error certificate-name", "error certificate-secret"]);
    expect(judged.findings[0]?.hint).toContain("where the Secret is missing");
  });

  test("is not the one in the Secret, which is newer, or from elsewhere", async () => {
    const old = await mintCertificate({ names: [HOST], issuer, days: 30 });
    const renewed = await mintCertificate({ names: [HOST], issuer, days: 88 });
    const stale = await judge(old, { stored: renewed });
    expect(brief(stale)).toEqual(["error certificate-differs"]);
    expect(stale.findings[0]?.hint).toContain("did not load the new one");
    const elsewhere = await judge(renewed, { stored: old });
    expect(elsewhere.findings[0]?.hint).toContain("whether the name leads to this cluster");
  });

  test("is in no Secret, or in one that holds something else", async () => {
    const served = await mintCertificate({ names: [HOST], issuer });
    expect((await judge(served, { stored: null })).findings[0]?.message).toContain("the Secret is not there");
    expect((await judge(served, { stored: "" })).findings[0]?.message).toContain("holds no certificate");
  });

  test.each([
    ["hang", "took the connection and said nothing"],
    ["reset", "cut the connection"],
    ["plain", "does not speak TLS"],
  ] as const)("is not to be had where the server does %s", async (behaviour, words) => {
    const stored = await mintCertificate({ names: [HOST], issuer });
    const judged = await judge(null, { behaviour, stored });
    expect(brief(judged)).toEqual(["error certificate-unreachable"]);
    expect(judged.findings[0]?.message).toContain(words);
    expect(judged.stored?.subject).toBe(HOST);
  });

  test("should have been renewed long ago", async () => {
    const served = await mintCertificate({ names: [HOST], issuer, days: 28 });
    const issuance = {
      namespace: "prod",
      name: "hub-tls",
      ready: true,
      notAfter: served.notAfter,
      renewalTime: new Date(Date.now() - 2 * DAY),
      failedAttempts: 0,
      stuck: [],
    };
    const judged = await judge(served, { issuance });
    expect(brief(judged)).toEqual(["warning certificate-renewal"]);
  });
});

describe("the life of a certificate", () => {
  const at = (life: number, left: number, thresholds = {}): string =>
    lifetimeOf({ notBefore: new Date(0), notAfter: new Date(life * DAY) }, thresholds, new Date((life - left) * DAY))
      .state;

  test("is judged by thresholds in days, which can be set", () => {
    expect([60, 21, 20, 7, 6, 0, -1].map((left) => at(90, left))).toEqual([
      "valid",
      "late",
      "late",
      "urgent",
      "urgent",
      "expired",
      "expired",
    ]);
    expect(at(365, 40, { warningDays: 45, errorDays: 30 })).toBe("late");
    expect(at(365, 20, { warningDays: 45, errorDays: 28 })).toBe("urgent");
    expect(at(90, 91)).toBe("not-yet-valid");
  });

  test("is judged by its own length where it is short", () => {
    expect([6, 2, 1.4, 0.4].map((left) => at(6, left))).toEqual(["valid", "valid", "late", "urgent"]);
  });
});
