import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { peer, run, temporaryFolder, type TemporaryFolder } from "@git-vault/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { assertOwnSchemas } from "../src/charts/foreign-schemas.ts";
import { compileSchema } from "../src/checks/json-schema.ts";
import { runChecks } from "../src/checks/index.ts";
import type { Finding } from "../src/findings/index.ts";
import { HELM_3, HELM_4 } from "./cluster-world.ts";
import { errorOf, world } from "./world.ts";

const DRAFT_7 = "http://json-schema.org/draft-07/schema#";
const DRAFT_2019 = "https://json-schema.org/draft/2019-09/schema";
const DRAFT_2020 = "https://json-schema.org/draft/2020-12/schema";

const EMAIL = { properties: { a: { type: "string", format: "email" } } };
const SIBLINGS = {
  definitions: { t: { type: "string" } },
  properties: { a: { $ref: "#/definitions/t", maxLength: 1 } },
};
const CENTS = { properties: { a: { multipleOf: 0.01 } } };

/** A schema, values, and whether they are as it says. */
const CASES: readonly (readonly [name: string, schema: object, values: object, fits: boolean])[] = [
  ["what stands beside a $ref does not count in draft 7", { $schema: DRAFT_7, ...SIBLINGS }, { a: "long" }, true],
  ["what stands beside a $ref counts in 2019-09", { $schema: DRAFT_2019, ...SIBLINGS }, { a: "long" }, false],
  ["what stands beside a $ref counts in 2020-12", { $schema: DRAFT_2020, ...SIBLINGS }, { a: "long" }, false],
  ["what stands beside a $ref counts without a draft", SIBLINGS, { a: "long" }, false],
  [
    "a $ref of the top keeps its definitions",
    { $schema: DRAFT_7, $ref: "#/definitions/t", definitions: { t: { required: ["b"] } } },
    { a: 1 },
    false,
  ],
  ...[0.07, 19.99, 1.1, 4.35, 1e21].map((a) => [`${a} is a multiple of 0.01`, CENTS, { a }, true] as const),
  ["0.001 is no multiple of 0.01", CENTS, { a: 0.001 }, false],
  ["19.9900001 is no multiple of 0.01", { $schema: DRAFT_7, ...CENTS }, { a: 19.9900001 }, false],
  ["a format counts in draft 7", { $schema: DRAFT_7, ...EMAIL }, { a: "nobody" }, false],
  ["a format is a remark in 2019-09", { $schema: DRAFT_2019, ...EMAIL }, { a: "nobody" }, true],
  ["a format is a remark in 2020-12", { $schema: DRAFT_2020, ...EMAIL }, { a: "nobody" }, true],
  ["a format is a remark without a draft", EMAIL, { a: "nobody" }, true],
  [
    "items is a list in draft 7",
    { $schema: DRAFT_7, properties: { a: { items: [{ type: "string" }] } } },
    { a: [1] },
    false,
  ],
  [
    "prefixItems counts in 2020-12",
    { $schema: DRAFT_2020, properties: { a: { prefixItems: [{ type: "string" }] } } },
    { a: [1] },
    false,
  ],
  [
    "a schema may refer to its own id",
    {
      $id: "https://example.org/s.json",
      $defs: { t: { type: "string" } },
      properties: { a: { $ref: "https://example.org/s.json#/$defs/t" } },
    },
    { a: 1 },
    false,
  ],
  [
    "$dynamicRef leads to the top",
    { $schema: DRAFT_2020, $dynamicAnchor: "n", properties: { a: { $dynamicRef: "#n" } }, type: "object" },
    { a: 1 },
    false,
  ],
  [
    "$recursiveRef leads to the top",
    { $schema: DRAFT_2019, $recursiveAnchor: true, properties: { a: { $recursiveRef: "#" } }, type: "object" },
    { a: 1 },
    false,
  ],
];

let folder: TemporaryFolder;
beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => folder.remove());

async function helmSays(helm: string, schema: object, values: object): Promise<boolean> {
  const chart = join(folder.path, "chart");
  mkdirSync(join(chart, "templates"), { recursive: true });
  writeFileSync(join(chart, "Chart.yaml"), "apiVersion: v2\nname: chart\nversion: 1.0.0\n");
  writeFileSync(join(chart, "values.schema.json"), JSON.stringify(schema));
  const env = { PATH: process.env["PATH"], HOME: folder.path };
  const { status, stderr } = await run(helm, ["template", "x", chart, "-f", "-"], {
    env,
    input: JSON.stringify(values),
  });
  expect(status === 0 || stderr.includes("meet the specifications of the schema")).toBe(true);
  return status === 0;
}

describe("a JSON Schema", () => {
  test.each(CASES)("%s", async (_, schema, values, fits) => {
    const validate = await compileSchema(schema);
    expect(validate(values)).toBe(fits);
  });

  // Before 3.18.1, Helm knew no draft after 7.
  const old = CASES.filter(([, schema]) => "$schema" in schema && schema.$schema === DRAFT_7);
  describe.each([
    [peer("helm3"), old],
    [peer("helm4"), CASES],
  ] as const)("and to $0.label", ({ path, missing }, all) => {
    test.skipIf(missing).each(all)("%s", async (_, schema, values, fits) => {
      expect(await helmSays(path, schema, values)).toBe(fits);
    });
  });
});

/** A file of an archive (ustar). */
function tarFile(name: string, content: Buffer): Buffer {
  const header = Buffer.alloc(512);
  header.write(name);
  header.write("0000644\0", 100);
  header.write(`${content.length.toString(8).padStart(11, "0")}\0`, 124);
  header.write("        0ustar\u000000", 148);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
}

const archive = (name: string, content: Buffer | string): Buffer =>
  gzipSync(Buffer.concat([tarFile(name, Buffer.from(content)), Buffer.alloc(1024)]), { level: 0 });

describe("a schema that leads out of its file", () => {
  const FOREIGN: readonly (readonly [name: string, schema: string])[] = [
    ["$ref over the network", '{"$ref":"http://127.0.0.1/x"}'],
    ["$ref to a file", '{"properties":{"a":{"$ref":"file:///etc/passwd"}}}'],
    ["$ref to a file beside it", '{"$ref":"other.json"}'],
    ["$ref to a network's path", '{"$ref":"//host/x"}'],
    ["$dynamicRef", '{"$dynamicRef":"https://127.0.0.1/x#n"}'],
    ["$recursiveRef", '{"$recursiveRef":"other.json#"}'],
    ["$ref below an id of its own", '{"allOf":[{"$id":"http://127.0.0.1/a/"},{"$ref":"b"}]}'],
    ["$ref to an id below that no draft reads", '{"x":{"$id":"http://127.0.0.1/a"},"$ref":"http://127.0.0.1/a"}'],
    ["$ref within data that may be referred to", '{"default":{"$ref":"http://127.0.0.1/x"},"$ref":"#/default"}'],
    ["a $schema of its own", '{"$schema":"http://127.0.0.1/meta"}'],
    ["a $schema of its own below", '{"$defs":{"a":{"$schema":"file:///meta","$id":"b"}}}'],
    ["nesting without an end", `${'{"not":'.repeat(5000)}{}${"}".repeat(5000)}`],
    ["what is no JSON", "{"],
  ];

  test.each(FOREIGN)("is refused: %s", async (_, schema) => {
    expect(await errorOf(() => assertOwnSchemas([["app/values.schema.json", Buffer.from(schema)]]))).toMatchObject({
      code: "FOREIGN_SCHEMA",
    });
  });

  test("is refused in archives, and in archives in them, whatever the slashes are", async () => {
    const [[, schema]] = FOREIGN as [readonly [string, string]];
    for (const name of ["a/values.schema.json", "./a//values.schema.json", "a\\values.schema.json"]) {
      const inner = archive(name, schema);
      const outer = archive("b/charts/a-1.0.0.tgz", inner);
      for (const content of [inner, outer])
        expect(await errorOf(() => assertOwnSchemas([["app/charts/b-1.0.0.tgz", content]]))).toMatchObject({
          code: "FOREIGN_SCHEMA",
          place: { file: "app/charts/b-1.0.0.tgz" },
        });
    }
  });

  test("archives without an end are refused", async () => {
    let content = archive("a/values.schema.json", "{}");
    for (let depth = 0; depth < 9; depth += 1) content = archive("a/charts/a-1.0.0.tgz", content);
    expect(await errorOf(() => assertOwnSchemas([["app/charts/a-1.0.0.tgz", content]]))).toMatchObject({
      code: "NOT_A_CHART",
    });
  });
});

describe.each([...HELM_3, ...HELM_4])("with $label", ({ path: helm, missing }) => {
  let server: Server;
  let asked: string[];
  beforeAll(async () => {
    server = createServer(({ url }, response) => {
      asked.push(url ?? "");
      response.end("{}");
    });
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  });
  afterAll(() => void server.close());

  const findingsOf = async (files: Readonly<Record<string, string | Buffer>>): Promise<Finding[]> => {
    asked = [];
    await using its = await world({ "config/prod.yaml": "a: 1\n", ...files });
    await using project = await its.open({ env: { ...its.repository.env, HELM: helm } });
    const findings: Finding[] = [];
    for await (const finding of runChecks(project)) findings.push(finding);
    return findings;
  };

  test.skipIf(missing)("nothing that a schema names is fetched, and check names the schema", async () => {
    const { port } = server.address() as AddressInfo;
    const schema = JSON.stringify({ $ref: `http://127.0.0.1:${port}/x` });
    const sub = {
      "mybinder/Chart.yaml":
        "apiVersion: v2\nname: mybinder\nversion: 1.0.0\ndependencies: [{ name: sub, version: 1.0.0 }]\n",
      "mybinder/Chart.lock": 'dependencies: [{ name: sub, version: 1.0.0, repository: "" }]\n',
      "mybinder/charts/sub/Chart.yaml": "apiVersion: v2\nname: sub\nversion: 1.0.0\n",
      "mybinder/charts/sub/values.schema.json": schema,
    };
    for (const files of [{ "mybinder/values.schema.json": schema }, sub]) {
      const findings = await findingsOf(files);
      expect(findings.filter(({ id }) => id === "boundary")).toMatchObject([
        { severity: "error", message: expect.stringContaining("a $ref in it leads out of the file") },
      ]);
      expect(asked).toEqual([]);
    }
  });

  test.skipIf(missing)("one that refers to itself without an end is a finding, and no internal error", async () => {
    const findings = await findingsOf({ "mybinder/values.schema.json": '{"allOf": [{"$ref": "#"}]}' });
    expect(findings.map(({ id, message }) => `${id} ${message}`)).toContainEqual(
      expect.stringMatching(/^schema the schema of the chart mybinder cannot be used/),
    );
  });

  test.skipIf(missing)("what was found not to be as the schema says is told once", async () => {
    const findings = await findingsOf({ "mybinder/values.schema.json": '{"required":["b"]}' });
    expect(findings.map(({ id }) => id).filter((id) => id === "schema" || id === "render")).toEqual(["schema"]);
  });
});

test.skipIf(peer("helm4").missing)("Helm would fetch what a schema names", async () => {
  // Else these tests would show nothing.
  const seen: string[] = [];
  const server = createServer(({ url }, response) => {
    seen.push(url ?? "");
    response.end("{}");
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await helmSays(peer("helm4").path, { $ref: `http://127.0.0.1:${port}/x` }, {}).catch(() => false);
  server.close();
  expect(seen).toEqual(["/x"]);
});
