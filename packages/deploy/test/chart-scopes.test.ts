import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { cases, peer, run, seed, temporaryFolder } from "@git-vault/testkit";
import { Ajv } from "ajv";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { loadChart } from "../src/charts/loaded-chart.ts";
import { chartScopes } from "../src/charts/chart-scopes.ts";
import { isMap, type ValueMap } from "../src/values/value.ts";
import type { Value } from "../src/values/index.ts";

/*
 * Charts in charts, with aliases, conditions, tags, imports and globals, are made at random; each
 * prints what it sees. Helm and we must agree on which take part, what each sees, and whether it is
 * as their schemas say.
 */
const CASES = cases(12, 400);
const SEED = seed(1);

const PRINTER = `apiVersion: v1
kind: ConfigMap
metadata: { name: x }
data: { values: {{ .Values | toJson | b64enc | quote }} }
`;

interface RandomChart {
  readonly name: string;
  readonly values: object;
  readonly schema: object | null;
  /** For each of the charts: whether and how it is required. */
  readonly requirements: readonly (object | null)[] | null;
  readonly charts: readonly RandomChart[];
}

const scalar = fc.constantFrom(1, 2, "s", true, false, null, [1, null]);
const inner = fc.record(
  { x: scalar, on: scalar, deep: fc.record({ x: scalar, y: scalar }, { requiredKeys: [] }) },
  { requiredKeys: [] },
);
const setting = fc.oneof({ weight: 1, arbitrary: scalar }, { weight: 3, arbitrary: inner });
const switches = fc.record({ one: fc.boolean(), two: fc.boolean() }, { requiredKeys: [] });

/**
 * Values for a chart: its own, global ones, and those of the charts in it, whatever their names.
 */
const valuesOf = (depth: number): fc.Arbitrary<object> =>
  fc.record(
    {
      x: setting,
      y: setting,
      on: scalar,
      global: fc.oneof({ weight: 6, arbitrary: inner }, { weight: 1, arbitrary: scalar }),
      tags: switches,
      exports: fc.record({ e: inner }),
      ...(depth === 0
        ? {}
        : Object.fromEntries(
            ["a", "b", "other", "again"].map((name) => [
              name,
              fc.oneof({ weight: 12, arbitrary: valuesOf(depth - 1) }, { weight: 1, arbitrary: scalar }),
            ]),
          )),
    },
    { requiredKeys: [] },
  );

const requirement = (name: string, aliases: readonly string[]): fc.Arbitrary<object> =>
  fc.record(
    {
      name: fc.constant(name),
      version: fc.constant("1.0.0"),
      alias: fc.constantFrom(...aliases),
      condition: fc.constantFrom(`${name}.on`, `${aliases[0]}.on`, "x.on,on", "global.on"),
      tags: fc.subarray(["one", "two"]),
      "import-values": fc.array(
        fc.constantFrom<unknown>(
          "e",
          "none",
          { child: "x", parent: "y" },
          { child: "x.deep", parent: "." },
          { child: "y", parent: "x.deep" },
        ),
        { maxLength: 2 },
      ),
    },
    { requiredKeys: ["name", "version"] },
  );

const schema = fc.constantFrom<object>(
  { properties: { x: { type: ["number", "string", "boolean", "object"] } } },
  { required: ["x"] },
  { properties: { y: { properties: { x: { type: "number" } } }, global: { required: ["x"] } } },
  { additionalProperties: true },
);

const chart = (name: string, depth: number): fc.Arbitrary<RandomChart> =>
  fc
    .record({
      values: valuesOf(depth),
      schema: fc.option(schema, { freq: 1 }),
      children: depth === 0 ? fc.constant<string[]>([]) : fc.subarray(["a", "b"], { minLength: 1 }),
      isPlain: fc.boolean(),
    })
    .chain(({ children, isPlain, ...rest }) =>
      fc.record({
        name: fc.constant(name),
        values: fc.constant(rest.values),
        schema: fc.constant(rest.schema),
        charts: fc.tuple(...children.map((child) => chart(child, depth - 1))),
        requirements:
          isPlain || children.length === 0
            ? fc.constant(null)
            : fc.tuple(
                ...children.map((child) =>
                  fc.option(requirement(child, child === "a" ? ["other"] : ["again"]), { freq: 2 }),
                ),
              ),
      }),
    );

function filesOf({ name, values, schema: own, requirements, charts }: RandomChart): Record<string, string> {
  const dependencies = requirements?.filter((one) => one !== null);
  return {
    "Chart.yaml": JSON.stringify({
      apiVersion: "v2",
      name,
      version: "1.0.0",
      ...(dependencies === undefined ? {} : { dependencies }),
    }),
    "values.yaml": JSON.stringify(values),
    "templates/x.yaml": PRINTER,
    ...(own === null ? {} : { "values.schema.json": JSON.stringify(own) }),
    ...Object.fromEntries(
      charts.flatMap((child) =>
        Object.entries(filesOf(child)).map(([path, text]) => [`charts/${child.name}/${path}`, text]),
      ),
    ),
  };
}

/**
 * What each chart sees, in order. Their places are left out, since Helm names no alias in the
 * places of those below it.
 */
type Seen = { readonly scopes: readonly string[] } | { readonly refused: "schema" | "no map" };

function canonical(value: Value): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (!isMap(value)) return JSON.stringify(value);
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inside]) => `${JSON.stringify(key)}:${canonical(inside)}`).join(",")}}`;
}

async function byHelm(program: string, folder: string, overrides: object): Promise<Seen> {
  writeFileSync(join(folder, "overrides.yaml"), JSON.stringify(overrides));
  const { status, stdout, stderr } = await run(
    program,
    ["template", "x", join(folder, "root"), "-f", join(folder, "overrides.yaml")],
    {
      env: { HOME: folder, PATH: process.env["PATH"] },
    },
  );
  const said = stderr;
  if (status !== 0) {
    if (said.includes("values don't meet the specifications of the schema")) return { refused: "schema" };
    if (said.includes("type mismatch on")) return { refused: "no map" };
    throw new Error(said);
  }
  const found = stdout.toString().matchAll(/values: "(.*?)"/g);
  return {
    scopes: Array.from(found, ([, values = ""]) =>
      canonical(JSON.parse(Buffer.from(values, "base64").toString())),
    ).toSorted(),
  };
}

function byUs(files: Readonly<Record<string, string>>, overrides: ValueMap, helm: 3 | 4): Seen {
  const loaded = loadChart(
    new Map(Object.entries(files).map(([path, text]) => [path, Buffer.from(text)])),
    (name, why) => {
      throw new Error(`${name}: ${why}`);
    },
  );
  const scopes = chartScopes(loaded, overrides, helm);
  if ("path" in scopes) return { refused: "no map" };
  const ajv = new Ajv({ strict: false });
  for (const { chart: one, values } of scopes) {
    const own = one.files.get("values.schema.json");
    if (own !== undefined && !ajv.validate(JSON.parse(own.toString()), JSON.parse(JSON.stringify(values))))
      return { refused: "schema" };
  }
  return { scopes: scopes.map(({ values }) => canonical(values)).toSorted() };
}

describe.each([3, 4] as const)("charts in charts, against Helm %i", (major) => {
  const helm = peer(`helm${major}`);

  test.skipIf(helm.missing)(`take part, see and refuse the same as for ${helm.label}`, async () => {
    const made = fc.sample(fc.tuple(chart("root", 3), valuesOf(3)), { numRuns: CASES, seed: SEED });
    for (const [number, [root, overrides]] of made.entries()) {
      using folder = temporaryFolder();
      const files = filesOf(root);
      for (const [path, text] of Object.entries(files)) {
        const target = join(folder.path, "root", path);
        mkdirSync(dirname(target), { recursive: true });
        writeFileSync(target, text);
      }
      const at = `seed ${SEED}, case ${number}: ${JSON.stringify({ files, overrides }, null, 1)}`;
      expect({ at, ...byUs(files, overrides as ValueMap, major) }).toEqual({
        at,
        ...(await byHelm(helm.path, folder.path, overrides)),
      });
    }
  });
});
