/*
 * Which cluster it is, and whether it is the one that the project pins.
 */
import { createHash, X509Certificate } from "node:crypto";
import type { Api } from "./api.ts";
import { DeployError } from "../errors.ts";
import type { Environment } from "../project/environment.ts";
import type { ClusterPin } from "../project/settings.ts";

/** By what a cluster is known. */
export interface ClusterIdentity {
  /** Of the namespace `kube-system`: it is the cluster's own, for its whole life. */
  readonly uid: string;
  readonly server: string;
  /** SHA-256 of the kubeconfig's authority (its DER certificates), in hex; null for none. */
  readonly authority: string | null;
}

/**
 * SHA-256 of the certificates of a bundle, in hex: spaces and comments in the PEM do not count.
 *
 * @throws DeployError INVALID_KUBECONFIG
 */
export function fingerprintOf(pem: string): string {
  const hash = createHash("sha256");
  for (const [block] of pem.matchAll(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g)) {
    try {
      hash.update(new X509Certificate(block).raw);
    } catch (cause) {
      const message = "certificate-authority-data: expected certificates, got something else";
      throw new DeployError("INVALID_KUBECONFIG", message, { cause });
    }
  }
  return hash.digest("hex");
}

/**
 * Asks for the uid of a cluster, and for nothing else. @throws DeployError API_FAILED; what reading
 * throws
 */
export async function askUid(api: Api, signal: AbortSignal | undefined): Promise<string> {
  const namespace = await api.get("/api/v1/namespaces/kube-system", {
    signal,
    accept: "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json",
  });
  const uid = namespace?.metadata?.uid;
  if (typeof uid === "string" && /^[\w-]{1,64}$/.test(uid)) return uid;
  throw new DeployError("API_FAILED", "the server does not tell the uid of the namespace kube-system", {
    hint: "it may be no Kubernetes API server",
  });
}

/**
 * Compares what is known of a cluster with what the project pins. The uid is the last to be known.
 *
 * @param unnamed the project's environments, where no file names them yet: who names one for its
 * pin is to name them all
 * @throws DeployError WRONG_CLUSTER; UNPINNED_CLUSTER once the uid is known
 */
export function assertPinnedCluster(
  { name, cluster: pin }: Environment,
  seen: Omit<ClusterIdentity, "uid"> & { uid?: string },
  unnamed: readonly string[] = [],
): void {
  const said: ClusterPin = pin ?? {};
  for (const part of ["server", "authority", "uid"] as const) {
    const [expected, got] = [said[part], seen[part]];
    if (expected === undefined || got === undefined || expected === got) continue;
    const message = `${name} is pinned to the cluster whose ${part} is ${expected}, and the kubeconfig leads to ${got ?? "one without"}`;
    const sent = part === "uid" ? "it was asked for its uid alone" : "nothing was sent to it";
    const hint = `${sent}; correct the kubeconfig, or the pin in deploy.yaml if the cluster was replaced`;
    throw new DeployError("WRONG_CLUSTER", message, { hint });
  }
  if (pin !== null || seen.uid === undefined) return;
  const message = `the cluster of ${name} is not pinned, and nothing says that it is the right one`;
  const pinning = `cluster: { uid: ${seen.uid} }`;
  const all = unnamed.map((other) => `${other}: {${other === name ? ` ${pinning} ` : ""}}`).join(", ");
  const what = all === "" ? `, below environments.${name}: ${pinning}` : `: environments: { ${all} }`;
  const hint = `if it is the one at ${seen.server}, write into deploy.yaml${what}`;
  throw new DeployError("UNPINNED_CLUSTER", message, { hint });
}
