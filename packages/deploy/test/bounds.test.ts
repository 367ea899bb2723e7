import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Cluster } from "../src/index.ts";
import { makePlan } from "../src/releases/index.ts";
import { readManifests } from "../src/helm/manifests.ts";
import { readYaml } from "../src/values/read-yaml.ts";
import { readJson } from "../src/values/value.ts";
import { parseKubeconfig } from "../src/cluster/kubeconfig.ts";
import { isDeepYaml } from "../src/values/nesting.ts";
import { clusterWorld, HELM_3, HELM_4 } from "./cluster-world.ts";
import { errorOf, world } from "./world.ts";

/** Texts that nest so deep, each in another way. */
const NESTED: readonly (readonly [name: string, (depth: number) => string])[] = [
  ["lists", (n) => `a: ${"[".repeat(n)}${"]".repeat(n)}\n`],
  ["lists that are not closed", (n) => `a: ${"[".repeat(n)}`],
  ["maps", (n) => `a: ${"{a: ".repeat(n)}1${"}".repeat(n)}\n`],
  ["maps of JSON", (n) => `a: ${'{"a":'.repeat(n)}1${"}".repeat(n)}\n`],
  ["lists over lines", (n) => `a: ${"[\n ".repeat(n)}${"]".repeat(n)}\n`],
  ["items in one line", (n) => `${"- ".repeat(n)}x\n`],
  ["items below a key", (n) => `a:\n ${"- ".repeat(n)}x\n`],
  ["items with tags", (n) => `${"- !!seq ".repeat(n)}[x]\n`],
  ["items with anchors", (n) => `${Array.from({ length: n }, (_, at) => `- &a${at} `).join("")}x\n`],
  ["keys in one line", (n) => `${"? ".repeat(n)}x\n`],
  ["blocks", (n) => Array.from({ length: n }, (_, at) => `${" ".repeat(at)}a:`).join("\n")],
  ["items in blocks", (n) => Array.from({ length: n }, (_, at) => `${" ".repeat(at)}-`).join("\n")],
  ["tags", (n) => `a: ${"!x ".repeat(n)}1\n`],
];

describe("a text that is nested too deeply is refused before it is parsed", () => {
  test.each(NESTED)("%s", (_, nested) => {
    for (const depth of [260, 500, 1500, 2000, 2500, 3000, 20_000]) {
      expect(isDeepYaml(nested(depth))).toBe(true);
      expect(() => readYaml("x", nested(depth))).toThrow(/nested too deeply/);
    }
  });

  test.each(NESTED)("%s, up to what anybody writes, are none", (_, nested) => {
    expect(isDeepYaml(nested(100))).toBe(false);
  });

  test("but what only looks like it is not", () => {
    const wide = `a: [${"[], ".repeat(5000)}]\n`;
    const text = `a: |\n${`  ${"[".repeat(3000)}\n`.repeat(3)}b: '${"{".repeat(3000)}'\n`;
    const banner = `a: |\n  x\n${" ".repeat(400)}y\nb: 1\n`;
    for (const shallow of [wide, text, banner]) {
      expect(isDeepYaml(shallow)).toBe(false);
      expect(readYaml("x", shallow).documents).toHaveLength(1);
    }
    expect(readJson(JSON.stringify({ a: "[".repeat(3000) }))).toEqual({ a: "[".repeat(3000) });
  });

  test("in whatever is read", async () => {
    const deep = `${"[".repeat(2000)}${"]".repeat(2000)}`;
    expect(readJson(deep)).toBeUndefined();
    expect(() => readManifests(`---\n# Source: x\na: ${deep}\n`)).toThrow(/nested too deeply/);
    expect(() => parseKubeconfig("x", deep)).toThrow(/nested too deeply/);
    const settings = { "deploy.yaml": `environments: ${deep}\n` };
    for (const files of [settings, { "mybinder/Chart.yaml": `a: ${deep}\n` }, { "mybinder/Chart.lock": deep }]) {
      await using its = await world({ "config/prod.yaml": "a: 1\n", ...files });
      expect(await errorOf(() => its.open())).toMatchObject({ code: "MALFORMED_YAML" });
    }
    await using its = await world({ "config/prod.yaml": "a: 1\n", "deploy.lock": deep });
    await using project = await its.open();
    expect(await errorOf(() => project.environment("prod").render())).toBeInstanceOf(Error);
  });
});

/** Makes text for a very long time, or without an end. */
const LOOPS =
  "{{ range $i := until 100000 }}{{ range $j := until 100000 }}{{ $x := sha256sum (toString $j) }}{{ end }}{{ end }}";

/** The processes of this machine whose command line holds a text. */
const running = (text: string): string[] =>
  readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, "latin1").includes(text);
    } catch {
      return false;
    }
  });

describe.skipIf(process.platform !== "linux").each([...HELM_3, ...HELM_4])("$label", ({ path: helm, missing }) => {
  const opened = async (template: string, more: object = {}) => {
    const its = await world({ "config/prod.yaml": "a: 1\n", "mybinder/templates/a.yaml": template });
    const project = await its.open({ env: { ...its.repository.env, HELM: helm }, ...more });
    return {
      prod: project.environment("prod"),
      async [Symbol.asyncDispose]() {
        await project.close();
        await its[Symbol.asyncDispose]();
      },
    };
  };

  test.skipIf(missing)("is ended where it does not end", async () => {
    await using its = await opened(LOOPS, { helmSeconds: 2 });
    expect(await errorOf(() => its.prod.render())).toMatchObject({
      code: "TOOL_FAILED",
      message: "the chart cannot be rendered: it was not done within 2 seconds, and was ended",
    });
  });

  test.skipIf(missing)("is ended by the one who ends the run, with SIGKILL if it must be", async () => {
    await using its = await opened(LOOPS);
    const begun = Date.now();
    const error = await errorOf(() => its.prod.render({ signal: AbortSignal.timeout(1500) }));
    expect(error).toMatchObject({ code: "INTERRUPTED" });
    expect(Date.now() - begun).toBeLessThan(30_000);
    expect(running("git-vault-deploy-").filter((pid) => running(helm).includes(pid))).toEqual([]);
  });

  test.skipIf(missing)("is ended where it takes too much memory", async () => {
    await using its = await opened('{{ range until 5000000 }}{{ $x := repeat 1000000 "x" }}{{ $x }}{{ end }}');
    expect(await errorOf(() => its.prod.render())).toMatchObject({
      code: "TOOL_FAILED",
      message: expect.stringMatching(/it needed more than \d+ bytes of memory|it printed more than \d+ bytes/),
    });
  });

  test.skipIf(missing)("is ended in a plan, too", async () => {
    await using at = await clusterWorld(helm);
    at.repository.write("app/templates/loop.yaml", LOOPS);
    await at.repository.commit("loops");
    await using project = await at.open();
    await using cluster = await Cluster.connect(project, project.environment("staging"));
    const error = await errorOf(() => makePlan(project, cluster, { signal: AbortSignal.timeout(1500) }));
    expect(error).toMatchObject({ code: "INTERRUPTED" });
  });
});
