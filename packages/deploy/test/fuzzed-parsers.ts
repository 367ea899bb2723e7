/*
 * The program that the fuzzer runs: it parses what it is given, one base64 text a line with the
 * parser's name before it, and says for each how it ended and how many milliseconds it took.
 */
import { createInterface } from "node:readline";
import { assertOwnSchemas } from "../src/charts/foreign-schemas.ts";
import { loadChart } from "../src/charts/loaded-chart.ts";
import { parseLock } from "../src/charts/lock-file.ts";
import { readArchive } from "../src/charts/tar.ts";
import { compileSchema } from "../src/checks/json-schema.ts";
import { parseKubeconfig } from "../src/cluster/kubeconfig.ts";
import { readManifests } from "../src/helm/manifests.ts";
import { Redactor } from "../src/secrets/redactor.ts";
import { StandIns } from "../src/secrets/stand-ins.ts";
import { readYaml } from "../src/values/read-yaml.ts";
import { parsePath, readJson, textsIn, type Value } from "../src/values/value.ts";
import { scalarsIn, valueOf } from "../src/values/yaml.ts";

const standIns = StandIns.differing();

const PARSERS: Readonly<Record<string, (bytes: Buffer) => unknown>> = {
  yaml: (bytes) =>
    readYaml("x", bytes.toString()).documents.map((node) => [valueOf(node), Array.from(scalarsIn(node)).length]),
  manifests: (bytes) => readManifests(bytes.toString()),
  kubeconfig: (bytes) => parseKubeconfig("x", bytes.toString()),
  lock: (bytes) => parseLock(bytes.toString()),
  json: (bytes) => Array.from(textsIn(readJson(bytes.toString()))),
  archive: (bytes) => readArchive(bytes),
  schemas: (bytes) => {
    assertOwnSchemas([
      ["a/values.schema.json", bytes],
      ["a/charts/b-1.tgz", bytes],
    ]);
  },
  schema: async (bytes) => {
    const content = readJson(bytes.toString());
    if (typeof content === "object" && content !== null) (await compileSchema(content))({ a: [1, "x", { b: null }] });
  },
  chart: (bytes) =>
    loadChart(
      new Map([
        ["Chart.yaml", Buffer.from("apiVersion: v2\nname: a\nversion: 1.0.0\n")],
        ["values.yaml", bytes],
        ["charts/b.tgz", bytes],
      ]),
      () => {},
    ),
  standIns: (bytes) => [standIns.text(bytes.toString()), standIns.of(readJson(bytes.toString()) as Value)],
  redactor: (bytes) => {
    const text = bytes.toString("latin1");
    const redactor = new Redactor();
    for (let at = 0; at < Math.min(text.length, 2000); at += 50) redactor.add(text.slice(at, at + 60), at);
    return redactor.redact(text);
  },
  path: (bytes) => parsePath(bytes.toString("latin1")),
};

for await (const line of createInterface({ input: process.stdin })) {
  const [parser = "", text = ""] = line.split(" ");
  const begun = process.cpuUsage();
  let outcome = "ok";
  try {
    await PARSERS[parser]?.(Buffer.from(text, "base64"));
  } catch (error) {
    // An Error that says what is wrong is an answer; these would be a defect.
    outcome = error instanceof TypeError || error instanceof ReferenceError ? `${error.stack}` : "refused";
    if (error instanceof RangeError && error.message.includes("call stack") && parser !== "schema")
      outcome = `${error.stack}`;
  }
  // Of the processor, since others may be busy on it.
  const { user, system } = process.cpuUsage(begun);
  const rss = Math.round(process.memoryUsage.rss() / 2 ** 20);
  process.stdout.write(`${JSON.stringify({ parser, outcome, ms: Math.round((user + system) / 1000), rss })}\n`);
}
