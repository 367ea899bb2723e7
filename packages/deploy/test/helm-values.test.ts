import { join } from "node:path";
import { cases, peer, runOk, seed, type Repository, throwawayRepository } from "@git-vault/testkit";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Project } from "../src/index.ts";
import type { ValueMap } from "../src/values/value.ts";
import { mapText } from "./yaml-text.ts";

/*
 * Values are read and merged by ours and by Helm itself, from the same files: the chart prints what
 * it sees. One start of Helm judges all cases, since each case has a key of its own at the top.
 */
const CASES = cases(500, 10_000);
const SEED = seed(1);
const LAYERS = ["mybinder/values.yaml", "config/common.yaml", "config/prod.yaml"] as const;
const PRINTER = `apiVersion: v1
kind: ConfigMap
metadata:
  name: values
data:
  values: {{ .Values | toJson | b64enc | quote }}
`;

/** About the last that a double holds exactly, and the last of 64 bits. */
const NUMBERS = [
  "9007199254740991",
  "9007199254740992",
  "9007199254740993",
  "-9007199254740993",
  "9223372036854775807",
  "9223372036854775808",
  "18446744073709551615",
  "18446744073709551616",
  "-9223372036854775808",
  "123456789012345678901234567890",
  "100000000000000000000",
  "1e21",
  "0x7fffffffffffffff",
  "0o777777",
  "1_000_000",
  "1.0",
  "1e3",
  "12345678.9",
  "1.5e300",
  "0.000001",
  "1e-7",
  "0.1",
  "21474836470",
];

async function repositoryOf(files: Readonly<Record<string, string>>): Promise<Repository> {
  const repository = await throwawayRepository();
  repository.write("mybinder/Chart.yaml", "apiVersion: v2\nname: mybinder\nversion: 1.0.0\n");
  repository.write("mybinder/templates/values.yaml", PRINTER);
  for (const [path, text] of Object.entries(files)) repository.write(path, text);
  await repository.commit("all");
  return repository;
}

/** What the chart sees, as the JSON that Helm writes, with all of its digits. */
async function textByHelm(program: string, { path, env }: Repository): Promise<string> {
  const files = LAYERS.slice(1).flatMap((layer) => ["-f", join(path, layer)]);
  const output = await runOk(program, ["template", "x", join(path, "mybinder"), ...files], { env: { ...env } });
  return Buffer.from(/values: "(.*)"/.exec(output.toString())?.[1] ?? "", "base64").toString();
}

const byHelm = async (program: string, repository: Repository): Promise<ValueMap> =>
  JSON.parse(await textByHelm(program, repository));

/** Our values, and what Helm prints when it gets them from us on standard input. */
async function byUs(
  program: string,
  repository: Repository,
  helm: 3 | 4,
): Promise<{ read: ValueMap; rendered: ValueMap; text: string }> {
  const env = { ...repository.env, HELM: program };
  await using project = await Project.open({ root: repository.path, env, key: null });
  const environment = project.environment("prod");
  const [manifest] = await environment.render();
  const data = manifest?.object["data"] as { values: string };
  // JSON knows no -0 and no map without a prototype.
  const read = JSON.parse(JSON.stringify(environment.values({ helm }).value)) as ValueMap;
  const text = Buffer.from(data.values, "base64").toString();
  return { read, rendered: JSON.parse(text), text };
}

const withoutNegativeZero = (value: ValueMap): ValueMap =>
  JSON.parse(JSON.stringify(value, (_, inner: unknown) => (Object.is(inner, -0) ? 0 : inner)));

describe.each([3, 4] as const)("values, against Helm %i", (major) => {
  const helm = peer(`helm${major}`);

  test.skipIf(helm.missing)(`random files are read and merged alike by ${helm.label}`, async () => {
    const made = fc.sample(fc.tuple(...LAYERS.map(() => mapText)), { numRuns: CASES, seed: SEED });
    const files = LAYERS.map((path, at): [string, string] => [
      path,
      made.map((texts, number) => `c${number}:${texts[at]}\n`).join(""),
    ]);
    using repository = await repositoryOf(Object.fromEntries(files));
    const expected = await byHelm(helm.path, repository);
    const { read, rendered } = await byUs(helm.path, repository, major);
    for (const [number, texts] of made.entries()) {
      const at = `seed ${SEED}, case ${number}:\n${texts.join("\n---\n")}`;
      expect({ at, ...withoutNegativeZero({ c: read[`c${number}`] ?? null }) }).toEqual({
        at,
        ...withoutNegativeZero({ c: expected[`c${number}`] ?? null }),
      });
    }
    expect(withoutNegativeZero(rendered)).toEqual(withoutNegativeZero(expected));
  });

  test.skipIf(helm.missing)(`numbers of any size are read and sent on as ${helm.label} holds them`, async () => {
    const lines = (indent: string): string => NUMBERS.map((number, at) => `${indent}n${at}: ${number}\n`).join("");
    using repository = await repositoryOf({
      "mybinder/values.yaml": `ofChart:\n${lines("  ")}below:\n${lines("  ")}`,
      "config/common.yaml": `ofLayer:\n${lines("  ")}`,
      "config/prod.yaml": `below:\n${lines("  ")}`,
    });
    const expected = await textByHelm(helm.path, repository);
    const { read, text } = await byUs(helm.path, repository, major);
    // To the last digit: what Helm gets from us is what it reads itself.
    expect(text).toBe(expected);
    const held = (key: string): string[] => {
      const [, inside = ""] = new RegExp(`"${key}":\\{(.*?)\\}`).exec(expected) ?? [];
      const byName = new Map(
        inside.split(",").map((entry) => [entry.slice(1, entry.indexOf(":") - 1), entry.slice(entry.indexOf(":") + 1)]),
      );
      return NUMBERS.map((_, at) => byName.get(`n${at}`) ?? "");
    };
    const ours = (key: string): number[] => Object.values(read[key] as Record<string, number>);
    for (const key of ["ofLayer", "below", "ofChart"]) expect(held(key).map(Number)).toEqual(ours(key));
    // As a double is written; but Helm 3 keeps the digits of a chart's own integers, as far as they
    // have 64 bits.
    const doubles = ours("ofLayer").map(String);
    expect(held("ofLayer").map((digits) => String(Number(digits)))).toEqual(doubles);
    const kept = held("ofChart").filter((digits, at) => /^-?\d+$/.test(digits) && digits !== held("ofLayer")[at]);
    expect(kept).toEqual(
      major === 4
        ? []
        : [
            "9007199254740993",
            "-9007199254740993",
            "9223372036854775807",
            "9223372036854775808",
            "18446744073709551615",
            "-9223372036854775808",
            "9223372036854775807",
          ],
    );
  });

  // As docs/deploy/values.md says: Helm 3.18 leaves the line end out which the file leaves out.
  test.skipIf(helm.missing)(
    `a block scalar that ends a file without a line end has one, whatever ${helm.label} does`,
    async () => {
      using repository = await repositoryOf({
        "mybinder/values.yaml": "ofChart: |\n  text",
        "config/common.yaml": "ofLayer: |\n  text",
        "config/prod.yaml": "kept: |+\n  text\nfolded: >\n  text\nbare: |-\n  text\nlast:\n  - |\n    one\n    two",
      });
      const asIs = major === 4 ? "\n" : "";
      const expected = { ofChart: `text${asIs}`, kept: "text\n", folded: "text\n", bare: "text" };
      expect(await byHelm(helm.path, repository)).toEqual({
        ...expected,
        ofLayer: `text${asIs}`,
        last: [`one\ntwo${asIs}`],
      });
      const { read, rendered } = await byUs(helm.path, repository, major);
      const layers = { ofLayer: "text\n", last: ["one\ntwo\n"] };
      expect(read).toEqual({ ...expected, ...layers, ofChart: "text\n" });
      expect(rendered).toEqual({ ...expected, ...layers });
    },
  );

  test.skipIf(helm.missing)(`odd but valid YAML is read alike by ${helm.label}`, async () => {
    const common = String.raw`
merge: &m {a: 2, b: 3}
other: &n {a: 5, c: 6}
later: {a: 1, <<: *m}
earlier: {<<: *m, a: 1}
several: {<<: [*m, *n]}
quoted: {"<<": *m}
tagged: {!!merge <<: *m}
&k key: *m
again: *k
large: [9007199254740993, 18446744073709551615, 123456789012345678901234567890]
bytes: !!binary "////"
pairs: {b: 1, c}
list: [a: 1]
__proto__: {a: 1}
constructor: 1
? long
: key
? alone
anchors: [&x 1, &x 2, *x]
escapes: "\x41\u00e9\U0001F600\e\_\N\L\P\0\
  joined"
unprintable: "\x7f\x80\x9f\uFEFF\uFFFE"
"y": quoted
on: plain
folded: several
  lines

  of text
`;
    using repository = await repositoryOf({
      "mybinder/values.yaml": "a: 1\n",
      "config/common.yaml": common,
      "config/prod.yaml": "b: 1\n",
    });
    const expected = await byHelm(helm.path, repository);
    const { read, rendered } = await byUs(helm.path, repository, major);
    expect(read).toEqual(expected);
    expect(rendered).toEqual(expected);
  });
});
