import { join } from "node:path";
import { peer, runOk, type Repository, throwawayRepository } from "@git-vault/testkit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Project, type ValueMap } from "../src/index.ts";
import { mapText } from "./yaml-text.ts";

/*
 * Values are read and merged by ours and by Helm itself, from the same files: the chart prints what it sees. One start of Helm
 * judges all cases, since each case has a key of its own at the top. GIT_VAULT_MERGES asks for more of them.
 */
const CASES = Number(process.env["GIT_VAULT_MERGES"] ?? 300);
const LAYERS = ["mybinder/values.yaml", "config/common.yaml", "config/prod.yaml"] as const;
const PRINTER = `apiVersion: v1
kind: ConfigMap
metadata:
  name: values
data:
  values: {{ .Values | toJson | b64enc | quote }}
`;

async function repositoryOf(files: Readonly<Record<string, string>>): Promise<Repository> {
  const repository = await throwawayRepository();
  repository.write("mybinder/Chart.yaml", "apiVersion: v2\nname: mybinder\nversion: 1.0.0\n");
  repository.write("mybinder/templates/values.yaml", PRINTER);
  for (const [path, text] of Object.entries(files)) repository.write(path, text);
  await repository.commit("all");
  return repository;
}

async function byHelm(program: string, { path, env }: Repository): Promise<ValueMap> {
  const files = LAYERS.slice(1).flatMap((layer) => ["-f", join(path, layer)]);
  const output = await runOk(program, ["template", "x", join(path, "mybinder"), ...files], { env: { ...env } });
  return JSON.parse(Buffer.from(/values: "(.*)"/.exec(output.toString())?.[1] ?? "", "base64").toString());
}

/** Our values, and what Helm prints when it gets them from us on standard input. */
async function byUs(
  program: string,
  repository: Repository,
  helm: 3 | 4,
): Promise<{ read: ValueMap; rendered: ValueMap }> {
  const env = { ...repository.env, HELM: program };
  await using project = await Project.open({ root: repository.path, env, key: null });
  const environment = project.environment("prod");
  const [manifest] = await environment.render();
  const data = manifest?.object["data"] as { values: string };
  // JSON knows no -0 and no map without a prototype.
  const read = JSON.parse(JSON.stringify(environment.values({ helm }).value)) as ValueMap;
  return { read, rendered: JSON.parse(Buffer.from(data.values, "base64").toString()) };
}

const withoutNegativeZero = (value: ValueMap): ValueMap =>
  JSON.parse(JSON.stringify(value, (_, inner: unknown) => (Object.is(inner, -0) ? 0 : inner)));

describe.each([3, 4] as const)("values, against Helm %i", (major) => {
  const helm = peer(`helm${major}`);

  it.skipIf(helm.missing)(`random files are read and merged alike by ${helm.label}`, async () => {
    const seed = Number(process.env["GIT_VAULT_SEED"] ?? Date.now() & 0x7fffffff);
    const cases = fc.sample(fc.tuple(...LAYERS.map(() => mapText)), { numRuns: CASES, seed });
    const files = LAYERS.map((path, at): [string, string] => [
      path,
      cases.map((texts, number) => `c${number}:${texts[at]}\n`).join(""),
    ]);
    using repository = await repositoryOf(Object.fromEntries(files));
    const expected = await byHelm(helm.path, repository);
    const { read, rendered } = await byUs(helm.path, repository, major);
    for (const [number, texts] of cases.entries()) {
      const at = `seed ${seed}, case ${number}:\n${texts.join("\n---\n")}`;
      expect({ at, ...withoutNegativeZero({ c: read[`c${number}`] ?? null }) }).toEqual({
        at,
        ...withoutNegativeZero({ c: expected[`c${number}`] ?? null }),
      });
    }
    expect(withoutNegativeZero(rendered)).toEqual(withoutNegativeZero(expected));
  });

  it.skipIf(helm.missing)(`odd but valid YAML is read alike by ${helm.label}`, async () => {
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
