import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { peer, run } from "@git-vault/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DeployWorld, deployWorld, PASSWORD } from "./deploy-world.ts";
import { type Traced, traced } from "./deploy-trace.ts";
import { VAULT } from "./program.ts";

/*
 * The built command against a cluster, under strace: no secret value, and nothing of the credential, is ever written to a file, put
 * on a command line or printed.
 */
const strace = peer("strace");

let world: DeployWorld;
let canaries: string[];

beforeAll(async () => {
  world = await deployWorld();
  // A line of the key's base64, as it stands in PEM, and as it stands in a kubeconfig.
  const line = world.userKey.split("\n")[1] ?? "";
  const inKubeconfig = Buffer.from(world.userKey).toString("base64").slice(60, 100);
  const password = Buffer.from(PASSWORD).toString("base64").slice(0, 24);
  canaries = [PASSWORD, password, line, inKubeconfig, world.key.slice(40, 80)];
});
afterAll(() => world[Symbol.asyncDispose]());

describe.each([peer("helm3"), peer("helm4")])("vault deploy with $label", ({ path: helm, missing }) => {
  describe.skipIf(missing || strace.missing)(`under ${strace.label}`, () => {
    const check = async (status: number, ...args: string[]): Promise<Traced> => {
      const result = await traced(world, helm, ["deploy", ...args]);
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
      const plan = join(world.repository.folder, "prod.plan");
      const log = join(world.repository.folder, "audit.ndjson");
      expect((await check(0, "plan", "prod", "-o", plan)).stdout).toContain("+ Deployment web");
      expect((await check(0, "apply", "prod", "--plan", plan, "--audit-log", log)).stdout).toMatch(/^done in /);
      expect((await check(8, "apply", "prod", "--plan", plan)).stderr).toContain("the plan is stale");
      expect((await check(0, "apply", "prod", "--dry-run", "--json")).stdout).toContain('"unchanged":3');
      await world.withConfig("image: web:bad\n", async () => {
        world.kubernetes.podRules.push({
          image: /bad/,
          becomes: "CrashLoopBackOff",
          logs: [`wrong password ${PASSWORD}`],
        });
        const { stderr } = await check(1, "apply", "prod", "--yes", "--timeout", "1", "--audit-log", log);
        expect(stderr).toContain("log of web: wrong password [secret]");
        expect(stderr).toContain("back to revision 1");
      });
      await check(0, "rollback", "prod", "1", "--json");
      const audit = readFileSync(log, "utf8");
      expect(
        canaries.filter((canary) => audit.includes(canary) || readFileSync(plan, "utf8").includes(canary)),
      ).toEqual([]);
      expect(readdirSync(join(world.repository.folder, "temporary"))).toEqual([]);
      for (const namespace of ["prod"])
        for (const secret of world.kubernetes.list("v1", "Secret", namespace)) world.kubernetes.remove(secret);
    });
  });
});

describe.skipIf(peer("helm4").missing)("vault deploy apply", () => {
  const start = (...args: string[]): ReturnType<typeof run> =>
    run(VAULT, ["deploy", ...args], { cwd: world.repository.path, env: world.environment(peer("helm4").path) });

  it("asks for nothing without a terminal, and talks to no other cluster", async () => {
    expect(await start("apply", "prod")).toMatchObject({ status: 2 });
    const { status, stderr } = await start("apply", "prod", "--plan", "app/Chart.yaml");
    expect([status, stderr]).toEqual([5, expect.stringContaining("expected a plan")]);
    world.repository.write("deploy.yaml", world.settings("another"));
    await world.repository.commit("another cluster");
    const wrong = await start("apply", "prod", "--yes");
    expect([wrong.status, wrong.stderr]).toEqual([1, expect.stringContaining("whose uid is another")]);
    await world.repository.git("reset", "--quiet", "--hard", "HEAD~1");
  });
});
