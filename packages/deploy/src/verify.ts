import {
  addressFor,
  type CertificateOptions,
  INGRESSES,
  inspectCertificates,
  MOST_HOSTS,
  ofEnvironment,
} from "./certs.ts";
import type { Cluster } from "./cluster.ts";
import { DeployError } from "./errors.ts";
import type { Finding } from "./finding.ts";
import { httpsGet } from "./https-get.ts";
import { ENDPOINT_KINDS, endpointFindings } from "./ingress-endpoints.ts";
import { annotationOf, kindOf, type KubernetesObject, nameOf, readKinds } from "./object.ts";
import { inParallel } from "./parallel.ts";
import { QUOTA_KINDS, quotaFindings } from "./quota.ts";
import type { HostCertificate } from "./served-certificate.ts";
import { WORKLOAD_KINDS, workloadProblem } from "./workload-state.ts";

/** What a host answers over HTTPS. */
export interface HostAnswer {
  readonly host: string;
  /** Of the answer to `GET /`; null where there was none. */
  readonly status: number | null;
}

/** How an environment is doing. */
export interface Verification {
  readonly environment: string;
  /** How many workloads were looked at. */
  readonly workloads: number;
  readonly certificates: readonly HostCertificate[];
  readonly answers: readonly HostAnswer[];
  /** All of it: what needs attention. */
  readonly findings: readonly Finding[];
}

/**
 * Looks at what runs in the namespace of a cluster's environment, from inside and from outside: the workloads, the endpoints behind
 * each Ingress, quotas, the certificate of each TLS host against the cluster's own, and what each host answers.
 *
 * @throws DeployError as reading from the cluster does
 */
export async function verifyEnvironment(cluster: Cluster, options: CertificateOptions = {}): Promise<Verification> {
  const { namespace, name } = cluster.environment;
  const { signal } = options;
  const kinds = [...WORKLOAD_KINDS, INGRESSES, ...ENDPOINT_KINDS, ...QUOTA_KINDS];
  const [objects, certificates] = await Promise.all([
    readKinds(cluster, kinds, { namespace, signal }),
    inspectCertificates(cluster, options),
  ]);
  const hosts = [...new Set(certificates.filter(({ served }) => served !== null).map(({ host }) => host.askFor))];
  const answers = await inParallel(hosts, MOST_HOSTS, (host) => answerOf(host, options));
  const findings = [
    ...workloadFindings(cluster, objects),
    ...endpointFindings(objects),
    ...quotaFindings(objects, options.now ?? new Date()),
    ...answers.flatMap(({ finding }) => finding ?? []),
  ];
  return {
    environment: name,
    workloads: objects.filter(({ kind }) => WORKLOAD_KINDS.some((workload) => workload.kind === kind)).length,
    certificates,
    answers: answers.map(({ answer }) => answer),
    findings: [...ofEnvironment(cluster, findings), ...certificates.flatMap((certificate) => certificate.findings)],
  };
}

/** Other releases may share the namespace: what is wrong with them is told, and does not fail this one. */
function workloadFindings({ environment: { release } }: Cluster, objects: readonly KubernetesObject[]): Finding[] {
  const judged = objects.filter(({ kind }) => WORKLOAD_KINDS.some((workload) => workload.kind === kind));
  if (judged.length === 0) {
    return [
      {
        id: "workloads",
        severity: "error",
        message: "nothing runs in the namespace",
        hint: "look at whether it was ever deployed",
      },
    ];
  }
  return judged.flatMap((object): Finding[] => {
    const problem = workloadProblem(object);
    if (problem === null) return [];
    const owner = annotationOf(object, "meta.helm.sh/release-name");
    const severity = owner === release || owner === "" ? "error" : "warning";
    return [{ id: "workloads", severity, message: `${kindOf(object)} ${nameOf(object)}: ${problem}` }];
  });
}

async function answerOf(
  host: string,
  options: CertificateOptions,
): Promise<{ readonly answer: HostAnswer; readonly finding: Finding | null }> {
  const failed = (status: number | null, message: string): { answer: HostAnswer; finding: Finding } => ({
    answer: { host, status },
    finding: { id: "https-answer", severity: "error", message: `${host}: ${message}` },
  });
  try {
    const { status } = await httpsGet(new URL(`https://${host}/`), addressFor(host, options), options);
    return status >= 500
      ? failed(status, `GET / is answered with ${status}`)
      : { answer: { host, status }, finding: null };
  } catch (error) {
    if (!(error instanceof DeployError) || error.code === "INTERRUPTED") throw error;
    return failed(null, error.message);
  }
}
