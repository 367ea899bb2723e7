import {
  type CertificateFacts,
  type ClientCredential,
  DeployError,
  inspectCertificates,
  inspectCredential,
  type HostCertificate,
  type Project,
  type CertificateOptions,
} from "@git-vault/deploy";
import { allLocked, certificateOptions, environmentsOf, type Failure, findingOf, lookAtClusters } from "./clusters.ts";
import { interruptible, openProject } from "./project.ts";
import { tellOutcome } from "./findings.ts";
import { printable } from "../../io/streams.ts";
import type { Invocation } from "../../cli/command-table.ts";

/** The certificates of one environment. */
interface Certificates {
  readonly environment: string;
  readonly hosts: readonly HostCertificate[];
}

export function run({ flags, args }: Invocation): Promise<void> {
  return interruptible(async (signal) => {
    const options = certificateOptions(flags, signal);
    await using project = await openProject(flags);
    const environments = environmentsOf(project, args);
    const credentials = environments.map((environment) => credentialOf(project, environment, options));
    // Whose kubeconfig cannot be read is told of already.
    const known = environments.filter((_, at) => credentials[at]?.failure === null);
    const { results, failures } = await lookAtClusters(project, known, signal, async (cluster) => ({
      environment: cluster.environment.name,
      hosts: await inspectCertificates(cluster, options),
    }));
    const unread = credentials.flatMap(({ failure }) => failure ?? []);
    tellOutcome(
      "vault deploy certs",
      {
        json: {
          commit: project.commit,
          environments: results.map(({ environment, hosts }) => ({ environment, hosts: hosts.map(hostInJson) })),
          credentials: credentials.flatMap(({ credential }) =>
            credential === null ? [] : [credentialInJson(credential)],
          ),
        },
        text: results.map(textOf).join(""),
        findings: [
          ...credentials.flatMap(({ credential }) => credential?.findings ?? []),
          ...unread.map(findingOf),
          ...failures.map(findingOf),
          ...results.flatMap(({ hosts }) => hosts.flatMap((host) => host.findings)),
        ],
        isLocked: allLocked(unread, environments.length),
      },
      flags,
    );
  });
}

/** Looked at before any cluster is asked: one whose credential expired lets nobody in. */
function credentialOf(
  project: Project,
  environment: Failure["environment"],
  options: CertificateOptions,
): { credential: ClientCredential | null; failure: Failure | null } {
  try {
    return { credential: inspectCredential(project, environment, options), failure: null };
  } catch (error) {
    if (!(error instanceof DeployError)) throw error;
    return { credential: null, failure: { environment, error } };
  }
}

const hostInJson = ({ host, address, served, stored, issuance }: HostCertificate): object => ({
  host: host.host,
  ingress: `${host.namespace}/${host.ingress}`,
  secret: host.secret,
  address,
  served,
  stored,
  issuance,
});

const credentialInJson = ({ file, certificate, tokenEnds }: ClientCredential): object => ({
  file,
  certificate,
  tokenEnds,
});

const textOf = ({ environment, hosts }: Certificates): string =>
  `${environment}\n${hosts.map(({ host, served }) => `  ${printable(host.host)}  ${served === null ? "nothing is served" : tellFacts(served)}\n`).join("")}`;

const tellFacts = ({ issuer, notAfter, names }: CertificateFacts): string =>
  `until ${notAfter.toISOString().slice(0, 10)}, by ${printable(issuer)}, for ${printable(names.join(", "))}`;
