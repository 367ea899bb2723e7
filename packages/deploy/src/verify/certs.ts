import type { ExpiryThresholds } from "./certificate.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { Finding } from "../findings/finding.ts";
import { ISSUANCE_KINDS, issuanceOf } from "./issuance.ts";
import { type Kind, readKinds } from "../cluster/kubernetes-object.ts";
import { textAt } from "../values/value.ts";
import { assertGoesOn, inParallel, sharedSignal } from "../parallel.ts";
import { probe, type ProbeOptions } from "./probe.ts";
import { type HostCertificate, judgeHost } from "./served-certificate.ts";
import { tlsHostsOf } from "./ingress.ts";

/** How the hosts of a cluster are looked at. */
export interface HostOptions extends ProbeOptions {
  /** `ADDRESS[:PORT]` to connect to for a host instead of its DNS name; `*` for all others. */
  readonly addresses?: Readonly<Record<string, string>>;
}

/** How certificates are judged. */
export interface CertificateOptions extends HostOptions, ExpiryThresholds {}

/** So many hosts are asked at a time. */
export const MOST_HOSTS = 8;

export const INGRESSES: Kind = { kind: "Ingress", api: "/apis/networking.k8s.io/v1", plural: "ingresses" };

/** The namespaces of the releases of a cluster's environment. */
export const namespacesOf = ({ environment: { releases } }: Cluster): string[] => [
  ...new Set(releases.map(({ namespace }) => namespace)),
];

/** Where a host is connected to, if not where its name leads. */
export const addressFor = (host: string, { addresses = {} }: HostOptions): string | undefined =>
  addresses[host] ?? addresses["*"];

/**
 * Every TLS host in the namespaces of an environment's releases: what it serves, against what the
 * Secret and cert-manager's Certificate say. Hosts come from the Ingresses; two certificates for
 * two hosts of one cluster are an ordinary case.
 *
 * @throws DeployError as reading from the cluster does
 */
export async function inspectCertificates(
  cluster: Cluster,
  options: CertificateOptions = {},
): Promise<HostCertificate[]> {
  const signal = sharedSignal(options.signal);
  const objects = await readKinds(cluster, [INGRESSES, ...ISSUANCE_KINDS], {
    namespaces: namespacesOf(cluster),
    signal,
  });
  return inParallel(tlsHostsOf(objects), MOST_HOSTS, async (host) => {
    const secret = host.secret === null ? null : { namespace: host.namespace, name: host.secret };
    const [served, stored] = await Promise.all([
      probe({ host: host.askFor, address: addressFor(host.askFor, options) }, { ...options, signal }),
      secret === null ? null : storedCertificate(cluster, secret, signal),
    ]);
    assertGoesOn(signal);
    const found = secret === null ? null : issuanceOf(secret, objects);
    const stuck = found?.stuck.map(({ message, ...step }) => ({ ...step, message: cluster.tidy(message) })) ?? [];
    const issuance = found === null ? null : { ...found, stuck };
    const judged = judgeHost({ host, probe: served, stored, issuance }, options, new Date());
    return { ...judged, findings: ofEnvironment(cluster, judged.findings) };
  });
}

/** `tls.crt` of a Secret, in PEM; null where it has none. */
async function storedCertificate(
  cluster: Cluster,
  { namespace, name }: { namespace: string; name: string },
  signal: AbortSignal | undefined,
): Promise<string | null> {
  const secret = await cluster.get(`/api/v1/namespaces/${namespace}/secrets/${name}`, { signal });
  const data = textAt(secret, "data", "tls.crt");
  return secret === null || data === "" ? null : Buffer.from(data, "base64").toString("latin1");
}

/** Findings about a cluster, without secrets and control characters from it. */
export const ofEnvironment = (cluster: Cluster, findings: readonly Finding[]): Finding[] =>
  findings.map(({ message, hint, ...finding }) => ({
    ...finding,
    message: cluster.tidy(message),
    environment: cluster.environment.name,
    hint: hint === undefined ? undefined : cluster.tidy(hint),
  }));
