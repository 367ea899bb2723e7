import { X509Certificate } from "node:crypto";
import { numberAt, readJson } from "../values/value.ts";

/** In milliseconds. */
export const DAY = 86_400_000;
/** Who renews in time has more left: a certificate of 90 days is renewed when 30 are left. */
export const WARNING_DAYS = 21;

/** When a certificate that is about to end is worth a word. */
export interface ExpiryThresholds {
  /** A warning from so many days before its end on; 21 where left out. */
  readonly warningDays?: number | undefined;
  /** An error from so many days before its end on; 7 where left out. */
  readonly errorDays?: number | undefined;
}

/** What a certificate says. */
export interface CertificateFacts {
  readonly subject: string;
  readonly issuer: string;
  /** Host names, wildcards and IP addresses. */
  readonly names: readonly string[];
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** SHA-256 of its bytes, in lower-case hex. */
  readonly fingerprint: string;
}

/** From when to when a certificate or a token is valid. */
export type Life = Pick<CertificateFacts, "notBefore" | "notAfter">;

/** Where a certificate stands in its life. */
export interface Lifetime {
  /** `late`: the controller should have renewed it by now; `urgent`: it ends within days. */
  readonly state: "valid" | "not-yet-valid" | "late" | "urgent" | "expired";
  readonly daysLeft: number;
}

/** The certificates in a PEM text, in order; null if there is none or one is unreadable. */
export function readCertificates(pem: string): X509Certificate[] | null {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g);
  if (blocks === null) return null;
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    return null;
  }
}

/** The common name in node:crypto's multi-line distinguished name; else all on one line. */
const shortName = (distinguished: string): string =>
  (/^CN=(.*)$/m.exec(distinguished)?.[1] ?? distinguished.replaceAll("\n", ", ")) || "nobody";

/** What a certificate says. */
export function factsOf(certificate: X509Certificate): CertificateFacts {
  const names = [...(certificate.subjectAltName ?? "").matchAll(/(?:^|, )(?:DNS|IP Address):([^,]*)/g)];
  return {
    subject: shortName(certificate.subject ?? ""),
    issuer: shortName(certificate.issuer ?? ""),
    names: names.flatMap(([, name]) => name ?? []),
    notBefore: new Date(certificate.validFrom),
    notAfter: new Date(certificate.validTo),
    fingerprint: certificate.fingerprint256.replaceAll(":", "").toLowerCase(),
  };
}

/** The least lifetime left before a warning, for certificates that live for days. */
const WARNING_SHARE = 0.25;
const ERROR_SHARE = 0.08;

/**
 * Where a certificate stands in its life at `now`. The thresholds are days, but never more than a
 * quarter (for an error, a twelfth) of its whole life: one that lives for six days is not late from
 * its first day on.
 */
export function lifetimeOf(
  { notBefore, notAfter }: Life,
  { warningDays = WARNING_DAYS, errorDays = 7 }: ExpiryThresholds,
  now: Date,
): Lifetime {
  const life = notAfter.getTime() - notBefore.getTime();
  const left = notAfter.getTime() - now.getTime();
  const daysLeft = Math.floor(left / DAY);
  if (left <= 0) return { state: "expired", daysLeft };
  if (notBefore > now) return { state: "not-yet-valid", daysLeft };
  if (left <= Math.min(errorDays * DAY, life * ERROR_SHARE)) return { state: "urgent", daysLeft };
  if (left <= Math.min(warningDays * DAY, life * WARNING_SHARE)) return { state: "late", daysLeft };
  return { state: "valid", daysLeft };
}

/** `1 day`, `2 days`. */
export const days = (number: number): string => `${number} ${number === 1 ? "day" : "days"}`;

/** `ends in 6 days, at 2030-01-31 12:00 UTC`: a lifetime in words. */
export function tellLifetime({ state, daysLeft }: Lifetime, { notBefore, notAfter }: Life): string {
  const end = `${notAfter.toISOString().slice(0, 16).replace("T", " ")} UTC`;
  if (state === "not-yet-valid")
    return `is not valid before ${notBefore.toISOString().slice(0, 16).replace("T", " ")} UTC`;
  if (state === "expired")
    return `expired ${daysLeft >= -1 ? "within the last day" : `${days(-daysLeft - 1)} ago`}, at ${end}`;
  return `ends in ${daysLeft === 0 ? "less than a day" : days(daysLeft)}, at ${end}`;
}

/** A JSON Web Token's expiry (RFC 7519, 4.1.4), unverified; null if there is none. */
export function endOfToken(token: string): Date | null {
  const parts = token.split(".");
  if (parts.length !== 3) return null;
  const end = numberAt(readJson(Buffer.from(parts[1] ?? "", "base64url").toString()), "exp");
  return end === 0 || Math.abs(end) >= MOST_SECONDS ? null : new Date(end * 1000);
}

/** What is later is no date. */
const MOST_SECONDS = 1e11;
