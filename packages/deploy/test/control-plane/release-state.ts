import { recordedRevision } from "../../src/cluster/helm-releases.ts";
import { readRecord } from "../../src/cluster/helm-record.ts";
import { readManifests } from "../../src/helm/manifests.ts";
import type { KubernetesObject } from "../../src/cluster/api.ts";
import { at as valueAt, listAt } from "../../src/values/value.ts";
import type { ControlPlaneWorld } from "./world.ts";

/** What of the chart is looked at. */
export interface Content {
  readonly image: unknown;
  readonly replicas: unknown;
  readonly greeting: unknown;
}

/** A revision by Helm's record of it. */
export interface Revision {
  readonly number: number;
  readonly status: string;
  /** Whether a run found it ready. */
  readonly ready: boolean;
  readonly description: string;
  readonly content: Content;
}

/** A release, as the cluster has it. */
export interface ReleaseState {
  readonly revisions: readonly Revision[];
  readonly live: Content;
  /** Whether the Deployment is there, and all its pods are new and available. */
  readonly ready: boolean;
}

const contentOf = (deployment: unknown, map: unknown): Content => ({
  image: valueAt(listAt(deployment, "spec", "template", "spec", "containers")[0], "image") ?? null,
  replicas: valueAt(deployment, "spec", "replicas") ?? null,
  greeting: valueAt(map, "data", "greeting") ?? null,
});

function revisionOf(secret: KubernetesObject): Revision {
  const { number, status, ready } = recordedRevision(secret.metadata);
  const { manifest, description } = readRecord(secret);
  const objects = readManifests(manifest);
  const ofKind = (wanted: string): unknown => objects.find(({ kind }) => kind === wanted)?.object;
  return { number, status, ready, description, content: contentOf(ofKind("Deployment"), ofKind("ConfigMap")) };
}

/** What is so of the release now. */
export async function stateOf(at: ControlPlaneWorld): Promise<ReleaseState> {
  const [records, deployment, map] = await Promise.all([
    at.get("v1/secrets?labelSelector=owner=helm"),
    at.get("apps/v1/deployments/web"),
    at.get("v1/configmaps/web"),
  ]);
  const secrets: KubernetesObject[] = records.items;
  const { generation } = deployment?.metadata ?? {};
  const { replicas } = deployment?.spec ?? {};
  const { observedGeneration, updatedReplicas, availableReplicas, replicas: all } = deployment?.status ?? {};
  return {
    revisions: secrets.map(revisionOf).toSorted((a, b) => a.number - b.number),
    live: contentOf(deployment, map),
    ready:
      deployment !== null &&
      observedGeneration === generation &&
      [updatedReplicas, availableReplicas, all].every((count) => count === replicas),
  };
}
