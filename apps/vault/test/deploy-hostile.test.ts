import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { encryptBlob, parseKeyFile } from "@git-vault/git-crypt";
import { type DeployWorld, deployWorld, peer, run, type RunResult } from "@git-vault/testkit";
import type { KubernetesCredentials } from "@git-vault/testkit/kubernetes";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { VAULT } from "./program.ts";

/*
 * Anyone who can commit is no key holder. What a commit says is data: no program that it names
 * runs, nothing that it names is connected to. What the key's holders encrypted may do both.
 */
const helm = peer("helm4");
const KUBECONFIG = "secrets/prod-kubeconfig.yaml";

let world: DeployWorld;
let proof: string;
beforeAll(async () => {
  world = await deployWorld();
  world.repository.write(".gitattributes", "secrets/** filter=git-crypt diff=git-crypt\n");
  await world.repository.commit("protected");
  proof = join(world.repository.folder, "proof");
});
afterAll(() => world[Symbol.asyncDispose]());
afterEach(async () => {
  rmSync(proof, { force: true });
  await world.repository.git("checkout", "--quiet", "--force", "main");
});

/** Signs in by a program that tells a file what it can read of who started it. */
const spy = (): KubernetesCredentials => ({
  exec: { command: "sh", args: ["-c", `tr '\\0' '\\n' </proc/$PPID/environ >${proof}; env >>${proof}`] },
});

const vault = (...args: string[]): Promise<RunResult> =>
  run(VAULT, ["deploy", ...args], { cwd: world.repository.path, env: world.environment(helm.path) });

/** Commits files on a branch that is checked out. */
async function pullRequest(files: Readonly<Record<string, string | Buffer>>): Promise<void> {
  await world.repository.git("checkout", "--quiet", "-B", "pr", "main");
  for (const [path, content] of Object.entries(files)) world.repository.write(path, content);
  await world.repository.commit("a pull request");
}

const encrypted = (content: string): Buffer =>
  encryptBlob(parseKeyFile(Buffer.from(world.key, "base64")), Buffer.from(content));

const COMMANDS: readonly (readonly string[])[] = [
  ["plan", "prod"],
  ["apply", "prod", "--yes"],
  ["apply", "prod", "--dry-run"],
  ["rollback", "prod", "1", "--yes"],
  ["rollout", "--yes"],
  ["drift"],
  ["rights", "prod"],
  ["verify"],
  ["certs"],
  ["nodes", "prod"],
];

describe.skipIf(helm.missing)("a kubeconfig that is stored in plaintext", () => {
  test.each(COMMANDS.map((words) => [words.join(" "), words] as const))("runs no program by %s", async (_, words) => {
    await pullRequest({ [KUBECONFIG]: world.kubernetes.kubeconfig(spy()) });
    const before = world.kubernetes.requests.length;
    const { status, stdout, stderr } = await vault(...words);
    expect(existsSync(proof)).toBe(false);
    expect(status).not.toBe(0);
    expect(stdout.toString() + stderr).toContain(`${KUBECONFIG} is stored in plaintext`);
    expect(world.kubernetes.requests.length).toBe(before);
  });

  test("runs none where the commit is named, and main is clean", async () => {
    await pullRequest({ [KUBECONFIG]: world.kubernetes.kubeconfig(spy()) });
    await world.repository.git("checkout", "--quiet", "--force", "main");
    const { status, stderr } = await vault("plan", "prod", "--revision", "pr");
    expect([status, stderr]).toEqual([5, expect.stringContaining(`${KUBECONFIG} is stored in plaintext`)]);
    expect(existsSync(proof)).toBe(false);
  });

  test("runs none from a place of its own, where no attribute protects it", async () => {
    const settings = world.settings(world.kubernetes.identity).replace(KUBECONFIG, "config/kube.yaml");
    await pullRequest({ "config/kube.yaml": world.kubernetes.kubeconfig(spy()), "deploy.yaml": settings });
    const { status, stderr } = await vault("plan", "prod");
    expect([status, stderr]).toEqual([5, expect.stringContaining("config/kube.yaml is stored in plaintext")]);
    expect(existsSync(proof)).toBe(false);
  });

  test("is named by check, with what the key's holders must do", async () => {
    await pullRequest({ [KUBECONFIG]: world.kubernetes.kubeconfig(spy()) });
    const { status, stdout } = await vault("check");
    expect(status).toBe(7);
    expect(stdout.toString()).toMatch(/^error: secrets\/prod-kubeconfig\.yaml.* \(boundary\) \[prod\]$/m);
  });
});

describe.skipIf(helm.missing)("a kubeconfig that the key's holders encrypted", () => {
  test("may name a program of the machine", async () => {
    await pullRequest({ [KUBECONFIG]: encrypted(world.kubernetes.kubeconfig(spy())) });
    await vault("plan", "prod");
    expect(existsSync(proof)).toBe(true);
  });

  test.each(["./login", "tools/login", "../login"])("names no program of the work tree: %s", async (command) => {
    const script = `#!/bin/sh\ntouch ${proof}\n`;
    const config = world.kubernetes.kubeconfig({ exec: { command } });
    await pullRequest({ login: script, "tools/login": script, [KUBECONFIG]: encrypted(config) });
    await run("chmod", ["+x", "login", "tools/login"], { cwd: world.repository.path });
    const { status, stderr } = await vault("plan", "prod");
    expect([status, stderr]).toEqual([
      5,
      expect.stringContaining("exec: expected a command on PATH or an absolute path"),
    ]);
    expect(existsSync(proof)).toBe(false);
    const check = await vault("check");
    expect(check.stdout.toString()).toContain("exec: expected a command on PATH or an absolute path");
  });

  test("may demand that commits are on a branch, which no commit takes away", async () => {
    const config: object = JSON.parse(world.kubernetes.kubeconfig(spy()));
    const extensions = [{ name: "git-vault", extension: { branches: ["main"] } }];
    await world.repository.git("checkout", "--quiet", "-B", "main-before", "main");
    await pullRequest({ [KUBECONFIG]: encrypted(JSON.stringify({ ...config, extensions })) });
    const { status, stderr } = await vault("plan", "prod");
    expect([status, stderr]).toEqual([
      1,
      expect.stringContaining("the kubeconfig takes commits on main alone, and this is none"),
    ]);
    expect(existsSync(proof)).toBe(false);
    await world.repository.git("branch", "--force", "main", "pr");
    await vault("plan", "prod");
    expect(existsSync(proof)).toBe(true);
    await world.repository.git("checkout", "--quiet", "-B", "main", "main-before");
  });
});

describe.skipIf(helm.missing || process.platform === "win32")("the key", () => {
  /** What a program sees that the kubeconfig names: its own environment, files and parent. */
  const watcher = (): KubernetesCredentials => {
    const looks = `tr '\\0' '\\n' </proc/$PPID/environ; env; ls -l /proc/self/fd /proc/$PPID/fd; cat /dev/fd/3`;
    return { exec: { command: "sh", args: ["-c", `{ ${looks}; } >${proof} 2>&1`] } };
  };
  const planWith = (script: string, env: NodeJS.ProcessEnv): Promise<RunResult> =>
    run("sh", ["-c", script, "sh", VAULT], {
      cwd: world.repository.path,
      env: { ...world.environment(helm.path), GIT_CRYPT_KEY: undefined, ...env },
    });

  test.each([
    [
      "a pipe",
      `printf %s "$(cat "$KEY")" | { exec 3<&0 </dev/null; exec "$1" deploy plan prod --key-file /dev/fd/3; }`,
    ],
    ["a file", `exec "$1" deploy plan prod --key-file /dev/fd/3 3<"$KEY"`],
    ["a file, named by the variable", `GIT_CRYPT_KEY=/dev/fd/3 exec "$1" deploy plan prod 3<"$KEY"`],
  ])("that comes from an inherited descriptor of %s is in no environment and no child", async (_, script) => {
    const file = join(world.repository.folder, "key");
    writeFileSync(file, world.key);
    await pullRequest({ [KUBECONFIG]: encrypted(world.kubernetes.kubeconfig(watcher())) });
    const { stderr } = await planWith(script, { KEY: file });
    // The program gives no credential; so much was read of the kubeconfig with the key.
    expect(stderr).toContain("expected an ExecCredential");
    const seen = readFileSync(proof, "utf8");
    expect(seen).toContain("PATH=");
    expect(seen).not.toContain(world.key.slice(20, 60));
    const isOpen = /-> .*\/key$/m.test(seen);
    expect(isOpen).toBe(script.includes("GIT_CRYPT_KEY"));
  });

  test("that comes from the variable is in the environment of no program that is started", async () => {
    const spying = { exec: { command: "sh", args: ["-c", `env >${proof}`] } };
    await pullRequest({ [KUBECONFIG]: encrypted(world.kubernetes.kubeconfig(spying)) });
    await vault("plan", "prod");
    expect(readFileSync(proof, "utf8")).toContain("PATH=");
    expect(readFileSync(proof, "utf8")).not.toContain("GIT_CRYPT_KEY");
  });
});

describe("an address in a commit", () => {
  /** Counts who connects to it. */
  async function listening<T>(job: (port: number, seen: () => number) => Promise<T>): Promise<T> {
    let count = 0;
    const server = createServer((socket) => {
      count += 1;
      socket.destroy();
    });
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    try {
      return await job((server.address() as AddressInfo).port, () => count);
    } finally {
      server.close();
    }
  }

  test("of a federation is asked only where holders of the key encrypted it", () =>
    listening(async (port, seen) => {
      const members = `other: https://127.0.0.1:${port}/versions\n`;
      const settings: object = JSON.parse(world.settings(world.kubernetes.identity));
      const file = JSON.stringify({ ...settings, federation: "config/federation.yaml" });
      await pullRequest({ "deploy.yaml": file, "config/federation.yaml": members });
      const { stdout } = await vault("verify");
      expect(stdout.toString()).toContain("config/federation.yaml is stored in plaintext");
      expect((await vault("check")).stdout.toString()).toContain("config/federation.yaml is stored in plaintext");
      expect(seen()).toBe(0);
      await pullRequest({ "deploy.yaml": file, "config/federation.yaml": encrypted(members) });
      await vault("verify");
      expect(seen()).toBe(1);
    }));

  test("of a chart's repository is asked by check only where the caller says so", () =>
    listening(async (port, seen) => {
      const dependencies = `dependencies: [{ name: x, version: 1.0.0, repository: "http://127.0.0.1:${port}" }]\n`;
      const chart = `apiVersion: v2\nname: app\nversion: 1.0.0\n${dependencies}`;
      await pullRequest({ "app/Chart.yaml": chart, "app/Chart.lock": dependencies });
      const { stderr } = await vault("check");
      expect(stderr).toContain("the repositories that the commit names are not asked");
      expect(seen()).toBe(0);
      await vault("check", "--online");
      expect(seen()).toBeGreaterThan(0);
    }));
});
