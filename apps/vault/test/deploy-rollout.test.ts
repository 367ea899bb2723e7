import { encryptBlob, parseKeyFile } from "@git-vault/git-crypt";
import { openTerminal, peer, run } from "@git-vault/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type DeployWorld, deployWorld, PASSWORD } from "./deploy-world.ts";
import { VAULT } from "./program.ts";

/*
 * Three environments, each in a namespace of its own of one cluster: staging, and the two of prod.
 */
const NAMES = ["staging", "gke", "ovh"];

let world: DeployWorld;
beforeEach(async () => {
  world = await deployWorld();
  const environments = NAMES.map((name) => [
    name,
    {
      tier: name === "staging" ? "staging" : "prod",
      cluster: { uid: world.kubernetes.identity },
      kubeconfig: `secrets/${name}-kubeconfig.yaml`,
      layers: [`config/${name}.yaml`, "secrets/config/prod.yaml"],
    },
  ]);
  world.repository.write(
    "deploy.yaml",
    JSON.stringify({ chart: "app", environments: Object.fromEntries(environments) }),
  );
  world.kubernetes.tokens.set("good", { username: "deployer" });
  for (const name of NAMES) {
    world.repository.write(`config/${name}.yaml`, "image: web:1\n");
    signIn(name);
  }
  await world.repository.commit("three environments");
});
afterEach(() => world[Symbol.asyncDispose]());

/** Writes an environment's kubeconfig, encrypted. */
function signIn(name: string, token = "good", change: (text: string) => string = (text) => text): void {
  const text = change(world.kubernetes.kubeconfig({ token }));
  const key = parseKeyFile(Buffer.from(world.key, "base64"));
  world.repository.write(`secrets/${name}-kubeconfig.yaml`, encryptBlob(key, Buffer.from(text)));
}

const running = (): string[] =>
  world.kubernetes.list("apps/v1", "Deployment").map(({ metadata }) => metadata.namespace ?? "");

describe.each([peer("helm3"), peer("helm4")])("vault deploy rollout with $label", ({ path: helm, missing }) => {
  describe.skipIf(missing)("is a command that", () => {
    const options = (): { cwd: string; env: Record<string, string> } => ({
      cwd: world.repository.path,
      env: world.environment(helm),
    });
    const rollOut = async (...args: string[]): Promise<{ status: number | null; stdout: string; stderr: string }> => {
      const { status, stdout, stderr } = await run(VAULT, ["deploy", "rollout", "--yes", ...args], options());
      expect(stdout.toString() + stderr).not.toContain(PASSWORD);
      return { status, stdout: stdout.toString(), stderr };
    };

    it("deploys to all, staging first, and tells what happens where", async () => {
      const { status, stdout, stderr } = await rollOut("--canary", "gke");
      expect({ status, stdout }).toEqual({ status: 0, stdout: "staging: done\ngke: done\novh: done\n" });
      const steps = ["plan", "apply", "verify", "done"].map((step) => `${step}\n`);
      const lines = NAMES.flatMap((name) => steps.map((step) => `vault: ${name}: ${step}`));
      expect(stderr.split(/(?<=\n)/).filter((line) => lines.includes(line))).toEqual(lines);
      expect(stderr).toContain("vault: ovh: ovh: revision 1 is there, waiting for its workloads\n");
      expect(running().toSorted()).toEqual(["gke", "ovh", "staging"]);
    });

    it("ends with the code of the first that failed, as they are named, and one that fails stops no other", async () => {
      signIn("gke", "expired");
      signIn("ovh", "good", (text) => text.replace(/127\.0\.0\.1:\d+/, "127.0.0.1:1"));
      await world.repository.commit("two that cannot be reached");
      const first = await rollOut("ovh", "staging", "gke", "ovh", "--json");
      expect(first.status).toBe(6);
      expect(JSON.parse(first.stdout)).toMatchObject({
        environments: [
          { environment: "ovh", state: "failed", step: "plan", error: { code: "UNREACHABLE" } },
          { environment: "staging", state: "done" },
          { environment: "gke", state: "failed", step: "plan", error: { code: "UNAUTHORIZED" } },
        ],
      });
      const second = await rollOut("staging", "gke", "ovh", "--quiet");
      expect(second).toMatchObject({ status: 4, stderr: "" });
      expect(second.stdout).toMatch(
        /^staging: done\ngke: failed to plan: the cluster answers 401 .*\n {2}the credential .*\novh: failed to plan: the cluster at .*\n$/,
      );
      expect(running()).toEqual(["staging"]);
    });

    it("deploys to no more where staging is not well", async () => {
      const backend = { service: { name: "none", port: { number: 80 } } };
      world.kubernetes.put({
        apiVersion: "networking.k8s.io/v1",
        kind: "Ingress",
        metadata: { name: "edge", namespace: "staging" },
        spec: { rules: [{ host: "hub.example.test", http: { paths: [{ path: "/", pathType: "Prefix", backend }] } }] },
      });
      const { status, stdout } = await rollOut();
      expect(status).toBe(7);
      expect(stdout).toBe(
        "staging: failed to verify: staging is not well: Ingress edge: the Service none is not there\n" +
          "  see `vault deploy verify staging`\n" +
          "gke: not begun, since it waits for staging\n" +
          "ovh: not begun, since it waits for staging\n",
      );
    });

    it("tells why a release did not become ready, and undoes it", async () => {
      world.kubernetes.podRules.push({
        namespace: "gke",
        becomes: "CrashLoopBackOff",
        logs: [`wrong password ${PASSWORD}`],
      });
      const { status, stdout, stderr } = await rollOut("gke", "--timeout", "1", "--quiet");
      expect({ status, stdout }).toMatchObject({
        status: 1,
        stdout: expect.stringContaining("gke: failed to apply: "),
      });
      expect(stderr).toContain("log of web: wrong password [secret]");
      expect(running()).toEqual([]);
    });

    it("is ended by Ctrl-C in the middle: what is under way is undone, and nothing more is begun", async () => {
      world.kubernetes.podRules.push({ namespace: "gke", becomes: "unready" });
      const args = ["deploy", "rollout", "--yes", "--parallel", "1"];
      using terminal = openTerminal(VAULT, args, { ...options(), deadline: 240_000 });
      await terminal.waitFor(/gke: revision 1 is there, waiting for its workloads/);
      terminal.press("ctrl-c");
      await terminal.waitFor(/gke: removed again/);
      await terminal.waitFor(/ovh: not begun, since the run was told to end\s+staging: done/);
      expect(await terminal.ended).toMatchObject({ status: 130, sane: true });
      expect(running()).toEqual(["staging"]);
    });
  });
});
