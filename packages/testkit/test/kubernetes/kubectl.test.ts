import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { peer, type RunResult } from "../../src/index.ts";
import { mintCertificate } from "../../src/network/index.ts";
import { deployment, workbench, type Workbench } from "./workbench.ts";

const kubectl = peer("kubectl");

/** Runs kubectl in the namespace `default`. */
const runIn =
  ({ start }: Workbench) =>
  (...args: string[]): Promise<RunResult> =>
    start("kubectl", args);

const applied = (content: unknown): { input: string } => ({ input: JSON.stringify(content) });

describe.skipIf(kubectl.missing)(`${kubectl.label} against the stand-in`, () => {
  test("applies on the client's side and tells what would change", async () => {
    await using bench = await workbench();
    const { start, kubernetes } = bench;
    const apply = (content: unknown, ...more: string[]): Promise<RunResult> =>
      start("kubectl", ["apply", "-f", "-", ...more], applied(content));
    expect((await apply(deployment("web"))).stdout.toString()).toBe("deployment.apps/web created\n");
    expect((await apply(deployment("web"))).stdout.toString()).toBe("deployment.apps/web unchanged\n");
    const diff = await start("kubectl", ["diff", "-f", "-"], applied(deployment("web", 1, "web:2")));
    expect(diff.status).toBe(1);
    expect(diff.stdout.toString()).toMatch(/^\+ +- image: web:2$/m);
    expect(kubernetes.get("apps/v1", "Deployment", "default", "web")).toMatchObject({ metadata: { generation: 1 } });
    expect((await apply(deployment("web", 2, "web:2"))).stdout.toString()).toBe("deployment.apps/web configured\n");
    expect(await start("kubectl", ["diff", "-f", "-"], applied(deployment("web", 2, "web:2")))).toMatchObject({
      status: 0,
    });
    const unknown = await apply({ ...deployment("other"), specc: {} });
    expect(unknown.status).toBe(1);
    expect(unknown.stderr).toContain('unknown field "specc"');
  });

  test("applies on the server's side, with conflicts", async () => {
    await using bench = await workbench();
    const { start, kubernetes } = bench;
    const apply = (content: unknown, manager: string, ...more: string[]): Promise<RunResult> =>
      start("kubectl", ["apply", "--server-side", `--field-manager=${manager}`, "-f", "-", ...more], applied(content));
    expect(await apply(deployment("web", 1, "web:1"), "one")).toMatchObject({ status: 0 });
    expect(await apply(deployment("web", 1, "web:1"), "two")).toMatchObject({ status: 0 });
    const disputed = await apply(deployment("web", 2, "web:2"), "two");
    expect(disputed.status).toBe(1);
    expect(disputed.stderr).toContain('Apply failed with 2 conflicts: conflicts with "one"');
    expect(disputed.stderr).toContain('.spec.template.spec.containers[name="web"].image');
    expect(await apply(deployment("web", 2, "web:2"), "two", "--force-conflicts")).toMatchObject({ status: 0 });
    expect(kubernetes.get("apps/v1", "Deployment", "default", "web")).toMatchObject({ spec: { replicas: 2 } });
  });

  test("waits for a rollout, and shows why one is stuck", async () => {
    await using bench = await workbench();
    const { kubernetes, start } = bench;
    const sh = runIn(bench);
    await start("kubectl", ["apply", "-f", "-"], applied(deployment("web", 2)));
    expect((await sh("rollout", "status", "deploy/web", "--timeout=60s")).stdout.toString()).toContain(
      "successfully rolled out",
    );
    expect(await sh("wait", "--for=condition=Available", "deploy/web", "--timeout=60s")).toMatchObject({ status: 0 });
    kubernetes.podRules.push({
      image: /^web:2$/,
      becomes: "CrashLoopBackOff",
      logs: ["starting", "panic: no database"],
    });
    await start("kubectl", ["apply", "-f", "-"], applied(deployment("web", 2, "web:2")));
    const status = await sh("rollout", "status", "deploy/web", "--timeout=60s");
    expect(status.status).toBe(1);
    expect(status.stderr).toContain("exceeded its progress deadline");
    const stuck = kubernetes
      .list("v1", "Pod", "default")
      .find((pod) => JSON.stringify(pod).includes("CrashLoopBackOff"));
    const name = `pod/${stuck?.metadata.name}`;
    expect((await sh("logs", name, "--tail=1")).stdout.toString()).toBe("panic: no database\n");
    expect((await sh("logs", name, "--previous")).status).toBe(0);
    expect((await sh("describe", name)).stdout.toString()).toMatch(
      /Warning +BackOff .*restarting failed container=web/,
    );
    expect((await sh("get", "pods")).stdout.toString()).toMatch(/0\/1 +CrashLoopBackOff +4/);
    expect((await sh("events", "--types=Warning")).stdout.toString()).toContain("BackOff");
    kubernetes.podRules.length = 0;
    await kubernetes.settled();
    expect(await sh("rollout", "status", "deploy/web", "--timeout=60s")).toMatchObject({ status: 0 });
    expect(await sh("rollout", "undo", "deploy/web")).toMatchObject({ status: 0 });
    expect(await sh("rollout", "status", "deploy/web", "--timeout=60s")).toMatchObject({ status: 0 });
    expect(await sh("scale", "deploy/web", "--replicas=0")).toMatchObject({ status: 0 });
    await kubernetes.settled();
    expect(kubernetes.list("v1", "Pod", "default")).toEqual([]);
  });

  test("cordons and drains a node, as far as a disruption budget allows", async () => {
    await using bench = await workbench();
    const { kubernetes, start } = bench;
    const sh = runIn(bench);
    const budget = {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: { name: "web" },
      spec: { minAvailable: 1, selector: { matchLabels: { app: "web" } } },
    };
    const list = { apiVersion: "v1", kind: "List", items: [deployment("web"), budget] };
    expect(await start("kubectl", ["apply", "-f", "-"], applied(list))).toMatchObject({ status: 0, stderr: "" });
    await kubernetes.settled();
    const nodeOf = (): string =>
      (kubernetes.list("v1", "Pod", "default")[0]?.["spec"] as { nodeName: string } | undefined)?.nodeName ?? "";
    const node = nodeOf();
    // It would try again every five seconds.
    const kept = await sh("drain", node, "--timeout=4s");
    expect(kept.stderr).toContain("Cannot evict pod as it would violate the pod's disruption budget.");
    expect((await sh("get", "node", node)).stdout.toString()).toContain("Ready,SchedulingDisabled");
    expect(await sh("delete", "pdb", "web")).toMatchObject({ status: 0 });
    expect(await sh("drain", node, "--timeout=60s")).toMatchObject({ status: 0 });
    await kubernetes.settled();
    expect(nodeOf()).not.toBe(node);
    for (const one of kubernetes.list("v1", "Node")) await sh("cordon", one.metadata.name);
    expect(await sh("rollout", "restart", "deploy/web")).toMatchObject({ status: 0 });
    await kubernetes.settled();
    expect((await sh("get", "events")).stdout.toString()).toContain(
      "0/3 nodes are available: 3 node(s) were unschedulable.",
    );
    expect(await sh("uncordon", "-l", "mybinder.org/pool-type=core")).toMatchObject({ status: 0 });
    expect(await sh("rollout", "status", "deploy/web", "--timeout=60s")).toMatchObject({ status: 0 });
  });

  test("an exec plugin signs in over mutual TLS, and nothing else of it does", async () => {
    await using bench = await workbench();
    const { kubernetes, folder, signIn } = bench;
    const sh = runIn(bench);
    const { certificate, key } = await kubernetes.mintUser({ username: "robot", groups: ["deployers"] });
    const credential = {
      apiVersion: "client.authentication.k8s.io/v1",
      kind: "ExecCredential",
      status: { clientCertificateData: certificate, clientKeyData: key },
    };
    const plugin = join(folder, "plugin");
    writeFileSync(plugin, `#!/bin/sh\ncat <<'END'\n${JSON.stringify(credential)}\nEND\n`);
    chmodSync(plugin, 0o700);
    signIn({ exec: { command: plugin } });
    expect((await sh("auth", "whoami")).stdout.toString()).toMatch(
      /Username +robot\nGroups +\[deployers system:authenticated\]/,
    );
    signIn({ token: "unknown" });
    const refused = await sh("auth", "whoami");
    expect(refused.stderr).toContain("Unauthorized");
    const stranger = await mintCertificate({ commonName: "robot" });
    signIn(stranger);
    expect((await sh("get", "nodes")).stderr).toMatch(/Unauthorized|must be logged in/);
  });

  test("a server certificate that is over, or of another authority, is not trusted", async () => {
    await using bench = await workbench();
    const { kubernetes } = bench;
    const sh = runIn(bench);
    const names = ["127.0.0.1"];
    kubernetes.serve(await mintCertificate({ names, issuer: kubernetes.authority, days: -1 }));
    expect((await sh("get", "nodes")).stderr).toContain("certificate has expired");
    kubernetes.serve(await mintCertificate({ names: ["10.0.0.1"], issuer: kubernetes.authority }));
    expect((await sh("get", "nodes")).stderr).toContain("certificate is valid for 10.0.0.1, not 127.0.0.1");
    kubernetes.serve(await mintCertificate({ names }));
    expect((await sh("get", "nodes")).stderr).toContain("certificate signed by unknown authority");
    kubernetes.serve(await mintCertificate({ names, issuer: kubernetes.authority }));
    expect(await sh("get", "nodes")).toMatchObject({ status: 0 });
  });

  test("namespaces end with all that they hold, and what comes by protobuf is kept", async () => {
    await using bench = await workbench({ identity: "8a4f0c3e-0000-4000-8000-000000000000" });
    const sh = runIn(bench);
    expect(await sh("create", "namespace", "lab")).toMatchObject({ status: 0 });
    expect(await sh("create", "secret", "generic", "s", "--from-literal=a=b", "-n", "lab")).toMatchObject({
      status: 0,
    });
    expect(await sh("create", "role", "r", "--verb=get", "--resource=pods", "-n", "lab")).toMatchObject({ status: 0 });
    expect((await sh("get", "secret", "s", "-n", "lab", "-o", "jsonpath={.data.a}")).stdout.toString()).toBe("Yg==");
    expect((await sh("create", "secret", "generic", "s", "-n", "lab")).stderr).toContain('secrets "s" already exists');
    expect(await sh("delete", "namespace", "lab", "--timeout=60s")).toMatchObject({ status: 0 });
    expect((await sh("get", "secret", "s", "-n", "lab")).stderr).toContain("NotFound");
    expect((await sh("create", "secret", "generic", "s", "-n", "lab")).stderr).toContain('namespaces "lab" not found');
    expect((await sh("get", "ns", "kube-system", "-o", "jsonpath={.metadata.uid}")).stdout.toString()).toBe(
      bench.kubernetes.identity,
    );
  });
});
