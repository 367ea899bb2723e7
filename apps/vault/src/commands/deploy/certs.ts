import { printable } from "@git-vault/core";
import {
  type CertificateFacts,
  type CertificateOptions,
  type ClientCredential,
  type HostCertificate,
  inspectCertificates,
  inspectCredential,
} from "@git-vault/deploy/verify";
import { DeployError, type Project } from "@git-vault/deploy";
import {
  allLocked,
  certificateOptions,
  environmentsOf,
  type Failure,
  findingOfFailure,
  forEachCluster,
} from "./clusters.ts";
import { interruptible, openProject } from "./project.ts";
import { reportOutcome } from "./findings.ts";
import type { Run } from "../../cli/command.ts";
import type { DEPLOY_COMMANDS } from "./specs.ts";

/** The certificates of one environment. */
interface Certificates {
  readonly environment: string;
  readonly hosts: readonly HostCertificate[];
}

export const run: Run<(typeof DEPLOY_COMMANDS)["deploy certs"]> = (options, names) =>
  interruptible(async (signal) => {
    const looking = certificateOptions(options, signal);
    await using project = await openProject(options, { environments: names, signal });
    const environments = environmentsOf(project, names);
    const credentials = environments.map((environment) => credentialOf(project, environment, looking));
    // Whose kubeconfig cannot be read is told of already.
    const known = environments.filter((_, at) => credentials[at]?.failure === null);
    const { results, failures } = await forEachCluster(project, known, signal, async (cluster) => ({
      environment: cluster.environment.name,
      hosts: await inspectCertificates(cluster, looking),
    }));
    const unread = credentials.flatMap(({ failure }) => failure ?? []);
    reportOutcome(
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
          ...unread.map(findingOfFailure),
          ...failures.map(findingOfFailure),
          ...results.flatMap(({ hosts }) => hosts.flatMap((host) => host.findings)),
        ],
        isLocked: allLocked(unread, environments.length),
      },
      options,
    );
  });

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
  `${environment}\n${hosts.map(({ host, served }) => `  ${printable(host.host)}  ${served === null ? "nothing is served" : factsText(served)}\n`).join("")}`;

const factsText = ({ issuer, notAfter, names }: CertificateFacts): string =>
  `until ${notAfter.toISOString().slice(0, 10)}, by ${printable(issuer)}, for ${printable(names.join(", "))}`;
