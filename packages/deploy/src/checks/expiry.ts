import { X509Certificate } from "node:crypto";
import { days, WARNING_DAYS } from "../cluster/certificate.ts";
import type { Check, CheckContext, Finding, Severity } from "./finding.ts";
import type { Position } from "../values/yaml.ts";
import { endOfToken } from "../cluster/web-token.ts";
import { found } from "./reading.ts";
import { type Secret, secretsIn } from "./secrets.ts";

const DAY = 24 * 60 * 60 * 1000;
/** A certificate of 90 days is renewed when 30 are left: with fewer than these, renewing has failed. */
const SOON = WARNING_DAYS * DAY;

/** Tells of kubeconfigs that cannot be used, and of certificates and tokens in secret files that ended or are about to. */
export const expiry: Check = async function* expiryCheck(context) {
  const { project, environments, now } = context;
  const told = new Set<string>();
  const kubeconfigs = new Map(
    environments.flatMap(({ name, kubeconfig }) => (kubeconfig === null ? [] : [[kubeconfig, name]])),
  );
  for (const [file, environment] of kubeconfigs) {
    const entry = project.file(file);
    if (entry === undefined)
      yield found("expiry", "error", "this kubeconfig is not in the commit", {
        file,
        environment,
        hint: "commit it, or correct its path",
      });
  }
  for (const secret of secretsIn(context)) {
    const environment = kubeconfigs.get(secret.file);
    for (const { what, ends, id } of termsOf(secret)) {
      if (told.has(`${secret.file} ${id}`)) continue;
      told.add(`${secret.file} ${id}`);
      const verdict = judge(what, ends, now);
      if (verdict !== null) yield tell(verdict, secret, environment);
    }
  }
  yield* unusable(context, kubeconfigs);
};

interface Term {
  readonly what: string;
  readonly ends: Date | null;
  readonly id: string;
}

function judge(what: string, ends: Date | null, now: Date): readonly [Severity, string] | null {
  if (ends === null) return ["error", `${what} cannot be read`];
  const left = ends.getTime() - now.getTime();
  const day = ends.toISOString().slice(0, 10);
  if (left <= 0) return ["error", `${what} ended on ${day}`];
  if (left > SOON) return null;
  return ["warning", `${what} ends in ${days(Math.ceil(left / DAY))}, on ${day}`];
}

function tell(
  [severity, message]: readonly [Severity, string],
  { file, position }: { file: string; position: Position },
  environment: string | undefined,
): Finding {
  return found("expiry", severity, message, {
    file,
    ...position,
    environment,
    hint: "make a new one, and commit it encrypted",
  });
}

/** The certificates and tokens in a text. */
function* termsOf({ text, path }: Secret): Generator<Term> {
  const key = String(path.at(-1) ?? "");
  const isData = /^(?:client-certificate-data|certificate-authority-data)$/.test(key);
  const isEncoded = isData || text.startsWith("LS0tLS1CRUdJTiBDRVJU");
  const pem = isEncoded ? Buffer.from(text, "base64").toString("latin1") : text;
  const what = NAMES.get(key) ?? "this certificate";
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (isData && certificates.length === 0) yield { what, ends: null, id: path.join("\0") };
  for (const certificate of certificates) yield { what, ends: endOf(certificate), id: certificate };
  if (/^eyJ[\w-]+\.eyJ[\w-]+\.[\w-]*$/.test(text.trim())) {
    const ends = endOfToken(text.trim());
    if (ends !== null) yield { what: "this token", ends, id: text };
  }
}

const NAMES = new Map([
  ["client-certificate-data", "this kubeconfig's client certificate"],
  ["certificate-authority-data", "the certificate of this kubeconfig's authority"],
]);

function endOf(pem: string): Date | null {
  try {
    return new Date(new X509Certificate(pem).validTo);
  } catch {
    return null;
  }
}

/** Kubeconfigs that name no server, or no way to be known to it. */
function* unusable(context: CheckContext, kubeconfigs: ReadonlyMap<string, string>): Generator<Finding> {
  const { project } = context;
  const held = new Map<string, string[]>();
  for (const { file, path } of secretsIn(context))
    if (kubeconfigs.has(file))
      held.set(file, [...(held.get(file) ?? []), path.filter((step) => typeof step === "string").join(".")]);
  for (const [file, environment] of kubeconfigs) {
    const entry = project.file(file);
    if (entry === undefined || !entry.secret || (entry.encrypted && !project.hasKey)) continue;
    const paths = held.get(file) ?? [];
    if (!paths.includes("clusters.cluster.server"))
      yield found("expiry", "error", "expected a kubeconfig, got a file that names no cluster", { file, environment });
    else if (!paths.some((path) => path.startsWith("users.user.")))
      yield found("expiry", "error", "this kubeconfig has no user who could log in", { file, environment });
  }
}
