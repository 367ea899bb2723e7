/*
 * What went wrong in deployments like this one, as far as a check without a cluster would have told
 * before. Out of its reach are
 * - a changed key that emptied the build cache: images are looked for under a name that is made
 *   from values (the registry's prefix, the build's key), and a new value is as good as the old
 *   one. Only the comparison with what runs shows it, which is the plan's part: see plan.test.ts.
 * - a pipeline that was red for days, unnoticed: a commit does not tell whether anybody looks.
 * - every node of a pool cordoned, a full quota: the cluster alone knows, see verify.test.ts.
 * - how many nodes each pool has: nothing in the repository says so. That pools and their labels
 *   differ is told, below.
 */
import { peer } from "@git-vault/testkit";
import { mintCertificate } from "@git-vault/testkit/network";
import { describe, expect, test } from "vitest";
import { CANARIES, check } from "./check-world.ts";

const helm4 = peer("helm4");

describe.skipIf(helm4.missing)(`incidents that checks would have caught, with ${helm4.label}`, () => {
  const helm = helm4.path;
  const kubeconfig = (certificate: string): string =>
    `clusters: [{ name: c, cluster: { server: "https://c.example.org" } }]
users: [{ name: ci, user: { client-certificate-data: ${Buffer.from(certificate).toString("base64")}, client-key-data: canaryKeyOfCi } }]
`;
  const withKubeconfig = `environments:
  staging: { layers: [config/staging.yaml, secrets/config/staging.yaml] }
  prod: { layers: [config/prod.yaml, secrets/config/prod.yaml], kubeconfig: secrets/prod-kubeconfig.yaml }
`;

  test("a pinned version that was never published", async () => {
    const { lines } = await check({
      helm,
      plain: {
        "web/Chart.yaml":
          "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies:\n  - { name: hub, version: 9.9.9, repository: https://charts.example.org }\n",
        "web/Chart.lock": "dependencies:\n  - { name: hub, version: 9.9.9, repository: https://charts.example.org }\n",
      },
    });
    // What cannot be fetched cannot be locked.
    expect(lines.filter((line) => line.startsWith("dependencies"))).toEqual([
      "dependencies error deploy.lock there is no deploy.lock that has the archives of hub",
    ]);
  });

  test("the client certificate in a kubeconfig ended, and CI could not log in", async () => {
    const { certificate } = await mintCertificate({ commonName: "ci", days: -1 });
    const { lines } = await check({
      helm,
      plain: { "deploy.yaml": withKubeconfig },
      secret: { "secrets/prod-kubeconfig.yaml": kubeconfig(certificate) },
    });
    expect(lines).toEqual([
      expect.stringMatching(
        /^expiry error secrets\/prod-kubeconfig\.yaml:2 \[prod\] this kubeconfig's client certificate ended on/,
      ),
    ]);
  });

  test("a certificate is about to end, and nothing says so but mails that nobody can tell from noise", async () => {
    const { certificate } = await mintCertificate({ names: ["example.org"], days: 6 });
    const { lines } = await check({
      helm,
      secret: { "secrets/tls.yaml": `certificate: ${JSON.stringify(certificate)}\n` },
    });
    expect(lines).toEqual([
      expect.stringMatching(/^expiry error secrets\/tls\.yaml:1 this certificate ends in 6 days/),
    ]);
  });

  test("a layer of secrets is commented out: all of its lines", async () => {
    const { lines } = await check({
      helm,
      secret: { "secrets/config/prod.yaml": `# database:\n#   password: ${CANARIES.prod}\n` },
    });
    expect(lines).toContain(
      "layers error secrets/config/prod.yaml [prod] secrets/config/prod.yaml says nothing: a layer must set something",
    );
  });

  test("a layer of secrets is commented out: where it is named", async () => {
    const { lines } = await check({
      helm,
      plain: {
        "deploy.yaml": `environments:
  staging: { layers: [config/staging.yaml, secrets/config/staging.yaml] }
  prod: { layers: [config/prod.yaml] } # secrets/config/prod.yaml
`,
      },
    });
    expect(lines).toContain(
      "layers warning secrets/config/prod.yaml this file lies beside the layers, and is none of any environment",
    );
  });

  test("a layer is misspelt, and was skipped in silence", async () => {
    const { lines } = await check({
      helm,
      plain: {
        "deploy.yaml": "environments:\n  prod: { layers: [config/prod.yaml, secrets/config/porduction.yaml] }\n",
      },
    });
    expect(lines).toContain(
      "layers error secrets/config/porduction.yaml [prod] secrets/config/porduction.yaml is not in the commit",
    );
  });

  test("staging has one pool of nodes, production has several", async () => {
    const { lines } = await check({
      helm,
      plain: {
        "deploy.yaml": `environments:
  staging: { layers: [config/staging.yaml, secrets/config/staging.yaml], nodePools: { core: { labels: { pool: core } } } }
  prod: { layers: [config/prod.yaml, secrets/config/prod.yaml], nodePools: { core: { labels: { pool: core } }, users: { labels: { pool: users } } } }
`,
      },
    });
    expect(lines).toContain("drift warning deploy.yaml [staging] prod has a node pool users, and staging has none");
    expect(lines).toContain(
      "node-selector error web/values.yaml:5 [staging] users.nodeSelector: no node pool of staging has pool=users",
    );
  });

  test("staging has one node, production has many", async () => {
    const poolsOf = (count: number): string =>
      `nodePools: { core: { labels: { pool: core } }, users: { labels: { pool: users }, nodes: ${count} } }`;
    const settings = (staging: number, prod: number): string => `environments:
  staging: { layers: [config/staging.yaml, secrets/config/staging.yaml], ${poolsOf(staging)} }
  prod: { layers: [config/prod.yaml, secrets/config/prod.yaml], ${poolsOf(prod)} }
`;
    const { lines } = await check({ helm, plain: { "deploy.yaml": settings(1, 12) } });
    expect(lines).toEqual([
      "drift warning deploy.yaml [staging] the node pool users has one node in staging, and 12 in prod",
    ]);
    expect((await check({ helm, plain: { "deploy.yaml": settings(2, 12) } })).lines).toEqual([]);
    expect((await check({ helm, plain: { "deploy.yaml": settings(1, 1) } })).lines).toEqual([]);
  });

  test("members of a federation run different versions", async () => {
    const { lines } = await check({
      helm,
      plain: {
        "deploy.yaml": `environments:
  prod: { layers: [config/prod.yaml, secrets/config/prod.yaml] }
  ovh: { tier: prod, layers: [config/ovh.yaml, secrets/config/prod.yaml] }
`,
        "config/staging.yaml": null,
        "config/ovh.yaml": "url: https://ovh.example.org\nimage: quay.io/example/web:1.2.2\n",
      },
      secret: { "secrets/config/staging.yaml": null },
    });
    expect(lines).toEqual([
      "drift warning web/templates/web.yaml [ovh] the container web of Deployment web has another version in ovh than in prod",
    ]);
  });

  test("two certificates of one cluster are kept in one secret", async () => {
    const { lines } = await check({
      helm,
      plain: {
        "web/templates/ingress.yaml": `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: web, annotations: { cert-manager.io/issuer: x } }
spec:
  tls:
    - { secretName: web-tls, hosts: ["*.ovh.example.org"] }
    - { secretName: web-tls, hosts: [example.org] }
`,
      },
      only: ["prod"],
    });
    expect(lines).toEqual([
      "tls error web/templates/ingress.yaml [prod] Ingress web has two certificates that are kept in the one secret web-tls",
    ]);
  });

  test("pods that are made later are sent to nodes that do not exist", async () => {
    const { lines } = await check({
      helm,
      plain: { "config/prod.yaml": "url: https://example.org\nusers: { nodeSelector: { pool: user } }\n" },
    });
    expect(lines).toEqual([
      "node-selector error config/prod.yaml:2 [prod] users.nodeSelector: no node pool of prod has pool=user",
    ]);
  });

  test("staging and production share a secret, and a pull request puts one in the clear", async () => {
    const { lines } = await check({
      helm,
      plain: { "config/prod.yaml": `url: https://web:${CANARIES.prod}@example.org\n` },
      secret: { "secrets/config/staging.yaml": `database:\n  password: ${CANARIES.prod}\n` },
    });
    expect(lines).toEqual([
      expect.stringMatching(
        /^leaked error config\/prod\.yaml:1 the value of database\.password in secrets\/config\/(?:prod|staging)\.yaml:2 stands/,
      ),
      expect.stringMatching(
        /^leaked error web\/templates\/web\.yaml \[prod\] .* is rendered into ConfigMap web at data\["config\.json"\]$/,
      ),
      "shared-secret error secrets/config/prod.yaml this file is the same as secrets/config/staging.yaml",
    ]);
  });
});
