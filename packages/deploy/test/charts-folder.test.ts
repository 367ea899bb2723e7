/*
 * What lies in a chart's folder `charts`: Helm takes all of it, so that nothing may lie there that
 * no lock has.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { peer, runOk, temporaryFolder } from "@git-vault/testkit";
import { describe, expect, test } from "vitest";
import { dependencies as dependenciesCheck } from "../src/checks/dependencies.ts";
import { render } from "../src/checks/render.ts";
import { sha256 } from "../src/charts/lock-file.ts";
import { startChartServer } from "./chart-server.ts";
import { check, type Outcome } from "./check-world.ts";
import { CHART, errorOf, world } from "./world.ts";
import { lockCharts } from "../src/index.ts";

const says = (word: string): string => `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${word} }\n`;
const chartYaml = (name: string, dependencies: readonly object[] = []): string =>
  JSON.stringify({ apiVersion: "v2", name, version: "1.0.0", dependencies });

/** A folder with the chart `hub`, whose template says `word`. */
const hub = (folder: string, word: string): Record<string, string> => ({
  [`${folder}/Chart.yaml`]: chartYaml("hub"),
  [`${folder}/templates/x.yaml`]: says(word),
});

function archiveOf(word: string): Buffer {
  using folder = temporaryFolder();
  for (const [path, text] of Object.entries(hub("hub", word))) {
    mkdirSync(join(folder.path, dirname(path)), { recursive: true });
    writeFileSync(join(folder.path, path), text);
  }
  execFileSync("tar", ["-czf", "hub.tgz", "hub"], { cwd: folder.path });
  return readFileSync(join(folder.path, "hub.tgz"));
}

const LOCKED = archiveOf("locked");

/** A chart with one dependency, and these files. */
function projectOf(
  repository: string | null,
  files: Readonly<Record<string, string | Buffer>>,
): Record<string, string | Buffer> {
  const entry = { name: "hub", version: "1.0.0", repository: repository ?? "" };
  const entries = repository === null ? [] : [entry];
  return {
    "web/Chart.yaml": chartYaml("web", entries),
    "web/Chart.lock": JSON.stringify({ dependencies: entries }),
    ...(repository?.startsWith("https:") === true
      ? {
          "deploy.lock": JSON.stringify({ lockVersion: 1, archives: [{ ...entry, sha256: sha256(LOCKED) }] }),
          "web/charts/hub-1.0.0.tgz": LOCKED,
        }
      : {}),
    ...files,
  };
}

const HTTPS = "https://charts.example.org";

/** Each with what lies in `charts`, and what is said of it; null for nothing. */
const FOLDERS: readonly (readonly [title: string, repository: string | null, files: Files, said: string | null])[] = [
  ["a folder beside the locked archive of its name", HTTPS, hub("web/charts/hub", "evil"), "folder web/charts/hub"],
  ["a folder of another name with its chart", HTTPS, hub("web/charts/other", "evil"), "folder web/charts/other"],
  ["a folder that no dependency names", null, hub("web/charts/evil", "evil"), "folder web/charts/evil"],
  [
    "a folder whose name looks like a provenance file's",
    null,
    hub("web/charts/a.prov", "x"),
    "folder web/charts/a.prov",
  ],
  [
    "a folder beside a local chart of its name",
    "file://../hub",
    { ...hub("hub", "local"), ...hub("web/charts/hub", "evil") },
    "folder web/charts/hub",
  ],
  [
    "a folder that lies where the name is written otherwise",
    "",
    hub("web/charts/Hub", "evil"),
    "folder web/charts/Hub",
  ],
  ["a folder within a folder that is named", "file://charts/hub", deeper(), "folder web/charts/hub/charts/deep"],
  [
    "an archive that no dependency names",
    "",
    { ...hub("web/charts/hub", "own"), "web/charts/hub-1.0.0.tgz": LOCKED },
    "archive web/charts/hub-1.0.0.tgz",
  ],
  ["a file that is no chart", null, { "web/charts/README.md": "read me" }, "file web/charts/README.md"],
  ["the folder of a dependency without a repository", "", hub("web/charts/hub", "own"), null],
  ["the folder of a dependency of the chart's own folder", "file://charts/hub", hub("web/charts/hub", "own"), null],
  ["the archive that is locked", HTTPS, {}, null],
  [
    "what Helm passes over",
    HTTPS,
    { ...hub("web/charts/_hub", "x"), "web/charts/.keep": "", "web/charts/hub-1.0.0.tgz.prov": "x" },
    null,
  ],
];

type Files = Readonly<Record<string, string | Buffer>>;

function deeper(): Files {
  return { ...hub("web/charts/hub", "own"), ...hub("web/charts/hub/charts/deep", "evil") };
}

describe("what lies in the folder of charts", () => {
  test.each(FOLDERS)("is told by `dependencies`: %s", async (_, repository, files, said) => {
    const { lines } = await check({ checks: [dependenciesCheck], plain: projectOf(repository, files), only: ["prod"] });
    const [what = "", path = ""] = said?.split(" ") ?? [];
    expect(lines.filter((line) => !line.includes("what lies in charts"))).toEqual(
      said === null ? [] : [`dependencies error ${path} this ${what} is no dependency of the chart, and Helm takes it`],
    );
  });

  test("is told where a dependency without a repository is not there, or is another", async () => {
    const said = async (files: Files): Promise<Outcome> =>
      check({ checks: [dependenciesCheck], plain: projectOf("", files), only: ["prod"] });
    expect((await said({})).lines).toEqual([
      "dependencies error web/Chart.yaml:1 what lies in charts for the dependency hub is not there",
    ]);
    expect((await said({ "web/charts/hub/Chart.yaml": chartYaml("evil") })).lines).toEqual([
      "dependencies error web/Chart.yaml:1 what lies in charts for the dependency hub is evil 1.0.0, and not 1.0.0",
    ]);
    expect((await said({ "web/charts/hub/Chart.yaml": "- x\n" })).lines).toEqual([
      "dependencies error web/Chart.yaml:1 what lies in charts for the dependency hub is no chart, and not 1.0.0",
    ]);
  });

  test.each(["", "{", '{"lockVersion":2}'])("a deploy.lock of %j is told, though nothing is locked", async (text) => {
    const plain = { ...projectOf(null, {}), "deploy.lock": text };
    const { lines } = await check({ checks: [dependenciesCheck], plain, only: ["prod"] });
    expect(lines).toEqual([
      "dependencies error deploy.lock deploy.lock: expected archives of charts, got something else",
    ]);
  });
});

describe.each(["helm3", "helm4"])("what lies in the folder of charts, with %s", (name) => {
  const helm = peer(name);

  test.skipIf(helm.missing)(`${helm.label} takes a folder before an archive, and one that nothing names`, async () => {
    using folder = temporaryFolder();
    const files = projectOf(HTTPS, { ...hub("web/charts/hub", "evil"), ...hub("web/charts/other", "other") });
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(join(folder.path, dirname(path)), { recursive: true });
      writeFileSync(join(folder.path, path), content);
    }
    const rendered = async (): Promise<string> =>
      String(await runOk(helm.path, ["template", "x", join(folder.path, "web")], { env: { ...process.env } }));
    // Helm 4 reads charts in no order: of two with one name it takes now this one, now that one.
    const outputs = [];
    for (let turn = 0; turn < 12; turn += 1) outputs.push(await rendered());
    expect(outputs.join("")).toMatch(/name: (?:evil|other) /);
  });

  test.skipIf(helm.missing).each(FOLDERS)(
    `${helm.label} is given what locks or the commit have alone: %s`,
    async (_, repository, files, said) => {
      const plain = { ...projectOf(repository, files), "web/templates/web.yaml": says("web") };
      const outcome = await check({ checks: [render], helm: helm.path, plain, only: ["prod"] });
      // What is too much is told by the check dependencies, once; what lacks is told here, too.
      const lacks = repository === "" && said?.startsWith("folder ") === true;
      const why = "what lies in charts for the dependency hub is not there";
      expect(outcome.lines.map((line) => line.includes(why))).toEqual(lacks ? [true] : []);
      const refused = outcome.skipped.filter((reason) => reason.endsWith("since it cannot be rendered"));
      expect(refused).toHaveLength(said === null ? 0 : 1);
    },
  );

  test.skipIf(helm.missing)(`an archive is put nowhere that a link leads to, with ${helm.label}`, async () => {
    await using server = await startChartServer(helm.path);
    await server.publish("near", "1.2.3", { "values.yaml": "a: 1\n" });
    const listed = `dependencies: ${JSON.stringify([{ name: "near", version: "1.2.3", repository: server.http }])}\n`;
    await using its = await world({
      "config/prod.yaml": "a: 1\n",
      "mybinder/Chart.yaml": CHART + listed,
      "mybinder/Chart.lock": listed,
    });
    using elsewhere = temporaryFolder();
    symlinkSync(elsewhere.path, join(its.repository.path, "mybinder/charts"));
    await its.repository.commit("a link");
    const env = { ...its.repository.env, HELM: helm.path };
    expect(await errorOf(() => lockCharts(its.repository.path, { env }))).toMatchObject({
      code: "NOT_A_CHART",
      message: "expected the folder mybinder/charts for a chart's archive, got a symbolic link",
    });
    expect(existsSync(join(elsewhere.path, "near-1.2.3.tgz"))).toBe(false);
    expect(existsSync(join(its.repository.path, "deploy.lock"))).toBe(false);
  });
});
