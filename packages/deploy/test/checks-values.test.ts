import { describe, expect, test } from "vitest";
import { drift } from "../src/checks/drift.ts";
import { layers } from "../src/checks/layers.ts";
import { overrides } from "../src/checks/overrides.ts";
import { schema } from "../src/checks/schema.ts";
import { strictYaml } from "../src/checks/strict-yaml.ts";
import { unknownKey } from "../src/checks/unknown-key.ts";
import { CANARIES, check } from "./check-world.ts";

describe("layers", () => {
  test("tells of layers that are missing, empty, no map or no YAML, and of files that are none", async () => {
    const { lines } = await check({
      checks: [layers],
      plain: {
        "deploy.yaml": `chart: web
layers: [config/common.yaml]
environments:
  staging: { layers: [config/staging.yaml, config/missspelt.yaml, config/list.yaml] }
  prod: { layers: [config/prod.yaml, secrets/config/prod.yaml] }
`,
        "config/common.yaml": "# database: {}\n",
        "config/list.yaml": "- 1\n",
        "config/prod.yaml": "a: [\n",
      },
    });
    expect(lines).toEqual([
      "layers error config/common.yaml config/common.yaml says nothing: a layer must set something",
      "layers error config/missspelt.yaml [staging] config/missspelt.yaml is not in the commit",
      "layers error config/list.yaml:1 [staging] config/list.yaml: expected a map of values, got a list",
      expect.stringMatching(
        /^layers error config\/prod\.yaml:\d \[prod\] config\/prod\.yaml:\d:\d: expected YAML, got/,
      ),
      "layers warning secrets/config/staging.yaml this file lies beside the layers, and is none of any environment",
    ]);
  });

  test("lets pass an empty values.yaml of the chart, kubeconfigs beside the layers, and other files", async () => {
    const { lines } = await check({
      checks: [layers],
      plain: { "web/values.yaml": "# nothing\n", "config/README.md": "x\n", "docker-compose.yaml": "a: 1\n" },
    });
    expect(lines).toEqual([]);
  });
});

describe("strict-yaml", () => {
  test("tells of every key that is there twice, further documents, and words that are read as something else", async () => {
    const { findings } = await check({
      checks: [strictYaml],
      plain: {
        "config/staging.yaml": "url: a\nurl: b\nx: { z: 1, z: 2 }\n---\nurl: c\n",
        "config/prod.yaml": `enabled: yes
off: 1
count: 0755
big: 12345678901234567890123
thousand: 1_000
version: 1.10
time: 12:30
commit: 123e4
mask: 0x7fffffffffffffff
defaultMode: 0644
thresholds: { high: 40e9, low: 1e6 }
`,
      },
    });
    expect(
      findings.map(({ file, line, severity, message }) => `${file?.slice(7)}:${line} ${severity} ${message}`),
    ).toEqual([
      "staging.yaml:2 error the map has this key twice, and the last one counts",
      "staging.yaml:3 error the map has this key twice, and the last one counts",
      "staging.yaml:5 error expected one YAML document, got 2",
      "prod.yaml:1 warning this word without quotes is read as true or false",
      "prod.yaml:2 error Helm reads this key as another word or number",
      "prod.yaml:3 warning this number begins with 0, and is read as octal",
      "prod.yaml:4 error this number has more digits than Helm keeps",
      "prod.yaml:5 warning this text with _ in it is read as a number",
      "prod.yaml:6 warning this number loses its last 0, which a version would need",
      "prod.yaml:7 warning this text looks like a number in base 60, which other programs read it as",
      "prod.yaml:8 warning this text with an e between digits is read as a number",
      "prod.yaml:9 error this number has more digits than Helm keeps",
    ]);
  });

  test("lets pass what is in quotes, and ordinary words and numbers", async () => {
    const { lines } = await check({
      checks: [strictYaml],
      plain: {
        "config/prod.yaml": `"off": "yes"
a: true
b: 0
c: 0.5
d: 1.0
e: "0755"
f: 2026-11-25
g: ~
h: -12
i: 1.25e-3
"1": 9007199254740991
j: 1.2.3
k: &x { "y": 1 }
l: *x
`,
      },
    });
    expect(lines).toEqual([]);
  });

  test("never quotes what it finds in a secret layer", async () => {
    const { findings } = await check({
      checks: [strictYaml],
      secret: { "secrets/config/prod.yaml": "database: { password: 0777 }\nyes: canary-x\n" },
    });
    expect(findings).toHaveLength(2);
    expect(JSON.stringify(findings)).not.toMatch(/0777|511/);
  });
});

describe("unknown-key", () => {
  const checks = [unknownKey];

  test("tells of keys that no chart knows, with the nearest that one does", async () => {
    const { findings } = await check({
      checks,
      plain: {
        "config/prod.yaml": "url: https://example.org\nreplcias: 3\nbanner: x\n",
        "config/staging.yaml": "url: a\ndatabase: { hots: db }\n",
      },
    });
    expect(findings.map(({ file, line, message, hint }) => `${file}:${line} ${message}; ${hint}`)).toEqual([
      "config/staging.yaml:2 database.hots is no value that the chart web knows; did you mean host?",
      "config/prod.yaml:2 replcias is no value that the chart web knows; did you mean replicas?",
      "config/prod.yaml:3 banner is no value that the chart web knows; Helm passes over it: take it out, or find its right name",
    ]);
  });

  test("looks into the charts that the chart depends on, and at misspelt names of them", async () => {
    const { findings } = await check({
      checks,
      plain: {
        "web/Chart.yaml":
          'apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies:\n  - { name: hub, alias: jupyterhub, version: 2.0.0, repository: "file://../hub" }\n',
        "web/Chart.lock": 'dependencies:\n  - { name: hub, version: 2.0.0, repository: "file://../hub" }\n',
        "hub/Chart.yaml": "apiVersion: v2\nname: hub\nversion: 2.0.0\n",
        "hub/values.yaml": "proxy: { service: { type: ClusterIP } }\nlabels: {}\nconfig: { a: 1 }\n",
        "hub/templates/x.yaml":
          "x: {{ .Values.proxy.service.loadBalancerIP }}\ny: {{ toYaml .Values.config | nindent 2 }}\n",
        "hub/values.schema.json": '{"properties":{"proxy":{"properties":{"https":{"type":"object"}}}}}',
        "config/prod.yaml": `jupyterhub:
  proxy: { https: { any: 1 }, service: { loadBalancerIP: 1.2.3.4, typ: x } }
  labels: { anything: 1 }
  config: { b: { c: 2 } }
global: { x: 1 }
jupyterhbu: { proxy: {} }
`,
      },
    });
    expect(findings.map(({ file, line, message, hint }) => `${file}:${line} ${message}; ${hint}`)).toEqual([
      "config/prod.yaml:2 jupyterhub.proxy.service.typ is no value that the chart hub knows; did you mean type?",
      "config/prod.yaml:6 jupyterhbu is no value that the chart web knows; did you mean jupyterhub?",
    ]);
  });

  test("tells that it could not look into charts that are not there", async () => {
    const { lines, skipped } = await check({
      checks,
      plain: {
        "web/Chart.yaml":
          "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies:\n  - { name: hub, version: 2.0.0, repository: https://example.org }\n",
        "config/prod.yaml": "hub: { anything: 1 }\n",
      },
    });
    expect({ lines, skipped }).toEqual({
      lines: [],
      skipped: ["what hub knows of values, since its files are not there"],
    });
  });
});

describe("redundant and type-change", () => {
  test("tells of both, with the place that is overridden", async () => {
    const { lines } = await check({
      checks: [overrides],
      plain: {
        "config/prod.yaml": `replicas: 1
image: [a]
selector: core
users: { nodeSelector: { pool: users } }
url: 80
`,
        "config/staging.yaml": `replicas: "1"\ndatabase: { host: true }\n`,
      },
    });
    expect(lines.toSorted()).toEqual(
      [
        "type-change warning config/staging.yaml:1 [staging] replicas becomes a text instead of a number, in web/values.yaml:2",
        "type-change warning config/staging.yaml:2 [staging] database.host becomes true or false instead of a text, in web/values.yaml:6",
        "type-change warning config/prod.yaml:2 [prod] image becomes a list instead of a text, in web/values.yaml:1",
        "redundant note config/prod.yaml:1 [prod] replicas is already so in web/values.yaml:2",
        "type-change warning config/prod.yaml:5 [prod] url becomes a number instead of a text, in web/values.yaml:3",
        "type-change warning config/prod.yaml:3 [prod] selector becomes a text instead of a map, in web/values.yaml:4",
        "redundant note config/prod.yaml:4 [prod] users.nodeSelector.pool is already so in web/values.yaml:5",
      ].toSorted(),
    );
  });

  test("lets pass nulls, which remove, and values that differ", async () => {
    const { lines } = await check({
      checks: [overrides],
      plain: {
        "config/prod.yaml": "replicas: null\nselector: null\nurl: x\nusers: { nodeSelector: { pool: other } }\n",
      },
    });
    expect(lines).toEqual([]);
  });

  test("never shows the secret that is said twice", async () => {
    const { lines } = await check({
      checks: [overrides],
      plain: { "web/values.yaml": `database: { password: ${CANARIES.prod} }\n` },
    });
    expect(lines).toEqual([
      "redundant note secrets/config/prod.yaml:2 [prod] database.password is already so in web/values.yaml:1",
    ]);
  });
});

describe("schema", () => {
  const chartSchema = JSON.stringify({
    $schema: "http://json-schema.org/draft-07/schema#",
    type: "object",
    required: ["url", "database"],
    properties: {
      replicas: { type: "integer", minimum: 2 },
      url: { type: "string", format: "uri" },
      database: {
        type: "object",
        required: ["password", "host"],
        properties: { password: { type: "string", pattern: "^[a-z]{3}$" } },
        additionalProperties: false,
      },
    },
  });

  test("tells of values that break the chart's schema, where they are set, and never shows them", async () => {
    const { lines } = await check({
      checks: [schema],
      plain: { "web/values.schema.json": chartSchema, "config/prod.yaml": "url: no address\ndatabase: { hots: x }\n" },
      only: ["prod"],
    });
    expect(lines.toSorted()).toEqual([
      'schema error config/prod.yaml:1 [prod] url must match format "uri", by the schema of the chart web',
      "schema error config/prod.yaml:2 [prod] database.hots must not be there, by the schema of the chart web",
      'schema error secrets/config/prod.yaml:2 [prod] database.password must match pattern "^[a-z]{3}$", by the schema of the chart web',
      "schema error web/values.yaml:2 replicas must be >= 2, by the schema of the chart web",
      "schema error web/values.yaml:6 database.host must not be there, by the schema of the chart web",
    ]);
  });

  test("takes the project's own, in any draft, and those of dependencies over their defaults", async () => {
    const { lines } = await check({
      checks: [schema],
      plain: {
        "deploy.yaml":
          "schemas: [schemas/a.json, schemas/b.json]\nchart: web\nenvironments:\n  prod: { layers: [config/prod.yaml] }\n",
        "schemas/a.json":
          '{"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"https://example.org/a","properties":{"url":{"pattern":"^https:"}}}',
        "schemas/b.json": '{"$schema":"https://json-schema.org/draft/2019-09/schema","required":["owner"]}',
        "web/Chart.yaml":
          'apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies:\n  - { name: hub, version: 2.0.0, repository: "file://../hub" }\n',
        "web/Chart.lock": 'dependencies:\n  - { name: hub, version: 2.0.0, repository: "file://../hub" }\n',
        "hub/Chart.yaml": "apiVersion: v2\nname: hub\nversion: 2.0.0\n",
        "hub/values.yaml": "port: 80\nhost: hub\n",
        "hub/values.schema.json": '{"required":["port","host"],"properties":{"port":{"type":"integer"}}}',
        "config/prod.yaml": "url: http://example.org\nhub: { port: text, host: null }\n",
      },
    });
    expect(lines.toSorted()).toEqual([
      "schema error [prod] the top must have required property 'owner', by the schema schemas/b.json",
      'schema error config/prod.yaml:1 [prod] url must match pattern "^https:", by the schema schemas/a.json',
      "schema error config/prod.yaml:2 [prod] hub must have required property 'host', by the schema of the chart hub",
      "schema error config/prod.yaml:2 [prod] hub.port must be integer, by the schema of the chart hub",
    ]);
  });

  test("takes patterns as Helm does: none makes a value slow, and one that Helm has not is told", async () => {
    const said = async (pattern: string, url: string): Promise<readonly string[]> => {
      const { lines } = await check({
        checks: [schema],
        only: ["prod"],
        plain: {
          "web/values.schema.json": JSON.stringify({ properties: { url: { pattern }, [`z${url}`]: { pattern: "x" } } }),
          "config/prod.yaml": `url: ${JSON.stringify(url)}\n`,
        },
      });
      return lines;
    };
    const long = `${"a".repeat(50_000)}!`;
    expect(await said("^(a+)+$", long)).toEqual([expect.stringContaining("url must match pattern")]);
    expect(await said("^(a|a)*!$", long)).toEqual([]);
    expect(await said(String.raw`^\d+\-\/(?<n>\u00e9)$`, "12-/é")).toEqual([]);
    for (const pattern of ["(?=a)", String.raw`(a)\1`, "((a{100}){100}){100}", "["])
      expect(await said(pattern, "a")).toEqual([
        expect.stringMatching(/^schema warning .* a pattern that Helm does not take$/),
      ]);
  });

  test("lets pass what a locked layer may yet provide", async () => {
    const { lines } = await check({
      checks: [schema],
      locked: true,
      plain: {
        "web/values.schema.json": '{"required":["token"],"properties":{"replicas":{"type":"string"}}}',
      },
    });
    expect(lines).toEqual([
      "schema error web/values.yaml:2 replicas must be string, by the schema of the chart web",
      "schema error config/prod.yaml:2 [prod] replicas must be string, by the schema of the chart web",
    ]);
  });

  test("tells of schemas that are none", async () => {
    const { lines } = await check({
      checks: [schema],
      plain: {
        "web/values.schema.json": "{",
        "deploy.yaml":
          "schemas: [a.json, b.json, c.json, gone.json]\nchart: web\nenvironments:\n  prod: { layers: [config/prod.yaml] }\n",
        "a.json": '{"$ref":"https://example.org/elsewhere.json"}',
        "b.json": '{"type":"canary"}',
        "c.json": "[]",
      },
    });
    expect(lines).toEqual([
      "schema warning a.json the schema a.json cannot be used: it is no JSON Schema, refers to what is not there, or has a pattern that Helm does not take",
      "schema warning b.json the schema b.json cannot be used: it is no JSON Schema, refers to what is not there, or has a pattern that Helm does not take",
      "schema error c.json the schema c.json is not there, or no JSON Schema",
      "schema error gone.json the schema gone.json is not there, or no JSON Schema",
      "schema error web/values.schema.json the schema of the chart web is not there, or no JSON Schema",
    ]);
  });
});

describe("drift", () => {
  test("tells where staging and production differ in shape", async () => {
    const { lines } = await check({
      checks: [drift],
      plain: {
        "deploy.yaml": `environments:
  staging: { layers: [config/staging.yaml, secrets/config/staging.yaml], nodePools: { core: { labels: {} } } }
  prod: { layers: [config/prod.yaml, secrets/config/prod.yaml], nodePools: { core: { labels: {} }, users: { labels: {} } } }
`,
        "config/staging.yaml": "url: a\nextra: { x: 1, y: 2 }\nport: 80\n",
        "config/prod.yaml": "url: b\nport: http\n",
      },
      secret: {
        "secrets/config/prod.yaml": `database: { password: ${CANARIES.prod}, certificate: canary-only-in-prod }\n`,
      },
    });
    expect(lines.toSorted()).toEqual(
      [
        "drift warning deploy.yaml [staging] prod has a node pool users, and staging has none",
        "drift warning config/staging.yaml:2 [prod] extra is not set in prod",
        "drift warning config/prod.yaml:2 [prod] port is of another type in staging",
        "drift warning secrets/config/prod.yaml:1 [prod] database.certificate is not set in staging",
      ].toSorted(),
    );
  });

  test("lets pass values that differ, but not a null, which removes", async () => {
    const { lines } = await check({
      checks: [drift],
      plain: {
        "config/staging.yaml": "url: a\nreplicas: 1\nusers: null\n",
        "config/prod.yaml": "url: b\nreplicas: 5\nselector: { pool: users }\n",
      },
    });
    expect(lines).toEqual(["drift warning web/values.yaml:5 [prod] users is not set in staging"]);
  });

  test("compares no environments of which one alone can be read whole", async () => {
    const { lines, skipped } = await check({
      checks: [drift],
      locked: true,
      plain: {
        "deploy.yaml":
          "environments:\n  staging: { layers: [config/staging.yaml] }\n  prod: { layers: [secrets/config/prod.yaml] }\n",
      },
    });
    expect(lines).toEqual([]);
    expect(skipped).toContain("whether staging and prod have the same shape, since only one can be read whole");
  });
});
