import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type DeployWorld, deployWorld, peer, run, type RunResult } from "@git-vault/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { VAULT } from "./program.ts";

/*
 * A kubeconfig of the caller's own: what it says runs and is connected to is the caller's word.
 * Nobody else's counts: not that of a file of the work tree, nor what the environment names.
 */
const helm = peer("helm4");
const TOKEN = "canary-token-of-the-caller";

let world: DeployWorld;
let own: string;
let proof: string;
beforeAll(async () => {
  world = await deployWorld();
  // Without it, only who gives a kubeconfig reaches the cluster.
  await world.repository.git("rm", "--quiet", "secrets/prod-kubeconfig.yaml");
  await world.repository.commit("no kubeconfig");
  world.kubernetes.tokens.set(TOKEN, { username: "caller" });
  own = join(world.repository.folder, "own");
  mkdirSync(own);
  proof = join(world.repository.folder, "proof");
  write("kubeconfig", world.kubernetes.kubeconfig({ token: TOKEN }));
});
afterAll(() => world[Symbol.asyncDispose]());
afterEach(() => rmSync(proof, { force: true }));

const write = (name: string, content: string): string => {
  writeFileSync(join(own, name), content);
  return join(own, name);
};

const vault = (args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<RunResult> =>
  run(VAULT, ["deploy", ...args], { cwd: world.repository.path, env: { ...world.environment(helm.path), ...env } });

/** A program that tells that it ran, and gives the caller's token. */
function login(): string {
  const answer = JSON.stringify({
    apiVersion: "client.authentication.k8s.io/v1",
    kind: "ExecCredential",
    status: { token: TOKEN },
  });
  const program = write("login", `#!/bin/sh\nenv >${proof}\necho '${answer}'\n`);
  chmodSync(program, 0o700);
  return program;
}

describe.skipIf(helm.missing)("a kubeconfig that the command line names", () => {
  test("reaches the pinned cluster, for whatever is done there, and its token is told nobody", async () => {
    const file = ["--kubeconfig", join(own, "kubeconfig")];
    for (const words of [
      ["plan", "prod"],
      ["apply", "prod", "--yes", "--dry-run"],
      ["nodes", "prod"],
      ["verify", "prod"],
      ["certs", "prod"],
    ]) {
      const { status, stdout, stderr } = await vault([...words, ...file]);
      expect([words, status, stderr]).toEqual([words, expect.toBeOneOf([0, 7]), expect.any(String)]);
      expect(stdout.toString() + stderr).not.toContain(TOKEN);
    }
    expect(world.kubernetes.requests.some(({ user }) => user === "caller")).toBe(true);
  });

  test("comes from a pipe, or from stdin, too", async () => {
    const file = join(own, "kubeconfig");
    const shell = (script: string): Promise<RunResult> =>
      run("bash", ["-c", script, "bash", VAULT, file], {
        cwd: world.repository.path,
        env: world.environment(helm.path),
      });
    expect((await shell('"$1" deploy plan prod --kubeconfig <(cat "$2")')).status).toBe(0);
    expect((await shell('cat "$2" | "$1" deploy plan prod --kubeconfig -')).status).toBe(0);
  });

  test("may name a program and files of its own, which start in its folder", async () => {
    const config = JSON.parse(world.kubernetes.kubeconfig({ exec: { command: login() } }));
    const [{ cluster }] = config.clusters;
    write("authority.pem", Buffer.from(cluster["certificate-authority-data"], "base64").toString());
    delete cluster["certificate-authority-data"];
    cluster["certificate-authority"] = "authority.pem";
    const { status, stderr } = await vault(["plan", "prod", "--kubeconfig", write("exec", JSON.stringify(config))]);
    expect([status, stderr]).toEqual([0, ""]);
    expect(existsSync(proof)).toBe(true);
    cluster["certificate-authority"] = "nowhere.pem";
    const missing = await vault(["plan", "prod", "--kubeconfig", write("exec", JSON.stringify(config))]);
    expect([missing.status, missing.stderr]).toEqual([expect.any(Number), expect.stringContaining("nowhere.pem")]);
  });

  test("leads to the pinned cluster alone", async () => {
    const settings = world.settings("00000000-0000-0000-0000-000000000000");
    world.repository.write("deploy.yaml", settings);
    await world.repository.commit("another pin");
    const { status, stderr } = await vault(["plan", "prod", "--kubeconfig", join(own, "kubeconfig")]);
    await world.repository.git("reset", "--quiet", "--hard", "HEAD~1");
    expect([status, stderr]).toEqual([expect.any(Number), expect.stringContaining("it was asked for its uid alone")]);
    expect(status).not.toBe(0);
  });

  test.each([
    ["a file of the work tree", (): string => "kube.yaml"],
    ["a link to one, from outside", (): string => join(own, "link")],
    ["a link of the work tree to elsewhere", (): string => "link"],
    ["a file behind a linked folder of the work tree", (): string => "folder/kubeconfig"],
  ])("is not taken from %s", async (_, name) => {
    const { path } = world.repository;
    world.repository.write("kube.yaml", world.kubernetes.kubeconfig({ exec: { command: login() } }));
    rmSync(join(own, "link"), { force: true });
    symlinkSync(join(path, "kube.yaml"), join(own, "link"));
    for (const [link, target] of [
      ["link", join(own, "kubeconfig")],
      ["folder", own],
    ] as const) {
      rmSync(join(path, link), { force: true });
      symlinkSync(target, join(path, link));
    }
    const { status, stderr } = await vault(["plan", "prod", "--kubeconfig", name()]);
    expect([status, stderr]).toEqual([
      5,
      expect.stringContaining("lies in the work tree, whose files are from anyone who"),
    ]);
    expect(existsSync(proof)).toBe(false);
    await world.repository.git("clean", "-qfdx");
  });

  test.each([["verify"], ["certs"], ["rollout", "--yes"]])(
    "is for one environment, which %s must name",
    async (...words) => {
      const { status, stderr } = await vault([...words, "--kubeconfig", join(own, "kubeconfig")]);
      expect([status, stderr]).toEqual([2, expect.stringContaining("expected one environment to be named")]);
    },
  );
});

describe.skipIf(helm.missing)("$KUBECONFIG", () => {
  test("is never read: neither its program runs, nor its cluster is asked", async () => {
    const config = write("ambient", world.kubernetes.kubeconfig({ exec: { command: login() } }));
    const home = join(world.repository.folder, "home");
    mkdirSync(join(home, ".kube"), { recursive: true });
    writeFileSync(join(home, ".kube/config"), world.kubernetes.kubeconfig({ exec: { command: login() } }));
    const before = world.kubernetes.requests.length;
    for (const words of [["plan", "prod"], ["check"], ["verify"], ["nodes", "prod"], ["apply", "prod", "--yes"]])
      await vault(words, { KUBECONFIG: config, HOME: home });
    const { stderr } = await vault(["plan", "prod"], { KUBECONFIG: config, HOME: home });
    expect(stderr).toContain("the kubeconfig secrets/prod-kubeconfig.yaml is not in the commit");
    expect(stderr).toContain("--kubeconfig FILE");
    expect(existsSync(proof)).toBe(false);
    expect(world.kubernetes.requests.length).toBe(before);
  });

  test("leads Helm nowhere either, beside a kubeconfig that is given", async () => {
    const config = write("ambient", world.kubernetes.kubeconfig({ exec: { command: login() } }));
    const words = ["plan", "prod", "--kubeconfig", join(own, "kubeconfig")];
    expect((await vault(words, { KUBECONFIG: config })).status).toBe(0);
    expect(existsSync(proof)).toBe(false);
  });
});
