import { execFileSync } from "node:child_process";
import { gzipSync } from "node:zlib";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { peer, run, temporaryFolder } from "@git-vault/testkit";
import { describe, expect, test } from "vitest";
import { dependencies as dependenciesCheck } from "../src/checks/dependencies.ts";
import { render } from "../src/checks/render.ts";
import { schema } from "../src/checks/schema.ts";
import { unknownKey } from "../src/checks/unknown-key.ts";
import { sha256 } from "../src/charts/lock-file.ts";
import { check, type Outcome } from "./check-world.ts";

type Files = Readonly<Record<string, string | Buffer>>;

/** A chart's archive, as `helm package` makes it. */
function archive(name: string, files: Files): Buffer {
  using folder = temporaryFolder();
  for (const [path, content] of Object.entries(files)) {
    const target = join(folder.path, name, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, content);
  }
  execFileSync("tar", ["-czf", "out.tgz", name], { cwd: folder.path });
  return readFileSync(join(folder.path, "out.tgz"));
}

const chartYaml = (name: string, dependencies: readonly object[] = []): string =>
  JSON.stringify({ apiVersion: "v2", name, version: "1.0.0", ...(dependencies.length === 0 ? {} : { dependencies }) });

const REPOSITORY = "https://charts.example.org";

/** The checks on a chart with this archive as its dependency `hub`, locked and there. */
function checkWith(
  hub: Buffer,
  rest: { values?: string; helm?: string; defaults?: string; locked?: boolean; requirement?: object },
): Promise<Outcome> {
  const entry = { name: "hub", version: "1.0.0", repository: REPOSITORY };
  return check({
    checks: [dependenciesCheck, unknownKey, schema, ...(rest.helm === undefined ? [] : [render])],
    helm: rest.helm,
    only: ["prod"],
    locked: rest.locked ?? false,
    plain: {
      "web/Chart.yaml": chartYaml("web", [{ ...entry, ...rest.requirement }]),
      "web/Chart.lock": JSON.stringify({ dependencies: [entry] }),
      "deploy.lock": JSON.stringify({ lockVersion: 1, archives: [{ ...entry, sha256: sha256(hub) }] }),
      "web/charts/hub-1.0.0.tgz": hub,
      ...(rest.defaults === undefined ? {} : { "web/values.yaml": rest.defaults, "web/templates/web.yaml": null }),
      "config/prod.yaml": rest.values ?? "url: x\n",
    },
  });
}

/** Whether Helm itself refuses values for a chart with this archive as its dependency `hub`. */
async function isRefused(helm: string, hub: Buffer, values: string): Promise<boolean> {
  using folder = temporaryFolder();
  const at = (name: string): string => join(folder.path, name);
  mkdirSync(at("charts"));
  writeFileSync(at("Chart.yaml"), chartYaml("web", [{ name: "hub", version: "1.0.0", repository: REPOSITORY }]));
  writeFileSync(at("charts/hub-1.0.0.tgz"), hub);
  writeFileSync(at("given.yaml"), values);
  const { status } = await run(helm, ["template", folder.path, "--values", at("given.yaml")]);
  return status !== 0;
}

const REDIS: Files = {
  "Chart.yaml": chartYaml("redis"),
  "values.yaml": "port: 6379\nauth: { enabled: true }\nextra: {}\n",
  "values.schema.json": JSON.stringify({
    type: "object",
    required: ["port"],
    properties: { port: { type: "integer" }, auth: { type: "object", properties: { enabled: { type: "boolean" } } } },
  }),
  "templates/x.yaml": "# {{ .Values.port }}{{ .Values.auth.enabled }}{{ .Values.password }}\n",
};

const HUB: Files = {
  "Chart.yaml": chartYaml("hub", [
    { name: "redis", version: "1.0.0", alias: "cache", condition: "cache.active,cache.enabled", tags: ["store"] },
    { name: "redis", version: "1.0.0", alias: "queue", "import-values": [{ child: "auth", parent: "queueAuth" }] },
    { name: "common", version: "1.0.0" },
  ]),
  "values.yaml": "replicas: 1\n",
  "templates/x.yaml": "# {{ .Values.replicas }}\n",
  "charts/redis/Chart.yaml": "",
  "charts/common/Chart.yaml": JSON.stringify({ apiVersion: "v2", name: "common", version: "1.0.0", type: "library" }),
  "charts/common/templates/_x.tpl": '{{ define "common.name" }}{{ .Values.nameOverride }}{{ end }}\n',
  "charts/plain/Chart.yaml": chartYaml("plain"),
  "charts/plain/values.yaml": "known: 1\n",
};

/** The chart `hub`, in which `redis` is an archive, and the others are folders. */
const hubWith = (redis: Buffer | Files): Buffer => {
  const { "charts/redis/Chart.yaml": _, ...rest } = HUB;
  if (Buffer.isBuffer(redis)) return archive("hub", { ...rest, "charts/redis-1.0.0.tgz": redis });
  return archive("hub", {
    ...rest,
    ...Object.fromEntries(Object.entries(redis).map(([path, text]) => [`charts/redis/${path}`, text])),
  });
};

describe("keys of charts in a dependency's archive", () => {
  test("are known: by alias, in archives and folders, with imports, conditions, globals and what a library speaks of", async () => {
    for (const redis of [archive("redis", REDIS), REDIS]) {
      const { findings, skipped } = await checkWith(hubWith(redis), {
        values: `url: x
global: { any: 1 }
tags: { store: true }
hub:
  replicas: 2
  replcias: 2
  nameOverride: x
  queueAuth: { enabled: true, enabeld: true }
  global: { any: 1 }
  cache: { active: true, port: 1, prot: 2, password: x, extra: { any: 1 }, auth: { enabeld: true }, global: {} }
  queue: { port: 1, nonsense: 1 }
  redis: { port: 1 }
  plain: { known: 2, unknown: 3 }
`,
      });
      expect(skipped).toEqual([]);
      expect(findings.map(({ line, message, hint }) => `${line} ${message}; ${hint}`)).toEqual([
        "6 hub.replcias is no value that the chart hub knows; did you mean replicas?",
        "8 hub.queueAuth.enabeld is no value that the chart hub knows; did you mean enabled?",
        "10 hub.cache.prot is no value that the chart redis knows; did you mean port?",
        "10 hub.cache.auth.enabeld is no value that the chart redis knows; did you mean enabled?",
        "11 hub.queue.nonsense is no value that the chart redis knows; Helm passes over it: take it out, or find its right name",
        "12 hub.redis is no value that the chart hub knows; Helm passes over it: take it out, or find its right name",
        "13 hub.plain.unknown is no value that the chart plain knows; did you mean known?",
      ]);
    }
  });
});

for (const helm of [peer("helm3"), peer("helm4")]) {
  describe.skipIf(helm.missing)(`the schema of a chart in a dependency's archive, with ${helm.label}`, () => {
    const hub = hubWith(archive("redis", REDIS));
    test.each([
      ["as it is by default", "", []],
      ["with a value of another type", "hub: { cache: { port: x } }", ["hub.cache.port must be integer"]],
      [
        "in both aliases",
        "hub: { cache: { port: x }, queue: { port: y } }",
        ["hub.cache.port must be integer", "hub.queue.port must be integer"],
      ],
      [
        "with a null, which takes a default away",
        "hub: { queue: { port: null } }",
        ["hub.queue must have required property 'port'"],
      ],
      ["under its own name, which is no key", "hub: { redis: { port: x } }", []],
      ["turned off by its condition", "hub: { cache: { active: false, port: x } }", []],
      [
        "turned on by the first condition, whatever the second says",
        "hub: { cache: { active: true, enabled: false, port: x } }",
        ["hub.cache.port must be integer"],
      ],
      ["turned off by its tag", "tags: { store: false }\nhub: { cache: { port: x } }", []],
      [
        "turned on by its condition, whatever its tag says",
        "tags: { store: false }\nhub: { cache: { active: true, port: x } }",
        ["hub.cache.port must be integer"],
      ],
      [
        "turned off by the tag, which a null condition does not change",
        "tags: { store: false }\nhub: { cache: { active: null, port: x } }",
        [],
      ],
      [
        "with something that is no map",
        "hub: { cache: 1 }",
        ["hub.cache must be a map: it holds the values of the chart redis"],
      ],
      ["where all of it is no map", "hub: [1]", ["hub must be a map: it holds the values of the chart hub"]],
    ])("is enforced as Helm does, %s", async (_, values, expected) => {
      const { findings } = await checkWith(hub, { values: `url: x\n${values}\n`, helm: helm.path });
      const ours = findings
        .filter(({ id }) => id === "schema")
        .map(({ message }) => message.replace(", by the schema of the chart redis", ""));
      expect(ours).toEqual(expected);
      // Helm refuses what we refuse, and nothing else.
      expect(await isRefused(helm.path, hub, values)).toBe(expected.length > 0);
    });
  });
}

describe("a hostile archive", () => {
  const zeros = (bytes: number): Buffer => gzipSync(Buffer.alloc(bytes), { level: 1 });
  const nested = (levels: number): Buffer => {
    let inner = archive("c", { "Chart.yaml": chartYaml("c") });
    for (let level = 0; level < levels; level += 1)
      inner = archive("c", { "Chart.yaml": chartYaml("c"), "charts/c-1.0.0.tgz": inner });
    return inner;
  };
  const inHub = (inner: Files): Buffer => archive("hub", { "Chart.yaml": chartYaml("hub"), ...inner });

  test.each([
    [
      "a quarter of a gigabyte of zeros in it",
      () => inHub({ "charts/x-1.0.0.tgz": zeros(256 * 1024 ** 2) }),
      "it holds an archive that is none, or that unpacks to too much",
    ],
    [
      "fifty charts in one another",
      () => inHub({ "charts/c-1.0.0.tgz": nested(50) }),
      "charts lie in charts more than 8 deep",
    ],
    [
      "archives that are large together",
      () =>
        inHub(
          Object.fromEntries(
            Array.from({ length: 4 }, (_, at) => [
              `charts/x${at}-1.0.0.tgz`,
              archive("x", { "Chart.yaml": chartYaml(`x${at}`), big: Buffer.alloc(40 * 1024 ** 2) }),
            ]),
          ),
        ),
      "it holds an archive that is none, or that unpacks to too much",
    ],
    [
      "more charts than anybody has",
      () =>
        inHub(
          Object.fromEntries(
            Array.from({ length: 1001 }, (_, at) => [`charts/x${at}/Chart.yaml`, chartYaml(`x${at}`)]),
          ),
        ),
      "it holds more than 1000 charts",
    ],
    [
      "a chart whose values refer to themselves",
      () => inHub({ "charts/x/Chart.yaml": chartYaml("x"), "charts/x/values.yaml": "a: &a [*a]\n" }),
      /the alias stands inside of what it names$/,
    ],
    [
      "a chart whose values are a bomb",
      () =>
        inHub({
          "charts/x/Chart.yaml": chartYaml("x"),
          "charts/x/values.yaml": `a: &a [1,1,1,1,1,1,1,1,1,1]\n${Array.from({ length: 8 }, (_, at) => `${"bcdefghi"[at]}: &${"bcdefghi"[at]} [${Array.from({ length: 10 }, () => `*${"abcdefgh"[at]}`).join(",")}]\n`).join("")}`,
        }),
      /amounts to more than 1000000 values$/,
    ],
    [
      "a file that is no chart",
      () => inHub({ "charts/x/values.yaml": "a: 1\n" }),
      "it holds a chart without a Chart.yaml that has a name",
    ],
  ])("with %s is passed over, which is said", async (_, make, why) => {
    const { lines, skipped } = await checkWith(make(), { values: "url: x\nhub: { any: 1 }\n" });
    expect(lines).toEqual([]);
    expect(skipped).toEqual([expect.stringMatching(/^what hub-1\.0\.0\.tgz knows of values, since /)]);
    expect(skipped[0]).toMatch(typeof why === "string" ? new RegExp(`since ${why}$`) : why);
  });

  test("with paths that lead out of it, or that is a quarter of a gigabyte of zeros itself, is refused", async () => {
    using folder = temporaryFolder();
    mkdirSync(join(folder.path, "hub"));
    writeFileSync(join(folder.path, "hub/Chart.yaml"), chartYaml("hub"));
    execFileSync("tar", ["-czf", "out.tgz", "--transform", "s,Chart,../../Chart,", "-P", "hub/Chart.yaml"], {
      cwd: folder.path,
    });
    for (const hub of [readFileSync(join(folder.path, "out.tgz")), zeros(256 * 1024 ** 2)]) {
      const { lines } = await checkWith(hub, {});
      expect(lines).toEqual([
        "dependencies error web/charts/hub-1.0.0.tgz web/charts/hub-1.0.0.tgz: expected a chart's archive, got something else",
      ]);
    }
  });

  test("with aliases that multiply has no schema enforced, which is said", async () => {
    let inner: Files = { "Chart.yaml": chartYaml("c5") };
    for (let level = 4; level >= 0; level -= 1) {
      const aliases = Array.from({ length: 12 }, (_, at) => ({
        name: `c${level + 1}`,
        version: "1.0.0",
        alias: `a${at}`,
      }));
      inner = {
        "Chart.yaml": chartYaml(`c${level}`, aliases),
        ...Object.fromEntries(Object.entries(inner).map(([path, text]) => [`charts/c${level + 1}/${path}`, text])),
      };
    }
    const hub = inHub(Object.fromEntries(Object.entries(inner).map(([path, text]) => [`charts/c0/${path}`, text])));
    const withAliases = archive("hub", {
      ...filesIn(hub),
      "Chart.yaml": chartYaml("hub", [{ name: "c0", version: "1.0.0" }]),
    });
    const { lines, skipped } = await checkWith(withAliases, {
      values: "url: x\nhub: { c0: { a1: { a2: { x: 1 } } } }\n",
    });
    expect(lines).toEqual([
      "unknown-key warning config/prod.yaml:2 [prod] hub.c0.a1.a2.x is no value that the chart c2 knows",
    ]);
    expect(skipped).toEqual([
      expect.stringMatching(/^whether values are as the charts say, since \S+ is made from more than 5000 charts$/),
    ]);
  });

  test("with a schema that refers elsewhere is not followed there", async () => {
    const hub = inHub({
      "charts/x/Chart.yaml": chartYaml("x"),
      "charts/x/values.schema.json": '{"$ref":"http://127.0.0.1:1/schema.json"}',
    });
    const { lines } = await checkWith(hub, {});
    expect(lines).toEqual([
      "schema warning the schema of the chart x cannot be used: it is no JSON Schema, refers to what is not there, or has a pattern that Helm does not take",
    ]);
  });
});

/** Of an archive of the test's own. */
function filesIn(bytes: Buffer): Files {
  using folder = temporaryFolder();
  writeFileSync(join(folder.path, "x.tgz"), bytes);
  execFileSync("tar", ["-xzf", "x.tgz"], { cwd: folder.path });
  const list = execFileSync("tar", ["-tzf", "x.tgz"], { cwd: folder.path }).toString().split("\n");
  return Object.fromEntries(
    list
      .filter((path) => path !== "" && !path.endsWith("/"))
      .map((path) => [path.replace(/^hub\//, ""), readFileSync(join(folder.path, path))]),
  );
}
