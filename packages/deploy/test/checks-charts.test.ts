import { peer } from "@git-vault/testkit";
import { mintCertificate } from "@git-vault/testkit/network";
import { describe, expect, test } from "vitest";
import { dependencies } from "../src/checks/dependencies.ts";
import { deprecatedApi } from "../src/checks/deprecated-api.ts";
import { expiry } from "../src/checks/expiry.ts";
import { imagePinned } from "../src/checks/image-pinned.ts";
import { nodeSelector } from "../src/checks/node-selector.ts";
import { render } from "../src/checks/render.ts";
import { tls } from "../src/checks/tls.ts";
import { check, type World } from "./check-world.ts";

const helm3 = peer("helm3");
const helm4 = peer("helm4");
const DIGEST = `sha256:${"0123456789abcdef".repeat(4)}`;

describe("dependencies", () => {
  const checks = [dependencies];
  const chart = (...entries: string[]): string =>
    `apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies:\n${entries.map((entry) => `  - ${entry}\n`).join("")}`;

  test("tells of those that are not pinned, not in Chart.lock, not in deploy.lock, of another version, and twice there", async () => {
    const { lines } = await check({
      checks,
      plain: {
        "web/Chart.yaml": chart(
          "{ name: range, version: ^1.2.0, repository: https://example.org/charts }",
          "{ name: unlocked, version: 1.2.3, repository: https://example.org/charts }",
          "{ name: unfetched, version: 1.2.3, repository: https://example.org/charts }",
          '{ name: alias, version: 1.2.3, repository: "@stable" }',
          "{ name: vendored, version: 1.2.3 }",
          "{ name: there, version: 1.0.0 }",
          "{ name: there, version: 1.0.0 }",
        ),
        "web/Chart.lock": `dependencies:
  - { name: unfetched, version: 1.2.3, repository: https://example.org/charts }
  - { name: vendored, version: 1.2.3, repository: "" }
  - { name: there, version: 1.0.0, repository: "" }
`,
        "web/charts/vendored/Chart.yaml": "apiVersion: v2\nname: vendored\nversion: 1.2.2\n",
        "web/charts/there/Chart.yaml": "apiVersion: v2\nname: there\nversion: 1.0.0\n",
        "web/charts/stray-1.0.0.tgz": "no archive",
      },
    });
    expect(lines).toEqual([
      expect.stringMatching(/^dependencies error web\/Chart\.yaml:5 .*the dependency range has no exact version$/),
      expect.stringMatching(/^dependencies error web\/Chart\.yaml:6 .*the dependency unlocked is not in Chart\.lock$/),
      expect.stringMatching(
        /^dependencies error web\/Chart\.yaml:8 .*the dependency alias has no address of the kinds/,
      ),
      "dependencies error web/Chart.yaml:9 what lies in charts for the dependency vendored is vendored 1.2.2, and not 1.2.3",
      "dependencies error web/charts/stray-1.0.0.tgz this archive is no dependency of the chart, and Helm takes it",
      "dependencies error web/Chart.yaml:11 two dependencies share the key there, and so their values",
      "dependencies error deploy.lock there is no deploy.lock that has the archives of unfetched",
    ]);
  });

  test("tells of repositories that are fetched from in the clear, but for this machine's", async () => {
    const repositories = [
      "http://charts.example.org",
      "http://127.0.0.1.example.org",
      "http://localhost:1/x",
      "https://x.org",
    ];
    const entries = repositories.map(
      (repository, at) => `{ name: c${at}, version: 1.0.0, repository: "${repository}" }`,
    );
    const { lines } = await check({
      checks,
      plain: {
        "web/Chart.yaml": chart(...entries),
        "web/Chart.lock": `dependencies:\n${entries.map((entry) => `  - ${entry}\n`).join("")}`,
      },
    });
    expect(lines.filter((line) => line.includes("http://"))).toEqual([
      "dependencies warning web/Chart.yaml:5 c0 is fetched over http://, where anybody on the way may change it",
      "dependencies warning web/Chart.yaml:6 c1 is fetched over http://, where anybody on the way may change it",
    ]);
  });

  test("lets pass what is pinned, locked and there, twice under two aliases", async () => {
    const { lines } = await check({
      checks,
      plain: {
        "web/Chart.yaml": chart(
          '{ name: hub, version: 2.0.0, repository: "file://../hub" }',
          '{ name: hub, alias: other, version: 2.0.0, repository: "file://../hub" }',
          "{ name: there, version: 1.0.0-beta.1 }",
        ),
        "web/Chart.lock": `dependencies:
  - { name: hub, version: 2.0.0, repository: "file://../hub" }
  - { name: hub, version: 2.0.0, repository: "file://../hub" }
  - { name: there, version: 1.0.0-beta.1, repository: "" }
`,
        "hub/Chart.yaml": "apiVersion: v2\nname: hub\nversion: 2.0.0\n",
        "web/charts/there/Chart.yaml": "apiVersion: v2\nname: there\nversion: 1.0.0-beta.1\n",
      },
    });
    expect(lines).toEqual([]);
  });
});

for (const helm of [helm3, helm4]) {
  describe.skipIf(helm.missing)(`render, with ${helm.label}`, () => {
    test("renders for the environment's own version of Kubernetes, and tells where the chart does not take it", async () => {
      const { lines } = await check({
        checks: [render],
        helm: helm.path,
        plain: {
          "deploy.yaml": `environments:
  staging: { kubeVersion: "1.34", layers: [config/staging.yaml, secrets/config/staging.yaml] }
  prod: { kubeVersion: "1.33.2", layers: [config/prod.yaml, secrets/config/prod.yaml] }
`,
          "web/Chart.yaml": 'apiVersion: v2\nname: web\nversion: 1.0.0\nkubeVersion: ">=1.34.0-0"\n',
        },
      });
      expect(lines).toEqual([expect.stringMatching(/^render error \[prod\] .*kubeVersion: >=1\.34\.0-0.*v1\.33\.2/)]);
    });

    test("tells why the chart cannot be rendered, without the secret that it speaks of", async () => {
      const { lines } = await check({
        checks: [render],
        helm: helm.path,
        plain: { "web/templates/fail.yaml": '{{ fail (printf "not with %s" .Values.database.password) }}\n' },
        only: ["prod"],
      });
      expect(lines).toEqual([
        "render error [prod] the chart cannot be rendered: what it says at web/templates/fail.yaml:1 depends on a secret, and is not shown",
      ]);
    });

    test("tells the file and the line of what is no YAML, and no advice that is for Helm's own users", async () => {
      const { lines } = await check({
        checks: [render],
        helm: helm.path,
        plain: { "web/templates/broken.yaml": "kind: ConfigMap\ndata: {\n" },
        only: ["prod"],
      });
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatch(/ the chart cannot be rendered: .*web\/templates\/broken\.yaml.* line \d/);
      expect(lines[0]).not.toMatch(/--debug/);
    });
  });
}

describe.skipIf(helm4.missing)(`what the chart renders, with ${helm4.label}`, () => {
  const helm = helm4.path;
  /** What the checks say of these objects in production. */
  const rendered = async (
    checks: Parameters<typeof check>[0]["checks"],
    objects: string,
    values = "",
  ): Promise<string[]> => {
    const { lines } = await check({
      checks: checks ?? [],
      helm,
      plain: { "web/templates/web.yaml": objects, "config/prod.yaml": `url: https://example.org\n${values}` },
      only: ["prod"],
    });
    return lines.map((line) => line.replace(" web/templates/web.yaml [prod]", ""));
  };
  const pod = (name: string, spec: string): string =>
    `apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: ${name} }\nspec: { template: { spec: { ${spec} } } }\n---\n`;

  test("lets pass a layer that cannot be taken: another check tells", async () => {
    const { lines, skipped } = await check({
      checks: [render, imagePinned],
      helm,
      plain: { "config/prod.yaml": "a: [\n" },
    });
    expect(lines).toEqual([]);
    expect(skipped).toEqual([
      "what prod renders, since it cannot be rendered",
      "the values of prod, since a layer cannot be taken",
    ]);
  });

  test("tells without the key what it renders all the same, and of what it cannot", async () => {
    const { lines } = await check({ checks: [render], helm, locked: true });
    expect(lines).toEqual([]);
    const { lines: none, skipped } = await check({
      checks: [render],
      helm,
      locked: true,
      plain: { "web/templates/needs.yaml": '{{ required "a password" .Values.database.password }}\n' },
    });
    expect(none).toEqual([]);
    expect(skipped).toContain("what prod renders, since it cannot be rendered without the secrets");
  });

  test("image-pinned: tells of images without a version, with a moving one or a broken digest, and of tags in values", async () => {
    const image = (text: string): string => `containers: [{ name: c, image: ${JSON.stringify(text)} }]`;
    const lines = await rendered(
      [imagePinned],
      [
        pod("a", image("nginx")),
        pod("b", image("registry.example.org:5000/nginx:latest")),
        pod("c", image("nginx@sha256:short")),
        pod("d", image("")),
        pod("e", image("nginx:")),
        `apiVersion: batch/v1\nkind: CronJob\nmetadata: { name: f }\nspec: { jobTemplate: { spec: { template: { spec: { initContainers: [{ name: i, image: "x:main" }], ${image("x:1.2.3")} } } } } }\n---\n`,
        pod("fine", image("registry.example.org:5000/nginx:1.27.4")),
        pod("good", image(`nginx:latest@${DIGEST}`)),
      ].join(""),
      "singleuser: { image: { name: x, tag: latest } }\nhub: { image: { tag: 1.0.0-latest }, cull: { tagged: latest } }\n",
    );
    expect(lines.map((line) => line.replace(/^image-pinned /, "").replaceAll("the container ", ""))).toEqual([
      "warning c of Deployment a names its image without a version: the latest is taken",
      "warning c of Deployment b names its image by a tag that moves",
      "error c of Deployment c names its image by a digest that is none",
      "error c of Deployment d names no image",
      "error c of Deployment e names its image with an empty version",
      "warning i of CronJob f names its image by a tag that moves",
      "warning config/prod.yaml:2 [prod] singleuser.image.tag is a tag that moves",
    ]);
  });

  test("deprecated-api: tells of APIs that are gone or going, in lists too, and lets pass their successors", async () => {
    const object = (api: string, kind: string): string =>
      `apiVersion: ${api}\nkind: ${kind}\nmetadata: { name: x }\n---\n`;
    const lines = await rendered(
      [deprecatedApi],
      [
        object("extensions/v1beta1", "Ingress"),
        object("policy/v1beta1", "PodSecurityPolicy"),
        object("v1", "Endpoints"),
        "apiVersion: v1\nkind: List\nitems: [{ apiVersion: batch/v1beta1, kind: CronJob, metadata: { name: x } }]\n---\n",
        object("networking.k8s.io/v1", "Ingress"),
        object("cert-manager.io/v1beta1", "Certificate"),
        object("storage.k8s.io/v1beta1", "VolumeAttributesClass"),
      ].join(""),
    );
    expect(lines.toSorted()).toEqual([
      "deprecated-api error batch/v1beta1 CronJob was removed in Kubernetes 1.25",
      "deprecated-api error extensions/v1beta1 Ingress was removed in Kubernetes 1.22",
      "deprecated-api error policy/v1beta1 PodSecurityPolicy was removed in Kubernetes 1.25",
      "deprecated-api warning v1 Endpoints is deprecated",
    ]);
  });

  test("deprecated-api: judges each environment by its own version of Kubernetes, which its charts are rendered for", async () => {
    const environment = (name: string, kubeVersion: string): string =>
      `  ${name}: { kubeVersion: "${kubeVersion}", layers: [config/${name}.yaml, secrets/config/${name}.yaml] }\n`;
    const world = (template: string, staging = "1.35", prod = "v1.31.4"): World => ({
      checks: [render, deprecatedApi],
      helm,
      plain: {
        "deploy.yaml": `environments:\n${environment("staging", staging)}${environment("prod", prod)}`,
        "web/templates/web.yaml": template,
      },
    });
    const schema = (version: string): string =>
      `apiVersion: flowcontrol.apiserver.k8s.io/${version}\nkind: FlowSchema\nmetadata: { name: x }\n`;
    const where = "web/templates/web.yaml";
    const what = "flowcontrol.apiserver.k8s.io/v1beta3 FlowSchema";
    expect((await check(world(schema("v1beta3")))).lines).toEqual([
      `deprecated-api error ${where} [staging] ${what} was removed in Kubernetes 1.32, and staging runs 1.35`,
      `deprecated-api warning ${where} [prod] ${what} is removed in Kubernetes 1.32, and prod runs v1.31.4`,
    ]);
    expect((await check(world(schema("v1")))).lines).toEqual([]);
    const chosen = schema('{{ semverCompare "<1.32-0" .Capabilities.KubeVersion.Version | ternary "v1beta3" "v1" }}');
    expect((await check(world(chosen))).lines).toEqual([
      `deprecated-api warning ${where} [prod] ${what} is removed in Kubernetes 1.32, and prod runs v1.31.4`,
    ]);
    expect((await check(world(chosen, "1.32", "1.32.0"))).lines).toEqual([]);
  });

  const ingress = (name: string, hosts: string[], entries: string, annotations = ""): string =>
    `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: ${name}, annotations: { ${annotations} } }
spec: { tls: [${entries}], rules: [${hosts.map((host) => `{ host: "${host}" }`).join(", ")}] }
---
`;
  const certificate = (name: string, secret: string, hosts: string[]): string =>
    `apiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: { name: ${name} }\nspec: { secretName: ${secret}, dnsNames: ${JSON.stringify(hosts)} }\n---\n`;

  test("tls: tells of hosts without a certificate, of two in one secret, and of one that does not cover its hosts", async () => {
    const lines = await rendered(
      [tls],
      [
        ingress(
          "a",
          ["a.example.org", "deep.a.example.org"],
          '{ hosts: ["*.example.org"], secretName: one }',
          "cert-manager.io/issuer: x",
        ),
        ingress("b", ["b.example.org"], "{ hosts: [b.example.org], secretName: one }", "cert-manager.io/issuer: x"),
        ingress("c", ["c.example.org"], "{ hosts: [c.example.org], secretName: of-c }"),
        certificate("of-c", "of-c", ["www.example.org"]),
        ingress("d", ["d.example.org"], "{ hosts: [d.example.org] }"),
        ingress("e", ["e.example.org"], "{ hosts: [e.example.org], secretName: nobody-makes-it }"),
        certificate("x1", "same", ["x.example.org"]),
        certificate("x2", "same", ["y.example.org"]),
      ].join(""),
    );
    expect(lines.toSorted()).toEqual([
      "tls error Certificate of-c does not cover c.example.org of Ingress c",
      "tls error Certificate x1 and Certificate x2 have certificates that are kept in the one secret same",
      "tls error Ingress a and Ingress b have certificates that are kept in the one secret one",
      "tls note no chart makes the secret nobody-makes-it that Ingress e takes its certificate from",
      "tls warning Ingress a serves deep.a.example.org without a certificate",
      "tls warning Ingress d names no secret for the certificate of d.example.org",
    ]);
  });

  test("tls: lets pass wildcards, one certificate in two places, and secrets that something makes", async () => {
    const lines = await rendered(
      [tls],
      [
        ingress(
          "a",
          ["a.example.org", "A.EXAMPLE.org"],
          '{ hosts: ["*.example.org"], secretName: one }',
          'kubernetes.io/tls-acme: "true"',
        ),
        ingress(
          "b",
          ["a.example.org"],
          '{ hosts: ["*.example.org"], secretName: one }',
          "cert-manager.io/cluster-issuer: x",
        ),
        ingress("c", ["c.example.org"], "{ hosts: [c.example.org], secretName: of-c }"),
        certificate("of-c", "of-c", ["*.example.org"]),
        ingress("d", ["d.example.org"], "{ hosts: [d.example.org], secretName: of-d }"),
        "apiVersion: v1\nkind: Secret\nmetadata: { name: of-d }\ntype: kubernetes.io/tls\n---\n",
        ingress("e", [], ""),
      ].join(""),
    );
    expect(lines).toEqual([]);
  });

  test("node-selector: tells of pods and values that no pool takes, and lets pass those that one does", async () => {
    const affinity = (operator: string, values: string): string =>
      `affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: pool, operator: ${operator}, values: [${values}] }] }] } } }`;
    const lines = await rendered(
      [nodeSelector],
      [
        pod("a", "nodeSelector: { pool: user }"),
        pod("b", "nodeSelector: { pool: users, gpu: yes-please }"),
        pod("c", affinity("In", "gpu, big")),
        pod("fine", "nodeSelector: { pool: users, kubernetes.io/os: linux }"),
        pod("good", affinity("In", "gpu, users")),
        pod("well", affinity("NotIn", "core")),
      ].join(""),
      `hub:
  nodeSelector: { pool: cores }
  profiles: [{ kubespawner_override: { node_selector: { pool: gpu } } }]
users: { nodeSelector: { kubernetes.io/arch: amd64 } }
build: { nodeSelector: null }
binderhub: { config: { KubernetesBuildExecutor: { build_node_selector: { pool: buidls } } }, user-node-selector: { pool: usres } }
`,
    );
    expect(lines).toEqual([
      "node-selector error config/prod.yaml:3 [prod] hub.nodeSelector: no node pool of prod has pool=cores",
      "node-selector error config/prod.yaml:4 [prod] hub.profiles[0].kubespawner_override.node_selector: no node pool of prod has pool=gpu",
      "node-selector error config/prod.yaml:7 [prod] binderhub.config.KubernetesBuildExecutor.build_node_selector: no node pool of prod has pool=buidls",
      "node-selector error config/prod.yaml:7 [prod] binderhub.user-node-selector: no node pool of prod has pool=usres",
      "node-selector error no node pool of prod has pool=user, which Deployment a needs",
      "node-selector error no node pool of prod has gpu=yes-please, which Deployment b needs",
      "node-selector error no node pool of prod has what its affinity requires of pool, which Deployment c needs",
    ]);
  });

  test("shows no secret that a value puts into an object's name, host, label or image", async () => {
    const { lines } = await check({
      checks: [tls, nodeSelector, imagePinned, deprecatedApi],
      helm,
      plain: {
        "web/templates/web.yaml": `apiVersion: extensions/v1beta1
kind: Ingress
metadata: { name: {{ .Values.secret }} }
spec: { rules: [{ host: {{ .Values.secret }}.example.org }], tls: [{ secretName: {{ .Values.secret }}, hosts: [] }] }
---
apiVersion: v1
kind: Pod
metadata: { name: {{ .Values.secret }} }
spec: { nodeSelector: { pool: {{ .Values.secret }} }, containers: [{ name: {{ .Values.secret }}, image: {{ .Values.secret }} }] }
`,
      },
      secret: {
        "secrets/config/prod.yaml": `secret: canary-hidden-value\nusers: { nodeSelector: { pool: canary-hidden-value } }\n`,
      },
      only: ["prod"],
    });
    expect(lines.length).toBeGreaterThan(5);
    expect(lines.join("\n")).toContain("[secret]");
  });
});

describe("expiry", () => {
  const checks = [expiry];
  const jwt = (claims: object): string =>
    `${Buffer.from('{"alg":"HS256"}').toString("base64url")}.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.c2lnbmF0dXJlLWNhbmFyeQ`;
  const kubeconfig = (user: string, authority = ""): string =>
    `apiVersion: v1\nkind: Config\nclusters: [{ name: c, cluster: { server: "https://c.example.org"${authority} } }]\nusers: [{ name: u, user: { ${user} } }]\n`;
  const plain = {
    "deploy.yaml": `environments:
  staging: { layers: [config/staging.yaml], kubeconfig: secrets/staging-kubeconfig.yaml }
  prod: { layers: [config/prod.yaml], kubeconfig: secrets/prod-kubeconfig.yaml }
`,
  };
  const base64 = (text: string): string => Buffer.from(text).toString("base64");

  test("tells of client certificates, authorities, certificates and tokens that ended or are about to", async () => {
    const past = await mintCertificate({ commonName: "ci", days: -2 });
    const soon = await mintCertificate({ commonName: "ci", days: 5 });
    const now = new Date();
    const { findings } = await check({
      checks,
      options: { now },
      plain,
      secret: {
        "secrets/staging-kubeconfig.yaml": kubeconfig(
          `client-certificate-data: ${base64(past.certificate)}, client-key-data: canaryKey`,
          `, certificate-authority-data: ${base64(soon.certificate)}`,
        ),
        "secrets/prod-kubeconfig.yaml": kubeconfig(`token: ${jwt({ exp: Math.floor(now.getTime() / 1000) - 10 })}`),
        "secrets/tls.yaml": `cert: |\n${soon.certificate.replaceAll(/^/gm, "  ")}\nbroken: |\n  -----BEGIN CERTIFICATE-----\n  canary\n  -----END CERTIFICATE-----\n`,
      },
    });
    const day = (date: Date): string => date.toISOString().slice(0, 10);
    expect(findings.map(({ severity, file, line, message }) => `${severity} ${file}:${line} ${message}`)).toEqual([
      `error secrets/prod-kubeconfig.yaml:4 this token ended on ${day(new Date(now.getTime() - 10_000))}`,
      `error secrets/staging-kubeconfig.yaml:3 the certificate of this kubeconfig's authority ends in 5 days, on ${day(soon.notAfter)}`,
      `error secrets/staging-kubeconfig.yaml:4 this kubeconfig's client certificate ended on ${day(past.notAfter)}`,
      `error secrets/tls.yaml:1 this certificate ends in 5 days, on ${day(soon.notAfter)}`,
      expect.stringMatching(/^error secrets\/tls\.yaml:\d+ this certificate cannot be read$/),
    ]);
  });

  test("judges a certificate by its own life, as `vault deploy certs` does", async () => {
    const said = async (days: number, life: number): Promise<string[]> => {
      const { certificate } = await mintCertificate({ names: ["example.org"], days, life });
      const { findings } = await check({
        checks,
        secret: { "secrets/tls.yaml": `cert: ${JSON.stringify(certificate)}\n` },
      });
      return findings.map(({ severity, message }) => `${severity} ${message.slice(0, message.indexOf(","))}`);
    };
    expect(await said(5, 6)).toEqual([]);
    expect(await said(1, 6)).toEqual(["warning this certificate ends in 1 day"]);
    expect(await said(0.4, 6)).toEqual(["error this certificate ends in 1 day"]);
    expect(await said(20, 90)).toEqual(["warning this certificate ends in 20 days"]);
    expect(await said(22, 90)).toEqual([]);
    expect(await said(6, 90)).toEqual(["error this certificate ends in 6 days"]);
    expect(await said(100, 90)).toEqual([expect.stringMatching(/^error this certificate is not valid before/)]);
  });

  test("tells of kubeconfigs that are not there, are none, or let nobody in", async () => {
    const { lines } = await check({
      checks,
      plain: {
        "deploy.yaml": `${plain["deploy.yaml"]}  ovh: { layers: [config/prod.yaml], kubeconfig: secrets/gone.yaml }\n`,
      },
      secret: {
        "secrets/staging-kubeconfig.yaml": "just: text\n",
        "secrets/prod-kubeconfig.yaml": kubeconfig("").replace("{ name: u, user: {  } }", ""),
      },
    });
    expect(lines).toEqual([
      "expiry error secrets/gone.yaml [ovh] this kubeconfig is not in the commit",
      "expiry error secrets/staging-kubeconfig.yaml [staging] expected a kubeconfig, got a file that names no cluster",
      "expiry error secrets/prod-kubeconfig.yaml [prod] this kubeconfig has no user who could log in",
    ]);
  });

  test("lets pass what is valid for a while, tokens that say nothing of it, and what it cannot read without the key", async () => {
    const long = await mintCertificate({ commonName: "ci", days: 30 });
    const world = {
      checks,
      plain,
      secret: {
        "secrets/staging-kubeconfig.yaml": kubeconfig(`client-certificate-data: ${base64(long.certificate)}`),
        "secrets/prod-kubeconfig.yaml": kubeconfig(`token: ${jwt({ sub: "ci" })}`),
        "secrets/other.yaml": `token: ${jwt({ exp: Math.floor(Date.now() / 1000) + 86_400 * 60 })}\n`,
      },
    };
    expect((await check(world)).lines).toEqual([]);
    expect(await check({ ...world, locked: true })).toMatchObject({
      lines: [],
      skipped: ["what is encrypted, since there is no key"],
    });
  });
});
