import { join } from "node:path";
import { peer } from "@git-vault/testkit";
import { describe, expect, test } from "vitest";
import { dependencies as dependenciesCheck } from "../src/checks/dependencies.ts";
import { askRepository } from "../src/charts/published.ts";
import { Helm } from "../src/helm/helm.ts";
import type { Finding } from "../src/findings/index.ts";
import { runChecks } from "../src/checks/index.ts";
import { check, type Outcome } from "./check-world.ts";
import { type ChartServer, startChartServer } from "./chart-server.ts";
import { errorOf, world } from "./world.ts";
import { lockCharts } from "../src/index.ts";

interface Wanted {
  readonly name: string;
  readonly version: string;
  readonly repository: string;
}

const listed = (dependencies: readonly Wanted[]): string => `dependencies: ${JSON.stringify(dependencies)}\n`;

/**
 * What the check says of a chart with these dependencies, which Chart.lock has, and deploy.lock
 * does not.
 */
const checked = (helm: string, ...wanted: Wanted[]): Promise<Outcome> =>
  check({
    checks: [dependenciesCheck],
    helm,
    options: { online: true },
    plain: {
      "web/Chart.yaml": `apiVersion: v2\nname: web\nversion: 1.0.0\n${listed(wanted)}`,
      "web/Chart.lock": listed(wanted),
    },
  });

const publishSome = async (helm: string): Promise<ChartServer> => {
  const server = await startChartServer(helm);
  for (const version of ["1.2.3", "1.3.0-rc.1", "2.0.0"]) await server.publish("near", version);
  await server.publish("early", "0.1.0-dev.1");
  return server;
};

describe.each(["helm3", "helm4"])("a dependency that no lock has, with %s", (peerName) => {
  const helm = peer(peerName);
  const kinds = ["http", "oci"] as const;

  test.skipIf(helm.missing)(
    `and that was never published, is told with those that were, by ${helm.label}`,
    async () => {
      await using server = await publishSome(helm.path);
      for (const kind of kinds) {
        const repository = server[kind];
        const { findings, skipped } = await checked(
          helm.path,
          { name: "near", version: "1.2.4", repository },
          { name: "near", version: "9.9.9", repository },
          { name: "near", version: "1.3.0-rc.2", repository },
          { name: "early", version: "0.1.0", repository },
          { name: "nowhere", version: "1.0.0", repository },
          { name: "near", version: "2.0.0", repository },
        );
        expect(skipped).toEqual([]);
        expect(
          findings
            .filter(({ message }) => !message.includes("share the key"))
            .map(({ severity, file, line, message, hint }) => `${severity} ${file}:${line} ${message}; ${hint}`),
        ).toEqual([
          `error web/Chart.yaml:4 near 1.2.4 was never published, or is not any more, at ${repository}; published are 1.2.3, which is the next before it, and 2.0.0, which is the newest`,
          `error web/Chart.yaml:4 near 9.9.9 was never published, or is not any more, at ${repository}; the newest version that was published is 2.0.0`,
          `error web/Chart.yaml:4 near 1.3.0-rc.2 was never published, or is not any more, at ${repository}; published are 1.3.0-rc.1, which is the next before it, and 2.0.0, which is the newest`,
          `error web/Chart.yaml:4 early 0.1.0 was never published, or is not any more, at ${repository}; the newest version that was published is 0.1.0-dev.1`,
          `error web/Chart.yaml:4 nowhere 1.0.0 was never published, or is not any more, at ${repository}; check the name, the version and the address`,
          "error deploy.lock:undefined there is no deploy.lock that has the archives of near; lock them, look at what changed, and commit it",
        ]);
      }
    },
  );

  test.skipIf(helm.missing)(
    `at a repository that does not tell, is no error of its own, by ${helm.label}`,
    async () => {
      await using server = await publishSome(helm.path);
      const closed = await startChartServer(helm.path);
      await closed[Symbol.asyncDispose]();
      for (const status of [401, 403, 404]) {
        server.fail(status);
        const { lines, skipped } = await checked(helm.path, {
          name: "near",
          version: "9.9.9",
          repository: server.http,
        });
        expect(lines).toEqual(["dependencies error deploy.lock there is no deploy.lock that has the archives of near"]);
        expect(skipped).toEqual([
          expect.stringMatching(
            /^whether near 9\.9\.9 was published at http:\S+, since the repository cannot be asked: .*/,
          ),
        ]);
        expect(skipped[0]).toContain(String(status));
      }
      for (const kind of kinds) {
        const { lines, skipped } = await checked(helm.path, {
          name: "near",
          version: "9.9.9",
          repository: closed[kind],
        });
        expect(lines).toEqual(["dependencies error deploy.lock there is no deploy.lock that has the archives of near"]);
        expect(skipped).toEqual([expect.stringContaining("connection refused")]);
      }
    },
  );

  test.skipIf(helm.missing)(`at a server that never answers, is given up, by ${helm.label}`, async () => {
    await using server = await publishSome(helm.path);
    server.fail(0);
    await using its = await world({});
    const client = new Helm({
      program: helm.path,
      home: join(its.repository.folder, "helm"),
      env: its.repository.env,
      redact: (text) => text,
    });
    const ask = { name: "near", version: "9.9.9", repository: server.http };
    expect(await askRepository(client, ask, { timeout: 500 })).toEqual({
      state: "unknown",
      reason: "there was no answer within 0.5 seconds",
    });
    const stopped = askRepository(client, ask, { signal: AbortSignal.abort() });
    expect(await errorOf(() => stopped)).toMatchObject({ code: "INTERRUPTED" });
  });

  test.skipIf(helm.missing)(`cannot be locked, and is told what there is instead, by ${helm.label}`, async () => {
    await using server = await publishSome(helm.path);
    const wanted = [{ name: "near", version: "1.9.0", repository: server.oci }];
    await using its = await world({
      "config/prod.yaml": "a: 1\n",
      "mybinder/Chart.yaml": `apiVersion: v2\nname: mybinder\nversion: 1.0.0\n${listed(wanted)}`,
      "mybinder/Chart.lock": listed(wanted),
    });
    const env = { ...its.repository.env, HELM: helm.path };
    expect(await errorOf(() => lockCharts(its.repository.path, { env }))).toMatchObject({
      code: "FETCH_FAILED",
      hint: "published are 1.2.3, which is the next before it, and 2.0.0, which is the newest",
    });
  });

  test.skipIf(helm.missing)(`but what is locked is not asked for, by ${helm.label}`, async () => {
    await using server = await publishSome(helm.path);
    const wanted = [{ name: "near", version: "1.2.3", repository: server.oci }];
    await using its = await world({
      "config/prod.yaml": "a: 1\n",
      "mybinder/Chart.yaml": `apiVersion: v2\nname: mybinder\nversion: 1.0.0\n${listed(wanted)}`,
      "mybinder/Chart.lock": listed(wanted),
    });
    const env = { ...its.repository.env, HELM: helm.path };
    await lockCharts(its.repository.path, { env });
    await its.repository.commit("locked");
    server.requests.length = 0;
    await using project = await its.open({ env });
    const findings: Finding[] = [];
    for await (const finding of runChecks(project, { checks: [dependenciesCheck] })) findings.push(finding);
    expect(findings).toEqual([]);
    expect(server.requests).toEqual([]);
  });
});

test("without Helm, nobody is asked, which is said", async () => {
  const { lines, skipped } = await checked("no-helm-here", {
    name: "near",
    version: "9.9.9",
    repository: "https://charts.example.org",
  });
  expect(lines).toEqual(["dependencies error deploy.lock there is no deploy.lock that has the archives of near"]);
  expect(skipped).toEqual([
    "whether near 9.9.9 was published at https://charts.example.org, since no-helm-here could not be started: it is not there, or not executable",
  ]);
});
