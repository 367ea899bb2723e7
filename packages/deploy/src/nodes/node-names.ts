import { Cluster } from "../cluster/cluster.ts";
import { readKubeconfig } from "../cluster/environment-kubeconfig.ts";
import { Project } from "../project/project.ts";

/** Which cluster's nodes are named. */
export interface NodeNamesOptions {
  /** A folder in the repository. */
  readonly root: string;
  readonly environment: string;
  readonly signal: AbortSignal;
}

/**
 * The names of the nodes of an environment's cluster, for who needs them at once: only keys that
 * the repository holds are used, and where the kubeconfig has a program give the credential there
 * are none, since that is not run.
 *
 * @throws DeployError as `Project.open` and `Cluster.connect` do
 */
export async function listNodeNames({ root, environment, signal }: NodeNamesOptions): Promise<string[]> {
  await using project = await Project.open({ root, key: { identities: [] }, sops: null, only: [environment], signal });
  const of = project.environment(environment);
  if ("command" in readKubeconfig(project, of).user) return [];
  await using cluster = await Cluster.connect(project, of, { signal });
  const { items } = await cluster.list("/api/v1/nodes", {
    accept: "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json",
    signal,
  });
  return items.map(({ metadata }) => metadata.name);
}
