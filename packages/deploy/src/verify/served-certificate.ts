import type { X509Certificate } from "node:crypto";
import {
  type CertificateFacts,
  type ExpiryThresholds,
  factsOf,
  lifetimeOf,
  readCertificates,
  tellLifetime,
} from "./certificate.ts";
import type { Finding } from "../findings/finding.ts";
import type { Issuance } from "./issuance.ts";
import type { Probe } from "./probe.ts";
import type { TlsHost } from "./tls-host.ts";

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
  {
    id: "certificate-unreachable",
    severity: "error",
    message: `${host}: ${probe.message}`,
    hint: UNSERVED_HINTS[probe.failure],
  },
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
    return [
      {
        id: "certificate-name",
        severity: "error",
        message: `${host}: the ingress controller serves the certificate that it made itself`,
        hint: "it does so where the Secret is missing, or holds no certificate for that name",
      },
    ];
  }
  const findings: Finding[] = [];
  if (leaf.checkHost(asked, { partialWildcards: false }) === undefined) {
    findings.push({
      id: "certificate-name",
      severity: "error",
      message: `${host}: the certificate that is served is for ${facts.names.join(", ") || facts.subject}, not for this name`,
      hint: "look at `tls` in the Ingress, and whether the name leads to this cluster",
    });
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
  const finding = (id: string, message: string, hint?: string): Finding => ({
    id,
    severity: "error",
    message: `${host}: ${message}`,
    hint,
  });
  if (STAGING.test(facts.issuer)) {
    return finding(
      "certificate-issuer",
      `${facts.issuer} issued the certificate, which is for trying out alone`,
      "name the real issuer in the Certificate or the Ingress",
    );
  }
  if (facts.subject === facts.issuer && chain.length === 1)
    return finding("certificate-issuer", "the certificate is signed by itself");
  switch (distrust ?? "") {
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
      return finding(
        "certificate-chain",
        `the certificate is sent without that of its issuer ${facts.issuer}, so that not every client can trust it`,
        "let tls.crt of the Secret hold the certificates in between, too",
      );
    case "CERT_HAS_EXPIRED":
    case "CERT_NOT_YET_VALID":
      return finding(
        "certificate-chain",
        "a certificate in between expired, or is not valid yet",
        "renew the certificate, for its issuer's to be exchanged, too",
      );
    default:
      return finding(
        "certificate-issuer",
        `no known authority stands behind the issuer ${factsOf(chain.at(-1) ?? firstOf(chain)).issuer} (${distrust})`,
      );
  }
}

/** What is to be said of the rest of a certificate's life; null where it has long enough. */
export function lifetimeFinding(
  id: string,
  what: string,
  facts: CertificateFacts,
  thresholds: ExpiryThresholds,
  now: Date,
): Finding | null {
  const life = lifetimeOf(facts, thresholds, now);
  if (life.state === "valid") return null;
  return { id, severity: life.state === "late" ? "warning" : "error", message: `${what} ${tellLifetime(life, facts)}` };
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
    return [{ id: "certificate-secret", severity: "error", message: `${host.host}: ${what} (${secret})`, hint }];
  }
  if (served === null || served.fingerprint === stored.fingerprint) return [];
  const older = served.notBefore < stored.notBefore;
  return [
    {
      id: "certificate-differs",
      severity: "error",
      message: `${host.host}: another certificate is served than the one in the Secret ${secret}, which was issued ${older ? "later" : "earlier"} by ${stored.issuer}`,
      hint: older
        ? "the ingress controller did not load the new one: look at its log"
        : "look at whether the name leads to this cluster, and for another Ingress with the same host",
    },
  ];
}

function renewalFindings({ host }: TlsHost, issuance: Issuance | null, now: Date): Finding[] {
  if (issuance === null) return [];
  const { stuck, renewalTime, namespace, name, failedAttempts, ready } = issuance;
  const last = stuck.at(-1);
  if (last !== undefined) {
    const tries = failedAttempts > 0 ? `, tried ${failedAttempts} times` : "";
    const said = stuck.findLast(({ message }) => message !== "")?.message ?? "it does not say why";
    return [
      {
        id: "certificate-renewal",
        severity: ready ? "warning" : "error",
        message: `${host}: the renewal of ${namespace}/${name} is stuck at ${last.kind} ${last.name} (${last.state}${tries}): ${said}`,
        hint: `look at it with \`kubectl${last.namespace === "" ? "" : ` --namespace ${last.namespace}`} describe ${last.kind.toLowerCase()} ${last.name}\``,
      },
    ];
  }
  if (renewalTime === null || now.getTime() - renewalTime.getTime() < 3_600_000) return [];
  return [
    {
      id: "certificate-renewal",
      severity: "warning",
      message: `${host}: ${namespace}/${name} should have been renewed at ${renewalTime.toISOString().slice(0, 16).replace("T", " ")} UTC`,
      hint: "look at the log of cert-manager: it may not run",
    },
  ];
}
