import { existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { peer } from "@git-vault/testkit";
import { describe, expect, test } from "vitest";
import { runChecks } from "../src/checks/index.ts";
import type { Finding } from "../src/findings/finding.ts";
import { checkLock, lockCharts, type Project, releaseIn } from "../src/index.ts";
import { template } from "../src/releases/template.ts";
import { startChartServer } from "./chart-server.ts";
import { errorOf, world } from "./world.ts";

const TEMPLATE = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: {{ .Release.Name }}-{{ .Values.colour }} }\n";

async function findingsOf(project: Project): Promise<Finding[]> {
  const findings: Finding[] = [];
  for await (const finding of runChecks(project)) findings.push(finding);
  return findings;
}

describe.each(["helm3", "helm4"])("charts that are deployed as they were published, with %s", (name) => {
  const helm = peer(name);

  test.skipIf(helm.missing)(`are fetched once they are locked, by ${helm.label}`, async () => {
    await using server = await startChartServer(helm.path);
    const files = { "values.yaml": "colour: red\nsize: 1\n", "templates/x.yaml": TEMPLATE };
    await server.publish("near", "1.2.3", files);
    await server.publish("far", "4.5.6", files);
    await using its = await world({ "config/far.yaml": "colour: blue\n" });
    const settings = {
      chart: "mybinder",
      layers: [],
      environments: {
        staging: { layers: [], chart: { name: "far", version: "4.5.6", repository: server.http } },
        prod: { layers: [] },
      },
      releases: {
        near: { chart: `${server.oci}/near@1.2.3`, namespace: "one", release: "same" },
        far: {
          chart: { name: "far", version: "4.5.6", repository: server.http },
          namespace: "two",
          release: "same",
          layers: ["config/far.yaml"],
        },
      },
    };
    its.repository.write("deploy.yaml", JSON.stringify(settings));
    its.repository.write(".gitignore", "charts/\n");
    await its.repository.commit("charts of others");
    const env = { ...its.repository.env, HELM: helm.path };

    // Nothing is asked for before the lock has it, and nothing of it is read.
    await using before = await its.open({ env });
    for (const job of [() => before.fetch(), () => releaseIn(before.environment("prod"), "near").values()])
      expect(await errorOf(job)).toMatchObject({ code: "UNLOCKED_DEPENDENCY" });
    const findings = await findingsOf(before);
    const errors = findings.filter(({ severity }) => severity === "error");
    expect([...new Set(errors.map(({ id }) => id))]).toEqual(["dependencies"]);
    expect(server.requests).toEqual([]);

    const repository = its.repository.path;
    const unlocked = (await checkLock(repository)).missing.map((one) => `${one.name} ${one.version}`);
    expect([unlocked, server.requests]).toEqual([["far 4.5.6", "near 1.2.3"], []]);
    await lockCharts(repository, { env });
    expect(await checkLock(repository)).toEqual({ missing: [], unneeded: [] });
    expect(server.requests.length).toBeGreaterThan(0);
    await its.repository.commit("locked");
    server.requests.length = 0;
    await using project = await its.open({ env });
    const prod = project.environment("prod");
    const releases = await template(project, prod, {});
    expect(releases.map((one) => [one.namespace, one.name, one.objects])).toMatchObject([
      ["one", "same", [{ object: { metadata: { name: "same-red" } } }]],
      ["two", "same", [{ object: { metadata: { name: "same-blue" } } }]],
      ["prod", "prod", []],
    ]);
    expect(releaseIn(prod, "far").values().explain(["size"])?.settings[0]?.layer.path).toBe(
      "charts/far-4.5.6.tgz/values.yaml",
    );
    expect(releaseIn(prod, "two/same").key).toBe("far");
    expect(await errorOf(() => releaseIn(prod, "same"))).toMatchObject({ code: "NO_SUCH_RELEASE" });
    expect(project.environment("staging").main.chart).toMatchObject({ name: "far", version: "4.5.6" });
    expect((await project.environment("staging").render()).map((one) => one.name)).toEqual(["staging-red"]);
    expect([...project.sources.archivesOf(releaseIn(prod, "near").chart).keys()]).toEqual(["charts/near-1.2.3.tgz"]);
    expect((await findingsOf(project)).filter(({ severity }) => severity === "error")).toEqual([]);
    expect(server.requests).toEqual([]);

    // Another content under the same version is refused, and so is an archive that is not there.
    const archive = join(its.repository.path, "charts/near-1.2.3.tgz");
    writeFileSync(archive, Buffer.concat([readFileSync(archive), Buffer.from("x")]));
    await using changed = await its.open({ env });
    expect(await errorOf(() => releaseIn(changed.environment("prod"), "near").render())).toMatchObject({
      code: "ARCHIVE_MISMATCH",
    });
    rmSync(archive);
    await using missing = await its.open({ env });
    expect(await errorOf(() => releaseIn(missing.environment("prod"), "near").render())).toMatchObject({
      code: "MISSING_ARCHIVE",
    });
    await missing.fetch();
    await server.publish("near", "1.2.3", { ...files, "values.yaml": "colour: green\n" });
    rmSync(archive);
    expect(await errorOf(() => missing.fetch())).toMatchObject({ code: "ARCHIVE_MISMATCH" });
  });

  test.each([
    ["a range", { name: "near", version: "^1.2.3", repository: "https://example.org" }, "UNPINNED_DEPENDENCY"],
    ["a range by OCI", "oci://example.org/charts/near@1.x", "UNPINNED_DEPENDENCY"],
    ["no version", "oci://example.org/charts/near", "INVALID_SETTINGS"],
    [
      "a name that leads elsewhere",
      { name: "../near", version: "1.2.3", repository: "https://example.org" },
      "INVALID_SETTINGS",
    ],
    ["an alias of a repository", { name: "near", version: "1.2.3", repository: "@stable" }, "INVALID_SETTINGS"],
  ])("%s is refused", async (_, chart, code) => {
    await using its = await world({});
    its.repository.write(
      "deploy.yaml",
      JSON.stringify({ chart: "mybinder", environments: { prod: {} }, releases: { near: { chart } } }),
    );
    await its.repository.commit("settings");
    const error = await errorOf(async () => {
      await using project = await its.open();
      await releaseIn(project.environment("prod"), "near").render();
    });
    expect(error).toMatchObject({ code });
  });
});

test.skipIf(peer("helm4").missing)("what is locked is what the work tree says, and nothing is no lock", async () => {
  await using its = await world({ "config/prod.yaml": "a: 1\n" });
  const [root, env] = [its.repository.path, { ...its.repository.env, HELM: peer("helm4").path }];
  const lock = join(root, "deploy.lock");
  expect(await lockCharts(root, { env })).toEqual([]);
  its.repository.write("deploy.yaml", 'releases: { far: { chart: "oci://127.0.0.1:9/charts/far@1.2.3" } }\n');
  expect(await errorOf(() => lockCharts(root, { env }))).toMatchObject({
    code: "FETCH_FAILED",
    message: "far 1.2.3 cannot be fetched: cannot connect to 127.0.0.1:9: connection refused",
  });
  expect(existsSync(lock)).toBe(false);
  // A link leads to no file of another place.
  rmSync(join(root, "deploy.yaml"));
  symlinkSync("/etc/hostname", join(root, "deploy.yaml"));
  expect(await lockCharts(root, { env })).toEqual([]);
});
