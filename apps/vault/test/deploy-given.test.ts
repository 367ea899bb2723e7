import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
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

  test("set what chartpress left open in another release, which they name", async () => {
    await using world = await deployWorld();
    world.repository.write("extra/Chart.yaml", "apiVersion: v2\nname: extra\nversion: 1.0.0\n");
    world.repository.write("extra/values.yaml", "image: set-by-chartpress\n");
    world.repository.write(
      "extra/templates/all.yaml",
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: extra}\ndata: {image: {{ .Values.image }}}\n",
    );
    const settings = JSON.parse(world.settings(world.kubernetes.identity));
    const releases = { redirector: { chart: "extra" } };
    world.repository.write("deploy.yaml", JSON.stringify({ ...settings, releases }));
    await world.repository.commit("a release beside the main one");
    const deploy = (...words: string[]): Promise<RunResult> =>
      run(VAULT, ["deploy", ...words], { cwd: world.repository.path, env: world.environment(helm.path) });
    const unset = await deploy("apply", "prod", "--yes");
    expect(unset).toMatchObject({ status: 1, stderr: expect.stringContaining("--set redirector:KEY=VALUE") });
    // For the main release, which has no say in the other.
    expect(await deploy("apply", "prod", "--yes", "--set", "image=web:2")).toMatchObject({ status: 1 });
    const file = join(world.repository.folder, "built.yaml");
    writeFileSync(file, "image: redirector:7\n");
    const ways = [
      ["--set", "redirector:image=redirector:7"],
      ["--set-string", "redirector:image=redirector:7"],
      ["--values", `redirector:${file}`],
      // Beside --release, they are for that one.
      ["--set", "image=redirector:7"],
      ["--values", file],
    ];
    for (const way of ways) {
      const { stdout, status } = await deploy("template", "prod", "--release", "redirector", ...way);
      expect({ way, status, out: stdout.toString() }).toMatchObject({
        status: 0,
        out: expect.stringContaining("image: redirector:7"),
      });
    }
    for (const main of ["prod", "prod/prod"]) {
      const { stdout } = await deploy("values", "prod", "--set", `${main}:image=web:9`);
      expect(stdout.toString()).toContain("image: web:9");
    }
    const planned = await deploy("plan", "prod", "--set", "redirector:image=redirector:7");
    expect(planned.stdout.toString()).toContain("with --set redirector:image,");
    const unknown = await deploy("plan", "prod", "--set", "other:image=1");
    expect(unknown).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("name one of redirector, prod"),
    });
    const colon = await deploy("values", "prod", "--set", String.raw`other\:image=1`);
    expect(colon.stdout.toString()).toContain("other:image: 1");
  });

  test("are no file that a commit's link leads to outside of the work tree", async () => {
    await using world = await deployWorld();
    const { path, folder } = world.repository;
    mkdirSync(join(folder, "outside"));
    writeFileSync(join(folder, "outside/values.yaml"), "image: canary-outside\n");
    symlinkSync(join(folder, "outside/values.yaml"), join(path, "ci.yaml"));
    symlinkSync(join(folder, "outside"), join(path, "ci"));
    symlinkSync("config/prod.yaml", join(path, "own.yaml"));
    const values = (file: string): Promise<RunResult> =>
      run(VAULT, ["deploy", "values", "prod", "--values", file], { cwd: path, env: world.environment(helm.path) });
    for (const file of ["ci.yaml", "ci/values.yaml", join(path, "ci.yaml")]) {
      const { status, stdout, stderr } = await values(file);
      expect([status, stderr]).toEqual([5, expect.stringContaining("a symbolic link that leads out of the work tree")]);
      expect(stdout.toString()).not.toContain("canary");
    }
    expect(await values("own.yaml")).toMatchObject({ status: 0 });
    // What the caller names there is the caller's own.
    const own = await values(join(folder, "outside/values.yaml"));
    expect(own.stdout.toString()).toContain("canary-outside");
  });
});
