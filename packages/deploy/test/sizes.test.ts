import { existsSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { runChecks } from "../src/checks/index.ts";
import { sha256 } from "../src/charts/lock-file.ts";
import { writeArchive } from "../src/charts/tar-writer.ts";
import { Cluster, lockCharts } from "../src/index.ts";
import { clusterWorld, type ClusterWorld, HELMS } from "./cluster-world.ts";
import { CHART, errorOf, world, type World } from "./world.ts";

/*
 * What others may make as large as they like: answers of a cluster, files of a commit, archives of
 * a repository. None is read beyond its bound.
 */

const MIB = 1024 * 1024;
const LARGE = Buffer.alloc(101 * MIB);

type Files = Readonly<Record<string, string | Buffer>>;

describe("a cluster that answers without an end", () => {
  let at: ClusterWorld;
  let cluster: Cluster;
  let close: () => Promise<void>;
  beforeEach(async () => {
    at = await clusterWorld();
    const project = await at.open();
    cluster = await Cluster.connect(project, project.environment("staging"));
    close = async () => {
      await cluster.close();
      await project.close();
      await at[Symbol.asyncDispose]();
    };
  });
  afterEach(() => close());

  test("is not listened to any longer, and not asked again", async () => {
    const flood = { fault: "flood" as const, code: 200, on: "/api/v1/nodes", sent: 0 };
    at.kubernetes.faults.push(flood);
    expect(await errorOf(() => cluster.list("/api/v1/nodes"))).toMatchObject({
      code: "API_FAILED",
      message: "the cluster answers with more than 268435456 bytes",
    });
    expect(at.kubernetes.requests.filter(({ path }) => path.startsWith("/api/v1/nodes"))).toHaveLength(1);
    expect(flood.sent).toBeLessThan(270);
  });

  test("may refuse so: its reason is not told", async () => {
    const flood = { fault: "flood" as const, code: 403, on: "/api/v1/nodes", sent: 0 };
    at.kubernetes.faults.push(flood);
    expect(await errorOf(() => cluster.list("/api/v1/nodes"))).toMatchObject({
      code: "FORBIDDEN",
      message: "the cluster answers 403 to /api/v1/nodes",
    });
    expect(flood.sent).toBeLessThan(10);
  });

  test("or with a record of Helm's that is a bomb", async () => {
    const packed = gzipSync(Buffer.alloc(257 * MIB), { level: 1 }).toString("base64");
    at.kubernetes.put({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { namespace: "web", name: "sh.helm.release.v1.web.v1" },
      data: { release: Buffer.from(packed).toString("base64") },
    });
    const record = cluster.releases.record({ name: "web", namespace: "web" }, 1);
    expect(await errorOf(() => record)).toMatchObject({
      code: "TOOL_FAILED",
      message: "expected Helm's record of a release in the Secret sh.helm.release.v1.web.v1, got something else",
    });
  });
});

describe("a chart of the commit", () => {
  const TOO_MUCH = "the chart mybinder has more than 104857600 bytes with all that it is made from";
  const half = (byte: string): Buffer => Buffer.alloc(51 * MIB, byte);
  const local = (name: string): Files => ({
    [`${name}/Chart.yaml`]: `apiVersion: v2\nname: ${name}\nversion: 1.0.0\n`,
    [`${name}/half.bin`]: half(name),
  });
  const on = (...names: string[]): string => {
    const dependencies = names.map((name) => ({ name, version: "1.0.0", repository: `file://../${name}` }));
    return `${CHART}dependencies: ${JSON.stringify(dependencies)}\n`;
  };

  test.each<[string, Files, string]>([
    ["a file", { "mybinder/files/large.bin": LARGE }, ""],
    ["a link to a file", { "large.bin": LARGE }, "mybinder/link.bin"],
    ["a chart in it", { "mybinder/half.bin": half("b"), "mybinder/Chart.yaml": on("a"), ...local("a") }, ""],
    ["charts in it", { "mybinder/Chart.yaml": on("a", "b"), ...local("a"), ...local("b") }, ""],
  ])("that is too large by %s is not read", async (_, files, link) => {
    await using its = await world({ "config/prod.yaml": "a: 1\n" });
    for (const [path, content] of Object.entries(files)) its.repository.write(path, content);
    if (link !== "") symlinkSync("../large.bin", join(its.repository.path, link));
    await its.repository.commit("large");
    await using project = await its.open({ chart: "mybinder" });
    const before = process.memoryUsage().arrayBuffers;
    const error = await errorOf(() => project.sources.placeOf(project.chart));
    expect(error).toMatchObject({ code: "NOT_A_CHART", message: TOO_MUCH });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(60 * MIB);
  });

  test("is told by what is checked of it, and of a lock or a schema that is too large, too", async () => {
    await using its = await world({
      "config/prod.yaml": "a: 1\n",
      "mybinder/large.bin": LARGE,
      "deploy.lock": LARGE,
      "schema.json": LARGE,
    });
    await using project = await its.open({ schemas: ["schema.json"] });
    const skipped: string[] = [];
    const findings: string[] = [];
    for await (const { id, message } of runChecks(project, { onSkip: (what) => skipped.push(what) }))
      findings.push(`${id} ${message}`);
    expect(skipped.join("\n")).toContain(TOO_MUCH);
    expect(findings).toContain("dependencies deploy.lock has 105906176 bytes: expected at most 104857600");
    expect(findings).toContain("schema the schema schema.json is not there, or no JSON Schema");
  });
});

describe.each(HELMS)("an archive, with $label", ({ path: helm, missing }) => {
  const HUB = [["hub/Chart.yaml", Buffer.from("apiVersion: v2\nname: hub\nversion: 1.0.0\n")]] as const;
  const wanted = { name: "hub", version: "1.0.0", repository: "" };

  /** A repository of charts that has one archive, in whatever order of bytes. */
  async function serve(archive: Buffer): Promise<{ readonly url: string } & AsyncDisposable> {
    const server = createServer(({ url }, response) => {
      const entry = { ...wanted, apiVersion: "v2", urls: ["hub-1.0.0.tgz"] };
      const index = JSON.stringify({ apiVersion: "v1", entries: { hub: [entry] } });
      response.end(url === "/index.yaml" ? index : archive);
    });
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    const { port } = server.address() as AddressInfo;
    const close = (): Promise<void> =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      });
    return { url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: close };
  }

  async function locking(archive: Buffer): Promise<World & { lock(): Promise<unknown> }> {
    const server = await serve(archive);
    const dependencies = JSON.stringify([{ ...wanted, repository: server.url }]);
    const its = await world({
      "config/prod.yaml": "a: 1\n",
      "mybinder/Chart.yaml": `${CHART}dependencies: ${dependencies}\n`,
      "mybinder/Chart.lock": `dependencies: ${dependencies}\n`,
    });
    const env = { ...its.repository.env, HELM: helm };
    return {
      ...its,
      open: (options) => its.open({ env, ...options }),
      lock: () => lockCharts(its.repository.path, { env }),
      [Symbol.asyncDispose]: async () => {
        await server[Symbol.asyncDispose]();
        await its[Symbol.asyncDispose]();
      },
    };
  }

  test.skipIf(missing)("that a repository gives without a bound is not taken", async () => {
    await using its = await locking(LARGE);
    expect(await errorOf(() => its.lock())).toMatchObject({
      code: "FETCH_FAILED",
      message: "hub 1.0.0: its archive has more than 104857600 bytes",
    });
    expect(existsSync(join(its.repository.path, "mybinder/charts"))).toBe(false);
  });

  test.skipIf(missing)("that unpacks to more than it may is not rendered", async () => {
    await using its = await locking(gzipSync(writeArchive([...HUB, ["hub/large.bin", LARGE]])));
    await its.lock();
    await its.repository.commit("a bomb");
    await using project = await its.open();
    expect(await errorOf(() => project.environment("prod").render())).toMatchObject({
      code: "NOT_A_CHART",
      message: "mybinder/charts/hub-1.0.0.tgz: expected a chart's archive, got something else",
    });
  });

  test.skipIf(missing)("that the commit has, with a lock of its own, is not read where it is too large", async () => {
    await using its = await locking(gzipSync(writeArchive(HUB)));
    await its.lock();
    its.repository.write("mybinder/charts/hub-1.0.0.tgz", LARGE);
    const lock = join(its.repository.path, "deploy.lock");
    writeFileSync(lock, readFileSync(lock, "utf8").replace(/[\da-f]{64}/, sha256(LARGE)));
    await its.repository.git("add", "--force", "deploy.lock", "mybinder");
    await its.repository.commit("a large one");
    await using project = await its.open();
    expect(await errorOf(() => project.environment("prod").render())).toMatchObject({
      code: "TOO_LARGE",
      message: "mybinder/charts/hub-1.0.0.tgz has 105906176 bytes: expected at most 104857600",
    });
  });
});
