import {
  kindOf,
  type KubernetesObject,
  listAt,
  mapAt,
  nameOf,
  namespaceOf,
  textAt,
} from "../cluster/kubernetes-object.ts";

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
  const ingresses = objects.filter((object) => kindOf(object) === "Ingress");
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
export const ruleHosts = (ingress: KubernetesObject): string[] =>
  listAt(ingress, "spec", "rules").flatMap((rule) => textAt(mapAt(rule), "host") || []);

function nameCoveredBy(host: string, names: readonly string[]): string {
  if (!host.startsWith("*.")) return host;
  const parent = host.slice(1);
  const covered = names.find(
    (name) => !name.startsWith("*") && name.endsWith(parent) && !name.slice(0, -parent.length).includes("."),
  );
  return covered ?? `${ANY}${parent}`;
}
