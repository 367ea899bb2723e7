import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeKeyFile, encryptBlob, generateKeyFile } from "@git-vault/git-crypt";
import { type Repository, run, throwawayRepository } from "@git-vault/testkit";
import { type KubernetesStandIn, startKubernetes } from "@git-vault/testkit/kubernetes";
import {
  mintCertificate,
  type MintedCertificate,
  startProxy,
  startTlsServer,
  type TlsServer,
} from "@git-vault/testkit/network";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { VAULT } from "./program.ts";

const HOST = "hub.example.org";
const SECRET = "canary-secret-90125";
let repository: Repository;
let kubernetes: KubernetesStandIn;
let edge: TlsServer;
let root: MintedCertificate;
let served: MintedCertificate;
let env: Record<string, string | undefined>;

beforeAll(async () => {
  repository = await throwawayRepository();
  kubernetes = await startKubernetes();
  root = await mintCertificate({ commonName: "Test Root", authority: true });
  served = await mintCertificate({ names: [HOST], issuer: root, days: 20 });
  edge = await startTlsServer({
    certificates: { [HOST]: served },
    answer: (_, path) => ({ status: 200, body: path === "/versions" ? '{"binderhub":"1.0"}' : "ok" }),
  });
  const key = generateKeyFile();
  const ca = join(repository.path, "..", "root.pem");
  writeFileSync(ca, root.certificate);
  env = { ...repository.env, GIT_CRYPT_KEY: encodeKeyFile(key).toString("base64"), NODE_EXTRA_CA_CERTS: ca };
  repository.write("mybinder/Chart.yaml", "apiVersion: v2\nname: mybinder\nversion: 1.0.0\n");
  repository.write("secrets/config/prod.yaml", encryptBlob(key, Buffer.from(`token: ${SECRET}\n`)));
  const kubeconfig = kubernetes.kubeconfig(await kubernetes.mintUser({ username: "ci" }, 60));
  const expired = kubernetes.kubeconfig(await kubernetes.mintUser({ username: "ci" }, -1));
  repository.write("secrets/prod-kubeconfig.yaml", encryptBlob(key, Buffer.from(kubeconfig)));
  repository.write("secrets/old-kubeconfig.yaml", encryptBlob(key, Buffer.from(expired)));
  const members = `own: https://${HOST}/versions\nother: https://${HOST}/versions\n`;
  repository.write("secrets/federation.yaml", encryptBlob(key, Buffer.from(members)));
  const environment = (name: string, more: object): object => ({
    kubeconfig: `secrets/${name}-kubeconfig.yaml`,
    cluster: { uid: kubernetes.identity },
    ...more,
  });
  const settings = {
    chart: "mybinder",
    environments: { prod: environment("prod", { layers: ["secrets/config/prod.yaml"] }), old: environment("old", {}) },
    federation: "secrets/federation.yaml",
  };
  repository.write("deploy.yaml", JSON.stringify(settings));
  await repository.commit("all");
  put("v1", "Namespace", "prod", {}, "");
  put("v1", "Secret", "hub-tls", { data: { "tls.crt": Buffer.from(served.chain).toString("base64") } });
  const backend = { service: { name: "web", port: { number: 80 } } };
  put("networking.k8s.io/v1", "Ingress", "edge", {
    spec: {
      tls: [{ secretName: "hub-tls", hosts: [HOST] }],
      rules: [{ host: HOST, http: { paths: [{ path: "/", pathType: "Prefix", backend }] } }],
    },
  });
});
afterAll(async () => {
  await edge.close();
  await kubernetes.close();
  repository.remove();
});

function put(apiVersion: string, kind: string, name: string, rest: object, namespace = "prod"): void {
  kubernetes.put({ apiVersion, kind, metadata: { name, ...(namespace === "" ? {} : { namespace }) }, ...rest });
}

/** The same project at a commit whose settings name no federation, until it is disposed of. */
async function withoutFederation(): Promise<
  AsyncDisposable & { verify(more: Record<string, string>): ReturnType<typeof vault> }
> {
  const { federation: _, ...settings } = JSON.parse(readFileSync(join(repository.path, "deploy.yaml"), "utf8")) as {
    federation: string;
  };
  repository.write("deploy.yaml", JSON.stringify(settings));
  await repository.commit("no federation");
  return {
    verify: (more) => vault(["verify", "prod"], more),
    async [Symbol.asyncDispose]() {
      await repository.git("reset", "--quiet", "--hard", "HEAD~1");
    },
  };
}

async function vault(
  args: readonly string[],
  more: Record<string, string> = {},
): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const { status, stdout, stderr } = await run(VAULT, ["deploy", ...args], {
    cwd: repository.path,
    env: { ...env, ...more },
  });
  return { status, stdout: stdout.toString(), stderr };
}

const address = (): string[] => ["--address", `*=${edge.address}`];

describe("vault deploy certs", () => {
  test("tells what is served, until when, and exits 7 where that is soon; a cluster that lets nobody in hides nothing", async () => {
    const { stdout, status } = await vault(["certs", ...address()]);
    expect(status).toBe(7);
    expect(stdout).toMatch(
      /^prod\n {2}secrets\/prod-kubeconfig\.yaml: the client certificate ends in \d+ days, at .* UTC\n {2}hub\.example\.org {2}ends in (?:19|20) days, at \d{4}-\d\d-\d\d \d\d:\d\d UTC, by Test Root, for hub\.example\.org\n/,
    );
    expect(stdout).toMatch(
      /^error: secrets\/old-kubeconfig\.yaml: the client certificate expired .*\(client-credential\) \[old\]$/m,
    );
    expect(stdout).toMatch(/^error: the cluster answers 401 .*\(cluster\) \[old\]$/m);
    expect(stdout).toMatch(
      /^warning: hub\.example\.org: the certificate that is served ends in 19 days, .*\(certificate-expiry\) \[prod\]$/m,
    );
    expect(stdout).not.toContain(SECRET);
  });

  test("is content with other thresholds, and speaks JSON", async () => {
    const { stdout, status } = await vault(["certs", "prod", "--warn-days", "10", "--json", ...address()]);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      environments: [
        { environment: "prod", hosts: [{ host: HOST, ingress: "prod/edge", served: { issuer: "Test Root" } }] },
      ],
      credentials: [{ file: "secrets/prod-kubeconfig.yaml", tokenEnds: null }],
      findings: [],
    });
  });

  test("tells once that there is no key, and exits 3 as with a wrong one", async () => {
    const { stdout, status } = await vault(["certs"], { GIT_CRYPT_KEY: "" });
    expect({ status, lines: stdout.split("\n").filter((line) => line.startsWith("error")) }).toEqual({
      status: 3,
      lines: ["prod", "old"].map(
        (name) => `error: secrets/${name}-kubeconfig.yaml is encrypted, and there is no key (cluster) [${name}]`,
      ),
    });
  });

  test("refuses thresholds and addresses that are none", async () => {
    expect(await vault(["certs", "--warn-days", "soon"])).toMatchObject({ status: 2 });
    expect(await vault(["certs", "--address", "hub"])).toMatchObject({ status: 2 });
  });
});

describe("through a proxy that speaks TLS", () => {
  test("hosts are asked that this machine does not know, and one that is refused is told", async () => {
    const certificate = await mintCertificate({ names: ["127.0.0.1"], issuer: root });
    await using proxy = await startProxy({ hosts: { [HOST]: edge.address }, certificate });
    const { stdout } = await vault(["verify", "prod"], { HTTPS_PROXY: proxy.url });
    expect(stdout).toContain(`  https://${HOST}/  200\n`);
    // For the certificate, for an answer, and as two members of the federation; the cluster itself
    // is on this machine.
    expect(proxy.asked).toEqual(Array.from({ length: 4 }, () => `${HOST}:443`));
    proxy.refusal = 403;
    const refused = await vault(["certs", "prod"], { HTTPS_PROXY: proxy.url });
    expect(refused.status).toBe(7);
    expect(refused.stdout).toContain(`does not open the way to ${HOST}:443 (403) (certificate-unreachable) [prod]`);
  });
});

describe("vault deploy verify", () => {
  test("tells what is wrong with what runs", async () => {
    const { stdout, status } = await vault(["verify", "prod", ...address()]);
    expect(status).toBe(7);
    expect(stdout).toContain(`prod  0 workloads\n  https://${HOST}/  200\n`);
    expect(stdout).toContain("error: nothing runs in the namespace (workloads) [prod]");
    expect(stdout).toContain("error: Ingress edge: the Service web is not there (ingress-endpoints) [prod]");
    expect(stdout).not.toContain("federation");
  });

  test("writes annotations, masks, a summary and an output in GitHub Actions, and nothing of it to stdout", async () => {
    const files = {
      GITHUB_STEP_SUMMARY: join(repository.path, "../summary"),
      GITHUB_OUTPUT: join(repository.path, "../output"),
    };
    for (const file of Object.values(files)) writeFileSync(file, "");
    const { stdout, stderr } = await vault(["verify", "prod", "--json", ...address()], {
      GITHUB_ACTIONS: "true",
      GITHUB_EVENT_NAME: "push",
      ...files,
    });
    const { findings } = JSON.parse(stdout) as { findings: object[] };
    expect(stderr).toContain(`::add-mask::${SECRET}\n`);
    expect(stderr).toContain("::error title=workloads (prod)::nothing runs in the namespace%0A");
    expect(readFileSync(files.GITHUB_STEP_SUMMARY, "utf8")).toMatch(
      /^## vault deploy verify\n\n\| \| check \| where \| what \|\n/,
    );
    expect(readFileSync(files.GITHUB_STEP_SUMMARY, "utf8")).not.toContain(SECRET);
    expect(readFileSync(files.GITHUB_OUTPUT, "utf8")).toContain(`\n${findings.length}\n`);
  });
});

describe("without the key", () => {
  test("verify looks at nothing, and names the kubeconfig and the federation: exit 3", async () => {
    const federated = await vault(["verify", "prod", ...address()], { GIT_CRYPT_KEY: "" });
    expect([federated.status, federated.stdout]).toEqual([3, expect.stringContaining("and there is no key (cluster)")]);
    expect(federated.stdout).toContain("secrets/federation.yaml is encrypted, and there is no key (federation)");
    await using alone = await withoutFederation();
    expect(await alone.verify({ GIT_CRYPT_KEY: "" })).toMatchObject({ status: 3, stderr: "" });
    expect(await alone.verify({ GIT_CRYPT_KEY: encodeKeyFile(generateKeyFile()).toString("base64") })).toMatchObject({
      status: 3,
    });
  });
});

describe("vault deploy nodes", () => {
  test("shows nodes by pools, closes one, refuses the last one, and opens it again", async () => {
    const all = await vault(["nodes", "prod"]);
    expect(all).toMatchObject({ status: 0, stderr: "" });
    expect(all.stdout).toMatch(/^core\n {2}core-1 {2}ready {2}pods \d+%, cpu 0%, memory 0%\nusers\n {2}user-1 /);
    expect(await vault(["nodes", "prod", "cordon", "user-1"])).toMatchObject({
      status: 0,
      stderr: "vault: user-1 is cordoned\n",
    });
    const last = await vault(["nodes", "prod", "drain", "user-2"]);
    expect(last).toMatchObject({ status: 1 });
    expect(last.stderr).toContain("error: user-2 is the last node of the pool users that takes pods");
    expect(await vault(["nodes", "prod", "uncordon", "user-1", "--json"])).toMatchObject({
      stdout: '{"node":"user-1","state":"open"}\n',
    });
    expect((await vault(["nodes", "prod", "drain", "user-2"])).stderr).toBe("vault: user-2 is empty\n");
  });

  test("refuses what it does not know", async () => {
    expect(await vault(["nodes"])).toMatchObject({ status: 2 });
    expect(await vault(["nodes", "prod", "remove", "user-1"])).toMatchObject({ status: 2 });
    expect(await vault(["nodes", "prod", "drain"])).toMatchObject({ status: 2 });
    expect(await vault(["nodes", "prod", "drain", "user-1", "--timeout", "long"])).toMatchObject({ status: 2 });
    expect(await vault(["nodes", "prod", "cordon", "user-9"])).toMatchObject({ status: 2 });
  });
});
