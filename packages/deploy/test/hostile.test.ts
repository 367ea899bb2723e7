import { encodeKeyFile, generateKeyFile } from "@git-vault/git-crypt";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHECKS, runChecks } from "../src/checks/index.ts";
import { DeployError } from "../src/index.ts";
import { readYaml } from "../src/values/read-yaml.ts";
import type { Finding } from "../src/findings/index.ts";
import { CHART, errorOf, world, type World } from "./world.ts";

const CANARY = "canary-in-the-coal-mine";
const BILLION = Array.from({ length: 9 }, (_, at) =>
  at === 0
    ? `a0: &a0 [${CANARY}, 1]`
    : `a${at}: &a${at} [${Array.from({ length: 10 }, () => `*a${at - 1}`).join(", ")}]`,
).join("\n");

/** A long text, and aliases that copy it. */
const COPIES = `a: &a ${CANARY}${"x".repeat(100_000)}\nb:\n${"  - *a\n".repeat(200)}`;
const TOO_MUCH = /the file's aliases amount to more than 16777216 characters$/;

/** Each layer, and what is said of it. */
const LAYERS: readonly (readonly [name: string, content: string | Buffer, code: string, message: RegExp])[] = [
  ["bomb", BILLION, "TOO_MANY_ALIASES", /:7:\d+: the file amounts to more than 1000000 values/],
  ["copies", COPIES, "TOO_MANY_ALIASES", TOO_MUCH],
  [
    "copies-of-keys",
    `a: &a {${"k".repeat(100_000)}: 1}\nb:\n${"  - { <<: *a }\n".repeat(200)}`,
    "TOO_MANY_ALIASES",
    TOO_MUCH,
  ],
  [
    "copies-in-documents",
    Array.from({ length: 4 }, () => COPIES.replace("  - *a\n".repeat(150), "")).join("---\n"),
    "TOO_MANY_ALIASES",
    TOO_MUCH,
  ],
  ["cycle", `a: &a\n  b: [*a, ${CANARY}]\n`, "TOO_MANY_ALIASES", /:2:7: the alias stands inside of what it names/],
  ["dangling", "a: *nowhere\n", "MALFORMED_YAML", /:1:4: /],
  ["deep", `a: ${"[".repeat(5000)}${"]".repeat(5000)}\n`, "MALFORMED_YAML", /nested too deeply/],
  [
    "deep-block",
    Array.from({ length: 3000 }, (_, at) => `${" ".repeat(at)}a:`).join("\n"),
    "MALFORMED_YAML",
    /nested too deeply/,
  ],
  ["syntax", `a: b: ${CANARY}\n`, "MALFORMED_YAML", /:1:\d+: expected YAML, got a mistake/],
  ["unclosed", `a: "${CANARY}\n`, "MALFORMED_YAML", /expected YAML, got a mistake/],
  ["tabs", `a:\n\tb: ${CANARY}\n`, "MALFORMED_YAML", /expected YAML, got a mistake/],
  ["twice", `a: 1\nb: 2\na: ${CANARY}\n`, "DUPLICATE_KEY", /:3: the map has this key twice/],
  ["twice-read", `y: 1\n"true": ${CANARY}\n`, "DUPLICATE_KEY", /:2: the map has this key twice/],
  ["documents", `a: 1\n---\nb: ${CANARY}\n`, "SEVERAL_DOCUMENTS", /expected one YAML document, got 2/],
  ["list", `- ${CANARY}\n`, "MALFORMED_YAML", /expected a map of values, got a list/],
  ["scalar", CANARY, "MALFORMED_YAML", /expected a map of values, got a scalar/],
  ["empty", "", "EMPTY_LAYER", /says nothing/],
  ["comment", "# nothing but words\n", "EMPTY_LAYER", /says nothing/],
  ["nothing", "---\n", "EMPTY_LAYER", /says nothing/],
  ["braces", "{}\n", "EMPTY_LAYER", /says nothing/],
  ["infinite", "a: .inf\n", "MALFORMED_YAML", /:1:4: a value that is infinite/],
  ["null-key", `~: ${CANARY}\n`, "MALFORMED_YAML", /:1:1: a key that is null/],
  ["list-key", `[${CANARY}]: 1\n`, "MALFORMED_YAML", /:1:1: a key that is null, a list or a map/],
  ["tag", `a: !!int ${CANARY}\n`, "MALFORMED_YAML", /:1:\d+: the value does not fit its tag/],
  ["merge", `a: {<<: ${CANARY}}\n`, "MALFORMED_YAML", /expected a map to merge/],
  ["latin1", Buffer.from("a: caf\u00e9\n", "latin1"), "MALFORMED_YAML", /expected text in UTF-8/],
  ["utf16", Buffer.from("\ufeffa: 1\n", "utf16le"), "MALFORMED_YAML", /expected text in UTF-8/],
  ["zeros", Buffer.alloc(100), "MALFORMED_YAML", /expected text in UTF-8/],
  [
    "huge",
    Buffer.alloc(100 * 1024 * 1024, "# 100 MiB\n"),
    "TOO_LARGE",
    /has 104857600 bytes: expected at most 16777216/,
  ],
];

describe("a layer that is none", () => {
  let bad: World;
  const environments = Object.fromEntries([
    ...LAYERS.map(([name]) => [name, { layers: [`config/${name}.yaml`] }] as const),
    ["missing", { layers: ["config/missspelt.yaml"] }],
    ["folder", { layers: ["config"] }],
    ["good", { layers: ["config/good.yaml"] }],
  ]);
  beforeAll(async () => {
    const files = LAYERS.map(([name, content]) => [`config/${name}.yaml`, content] as const);
    bad = await world({ ...Object.fromEntries(files), "config/good.yaml": "a: 1\n" });
  });
  afterAll(() => bad[Symbol.asyncDispose]());

  test.each(LAYERS)(
    "%s is refused, with its code and place and without its content",
    async (name, _, code, message) => {
      await using project = await bad.open({ environments });
      const error = await errorOf(() => project.environment(name).values());
      expect(error).toBeInstanceOf(DeployError);
      expect(error).toMatchObject({ code, place: { file: `config/${name}.yaml` } });
      expect(error.message).toMatch(message);
      expect(JSON.stringify(error) + error.message + error.hint).not.toContain(CANARY);
    },
  );

  test.each(["missing", "folder"])("%s is refused, not skipped", async (name) => {
    await using project = await bad.open({ environments });
    expect(await errorOf(() => project.environment(name).values())).toMatchObject({ code: "MISSING_FILE" });
  });

  test("each is a finding of the check of layers or of strict YAML, and the others are none", async () => {
    await using project = await bad.open({ environments });
    const findings: Finding[] = [];
    for await (const finding of runChecks(project, { checks: CHECKS.slice(0, 2) })) findings.push(finding);
    const errors = findings.filter(({ severity }) => severity === "error");
    expect([...new Set(errors.map(({ environment = "" }) => environment))].toSorted()).toEqual(
      [...LAYERS.map(([name]) => name), "missing", "folder"].toSorted(),
    );
  });
});

describe("aliases that are used with measure", () => {
  test("are followed to the very node", () => {
    const [node] = readYaml("x", "a: &a {b: 1}\nc: *a\n").documents;
    if (node?.kind !== "map") throw new Error("expected a map");
    expect(node.entries.get("c")?.value).toBe(node.entries.get("a")?.value);
  });
});

describe("a long text that aliases copy", () => {
  const copies = (path: string): Record<string, string> => ({ "config/prod.yaml": "a: 1\n", [path]: COPIES });

  test.each(["deploy.yaml", "mybinder/Chart.yaml", "mybinder/Chart.lock"])("is refused in %s", async (path) => {
    await using its = await world(copies(path));
    const error = await errorOf(() => its.open());
    expect(error).toMatchObject({ code: "TOO_MANY_ALIASES", place: { file: path } });
    expect(error.message).toMatch(TOO_MUCH);
    expect(error.message).not.toContain(CANARY);
  });

  test("may be copied a few times", () => {
    const [node] = readYaml("x", COPIES.replace("  - *a\n".repeat(50), "")).documents;
    expect(node?.kind).toBe("map");
  });
});

describe("a chart that is none", () => {
  test.each([
    ["is a list", "- a\n"],
    ["is empty", ""],
    ["has no name", "apiVersion: v2\nversion: 1.0.0\n"],
    ["has a number for a name", "apiVersion: v2\nname: 5\nversion: 1.0.0\n"],
    ["has dependencies that are a map", `${CHART}dependencies: {a: 1}\n`],
    ["has a dependency without a name", `${CHART}dependencies: [{version: 1.0.0}]\n`],
  ])("%s", async (_, text) => {
    await using its = await world({ "mybinder/Chart.yaml": text, "config/prod.yaml": "a: 1\n" });
    expect(await errorOf(() => its.open())).toMatchObject({
      code: "NOT_A_CHART",
      place: { file: "mybinder/Chart.yaml" },
    });
  });

  test("no chart, or several", async () => {
    await using its = await world({ "other/Chart.yaml": CHART, "config/prod.yaml": "a: 1\n" });
    const error = await errorOf(() => its.open());
    expect(error).toMatchObject({ code: "NO_PROJECT" });
    expect(error.message).toContain("mybinder, other");
    expect(await errorOf(() => its.open({ chart: "third" }))).toMatchObject({ code: "NOT_A_CHART" });
  });
});

describe("the key", () => {
  test("of another repository is refused at once", async () => {
    await using its = await world({ "secrets/config/prod.yaml": "a: 1\n" });
    const bytes = encodeKeyFile(generateKeyFile());
    const error = await errorOf(() => its.open({ key: { bytes } }));
    expect(error).toMatchObject({ code: "WRONG_KEY" });
    expect(error.message).toContain("does not open the encrypted file");
  });

  test("that is missing locks the secret layers, and no others", async () => {
    await using its = await world({ "config/prod.yaml": "a: 1\n", "secrets/config/prod.yaml": "a: 2\n" });
    await using project = await its.open({ key: null });
    const prod = project.environment("prod");
    expect(project.hasKey).toBe(false);
    expect(await errorOf(() => prod.values())).toMatchObject({
      code: "LOCKED",
      place: { file: "secrets/config/prod.yaml" },
    });
    const values = prod.values({ withoutSecrets: true });
    expect(values.value).toEqual({ a: 1 });
    expect(values.leftOut.map(({ path }) => path)).toEqual(["secrets/config/prod.yaml"]);
  });

  test("does not open a file that was tampered with", async () => {
    await using its = await world({ "secrets/config/prod.yaml": "a: 1\n", "secrets/other": "x" });
    const file = await its.repository.git("show", "HEAD:secrets/config/prod.yaml");
    file[file.length - 1] = (file.at(-1) ?? 0) ^ 1;
    its.repository.write("secrets/config/prod.yaml", file);
    await its.repository.commit("tampered");
    await using project = await its.open();
    expect(await errorOf(() => project.environment("prod").values())).toMatchObject({ code: "TAMPERED_FILE" });
  });
});
