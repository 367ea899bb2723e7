import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { peer, runOk, temporaryFolder } from "@git-vault/testkit";
import type { KubernetesObject as StoredObject } from "@git-vault/testkit/kubernetes";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { cordon, drain, type DrainEvent, inspectNodes, uncordon } from "../src/nodes/index.ts";
import type { DrainOptions } from "../src/nodes/drain.ts";
import { type Project, WritableCluster } from "../src/index.ts";
import { clusterWorld, type ClusterWorld, TOKEN } from "./cluster-world.ts";
import { errorOf } from "./world.ts";

const POOL = "mybinder.org/pool-type";
const kubectl = peer("kubectl");
let world: ClusterWorld;
let project: Project;
let cluster: WritableCluster;

beforeEach(async () => {
  world = await clusterWorld();
  project = await world.open();
  cluster = await WritableCluster.connectToChange(project, project.environment("staging"));
  put("v1", "Namespace", "web", {}, "");
});
afterEach(async () => {
  await cluster.close();
  await project.close();
  await world[Symbol.asyncDispose]();
});

function put(apiVersion: string, kind: string, name: string, rest: object, namespace = "web"): StoredObject {
  const metadata = { name, ...(namespace === "" ? {} : { namespace }) };
  return world.kubernetes.put({ apiVersion, kind, metadata, ...rest });
}

const template = (app: string, spec: object = {}): object => ({
  metadata: { labels: { app } },
  spec: { nodeSelector: { [POOL]: "users" }, containers: [{ name: app, image: `${app}:1` }], ...spec },
});

/** A workload whose pods run on the nodes of users. */
async function run(kind: "Deployment" | "DaemonSet", app: string, replicas = 1, spec: object = {}): Promise<void> {
  const selector = { matchLabels: { app } };
  await cluster.send(`/apis/apps/v1/namespaces/web/${kind.toLowerCase()}s`, {
    method: "POST",
    body: {
      apiVersion: "apps/v1",
      kind,
      metadata: { name: app, namespace: "web" },
      spec: { selector, template: template(app, spec), ...(kind === "Deployment" ? { replicas } : {}) },
    },
  });
  await world.kubernetes.settled();
}

/** A user's server: nothing controls it. */
async function startServer(name: string, node: string): Promise<void> {
  await cluster.send("/api/v1/namespaces/web/pods", {
    method: "POST",
    body: {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, namespace: "web" },
      spec: { nodeName: node, containers: [{ name: "notebook", image: "notebook:1" }] },
    },
  });
  await world.kubernetes.settled();
}

async function budget(app: string, minAvailable: number): Promise<void> {
  await cluster.send("/apis/policy/v1/namespaces/web/poddisruptionbudgets", {
    method: "POST",
    body: {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: { name: app, namespace: "web" },
      spec: { minAvailable, selector: { matchLabels: { app } } },
    },
  });
  await world.kubernetes.settled();
}

const podsOn = (node: string): string[] =>
  world.kubernetes
    .list("v1", "Pod")
    .filter(({ spec }) => (spec as { nodeName?: string }).nodeName === node)
    .map(({ metadata }) => metadata.name.replace(/-[^-]*-?[^-]*$/, ""));

const isCordoned = (node: string): boolean => {
  const spec = world.kubernetes.get("v1", "Node", "", node)?.["spec"] as { unschedulable?: boolean } | undefined;
  return spec?.unschedulable === true;
};

async function drained(node: string, options: DrainOptions = {}): Promise<DrainEvent[]> {
  const events: DrainEvent[] = [];
  for await (const event of drain(cluster, node, { interval: 20, timeout: 30_000, ...options })) events.push(event);
  return events;
}

const brief = (events: readonly DrainEvent[]): string[] =>
  events.map((event) =>
    "pod" in event ? `${event.type} ${event.pod.owner?.split(" ")[0] ?? event.pod.name}` : event.type,
  );

describe("closing a node", () => {
  test.skipIf(kubectl.missing)(`is seen by ${kubectl.label}, and undone`, async () => {
    using folder = temporaryFolder();
    const kubeconfig = join(folder.path, "kubeconfig");
    writeFileSync(kubeconfig, world.kubernetes.kubeconfig({ token: TOKEN }));
    const ask = async (...words: string[]): Promise<string> =>
      (await runOk(kubectl.path, ["--kubeconfig", kubeconfig, ...words], { env: { HOME: folder.path } })).toString();
    await cordon(cluster, "user-1");
    expect(await ask("get", "nodes")).toMatch(/user-1 +Ready,SchedulingDisabled/);
    await cordon(cluster, "user-1");
    await uncordon(cluster, "user-1");
    expect(await ask("get", "nodes")).toMatch(/user-1 +Ready +v1/);
    await ask("cordon", "user-2");
    expect((await inspectNodes(cluster)).pools[1]?.nodes.map(({ name, cordoned }) => `${name} ${cordoned}`)).toEqual([
      "user-1 false",
      "user-2 true",
    ]);
  });

  test("is refused for the last node of a pool that takes pods, unless forced", async () => {
    await cordon(cluster, "user-1");
    const error = await errorOf(() => cordon(cluster, "user-2"));
    expect(error).toMatchObject({
      code: "LAST_NODE",
      message: "user-2 is the last node of the pool users that takes pods",
    });
    expect(isCordoned("user-2")).toBe(false);
    expect(await errorOf(() => drained("core-1"))).toMatchObject({ code: "LAST_NODE" });
    await cordon(cluster, "core-1", { force: true });
    expect(isCordoned("core-1")).toBe(true);
  });

  test("is refused for a node that is not there", async () => {
    const error = await errorOf(() => uncordon(cluster, "user-9"));
    expect(error).toMatchObject({ code: "NO_SUCH_NODE", hint: "its nodes are: core-1, user-1, user-2" });
  });
});

describe("emptying a node", () => {
  test("evicts what is recreated elsewhere, and lets the daemons stay", async () => {
    await run("Deployment", "dns", 2);
    await run("DaemonSet", "proxy");
    const events = await drained("user-1");
    expect(brief(events)).toEqual(["cordoned", "evicted ReplicaSet", "drained"]);
    expect(podsOn("user-1")).toEqual(["proxy"]);
    await world.kubernetes.settled();
    expect(podsOn("user-2").toSorted()).toEqual(["dns", "dns", "proxy"]);
    const evictions = world.kubernetes.requests.filter(({ path }) => path.endsWith("/eviction"));
    expect(evictions.map(({ method }) => method)).toEqual(["POST"]);
    expect(world.kubernetes.requests.filter(({ method }) => method === "DELETE")).toEqual([]);
  });

  test("keeps to a disruption budget, says which, and goes on once there is room", async () => {
    await cordon(cluster, "user-2");
    await run("Deployment", "dns");
    await uncordon(cluster, "user-2");
    await budget("dns", 1);
    const events: DrainEvent[] = [];
    for await (const event of drain(cluster, "user-1", { interval: 20, timeout: 30_000 })) {
      events.push(event);
      if (event.type !== "blocked") continue;
      expect(event.reason).toBe("the disruption budget dns allows none: 1 healthy pods, 1 needed");
      const known = world.kubernetes.get("policy/v1", "PodDisruptionBudget", "web", "dns");
      world.kubernetes.put({
        ...known,
        spec: { minAvailable: 0, selector: { matchLabels: { app: "dns" } } },
      } as StoredObject);
      await world.kubernetes.settled();
    }
    expect(brief(events)).toEqual(["cordoned", "blocked ReplicaSet", "evicted ReplicaSet", "drained"]);
    await world.kubernetes.settled();
    expect(podsOn("user-2")).toEqual(["dns"]);
  });

  test("gives up when the time is over, names what holds the node, and leaves it closed", async () => {
    await run("Deployment", "dns", 1, { nodeName: "user-1" });
    await budget("dns", 1);
    const error = await errorOf(() => drained("user-1", { timeout: 60 }));
    expect(error).toMatchObject({ code: "NODE_HELD" });
    expect(error.message).toMatch(/^user-1 is not empty yet: web\/dns-\S+ \(the disruption budget dns allows none/);
    expect(isCordoned("user-1")).toBe(true);
    const { findings } = await inspectNodes(cluster);
    expect(findings.map(({ id }) => id)).toEqual(["node-held"]);
  });

  test("waits for users' servers to end, and evicts them only when told to", async () => {
    await startServer("jupyter-a", "user-1");
    const error = await errorOf(() => drained("user-1", { timeout: 60 }));
    expect(error.message).toContain("web/jupyter-a (nothing recreates it, and it ends by itself)");
    expect(podsOn("user-1")).toHaveLength(1);
    const waiting = drained("user-1");
    const pod = world.kubernetes.get("v1", "Pod", "web", "jupyter-a");
    if (pod !== undefined) world.kubernetes.put({ ...pod, status: { phase: "Succeeded" } });
    expect(brief(await waiting).at(-1)).toBe("drained");
    await startServer("jupyter-b", "user-2");
    await uncordon(cluster, "user-1");
    expect(brief(await drained("user-2", { evictAll: true }))).toEqual(["cordoned", "evicted jupyter-b", "drained"]);
  });

  test("does not throw away local data unless told to", async () => {
    await run("Deployment", "cache", 1, { nodeName: "user-1", volumes: [{ name: "tmp", emptyDir: {} }] });
    const error = await errorOf(() => drained("user-1", { timeout: 60 }));
    expect(error.message).toContain("its local data (emptyDir) would be lost");
  });

  test("passes over a pod that went by itself, and tries again what the server could not do", async () => {
    await run("Deployment", "dns", 2);
    world.kubernetes.faults.push({ on: /\/eviction$/, fault: "status", code: 500, times: 1 });
    expect(brief(await drained("user-1"))).toEqual(["cordoned", "blocked ReplicaSet", "evicted ReplicaSet", "drained"]);
    await uncordon(cluster, "user-1");
    world.kubernetes.faults.push({ on: /\/eviction$/, fault: "status", code: 404, times: 1 });
    expect(brief(await drained("user-2")).at(-1)).toBe("drained");
  });

  test("stops when it is told to, and leaves the node closed", async () => {
    await startServer("jupyter-a", "user-1");
    const controller = new AbortController();
    const error = await errorOf(async () => {
      const events = drain(cluster, "user-1", { signal: controller.signal, interval: 5000 });
      for await (const event of events) if (event.type === "left") controller.abort();
    });
    expect(error).toMatchObject({ code: "INTERRUPTED" });
    expect(isCordoned("user-1")).toBe(true);
  });
});
