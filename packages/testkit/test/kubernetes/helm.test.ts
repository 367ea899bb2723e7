import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { peer } from "../../src/index.ts";
import { workbench, type Workbench, writeChart } from "./workbench.ts";

const HELMS = [
  { name: "helm3", onFailure: "--atomic", ...peer("helm3") },
  { name: "helm4", onFailure: "--rollback-on-failure", ...peer("helm4") },
];

/** The states of the revisions, from the first to the last. */
async function historyOf(bench: Workbench, helm: string): Promise<string[]> {
  const { stdout } = await bench.start(helm, ["history", "app", "-n", "web", "-o", "json"]);
  return (JSON.parse(stdout.toString()) as { status: string }[]).map(({ status }) => status);
}

const upgrade = (chart: string, ...more: string[]): string[] => [
  "upgrade",
  "--install",
  "app",
  chart,
  "-n",
  "web",
  "--create-namespace",
  "--wait",
  "--timeout",
  "20s",
  ...more,
];

describe.each(HELMS)("$label against the stand-in", ({ name: helm, onFailure, missing }) => {
  describe.skipIf(missing)("a release", () => {
    test("installs, upgrades, upgrades without a change, rolls back and uninstalls", async () => {
      await using bench = await workbench();
      const { kubernetes, start } = bench;
      const chart = writeChart(bench.folder);
      const get = (apiVersion: string, kind: string, name = "web"): Record<string, unknown> | undefined =>
        kubernetes.get(apiVersion, kind, "web", name);

      expect(await start(helm, upgrade(chart))).toMatchObject({ status: 0, stderr: "" });
      expect(get("apps/v1", "Deployment")).toMatchObject({
        status: { readyReplicas: 2 },
        metadata: { generation: 1 },
      });
      expect(get("apps/v1", "DaemonSet", "agent")).toMatchObject({ status: { numberReady: 3 } });
      expect(get("apps/v1", "StatefulSet", "db")).toMatchObject({ status: { readyReplicas: 2 } });
      expect(get("v1", "Secret")).toMatchObject({ data: { password: Buffer.from("first").toString("base64") } });
      expect(get("cert-manager.io/v1", "Certificate")).toMatchObject({ spec: { secretName: "tls" } });
      // Helm writes its own Secrets as protobuf: what was read of it must be the release.
      const release = kubernetes.get("v1", "Secret", "web", "sh.helm.release.v1.app.v1");
      expect(release).toMatchObject({
        type: "helm.sh/release.v1",
        metadata: { labels: { owner: "helm", name: "app" } },
      });
      const packed = Buffer.from(
        (release?.["data"] as { release: string } | undefined)?.release ?? "",
        "base64",
      ).toString();
      expect(JSON.parse(gunzipSync(Buffer.from(packed, "base64")).toString())).toMatchObject({
        name: "app",
        version: 1,
      });

      const before = get("apps/v1", "Deployment");
      expect(await start(helm, upgrade(chart))).toMatchObject({ status: 0 });
      // Helm 4 marks a no-op by its label of the manager's fields only; the object itself stays.
      expect(get("apps/v1", "Deployment")).toEqual(before);

      expect(await start(helm, upgrade(chart, "--set", "image=web:2,password=second"))).toMatchObject({ status: 0 });
      expect(get("apps/v1", "Deployment")).toMatchObject({
        metadata: { generation: 2, annotations: { "deployment.kubernetes.io/revision": "2" } },
        spec: { template: { spec: { containers: [{ image: "web:2", ports: [{ containerPort: 80 }] }] } } },
      });
      expect(await start(helm, ["rollback", "app", "1", "-n", "web", "--wait"])).toMatchObject({ status: 0 });
      expect(get("v1", "ConfigMap")).toMatchObject({ data: { image: "web:1" } });
      expect(await historyOf(bench, helm)).toEqual(["superseded", "superseded", "superseded", "deployed"]);

      const version = get("apps/v1", "Deployment")?.["metadata"];
      const dry = await start(helm, ["upgrade", "app", chart, "-n", "web", "--dry-run=server", "--set", "image=web:9"]);
      expect(dry.status).toBe(0);
      expect(dry.stdout.toString()).toContain("web:9");
      expect(get("apps/v1", "Deployment")?.["metadata"]).toEqual(version);

      expect(await start(helm, ["uninstall", "app", "-n", "web", "--wait"])).toMatchObject({ status: 0 });
      await kubernetes.settled();
      expect(kubernetes.list("v1", "Pod", "web")).toEqual([]);
      expect(kubernetes.list("v1", "Secret", "web")).toEqual([]);
    });

    test("a rollout that is stuck fails, and is rolled back where that was asked for", async () => {
      await using bench = await workbench();
      const { kubernetes, start } = bench;
      const chart = writeChart(bench.folder);
      expect(await start(helm, upgrade(chart))).toMatchObject({ status: 0 });
      kubernetes.podRules.push({ image: /^web:bad$/, becomes: "ImagePullBackOff" });
      const bad = ["--set", "image=web:bad", "--timeout", "2s"];
      const failed = await start(helm, upgrade(chart, ...bad));
      expect(failed.status).toBe(1);
      expect(await historyOf(bench, helm)).toEqual(["deployed", "failed"]);
      // The old pods go on serving.
      expect(kubernetes.get("apps/v1", "Deployment", "web", "web")).toMatchObject({
        status: {
          readyReplicas: 2,
          conditions: [{ type: "Available", status: "True" }, { reason: "ProgressDeadlineExceeded" }],
        },
      });
      const undone = await start(helm, upgrade(chart, ...bad, onFailure));
      expect(undone.status).toBe(1);
      expect(await historyOf(bench, helm)).toEqual(["superseded", "failed", "failed", "deployed"]);
      expect(kubernetes.get("v1", "ConfigMap", "web", "web")).toMatchObject({ data: { image: "web:1" } });
    });

    test("a killed upgrade leaves the release pending, and a rollback repairs it", async () => {
      await using bench = await workbench();
      const { kubernetes, start, folder } = bench;
      const chart = writeChart(folder);
      expect(await start(helm, upgrade(chart))).toMatchObject({ status: 0 });
      kubernetes.podRules.push({ image: /^web:2$/, becomes: "CrashLoopBackOff" });
      const child = spawn(peer(helm).path, upgrade(chart, "--set", "image=web:2"), {
        env: { HOME: folder, KUBECONFIG: `${folder}/kubeconfig` },
        stdio: "ignore",
      });
      while (kubernetes.get("v1", "ConfigMap", "web", "web")?.["data"] === undefined) await sleep(5);
      while ((await historyOf(bench, helm)).at(-1) !== "pending-upgrade") await sleep(5);
      child.kill("SIGKILL");
      await once(child, "exit");
      const refused = await start(helm, upgrade(chart));
      expect(refused).toMatchObject({ status: 1 });
      expect(refused.stderr).toContain("another operation (install/upgrade/rollback) is in progress");
      expect(await start(helm, ["rollback", "app", "1", "-n", "web", "--wait"])).toMatchObject({ status: 0 });
      expect((await historyOf(bench, helm)).at(-1)).toBe("deployed");
    });

    test("another's change of the release between two requests is a conflict", async () => {
      await using bench = await workbench();
      const { kubernetes, start, folder } = bench;
      const chart = writeChart(folder);
      expect(await start(helm, upgrade(chart))).toMatchObject({ status: 0 });
      kubernetes.faults.push({
        fault: "interfere",
        method: "POST",
        on: "/api/v1/namespaces/web/secrets",
        times: 1,
        act() {
          const first = kubernetes.get("v1", "Secret", "web", "sh.helm.release.v1.app.v1");
          if (first)
            kubernetes.put({
              ...first,
              metadata: { ...first.metadata, name: "sh.helm.release.v1.app.v2", uid: "other" },
            });
        },
      });
      const failed = await start(helm, upgrade(chart, "--set", "image=web:2"));
      expect(failed.status).toBe(1);
      expect(failed.stderr).toMatch(/already exists/);
    });

    test("a client certificate that is over is told from one that is not known", async () => {
      await using bench = await workbench();
      const { kubernetes, start, signIn } = bench;
      signIn(await kubernetes.mintUser({ username: "ci" }, -1));
      const over = await start(helm, ["list", "-n", "web"]);
      expect(over).toMatchObject({ status: 1 });
      expect(kubernetes.requests.every(({ user }) => user === undefined || user === "system:anonymous")).toBe(true);
      signIn({ token: "token-of-tests" });
      expect(await start(helm, ["list", "-n", "web"])).toMatchObject({ status: 0 });
    });
  });
});
