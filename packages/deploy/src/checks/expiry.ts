import { X509Certificate } from "node:crypto";
import { push } from "@git-vault/core";
import { DAY, days, endOfToken, type Life, lifetimeOf } from "../verify/certificate.ts";
import type { Check, CheckContext } from "./check.ts";
import type { Severity } from "@git-vault/core";
import type { Finding } from "../findings/finding.ts";
import { found } from "./reading.ts";
import { type StoredSecret, secretsIn } from "./secret-files.ts";

/** Reports unusable kubeconfigs, and certificates and tokens that expire soon. */
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
    for (const { what, life, id } of termsOf(secret)) {
      if (told.has(`${secret.file} ${id}`)) continue;
      told.add(`${secret.file} ${id}`);
      const [severity, message] = judge(what, life, now) ?? [];
      if (severity === undefined || message === undefined) continue;
      const hint = "make a new one, and commit it encrypted";
      yield found("expiry", severity, message, { file: secret.file, ...secret.position, environment, hint });
    }
  }
  yield* unusable(context, kubeconfigs);
};

interface Term {
  readonly what: string;
  /** Null where it cannot be read. */
  readonly life: Life | null;
  readonly id: string;
}

function judge(what: string, life: Life | null, now: Date): readonly [Severity, string] | null {
  if (life === null) return ["error", `${what} cannot be read`];
  const { state } = lifetimeOf(life, {}, now);
  const { notBefore, notAfter } = life;
  if (state === "valid") return null;
  if (state === "expired") return ["error", `${what} ended on ${dayOf(notAfter)}`];
  if (state === "not-yet-valid") return ["error", `${what} is not valid before ${dayOf(notBefore)}`];
  const left = days(Math.ceil((notAfter.getTime() - now.getTime()) / DAY));
  return [state === "late" ? "warning" : "error", `${what} ends in ${left}, on ${dayOf(notAfter)}`];
}

const dayOf = (date: Date): string => date.toISOString().slice(0, 10);

/** The certificates and tokens in a text. */
function* termsOf({ text, path }: StoredSecret): Generator<Term> {
  const key = String(path.at(-1) ?? "");
  const isData = /^(?:client-certificate-data|certificate-authority-data)$/.test(key);
  const isEncoded = isData || text.startsWith("LS0tLS1CRUdJTiBDRVJU");
  const pem = isEncoded ? Buffer.from(text, "base64").toString("latin1") : text;
  const what = NAMES.get(key) ?? "this certificate";
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (isData && certificates.length === 0) yield { what, life: null, id: path.join("\0") };
  for (const certificate of certificates) yield { what, life: lifeOf(certificate), id: certificate };
  if (/^eyJ[\w-]+\.eyJ[\w-]+\.[\w-]*$/.test(text.trim())) {
    const notAfter = endOfToken(text.trim());
    // When one was made is not always told.
    if (notAfter !== null) yield { what: "this token", life: { notBefore: new Date(0), notAfter }, id: text };
  }
}

const NAMES = new Map([
  ["client-certificate-data", "this kubeconfig's client certificate"],
  ["certificate-authority-data", "the certificate of this kubeconfig's authority"],
]);

function lifeOf(pem: string): Life | null {
  try {
    const { validFrom, validTo } = new X509Certificate(pem);
    return { notBefore: new Date(validFrom), notAfter: new Date(validTo) };
  } catch {
    return null;
  }
}

/** Kubeconfigs that name no server, or no way to be known to it. */
function* unusable(context: CheckContext, kubeconfigs: ReadonlyMap<string, string>): Generator<Finding> {
  const { project } = context;
  const held = new Map<string, string[]>();
  for (const { file, path } of secretsIn(context))
    if (kubeconfigs.has(file)) push(held, file, path.filter((step) => typeof step === "string").join("."));
  for (const [file, environment] of kubeconfigs) {
    const entry = project.file(file);
    if (entry === undefined || !entry.secret || entry.locked) continue;
    const paths = held.get(file) ?? [];
    if (!paths.includes("clusters.cluster.server"))
      yield found("expiry", "error", "expected a kubeconfig, got a file that names no cluster", { file, environment });
    else if (!paths.some((path) => path.startsWith("users.user.")))
      yield found("expiry", "error", "this kubeconfig has no user who could log in", { file, environment });
  }
}
