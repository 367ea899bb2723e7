import { readFileSync } from "node:fs";
import { join } from "node:path";
import { deployWorld, peer, run, type RunResult } from "@git-vault/testkit";
import { describe, expect, test } from "vitest";
import { VAULT } from "./program.ts";

const helm = peer("helm4");

describe.skipIf(helm.missing)("values that are given on the command line", () => {
  test("set what chartpress left open, and are recorded", async () => {
    await using world = await deployWorld();
    world.repository.write("config/prod.yaml", "image: set-by-chartpress\n");
    await world.repository.commit("an image that CI builds");
    const deploy = (...words: string[]): Promise<RunResult> =>
      run(VAULT, ["deploy", ...words], { cwd: world.repository.path, env: world.environment(helm.path) });
    const log = join(world.repository.folder, "audit.ndjson");
    const plan = join(world.repository.folder, "plan.json");
    expect(await deploy("apply", "prod", "--yes")).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("--set"),
    });
    expect(world.kubernetes.list("apps/v1", "Deployment", "prod")).toEqual([]);
    const set = ["--set", "image=web:2"];
    const planned = await deploy("plan", "prod", ...set, "-o", plan);
    expect({ ...planned, stdout: planned.stdout.toString() }).toMatchObject({
      status: 0,
      stdout: expect.stringContaining("with --set image,"),
    });
    // The plan is for these values, and for no others.
    expect((await deploy("apply", "prod", "--plan", plan, "--set", "image=web:3")).status).toBe(8);
    expect((await deploy("apply", "prod", "--plan", plan, ...set, "--audit-log", log)).status).toBe(0);
    const [first = ""] = readFileSync(log, "utf8").split("\n");
    expect(JSON.parse(first)).toMatchObject({ event: "begin", given: ["--set image"] });
    const explained = await deploy("values", "prod", ...set, "--explain", "image");
    expect(explained.stdout.toString()).toMatch(/^image = "web:2"\n {2}--set image:1:2 /);
    expect(await deploy("values", "prod", "--set", "image")).toMatchObject({ status: 2 });
  });
});
