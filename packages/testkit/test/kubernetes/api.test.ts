import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Answer, deployment, workbench, type Workbench } from "./workbench.ts";

let bench: Workbench;
beforeEach(async () => {
  bench = await workbench();
});
afterEach(async () => {
  await bench[Symbol.asyncDispose]();
});

const MAPS = "/api/v1/namespaces/default/configmaps";
const DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments";

const map = (name: string, labels: Record<string, string> = {}, data: Record<string, string> = {}) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: Object.keys(labels).length > 0 ? { name, labels } : { name },
  data,
});

const post = (path: string, body: unknown) => bench.ask(path, { method: "POST", body });
const patch = (path: string, type: string, body: unknown) =>
  bench.ask(path, { method: "PATCH", body, headers: { "content-type": `application/${type}` } });

describe("writing", () => {
  test("knows what is there, and refuses as the API does", async () => {
    expect(await post(MAPS, map("one"))).toMatchObject({ status: 201, json: { metadata: { namespace: "default" } } });
    expect(await post(MAPS, map("one"))).toMatchObject({ status: 409, json: { reason: "AlreadyExists" } });
    expect(await post(MAPS, map("Not a name"))).toMatchObject({ status: 422, json: { reason: "Invalid" } });
    expect(await post("/api/v1/namespaces/none/configmaps", map("one"))).toMatchObject({
      status: 404,
      json: { message: 'namespaces "none" not found' },
    });
    expect(await post("/api/v1/nothing", {})).toMatchObject({ status: 404 });
    expect(await post(MAPS, "{")).toMatchObject({ status: 400 });
    expect(await post(MAPS, { kind: "Secret", metadata: { name: "x" } })).toMatchObject({ status: 400 });
    expect(await bench.ask(`${MAPS}/two`)).toMatchObject({ status: 404, json: { details: { name: "two" } } });
    expect(await bench.ask(`${MAPS}/one`, { method: "POST" })).toMatchObject({ status: 405 });
    expect(await bench.ask(`${MAPS}/one`, { headers: { authorization: "Bearer wrong" } })).toMatchObject({
      status: 401,
    });
  });

  test("an outdated version is a conflict; one that changes nothing is not written", async () => {
    const { json: first } = await post(MAPS, map("one"));
    const put = (body: unknown, query = "") => bench.ask(`${MAPS}/one${query}`, { method: "PUT", body });
    const { json: same } = await put(first);
    expect(same.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
    const { json: tried } = await put({ ...first, data: { a: "1" } }, "?dryRun=All");
    expect(tried.data).toEqual({ a: "1" });
    const { json: second } = await put({ ...first, data: { a: "2" } });
    expect(Number(second.metadata.resourceVersion)).toBeGreaterThan(Number(first.metadata.resourceVersion));
    expect(await put({ ...first, data: { a: "3" } })).toMatchObject({ status: 409, json: { reason: "Conflict" } });
    const stale = { preconditions: { uid: "other" } };
    expect(await bench.ask(`${MAPS}/one`, { method: "DELETE", body: stale })).toMatchObject({ status: 409 });
    expect(await bench.ask(`${MAPS}/one`, { method: "DELETE" })).toMatchObject({
      status: 200,
      json: { status: "Success" },
    });
  });

  test("what is immutable stays, and a Secret has its limit", async () => {
    await post(DEPLOYMENTS, deployment("web"));
    const other = {
      spec: { selector: { matchLabels: { app: "other" } }, template: { metadata: { labels: { app: "other" } } } },
    };
    const refused = await patch(`${DEPLOYMENTS}/web`, "merge-patch+json", other);
    expect(refused).toMatchObject({ status: 422 });
    expect(refused.json.message).toContain("field is immutable");
    const secrets = "/api/v1/namespaces/default/secrets";
    const big = {
      kind: "Secret",
      apiVersion: "v1",
      metadata: { name: "big" },
      stringData: { a: "x".repeat(1024 * 1024 + 1) },
    };
    expect((await post(secrets, big)).json.message).toContain("Too long: may not be more than 1048576 bytes");
  });

  test("the status has its own door, and the spec its generation", async () => {
    const created = await post(DEPLOYMENTS, { ...deployment("web", 0), status: { replicas: 9 } });
    expect(created.json.status).toBeUndefined();
    await bench.kubernetes.settled();
    const scaled = await patch(`${DEPLOYMENTS}/web/scale`, "merge-patch+json", { spec: { replicas: 2 } });
    expect(scaled.json).toMatchObject({ kind: "Scale", spec: { replicas: 2 } });
    const touched = await patch(`${DEPLOYMENTS}/web/status`, "merge-patch+json", {
      spec: { replicas: 5 },
      status: { custom: 1 },
    });
    expect(touched.json).toMatchObject({ metadata: { generation: 2 }, spec: { replicas: 2 }, status: { custom: 1 } });
  });
});

describe("patches", () => {
  test("JSON patch and merge patch", async () => {
    await post(MAPS, map("one", {}, { a: "1", b: "2" }));
    const operations = [
      { op: "test", path: "/data/a", value: "1" },
      { op: "remove", path: "/data/a" },
      { op: "add", path: "/data/c~1d", value: "3" },
    ];
    expect((await patch(`${MAPS}/one`, "json-patch+json", operations)).json.data).toEqual({ b: "2", "c/d": "3" });
    expect(await patch(`${MAPS}/one`, "json-patch+json", operations)).toMatchObject({ status: 422 });
    expect((await patch(`${MAPS}/one`, "merge-patch+json", { data: { b: null, e: "4" } })).json.data).toEqual({
      "c/d": "3",
      e: "4",
    });
    expect(await patch(`${MAPS}/one`, "unknown+json", {})).toMatchObject({ status: 415 });
  });

  test("strategic merge patch merges lists by their keys, and knows its directives", async () => {
    await post(DEPLOYMENTS, deployment("web"));
    const change = (spec: unknown) =>
      patch(`${DEPLOYMENTS}/web`, "strategic-merge-patch+json", { spec: { template: { spec } } });
    const containersOf = ({ json }: Answer) => json.spec.template.spec.containers;
    const added = await change({ containers: [{ name: "side", image: "side:1" }] });
    expect(containersOf(added)).toMatchObject([{ name: "web", image: "web:1" }, { name: "side" }]);
    const env = [
      { name: "A", value: "1" },
      { name: "B", value: "2" },
    ];
    const changed = await change({
      $setElementOrder: undefined,
      "$setElementOrder/containers": [{ name: "side" }, { name: "web" }],
      containers: [{ name: "web", image: "web:2", env }],
    });
    expect(containersOf(changed)).toMatchObject([
      { name: "side" },
      { name: "web", image: "web:2", ports: [{ containerPort: 80 }] },
    ]);
    const removed = await change({
      containers: [
        { name: "side", $patch: "delete" },
        { name: "web", env: [{ name: "A", $patch: "delete" }] },
      ],
    });
    expect(containersOf(removed)).toMatchObject([{ name: "web", env: [{ name: "B", value: "2" }] }]);
    const replaced = await change({ containers: [{ $patch: "replace" }, { name: "only", image: "only:1" }] });
    expect(containersOf(replaced)).toHaveLength(1);
    const finalizers = await patch(`${DEPLOYMENTS}/web`, "strategic-merge-patch+json", {
      metadata: { finalizers: ["a/x", "b/y"] },
    });
    expect(finalizers.json.metadata.finalizers).toEqual(["a/x", "b/y"]);
    const fewer = { metadata: { "$deleteFromPrimitiveList/finalizers": ["a/x"] } };
    expect((await patch(`${DEPLOYMENTS}/web`, "strategic-merge-patch+json", fewer)).json.metadata.finalizers).toEqual([
      "b/y",
    ]);
  });

  test("server-side apply removes what is stated no more, and says who owns what", async () => {
    const apply = (manager: string, data: Record<string, string>, more = "") =>
      patch(`${MAPS}/one?fieldManager=${manager}${more}`, "apply-patch+yaml", map("one", {}, data));
    expect(await apply("a", { x: "1", y: "2" })).toMatchObject({ status: 201 });
    expect(await apply("b", { y: "2", z: "3" })).toMatchObject({
      status: 200,
      json: { data: { x: "1", y: "2", z: "3" } },
    });
    expect((await apply("a", {})).json.data).toEqual({ y: "2", z: "3" });
    expect(await apply("a", { z: "9" })).toMatchObject({
      status: 409,
      json: {
        message: 'Apply failed with 1 conflict: conflict with "b": .data.z',
        details: { causes: [{ field: ".data.z" }] },
      },
    });
    expect((await apply("a", { z: "9" }, "&force=true")).json.data).toEqual({ y: "2", z: "9" });
    await patch(`${MAPS}/one?fieldManager=c`, "merge-patch+json", { data: { y: "changed" } });
    const { json } = await bench.ask(`${MAPS}/one`);
    const owned = json.metadata.managedFields.map((one: Record<string, unknown>) => [
      one["manager"],
      one["operation"],
      one["fieldsV1"],
    ]);
    expect(owned).toEqual([
      ["a", "Apply", { "f:data": { "f:z": {} } }],
      ["c", "Update", { "f:data": { "f:y": {} } }],
    ]);
    expect(await patch(`${MAPS}/two`, "apply-patch+yaml", map("two"))).toMatchObject({ status: 400 });
    const yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: two }\ndata: { a: b }\n";
    expect(await patch(`${MAPS}/two?fieldManager=a`, "apply-patch+yaml", yaml)).toMatchObject({ status: 201 });
  });
});

describe("reading", () => {
  test("lists by selectors, in pages", async () => {
    for (const name of ["a", "b", "c"]) await post(MAPS, map(name, { app: name, of: "test" }));
    const names = async (query: string): Promise<string[]> =>
      (await bench.ask(`${MAPS}?${query}`)).json.items.map(
        (item: { metadata: { name: string } }) => item.metadata.name,
      );
    expect(await names("labelSelector=of%3Dtest,app!%3Da")).toEqual(["b", "c"]);
    expect(await names("labelSelector=app%20in%20(a,c)")).toEqual(["a", "c"]);
    expect(await names("labelSelector=of,app%20notin%20(a)")).toEqual(["b", "c"]);
    expect(await names("labelSelector=!of")).toEqual(["kube-root-ca.crt"]);
    expect(await names("fieldSelector=metadata.name%3Db")).toEqual(["b"]);
    const first = await bench.ask(`${MAPS}?labelSelector=of&limit=2`);
    expect(first.json.metadata.remainingItemCount).toBe(1);
    const next = `${MAPS}?labelSelector=of&limit=2&continue=${first.json.metadata.continue}`;
    expect((await bench.ask(next)).json.items).toMatchObject([{ metadata: { name: "c" } }]);
    bench.kubernetes.forget();
    expect(await bench.ask(next)).toMatchObject({ status: 410, json: { reason: "Expired" } });
    const all = await bench.ask("/api/v1/configmaps?labelSelector=of", {
      headers: { accept: "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1" },
    });
    expect(all.json.items[0]).toMatchObject({ kind: "PartialObjectMetadata", metadata: { name: "a" } });
    await bench.ask(`${MAPS}?labelSelector=app%20in%20(a,b)`, { method: "DELETE" });
    expect(await names("labelSelector=of")).toEqual(["c"]);
  });

  test("watches from a version on, by selectors, and with what is there at first", async () => {
    const { json: one } = await post(MAPS, map("one", { seen: "yes" }));
    await patch(`${MAPS}/one`, "merge-patch+json", { data: { a: "1" } });
    await patch(`${MAPS}/one`, "merge-patch+json", { metadata: { labels: { seen: "no" } } });
    await patch(`${MAPS}/one`, "merge-patch+json", { metadata: { labels: { seen: "yes" } } });
    await bench.ask(`${MAPS}/one`, { method: "DELETE" });
    const from = `watch=1&resourceVersion=${one.metadata.resourceVersion}`;
    const types = (events: { type: string }[]): string[] => events.map(({ type }) => type);
    const all = await bench.watch(`${MAPS}?${from}&fieldSelector=metadata.name%3Done`, 4);
    expect(types(all)).toEqual(["MODIFIED", "MODIFIED", "MODIFIED", "DELETED"]);
    const selected = await bench.watch(`${MAPS}?${from}&labelSelector=seen%3Dyes`, 4);
    expect(types(selected)).toEqual(["MODIFIED", "DELETED", "ADDED", "DELETED"]);
    await post(MAPS, map("two", { seen: "yes" }));
    const initial = `watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`;
    const list = await bench.watch(`${MAPS}?${initial}&labelSelector=seen`, 2);
    expect(types(list)).toEqual(["ADDED", "BOOKMARK"]);
    expect(list[1]?.object.metadata).toMatchObject({ annotations: { "k8s.io/initial-events-end": "true" } });
    expect(await bench.watch(`${MAPS}?watch=1&timeoutSeconds=1&labelSelector=none`, 1)).toEqual([]);
    bench.kubernetes.forget();
    expect(await bench.watch(`${MAPS}?${from}`, 1)).toMatchObject([{ type: "ERROR", object: { code: 410 } }]);
  });

  test("serves custom resources as soon as they are defined, and events in both versions", async () => {
    const group = "/apis/test.example/v1/namespaces/default/things";
    expect(await bench.ask(group)).toMatchObject({ status: 404 });
    await post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "things.test.example" },
      spec: {
        group: "test.example",
        scope: "Namespaced",
        names: { kind: "Thing", plural: "things" },
        versions: [{ name: "v1", served: true, storage: true }],
      },
    });
    const thing = { apiVersion: "test.example/v1", kind: "Thing", metadata: { name: "a" }, spec: { x: 1 } };
    expect(await post(group, thing)).toMatchObject({ status: 201, json: { metadata: { generation: 1 } } });
    expect((await bench.ask("/apis/test.example/v1")).json.resources).toMatchObject([
      { name: "things", kind: "Thing" },
    ]);
    const note = { regarding: { name: "a" }, note: "it happened", metadata: { name: "e" } };
    await post("/apis/events.k8s.io/v1/namespaces/default/events", note);
    expect((await bench.ask("/api/v1/namespaces/default/events/e")).json).toMatchObject({ message: "it happened" });
    expect((await bench.ask("/apis/events.k8s.io/v1/namespaces/default/events/e")).json).toMatchObject(note);
  });
});

describe("faults", () => {
  const count = (): number => bench.kubernetes.requests.length;

  test("a refusal, as often as asked for", async () => {
    const { faults } = bench.kubernetes;
    faults.push({ fault: "status", code: 429, retryAfter: 3, on: MAPS, method: "GET", skip: 1, times: 1 });
    expect(await bench.ask(MAPS)).toMatchObject({ status: 200 });
    expect(await bench.ask(MAPS)).toMatchObject({
      status: 429,
      headers: { "retry-after": "3" },
      json: { reason: "TooManyRequests", details: { retryAfterSeconds: 3 } },
    });
    expect(await bench.ask(MAPS)).toMatchObject({ status: 200 });
    expect(faults).toEqual([]);
  });

  test("a cut connection: before, in the middle of the answer, and after all was done", async () => {
    const { kubernetes } = bench;
    const drop = async (when: "before" | "after-effect" | "after-headers", name: string): Promise<void> => {
      kubernetes.faults.push({ fault: "drop", when, times: 1 });
      await expect(post(MAPS, map(name))).rejects.toThrow(/socket hang up|aborted|ECONNRESET/);
    };
    await drop("before", "one");
    expect(kubernetes.get("v1", "ConfigMap", "default", "one")).toBeUndefined();
    await drop("after-effect", "two");
    await drop("after-headers", "three");
    expect(kubernetes.get("v1", "ConfigMap", "default", "two")).toBeDefined();
    expect(kubernetes.get("v1", "ConfigMap", "default", "three")).toBeDefined();
    expect(count()).toBe(3);
  });

  test("late answers and late watches", async () => {
    bench.kubernetes.faults.push(
      { fault: "delay", milliseconds: 80, times: 1 },
      { fault: "slow-watch", milliseconds: 80, times: 1 },
    );
    const start = Date.now();
    await bench.ask(MAPS);
    await bench.watch("/api/v1/nodes?watch=1", 2);
    expect(Date.now() - start).toBeGreaterThanOrEqual(230);
  });
});
