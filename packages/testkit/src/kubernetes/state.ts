import type { IncomingHttpHeaders } from "node:http";
import type { Store } from "./store.ts";

/** Who makes a request, as the cluster sees it. */
export interface KubernetesUser {
  readonly username: string;
  readonly groups?: readonly string[];
}

/** A request that came in. */
export interface KubernetesRequest {
  readonly method: string;
  /** The path with its query, as sent. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Who made it; undefined for one that was not let in. */
  user: string | undefined;
  /** The body, as sent. */
  body: Buffer;
}

/**
 * What happens to a pod. Those beside `ready` and `succeeded` are what keeps a rollout from its
 * end.
 */
export type PodFate =
  /** It runs and is ready; the pod of a Job succeeds. */
  | "ready"
  /** It runs and never becomes ready, its probe fails. */
  | "unready"
  /** It ends with code 1. */
  | "failed"
  | "ImagePullBackOff"
  | "CrashLoopBackOff"
  | "CreateContainerConfigError"
  /** No node takes it. */
  | "Unschedulable";

/**
 * What happens to some pods: the first rule that fits a pod holds, and one that no rule fits
 * becomes ready.
 */
export interface PodRule {
  readonly namespace?: string;
  readonly name?: RegExp;
  /** An image of one of its containers. */
  readonly image?: RegExp;
  readonly becomes: PodFate;
  /** What the event and the container's state say, in place of the usual words. */
  readonly message?: string;
  /** The lines of its log. */
  readonly logs?: readonly string[];
}

/** What can go wrong with an answer. */
export type KubernetesFaultKind =
  /** A refusal: 409, 429 with `retryAfter` in seconds, 500, 403, … */
  | {
      readonly fault: "status";
      readonly code: number;
      readonly reason?: string;
      readonly message?: string;
      readonly retryAfter?: number;
    }
  /** The usual answer, late. */
  | { readonly fault: "delay"; readonly milliseconds: number }
  /**
   * The connection is cut: before anything was done, after it was done but before the answer, or in
   * the middle of the answer.
   */
  | { readonly fault: "drop"; readonly when: "before" | "after-effect" | "after-headers" }
  /** Headers, and then silence. */
  | { readonly fault: "stall" }
  /** An answer of blanks without an end, with this status; `sent` counts its MiB. */
  | { readonly fault: "flood"; readonly code: number; sent: number }
  /** Every event of a watch comes late. */
  | { readonly fault: "slow-watch"; readonly milliseconds: number }
  /**
   * Something happens just before the request is answered, such as another's change of the same
   * object.
   */
  | { readonly fault: "interfere"; readonly act: () => void };

/** A fault, where it strikes and how often. */
export type KubernetesFault = KubernetesFaultKind & {
  /** The path without its query that it strikes; every path where it is left out. */
  readonly on?: string | RegExp;
  readonly method?: string;
  /** How many requests that fit it lets pass first. */
  skip?: number;
  /** How many requests it still strikes; all of them where it is left out. */
  times?: number;
};

/** What steers the server: plain data, to be read and changed at any time. */
export interface KubernetesState {
  /** The bearer tokens that are accepted. */
  readonly tokens: Map<string, KubernetesUser>;
  readonly podRules: PodRule[];
  /**
   * What goes wrong: the first that fits a request is applied, and goes away after its number of
   * times.
   */
  readonly faults: KubernetesFault[];
  /** Every request so far, the refused ones too. */
  readonly requests: KubernetesRequest[];
}

/** The whole cluster, for its parts. */
export interface Cluster extends KubernetesState {
  readonly store: Store;
  /** The version it says it has, such as `v1.35.2`. */
  readonly version: string;
}
