import { printable } from "@git-vault/core";
import {
  type CertificateOptions,
  type ClientCredential,
  type HostCertificate,
  inspectCertificates,
  inspectCredential,
  type Life,
  lifetimeOf,
  tellLifetime,
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
import { coloured } from "../../io/colour.ts";
import type { DEPLOY_COMMANDS } from "./specs.ts";

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
        text: environments
          .map(({ name }, at) =>
            textOf(
              name,
              credentials[at]?.credential ?? null,
              results.find(({ environment }) => environment === name)?.hosts ?? [],
              looking,
            ),
          )
          .join(""),
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

/** What an environment lets in with, and what its hosts serve; empty where there is neither. */
function textOf(
  environment: string,
  credential: ClientCredential | null,
  hosts: readonly HostCertificate[],
  options: CertificateOptions,
): string {
  const lines = [...credentialLines(credential, options), ...hosts.map((host) => hostLine(host, options))];
  return lines.length === 0 ? "" : `${coloured("title", environment)}\n${lines.map((line) => `  ${line}\n`).join("")}`;
}

function credentialLines(credential: ClientCredential | null, options: CertificateOptions): string[] {
  if (credential === null) return [];
  const { file, certificate, tokenEnds } = credential;
  const line = (what: string, life: Life): string => `${printable(file)}: ${what} ${lifeText(life, options)}`;
  return [
    ...(certificate === null ? [] : [line("the client certificate", certificate)]),
    // A token says nothing of its beginning that matters.
    ...(tokenEnds === null ? [] : [line("the token", { notBefore: new Date(0), notAfter: tokenEnds })]),
  ];
}

function hostLine({ host, served }: HostCertificate, options: CertificateOptions): string {
  const name = printable(host.host);
  if (served === null) return `${name}  ${coloured("bad", "nothing is served")}`;
  const { issuer, names } = served;
  return `${name}  ${lifeText(served, options)}, by ${printable(issuer)}, for ${printable(names.join(", "))}`;
}

const LIFE_COLOURS = {
  valid: "good",
  late: "warning",
  "not-yet-valid": "bad",
  urgent: "bad",
  expired: "bad",
} as const;

/** How long something has left. */
function lifeText(life: Life, options: CertificateOptions): string {
  const lifetime = lifetimeOf(life, options, new Date());
  return coloured(LIFE_COLOURS[lifetime.state], tellLifetime(lifetime, life));
}
