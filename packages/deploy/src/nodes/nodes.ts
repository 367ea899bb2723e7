import { plural } from "@git-vault/core";
import { type Finding, finding, type FindingDetails } from "../findings/finding.ts";
import type { KubernetesObject } from "../cluster/api.ts";
import { conditionOf, type Kind, labelsOf, nameOf, ofKind, readQuantity } from "../cluster/kubernetes-object.ts";
import { listAt, mapAt, textAt, at } from "../values/value.ts";
import { isOver, type NodePod, nodePodOf, requestsOf, type Resources } from "./node-pod.ts";
import type { NodePool } from "../project/settings.ts";

/** What tells a node's pool where the settings name none. */
export const POOL_LABEL = "mybinder.org/pool-type";

/** A node, and how it is. */
export interface NodeState {
  readonly name: string;
  /** The names of the pools whose labels it has: one, if all is well. */
  readonly pools: readonly string[];
  readonly ready: boolean;
  /** Why it is not ready, or under pressure, in the kubelet's words; empty where all is well. */
  readonly troubles: readonly string[];
  readonly cordoned: boolean;
  /** Whether it accepts new pods: ready, not cordoned, not leaving. It may be full. */
  readonly schedulable: boolean;
  /** Whether not much is left of one of what it lends. */
  readonly full: boolean;
  /** What is asked for, as shares of what it lends: 1 is all. */
  readonly used: Resources;
  /** The pods that are more than a part of the node. */
  readonly pods: readonly NodePod[];
}

/** The nodes of a cluster by pools. */
export interface NodeReport {
  readonly pools: readonly { readonly name: string; readonly nodes: readonly NodeState[] }[];
  /** Nodes that have the labels of no pool, or of several. */
  readonly strays: readonly NodeState[];
  readonly findings: readonly Finding[];
}

/** The kinds that {@link reportNodes} looks at, of the whole cluster. */
export const NODE_KINDS: readonly Kind[] = [
  { kind: "Node", api: "/api/v1", plural: "nodes" },
  { kind: "Pod", api: "/api/v1", plural: "pods" },
  { kind: "PodDisruptionBudget", api: "/apis/policy/v1", plural: "poddisruptionbudgets", optional: true },
];

/** From this share on, a node counts as full. */
const FULL = 0.95;

/**
 * How the nodes of a cluster are.
 *
 * @param pools as the settings have them; null where they are not known: then the label {@link
 * POOL_LABEL} names them
 * @param objects the cluster's nodes, its pods and its disruption budgets, of all namespaces
 */
export function reportNodes(
  pools: ReadonlyMap<string, NodePool> | null,
  objects: readonly KubernetesObject[],
): NodeReport {
  const nodes = ofKind("Node", objects);
  const known = pools ?? poolsByLabel(nodes);
  const states = nodes
    .map((node) => stateOf(node, known, objects))
    .toSorted((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
  const grouped = Array.from(known.keys(), (name) => ({
    name,
    nodes: states.filter((state) => state.pools.length === 1 && state.pools[0] === name),
  }));
  const strays = states.filter((state) => state.pools.length !== 1);
  const findings = [
    ...grouped.flatMap(({ name, nodes: members }) => [
      ...poolFindings(name, members),
      ...sizeFindings(name, members.length, known.get(name)),
    ]),
    ...strays.map((node) => strayFinding(node, known)),
    ...states.flatMap(nodeFindings),
  ];
  return { pools: grouped, strays, findings };
}

/** Where no node has the label, all are one pool. */
function poolsByLabel(nodes: readonly KubernetesObject[]): ReadonlyMap<string, NodePool> {
  const names = new Set(nodes.flatMap((node) => textAt(labelsOf(node), POOL_LABEL) || []));
  if (names.size === 0) return new Map([["all", { labels: {} }]]);
  return new Map(
    [...names].toSorted((a, b) => a.localeCompare(b, "en")).map((name) => [name, { labels: { [POOL_LABEL]: name } }]),
  );
}

const TROUBLES = ["MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable"];

function stateOf(
  node: KubernetesObject,
  pools: ReadonlyMap<string, NodePool>,
  objects: readonly KubernetesObject[],
): NodeState {
  const labels = labelsOf(node);
  const ready = textAt(conditionOf(node, "Ready"), "status") === "True";
  const cordoned = at(node, "spec", "unschedulable") === true;
  const leaving = listAt(node, "spec", "taints").some(
    (taint) => textAt(taint, "key") === "ToBeDeletedByClusterAutoscaler",
  );
  const pods = ofKind("Pod", objects).filter((pod) => textAt(pod, "spec", "nodeName") === nameOf(node));
  const used = usedOf(
    node,
    pods.filter((pod) => !isOver(pod)),
  );
  return {
    name: nameOf(node),
    pools: [...pools].flatMap(([name, pool]) =>
      Object.entries(pool.labels).every(([key, value]) => labels[key] === value) ? [name] : [],
    ),
    ready,
    troubles: [...(ready ? [] : ["Ready"]), ...TROUBLES].flatMap((type) => troubleOf(node, type)),
    cordoned,
    schedulable: ready && !cordoned && !leaving,
    full: Math.max(used.cpu, used.memory, used.pods) >= FULL,
    used,
    pods: pods.map((pod) => nodePodOf(pod, objects)).filter(({ fate }) => fate === "ends" || fate === "moves"),
  };
}

function troubleOf(node: KubernetesObject, type: string): string[] {
  const condition = conditionOf(node, type);
  const status = textAt(condition, "status");
  if (type !== "Ready" && status !== "True") return [];
  const said = [textAt(condition, "reason"), textAt(condition, "message")].filter((text) => text !== "").join(": ");
  return [said || `${type} is ${status || "not told"}`];
}

function usedOf(node: KubernetesObject, pods: readonly KubernetesObject[]): Resources {
  const lent = mapAt(node, "status", "allocatable");
  const requests = pods.map(requestsOf);
  const share = (key: keyof Resources): number => {
    const all = readQuantity(lent[key]);
    const asked = requests.reduce((sum, request) => sum + request[key], 0);
    return all > 0 ? asked / all : 0;
  };
  return { cpu: share("cpu"), memory: share("memory"), pods: share("pods") };
}

function poolFindings(name: string, nodes: readonly NodeState[]): Finding[] {
  if (nodes.length === 0) {
    const hint = "look at the labels of the nodes, and at those of the pool in deploy.yaml";
    return [finding("pool-empty", "error", `the pool ${name} has no node`, { hint })];
  }
  const open = nodes.filter(({ schedulable }) => schedulable);
  if (open.length === 0) {
    const cordoned = nodes.filter((node) => node.cordoned).map((node) => node.name);
    const message = `no node of the pool ${name} takes pods: ${cordoned.length} of ${nodes.length} are cordoned`;
    const [subject] = cordoned;
    const advice: FindingDetails =
      subject === undefined
        ? { hint: "look at why they are not ready" }
        : { hint: `uncordon ${subject}`, remedy: "uncordon", subject };
    return [finding("pool-closed", "error", message, advice)];
  }
  if (!open.every(({ full }) => full)) return [];
  return [finding("pool-full", "warning", `all open nodes of the pool ${name} are full (${open.length})`)];
}

/** A pool that is smaller than the settings say; one that is empty is told already. */
function sizeFindings(name: string, count: number, pool: NodePool | undefined): Finding[] {
  const least = pool?.nodes ?? 0;
  if (count === 0 || count >= least) return [];
  const message = `the pool ${name} has ${plural(count, "node")}, and deploy.yaml says at least ${least}`;
  return [finding("pool-small", "warning", message)];
}

function strayFinding({ name, pools }: NodeState, known: ReadonlyMap<string, NodePool>): Finding {
  const which =
    pools.length === 0 ? `none of the pools (${[...known.keys()].join(", ")})` : `several pools: ${pools.join(", ")}`;
  return finding("node-mislabelled", "warning", `the node ${name} has the labels of ${which}`);
}

function nodeFindings({ name, ready, troubles, cordoned, pods }: NodeState): Finding[] {
  const findings: Finding[] = [];
  if (!ready || troubles.length > 0) {
    const what = ready ? "is under pressure" : "is not ready";
    findings.push(finding("node-not-ready", "warning", `the node ${name} ${what}: ${troubles.join("; ")}`));
  }
  const held = pods.filter(({ fate }) => fate === "moves");
  if (cordoned && held.length > 0) {
    const names = held.slice(0, 5).map((pod) => `${pod.namespace}/${pod.name}`);
    const more = held.length > names.length ? ` and ${held.length - names.length} more` : "";
    const message = `the cordoned node ${name} is held by pods that do not leave by themselves: ${names.join(", ")}${more}`;
    findings.push(finding("node-held", "warning", message, { hint: `drain ${name}`, remedy: "drain", subject: name }));
  }
  return findings;
}
