import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  encryptWithGitCrypt,
  GIT_CRYPT_KEY,
  type Repository,
  run,
  type RunResult,
  throwawayRepository,
} from "@git-vault/testkit";
import { describe, expect, test } from "vitest";
import { VAULT } from "./program.ts";

/*
 * Repositories of the shapes that people have: what init writes is taken by the other commands.
 */
const chart = (name: string): string => `apiVersion: v2\nname: ${name}\nversion: 1.0.0\n`;
/** As sops leaves it, as far as it is looked at. */
const SOPS = 'password: "ENC[AES256_GCM,data:eA==,iv:eA==,tag:eA==,type:str]"\nsops: { version: 3.9.0 }\n';
const ENCRYPTED = /^secrets\/(?!plain|secrets)/;

const SHAPES: Readonly<
  Record<
    string,
    {
      readonly files: Readonly<Record<string, string>>;
      readonly settings: object;
      readonly asks: readonly string[];
      readonly values: readonly [environment: string, text: string] | null;
    }
  >
> = {
  "a meta chart with system charts": {
    files: {
      "meta/Chart.yaml": chart("meta"),
      "meta/values.yaml": "hub: { nodeSelector: { example.org/pool-type: core } }\n",
      "meta-kube-system/Chart.yaml": chart("meta-kube-system"),
      "config/staging.yaml": "a: 1\n",
      "config/prod.yaml": "a: 2\n",
      "config/cert-manager.yaml": "crds: true\n",
      "secrets/config/common/one.yaml": "b: 1\n",
      "secrets/config/staging.yaml": "b: 2\n",
      "secrets/config/prod.yaml": "b: 3\n",
      "secrets/staging-kubeconfig.yaml": "x: 1\n",
      "system-config/kube-system/prod.yaml": "c: 1\n",
      "system-config/kube-system/elsewhere.yaml": "c: 2\n",
    },
    settings: {
      chart: "meta",
      layers: ["secrets/config/common/one.yaml"],
      environments: {
        staging: {
          layers: ["config/staging.yaml", "secrets/config/staging.yaml"],
          kubeconfig: "secrets/staging-kubeconfig.yaml",
          nodePools: { core: { labels: { "example.org/pool-type": "core" } } },
        },
        prod: {
          layers: ["config/prod.yaml", "secrets/config/prod.yaml"],
          nodePools: { core: { labels: { "example.org/pool-type": "core" } } },
        },
      },
      releases: {
        "kube-system": {
          chart: "meta-kube-system",
          namespace: "kube-system",
          environments: { prod: { release: "prod", layers: ["system-config/kube-system/prod.yaml"] } },
        },
      },
    },
    asks: ["config/cert-manager.yaml", "how the cluster of prod is reached", "it is of elsewhere"],
    values: ["prod", 'b: "[secret]"'],
  },
  "clusters with lists of hubs": {
    files: {
      "helm-charts/basehub/Chart.yaml": chart("basehub"),
      "helm-charts/dask/Chart.yaml": chart("dask"),
      "helm-charts/support/Chart.yaml": chart("support"),
      "config/clusters/one/cluster.yaml":
        "name: one\nsupport: { helm_chart_values_files: [support.yaml] }\nhubs:\n- { name: staging, helm_chart: basehub, helm_chart_values_files: [common.yaml, staging.yaml, gone.yaml] }\n- { name: big, helm_chart: dask, helm_chart_values_files: [common.yaml] }\n- { name: main, helm_chart: basehub, helm_chart_values_files: [common.yaml] }\n",
      "config/clusters/one/common.yaml": "a: 1\n",
      "config/clusters/one/staging.yaml": "a: 2\n",
      "config/clusters/one/support.yaml": "a: 3\n",
      // For trying the deployer.
      "tests/two/cluster.yaml": "name: two\nhubs: [{ name: staging }]\n",
    },
    settings: {
      chart: "helm-charts/basehub",
      layers: [],
      environments: {
        "one-staging": {
          tier: "staging",
          namespace: "staging",
          release: "staging",
          layers: ["config/clusters/one/common.yaml", "config/clusters/one/staging.yaml"],
        },
        "one-big": {
          namespace: "big",
          release: "big",
          layers: ["config/clusters/one/common.yaml"],
          chart: "helm-charts/dask",
        },
        "one-main": { namespace: "main", release: "main", layers: ["config/clusters/one/common.yaml"] },
        // The cluster's, and no hub's: staging has nothing that prod lacks.
        "one-support": {
          chart: "helm-charts/support",
          namespace: "support",
          release: "support",
          layers: ["config/clusters/one/support.yaml"],
        },
      },
    },
    asks: ["gone.yaml", "how each cluster is reached"],
    values: ["one-staging", "a: 2"],
  },
  "a helmfile with another": {
    files: {
      "helmfile.yaml": "helmfiles: [{ path: below/helmfile.yaml }]\nenvironments: { default: {}, lab: {} }\n",
      "below/helmfile.yaml":
        "repositories:\n- { name: jet, url: https://charts.example.org }\n- { name: reg, url: registry.example.org/charts, oci: true }\ntemplates:\n  default: &default\n    values: [values/common.yaml, 'values/{{`{{ .Release.Name }}`}}/{{`{{ .Environment.Name }}`}}.yaml']\nreleases:\n- { name: certs, namespace: certs-system, chart: jet/certs, version: 1.2.3, <<: *default }\n- { name: loose, chart: jet/loose, <<: *default }\n- { name: oci, chart: reg/oci, version: 2.0.0, values: [{ a: 1 }] }\n- { name: app, chart: ../charts/app, <<: *default }\n",
      "below/values/common.yaml": "a: 1\n",
      "below/values/app/lab.yaml": "a: 2\n",
      "charts/app/Chart.yaml": chart("app"),
    },
    settings: {
      chart: "charts/app",
      layers: [],
      environments: {
        default: { release: "app", layers: ["below/values/common.yaml"] },
        lab: { release: "app", layers: ["below/values/common.yaml", "below/values/app/lab.yaml"] },
      },
      releases: {
        certs: {
          chart: { name: "certs", version: "1.2.3", repository: "https://charts.example.org" },
          namespace: "certs-system",
          layers: ["below/values/common.yaml"],
        },
        oci: { chart: { name: "oci", version: "2.0.0", repository: "oci://registry.example.org/charts" } },
      },
    },
    asks: ["the release loose", "the release oci has values of its own", "helmfile takes the context"],
    values: ["lab", "a: 2"],
  },
  "files of sops, and charts that their layers tell apart": {
    files: {
      "a-tool/Chart.yaml": chart("a-tool"),
      "a-tool/values.yaml": "x: 1\n",
      "web/Chart.yaml": `${chart("web")}dependencies: [{ name: database, version: 1.0.0, repository: "" }]\n`,
      "web/charts/database/Chart.yaml": chart("database"),
      "web/values.yaml": "image: web:1\n",
      "config/staging.yaml": "image: web:2\n",
      "config/prod.yaml": "image: web:2\ndatabase: { size: 2 }\n",
      "config/staging.enc.yaml": SOPS,
      "secrets/secrets.prod.yaml": SOPS,
      "config/common.sops.yaml": SOPS,
      "config/db-admin.yaml": SOPS,
      "secrets/hub.json": "{}",
    },
    settings: {
      chart: "web",
      layers: ["config/common.sops.yaml"],
      environments: {
        staging: { layers: ["config/staging.yaml", "config/staging.enc.yaml"] },
        prod: { layers: ["config/prod.yaml", "secrets/secrets.prod.yaml"] },
      },
    },
    asks: ["taken for nothing: config/db-admin.yaml, secrets/hub.json;", "the chart a-tool: no release"],
    values: null,
  },
  "folders of two clouds, with files that are called after environments": {
    files: {
      "web/Chart.yaml": chart("web"),
      "web/values.yaml": "a: 1\n",
      "deploy/staging.yaml": "a: 2\n",
      "deploy/prod.yaml": "a: 3\n",
      "deploy/prod-install.yaml": "a: 4\n",
      "deploy/issuer-prod.yaml": "a: 4\n",
      "deploy-aws/prod.yaml": "a: 5\n",
      "deploy-aws/staging.yaml": "apiVersion: v1\nkind: ConfigMap\n",
      "secrets/common.yaml": "b: 1\n",
      "secrets/prod.yaml": "b: 2\n",
      "docs/prod.yaml": "a: 6\n",
    },
    settings: {
      chart: "web",
      layers: [],
      environments: {
        staging: { layers: ["secrets/common.yaml", "deploy/staging.yaml"] },
        "aws-prod": { layers: ["deploy-aws/prod.yaml"] },
        prod: { layers: ["secrets/common.yaml", "deploy/prod.yaml", "secrets/prod.yaml"] },
      },
    },
    asks: ["whether secrets/common.yaml lie below", "how the cluster of aws-prod is reached"],
    values: ["prod", 'b: "[secret]"\na: 3\n'],
  },
  "values of environments beside those of each chart": {
    files: {
      "charts/api/Chart.yaml": chart("api"),
      "charts/api/values-prod.yaml": "a: 3\n",
      "charts/web/Chart.yaml": chart("web"),
      "charts/web/values.yaml": "a: 1\nb: 1\n",
      "charts/web/values.common.yaml": "a: 2\n",
      "charts/web/values-live.yaml": "a: 3\nb: 3\n",
      "charts/web/values-prod.yaml": "a: 3\nb: 3\nnodeSelector: { pool: big }\n",
      "charts/web/env/staging/values.yaml": "a: 4\n",
      "charts/web/env/staging/secrets.enc.yaml": SOPS,
      "charts/web/templates/prod.yaml": "a: 5\n",
    },
    settings: {
      chart: "charts/web",
      layers: ["charts/web/values.common.yaml"],
      environments: {
        staging: { layers: ["charts/web/env/staging/values.yaml", "charts/web/env/staging/secrets.enc.yaml"] },
        live: { tier: "prod", layers: ["charts/web/values-live.yaml"] },
        prod: {
          layers: ["charts/web/values-prod.yaml"],
          nodePools: { big: { labels: { pool: "big" } } },
        },
      },
      releases: { api: { chart: "charts/api", environments: { prod: { layers: ["charts/api/values-prod.yaml"] } } } },
    },
    asks: ["whether charts/web/values.common.yaml lie below"],
    values: ["prod", "a: 3\nb: 3\n"],
  },
  "a chart for each deployment, with files that are called as it is": {
    files: {
      "hub-charts/art/Chart.yaml": `${chart("art")}dependencies: [{ name: hub, version: 1.0.0, repository: "" }]\n`,
      "hub-charts/art/charts/hub/Chart.yaml": chart("hub"),
      "hub-charts/law/Chart.yaml": chart("law"),
      "hub-charts/law/values.yaml": "b: 1\n",
      "hub-charts/new/Chart.yaml": chart("new"),
      "hub-configs/art.yaml": "hub: { a: 2 }\n",
      "secrets/art.yaml": "hub: { b: 2 }\n",
      // Of another chart.
      "other/law.yaml": "c: 1\n",
      "secrets/law.yaml": "b: 2\n",
    },
    settings: {
      layers: [],
      environments: {
        art: { chart: "hub-charts/art", layers: ["hub-configs/art.yaml", "secrets/art.yaml"] },
        law: { chart: "hub-charts/law", layers: ["secrets/law.yaml"] },
      },
    },
    asks: ["the chart hub-charts/new: no file", "other/law.yaml: it sets nothing that the chart hub-charts/law knows"],
    values: ["art", 'hub:\n  a: 2\n  b: "[secret]"'],
  },
  "charts that nothing tells apart": {
    files: {
      "alpha/Chart.yaml": chart("alpha"),
      "beta/Chart.yaml": chart("beta"),
      "config/prod.yaml": "a: 1\n",
    },
    settings: { chart: "alpha", layers: [], environments: { prod: { layers: ["config/prod.yaml"] } } },
    asks: ["which chart is the main one: alpha was taken, and nothing tells it from the others of alpha, beta"],
    values: ["prod", "a: 1"],
  },
  "hubploy's deployments": {
    files: {
      "hub/Chart.yaml": chart("hub"),
      "support/Chart.yaml": chart("support"),
      "deployments/art/hubploy.yaml": "images: {}\n",
      "deployments/art/config/common.yaml": "a: 1\n",
      "deployments/art/config/prod.yaml": "a: 2\n",
      "deployments/art/secrets/prod.yaml": "b: 2\n",
    },
    settings: {
      chart: "hub",
      layers: [],
      environments: {
        "art-prod": {
          tier: "prod",
          layers: [
            "deployments/art/config/common.yaml",
            "deployments/art/config/prod.yaml",
            "deployments/art/secrets/prod.yaml",
          ],
        },
      },
    },
    asks: ["how each cluster is reached"],
    values: ["art-prod", "a: 2"],
  },
};

async function repositoryOf(files: Readonly<Record<string, string>>): Promise<Repository> {
  const repository = await throwawayRepository();
  for (const [path, text] of Object.entries(files))
    repository.write(path, ENCRYPTED.test(path) ? encryptWithGitCrypt(Buffer.from(text)) : text);
  await repository.commit("all");
  return repository;
}

const deploy = (repository: Repository, ...words: string[]): Promise<RunResult> =>
  run(VAULT, ["deploy", ...words], {
    cwd: repository.path,
    env: { ...repository.env, GIT_CRYPT_KEY: GIT_CRYPT_KEY.toString("base64") },
  });

describe("vault deploy init", () => {
  test.each(Object.entries(SHAPES))("drafts settings for %s", async (_, { files, settings, asks, values }) => {
    using repository = await repositoryOf(files);
    const written = await deploy(repository, "init", "--json");
    expect({ status: written.status, failed: written.status === 0 ? "" : written.stderr }).toEqual({
      status: 0,
      failed: "",
    });
    const drafted: { settings: object; undecided: string[] } = JSON.parse(written.stdout.toString());
    expect(drafted.settings).toEqual(settings);
    for (const ask of asks) expect(drafted.undecided.join("\n")).toContain(ask);
    expect(readFileSync(join(repository.path, "deploy.yaml"), "utf8")).toMatch(/^# To be decided:\n/);
    await repository.commit("settings");
    if (values === null) return;
    const [environment, text] = values;
    const shown = await deploy(repository, "values", environment);
    expect({ status: shown.status, stderr: shown.stderr, out: shown.stdout.toString() }).toEqual({
      status: 0,
      stderr: "",
      out: expect.stringContaining(text),
    });
  });

  // Anyone who can commit writes what it reads. In a process of its own, which can be ended.
  test.each<[name: string, files: Readonly<Record<string, string>>]>([
    [
      "templates and names without an end, and helmfiles in a row",
      {
        "app/Chart.yaml": chart("app"),
        "helmfile.yaml": `# ${"{{`".repeat(200_000)}\nhelmfiles: [h1.yaml]\nreleases:\n  - { name: a${"-".repeat(400_000)}a, chart: ./app }\n`,
        ...Object.fromEntries(
          Array.from({ length: 300 }, (_, at) => [`h${at + 1}.yaml`, `helmfiles: [h${at + 2}.yaml]\n`]),
        ),
      },
    ],
    [
      "as many clusters as charts",
      {
        ...Object.fromEntries(Array.from({ length: 3000 }, (_, at) => [`c${at}/Chart.yaml`, chart("a")])),
        "config/a/cluster.yaml": `hubs: [${Array.from({ length: 3000 }, (_, at) => `{ name: h${at}, helm_chart: c${at} }`).join(", ")}]\n`,
      },
    ],
  ])("ends for %s", async (_, files) => {
    using repository = await repositoryOf(files);
    const env = { ...repository.env };
    const dry = await run(VAULT, ["deploy", "init", "--dry-run"], { cwd: repository.path, env, timeout: 60_000 });
    expect([dry.signal, dry.status, dry.stderr.slice(0, 200)]).toEqual([null, 0, expect.any(String)]);
  });

  test("writes over nothing, and finds nothing where nothing is", async () => {
    using repository = await repositoryOf({ "a.txt": "a" });
    expect(await deploy(repository, "init")).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("found no helmfile.yaml"),
    });
    const full = SHAPES["hubploy's deployments"]?.files ?? {};
    for (const [path, text] of Object.entries(full)) repository.write(path, text);
    await repository.commit("all");
    const file = join(repository.path, "deploy.yaml");
    const dry = await deploy(repository, "init", "--dry-run");
    expect(dry.stdout.toString()).toContain("environments:\n  art-prod:\n");
    expect(dry.stderr).toContain("vault: took environment art-prod: deployments/art/config/common.yaml");
    expect(dry.stderr).toContain("vault: to be decided: which cluster");
    writeFileSync(file, "chart: mine\n");
    expect(await deploy(repository, "init")).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("deploy.yaml is there already"),
    });
    expect(readFileSync(file, "utf8")).toBe("chart: mine\n");
  });
});
