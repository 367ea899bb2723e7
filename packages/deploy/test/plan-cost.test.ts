import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Cluster } from "../src/index.ts";
import { isUnchanged, makePlan, type Plan } from "../src/releases/index.ts";
import { applyWorld, type ApplyWorld } from "./apply-world.ts";
import { HELMS } from "./cluster-world.ts";

/* What a plan starts and asks for, where nothing changes and where something does. */

const MAPS = Array.from({ length: 9 }, (_, at) => `many-${at}`);

describe.each(HELMS)("a plan with $label", ({ path: helm, missing }) => {
  let at: ApplyWorld;
  /** How Helm was started since it was asked last. */
  const started = (): string[] => {
    const log = join(at.repository.folder, "helm.log");
    const lines = readFileSync(log, "utf8").trim().split("\n");
    writeFileSync(log, "");
    return lines.filter((line) => !line.startsWith("version"));
  };
  const asked = (): string[] => at.kubernetes.requests.splice(0).map(({ method, path }) => `${method} ${path}`);
  const plan = async (): Promise<Plan> => {
    await using project = await at.open();
    await using cluster = await Cluster.connect(project, project.environment("staging"));
    return await makePlan(project, cluster);
  };

  beforeEach(async () => {
    at = await applyWorld();
    const program = join(at.repository.folder, "helm");
    const script = `#!/bin/sh\necho "$@" >> '${join(at.repository.folder, "helm.log")}'\nexec '${helm}' "$@"\n`;
    writeFileSync(program, script, { mode: 0o700 });
    at.env["HELM"] = program;
    const map = (name: string): string => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\n`;
    at.repository.write("app/templates/many.yaml", MAPS.map(map).join("---\n"));
    await at.repository.commit("many");
    await at.deploy();
    started();
    asked();
  });
  afterEach(() => at[Symbol.asyncDispose]());

  test.skipIf(missing)("renders once where nothing changes, and judges no object again", async () => {
    expect(isUnchanged(await plan())).toBe(true);
    const [one, ...others] = started();
    expect(others).toEqual([]);
    expect(one).toMatch(/^upgrade .* --disable-openapi-validation --dry-run=server/);
  });

  test.skipIf(missing)("judges the objects, and renders with stand-ins, where something changes", async () => {
    at.repository.write("config/staging.yaml", "replicas: 7\n");
    await at.repository.commit("more");
    expect(isUnchanged(await plan())).toBe(false);
    const upgrades = started();
    const judged = upgrades.filter((line) => !line.includes("--disable-openapi-validation"));
    expect(judged.filter((line) => line.includes("--dry-run=server")).length).toBeGreaterThan(0);
    expect(judged.filter((line) => line.includes("--dry-run=client")).length).toBeGreaterThan(0);
  });

  test.skipIf(missing)("lists objects of which there are many, and gets each where it may not", async () => {
    const gets = (requests: readonly string[]): string[] =>
      requests.filter((line) => /^GET \/api\/v1\/namespaces\/web\/configmaps\/many-\d$/.test(line));
    const rehearsed = (requests: readonly string[]): string[] =>
      requests.filter((line) => /^PATCH \/api\/v1\/namespaces\/web\/configmaps\/many-\d\?/.test(line));
    await plan();
    const listed = asked();
    expect([gets(listed), rehearsed(listed).length]).toEqual([[], MAPS.length]);
    at.kubernetes.faults.push({ fault: "status", code: 403, on: "/api/v1/namespaces/web/configmaps", method: "GET" });
    expect(isUnchanged(await plan())).toBe(true);
    const got = asked();
    expect([gets(got).length, rehearsed(got).length]).toEqual([MAPS.length, MAPS.length]);
  });

  test.skipIf(missing)("tells what is gone from the list", async () => {
    at.kubernetes.remove({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "many-3", namespace: "web" } });
    const [release] = (await plan()).releases;
    expect(release?.drift).toEqual([expect.objectContaining({ name: "many-3", what: "gone" })]);
  });
});
