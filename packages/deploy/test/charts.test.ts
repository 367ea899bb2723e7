import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { peer } from "@git-vault/testkit";
import { describe, expect, test } from "vitest";
import { type ChartServer, startChartServer } from "./chart-server.ts";
import { CHART, errorOf, world, type World } from "./world.ts";
import { lockCharts } from "../src/index.ts";

interface Dependency {
  readonly name: string;
  readonly version: string;
  readonly repository: string;
}

interface Published extends AsyncDisposable {
  readonly server: ChartServer;
  readonly its: World;
  readonly dependencies: readonly Dependency[];
}

const listed = (dependencies: readonly Dependency[]): string => `dependencies: ${JSON.stringify(dependencies)}\n`;
const TEMPLATE = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: {{ .Chart.Name }}-{{ .Values.colour }} }\n";
const VALUES = { "config/prod.yaml": "a: 1\n" };

/** A chart with dependencies, all of them in Chart.lock. */
const chartWith = (dependencies: readonly Dependency[]): Record<string, string> => ({
  ...VALUES,
  "mybinder/Chart.yaml": CHART + listed(dependencies),
  "mybinder/Chart.lock": listed(dependencies),
});

describe.each(["helm3", "helm4"])("the archives of dependencies, with %s", (name) => {
  const helm = peer(name);

  const published = async (): Promise<Published> => {
    const server = await startChartServer(helm.path);
    await server.publish("near", "1.2.3", { "values.yaml": "colour: red\n", "templates/x.yaml": TEMPLATE });
    await server.publish("far", "4.5.6", { "values.yaml": "colour: blue\n", "templates/x.yaml": TEMPLATE });
    const dependencies = [
      { name: "near", version: "1.2.3", repository: server.http },
      { name: "far", version: "4.5.6", repository: server.oci },
    ];
    const its = await world(chartWith(dependencies));
    const close = async (): Promise<void> => {
      await server[Symbol.asyncDispose]();
      await its[Symbol.asyncDispose]();
    };
    return { server, its, dependencies, [Symbol.asyncDispose]: close };
  };
  const env = (its: World): NodeJS.ProcessEnv => ({ ...its.repository.env, HELM: helm.path });

  test.skipIf(helm.missing)(`are fetched over HTTP and OCI, locked, and rendered by ${helm.label}`, async () => {
    await using all = await published();
    const { server, its, dependencies } = all;
    await using before = await its.open({ env: env(its) });
    expect(await errorOf(() => before.fetch())).toMatchObject({ code: "UNLOCKED_DEPENDENCY" });
    expect(await errorOf(() => before.environment("prod").render())).toMatchObject({ code: "UNLOCKED_DEPENDENCY" });

    const locked = await lockCharts(its.repository.path, { env: env(its) });
    expect(locked.map(({ path, wasThere }) => `${path} ${wasThere}`)).toEqual([
      "mybinder/charts/near-1.2.3.tgz false",
      "mybinder/charts/far-4.5.6.tgz false",
    ]);
    const lock = readFileSync(join(its.repository.path, "deploy.lock"), "utf8");
    expect(JSON.parse(lock)).toMatchObject({ lockVersion: 1, archives: [{ name: "far" }, { name: "near" }] });
    its.repository.write(".gitignore", "mybinder/charts/\n");
    await its.repository.commit("locked");

    await using project = await its.open({ env: env(its) });
    const manifests = await project.environment("prod").render();
    expect(manifests.map((manifest) => manifest.name).toSorted()).toEqual(["far-blue", "near-red"]);
    const [near] = project.chart.dependencies;
    if (near === undefined) throw new Error("expected a dependency");
    expect(project.sources.filesOf(near, project.chart).get("values.yaml")?.toString()).toBe("colour: red\n");

    // What is there and right is not fetched again; locking again changes nothing.
    server.requests.length = 0;
    expect((await project.fetch()).every(({ wasThere }) => wasThere)).toBe(true);
    expect(server.requests).toEqual([]);
    await lockCharts(its.repository.path, { env: env(its) });
    expect(readFileSync(join(its.repository.path, "deploy.lock"), "utf8")).toBe(lock);
    expect(dependencies).toHaveLength(2);
  });

  test.skipIf(helm.missing)(`that are missing or not what was locked are refused, with ${helm.label}`, async () => {
    await using all = await published();
    const { server, its } = all;
    await lockCharts(its.repository.path, { env: env(its) });
    const near = join(its.repository.path, "mybinder/charts/near-1.2.3.tgz");
    rmSync(join(its.repository.path, "mybinder/charts"), { recursive: true });
    await its.repository.commit("lock");

    await using missing = await its.open({ env: env(its) });
    expect(await errorOf(() => missing.environment("prod").render())).toMatchObject({ code: "MISSING_ARCHIVE" });
    await missing.fetch();
    const good = readFileSync(near);
    writeFileSync(near, Buffer.concat([good, Buffer.from("x")]));
    await using changed = await its.open({ env: env(its) });
    expect(await errorOf(() => changed.environment("prod").render())).toMatchObject({
      code: "ARCHIVE_MISMATCH",
      place: { file: "mybinder/charts/near-1.2.3.tgz" },
    });
    // Fetching puts the right one there.
    await changed.fetch();
    expect(readFileSync(near)).toEqual(good);

    // The same version, published again with other content.
    rmSync(near);
    await server.publish("near", "1.2.3", { "values.yaml": "colour: black\n", "templates/x.yaml": TEMPLATE });
    const again = await errorOf(() => changed.fetch());
    expect(again).toMatchObject({ code: "ARCHIVE_MISMATCH" });
    expect(again.message).toBe("near 1.2.3 was published again: it is not the archive that was locked");
    expect(await errorOf(() => lockCharts(its.repository.path, { env: env(its) }))).toMatchObject({
      code: "ARCHIVE_MISMATCH",
    });
    expect(existsSync(near)).toBe(false);
  });

  test.skipIf(helm.missing)(`of a version that was never published cannot be fetched, by ${helm.label}`, async () => {
    await using server = await startChartServer(helm.path);
    for (const repository of [server.http, server.oci]) {
      await using its = await world(chartWith([{ name: "near", version: "9.9.9", repository }]));
      const error = await errorOf(() => lockCharts(its.repository.path, { env: env(its) }));
      expect(error).toMatchObject({ code: "FETCH_FAILED" });
      expect(error.message).toMatch(/^near 9\.9\.9 cannot be fetched: /);
      expect(existsSync(join(its.repository.path, "deploy.lock"))).toBe(false);
    }
  });
});

describe("a dependency is refused", () => {
  const near = { name: "near", version: "1.2.3", repository: "https://charts.example.org" };
  const render = async (files: Record<string, string>): Promise<Error & { code?: string }> => {
    await using its = await world({ ...VALUES, ...files });
    await using project = await its.open();
    const [first] = project.chart.dependencies;
    if (first === undefined) throw new Error("expected a dependency");
    return await errorOf(() => project.sources.filesOf(first, project.chart));
  };

  test.each(["^1.2.3", "~1.2", "1.x", ">=1.0.0 <2", "*", "", "1.2", "latest"])(
    "with the version %j",
    async (version) => {
      expect(await render(chartWith([{ ...near, version }]))).toMatchObject({
        code: "UNPINNED_DEPENDENCY",
        place: { file: "mybinder/Chart.yaml", line: 4 },
      });
    },
  );

  test.each(["@stable", "alias:stable", "git+https://x", "ftp://x"])("with the repository %j", async (repository) => {
    expect(await render(chartWith([{ ...near, repository }]))).toMatchObject({ code: "UNPINNED_DEPENDENCY" });
  });

  test.each(["../x", "../../.git/hooks/x", "a/b", "..", "--post-renderer=x", ".hidden", "a\\nb", ""])(
    "with the name %j, which leads elsewhere",
    async (name) => {
      await using its = await world({ ...VALUES, ...chartWith([{ ...near, name }]) });
      expect(await errorOf(() => its.open())).toMatchObject({
        code: "NOT_A_CHART",
        message: "mybinder/Chart.yaml:4: expected a list of dependencies, each with a name, such as binderhub",
      });
      await using other = await world({
        ...VALUES,
        "mybinder/Chart.yaml": CHART.replace("mybinder", JSON.stringify(name)),
      });
      expect(await errorOf(() => other.open())).toMatchObject({ code: "NOT_A_CHART" });
    },
  );

  test("that Chart.lock does not have, or has otherwise", async () => {
    const chart = { "mybinder/Chart.yaml": CHART + listed([near]) };
    expect(await render(chart)).toMatchObject({ code: "UNLOCKED_DEPENDENCY" });
    expect(await render({ ...chart, "mybinder/Chart.lock": listed([{ ...near, version: "1.2.4" }]) })).toMatchObject({
      code: "UNLOCKED_DEPENDENCY",
    });
  });

  test("that lies outside of the repository, is another version, or holds itself", async () => {
    const local = (repository: string): Record<string, string> => chartWith([{ ...near, repository }]);
    expect(await render(local("file://../../near"))).toMatchObject({ code: "UNPINNED_DEPENDENCY" });
    expect(await render(local("file:///near"))).toMatchObject({ code: "UNPINNED_DEPENDENCY" });
    expect(await render(local("file://../charts/near"))).toMatchObject({ code: "NOT_A_CHART" });
    const other = "apiVersion: v2\nname: near\nversion: 1.0.0\n";
    expect(await render({ ...local("file://../charts/near"), "charts/near/Chart.yaml": other })).toMatchObject({
      code: "NOT_A_CHART",
    });
    const self = `apiVersion: v2\nname: near\nversion: 1.2.3\n${listed([{ ...near, repository: "file://../near" }])}`;
    expect(
      await render({
        ...local("file://../charts/near"),
        "charts/near/Chart.yaml": self,
        "charts/near/Chart.lock": listed([{ ...near, repository: "file://../near" }]),
      }),
    ).toMatchObject({ code: "NOT_A_CHART", message: "charts/near: charts within charts, without an end" });
  });

  test("that is made from more charts than anybody has", async () => {
    const levels = Array.from({ length: 5 }, (_, level) => level);
    const aliases = (level: number): string =>
      listed(
        Array.from({ length: 8 }, (_, at) => ({
          name: `c${level}`,
          version: "1.0.0",
          repository: `file://../c${level}`,
          alias: `a${at}`,
        })),
      );
    const files = Object.fromEntries(
      levels.flatMap((level) => [
        [
          `c${level}/Chart.yaml`,
          `apiVersion: v2\nname: c${level}\nversion: 1.0.0\n${level === 4 ? "" : aliases(level + 1)}`,
        ],
        [`c${level}/Chart.lock`, aliases(level + 1)],
      ]),
    );
    await using its = await world({
      ...VALUES,
      ...files,
      "deploy.yaml": "chart: mybinder\nenvironments: { prod: {} }\n",
      "mybinder/Chart.yaml": CHART + aliases(0),
      "mybinder/Chart.lock": aliases(0),
    });
    await using project = await its.open();
    expect(await errorOf(() => project.sources.archivesOf(project.chart))).toMatchObject({
      code: "NOT_A_CHART",
      message: expect.stringMatching(/^c\d: it is made from more than 1000 charts$/),
    });
  });

  test("where deploy.lock is damaged", async () => {
    for (const text of [
      "",
      "{}",
      "[]",
      '{"lockVersion":2,"archives":[]}',
      '{"lockVersion":1,"archives":[{"name":"x"}]}',
    ])
      expect(await render({ ...chartWith([near]), "deploy.lock": text })).toMatchObject({ code: "INVALID_SETTINGS" });
  });
});

describe("a chart of apiVersion v1", () => {
  const helm = peer("helm3");

  test.skipIf(helm.missing)(`has its dependencies in requirements.yaml, as ${helm.label} reads them`, async () => {
    const dependencies = [{ name: "near", version: "1.2.3", repository: "file://../near" }];
    const files = {
      ...VALUES,
      "mybinder/Chart.yaml": CHART.replace("v2", "v1"),
      "mybinder/requirements.yaml": listed(dependencies),
      "near/Chart.yaml": "apiVersion: v1\nname: near\nversion: 1.2.3\n",
      "near/values.yaml": "colour: red\n",
      "near/templates/x.yaml": TEMPLATE,
    };
    await using its = await world({ ...files, "deploy.yaml": "chart: mybinder\n" });
    await using project = await its.open({ env: { ...its.repository.env, HELM: helm.path } });
    expect(project.chart.dependencies).toMatchObject([{ name: "near", file: "mybinder/requirements.yaml" }]);
    expect((await project.environment("prod").render()).map(({ name }) => name)).toEqual(["near-red"]);
    its.repository.write("mybinder/requirements.lock", listed([{ ...dependencies[0]!, version: "1.0.0" }]));
    await its.repository.commit("another lock");
    await using other = await its.open({ env: { ...its.repository.env, HELM: helm.path } });
    expect(await errorOf(() => other.environment("prod").render())).toMatchObject({
      code: "UNLOCKED_DEPENDENCY",
      place: { file: "mybinder/requirements.yaml" },
    });
  });
});

describe("the chart's folder", () => {
  const helm = peer("helm4");

  test.skipIf(helm.missing)(
    `may hold neither encrypted templates nor archives that nothing names, with ${helm.label}`,
    async () => {
      await using its = await world({ ...VALUES, "mybinder/templates/x.yaml": "kind: X\n", "secrets/x": "x" });
      const env = { ...its.repository.env, HELM: helm.path };
      const secret = await its.repository.git("show", "HEAD:secrets/x");
      its.repository.write("mybinder/templates/key.yaml", secret);
      await its.repository.commit("a secret in the chart");
      {
        await using project = await its.open({ env });
        expect(await errorOf(() => project.environment("prod").render())).toMatchObject({
          code: "SECRET_IN_CHART",
          place: { file: "mybinder/templates/key.yaml" },
        });
      }
      rmSync(join(its.repository.path, "mybinder/templates/key.yaml"));
      its.repository.write("mybinder/charts/old-1.0.0.tgz", "x");
      await its.repository.commit("a stray archive");
      await using project = await its.open({ env });
      expect(await errorOf(() => project.environment("prod").render())).toMatchObject({ code: "ARCHIVE_MISMATCH" });
    },
  );
});
