import {
  type CertificateFacts,
  endOfToken,
  type ExpiryThresholds,
  factsOf,
  type Life,
  readCertificates,
} from "./certificate.ts";
import type { Environment } from "../project/environment.ts";
import type { Finding } from "../findings/finding.ts";
import { titleOf } from "../project/given-kubeconfig.ts";
import { readKubeconfig } from "../cluster/environment-kubeconfig.ts";
import type { Project } from "../project/project.ts";
import { lifetimeFinding } from "./served-certificate.ts";

/** With what an environment's kubeconfig lets somebody in, and until when. */
export interface ClientCredential {
  readonly file: string;
  /** The client certificate; null where it has none. */
  readonly certificate: CertificateFacts | null;
  /** When the token ends; null where it has none, or does not tell. */
  readonly tokenEnds: Date | null;
  readonly findings: readonly Finding[];
}

/**
 * What an environment's kubeconfig lets somebody in with. No cluster is asked: one whose credential
 * expired would not answer. Null where the environment has no kubeconfig.
 *
 * @throws DeployError INVALID_KUBECONFIG, UNTRUSTED_SOURCE, LOCKED, TAMPERED_FILE and the like
 */
export function inspectCredential(
  project: Project,
  of: Environment,
  thresholds: ExpiryThresholds = {},
): ClientCredential | null {
  const { name: environment, kubeconfig: committed } = of;
  const given = project.givenKubeconfig?.environment === environment ? project.givenKubeconfig : null;
  const path = given === null ? committed : titleOf(given);
  if (path === null || (given === null && project.file(path) === undefined)) return null;
  const { user, authority } = readKubeconfig(project, of);
  const credential = "command" in user ? {} : user;
  const certificate = first(credential.certificate);
  const tokenEnds = endOfToken(credential.token ?? "");
  const judge = (what: string, life: Life | null): Finding[] => {
    const finding = life && lifetimeFinding("client-credential", `${path}: ${what}`, life, thresholds, new Date());
    return finding === null ? [] : [{ ...finding, ...(given === null && { file: path }), environment, hint: HINT }];
  };
  return {
    file: path,
    certificate,
    tokenEnds,
    findings: [
      ...judge("the client certificate", certificate),
      ...judge("the certificate of the cluster's authority", first(authority)),
      // It says nothing of its beginning that matters: it is taken to live long.
      ...judge("the token", tokenEnds && { notBefore: new Date(0), notAfter: tokenEnds }),
    ],
  };
}

function first(pem: string | null | undefined): CertificateFacts | null {
  const [certificate] = readCertificates(pem ?? "") ?? [];
  return certificate === undefined ? null : factsOf(certificate);
}

const HINT = "make a new kubeconfig before it ends: without one, nobody can deploy from here";
