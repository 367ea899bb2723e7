/*
 * What the cluster's user has to be allowed to do for a deployment:
 * https://kubernetes.io/docs/reference/access-authn-authz/rbac/
 */
import type { Cluster } from "../cluster/cluster.ts";
import type { ReleaseName } from "../cluster/helm-releases.ts";
import { DeployError } from "../errors.ts";
import { inParallel, sharedSignal } from "../parallel.ts";
import { remember } from "../remember.ts";
import type { PlacedObject } from "../workloads/placed-object.ts";

/** What somebody may do with the objects of a kind. */
export interface Right {
  /** Where; null for the whole cluster, or for what lies in no namespace. */
  readonly namespace: string | null;
  /** Empty for Kubernetes' own core. */
  readonly group: string;
  /** Such as `deployments`, or `pods/log`. */
  readonly resource: string;
  readonly verbs: readonly string[];
  /** Of those objects alone; of all where left out. */
  readonly names?: readonly string[];
}

/** What Helm does with each object of a release, one day or another. */
export const OBJECT_VERBS: readonly string[] = ["get", "create", "patch", "delete"];
/** What it does to wait for something. */
const WAITING_VERBS = ["list", "watch"];

/** What a deployment does with the objects of a release, and its Helm with its own records. */
export function rightsToDeploy(
  { namespace }: ReleaseName,
  objects: readonly PlacedObject[],
  hooks: readonly PlacedObject[],
  waits: boolean,
): Right[] {
  const verbs = waits ? [...OBJECT_VERBS, ...WAITING_VERBS] : OBJECT_VERBS;
  const core = { namespace, group: "" };
  return joinRights([
    { ...core, resource: "secrets", verbs: ["list", "get", "create", "update", "delete"] },
    ...objects.map((object) => ({ ...kindOf(object), verbs })),
    ...hooks.map((object) => ({ ...kindOf(object), verbs: [...OBJECT_VERBS, ...WAITING_VERBS] })),
    ...(waits
      ? [
          { ...core, resource: "pods", verbs: WAITING_VERBS },
          { namespace, group: "apps", resource: "replicasets", verbs: WAITING_VERBS },
        ]
      : []),
  ]);
}

/** The namespace in which runs take turns. */
export const LEASES = "default";

/** What is done beside that, where it is allowed: without it, less is told. */
export function rightsToTell({ namespace }: ReleaseName): Right[] {
  const core = { namespace, group: "" };
  return [
    { namespace: null, group: "", resource: "namespaces", verbs: ["get"], names: ["kube-system", namespace] },
    {
      namespace: LEASES,
      group: "coordination.k8s.io",
      resource: "leases",
      verbs: ["get", "create", "update", "delete"],
    },
    { ...core, resource: "pods", verbs: ["list"] },
    { ...core, resource: "pods/log", verbs: ["get"] },
    { ...core, resource: "events", verbs: ["list"] },
    { namespace, group: "apps", resource: "replicasets", verbs: ["list"] },
  ];
}

/** The kind of an object, by the path where the API has it. */
function kindOf({ path, apiVersion, namespace }: PlacedObject): Omit<Right, "verbs"> {
  const group = apiVersion.includes("/") ? (apiVersion.split("/")[0] ?? "") : "";
  const resource = path.split("/").at(-2) ?? "";
  return { namespace: path.includes("/namespaces/") ? namespace : null, group, resource };
}

/** Each kind once, with all that may be done to it. */
export function joinRights(rights: readonly Right[]): Right[] {
  const byKind = new Map<string, { right: Right; verbs: Set<string> }>();
  for (const right of rights) {
    const key = JSON.stringify([right.namespace, right.group, right.resource, right.names]);
    const { verbs } = remember(byKind, key, () => ({ right, verbs: new Set() }));
    for (const verb of right.verbs) verbs.add(verb);
  }
  return [...byKind.values()].map(({ right, verbs }) => withVerbs(right, [...verbs]));
}

const withVerbs = (right: Right, verbs: readonly string[]): Right => ({ ...right, verbs });

/** How many rights are asked for at once. */
const MOST = 16;

/**
 * Asks the cluster whether its user has rights. Nothing is changed.
 *
 * @throws DeployError FORBIDDEN with all that are lacking; what reading from the cluster throws
 */
export async function assertRights(cluster: Cluster, rights: readonly Right[], signal: AbortSignal): Promise<void> {
  const shared = sharedSignal(signal);
  const single = rights.flatMap((right) => right.verbs.map((verb) => withVerbs(right, [verb])));
  const allowed = await inParallel(single, MOST, (right) => isAllowed(cluster, right, shared));
  const lacking = joinRights(single.filter((_, index) => !allowed[index]));
  if (lacking.length === 0) return;
  const message = `the cluster's user may not ${lacking.map(rightText).join("; ")}`;
  throw new DeployError("FORBIDDEN", cluster.tidy(message), {
    hint: "nothing was changed; give the kubeconfig's user what a deployment needs",
    remedy: "rights",
    subject: cluster.environment.name,
  });
}

/** `get, patch deployments.apps in the namespace web`. */
const rightText = ({ namespace, group, resource, verbs }: Right): string =>
  `${verbs.join(", ")} ${resource}${group === "" ? "" : `.${group}`}${namespace === null ? "" : ` in the namespace ${namespace}`}`;

async function isAllowed(cluster: Cluster, right: Right, signal: AbortSignal): Promise<boolean> {
  const { namespace, group, verbs } = right;
  const [resource, subresource] = right.resource.split("/");
  const resourceAttributes = { namespace: namespace ?? "", group, resource, subresource, verb: verbs[0] };
  try {
    return await cluster.mayDo(resourceAttributes, signal);
  } catch (error) {
    // A cluster that does not tell is asked by what is done.
    if (error instanceof DeployError && ["FORBIDDEN", "NO_SUCH_OBJECT"].includes(error.code)) return true;
    throw error;
  }
}
