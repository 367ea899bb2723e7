import type { KubernetesObject } from "../cluster/api.ts";
import {
  annotationOf,
  conditionOf,
  isOwnedBy,
  type Kind,
  kindOf,
  nameOf,
  namespaceOf,
  ofKind,
} from "../cluster/kubernetes-object.ts";
import { numberAt, textAt } from "../values/value.ts";

/** One step of the way in which a certificate is renewed, as the cluster has it. */
export interface IssuanceStep {
  /** `Challenge`, `Order`, … */
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** `Ready`, `pending`, `invalid`, … */
  readonly state: string;
  /** In the controller's words; empty where it says nothing. */
  readonly message: string;
}

/** What cert-manager says of a Secret's certificate. */
export interface Issuance {
  readonly namespace: string;
  /** Of the Certificate. */
  readonly name: string;
  readonly ready: boolean;
  /** When it is to be renewed, as far as cert-manager knows. */
  readonly renewalTime: Date | null;
  readonly notAfter: Date | null;
  /** How often it was tried in vain since it last worked. */
  readonly failedAttempts: number;
  /** Where issuance is stuck, from the Certificate to the last step; empty if it is fine. */
  readonly stuck: readonly IssuanceStep[];
}

const kind = (name: string, plural: string, group: string): Kind => ({
  kind: name,
  api: `/apis/${group}/v1`,
  plural,
  optional: true,
});

/** The kinds that {@link issuanceOf} looks at. */
export const ISSUANCE_KINDS: readonly Kind[] = [
  kind("Certificate", "certificates", "cert-manager.io"),
  kind("CertificateRequest", "certificaterequests", "cert-manager.io"),
  kind("Issuer", "issuers", "cert-manager.io"),
  { ...kind("ClusterIssuer", "clusterissuers", "cert-manager.io"), clusterWide: true },
  kind("Order", "orders", "acme.cert-manager.io"),
  kind("Challenge", "challenges", "acme.cert-manager.io"),
];

const dateAt = (object: KubernetesObject, key: string): Date | null => {
  const text = textAt(object, "status", key);
  return text === "" ? null : new Date(text);
};

/** A step whose state is its condition `Ready`. */
function readiness(object: KubernetesObject): IssuanceStep {
  const ready = conditionOf(object, "Ready");
  const isReady = textAt(ready, "status") === "True";
  return step(object, isReady ? "Ready" : textAt(ready, "reason") || "Unknown", textAt(ready, "message"));
}

/** A step whose state is a word in its status. */
const progress = (object: KubernetesObject): IssuanceStep =>
  step(object, textAt(object, "status", "state") || "pending", textAt(object, "status", "reason"));

const step = (object: KubernetesObject, state: string, message: string): IssuanceStep => ({
  kind: kindOf(object),
  namespace: namespaceOf(object),
  name: nameOf(object),
  state,
  message,
});

/**
 * What cert-manager says of the certificate in a Secret; null where it does not look after it.
 *
 * The way of a renewal is Certificate → CertificateRequest → Order → Challenge, each owned by the
 * one before.
 */
export function issuanceOf(
  secret: { readonly namespace: string; readonly name: string },
  objects: readonly KubernetesObject[],
): Issuance | null {
  const certificate = ofKind("Certificate", objects).find(
    (one) => namespaceOf(one) === secret.namespace && textAt(one, "spec", "secretName") === secret.name,
  );
  if (certificate === undefined) return null;
  const own = readiness(certificate);
  const issuing = conditionOf(certificate, "Issuing");
  const failedAttempts = numberAt(certificate, "status", "failedIssuanceAttempts");
  const isStuck = own.state !== "Ready" || failedAttempts > 0 || textAt(issuing, "reason") === "Failed";
  const word = textAt(issuing, "message");
  const first = failedAttempts > 0 && word !== "" ? { ...own, state: textAt(issuing, "reason"), message: word } : own;
  return {
    namespace: namespaceOf(certificate),
    name: nameOf(certificate),
    ready: own.state === "Ready",
    renewalTime: dateAt(certificate, "renewalTime"),
    notAfter: dateAt(certificate, "notAfter"),
    failedAttempts,
    stuck: isStuck ? [first, ...wayDown(certificate, objects)] : [],
  };
}

function wayDown(certificate: KubernetesObject, objects: readonly KubernetesObject[]): IssuanceStep[] {
  const wanted = textAt(certificate, "spec", "issuerRef", "kind") || "Issuer";
  const issuer = ofKind(wanted, objects).find(
    (object) =>
      nameOf(object) === textAt(certificate, "spec", "issuerRef", "name") &&
      (wanted === "ClusterIssuer" || namespaceOf(object) === namespaceOf(certificate)),
  );
  // An issuer that is not ready issues nothing: there is no need to look further.
  if (issuer !== undefined && readiness(issuer).state !== "Ready") return [readiness(issuer)];
  const request = newest(ofKind("CertificateRequest", objects).filter((one) => isOwnedBy(one, certificate)));
  if (request === undefined || readiness(request).state === "Ready") return [];
  const order = newest(ofKind("Order", objects).filter((one) => isOwnedBy(one, request)));
  if (order === undefined) return [readiness(request)];
  const challenge = ofKind("Challenge", objects).find(
    (one) => isOwnedBy(one, order) && progress(one).state !== "valid",
  );
  return [readiness(request), progress(order), ...(challenge === undefined ? [] : [progress(challenge)])];
}

/** The one of the latest attempt: cert-manager counts them in an annotation. */
const newest = (objects: readonly KubernetesObject[]): KubernetesObject | undefined =>
  objects.toSorted((a, b) => attemptOf(b) - attemptOf(a) || createdAt(b) - createdAt(a))[0];

const attemptOf = (object: KubernetesObject): number =>
  Number(annotationOf(object, "cert-manager.io/certificate-revision") || "0");

const createdAt = (object: KubernetesObject): number =>
  Date.parse(textAt(object, "metadata", "creationTimestamp")) || 0;
