import { type Finding, finding } from "../findings/finding.ts";
import type { KubernetesObject } from "../cluster/api.ts";
import { type Kind, nameOf, namespaceOf, ofKind, readQuantity } from "../cluster/kubernetes-object.ts";
import { mapAt, textAt } from "../values/value.ts";

/** The kinds that {@link quotaFindings} looks at. */
export const QUOTA_KINDS: readonly Kind[] = [
  { kind: "ResourceQuota", api: "/api/v1", plural: "resourcequotas", optional: true },
  { kind: "Event", api: "/api/v1", plural: "events", optional: true },
];

/** Which resource quotas are full, what that kept from being made, and for how long. */
export const quotaFindings = (objects: readonly KubernetesObject[], now: Date): Finding[] =>
  ofKind("ResourceQuota", objects).flatMap((quota) => fullFindings(quota, objects, now));

function fullFindings(quota: KubernetesObject, objects: readonly KubernetesObject[], now: Date): Finding[] {
  const used = mapAt(quota, "status", "used");
  const full = Object.entries(mapAt(quota, "status", "hard")).filter(
    ([resource, hard]) => readQuantity(used[resource]) >= readQuantity(hard) && readQuantity(hard) > 0,
  );
  if (full.length === 0) return [];
  const name = nameOf(quota);
  const amounts = full.map(([resource, hard]) => `${resource} ${textOf(used[resource])} of ${textOf(hard)}`);
  const refusals = ofKind("Event", objects).filter(
    (event) =>
      namespaceOf(event) === namespaceOf(quota) && textAt(event, "message").includes(`exceeded quota: ${name}`),
  );
  const [longest] = refusals.map(firstSeen).toSorted((a, b) => a - b);
  const since = longest === undefined ? "" : `, and refuses pods for ${duration(now.getTime() - longest)}`;
  const message = `the quota ${name} is full: ${amounts.join(", ")}${since}`;
  const hint = "remove what is not needed, or raise the quota";
  return [finding("quota-full", refusals.length > 0 ? "error" : "warning", message, { hint })];
}

const textOf = (value: unknown): string => (typeof value === "string" || typeof value === "number" ? `${value}` : "?");

const firstSeen = (event: KubernetesObject): number =>
  Date.parse(
    textAt(event, "firstTimestamp") || textAt(event, "eventTime") || textAt(event, "metadata", "creationTimestamp"),
  );

function duration(milliseconds: number): string {
  const minutes = Math.max(0, Math.round(milliseconds / 60_000));
  return minutes < 120 ? `${minutes} minutes` : `${Math.floor(minutes / 60)} hours`;
}
