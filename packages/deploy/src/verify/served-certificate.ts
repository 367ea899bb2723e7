import type { X509Certificate } from "node:crypto";
import {
  type CertificateFacts,
  type ExpiryThresholds,
  factsOf,
  type Life,
  lifetimeOf,
  readCertificates,
  tellLifetime,
} from "./certificate.ts";
import { type Finding, finding } from "../findings/finding.ts";
import type { Issuance } from "./issuance.ts";
import type { Probe } from "./probe.ts";
import type { TlsHost } from "./ingress.ts";

/** What a host's certificate is judged by. */
export interface Evidence {
  readonly host: TlsHost;
  readonly probe: Probe;
  /** `tls.crt` of the Secret, in PEM; null where there is no such Secret, or it cannot be read. */
  readonly stored: string | null;
  /** What cert-manager says; null where it does not look after it. */
  readonly issuance: Issuance | null;
}

/** What is known of a host's certificate. */
export interface HostCertificate {
  readonly host: TlsHost;
  /** The IP address that answered; null where none was. */
  readonly address: string | null;
  /** What is served; null where nothing is. */
  readonly served: CertificateFacts | null;
  /** What the Secret holds; null where it holds none. */
  readonly stored: CertificateFacts | null;
  readonly issuance: Issuance | null;
  /** What needs attention. */
  readonly findings: readonly Finding[];
}

/** Judges what a host serves, against what its cluster has. */
export function judgeHost(evidence: Evidence, thresholds: ExpiryThresholds, now: Date): HostCertificate {
  const { host, probe, issuance } = evidence;
  const stored = evidence.stored === null ? null : (readCertificates(evidence.stored)?.[0] ?? null);
  const storedFacts = stored === null ? null : factsOf(stored);
  const served = probe.served ? factsOf(firstOf(probe.chain)) : null;
  return {
    host,
    address: probe.served ? probe.address : null,
    served,
    stored: storedFacts,
    issuance,
    findings: [
      ...(probe.served ? servedFindings(host.askFor, probe, evidence, thresholds, now) : unserved(host, probe)),
      ...secretFindings(evidence, served, storedFacts),
      ...renewalFindings(host, issuance, now),
    ],
  };
}

function firstOf(chain: readonly X509Certificate[]): X509Certificate {
  const [first] = chain;
  if (first === undefined) throw new Error("a chain that was served has a certificate");
  return first;
}

const UNSERVED_HINTS: Readonly<Partial<Record<string, string>>> = {
  unresolved: "look at the name's records in the DNS",
  "not-tls": "look at the port of the load balancer: it may lead to the plain HTTP port of the ingress controller",
  timeout: "look at the firewall, and at the pods of the ingress controller: their nodes may be cordoned or gone",
  refused: "look at the Service of the ingress controller and its endpoints",
};

const unserved = ({ host }: TlsHost, probe: Extract<Probe, { served: false }>): Finding[] => [
  finding("certificate-unreachable", "error", `${host}: ${probe.message}`, { hint: UNSERVED_HINTS[probe.failure] }),
];

/** What the usual ingress controller serves where it has nothing better. */
const FAKE = /^Kubernetes Ingress Controller Fake Certificate$|^TRAEFIK DEFAULT CERT$/;
/** Authorities that are for trying out, and that no browser trusts. */
const STAGING = /^\(STAGING\)|^Fake LE /;

function servedFindings(
  asked: string,
  probe: Extract<Probe, { served: true }>,
  { host: { host } }: Evidence,
  thresholds: ExpiryThresholds,
  now: Date,
): Finding[] {
  const leaf = firstOf(probe.chain);
  const facts = factsOf(leaf);
  if (FAKE.test(facts.subject)) {
    const hint = "it does so where the Secret is missing, or holds no certificate for that name";
    const message = `${host}: the ingress controller serves the certificate that it made itself`;
    return [finding("certificate-name", "error", message, { hint })];
  }
  const findings: Finding[] = [];
  if (leaf.checkHost(asked, { partialWildcards: false }) === undefined) {
    const names = facts.names.join(", ") || facts.subject;
    const message = `${host}: the certificate that is served is for ${names}, not for this name`;
    const hint = "look at `tls` in the Ingress, and whether the name leads to this cluster";
    findings.push(finding("certificate-name", "error", message, { hint }));
  }
  const life = lifetimeFinding("certificate-expiry", `${host}: the certificate that is served`, facts, thresholds, now);
  if (life !== null) findings.push(life);
  const expired = probe.distrust === "CERT_HAS_EXPIRED" || probe.distrust === "CERT_NOT_YET_VALID";
  if (probe.distrust !== null && !(expired && life !== null)) findings.push(distrustFinding(host, probe, facts));
  return findings;
}

function distrustFinding(
  host: string,
  { chain, distrust }: Extract<Probe, { served: true }>,
  facts: CertificateFacts,
): Finding {
  const error = (id: string, message: string, hint?: string): Finding =>
    finding(id, "error", `${host}: ${message}`, { hint });
  if (STAGING.test(facts.issuer)) {
    return error(
      "certificate-issuer",
      `${facts.issuer} issued the certificate, which is for trying out alone`,
      "name the real issuer in the Certificate or the Ingress",
    );
  }
  if (facts.subject === facts.issuer && chain.length === 1)
    return error("certificate-issuer", "the certificate is signed by itself");
  switch (distrust ?? "") {
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
      return error(
        "certificate-chain",
        `the certificate is sent without that of its issuer ${facts.issuer}, so that not every client can trust it`,
        "let tls.crt of the Secret hold the certificates in between, too",
      );
    case "CERT_HAS_EXPIRED":
    case "CERT_NOT_YET_VALID":
      return error(
        "certificate-chain",
        "a certificate in between expired, or is not valid yet",
        "renew the certificate, for its issuer's to be exchanged, too",
      );
    default:
      return error(
        "certificate-issuer",
        `no known authority stands behind the issuer ${factsOf(chain.at(-1) ?? firstOf(chain)).issuer} (${distrust})`,
      );
  }
}

/** What is to be said of the rest of a certificate's life; null where it has long enough. */
export function lifetimeFinding(
  id: string,
  what: string,
  life: Life,
  thresholds: ExpiryThresholds,
  now: Date,
): Finding | null {
  const lifetime = lifetimeOf(life, thresholds, now);
  if (lifetime.state === "valid") return null;
  return finding(id, lifetime.state === "late" ? "warning" : "error", `${what} ${tellLifetime(lifetime, life)}`);
}

function secretFindings(
  { host, stored: pem, issuance }: Evidence,
  served: CertificateFacts | null,
  stored: CertificateFacts | null,
): Finding[] {
  if (host.secret === null) return [];
  const secret = `${host.namespace}/${host.secret}`;
  if (stored === null) {
    const what =
      pem === null ? "the Secret is not there, or no tls.crt in it" : "tls.crt of the Secret holds no certificate";
    const hint =
      issuance === null
        ? "no Certificate of cert-manager makes it either: look at the annotations of the Ingress"
        : undefined;
    return [finding("certificate-secret", "error", `${host.host}: ${what} (${secret})`, { hint })];
  }
  if (served === null || served.fingerprint === stored.fingerprint) return [];
  const older = served.notBefore < stored.notBefore;
  const message = `${host.host}: another certificate is served than the one in the Secret ${secret}, which was issued ${older ? "later" : "earlier"} by ${stored.issuer}`;
  const hint = older
    ? "the ingress controller did not load the new one: look at its log"
    : "look at whether the name leads to this cluster, and for another Ingress with the same host";
  return [finding("certificate-differs", "error", message, { hint })];
}

function renewalFindings({ host }: TlsHost, issuance: Issuance | null, now: Date): Finding[] {
  if (issuance === null) return [];
  const { stuck, renewalTime, namespace, name, failedAttempts, ready } = issuance;
  const last = stuck.at(-1);
  if (last !== undefined) {
    const tries = failedAttempts > 0 ? `, tried ${failedAttempts} times` : "";
    const said = stuck.findLast(({ message }) => message !== "")?.message ?? "it does not say why";
    const message = `${host}: the renewal of ${namespace}/${name} is stuck at ${last.kind} ${last.name} (${last.state}${tries}): ${said}`;
    const of = last.namespace === "" ? "" : ` --namespace ${last.namespace}`;
    const hint = `look at it with \`kubectl${of} describe ${last.kind.toLowerCase()} ${last.name}\``;
    return [finding("certificate-renewal", ready ? "warning" : "error", message, { hint })];
  }
  if (renewalTime === null || now.getTime() - renewalTime.getTime() < 3_600_000) return [];
  const message = `${host}: ${namespace}/${name} should have been renewed at ${renewalTime.toISOString().slice(0, 16).replace("T", " ")} UTC`;
  return [
    finding("certificate-renewal", "warning", message, { hint: "look at the log of cert-manager: it may not run" }),
  ];
}
