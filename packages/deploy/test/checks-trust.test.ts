/*
 * What is no finding though it looks like one, and what is one finding though it is so in many
 * places. Each had been told of public repositories, where it helped nobody.
 */
import { encodeKeyFile, encryptBlob, generateKeyFile } from "@git-vault/git-crypt";
import { peer, throwawayRepository } from "@git-vault/testkit";
import { describe, expect, test } from "vitest";
import { authentic, encrypted } from "../src/checks/ciphertext.ts";
import { deprecatedApi } from "../src/checks/deprecated-api.ts";
import { drift } from "../src/checks/drift.ts";
import { exposed } from "../src/checks/exposed.ts";
import { imagePinned } from "../src/checks/image-pinned.ts";
import { collectReport } from "../src/checks/index.ts";
import { layers } from "../src/checks/layers.ts";
import { nodeSelector } from "../src/checks/node-selector.ts";
import { overrides } from "../src/checks/overrides.ts";
import { strictYaml } from "../src/checks/strict-yaml.ts";
import { tls } from "../src/checks/tls.ts";
import { unknownKey } from "../src/checks/unknown-key.ts";
import { weakSecret } from "../src/checks/weak-secret.ts";
import { type Finding, toSarif } from "../src/findings/index.ts";
import { Project } from "../src/index.ts";
import { check, type World } from "./check-world.ts";
import { errorOf, world } from "./world.ts";

const helm = peer("helm4");

describe("drift compares", () => {
  const checks = [drift];
  const two = (names: readonly string[]): Readonly<Record<string, string>> => ({
    "deploy.yaml": `chart: web\nlayers: []\nenvironments:\n${names.map((name) => `  ${name}: { layers: [config/${name}.yaml] }\n`).join("")}`,
    ...Object.fromEntries(names.map((name) => [`config/${name}.yaml`, `url: of-${name}\n${name}x: 1\n`])),
  });

  test("environments whose names differ in the tier alone, and no others", async () => {
    const { findings } = await check({
      checks,
      plain: two(["a-staging", "a-prod", "b-staging", "production-b", "c-prod"]),
    });
    expect([...new Set(findings.map(({ environment }) => environment))]).toEqual(["a-prod", "production-b"]);
  });

  test("the only two, whatever they are called", async () => {
    const plain = {
      ...two(["dev", "live"]),
      "deploy.yaml":
        "chart: web\nlayers: []\nenvironments: { dev: { tier: staging, layers: [config/dev.yaml] }, live: { tier: prod, layers: [config/live.yaml] } }\n",
      "config/dev.yaml": "url: a\nport: 1\n",
      "config/live.yaml": "url: b\n",
    };
    expect((await check({ checks, plain })).lines).toEqual([
      "drift warning config/dev.yaml:2 [live] port is not set in live",
    ]);
  });

  test("what deploy.yaml says, of which there must be one", async () => {
    const plain = {
      "deploy.yaml": `chart: web
layers: []
environments:
  staging: { layers: [config/staging.yaml] }
  ovh: { tier: prod, layers: [config/ovh.yaml], comparedWith: staging }
  gke: { tier: prod, layers: [config/gke.yaml] }
`,
      "config/staging.yaml": "url: a\n",
      "config/ovh.yaml": "url: b\nport: 1\n",
      "config/gke.yaml": "url: b\nport: 1\n",
    };
    expect((await check({ checks, plain })).lines).toEqual([
      "drift warning config/ovh.yaml:2 [ovh] port is not set in staging",
    ]);
    await using other = await world({
      "deploy.yaml": "chart: mybinder\nenvironments: { prod: { comparedWith: stagign } }\n",
      "config/prod.yaml": "a: 1\n",
    });
    expect(await errorOf(() => other.open())).toMatchObject({
      code: "INVALID_SETTINGS",
      message: "prod is to be compared with stagign, which is no other environment",
    });
  });

  test("maps that have little in common as one", async () => {
    const plain = {
      "config/staging.yaml": "url: a\nhome: { enabled: 1, redirect: x }\n",
      "config/prod.yaml": "url: b\nhome: { enabled: 1, org: x, by: y, for: z }\n",
    };
    expect((await check({ checks, plain })).lines).toEqual([
      "drift warning config/prod.yaml:2 [prod] home has other keys in staging",
    ]);
  });

  test("no placement on a cluster, and no lists of environments by their names", async () => {
    const plain = {
      "config/staging.yaml": "url: a\nmembers: { staging: { url: a } }\nhub: { resources: { cpu: 1 } }\n",
      "config/prod.yaml":
        "url: b\nmembers: { prod: { url: b } }\nhub: { nodeSelector: { pool: core }, storageClass: ssd, resources: { cpu: 500m } }\n",
    };
    expect((await check({ checks, plain })).lines).toEqual([]);
  });
});

describe("unknown-key", () => {
  const checks = [unknownKey];
  const chart = (dependencies: string): string =>
    `apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies:\n  - ${dependencies}\n`;
  const hub = "{ name: hub, version: 1.0.0, repository: https://example.org/charts }";

  test("lets pass what is there for its anchor, and tells of a slip that has one", async () => {
    const plain = {
      "config/prod.yaml":
        "project: &project my-project\nurl: *project\nreplcias: &count 2\nreplicas: *count\nunused: 1\n",
    };
    expect((await check({ checks, plain })).lines).toEqual([
      "unknown-key warning config/prod.yaml:3 [prod] replcias is no value that the chart web knows",
      "unknown-key warning config/prod.yaml:5 [prod] unused is no value that the chart web knows",
    ]);
  });

  test("judges a chart whose templates are in a chart that is not here by slips alone", async () => {
    const plain = {
      "web/Chart.yaml": chart(hub),
      "web/templates/all.yaml": '{{ include "hub.all" . }}\n',
      "config/prod.yaml": "service: 1\nreplcias: 2\nhub: { any: 1 }\nhubb: 1\n",
    };
    const { lines, skipped } = await check({ checks, plain });
    expect(lines).toEqual([
      "unknown-key warning config/prod.yaml:2 [prod] replcias is no value that the chart web knows",
      "unknown-key warning config/prod.yaml:4 [prod] hubb is no value that the chart web knows",
    ]);
    expect(skipped).toContain("what hub knows of values, since its files are not there");
  });

  test("judges one that calls nothing of the chart that is not here, but what that one gives it", async () => {
    const imported = hub.replace(" }", ", import-values: [{ child: rbac, parent: access.rules }] }");
    const plain = {
      "web/Chart.yaml": chart(imported),
      "config/prod.yaml": "service: 1\naccess: { rules: { enabled: true }, other: 1 }\n",
    };
    expect((await check({ checks, plain })).lines).toEqual([
      "unknown-key warning config/prod.yaml:1 [prod] service is no value that the chart web knows",
      "unknown-key warning config/prod.yaml:2 [prod] access is no value that the chart web knows",
    ]);
  });
});

describe.skipIf(helm.missing)("deprecated-api", () => {
  const asking = `{{- if .Capabilities.APIVersions.Has "policy/v1/PodDisruptionBudget" }}
apiVersion: policy/v1
{{- else }}
apiVersion: policy/v1beta1
{{- end }}
kind: PodDisruptionBudget
metadata: { name: web }
---
{{- if .Capabilities.APIVersions.Has "cert-manager.io/v1/Certificate" }}
apiVersion: v1
kind: ComponentStatus
metadata: { name: there }
{{- end }}
{{- if .Capabilities.APIVersions.Has "monitoring.coreos.com/v1" }}
apiVersion: v1
kind: ComponentStatus
metadata: { name: monitored }
{{- end }}
`;
  const run = (staging: string, prod: string): ReturnType<typeof check> =>
    check({
      checks: [deprecatedApi],
      helm: helm.path,
      plain: {
        "deploy.yaml": `chart: web
environments:
  staging: { ${staging}layers: [config/staging.yaml, secrets/config/staging.yaml] }
  prod: { ${prod}layers: [config/prod.yaml, secrets/config/prod.yaml] }
`,
        "web/templates/asking.yaml": asking,
      },
    });

  test("takes the kinds that the environment's Kubernetes has, and those of its settings", async () => {
    const { lines } = await run(
      'kubeVersion: "1.20", ',
      'kubeVersion: "1.33", apiVersions: [cert-manager.io/v1/Certificate], ',
    );
    expect(lines).toEqual([
      "deprecated-api warning web/templates/asking.yaml [staging] policy/v1beta1 PodDisruptionBudget is removed in Kubernetes 1.25, and staging runs 1.20",
      "deprecated-api warning web/templates/asking.yaml [prod] v1 ComponentStatus is deprecated",
    ]);
  });

  test("takes those of today where no version is known", async () => {
    const { lines } = await run("", "apiVersions: [monitoring.coreos.com/v1/ServiceMonitor], ");
    expect(lines).toEqual(["deprecated-api warning web/templates/asking.yaml [prod] v1 ComponentStatus is deprecated"]);
  });
});

describe("layers", () => {
  test("are no charts, manifests, templates, and files for other programs that lie beside them", async () => {
    const plain = {
      "deploy.yaml": `chart: web
layers: []
environments: { prod: { layers: [config/prod.yaml, more/prod.yaml] } }
releases: { other: { chart: more, layers: [more/other.yaml] } }
`,
      "config/issuer.yaml": "apiVersion: cert-manager.io/v1\nkind: ClusterIssuer\nmetadata: { name: x }\n",
      "config/cluster.yaml": "name: x\nprovider: gcp\nurl: https://example.org\n",
      "config/staging.yaml": null,
      "config/prod-old.yaml": "replicas: 2\nurl: https://example.org\n",
      "config/prod-template.yaml": "replicas: 2\n",
      "config/test-secrets.yaml": "replicas: 2\n",
      "config/test.yaml": "replicas: 2\n",
      "config/empty.yaml": "# replicas: 2\n",
      "more/Chart.yaml": "apiVersion: v2\nname: more\nversion: 1.0.0\n",
      "more/values.yaml": "replicas: 1\n",
      "more/templates/x.yaml": "a: {{ .Values.replicas }}\n",
      "more/prod.yaml": "replicas: 1\n",
      "more/other.yaml": "replicas: 1\n",
      "more/charts/hub/prod.yaml": "replicas: 1\n",
      "config/sops.yaml": "grafana_token: ENC[AES256_GCM,data:x,iv:x,tag:x,type:str]\nsops: { mac: x }\n",
    };
    const { findings } = await check({ checks: [layers], plain });
    expect(findings.map(({ file }) => file)).toEqual(["config/empty.yaml", "config/prod-old.yaml", "config/test.yaml"]);
  });
});

test("strict-yaml and type-change let pass amounts, parts of a whole and modes of files", async () => {
  const plain = {
    "web/values.yaml": `image: quay.io/example/web:1.2.3
hub: { memory: 1G, mem_limit: 1G, resources: { limits: { cpu: 1 } } }
`,
    "config/prod.yaml": `hub:
  cpu: 0.50
  ratio: 0.90
  timeout: 0.10
  memory: 1073741824
  mem_limit: 2e9
  defaultMode: 0644
  files: { script: { mode: 0o755 } }
  sticky: { mode: 01777 }
  resources: { limits: { cpu: 1.50, memory: 512Mi } }
  version: 0.10
  python: 3.10
`,
  };
  const { lines } = await check({ checks: [strictYaml, overrides], plain });
  expect(lines).toEqual([
    "strict-yaml warning config/prod.yaml:11 [prod] this number loses its last 0, which a version would need",
    "strict-yaml warning config/prod.yaml:12 [prod] this number loses its last 0, which a version would need",
  ]);
});

describe("secrets", () => {
  const ENC =
    "ENC[AES256_GCM,data:9sWZy8aEHyMhqJRK1bZqmA==,iv:0u0QvN3ojYRIFC4Ert4bWbIVLIahwGS6,tag:bKt23Q2OnAI,type:str]";

  test("are no ciphertexts, names of keys, and addresses of documents", async () => {
    const plain = {
      "key.json": JSON.stringify({
        private_key: ENC,
        sops: { mac: ENC, age: [{ enc: "-----BEGIN AGE ENCRYPTED FILE-----\nx" }] },
      }),
      "config/sops.yaml": `hub: { cookieSecret: "${ENC}" }\nsops: { mac: "${ENC}" }\n`,
      "sealed.yaml": "kind: SealedSecret\nspec: { encryptedData: { password: AgBy3i4OJSWK+PiTySYZZA9rO43cGDEq7 } }\n",
      "backup.yaml": `spec:
  repoPasswordSecretRef: { name: x, key: resticRepoPassword12 }
  tolerations: [{ key: CriticalAddonsOnly9 }]
  data: [{ secretKey: resticRepoPassword }, { remoteRef: { key: oauth2-proxy-secrets } }]
`,
      "url.test.js":
        "http://john:123456789@www.example.com/x redis://u:s3cr3tpassw0rd@db.test:1 x://u:s3cr3tpassw0rd@db.local/\n",
      "real.md": "postgres://john:123456789@www.example.com.evil.io/x\n",
      "hub.yaml": "hub: { cookieSecret: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b }\n",
    };
    const { lines } = await check({ checks: [exposed, weakSecret, encrypted], plain });
    expect(lines).toEqual([
      "looks-secret warning hub.yaml:1 the value of hub.cookieSecret looks like a secret",
      "looks-secret error real.md:1 this looks like an address with a password",
    ]);
  });

  test("that another git-crypt key encrypts are locked, and nobody tampered with them", async () => {
    using repository = await throwawayRepository();
    const [own, named] = [generateKeyFile(), generateKeyFile()];
    const files = {
      ".gitattributes":
        "*.secret.yaml filter=git-crypt diff=git-crypt\nprod.secret.yaml filter=git-crypt-prod diff=git-crypt-prod\n",
      "deploy.yaml": `chart: web
layers: []
environments: { staging: { layers: [staging.secret.yaml] }, prod: { layers: [prod.secret.yaml] } }
`,
      "web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
      "web/values.yaml": 'password: ""\n',
      "staging.secret.yaml": encryptBlob(own, Buffer.from("password: of-staging-4711\n")),
      "prod.secret.yaml": encryptBlob(named, Buffer.from("password: of-prod-4711\n")),
    };
    for (const [path, content] of Object.entries(files)) repository.write(path, content);
    await repository.commit("all");
    const open = (key: typeof own): Promise<Project> =>
      Project.open({
        root: repository.path,
        key: { bytes: encodeKeyFile(key) },
        env: { ...repository.env, HELM: "no-helm" },
      });
    await using project = await open(own);
    const { findings, skipped } = await collectReport(project, { checks: [authentic, layers, weakSecret] });
    expect(findings).toEqual([]);
    expect(skipped).toEqual(["what the key prod encrypts, since it is not here"]);
    expect(await errorOf(() => project.environment("prod").values())).toMatchObject({
      code: "LOCKED",
      message: "prod.secret.yaml is encrypted with the key prod, which is not here",
    });
    // What the own key should open and does not is another matter.
    repository.write("staging.secret.yaml", encryptBlob(generateKeyFile(), Buffer.from("password: of-staging-4712\n")));
    repository.write("other.secret.yaml", encryptBlob(own, Buffer.from("a: 1\n")));
    await repository.commit("broken");
    await using broken = await open(own);
    const report = await collectReport(broken, { checks: [authentic] });
    expect(report.findings.map(({ file }) => file)).toEqual(["staging.secret.yaml"]);
  });
});

describe.skipIf(helm.missing)("objects", () => {
  test("of other controllers may be incomplete, and hosts of no domain have no certificate", async () => {
    const plain = {
      "web/templates/more.yaml": `apiVersion: k8up.io/v1
kind: PodConfig
metadata: { name: backup }
spec: { template: { spec: { containers: [{ name: test }] } } }
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: web }
spec: { rules: [{ host: chart-example.local }, { host: web.test }, { host: web.example.org }] }
---
apiVersion: batch/v1
kind: Job
metadata: { name: none }
spec: { template: { spec: { containers: [{ name: test }] } } }
`,
    };
    const { lines } = await check({ checks: [imagePinned, tls], helm: helm.path, plain, only: ["prod"] });
    expect(lines).toEqual([
      "image-pinned error web/templates/more.yaml [prod] the container test of Job none names no image",
      "tls warning web/templates/more.yaml [prod] Ingress web serves web.example.org without a certificate",
    ]);
  });
});

describe("the same finding of several environments", () => {
  const names = ["a", "b", "c", "d", "e", "f", "g", "h"];
  const plain: World["plain"] = {
    "deploy.yaml": `chart: web\nlayers: [config/common.yaml]\nreleases: { alone: { chart: other, environments: [a] } }\nenvironments:\n${names
      .map(
        (name) =>
          `  ${name}: { release: web, layers: [config/${name}.yaml], nodePools: { core: { labels: { pool: core } } } }\n`,
      )
      .join("")}`,
    "other/Chart.yaml": "apiVersion: v2\nname: other\nversion: 1.0.0\n",
    "config/common.yaml": "users: { nodeSelector: { pool: user } }\n",
    ...Object.fromEntries(names.map((name) => [`config/${name}.yaml`, `url: of-${name}\nunused: 1\nother: yes\n`])),
  };

  async function report(): Promise<Awaited<ReturnType<typeof collectReport>>> {
    await using at = await world({
      ...Object.fromEntries(Object.entries(plain ?? {}).map(([path, content]) => [path, String(content)])),
      "web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
      "web/values.yaml": 'url: ""\nother: true\nusers: { nodeSelector: { pool: core } }\n',
      "web/templates/a.yaml": "# {{ .Values.url }} {{ .Values.other }}\n",
    });
    await using project = await at.open({ env: { ...at.repository.env, HELM: "no-helm-here" } });
    return await collectReport(project, { checks: [nodeSelector, unknownKey, strictYaml] });
  }

  test("is one with a list, and each of the places is told", async () => {
    const { findings } = await report();
    const [selector, unknown, ...words] = findings;
    expect(selector).toMatchObject({
      message: "users.nodeSelector: no node pool has pool=user",
      file: "config/common.yaml",
      environments: names,
    });
    // One of them has another release beside the main one, which is called otherwise.
    expect(selector).not.toHaveProperty("release");
    expect(selector).not.toHaveProperty("places");
    expect(unknown).toMatchObject({ id: "unknown-key", file: "config/a.yaml", line: 2, environments: names });
    expect(unknown?.places).toEqual(
      names.map((environment) => ({ file: `config/${environment}.yaml`, line: 2, column: 1, environment })),
    );
    // What says nothing of what it is about stays where it is.
    expect(words).toHaveLength(names.length);
    expect(findings.some((finding) => "messageOfSeveral" in finding)).toBe(false);
  });

  test("is one in SARIF, too, with what is known by it", async () => {
    const { runs } = toSarif(await report(), "1") as {
      runs: [{ results: { message: { text: string }; relatedLocations?: unknown[]; properties: object }[] }];
    };
    const [selector, unknown] = runs[0].results;
    expect(selector?.message.text).toMatch(
      /^users\.nodeSelector: no node pool has pool=user \(in a, b, c, d, e, f, g, h\)\n/,
    );
    expect(selector?.properties).toEqual({ environments: names });
    expect(unknown?.relatedLocations).toHaveLength(names.length - 1);
    expect(unknown?.message.text).toContain("\nalso at config/b.yaml:2, config/c.yaml:2");
  });

  test("is given for each by runChecks, as checks find it", async () => {
    const { findings } = await check({ checks: [nodeSelector], ...(plain === undefined ? {} : { plain }) });
    expect(findings.map(({ environment }: Finding) => environment)).toEqual(names);
  });
});
