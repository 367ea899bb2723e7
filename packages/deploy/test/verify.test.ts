import type { KubernetesObject as StoredObject } from "@git-vault/testkit/kubernetes";
import { mintCertificate, type MintedCertificate, startTlsServer, type TlsServer } from "@git-vault/testkit/network";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Cluster, type Project } from "../src/index.ts";
import { compareMembers } from "../src/verify/federation.ts";
import { inspectCertificates, inspectCredential, verifyEnvironment } from "../src/verify/index.ts";
import { inspectNodes } from "../src/nodes/index.ts";
import { clusterWorld, type ClusterWorld, PASSWORD } from "./cluster-world.ts";
import { errorOf } from "./world.ts";

const HOST = "hub.example.org";
const SHARED = "gke.example.org";
let world: ClusterWorld;
let project: Project;
let cluster: Cluster;
let root: MintedCertificate;
let own: MintedCertificate;
let shared: MintedCertificate;
let edge: TlsServer;

beforeEach(async () => {
  world = await clusterWorld();
  project = await world.open();
  cluster = await Cluster.connect(project, project.environment("staging"));
  root = await mintCertificate({ commonName: "Test Root", authority: true });
  own = await mintCertificate({ names: ["*.example.org"], issuer: root });
  shared = await mintCertificate({ names: [SHARED], issuer: root });
  edge = await startTlsServer({ certificates: { "*": own, [SHARED]: shared } });
  put("v1", "Namespace", "web", {}, "");
  await deploy();
  ingress();
  secret("own-tls", own);
  secret("shared-tls", shared);
});
afterEach(async () => {
  await edge.close();
  await cluster.close();
  await project.close();
  await world[Symbol.asyncDispose]();
});

function put(apiVersion: string, kind: string, name: string, rest: object, namespace = "web"): StoredObject {
  const metadata = { name, ...(namespace === "" ? {} : { namespace }) };
  return world.kubernetes.put({ apiVersion, kind, metadata, ...rest });
}

const secret = (name: string, { chain, key }: MintedCertificate): unknown =>
  put("v1", "Secret", name, {
    type: "kubernetes.io/tls",
    data: { "tls.crt": Buffer.from(chain).toString("base64"), "tls.key": Buffer.from(key).toString("base64") },
  });

const rule = (host: string, service = "web"): object => ({
  host,
  http: { paths: [{ path: "/", pathType: "Prefix", backend: { service: { name: service, port: { number: 80 } } } }] },
});

const ingress = (rules: object[] = [rule(HOST), rule(SHARED)], address = [{ ip: "127.0.0.1" }]): unknown =>
  put("networking.k8s.io/v1", "Ingress", "edge", {
    spec: {
      tls: [
        { secretName: "own-tls", hosts: ["*.example.org"] },
        { secretName: "shared-tls", hosts: [SHARED] },
      ],
      rules,
    },
    status: { loadBalancer: { ingress: address } },
  });

async function deploy(): Promise<void> {
  const labels = { app: "web" };
  put("v1", "Service", "web", { spec: { selector: labels, ports: [{ port: 80 }] } });
  put("apps/v1", "Deployment", "web", {
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: "web", image: "web:1", ports: [{ containerPort: 80 }] }] },
      },
    },
  });
  await world.kubernetes.settled();
}

const options = (server = edge): { trusted: string[]; addresses: Record<string, string> } => ({
  trusted: [root.certificate],
  addresses: { "*": server.address },
});

const brief = (findings: readonly { id: string; severity: string; message: string }[]): string[] =>
  findings.map(({ id, severity, message }) => `${severity} ${id}: ${message}`);

describe("an environment that is well", () => {
  test("has nothing to find, with two certificates on one cluster", async () => {
    const verified = await verifyEnvironment(cluster, options());
    expect(brief(verified.findings)).toEqual([]);
    expect(verified).toMatchObject({ environment: "staging", workloads: 1 });
    expect(verified.answers).toEqual([
      { host: HOST, path: "/", status: 200 },
      { host: SHARED, path: "/", status: 200 },
    ]);
    expect(verified.certificates.map(({ host, served }) => `${host.host} ${served?.names.join()}`)).toEqual([
      "*.example.org *.example.org",
      `${SHARED} ${SHARED}`,
    ]);
  });
});

describe("an environment that is not well", () => {
  test("has workloads that are not ready", async () => {
    world.kubernetes.podRules.push({ image: /web:2/, becomes: "unready" });
    put("apps/v1", "StatefulSet", "db", {
      metadata: { name: "db", namespace: "web", annotations: { "meta.helm.sh/release-name": "other" } },
      spec: {
        replicas: 2,
        serviceName: "db",
        selector: { matchLabels: { app: "db" } },
        template: { metadata: { labels: { app: "db" } }, spec: { containers: [{ name: "db", image: "web:2" }] } },
      },
    });
    await world.kubernetes.settled();
    const { findings } = await verifyEnvironment(cluster, options());
    expect(brief(findings)).toEqual([expect.stringMatching(/^warning workloads: StatefulSet db: \d of 2 pods are /)]);
  });

  test("has a failed Job of a CronJob, which fails no deployment", async () => {
    const job = (name: string, owners: object[]): unknown =>
      put("batch/v1", "Job", name, {
        metadata: { name, namespace: "web", ownerReferences: owners },
        spec: { backoffLimit: 0, template: { spec: { containers: [{ name: "backup", image: "backup:1" }] } } },
      });
    world.kubernetes.podRules.push({ image: /backup:1/, becomes: "failed" });
    const { uid } = put("batch/v1", "CronJob", "backup", { spec: { schedule: "0 3 * * *" } }).metadata;
    job("backup-2891", [{ apiVersion: "batch/v1", kind: "CronJob", name: "backup", uid, controller: true }]);
    job("migration", []);
    await world.kubernetes.settled();
    const { findings } = await verifyEnvironment(cluster, options());
    expect(brief(findings).map((finding) => finding.slice(0, 36))).toEqual([
      expect.stringMatching(/^warning workloads: Job backup-2891/),
      expect.stringMatching(/^error workloads: Job migration/),
    ]);
  });

  test("has Ingresses that lead nowhere", async () => {
    put("v1", "Service", "idle", { spec: { selector: { app: "idle" }, ports: [{ port: 80 }] } });
    ingress([rule(HOST, "idle"), rule(SHARED, "missing")], []);
    await world.kubernetes.settled();
    const { findings } = await verifyEnvironment(cluster, options());
    expect(brief(findings)).toEqual([
      "error ingress-endpoints: Ingress edge: no pod answers for the Service idle",
      "error ingress-endpoints: Ingress edge: the Service missing is not there",
      "warning ingress-endpoints: Ingress edge: it has no address, so no controller took it up",
    ]);
  });

  test("answers with errors, and secrets in what it says are not told", async () => {
    await using broken = await startTlsServer({
      certificates: { "*": own, [SHARED]: shared },
      answer: () => ({ status: 503, body: PASSWORD }),
    });
    const verified = await verifyEnvironment(cluster, options(broken));
    expect(brief(verified.findings)).toEqual([
      `error https-answer: ${HOST}: GET / is answered with 503`,
      `error https-answer: ${SHARED}: GET / is answered with 503`,
    ]);
    expect(JSON.stringify(verified)).not.toContain(PASSWORD);
    expect(JSON.stringify(verified)).not.toContain("PRIVATE KEY");
  });

  test("answers with an error to one of the paths of its Ingress rules", async () => {
    const backend = { service: { name: "web", port: { number: 80 } } };
    const path = (text: string, pathType = "Prefix"): object => ({ path: text, pathType, backend });
    const hub = [path("/hub/api"), path("/"), path("/x+y", "Exact"), path("/user/*", "ImplementationSpecific")];
    const none = [path("/v(1|2)(/|$)(.*)", "ImplementationSpecific"), path("/.well-known/acme-challenge/x", "Exact")];
    ingress([
      { host: HOST, http: { paths: hub } },
      { host: "*.example.org", http: { paths: [path("/hub/api"), path("/all")] } },
      { host: SHARED, http: { paths: none } },
      { host: "*.org", http: { paths: [path("/others")] } },
    ]);
    await using broken = await startTlsServer({
      certificates: { "*": own, [SHARED]: shared },
      answer: (_, asked) => ({ status: asked === "/hub/api" ? 502 : 404, body: "" }),
    });
    const { answers, findings } = await verifyEnvironment(cluster, options(broken));
    expect(answers.map(({ host, path: asked, status }) => `${host}${asked} ${status}`)).toEqual([
      ...["/hub/api 502", "/ 404", "/x+y 404", "/user/ 404", "/all 404"].map((answer) => HOST + answer),
      ...["/hub/api 502", "/all 404"].map((answer) => SHARED + answer),
    ]);
    expect(brief(findings)).toEqual(
      [HOST, SHARED].map((host) => `error https-answer: ${host}: GET /hub/api is answered with 502`),
    );
  });

  test("serves another certificate than its Secret holds", async () => {
    secret("shared-tls", await mintCertificate({ names: [SHARED], issuer: root }));
    const [first, second] = await inspectCertificates(cluster, options());
    expect(first?.findings).toEqual([]);
    expect(second?.findings.map(({ id, environment }) => `${id} ${environment}`)).toEqual([
      "certificate-differs staging",
    ]);
  });

  test("is a cluster without cert-manager, or one that does not let its objects be read", async () => {
    world.kubernetes.faults.push({ on: /cert-manager/, fault: "status", code: 403 });
    expect((await verifyEnvironment(cluster, options())).findings).toEqual([]);
  });
});

describe("incidents", () => {
  test("the client certificate of a kubeconfig expired, so that CI cannot log in", async () => {
    const { kubernetes } = world;
    world.signIn(await kubernetes.mintUser({ username: "ci" }, -1));
    await world.repository.commit("old kubeconfig");
    await using old = await world.open();
    const found = inspectCredential(old, old.environment("staging"));
    expect(brief(found?.findings ?? [])).toEqual([
      expect.stringMatching(
        /^error client-credential: secrets\/staging-kubeconfig\.yaml: the client certificate expired/,
      ),
    ]);
    expect(await errorOf(() => Cluster.connect(old, old.environment("staging")))).toMatchObject({
      code: "UNAUTHORIZED",
    });

    world.signIn(await kubernetes.mintUser({ username: "ci" }, 20));
    await world.repository.commit("newer");
    await using newer = await world.open();
    expect(inspectCredential(newer, newer.environment("staging"))?.findings).toMatchObject([
      { severity: "warning", file: "secrets/staging-kubeconfig.yaml", environment: "staging" },
    ]);
  });

  test("the token of a kubeconfig is about to end", async () => {
    const claims = { exp: Math.floor(Date.now() / 1000) + 3 * 86_400 };
    world.signIn({ token: ["e30", Buffer.from(JSON.stringify(claims)).toString("base64url"), "x"].join(".") });
    await world.repository.commit("token");
    await using other = await world.open();
    const found = inspectCredential(other, other.environment("staging"));
    expect(brief(found?.findings ?? [])).toEqual([expect.stringContaining("the token ends in 2 days")]);
  });

  test("every node of the ingress pool is cordoned", async () => {
    const node = world.kubernetes.get("v1", "Node", "", "core-1");
    world.kubernetes.put({ ...node, spec: { unschedulable: true } } as StoredObject);
    const { findings } = await inspectNodes(cluster);
    expect(brief(findings)[0]).toBe("error pool-closed: no node of the pool core takes pods: 1 of 1 are cordoned");
  });

  test("an expiry mail is told from noise: the certificate is late, and what its renewal waits for is named", async () => {
    const late = await mintCertificate({ names: [SHARED], issuer: root, days: 19 });
    secret("shared-tls", late);
    await using server = await startTlsServer({ certificates: { "*": own, [SHARED]: late } });
    const certificate = put("cert-manager.io/v1", "Certificate", "shared", {
      spec: { secretName: "shared-tls", issuerRef: { name: "letsencrypt" } },
      status: {
        conditions: [{ type: "Ready", status: "True", reason: "Ready" }],
        failedIssuanceAttempts: 2,
        notAfter: late.notAfter.toISOString(),
      },
    });
    const owned = (object: StoredObject): object => ({
      ownerReferences: [
        { apiVersion: "v1", kind: "x", name: object.metadata.name, uid: object.metadata.uid, controller: true },
      ],
    });
    const request = put("cert-manager.io/v1", "CertificateRequest", "shared-1", {
      metadata: { name: "shared-1", namespace: "web", ...owned(certificate) },
      status: { conditions: [{ type: "Ready", status: "False", reason: "Pending", message: "Waiting" }] },
    });
    const order = put("acme.cert-manager.io/v1", "Order", "shared-1-9", {
      metadata: { name: "shared-1-9", namespace: "web", ...owned(request) },
      status: { state: "pending" },
    });
    put("acme.cert-manager.io/v1", "Challenge", "shared-1-9-0", {
      metadata: { name: "shared-1-9-0", namespace: "web", ...owned(order) },
      status: { state: "pending", reason: "wrong status code '404', expected '200'" },
    });
    const [, judged] = await inspectCertificates(cluster, options(server));
    expect(brief(judged?.findings ?? [])).toEqual([
      expect.stringMatching(
        /^warning certificate-expiry: gke\.example\.org: the certificate that is served ends in 18 days/,
      ),
      "warning certificate-renewal: gke.example.org: the renewal of web/shared is stuck at Challenge shared-1-9-0 (pending, tried 2 times): wrong status code '404', expected '200'",
    ]);
    expect(judged?.findings[1]?.hint).toContain("kubectl --namespace web describe challenge shared-1-9-0");
  });

  test("a quota is full for hours", async () => {
    put("v1", "ResourceQuota", "pods", {
      spec: { hard: { pods: "3" } },
      status: { hard: { pods: "3" }, used: { pods: "3" } },
    });
    put("v1", "Event", "web.1", {
      involvedObject: { kind: "ReplicaSet", name: "web-1", namespace: "web" },
      reason: "FailedCreate",
      message:
        'Error creating: pods "web-1-x" is forbidden: exceeded quota: pods, requested: pods=1, used: pods=3, limited: pods=3',
      firstTimestamp: new Date(Date.now() - 11 * 3_600_000).toISOString(),
    });
    const { findings } = await verifyEnvironment(cluster, options());
    expect(brief(findings)).toEqual([
      "error quota-full: the quota pods is full: pods 3 of 3, and refuses pods for 11 hours",
    ]);
  });

  test("members of a federation are on different versions", async () => {
    const versions: Record<string, string> = { "a.example.org": "1.0", "b.example.org": "1.0", "c.example.org": "0.9" };
    await using server = await startTlsServer({
      certificates: { "*": own },
      answer: (host, path) =>
        path === "/versions" && versions[host] !== undefined
          ? { status: 200, body: JSON.stringify({ binderhub: versions[host], builder: { tag: "x" } }) }
          : { status: 404, body: "" },
    });
    const members = Object.fromEntries(
      ["a", "b", "c", "d"].map((name) => [name, `https://${name}.example.org/versions`]),
    );
    const { members: asked, findings } = await compareMembers(members, options(server));
    expect(asked.map(({ member, versions: has }) => `${member} ${has?.get("binderhub") ?? "silent"}`)).toEqual([
      "a 1.0",
      "b 1.0",
      "c 0.9",
      "d silent",
    ]);
    expect(brief(findings)).toEqual([
      "error federation: the member d does not tell its versions: d.example.org answers 404 at its address",
      "error federation: members of the federation differ in binderhub: a, b have 1.0; c has 0.9",
    ]);
  });
});
