import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encryptBlob, parseKeyFile } from "@git-vault/git-crypt";
import { type DeployWorld, deployWorld, PASSWORD, peer, variants } from "@git-vault/testkit";
import type { KubernetesCredentials } from "@git-vault/testkit/kubernetes";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { traced } from "./deploy-trace.ts";
import { VAULT } from "./program.ts";

/*
 * However a kubeconfig lets its user in, nothing of that is written to a file, put on a command
 * line or into the environment of Helm, or printed. deploy-apply.test.ts shows it of
 * client certificates.
 */
const strace = peer("strace");
const TOKEN = "canary-token-0c5b1f7e29d84a63";
const PLUGIN_SECRET = "canary-plugin-8a1d4e70";

let world: DeployWorld;
beforeEach(async () => {
  world = await deployWorld();
  world.kubernetes.tokens.set(TOKEN, { username: "deployer" });
});
afterEach(() => world[Symbol.asyncDispose]());

/** Commits a kubeconfig, encrypted. */
async function signIn(credentials: KubernetesCredentials, change = (text: string): string => text): Promise<void> {
  const key = parseKeyFile(Buffer.from(world.key, "base64"));
  const text = change(world.kubernetes.kubeconfig(credentials));
  world.repository.write("secrets/prod-kubeconfig.yaml", encryptBlob(key, Buffer.from(text)));
  await world.repository.commit("another way in");
}

/**
 * As it is, and in base64: what does not depend on its neighbours there, at each of three places.
 */
const forms = (secret: string): string[] => [
  secret,
  Buffer.from(secret).toString("base64").slice(0, -4),
  Buffer.from(`x${secret}`).toString("base64").slice(4, -4),
  Buffer.from(`xx${secret}`).toString("base64").slice(4, -4),
];

const leaksIn = (text: string): string[] =>
  [TOKEN, PLUGIN_SECRET, PASSWORD, world.key.slice(40, 80)].flatMap(forms).filter((form) => text.includes(form));

/** A program that knows the token, as a cloud's does, and gets a secret by its environment. */
function plugin(): KubernetesCredentials {
  const token = join(world.repository.folder, "token");
  const program = join(world.repository.folder, "cloud-login");
  const answer = `{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s"}}`;
  writeFileSync(token, `${TOKEN}\n`);
  const script = `#!/bin/sh\n[ "$CLOUD_SECRET" = ${PLUGIN_SECRET} ] && read -r token <${token} && printf '${answer}' "$token"\n`;
  writeFileSync(program, script, { mode: 0o700 });
  return { exec: { command: program, env: { CLOUD_SECRET: PLUGIN_SECRET } } };
}

describe.each(variants(peer("helm4"), peer("helm3")))("with $label", ({ path: helm, missing }) => {
  test.skipIf(missing || strace.missing).each([
    ["a bearer token", (): KubernetesCredentials => ({ token: TOKEN })],
    ["a program of the user's that gives one", plugin],
  ])(`%s stays in memory, by ${strace.label}`, async (_, credentials) => {
    await signIn(credentials());
    // A rollout plans, applies and verifies.
    for (const args of [
      ["rollout", "--yes", "--json"],
      ["apply", "prod", "--yes"],
      ["rollback", "prod", "1", "--yes"],
      ["nodes", "prod"],
      ["certs", "prod"],
    ]) {
      const { status, stdout, stderr, files, memory, commands } = await traced(world, helm, ["deploy", ...args]);
      expect({ args, status, stderr: status === 0 ? "" : stderr }).toEqual({ args, status: 0, stderr: "" });
      // The program is given what the kubeconfig says, and nobody else is.
      const others = commands.split("\n").filter((line) => !/^execve\("[^"]*\/cloud-login"/.test(line));
      expect([stdout, stderr, files, others.join("\n")].map(leaksIn)).toEqual([[], [], [], []]);
      // The trace is one: it shows what is known to be there.
      expect(credentials === plugin ? files : memory).toContain("certificate-authority-data");
    }
    // Only its version does a cluster tell anybody.
    const users = new Set(world.kubernetes.requests.map(({ user }) => user));
    expect([...users].filter((user) => user !== "system:anonymous")).toEqual(["deployer"]);
  });

  test.skipIf(missing)("what a killed run leaves behind holds no secret", async () => {
    await signIn(plugin());
    world.kubernetes.podRules.push({ becomes: "unready" });
    const env = world.environment(helm);
    const child = spawn(VAULT, ["deploy", "apply", "prod", "--yes"], {
      cwd: world.repository.path,
      env,
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes("waiting for its workloads")) child.kill("SIGKILL");
    });
    await once(child, "close");
    const entries = readdirSync(env["TMPDIR"] ?? "", { recursive: true, withFileTypes: true });
    const left = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
    expect(left.map((path) => readFileSync(path, "latin1")).join("\n")).toContain("certificate-authority-data");
    expect(left.filter((path) => leaksIn(readFileSync(path, "latin1")).length > 0)).toEqual([]);
  });
});

test.skipIf(strace.missing)(
  `a name and password, which no cluster takes any more, are refused and not told, by ${strace.label}`,
  async () => {
    await signIn({ token: TOKEN }, (text) =>
      text.replace(`"token":"${TOKEN}"`, `"username":"jane","password":"${TOKEN}"`),
    );
    const helm = peer("helm4").path;
    const { status, stdout, stderr, files, commands } = await traced(world, helm, ["deploy", "plan", "prod"]);
    expect({ status, stderr }).toEqual({ status: 5, stderr: expect.stringContaining("its user has neither a token") });
    expect([stdout, stderr, files, commands].map(leaksIn)).toEqual([[], [], [], []]);
  },
);
