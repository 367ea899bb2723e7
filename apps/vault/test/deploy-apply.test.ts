import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { encodeKeyFile, encryptBlob, generateKeyFile } from "@git-vault/git-crypt";
import {
  type KubernetesStandIn,
  peer,
  type Repository,
  run,
  startKubernetes,
  throwawayRepository,
} from "@git-vault/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { VAULT } from "./program.ts";

/*
 * The built command against a cluster, under strace: no secret value, and nothing of the credential, is ever written to a file, put
 * on a command line or printed.
 */
const strace = peer("strace");
const PASSWORD = "canary-password-7261";
const keyFile = generateKeyFile();
const key = encodeKeyFile(keyFile).toString("base64");

let repository: Repository;
let kubernetes: KubernetesStandIn;
let canaries: string[];

beforeAll(async () => {
  repository = await throwawayRepository();
  kubernetes = await startKubernetes();
  const user = await kubernetes.mintUser({ username: "deployer" });
  const encrypt = (path: string, content: string): void => {
    repository.write(path, encryptBlob(keyFile, Buffer.from(content)));
  };
  repository.write("app/Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.0.0\n");
  repository.write("app/values.yaml", "image: web:1\npassword: none\n");
  repository.write("app/templates/all.yaml", TEMPLATES);
  repository.write("config/prod.yaml", "image: web:1\n");
  encrypt("secrets/config/prod.yaml", `password: ${PASSWORD}\n`);
  encrypt("secrets/prod-kubeconfig.yaml", kubernetes.kubeconfig({ certificate: user.certificate, key: user.key }));
  repository.write("deploy.yaml", settings(kubernetes.identity));
  await repository.commit("all");
  // A line of the key's base64, as it stands in PEM, and as it stands in a kubeconfig.
  const line = user.key.split("\n")[1] ?? "";
  const inKubeconfig = Buffer.from(user.key).toString("base64").slice(60, 100);
  canaries = [PASSWORD, Buffer.from(PASSWORD).toString("base64").slice(0, 24), line, inKubeconfig, key.slice(40, 80)];
});
afterAll(async () => {
  await kubernetes.close();
  repository.remove();
});

const TEMPLATES = `apiVersion: v1
kind: Secret
metadata: {name: web}
stringData: {password: {{ .Values.password }}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {url: "https://web:{{ .Values.password }}@db"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: {{ .Values.image }}}]}
`;

const settings = (uid: string): string =>
  JSON.stringify({
    chart: "app",
    environments: {
      prod: {
        cluster: { uid },
        kubeconfig: "secrets/prod-kubeconfig.yaml",
        layers: ["config/prod.yaml", "secrets/config/prod.yaml"],
      },
    },
  });

const environment = (helm: string): Record<string, string> => {
  const temporary = join(repository.folder, "temporary");
  mkdirSync(temporary, { recursive: true });
  return { ...repository.env, HELM: helm, TMPDIR: temporary, GIT_CRYPT_KEY: key };
};

const unescaped = (trace: string): string =>
  trace.replaceAll(/\\x([\da-f]{2})/g, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16)));

interface Traced {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** All that was written to files. */
  readonly files: string;
  /** All command lines and environments. */
  readonly commands: string;
}

async function traced(helm: string, args: readonly string[]): Promise<Traced> {
  const traces = join(repository.folder, "traces");
  rmSync(traces, { recursive: true, force: true });
  mkdirSync(traces);
  const calls = "trace=execve,write,pwrite64,writev,sendfile,copy_file_range";
  const { status, stdout, stderr } = await run(
    strace.path,
    ["-ff", "-qq", "-y", "-xx", "-v", "-s", "1000000", "-e", calls, "-o", join(traces, "t"), VAULT, ...args],
    { cwd: repository.path, env: environment(helm) },
  );
  const lines = readdirSync(traces).flatMap((name) => readFileSync(join(traces, name), "latin1").split("\n"));
  const toFile = /^\w+\(\d+<(?:\\x[\da-f]{2})*>/;
  // Pipes, sockets and anonymous inodes are no files.
  const toNoFile = /^\w+\(\d+<\\x(?:70\\x69|73\\x6f|61\\x6e)/;
  const started = lines.filter((line) => line.startsWith("execve("));
  return {
    status,
    stdout: stdout.toString(),
    stderr,
    files: unescaped(lines.filter((line) => toFile.test(line) && !toNoFile.test(line)).join("\n")),
    // The first one is vault's own, which is given the key.
    commands: unescaped(started.filter((line) => !unescaped(line).includes("main.cjs")).join("\n")),
  };
}

async function withConfig(content: string, job: () => Promise<void>): Promise<void> {
  repository.write("config/prod.yaml", content);
  await repository.commit("changed");
  try {
    await job();
  } finally {
    await repository.git("reset", "--quiet", "--hard", "HEAD~1");
  }
}

describe.each([peer("helm3"), peer("helm4")])("vault deploy with $label", ({ path: helm, missing }) => {
  describe.skipIf(missing || strace.missing)(`under ${strace.label}`, () => {
    const check = async (status: number, ...args: string[]): Promise<Traced> => {
      const result = await traced(helm, ["deploy", ...args]);
      const { stdout, stderr, files, commands } = result;
      expect({ status: result.status, stderr: result.status === status ? "" : stderr }).toEqual({ status, stderr: "" });
      const leaks = Object.entries({ stdout, stderr, files, commands }).flatMap(([where, text]) =>
        canaries.filter((canary) => text.includes(canary)).map((canary) => `${canary} in ${where}`),
      );
      expect(leaks).toEqual([]);
      // The trace is one: it shows what is known to be there.
      expect(commands).toMatch(/helm[34]/);
      expect(files).toContain("certificate-authority-data");
      return result;
    };

    it("plans, applies, is refused a stale plan, fails, and goes back, and no secret is written or shown", async () => {
      const plan = join(repository.folder, "prod.plan");
      const log = join(repository.folder, "audit.ndjson");
      expect((await check(0, "plan", "prod", "-o", plan)).stdout).toContain("+ Deployment web");
      expect((await check(0, "apply", "prod", "--plan", plan, "--audit-log", log)).stdout).toMatch(/^done in /);
      expect((await check(8, "apply", "prod", "--plan", plan)).stderr).toContain("the plan is stale");
      expect((await check(0, "apply", "prod", "--dry-run", "--json")).stdout).toContain('"unchanged":3');
      await withConfig("image: web:bad\n", async () => {
        kubernetes.podRules.push({ image: /bad/, becomes: "CrashLoopBackOff", logs: [`wrong password ${PASSWORD}`] });
        const { stderr } = await check(1, "apply", "prod", "--yes", "--timeout", "1", "--audit-log", log);
        expect(stderr).toContain("log of web: wrong password [secret]");
        expect(stderr).toContain("back to revision 1");
      });
      await check(0, "rollback", "prod", "1", "--json");
      const audit = readFileSync(log, "utf8");
      expect(
        canaries.filter((canary) => audit.includes(canary) || readFileSync(plan, "utf8").includes(canary)),
      ).toEqual([]);
      expect(readdirSync(join(repository.folder, "temporary"))).toEqual([]);
      for (const namespace of ["prod"])
        for (const secret of kubernetes.list("v1", "Secret", namespace)) kubernetes.remove(secret);
    });
  });
});

describe.skipIf(peer("helm4").missing)("vault deploy apply", () => {
  const start = (...args: string[]): ReturnType<typeof run> =>
    run(VAULT, ["deploy", ...args], { cwd: repository.path, env: environment(peer("helm4").path) });

  it.each(["SIGINT", "SIGTERM"] as const)("ends with 130 after %s, once all is as it was", async (signal) => {
    await start("apply", "prod", "--yes");
    kubernetes.podRules.push({ image: /slow/, becomes: "unready" });
    await withConfig(`image: web:slow-${signal}\n`, async () => {
      const child = spawn(VAULT, ["deploy", "apply", "prod", "--yes"], {
        cwd: repository.path,
        env: environment(peer("helm4").path),
        stdio: ["ignore", "ignore", "pipe"],
      });
      let said = "";
      child.stderr.on("data", (chunk: Buffer) => {
        if (!said.includes("waiting for its") && `${said}${chunk.toString()}`.includes("waiting for its"))
          child.kill(signal);
        said += chunk.toString();
      });
      const [status] = await once(child, "close");
      expect(said).toContain("back to revision");
      expect(status).toBe(130);
    });
  });

  it("asks for nothing without a terminal, and talks to no other cluster", async () => {
    expect(await start("apply", "prod")).toMatchObject({ status: 2 });
    const { status, stderr } = await start("apply", "prod", "--plan", "app/Chart.yaml");
    expect([status, stderr]).toEqual([5, expect.stringContaining("expected a plan")]);
    repository.write("deploy.yaml", settings("another"));
    await repository.commit("another cluster");
    const wrong = await start("apply", "prod", "--yes");
    expect([wrong.status, wrong.stderr]).toEqual([1, expect.stringContaining("whose uid is another")]);
    await repository.git("reset", "--quiet", "--hard", "HEAD~1");
  });
});
