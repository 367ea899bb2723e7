import type { MintedCertificate } from "../network/certificates.ts";
import type { KubernetesCredentials } from "./kubeconfig.ts";
import type { KubernetesObject } from "./objects.ts";
import type { KubernetesNode } from "./seed.ts";
import type { KubernetesState, KubernetesUser } from "./state.ts";

/** How the cluster is to begin. */
export interface KubernetesOptions {
  /**
   * The uid of the namespace `kube-system`, by which clusters are told apart; random where it is
   * left out.
   */
  readonly identity?: string;
  /** One of the pool `core` and two of `users` where it is left out. */
  readonly nodes?: readonly KubernetesNode[];
  /** Whether it has the kinds of cert-manager; it has where this is left out. */
  readonly certManager?: boolean;
  /** `v1.35.2` where it is left out. */
  readonly version?: string;
}

/** A running stand-in for a Kubernetes cluster. */
export interface KubernetesStandIn extends KubernetesState, AsyncDisposable {
  /** `https://127.0.0.1:PORT`. */
  readonly url: string;
  readonly identity: string;
  /** Who signs its certificates: the server's, and those of its users. */
  readonly authority: MintedCertificate;
  /** Makes a client certificate; one that is over already where `days` is negative. */
  mintUser(user: KubernetesUser, days?: number): Promise<MintedCertificate>;
  /** Serves another certificate from the next connection on. */
  serve(certificate: MintedCertificate): void;
  /** A kubeconfig, as JSON, which is YAML too. */
  kubeconfig(credentials: KubernetesCredentials): string;
  /**
   * An object as it is now, by a path such as `apps/v1`, `Deployment`. Throws where the cluster
   * does not have the kind.
   */
  get(apiVersion: string, kind: string, namespace: string, name: string): KubernetesObject | undefined;
  /** All of a kind, in one namespace where it is named. */
  list(apiVersion: string, kind: string, namespace?: string): KubernetesObject[];
  /** Writes an object as it is, its status too: what somebody else did. */
  put(object: KubernetesObject): KubernetesObject;
  /** Removes an object at once. */
  remove(object: KubernetesObject): void;
  /** Forgets past changes: anyone who resumes a watch or a long list is answered 410. */
  forget(): void;
  /** Resolves once the controllers have nothing to do for the moment. */
  settled(): Promise<void>;
  /** Stops the server and drops what is connected to it. */
  close(): Promise<void>;
}
