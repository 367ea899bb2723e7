import type { Severity } from "@git-vault/core";
import { type Finding, finding } from "../findings/finding.ts";
import type { KubernetesObject } from "../cluster/api.ts";
import { type Kind, labelsOf, nameOf, namespaceOf, ofKind } from "../cluster/kubernetes-object.ts";
import { at, listAt, textAt } from "../values/value.ts";

/** The kinds that {@link endpointFindings} looks at, beside the Ingresses. */
export const ENDPOINT_KINDS: readonly Kind[] = [
  { kind: "Service", api: "/api/v1", plural: "services" },
  { kind: "EndpointSlice", api: "/apis/discovery.k8s.io/v1", plural: "endpointslices" },
];

/** What is wrong behind Ingresses: Services that are missing, or have nobody who answers. */
export const endpointFindings = (objects: readonly KubernetesObject[]): Finding[] =>
  ofKind("Ingress", objects).flatMap((ingress) => findingsOf(ingress, objects));

function findingsOf(ingress: KubernetesObject, objects: readonly KubernetesObject[]): Finding[] {
  const namespace = namespaceOf(ingress);
  const findings: Finding[] = [];
  const tell = (severity: Severity, message: string, hint?: string): void => {
    findings.push(finding("ingress-endpoints", severity, `Ingress ${nameOf(ingress)}: ${message}`, { hint }));
  };
  for (const service of servicesOf(ingress)) {
    const found = ofKind("Service", objects).find(
      (object) => nameOf(object) === service && namespaceOf(object) === namespace,
    );
    if (found === undefined) tell("error", `the Service ${service} is not there`);
    else if (textAt(found, "spec", "type") !== "ExternalName" && readyEndpoints(found, objects) === 0) {
      const hint = "look at the selector of the Service, and at the pods that it is for";
      tell("error", `no pod answers for the Service ${service}`, hint);
    }
  }
  if (listAt(ingress, "status", "loadBalancer", "ingress").length === 0) {
    const hint = "look at its class, and at the pods of the ingress controller";
    tell("warning", "it has no address, so no controller took it up", hint);
  }
  return findings;
}

/** The Services that an Ingress leads to. */
const servicesOf = (ingress: KubernetesObject): Set<string> =>
  new Set(
    [
      at(ingress, "spec", "defaultBackend"),
      ...listAt(ingress, "spec", "rules").flatMap((rule) =>
        listAt(rule, "http", "paths").map((path) => at(path, "backend")),
      ),
    ].flatMap((backend) => textAt(backend, "service", "name") || []),
  );

/** How many addresses of a Service are ready; one whose readiness is not told counts. */
const readyEndpoints = (service: KubernetesObject, objects: readonly KubernetesObject[]): number =>
  ofKind("EndpointSlice", objects)
    .filter(
      (slice) =>
        namespaceOf(slice) === namespaceOf(service) &&
        labelsOf(slice)["kubernetes.io/service-name"] === nameOf(service),
    )
    .flatMap((slice) => listAt(slice, "endpoints"))
    .filter((endpoint) => at(endpoint, "conditions", "ready") !== false).length;

/**
 * What to ask a host for: the paths of all Ingress rules that lead its requests, each once; `/`
 * where there is none that can be asked for. What an Ingress controller takes as a pattern is no
 * path, and what an ACME server asks for is gone soon.
 */
export function pathsOf(host: string, objects: readonly KubernetesObject[]): string[] {
  const paths = ofKind("Ingress", objects)
    .flatMap((ingress) => listAt(ingress, "spec", "rules"))
    .filter((rule) => leads(textAt(rule, "host"), host))
    .flatMap((rule) => listAt(rule, "http", "paths"))
    .flatMap((path) => askable(textAt(path, "path") || "/", textAt(path, "pathType")));
  return paths.length === 0 ? ["/"] : [...new Set(paths)];
}

/** Whether a rule is for a host: without one it is for all, and `*` stands for one label. */
const leads = (ruled: string, host: string): boolean => ruled === "" || covers(ruled, host);

/** Whether a certificate's or a rule's name covers a host; `*` is one label (RFC 6125, 6.4.3). */
export const covers = (name: string, host: string): boolean =>
  name.toLowerCase() === host.toLowerCase() ||
  (name.startsWith("*.") &&
    !host.startsWith("*.") &&
    host.indexOf(".") > 0 &&
    host.slice(host.indexOf(".")).toLowerCase() === name.slice(1).toLowerCase());

function askable(path: string, type: string): string[] {
  // Some controllers write a prefix so.
  const plain = type === "ImplementationSpecific" ? path.replace(/\*$/, "") : path;
  const isPattern = type === "ImplementationSpecific" && /[()[\]{}*+?^$|\\]/.test(plain);
  return isPattern || !plain.startsWith("/") || plain.startsWith("/.well-known/acme-challenge") ? [] : [plain];
}

/** A host that the cluster is to serve over TLS. */
export interface TlsHost {
  /** As the Ingress has it; it may be a wildcard. */
  readonly host: string;
  readonly namespace: string;
  readonly ingress: string;
  /** The Secret that holds the certificate; null where the controller's default is served. */
  readonly secret: string | null;
  /** The name to ask for: the host itself, or for a wildcard one that it covers. */
  readonly askFor: string;
}

/** What stands for `*` where no rule has a name that a wildcard covers. */
const ANY = "any-name";

/** Every TLS host of Ingresses, each once for each certificate that it is to be served with. */
export function tlsHostsOf(objects: readonly KubernetesObject[]): TlsHost[] {
  const ingresses = ofKind("Ingress", objects);
  const ruled = ingresses.flatMap(ruleHosts);
  const hosts = ingresses.flatMap((ingress) =>
    listAt(ingress, "spec", "tls").flatMap((entry) => {
      // Without hosts, the certificate is for those of the rules.
      const named = listAt(entry, "hosts").filter((host) => typeof host === "string");
      return (named.length > 0 ? named : ruleHosts(ingress)).map((host) => ({
        host,
        namespace: namespaceOf(ingress),
        ingress: nameOf(ingress),
        secret: textAt(entry, "secretName") || null,
        askFor: nameCoveredBy(host, ruled),
      }));
    }),
  );
  const seen = new Set<string>();
  return hosts.filter(({ host, namespace, secret }) => {
    const key = `${host} ${namespace} ${secret}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** The hosts of an Ingress's rules. */
export const ruleHosts = (ingress: unknown): string[] =>
  listAt(ingress, "spec", "rules").flatMap((rule) => textAt(rule, "host") || []);

function nameCoveredBy(host: string, names: readonly string[]): string {
  if (!host.startsWith("*.")) return host;
  return names.find((name) => covers(host, name)) ?? `${ANY}${host.slice(1)}`;
}
