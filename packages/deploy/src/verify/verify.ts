import {
  addressFor,
  type CertificateOptions,
  INGRESSES,
  inspectCertificates,
  MOST_HOSTS,
  namespacesOf,
  ofEnvironment,
} from "./certs.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { DeployError } from "../errors.ts";
import { type Finding, finding } from "../findings/finding.ts";
import { httpsGet } from "./https-get.ts";
import { ENDPOINT_KINDS, endpointFindings, pathsOf } from "./ingress.ts";
import type { KubernetesObject } from "../cluster/api.ts";
import { annotationOf, controllerOf, nameOf, namespaceOf, readKinds } from "../cluster/kubernetes-object.ts";
import { inParallel, sharedSignal } from "../parallel.ts";
import { QUOTA_KINDS, quotaFindings } from "./quota.ts";
import type { HostCertificate } from "./served-certificate.ts";
import { redactRunning } from "../releases/deployed-secrets.ts";
import { troubleOf } from "../workloads/trouble.ts";
import { stateOf, type Workload, WORKLOAD_KINDS, workloadKind } from "../workloads/workload.ts";

/** What a host answers over HTTPS. */
export interface HostAnswer {
  readonly host: string;
  /** A path of the Ingress rules for the host; `/` where they name none. */
  readonly path: string;
  /** Of the answer to a GET of that path; null where there was none. */
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
 * Looks at what runs in the namespaces of an environment's releases, from inside and from outside:
 * the workloads, the endpoints behind each Ingress, quotas, the certificate of each TLS host
 * against the cluster's own, and what each host answers to the paths of its Ingress rules.
 *
 * @throws DeployError as reading from the cluster does
 */
export async function verifyEnvironment(cluster: Cluster, options: CertificateOptions = {}): Promise<Verification> {
  const signal = sharedSignal(options.signal);
  const kinds = [...WORKLOAD_KINDS, INGRESSES, ...ENDPOINT_KINDS, ...QUOTA_KINDS];
  const [objects, certificates] = await Promise.all([
    readKinds(cluster, kinds, { namespaces: namespacesOf(cluster), signal }),
    inspectCertificates(cluster, { ...options, signal }),
  ]);
  const hosts = [...new Set(certificates.filter(({ served }) => served !== null).map(({ host }) => host.askFor))];
  const asked = hosts.flatMap((host) => pathsOf(host, objects).map((path) => [host, path] as const));
  const workloads = objects.filter(({ kind }) => workloadKind(kind) !== undefined);
  const troubled = workloads.flatMap((object) => troubleIn(object) ?? []);
  const [troubles, answers] = await Promise.all([
    troublesTold(cluster, troubled, signal),
    inParallel(asked, MOST_HOSTS, ([host, path]) => answerOf(host, path, { ...options, signal })),
  ]);
  const findings = [
    ...(workloads.length === 0 ? [NOTHING] : troubles),
    ...endpointFindings(objects),
    ...quotaFindings(objects, new Date()),
    ...answers.flatMap((one) => one.finding ?? []),
  ];
  return {
    environment: cluster.environment.name,
    workloads: workloads.length,
    certificates,
    answers: answers.map(({ answer }) => answer),
    findings: [
      ...ofEnvironment(cluster, findings),
      ...certificates.flatMap((certificate) => ofEnvironment(cluster, certificate.findings)),
    ],
  };
}

const NOTHING = finding("workloads", "error", "nothing runs in the namespace", {
  hint: "look at whether it was ever deployed",
});

interface Trouble {
  readonly workload: Workload;
  readonly object: KubernetesObject;
  readonly message: string;
}

/** What is wrong with a workload; null where nothing is. */
function troubleIn(object: KubernetesObject): Trouble | null {
  const kind = workloadKind(object.kind)?.kind;
  if (kind === undefined) return null;
  const { state, message } = stateOf(kind, object);
  // A Job that runs is as it should be.
  if (state === "ready" || (kind === "Job" && state === "waiting")) return null;
  return { workload: { kind, namespace: namespaceOf(object), name: nameOf(object) }, object, message };
}

/**
 * What is wrong with workloads, and why. Others may share the namespace: what is wrong with theirs
 * is a warning, and so it is with what others started.
 */
async function troublesTold(
  cluster: Cluster,
  troubles: readonly Trouble[],
  signal: AbortSignal | undefined,
): Promise<Finding[]> {
  if (troubles.length === 0) return [];
  const unknown = await unknownSecrets(cluster, signal);
  return inParallel(troubles, MOST_HOSTS, async ({ workload, object, message }) => {
    const owner = annotationOf(object, "meta.helm.sh/release-name");
    // What a CronJob started lies there for days when it failed, and the next one may have done it:
    // no deployment is to fail by it.
    const isStarted = controllerOf(object) !== undefined;
    const isOwn = !isStarted && (owner === "" || cluster.environment.releases.some(({ name }) => name === owner));
    const hint = unknown ?? (await troubleOf(cluster, workload, signal))[0];
    const said = `${workload.kind} ${workload.name}: ${message}`;
    return finding("workloads", isOwn ? "error" : "warning", said, { hint });
  });
}

/**
 * Makes known what was deployed, since pods tell of it. Where that cannot be: why nothing is told
 * of what they say.
 */
async function unknownSecrets(cluster: Cluster, signal: AbortSignal | undefined): Promise<string | undefined> {
  try {
    await redactRunning(cluster, signal);
    return undefined;
  } catch (error) {
    if (!(error instanceof DeployError) || error.code === "INTERRUPTED") throw error;
    return `what its pods say is not told, since secrets may be in it that are not known: ${error.message}`;
  }
}

async function answerOf(
  host: string,
  path: string,
  options: CertificateOptions,
): Promise<{ readonly answer: HostAnswer; readonly finding: Finding | null }> {
  const failed = (status: number | null, message: string): { answer: HostAnswer; finding: Finding } => ({
    answer: { host, path, status },
    finding: finding("https-answer", "error", `${host}: ${message}`),
  });
  try {
    const { status } = await httpsGet(new URL(`https://${host}${path}`), addressFor(host, options), options);
    return status >= 500
      ? failed(status, `GET ${path} is answered with ${status}`)
      : { answer: { host, path, status }, finding: null };
  } catch (error) {
    if (!(error instanceof DeployError) || error.code === "INTERRUPTED") throw error;
    return failed(null, error.message);
  }
}
