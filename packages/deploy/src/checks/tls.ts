import type { Check, Finding, Severity } from "./finding.ts";
import type { Manifest } from "../helm/manifests.ts";
import { isMap } from "../values/value.ts";
import { listAt, mapAt, textAt } from "./pods.ts";
import { foundIn, nameOf, rendered } from "./reading.ts";

/** A certificate that an object asks for, and the secret that it is kept in. */
interface Claim {
  readonly manifest: Manifest;
  readonly secret: string;
  readonly hosts: readonly string[];
}

/** Tells of hosts that are served without a certificate, and of certificates that are kept in one secret. */
export const tls: Check = async function* tlsCheck(context) {
  for await (const [environment, manifests] of rendered(context)) {
    const tell = (manifest: Manifest, severity: Severity, message: string, hint: string): Finding =>
      foundIn(context.project, environment, manifest, "tls", severity, message, hint);
    const namespaceOf = ({ namespace }: Manifest): string => namespace ?? environment.namespace;
    const ingresses = manifests.filter(
      ({ kind, apiVersion }) => kind === "Ingress" && /^(?:networking|extensions)/.test(apiVersion),
    );
    const certificates = manifests
      .filter(({ kind, apiVersion }) => kind === "Certificate" && apiVersion.startsWith("cert-manager.io/"))
      .map(certificateOf);
    const made = new Set([
      ...certificates.map(({ manifest, secret }) => `${namespaceOf(manifest)}/${secret}`),
      ...manifests
        .filter(({ kind }) => kind === "Secret")
        .map((manifest) => `${namespaceOf(manifest)}/${manifest.name}`),
    ]);
    const claims = ingresses.flatMap(claimsOf);
    yield* sharedNames([...claims], namespaceOf, tell);
    yield* sharedNames(certificates, namespaceOf, tell);
    for (const ingress of ingresses) {
      const own = claimsOf(ingress);
      const covered = own.flatMap(({ hosts }) => hosts);
      for (const host of hostsOf(ingress))
        if (!covered.some((name) => covers(name, host)))
          yield tell(
            ingress,
            "warning",
            `${nameOf(ingress)} serves ${host} without a certificate`,
            "name the host under spec.tls, with the secret that keeps its certificate",
          );
      for (const { secret, hosts } of own) {
        if (secret === "") {
          yield tell(
            ingress,
            "warning",
            `${nameOf(ingress)} names no secret for the certificate of ${hosts.join(", ") || "its hosts"}`,
            "the controller's own certificate is served then: give it a secretName",
          );
          continue;
        }
        const certificate = certificates.find(
          (one) => one.secret === secret && namespaceOf(one.manifest) === namespaceOf(ingress),
        );
        const missing =
          certificate === undefined
            ? []
            : hosts.filter((host) => !certificate.hosts.some((name) => covers(name, host)));
        if (certificate !== undefined && missing.length > 0)
          yield tell(
            ingress,
            "error",
            `${nameOf(certificate.manifest)} does not cover ${missing.join(", ")} of ${nameOf(ingress)}`,
            "name the host among the certificate's dnsNames",
          );
        if (!made.has(`${namespaceOf(ingress)}/${secret}`) && !isManaged(ingress))
          yield tell(
            ingress,
            "note",
            `nothing in the chart makes the secret ${secret} that ${nameOf(ingress)} takes its certificate from`,
            "where a controller or a person makes it, silence this finding with that reason",
          );
      }
    }
  }
};

type Tell = (manifest: Manifest, severity: Severity, message: string, hint: string) => Finding;

/** A controller that makes certificates writes each to its secret, over the other's. */
function* sharedNames(
  claims: readonly Claim[],
  namespaceOf: (manifest: Manifest) => string,
  tell: Tell,
): Generator<Finding> {
  const first = new Map<string, Claim>();
  for (const claim of claims) {
    if (claim.secret === "") continue;
    const key = `${namespaceOf(claim.manifest)}/${claim.secret}`;
    const other = first.get(key);
    if (other === undefined) first.set(key, claim);
    else if (claim.hosts.toSorted().join() !== other.hosts.toSorted().join()) {
      const [one, two] = [nameOf(other.manifest), nameOf(claim.manifest)];
      const who = one === two ? `${one} has two certificates that` : `${one} and ${two} have certificates that`;
      yield tell(
        claim.manifest,
        "error",
        `${who} are kept in the one secret ${claim.secret}`,
        "give each certificate a secret of its own, or name all hosts in one certificate",
      );
    }
  }
}

const claimsOf = (manifest: Manifest): Claim[] =>
  listAt(mapAt(manifest.object, "spec"), "tls")
    .filter(isMap)
    .map((entry) => ({ manifest, secret: textAt(entry, "secretName") ?? "", hosts: texts(listAt(entry, "hosts")) }));

function certificateOf(manifest: Manifest): Claim {
  const spec = mapAt(manifest.object, "spec");
  const common = textAt(spec, "commonName");
  return {
    manifest,
    secret: textAt(spec, "secretName") ?? "",
    hosts: [...(common === null ? [] : [common]), ...texts(listAt(spec, "dnsNames"))],
  };
}

const hostsOf = ({ object }: Manifest): string[] =>
  listAt(mapAt(object, "spec"), "rules").flatMap((rule) => (isMap(rule) ? (textAt(rule, "host") ?? []) : []));

const texts = (list: readonly unknown[]): string[] => list.filter((item) => typeof item === "string");

/** Whether a certificate's name is good for a host: a wildcard stands for one label (RFC 6125, section 6.4.3). */
const covers = (name: string, host: string): boolean =>
  name.toLowerCase() === host.toLowerCase() ||
  (name.startsWith("*.") &&
    !host.startsWith("*.") &&
    host.slice(host.indexOf(".")).toLowerCase() === name.slice(1).toLowerCase());

/** Whether an annotation asks a controller for the certificate. */
function isManaged({ object }: Manifest): boolean {
  const annotations = mapAt(mapAt(object, "metadata"), "annotations");
  return Object.keys(annotations ?? {}).some(
    (key) =>
      /^(?:cert-manager\.io|certmanager\.k8s\.io)\/(?:cluster-)?issuer$/.test(key) || key === "kubernetes.io/tls-acme",
  );
}
