import { createHash, X509Certificate } from "node:crypto";
import { existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runOk, temporaryFolder } from "@git-vault/testkit";
import { startTlsServer } from "@git-vault/testkit/network";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Cluster, type DeployErrorCode, type Project } from "../src/index.ts";
import { makePlan } from "../src/releases/index.ts";
import { HELMS, PASSWORD, TOKEN, clusterWorld, type ClusterWorld } from "./cluster-world.ts";
import { errorOf } from "./world.ts";

let at: ClusterWorld;
beforeEach(async () => {
  at = await clusterWorld();
});
afterEach(() => at[Symbol.asyncDispose]());

const connect = (project: Project): Promise<Cluster> => Cluster.connect(project, project.environment("staging"));

/** Connecting to what was just committed fails. */
async function refusal(code: DeployErrorCode): ReturnType<typeof errorOf> {
  await at.repository.commit("changed");
  await using project = await at.open();
  const error = await errorOf(() => connect(project));
  expect(error).toMatchObject({ code });
  return error;
}

const authorityOf = ({ kubernetes }: ClusterWorld): string =>
  createHash("sha256").update(new X509Certificate(kubernetes.authority.certificate).raw).digest("hex");

describe("the right cluster", () => {
  test("is known by its uid, its address and its authority", async () => {
    at.settings({ uid: at.kubernetes.identity, server: at.kubernetes.url, authority: authorityOf(at) });
    await at.repository.commit("pinned");
    await using project = await at.open();
    await using cluster = await connect(project);
    expect(cluster.identity).toEqual({
      uid: at.kubernetes.identity,
      server: at.kubernetes.url,
      authority: authorityOf(at),
    });
  });

  test("is asked for nothing but its identity where it is another one", async () => {
    at.settings({ uid: "00000000-0000-0000-0000-000000000000" });
    const error = await refusal("WRONG_CLUSTER");
    expect(error.message).toContain(at.kubernetes.identity);
    expect(at.kubernetes.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      "GET /api/v1/namespaces/kube-system",
    ]);
  });

  test.each([{ server: "https://10.0.0.1:6443" }, { authority: "0".repeat(64) }])(
    "is not spoken to at all where %j is not so",
    async (pin) => {
      at.settings({ uid: at.kubernetes.identity, ...pin });
      await refusal("WRONG_CLUSTER");
      expect(at.kubernetes.requests).toEqual([]);
    },
  );

  test("must be pinned, and the hint says with what", async () => {
    at.settings(null);
    const { hint } = await refusal("UNPINNED_CLUSTER");
    expect(hint).toContain(`cluster: { uid: ${at.kubernetes.identity} }`);
  });
});

describe("a kubeconfig", () => {
  test("that is none is refused before anything is sent, and one of a nobody lets nobody in", async () => {
    at.encrypt("secrets/staging-kubeconfig.yaml", "just words");
    expect((await refusal("INVALID_KUBECONFIG")).message).toContain("expected a kubeconfig, got something else");
    expect(at.kubernetes.requests).toEqual([]);
    at.signIn({ token: "canary-other" });
    const { message, hint } = await refusal("UNAUTHORIZED");
    expect(`${message}${hint}`).not.toContain("canary");
  });

  test("that is not there, and none at all", async () => {
    at.settings(undefined, { kubeconfig: "secrets/none.yaml" });
    expect((await refusal("MISSING_FILE")).message).toContain("secrets/none.yaml");
    at.settings(undefined, { kubeconfig: undefined });
    rmSync(join(at.repository.path, "secrets/staging-kubeconfig.yaml"));
    expect((await refusal("NO_KUBECONFIG")).hint).toContain("secrets/staging-kubeconfig.yaml");
  });

  test("whose authority is another's is not trusted, and an expired client is not let in", async () => {
    const { authority } = at.kubernetes;
    const expired = await at.kubernetes.mintUser({ username: "late" }, -1);
    at.signIn({ certificate: expired.certificate, key: expired.key });
    await refusal("UNAUTHORIZED");
    const text = at.kubernetes.kubeconfig({ token: TOKEN });
    const other = (await at.kubernetes.mintUser({ username: "other" })).certificate;
    const base64 = (pem: string): string => Buffer.from(pem).toString("base64");
    at.encrypt("secrets/staging-kubeconfig.yaml", text.replace(base64(authority.certificate), base64(other)));
    expect((await refusal("UNREACHABLE")).message).toContain("not trusted");
  });

  test("that leads to what speaks no TLS is told so", async () => {
    await using plain = await startTlsServer({ behaviour: "plain" });
    const text = at.kubernetes.kubeconfig({ token: TOKEN });
    at.encrypt("secrets/staging-kubeconfig.yaml", text.replace(at.kubernetes.url, `https://${plain.address}`));
    expect((await refusal("UNREACHABLE")).message).toBe(
      `the cluster at https://${plain.address} does not answer: what is there does not speak TLS`,
    );
  });

  test("may name a program that gives the credential, which is asked once", async () => {
    const count = join(at.repository.folder, "count");
    const answer = { kind: "ExecCredential", status: { token: TOKEN } };
    const script = `echo x >> ${count}; echo '${JSON.stringify(answer)}'`;
    at.signIn({ exec: { command: "sh", args: ["-c", script] } });
    await at.repository.commit("exec");
    await using project = await at.open();
    await using cluster = await connect(project);
    expect(await cluster.get("/api/v1/nodes/core-1")).toMatchObject({ metadata: { name: "core-1" } });
    expect(readFileSync(count, "utf8")).toBe("x\n");
    at.signIn({ exec: { command: "sh", args: ["-c", "echo canary; exit 3"] } });
    expect((await refusal("NO_CREDENTIAL")).message).not.toContain("canary");
  });
});

describe("the API", () => {
  test("is asked again where it is busy, fails or drops the connection", async () => {
    at.kubernetes.faults.push(
      { fault: "status", code: 429, retryAfter: 0, times: 1 },
      { fault: "status", code: 500, times: 1 },
      { fault: "drop", when: "before", times: 1 },
      { fault: "drop", when: "after-headers", times: 1 },
    );
    await using project = await at.open();
    await using cluster = await connect(project);
    expect((await cluster.list("/api/v1/nodes")).items).toHaveLength(3);
    expect(await cluster.get("/api/v1/nodes/none")).toBeNull();
    at.kubernetes.faults.push({ fault: "status", code: 503 });
    const error = await errorOf(() => cluster.get("/api/v1/nodes"));
    expect(error).toMatchObject({ code: "API_FAILED", status: 503 });
  });

  test("is not asked again for a change that it may have made, and what it says holds no secret", async () => {
    await using project = await at.open();
    await using cluster = await Cluster.connectToChange(project, project.environment("staging"));
    at.kubernetes.faults.push({ fault: "status", code: 500, message: `${TOKEN} ${PASSWORD}`, method: "POST" });
    const body = { apiVersion: "v1", kind: "Namespace", metadata: { name: "new" } };
    const error = await errorOf(() => cluster.send("/api/v1/namespaces", { method: "POST", body }));
    const message = "the cluster answers 500 to /api/v1/namespaces: [secret] [secret]";
    expect(error).toMatchObject({ code: "API_FAILED", status: 500, message });
    expect(at.kubernetes.requests.filter(({ method }) => method === "POST")).toHaveLength(1);
  });
});

describe("programs that are started", () => {
  const helms = HELMS.filter(({ missing }) => !missing);

  test.each(helms)("$label gets a client certificate that is on no disk", async ({ path }) => {
    at.env["HELM"] = path;
    const user = await at.kubernetes.mintUser({ username: "jane" });
    at.signIn({ certificate: user.certificate, key: user.key });
    await at.repository.commit("certificate");
    using temporary = temporaryFolder();
    vi.stubEnv("TMPDIR", temporary.path);
    await using project = await at.open();
    await using cluster = await connect(project);
    await makePlan(project, cluster);
    expect(at.kubernetes.requests.at(-1)?.user).toBe("jane");
    const folders = readdirSync(tmpdir());
    expect(folders).not.toEqual([]);
    for (const folder of folders) {
      expect(statSync(join(tmpdir(), folder)).mode & 0o777).toBe(0o700);
      const found = await runOk("sh", [
        "-c",
        `grep -rlaF "$1" "$2" || true`,
        "-",
        user.key.split("\n")[1] ?? "",
        join(tmpdir(), folder),
      ]);
      expect(found.toString()).toBe("");
    }
  });

  test.each(helms)("$label gets a token", async ({ path }) => {
    at.env["HELM"] = path;
    await using project = await at.open();
    await using cluster = await connect(project);
    const plan = await makePlan(project, cluster);
    expect(plan.releases.map(({ name, revision }) => [name, revision])).toEqual([["app", null]]);
    expect(at.kubernetes.requests.at(-1)?.user).toBe("deployer");
  });
});

test("a Helm that is not supported is told, and what it was started for meanwhile is ended", async () => {
  using folder = temporaryFolder();
  const started = join(folder.path, "started");
  const script = `#!/bin/sh\n[ "$1" = version ] && { sleep 0.3; echo v5.0.0; exit; }\necho $$ > '${started}'\nsleep 60\n`;
  writeFileSync(join(folder.path, "helm"), script, { mode: 0o700 });
  at.env["HELM"] = join(folder.path, "helm");
  await using project = await at.open();
  const cluster = await connect(project);
  const plan = errorOf(() => makePlan(project, cluster));
  await vi.waitFor(() => expect(existsSync(started)).toBe(true), 20_000);
  expect(await plan).toMatchObject({ code: "UNSUPPORTED_TOOL", message: "expected Helm 3 or 4, got version 5" });
  await cluster.close();
  const pid = Number(readFileSync(started, "utf8"));
  expect(() => process.kill(pid, 0)).toThrow("ESRCH");
});

test("a connection that is closed leaves no Helm behind, which would ask a cluster of its own choice", async () => {
  using folder = temporaryFolder();
  const [started, proof] = [join(folder.path, "started"), join(folder.path, "proof")];
  // As Helm 3 does in an upgrade, it goes on for a while when it is interrupted.
  writeFileSync(
    join(folder.path, "helm"),
    `#!/bin/sh
[ "$1" = version ] && { echo v4.1.0; exit; }
trap '' TERM
touch '${started}'
sleep 0.5
[ -e "$KUBECONFIG" ] || touch '${proof}'
`,
    { mode: 0o700 },
  );
  at.env["HELM"] = join(folder.path, "helm");
  await using project = await at.open();
  const cluster = await connect(project);
  const [release] = cluster.environment.releases;
  if (release === undefined) throw new Error("expected a release");
  const reading = errorOf(() => cluster.releases.rehearse({ release, chart: { path: "app" } }));
  await vi.waitFor(() => expect(existsSync(started)).toBe(true), 20_000);
  await cluster.close();
  expect(await reading).toMatchObject({ code: "INTERRUPTED" });
  expect(existsSync(proof)).toBe(false);
});
