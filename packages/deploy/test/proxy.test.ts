import { peer, run, temporaryFolder } from "@git-vault/testkit";
import { type ConnectProxy, startProxy } from "@git-vault/testkit/network";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Cluster, type DeployErrorCode } from "../src/index.ts";
import { makePlan } from "../src/releases/index.ts";
import { proxyFor } from "../src/network/proxy.ts";
import { clusterWorld, type ClusterWorld, HELM_4, TOKEN } from "./cluster-world.ts";
import { errorOf } from "./world.ts";

const kubectl = peer("kubectl");
/** Nobody but the proxy knows where it is. */
const SERVER = "cluster.example.test:6443";
const PROXY_PASSWORD = "canary-proxy-4711";

let at: ClusterWorld;
let proxy: ConnectProxy;
beforeEach(async () => {
  at = await clusterWorld();
  proxy = await startProxy({
    hosts: { "cluster.example.test": at.kubernetes.url.slice("https://".length) },
    credentials: `jane:${PROXY_PASSWORD}`,
  });
});
afterEach(async () => {
  await proxy.close();
  await at[Symbol.asyncDispose]();
});

/**
 * Commits a kubeconfig that leads to the cluster by another address, or through a proxy that it
 * names.
 */
async function commit(cluster: { server?: string; "proxy-url"?: string }): Promise<void> {
  const kubeconfig = JSON.parse(at.kubernetes.kubeconfig({ token: TOKEN })) as {
    clusters: [{ cluster: object }];
  };
  Object.assign(kubeconfig.clusters[0].cluster, { "tls-server-name": "localhost", ...cluster });
  at.encrypt("secrets/staging-kubeconfig.yaml", JSON.stringify(kubeconfig));
  await at.repository.commit("another way");
}

const throughProxy = (): void => {
  at.env["HTTPS_PROXY"] = proxy.url.replace("//", `//jane:${PROXY_PASSWORD}@`);
};

async function refusal(code: DeployErrorCode): Promise<void> {
  await using project = await at.open();
  const error = await errorOf(() => Cluster.connect(project, project.environment("staging")));
  expect(error).toMatchObject({ code });
  expect(`${error.message}${error.hint}`).not.toContain("canary");
}

describe("a cluster behind a proxy", () => {
  describe.each(HELM_4)("with $label", ({ path: helm, missing }) => {
    test.skipIf(missing).each([
      ["$HTTPS_PROXY", { server: `https://${SERVER}` }],
      ["proxy-url", {}],
    ])("is reached by the command itself and by Helm through the one in %s", async (from, cluster) => {
      at.env["HELM"] = helm;
      const open = await startProxy({ hosts: {} });
      const used = from === "proxy-url" ? open : proxy;
      if (from === "proxy-url") await commit({ "proxy-url": open.url });
      else await commit(cluster);
      throughProxy();
      const target = from === "proxy-url" ? at.kubernetes.url.slice("https://".length) : SERVER;
      const asked = (): string[] => [...new Set(used.asked.splice(0))];
      await using project = await at.open();
      await using connected = await Cluster.connect(project, project.environment("staging"));
      expect(asked()).toEqual([target]);
      const before = at.kubernetes.requests.length;
      await makePlan(project, connected);
      expect(asked()).toEqual([target]);
      expect(at.kubernetes.requests.length).toBeGreaterThan(before);
      await open.close();
    });
  });

  test("does not take what the proxy answers for what the cluster answers", async () => {
    await commit({ server: `https://${SERVER}` });
    throughProxy();
    await using project = await at.open();
    await using cluster = await Cluster.connect(project, project.environment("staging"));
    // Connections that are open already are kept.
    at.kubernetes.faults.push({ fault: "drop", when: "before", times: 1 });
    proxy.refusal = 404;
    const error = await errorOf(() => cluster.get("/api/v1/nodes/core-1"));
    expect(error).toMatchObject({ code: "UNREACHABLE" });
    expect(error.message).toContain(`does not open the way to ${SERVER} (404)`);
  });

  test("is not waited for once the run is interrupted", async () => {
    await commit({ server: `https://${SERVER}` });
    throughProxy();
    proxy.refusal = "silence";
    await using project = await at.open();
    const controller = new AbortController();
    const connected = Cluster.connect(project, project.environment("staging"), { signal: controller.signal });
    await vi.waitUntil(() => proxy.asked.length > 0, { timeout: 20_000 });
    controller.abort();
    expect(await errorOf(() => connected)).toMatchObject({ code: "INTERRUPTED" });
    // A proxy that says nothing is given up after 30 seconds.
  }, 25_000);

  test("is not reached through one that wants another password, and no password is told", async () => {
    await commit({ server: `https://${SERVER}` });
    at.env["HTTPS_PROXY"] = proxy.url.replace("//", "//jane:canary-wrong@");
    await refusal("UNREACHABLE");
    expect(proxy.asked).not.toEqual([]);
  });

  test("is not gone around to where the proxy is not supported or would have its password in a file", async () => {
    await commit({ server: `https://${SERVER}` });
    at.env["HTTPS_PROXY"] = "socks5://jane:canary-socks@127.0.0.1:1080";
    await refusal("INVALID_PROXY");
    for (const url of ["socks5://127.0.0.1:1080", "http://jane:canary-url@127.0.0.1:3128", "no url"]) {
      await commit({ "proxy-url": url });
      await refusal("INVALID_KUBECONFIG");
    }
    expect(at.kubernetes.requests).toEqual([]);
  });
});

describe.skipIf(kubectl.missing)("the proxy variables", () => {
  const CASES: readonly [variables: Record<string, string>, server: string][] = [
    [{ HTTPS_PROXY: "PROXY" }, "a.example.test:443"],
    [{ https_proxy: "PROXY" }, "a.example.test:443"],
    [{ HTTP_PROXY: "PROXY", ALL_PROXY: "PROXY" }, "a.example.test:443"],
    [{ HTTPS_PROXY: "", https_proxy: "PROXY" }, "a.example.test:443"],
    [{ HTTPS_PROXY: "PROXY" }, "localhost:1"],
    [{ HTTPS_PROXY: "PROXY" }, "127.0.0.2:1"],
    [{ HTTPS_PROXY: "PROXY" }, "[::1]:1"],
    ...[
      "*",
      "a.example.test",
      "A.Example.Test",
      "b.example.test, example.test",
      ".example.test",
      "*.example.test",
      ".a.example.test",
      "ample.test",
      "a.example.test:443",
      "a.example.test:6443",
      ",",
    ].map((NO_PROXY): [Record<string, string>, string] => [{ HTTPS_PROXY: "PROXY", NO_PROXY }, "a.example.test:443"]),
    ...[
      "255.255.255.0/24",
      "255.255.255.255",
      "255.255.255.255:443",
      "255.255.255.255:80",
      "255.255.254.0/24",
      "255.255.255.0/240",
      "255.255",
    ].map((no_proxy): [Record<string, string>, string] => [{ HTTPS_PROXY: "PROXY", no_proxy }, "255.255.255.255:443"]),
    ...["ff02::/16", "[ff02::1]:443", "ff02::1", "ff02::/129", "::/0"].map(
      (NO_PROXY): [Record<string, string>, string] => [{ HTTPS_PROXY: "PROXY", NO_PROXY }, "[ff02::1]:443"],
    ),
  ];

  test.each(CASES)("%j say of %s what they say to kubectl", async (variables, server) => {
    await using witness = await startProxy({ hosts: {} });
    witness.refusal = 403;
    using home = temporaryFolder();
    const env = Object.fromEntries(
      Object.entries(variables).map(([name, value]) => [name, value.replace("PROXY", witness.url)]),
    );
    // What is asked without the proxy is nowhere: no name that is there, no address that anybody
    // can have.
    await run(kubectl.path, ["get", "--raw", "/", "--server", `https://${server}`, "--token", "none"], {
      env: { ...env, HOME: home.path },
    });
    const { hostname, port } = new URL(`https://${server}`);
    const ours = proxyFor(hostname.replace(/^\[(.*)\]$/, "$1"), Number(port || 443), env);
    expect(ours?.href ?? "").toBe(witness.asked.length === 0 ? "" : `${witness.url}/`);
  });
});
