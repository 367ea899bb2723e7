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
import {
  annotationOf,
  controllerOf,
  type Kind,
  kindOf,
  nameOf,
  namespaceOf,
  readKinds,
} from "../cluster/kubernetes-object.ts";
import { inParallel, sharedSignal } from "../parallel.ts";
import { QUOTA_KINDS, quotaFindings } from "./quota.ts";
import type { HostCertificate } from "./served-certificate.ts";
import { redactRunning } from "../releases/deployed-secrets.ts";
import { troubleOf } from "../workloads/trouble.ts";
import type { PlacedObject } from "../workloads/placed-object.ts";
import { isWaitedFor } from "../workloads/readiness.ts";
import { stateOf, WORKLOAD_KINDS, type WorkloadKind } from "../workloads/workload.ts";

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
  const kinds = [...WORKLOADS, INGRESSES, ...ENDPOINT_KINDS.filter(({ kind }) => !BY_KIND.has(kind)), ...QUOTA_KINDS];
  const [objects, certificates] = await Promise.all([
    readKinds(cluster, kinds, { namespaces: namespacesOf(cluster), signal }),
    inspectCertificates(cluster, { ...options, signal }),
  ]);
  const hosts = [...new Set(certificates.filter(({ served }) => served !== null).map(({ host }) => host.askFor))];
  const asked = hosts.flatMap((host) => pathsOf(host, objects).map((path) => [host, path] as const));
  const workloads = objects.filter((object) => isLookedAt(cluster, object));
  const troubled = workloads
    .flatMap((object) => troubleIn(object) ?? [])
    .filter(({ workload }) => isWaitedFor(cluster.environment, workload));
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

const inNamespaces = WORKLOAD_KINDS.filter(({ clusterWide }) => clusterWide !== true);

/** What lies in a namespace. Who may read the workloads alone is not told of the rest. */
const WORKLOADS: readonly WorkloadKind[] = [
  ...inNamespaces.filter(makesPods),
  ...inNamespaces.filter((kind) => !makesPods(kind)).map((kind) => Object.assign({ optional: true }, kind)),
];
const BY_KIND = new Map(WORKLOADS.map((kind) => [kind.kind, kind]));

/** Whether somebody declares such workloads, rather than that others make them. */
function makesPods({ kind }: Kind): boolean {
  return ["Deployment", "StatefulSet", "DaemonSet", "Job"].includes(kind);
}

/**
 * Of single pods, claims and the like, those of the environment's releases: a hub, for instance,
 * starts pods for its users in its own namespace, and what ails those is not the deployment's.
 */
function isLookedAt(cluster: Cluster, object: KubernetesObject): boolean {
  const kind = BY_KIND.get(kindOf(object));
  return kind !== undefined && (makesPods(kind) || isOfReleases(cluster, annotationOf(object, RELEASE)));
}

/** Where Helm writes to which release an object belongs. */
const RELEASE = "meta.helm.sh/release-name";

const isOfReleases = ({ environment }: Cluster, name: string): boolean =>
  environment.releases.some((release) => release.name === name);

interface Trouble {
  readonly workload: PlacedObject;
  readonly object: KubernetesObject;
  readonly message: string;
}

/** What is wrong with a workload; null where nothing is. */
function troubleIn(object: KubernetesObject): Trouble | null {
  const kind = BY_KIND.get(kindOf(object));
  if (kind === undefined) return null;
  const { state, message } = stateOf(object, kind);
  // A Job that runs is as it should be.
  if (state === "ready" || (kind.kind === "Job" && state === "waiting")) return null;
  const [namespace, name] = [namespaceOf(object), nameOf(object)];
  const apiVersion = kind.api.replace(/^\/apis?\//, "");
  const path = `${kind.api}/namespaces/${namespace}/${kind.plural}/${name}`;
  return { workload: { apiVersion, kind: kind.kind, namespace, name, path }, object, message };
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
    const owner = annotationOf(object, RELEASE);
    // What a CronJob started lies there for days when it failed, and the next one may have done it:
    // no deployment is to fail by it.
    const isStarted = controllerOf(object) !== undefined;
    const isOwn = !isStarted && (owner === "" || isOfReleases(cluster, owner));
    const hint = unknown ?? (await troubleOf(cluster, workload, { signal }))[0];
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
