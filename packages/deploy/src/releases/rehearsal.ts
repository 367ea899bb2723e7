/*
 * What an upgrade would make of a release, rehearsed: with its secrets, and with stand-ins for
 * them. What differs between the two depends on a secret.
 */
import type { Cluster } from "../cluster/cluster.ts";
import type { ReleaseContent } from "../cluster/helm-record.ts";
import type { ReleaseName } from "../cluster/helm-releases.ts";
import { DeployError } from "../errors.ts";
import type { ChartPlace } from "../helm/helm.ts";
import { type Manifest, readManifests } from "../helm/manifests.ts";
import type { Release } from "../project/environment.ts";
import type { Project } from "../project/project.ts";
import { withoutSecretWords } from "../secrets/failures.ts";
import type { NameTold } from "../workloads/placed-object.ts";
import type { StandIns } from "../secrets/stand-ins.ts";
import { redactDifferences } from "../secrets/taint.ts";
import type { ValueMap } from "../values/value.ts";
import { deployedTwins } from "./deployed-secrets.ts";
import { deployedCommit } from "./good-revision.ts";

/** What a release is with stand-ins; why it cannot be rendered with them. */
export type OtherContent = ReleaseContent | DeployError;

/** What is rehearsed, and how. */
export interface Rehearsing {
  readonly release: Release;
  readonly chart: ChartPlace;
  readonly values?: ValueMap;
  /** Whether templates find nothing in the cluster. */
  readonly blind?: boolean;
  /** Whether values need not be as the charts' JSON Schemas say. */
  readonly unjudged?: boolean;
  /** Whether it may use kinds that are installed first: by another release of a plan, or itself. */
  readonly mayLackKinds?: (() => Promise<boolean>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Where Helm finds a chart, and the same with stand-ins for what is encrypted in it. */
export const chartTwins = (
  { sources }: Project,
  { chart }: Release,
  standIns: StandIns,
): Record<"own" | "other", ChartPlace> => ({
  own: sources.placeOf(chart),
  other: sources.placeOf(chart, standIns),
});

/**
 * What a release renders to without a cluster and with stand-ins for its secrets; null where its
 * chart does not take these.
 *
 * @throws DeployError INTERRUPTED
 */
export async function otherRendering(
  project: Project,
  release: Release,
  signal?: AbortSignal,
): Promise<Manifest[] | null> {
  const { standIns } = project;
  try {
    return readManifests(await project.renderOther(release, (value) => standIns.of(value), standIns, signal));
  } catch (error) {
    if (!(error instanceof DeployError) || error.code === "INTERRUPTED") throw error;
    return null;
  }
}

/** By what a release is the same in two commits. */
export const identityOfRelease = ({ name, namespace }: ReleaseName): string => `${namespace}/${name}`;

/** @throws DeployError TOOL_FAILED, INTERRUPTED */
export async function rehearse(
  cluster: Cluster,
  { mayLackKinds, ...rehearsal }: Rehearsing,
): Promise<{ content: ReleaseContent; withoutCluster: boolean }> {
  try {
    return { content: await cluster.releases.rehearse(rehearsal), withoutCluster: false };
  } catch (error) {
    const said = error instanceof DeployError && error.code === "TOOL_FAILED" ? error.message : "";
    if (said.includes("another operation (install/upgrade/rollback) is in progress"))
      return { content: await cluster.releases.rehearse(rehearsal, "install"), withoutCluster: false };
    if (!said.includes("no matches for kind") || (await mayLackKinds?.()) !== true) throw error;
    return { content: await cluster.releases.rehearse(rehearsal, "install without cluster"), withoutCluster: true };
  }
}

/**
 * The same rehearsal with stand-ins for secrets, in which templates find nothing in the cluster
 * either, where a chart may look up the Secrets of others. The error where the chart does not take
 * that.
 *
 * @param how names the chart with stand-ins for what is encrypted in it
 */
export async function otherRehearsal(cluster: Cluster, how: Rehearsing, standIns: StandIns): Promise<OtherContent> {
  const others = how.values ?? how.release.values().overridesWith((value) => standIns.of(value));
  try {
    return (await rehearse(cluster, { ...how, values: others, blind: true, unjudged: true })).content;
  } catch (error) {
    if (error instanceof DeployError && error.code === "TOOL_FAILED") return error;
    throw error;
  }
}

/**
 * What a recorded revision is with stand-ins for what may be secret in its values: the chart is
 * that of the commit that it was deployed from, or of this one, where that is not here. The error
 * where that cannot be made.
 *
 * @throws DeployError INTERRUPTED
 */
export async function otherOfRevision(
  project: Project,
  cluster: Cluster,
  release: Release,
  revision: number,
  signal?: AbortSignal,
): Promise<OtherContent> {
  try {
    const commit = await deployedCommit(cluster, release, revision, signal);
    const [then, same] = await releaseAt(project, cluster, release, commit);
    const [, values] = await deployedTwins(cluster, same, revision, project.standIns, signal);
    const { other: chart } = chartTwins(then, same, project.standIns);
    return await otherRehearsal(cluster, { release: same, chart, values, signal }, project.standIns);
  } catch (error) {
    if (!(error instanceof DeployError) || error.code === "INTERRUPTED") throw error;
    return error;
  }
}

async function releaseAt(
  project: Project,
  { environment }: Cluster,
  release: Release,
  commit: string | null,
): Promise<readonly [Project, Release]> {
  if (commit === null || commit === project.commit) return [project, release];
  try {
    const then = await project.at(commit);
    const { releases } = then.environment(environment.name);
    const same = releases.find((one) => identityOfRelease(one) === identityOfRelease(release));
    return same === undefined ? [project, release] : [then, same];
  } catch (error) {
    if (error instanceof DeployError) return [project, release];
    throw error;
  }
}

const objectsOf = ({ manifest, hooks }: ReleaseContent): ReturnType<typeof readManifests> =>
  [manifest, hooks].flatMap((text) => readManifests(text));

/**
 * How objects of a release are told of: a kind and a name that stand in the rendering with
 * stand-ins depend on no secret, though their words may be values of an encrypted layer.
 */
export function namesTold(cluster: Cluster, other: OtherContent): NameTold {
  const plain = new Set(
    other instanceof DeployError ? [] : objectsOf(other).map(({ kind, name }) => `${kind} ${name}`),
  );
  return ({ kind, namespace, name }) => ({
    namespace: cluster.tidy(namespace),
    ...(plain.has(`${kind} ${name}`)
      ? { kind: cluster.tidyPlain(kind), name: cluster.tidyPlain(name) }
      : { kind: cluster.tidy(kind), name: cluster.tidy(name) }),
  });
}

/** Makes known to the cluster's redactor what depends on a secret in what a release is made of. */
export function redactRendered(cluster: Cluster, own: ReleaseContent, other: OtherContent): void {
  redactDifferences(cluster.redactor, objectsOf(own), other instanceof DeployError ? null : objectsOf(other));
}

/**
 * Helm's failure at a release, as it may be told. Where it is the cluster that refuses, its words
 * are told without what the chart made of secrets.
 *
 * @param how of the failure; with the secrets
 * @param other gives the same with stand-ins
 */
export const tellable = (
  error: unknown,
  project: Project,
  cluster: Cluster,
  how: Rehearsing,
  other: () => Promise<OtherContent>,
): Promise<unknown> =>
  withoutSecretWords(error, other, async () => {
    const twin = await other();
    // What it finds in the cluster is nobody's to tell apart.
    if (twin instanceof DeployError || project.sources.looksUp(how.release.chart)) return false;
    try {
      const { content } = await rehearse(cluster, { ...how, blind: true });
      redactRendered(cluster, content, twin);
      return true;
    } catch (failed) {
      if (failed instanceof DeployError && failed.code === "TOOL_FAILED") return false;
      throw failed;
    }
  });
