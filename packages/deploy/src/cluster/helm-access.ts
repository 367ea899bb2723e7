/*
 * How Helm reaches a cluster: by a kubeconfig of ours, of which nothing that is secret lies on a
 * disk.
 */
import { closeSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { memoryFile, pathOfDescriptor } from "../charts/memory-file.ts";
import { type FilePlace, KUBECONFIG_DESCRIPTOR } from "../helm/helm.ts";
import { CredentialHelper } from "./credential-helper.ts";
import type { Credentials } from "./credentials.ts";
import type { Kubeconfig } from "./kubeconfig.ts";

/** A kubeconfig for Helm. Close it once no Helm runs. */
export interface HelmAccess {
  readonly kubeconfig: FilePlace;
  close(): void;
}

/** What Helm is given access with. */
interface AccessParts {
  readonly kubeconfig: Kubeconfig;
  readonly credentials: Credentials;
  /** That of its context. */
  readonly namespace: string;
  /** Private to this process: what is no secret is written there. */
  readonly folder: string;
}

/**
 * Gives Helm a kubeconfig. A credential that stays the same is in it where the system has files in
 * memory; else its user is a program that asks this process for the credential, each time.
 *
 * @throws DeployError NO_CREDENTIAL
 */
export async function giveAccess({ kubeconfig, credentials, namespace, folder }: AccessParts): Promise<HelmAccess> {
  if (!("command" in kubeconfig.user)) {
    const { token, certificate, key } = await credentials.get();
    const user = { token, "client-certificate-data": base64(certificate), "client-key-data": base64(key) };
    const bytes = Buffer.from(kubeconfigText(kubeconfig, namespace, user));
    const descriptor = memoryFile(bytes);
    bytes.fill(0);
    if (descriptor !== null) {
      const place = { path: pathOfDescriptor(KUBECONFIG_DESCRIPTOR), descriptor };
      return { kubeconfig: place, close: () => closeSync(descriptor) };
    }
  }
  const helper = await CredentialHelper.start(credentials);
  const path = join(folder, "kubeconfig");
  writeFileSync(path, kubeconfigText(kubeconfig, namespace, { exec: helper.exec }), { mode: 0o600 });
  return { kubeconfig: { path }, close: () => helper.close() };
}

const base64 = (pem: string | undefined): string | undefined => pem && Buffer.from(pem).toString("base64");

/** In JSON, which is YAML, too. */
function kubeconfigText(
  { server, authority, serverName, proxy }: Kubeconfig,
  namespace: string,
  user: Readonly<Record<string, unknown>>,
): string {
  const cluster = {
    server,
    "certificate-authority-data": base64(authority ?? undefined),
    "tls-server-name": serverName ?? undefined,
    "proxy-url": proxy?.href.replace(/\/$/, ""),
  };
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "deploy",
    contexts: [{ name: "deploy", context: { cluster: "deploy", user: "deploy", namespace } }],
    clusters: [{ name: "deploy", cluster }],
    users: [{ name: "deploy", user }],
  });
}
