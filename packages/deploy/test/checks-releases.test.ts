/*
 * Checks of releases that are beside the main one: each is broken in one way, and then so that it
 * is nearly broken.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { peer } from "@git-vault/testkit";
import { describe, expect, test } from "vitest";
import { deprecatedApi } from "../src/checks/deprecated-api.ts";
import { drift } from "../src/checks/drift.ts";
import { exposed } from "../src/checks/exposed.ts";
import { imagePinned } from "../src/checks/image-pinned.ts";
import { layers } from "../src/checks/layers.ts";
import { nodeSelector } from "../src/checks/node-selector.ts";
import { overrides } from "../src/checks/overrides.ts";
import { render } from "../src/checks/render.ts";
import { schema } from "../src/checks/schema.ts";
import { tls } from "../src/checks/tls.ts";
import { unknownKey } from "../src/checks/unknown-key.ts";
import type { Check } from "../src/checks/index.ts";
import { CANARIES, check, type World } from "./check-world.ts";

const helm4 = peer("helm4");

const POOLS = "nodePools: { core: { labels: { pool: core } }, users: { labels: { pool: users } } }";
const SETTINGS = `chart: web
environments:
  staging: { layers: [config/staging.yaml, secrets/config/staging.yaml], ${POOLS} }
  prod: { layers: [config/prod.yaml, secrets/config/prod.yaml], ${POOLS} }
releases:
  proxy: { chart: proxy, namespace: edge, layers: [config/proxy.yaml, secrets/config/proxy.yaml] }
`;
const TOKEN = "canary-Proxy-2mVx81KqLw77";

/** The faultless project with a release `proxy`, but for the files that are given. */
const withProxy = (checks: readonly Check[], plain: World["plain"] = {}, rest: World = {}): Promise<string[]> =>
  check({
    checks,
    helm: helm4.path,
    ...rest,
    plain: {
      "deploy.yaml": SETTINGS,
      "proxy/Chart.yaml": "apiVersion: v2\nname: proxy\nversion: 1.0.0\n",
      "proxy/values.yaml": 'replicas: 1\nlog: { level: info }\ntoken: ""\n',
      "proxy/templates/proxy.yaml": `apiVersion: v1
kind: Secret
metadata: { name: proxy }
stringData: { token: {{ .Values.token | quote }}, replicas: {{ .Values.replicas | quote }}, level: {{ .Values.log.level }} }
`,
      "config/proxy.yaml": "replicas: 2\n",
      ...plain,
    },
    secret: { "secrets/config/proxy.yaml": `token: ${TOKEN}\n`, ...rest.secret },
  }).then(({ lines }) => [...lines]);

describe("layers and values of a release beside the main one", () => {
  test("layers: a layer says nothing, and a note of one is enough", async () => {
    expect(await withProxy([layers], { "config/proxy.yaml": "# replicas: 2\n" })).toEqual([
      "layers error config/proxy.yaml [proxy] config/proxy.yaml says nothing: a layer must set something",
    ]);
    expect(await withProxy([layers], { "config/proxy.yaml": "# replicas\nreplicas: 2\n" })).toEqual([]);
  });

  test("unknown-key: a key is misspelt, by what its own chart knows and not by the main one's", async () => {
    expect(await withProxy([unknownKey], { "config/proxy.yaml": "replicas: 2\nlog: { levle: debug }\n" })).toEqual([
      "unknown-key warning config/proxy.yaml:2 [proxy] log.levle is no value that the chart proxy knows",
    ]);
    // `url` is a value of the main chart alone.
    expect(await withProxy([unknownKey], { "config/proxy.yaml": "url: x\n" })).toEqual([
      "unknown-key warning config/proxy.yaml:1 [proxy] url is no value that the chart proxy knows",
    ]);
    expect(await withProxy([unknownKey], { "config/proxy.yaml": "log: { level: debug }\n" })).toEqual([]);
  });

  test("unknown-key: looks into what its chart depends on", async () => {
    const plain = {
      "proxy/Chart.yaml":
        'apiVersion: v2\nname: proxy\nversion: 1.0.0\ndependencies:\n  - { name: cache, version: 2.0.0, repository: "file://../cache" }\n',
      "proxy/Chart.lock": 'dependencies:\n  - { name: cache, version: 2.0.0, repository: "file://../cache" }\n',
      "cache/Chart.yaml": "apiVersion: v2\nname: cache\nversion: 2.0.0\n",
      "cache/values.yaml": "size: 1\n",
    };
    expect(await withProxy([unknownKey], { ...plain, "config/proxy.yaml": "cache: { siez: 2 }\n" })).toEqual([
      "unknown-key warning config/proxy.yaml:1 [proxy] cache.siez is no value that the chart cache knows",
    ]);
    expect(await withProxy([unknownKey], { ...plain, "config/proxy.yaml": "cache: { size: 2 }\n" })).toEqual([]);
  });

  test("redundant and type-change: it says again what holds, and gives a text for a number", async () => {
    expect(await withProxy([overrides], { "config/proxy.yaml": 'log: { level: info }\nreplicas: "2"\n' })).toEqual([
      "redundant note config/proxy.yaml:1 [proxy] log.level is already so in proxy/values.yaml:2",
      "type-change warning config/proxy.yaml:2 [proxy] replicas becomes a text instead of a number, in proxy/values.yaml:1",
    ]);
    expect(await withProxy([overrides], { "config/proxy.yaml": "replicas: null\nlog: { level: debug }\n" })).toEqual(
      [],
    );
  });

  test("schema: its values are held against its own chart's schema, and the project's against the main one's", async () => {
    const plain = {
      "deploy.yaml": `schemas: [schemas/web.json]\n${SETTINGS}`,
      "schemas/web.json": '{"required":["url"]}',
      "proxy/values.schema.json": '{"properties":{"replicas":{"type":"integer","maximum":3}}}',
    };
    expect(await withProxy([schema], { ...plain, "config/proxy.yaml": "replicas: 4\n" })).toEqual([
      "schema error config/proxy.yaml:1 [proxy] replicas must be <= 3, by the schema of the chart proxy",
    ]);
    expect(await withProxy([schema], { ...plain, "config/proxy.yaml": "replicas: 3\n" })).toEqual([]);
  });

  test("schema: tells of the environment and the release where no file sets what is wanted", async () => {
    const plain = { "proxy/values.schema.json": '{"required":["port"]}' };
    expect(await withProxy([schema], plain, { only: ["prod"] })).toEqual([
      "schema error [proxy in prod] the top must have required property 'port', by the schema of the chart proxy",
    ]);
  });

  test("drift: production has a release that staging has not; its namespace is no drift", async () => {
    const only = SETTINGS.replace("chart: proxy,", "chart: proxy, environments: [prod],");
    expect(await withProxy([drift], { "deploy.yaml": only })).toEqual([
      "drift warning deploy.yaml [staging] prod has a release proxy, and staging has none",
    ]);
    const other = SETTINGS.replace("chart: proxy,", "chart: proxy, environments: [staging],");
    expect(await withProxy([drift], { "deploy.yaml": other })).toEqual([
      "drift warning deploy.yaml [prod] staging has a release proxy, and prod has none",
    ]);
    expect(await withProxy([drift])).toEqual([]);
  });

  test("node-selector: a value sends pods to a pool that is not there", async () => {
    const helm = "no-helm-here";
    const broken = { "config/proxy.yaml": "log: { nodeSelector: { pool: user } }\n" };
    expect(await withProxy([nodeSelector], broken, { helm, only: ["prod"] })).toEqual([
      "node-selector error config/proxy.yaml:1 [proxy in prod] log.nodeSelector: no node pool of prod has pool=user",
    ]);
    const fine = { "config/proxy.yaml": "log: { nodeSelector: { pool: users } }\n" };
    expect(await withProxy([nodeSelector], fine, { helm })).toEqual([]);
  });

  test("image-pinned: a value names a tag that moves", async () => {
    const helm = "no-helm-here";
    const broken = { "config/proxy.yaml": "log: { tag: latest }\n" };
    expect(await withProxy([imagePinned], broken, { helm })).toEqual([
      "image-pinned warning config/proxy.yaml:1 [proxy] log.tag is a tag that moves",
    ]);
    expect(await withProxy([imagePinned], { "config/proxy.yaml": "log: { tag: v1.2 }\n" }, { helm })).toEqual([]);
  });

  test("a main release is named, too, where its environment has several", async () => {
    const named = SETTINGS.replace("prod: {", "prod: { release: web,");
    expect(await withProxy([overrides], { "config/prod.yaml": "replicas: 1\n", "deploy.yaml": named })).toEqual([
      "redundant note config/prod.yaml:1 [web in prod] replicas is already so in web/values.yaml:2",
    ]);
    const alone = named.replace("chart: proxy,", "chart: proxy, environments: [staging],");
    expect(await withProxy([overrides], { "config/prod.yaml": "replicas: 1\n", "deploy.yaml": alone })).toEqual([
      "redundant note config/prod.yaml:1 [prod] replicas is already so in web/values.yaml:2",
    ]);
  });

  test("tells of the release whose values cannot be had", async () => {
    const { skipped } = await check({
      checks: [overrides],
      plain: {
        "deploy.yaml": SETTINGS,
        "proxy/Chart.yaml": "apiVersion: v2\nname: proxy\nversion: 1.0.0\n",
        "config/proxy.yaml": "a: [\n",
      },
      secret: { "secrets/config/proxy.yaml": `token: ${TOKEN}\n` },
      only: ["prod"],
    });
    expect(skipped).toEqual(["the values of proxy in prod, since a layer cannot be taken"]);
  });
});

describe.skipIf(helm4.missing)(`what a release beside the main one renders, with ${helm4.label}`, () => {
  const only = ["prod"];
  const rendering = (checks: readonly Check[], objects: string, rest: World = {}): Promise<string[]> =>
    withProxy(checks, { "proxy/templates/more.yaml": objects, ...rest.plain }, { only, ...rest });
  const deployment = (spec: string): string =>
    `apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: proxy }\nspec: { template: { spec: { ${spec} } } }\n`;

  test("has no findings where nothing is wrong, by any check", async () => {
    const { findings, skipped } = await check({
      helm: helm4.path,
      plain: {
        "deploy.yaml": SETTINGS,
        "proxy/Chart.yaml": "apiVersion: v2\nname: proxy\nversion: 1.0.0\n",
        "proxy/values.yaml": 'token: ""\nreplicas: 1\n',
        "proxy/templates/proxy.yaml": `apiVersion: v1
kind: Secret
metadata: { name: proxy }
stringData: { token: {{ .Values.token }}, replicas: {{ .Values.replicas | quote }} }
`,
        "config/proxy.yaml": "replicas: 2\n",
      },
      secret: { "secrets/config/proxy.yaml": `token: ${TOKEN}\n` },
    });
    expect({ findings, skipped }).toEqual({ findings: [], skipped: [] });
  });

  test("render: it cannot be rendered, and a template that would fail is not taken", async () => {
    expect(await rendering([render], '{{ fail "not this way" }}\n')).toEqual([
      expect.stringMatching(/^render error \[proxy in prod\] the chart cannot be rendered: .*not this way/),
    ]);
    expect(await rendering([render], '{{ if not .Values.token }}{{ fail "no token" }}{{ end }}\n')).toEqual([]);
  });

  test("is rendered once for all environments that do not differ in what Helm is given", async () => {
    const folder = await mkdtemp(join(tmpdir(), "checks-"));
    const [log, helm] = [join(folder, "log"), join(folder, "helm")];
    const script = `#!/bin/sh\ntest "$1" = template && echo "$2" >>"${log}"\nexec "${helm4.path}" "$@"\n`;
    await writeFile(helm, script, { mode: 0o700 });
    const runs = async (settings: string): Promise<string[]> => {
      await writeFile(log, "");
      const lines = await withProxy([render], { "deploy.yaml": settings }, { helm });
      expect(lines).toEqual([]);
      return (await readFile(log, "utf8")).trim().split("\n").toSorted();
    };
    try {
      expect(await runs(SETTINGS)).toEqual(["prod", "proxy", "staging"]);
      const newer = SETTINGS.replace("prod: {", 'prod: { kubeVersion: "1.33",');
      expect(await runs(newer)).toEqual(["prod", "proxy", "proxy", "staging"]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("image-pinned: a container has no version", async () => {
    expect(await rendering([imagePinned], deployment("containers: [{ name: c, image: nginx }]"))).toEqual([
      "image-pinned warning proxy/templates/more.yaml [proxy in prod] the container c of Deployment proxy names its image without a version: the latest is taken",
    ]);
    expect(await rendering([imagePinned], deployment('containers: [{ name: c, image: "nginx:1.27.4" }]'))).toEqual([]);
  });

  test("drift: two releases of one chart may run two versions", async () => {
    const objects = deployment('containers: [{ name: c, image: "nginx:{{ .Values.replicas }}.0.0" }]');
    const plain = {
      "deploy.yaml": `${SETTINGS}  proxy-next: { chart: proxy, namespace: edge, layers: [config/next.yaml] }\n`,
      "config/next.yaml": "replicas: 3\n",
    };
    expect(await rendering([imagePinned], objects, { plain })).toEqual([]);
  });

  test("deprecated-api: an object is of an API that is gone", async () => {
    const object = (api: string): string =>
      `apiVersion: ${api}\nkind: PodDisruptionBudget\nmetadata: { name: proxy }\n`;
    expect(await rendering([deprecatedApi], object("policy/v1beta1"))).toEqual([
      "deprecated-api error proxy/templates/more.yaml [proxy in prod] policy/v1beta1 PodDisruptionBudget was removed in Kubernetes 1.25",
    ]);
    expect(await rendering([deprecatedApi], object("policy/v1"))).toEqual([]);
  });

  test("node-selector: its pods are sent to a pool that is not there", async () => {
    expect(await rendering([nodeSelector], deployment("nodeSelector: { pool: edge }"))).toEqual([
      "node-selector error proxy/templates/more.yaml [proxy in prod] no node pool of prod has pool=edge, which Deployment proxy needs",
    ]);
    expect(await rendering([nodeSelector], deployment("nodeSelector: { pool: core }"))).toEqual([]);
  });

  test("leaked: a secret of any layer is rendered into an object that is no Secret", async () => {
    const map = (value: string): string =>
      `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: proxy }\ndata: { token: ${value} }\n`;
    expect(await rendering([exposed], map("{{ .Values.token | b64enc }}"))).toEqual([
      "leaked error proxy/templates/more.yaml [proxy in prod] the value of token in secrets/config/proxy.yaml:1 is rendered into ConfigMap proxy at data.token",
    ]);
    expect(await rendering([exposed], map(CANARIES.prod))).toEqual([
      expect.stringMatching(/^leaked error proxy\/templates\/more\.yaml:4 the value of database\.password in secrets/),
      expect.stringMatching(/^leaked error proxy\/templates\/more\.yaml \[proxy in prod\] the value of database\.p/),
    ]);
    expect(await rendering([exposed], map("{{ .Values.token | sha256sum }}"))).toEqual([
      "leaked error proxy/templates/more.yaml [proxy in prod] what ConfigMap proxy at data.token has depends on a secret",
    ]);
    expect(await rendering([exposed], map("{{ .Release.Name | sha256sum }}"))).toEqual([]);
  });

  const ingress = (host: string): string => `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: proxy }
spec: { tls: [{ hosts: [edge.example.org], secretName: edge-tls }], rules: [{ host: ${host} }] }
`;
  const certificate = (namespace: string): string => `apiVersion: cert-manager.io/v1
kind: Certificate
metadata: { name: edge, namespace: ${namespace} }
spec: { secretName: edge-tls, dnsNames: [edge.example.org] }
`;

  test("tls: it serves a host without a certificate; the main release may make the secret, in its namespace", async () => {
    const made = { plain: { "web/templates/certificate.yaml": certificate("edge") } };
    expect(await rendering([tls], ingress("other.example.org"), made)).toEqual([
      "tls warning proxy/templates/more.yaml [proxy in prod] Ingress proxy serves other.example.org without a certificate",
    ]);
    expect(await rendering([tls], ingress("edge.example.org"), made)).toEqual([]);
    const elsewhere = { plain: { "web/templates/certificate.yaml": certificate("prod") } };
    expect(await rendering([tls], ingress("edge.example.org"), elsewhere)).toEqual([
      "tls note proxy/templates/more.yaml [proxy in prod] no chart makes the secret edge-tls that Ingress proxy takes its certificate from",
    ]);
  });

  test("tls: two releases of an environment keep their certificates in one secret", async () => {
    const other = certificate("edge").replace("edge.example.org", "example.org");
    expect(await rendering([tls], certificate("edge"), { plain: { "web/templates/certificate.yaml": other } })).toEqual(
      [
        "tls error web/templates/certificate.yaml [prod] Certificate edge of proxy and Certificate edge of prod have certificates that are kept in the one secret edge-tls",
      ],
    );
  });
});

test("a check of one's own is given every release with its environment", async () => {
  const mine: Check = async function* mineCheck({ releases }) {
    for (const { name, namespace, chart, environment } of releases) {
      const message = `${environment.name} ${namespace}/${name} ${chart.path}`;
      yield { id: "mine", severity: "note", message };
    }
  };
  expect(await withProxy([mine])).toEqual([
    "mine note staging edge/proxy proxy",
    "mine note staging staging/staging web",
    "mine note prod edge/proxy proxy",
    "mine note prod prod/prod web",
  ]);
});
