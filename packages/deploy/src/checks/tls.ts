import type { Check } from "./check.ts";
import type { Severity } from "@git-vault/core";
import type { Finding } from "../findings/finding.ts";
import type { Manifest } from "../helm/manifests.ts";
import type { Environment, Release } from "../project/environment.ts";
import { listAt, mapAt, textAt } from "../values/value.ts";
import { foundIn, titleOfManifest, rendered } from "./reading.ts";
import { remember } from "../remember.ts";
import { isReservedHost } from "../secrets/sensitive.ts";
import { covers, ruleHosts } from "../verify/ingress.ts";

/** An object with the release that it is of. */
interface Deployed {
  readonly release: Release;
  readonly manifest: Manifest;
}

/** A certificate that an object asks for, and the secret that it is kept in. */
interface Claim {
  readonly by: Deployed;
  readonly secret: string;
  readonly hosts: readonly string[];
}

/**
 * Tells of hosts that are served without a certificate, and of certificates that are kept in one
 * secret. What one release serves, another may have the certificate for: an environment is looked
 * at as a whole.
 */
export const tls: Check = async function* tlsCheck(context) {
  const byEnvironment = new Map<Environment, Deployed[]>();
  for await (const [release, manifests] of rendered(context)) {
    const here = remember(byEnvironment, release.environment, () => []);
    here.push(...manifests.map((manifest) => ({ release, manifest })));
  }
  const tell: Tell = ({ release, manifest }, severity, message, hint) =>
    foundIn(context.project, release, manifest, "tls", severity, message, hint);
  for (const deployed of byEnvironment.values()) yield* inEnvironment(deployed, tell);
};

type Tell = (at: Deployed, severity: Severity, message: string, hint: string) => Finding;

function* inEnvironment(deployed: readonly Deployed[], tell: Tell): Generator<Finding> {
  const ingresses = deployed.filter(
    ({ manifest: { kind, apiVersion } }) => kind === "Ingress" && /^(?:networking|extensions)/.test(apiVersion),
  );
  const certificates = deployed
    .filter(({ manifest: { kind, apiVersion } }) => kind === "Certificate" && apiVersion.startsWith("cert-manager.io/"))
    .map(certificateOf);
  const made = new Set([
    ...certificates.map(({ by, secret }) => `${namespaceOf(by)}/${secret}`),
    ...deployed
      .filter(({ manifest: { kind } }) => kind === "Secret")
      .map((secret) => `${namespaceOf(secret)}/${secret.manifest.name}`),
  ]);
  yield* sharedNames(ingresses.flatMap(claimsOf), tell);
  yield* sharedNames(certificates, tell);
  for (const ingress of ingresses) {
    const name = titleOfManifest(ingress.manifest);
    const own = claimsOf(ingress);
    const covered = own.flatMap(({ hosts }) => hosts);
    for (const host of ruleHosts(ingress.manifest.object))
      if (!covered.some((one) => covers(one, host)) && !isReservedHost(host))
        yield tell(
          ingress,
          "warning",
          `${name} serves ${host} without a certificate`,
          "name the host under spec.tls, with the secret that keeps its certificate",
        );
    for (const { secret, hosts } of own) {
      if (secret === "") {
        yield tell(
          ingress,
          "warning",
          `${name} names no secret for the certificate of ${hosts.join(", ") || "its hosts"}`,
          "the controller's own certificate is served then: give it a secretName",
        );
        continue;
      }
      const certificate = certificates.find(
        (one) => one.secret === secret && namespaceOf(one.by) === namespaceOf(ingress),
      );
      const missing =
        certificate === undefined ? [] : hosts.filter((host) => !certificate.hosts.some((one) => covers(one, host)));
      if (certificate !== undefined && missing.length > 0)
        yield tell(
          ingress,
          "error",
          `${titleOfManifest(certificate.by.manifest)} does not cover ${missing.join(", ")} of ${name}`,
          "name the host among the certificate's dnsNames",
        );
      if (!made.has(`${namespaceOf(ingress)}/${secret}`) && !isManaged(ingress))
        yield tell(
          ingress,
          "note",
          `no chart makes the secret ${secret} that ${name} takes its certificate from`,
          "where a controller or a person makes it, silence this finding with that reason",
        );
    }
  }
}

const namespaceOf = ({ release, manifest }: Deployed): string => manifest.namespace ?? release.namespace;

/** A controller that makes certificates writes each to its secret, over the other's. */
function* sharedNames(claims: readonly Claim[], tell: Tell): Generator<Finding> {
  const first = new Map<string, Claim>();
  for (const claim of claims) {
    if (claim.secret === "") continue;
    const key = `${namespaceOf(claim.by)}/${claim.secret}`;
    const other = first.get(key);
    if (other === undefined) first.set(key, claim);
    else if (claim.hosts.toSorted().join() !== other.hosts.toSorted().join()) {
      const isOfOne = other.by.release === claim.by.release;
      const [one, two] = [other.by, claim.by].map(
        ({ release, manifest }) => `${titleOfManifest(manifest)}${isOfOne ? "" : ` of ${release.name}`}`,
      );
      const who = one === two ? `${one} has two certificates that` : `${one} and ${two} have certificates that`;
      yield tell(
        claim.by,
        "error",
        `${who} are kept in the one secret ${claim.secret}`,
        "give each certificate a secret of its own, or name all hosts in one certificate",
      );
    }
  }
}

const claimsOf = (by: Deployed): Claim[] =>
  listAt(by.manifest.object, "spec", "tls").map((entry) => ({
    by,
    secret: textAt(entry, "secretName"),
    hosts: texts(listAt(entry, "hosts")),
  }));

function certificateOf(by: Deployed): Claim {
  const spec = mapAt(by.manifest.object, "spec");
  const common = textAt(spec, "commonName");
  const hosts = [...(common === "" ? [] : [common]), ...texts(listAt(spec, "dnsNames"))];
  return { by, secret: textAt(spec, "secretName"), hosts };
}

const texts = (list: readonly unknown[]): string[] => list.filter((item) => typeof item === "string");

/** Whether an annotation asks a controller for the certificate. */
function isManaged({ manifest: { object } }: Deployed): boolean {
  return Object.keys(mapAt(object, "metadata", "annotations")).some(
    (key) =>
      /^(?:cert-manager\.io|certmanager\.k8s\.io)\/(?:cluster-)?issuer$/.test(key) || key === "kubernetes.io/tls-acme",
  );
}
