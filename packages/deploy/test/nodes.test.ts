import { describe, expect, test } from "vitest";
import { reportNodes } from "../src/nodes/nodes.ts";
import type { KubernetesObject } from "../src/cluster/api.ts";
import { readQuantity } from "../src/cluster/kubernetes-object.ts";

const POOL = "mybinder.org/pool-type";
const pools = new Map([
  ["core", { labels: { [POOL]: "core" } }],
  ["users", { labels: { [POOL]: "users" } }],
]);

interface NodeOptions {
  readonly cordoned?: boolean;
  readonly ready?: string;
  readonly pressure?: boolean;
  readonly leaving?: boolean;
  readonly pods?: string;
}

const object = (kind: string, metadata: KubernetesObject["metadata"], rest: object): KubernetesObject =>
  Object.assign({ kind, metadata }, rest);

const node = (name: string, pool: string | null, options: NodeOptions = {}): KubernetesObject =>
  object(
    "Node",
    { name, labels: pool === null ? {} : { [POOL]: pool } },
    {
      spec: {
        unschedulable: options.cordoned ?? false,
        taints: options.leaving ? [{ key: "ToBeDeletedByClusterAutoscaler", effect: "NoSchedule" }] : [],
      },
      status: {
        allocatable: { cpu: "4", memory: "16Gi", pods: options.pods ?? "110" },
        conditions: [
          { type: "Ready", status: options.ready ?? "True", reason: "KubeletNotReady", message: "PLEG is not healthy" },
          { type: "DiskPressure", status: options.pressure ? "True" : "False", reason: "KubeletHasDiskPressure" },
        ],
      },
    },
  );

interface PodOptions {
  readonly owner?: string;
  readonly requests?: object;
  readonly spec?: object;
  readonly labels?: Record<string, string>;
  readonly annotations?: Record<string, string>;
  readonly phase?: string;
  readonly deleted?: boolean;
}

function pod(name: string, nodeName: string, options: PodOptions = {}): KubernetesObject {
  const { owner, labels = {}, annotations = {}, deleted = false } = options;
  const ownerReferences = owner === undefined ? [] : [{ kind: owner, name: "owner", uid: "u", controller: true }];
  const deletion = deleted ? { deletionTimestamp: "2030-01-01T00:00:00Z" } : {};
  return object(
    "Pod",
    { name, namespace: "prod", labels, annotations, ownerReferences, ...deletion },
    {
      spec: { nodeName, containers: [{ resources: { requests: options.requests ?? {} } }], ...options.spec },
      status: { phase: options.phase ?? "Running", startTime: "2030-01-01T00:00:00Z" },
    },
  );
}

const budget = (name: string, allowed: number): KubernetesObject =>
  object(
    "PodDisruptionBudget",
    { name, namespace: "prod" },
    {
      spec: { selector: { matchLabels: { app: "dns" } } },
      status: { disruptionsAllowed: allowed, currentHealthy: 1, desiredHealthy: 1 },
    },
  );

const brief = (objects: KubernetesObject[]): string[] =>
  reportNodes(pools, objects).findings.map(({ severity, id, message }) => `${severity} ${id}: ${message}`);

describe("the nodes of a cluster", () => {
  test("are sorted into pools, and nothing is said where all is well", () => {
    const report = reportNodes(pools, [
      node("user-10", "users"),
      node("user-2", "users"),
      node("core-1", "core"),
      pod("hub", "core-1", { owner: "ReplicaSet", requests: { cpu: "500m", memory: "1Gi" } }),
      pod("hub-2", "core-1", { owner: "ReplicaSet", requests: { cpu: "1", memory: "3Gi" } }),
      pod("done", "core-1", { phase: "Succeeded", requests: { cpu: "2" } }),
    ]);
    expect(report.findings).toEqual([]);
    expect(report.pools.map(({ name, nodes }) => `${name}: ${nodes.map((one) => one.name).join(" ")}`)).toEqual([
      "core: core-1",
      "users: user-2 user-10",
    ]);
    expect(report.pools[0]?.nodes[0]).toMatchObject({
      schedulable: true,
      full: false,
      used: { cpu: 0.375, memory: 0.25, pods: 2 / 110 },
    });
  });

  test("are found by the usual label where the settings know no pools; without any label, they are one pool", () => {
    const names = (objects: KubernetesObject[]): string[] => reportNodes(null, objects).pools.map(({ name }) => name);
    expect(names([node("a", "users"), node("b", "core")])).toEqual(["core", "users"]);
    expect(names([node("a", null), node("b", null)])).toEqual(["all"]);
    expect(reportNodes(null, [node("a", "users"), node("b", null)]).strays.map(({ name }) => name)).toEqual(["b"]);
  });

  test("are cordoned, every one of a pool", () => {
    expect(
      brief([
        node("core-1", "core", { cordoned: true }),
        node("core-2", "core", { cordoned: true }),
        node("user-1", "users"),
      ]),
    ).toEqual(["error pool-closed: no node of the pool core takes pods: 2 of 2 are cordoned"]);
  });

  test("are not ready, under pressure, or about to be removed", () => {
    expect(
      brief([
        node("core-1", "core", { ready: "False" }),
        node("core-2", "core", { pressure: true }),
        node("user-1", "users", { leaving: true }),
      ]),
    ).toEqual([
      "error pool-closed: no node of the pool users takes pods: 0 of 1 are cordoned",
      "warning node-not-ready: the node core-1 is not ready: KubeletNotReady: PLEG is not healthy",
      "warning node-not-ready: the node core-2 is under pressure: KubeletHasDiskPressure",
    ]);
  });

  test("are of a pool that has none, or have a label that is misspelt", () => {
    expect(brief([node("core-1", "core"), node("user-1", "user")])).toEqual([
      "error pool-empty: the pool users has no node",
      "warning node-mislabelled: the node user-1 has the labels of none of the pools (core, users)",
    ]);
  });

  test("are fewer in a pool than the settings say, or just as many", () => {
    const nodes = [node("core-1", "core"), node("user-1", "users"), node("user-2", "users")];
    const told = (least: number): string[] =>
      reportNodes(
        new Map([
          ["core", { labels: { [POOL]: "core" } }],
          ["users", { labels: { [POOL]: "users" }, nodes: least }],
        ]),
        nodes,
      ).findings.map(({ severity, id, message }) => `${severity} ${id}: ${message}`);
    expect(told(3)).toEqual(["warning pool-small: the pool users has 2 nodes, and deploy.yaml says at least 3"]);
    expect(told(2)).toEqual([]);
  });

  test("are full, by what pods ask for or by their number", () => {
    const few = node("user-1", "users", { pods: "2" });
    expect(
      brief([
        node("core-1", "core"),
        few,
        node("user-2", "users"),
        pod("a", "user-1"),
        pod("b", "user-1"),
        pod("c", "user-2", { requests: { memory: "15.5Gi" } }),
      ]),
    ).toEqual(["warning pool-full: all open nodes of the pool users are full (2)"]);
  });

  test("are held, while cordoned, by pods that do not leave by themselves", () => {
    const objects = [
      node("core-1", "core"),
      node("user-1", "users", { cordoned: true }),
      node("user-2", "users"),
      pod("jupyter-a", "user-1"),
      pod("build-b", "user-1", { owner: "Job" }),
      pod("dns", "user-1", { owner: "ReplicaSet", labels: { app: "dns" } }),
      pod("proxy", "user-1", { owner: "DaemonSet" }),
      pod("static", "user-1", { owner: "Node", annotations: { "kubernetes.io/config.mirror": "x" } }),
      pod("gone", "user-1", { owner: "ReplicaSet", deleted: true }),
      pod("elsewhere", "user-2", { owner: "ReplicaSet" }),
      budget("dns", 0),
    ];
    expect(brief(objects)).toEqual([
      "warning node-held: the cordoned node user-1 is held by pods that do not leave by themselves: prod/dns",
    ]);
    const held = reportNodes(pools, objects).pools[1]?.nodes[0];
    expect(held?.pods.map(({ name, fate, obstacles }) => `${name} ${fate} ${obstacles.join()}`)).toEqual([
      "jupyter-a ends ",
      "build-b ends ",
      "dns moves the disruption budget dns allows none: 1 healthy pods, 1 needed",
    ]);
  });

  test("hold pods that are hard to move", () => {
    const objects = [
      node("core-1", "core"),
      node("user-1", "users"),
      budget("one", 1),
      budget("two", 1),
      pod("dns", "core-1", { owner: "ReplicaSet", labels: { app: "dns" } }),
      pod("cache", "core-1", {
        owner: "StatefulSet",
        annotations: { "cluster-autoscaler.kubernetes.io/safe-to-evict": "false" },
        spec: { volumes: [{ name: "tmp", emptyDir: {} }] },
      }),
    ];
    expect(reportNodes(pools, objects).pools[0]?.nodes[0]?.pods.map(({ obstacles }) => obstacles)).toEqual([
      ["2 disruption budgets guard it, and the API evicts no pod with more than one"],
      ["it is annotated as not safe to evict", "it has local data (emptyDir), which would be lost"],
    ]);
  });
});

describe("an amount of Kubernetes", () => {
  test.each([
    ["250m", 0.25],
    ["1.5Gi", 1.5 * 2 ** 30],
    ["128Mi", 2 ** 27],
    ["1e3", 1000],
    ["12E", 12e18],
    ["2k", 2000],
    [".5", 0.5],
    [4, 4],
    ["many", 0],
    [null, 0],
  ])("%s is %d", (text, expected) => expect(readQuantity(text)).toBeCloseTo(expected, 9));
});
