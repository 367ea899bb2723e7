import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Ajv } from "ajv";
import addFormats from "ajv-formats";
import { describe, expect, test } from "vitest";
import { type CheckReport, type Finding, RULES, summaryOf, toSarif, worstFirst } from "../src/findings/index.ts";

const finding = (rest: Partial<Finding> = {}): Finding => ({
  id: "tls",
  severity: "warning",
  message: "a message",
  ...rest,
});

const report = (findings: readonly Finding[], skipped: readonly string[] = []): CheckReport => ({
  commit: "0123456789abcdef0123456789abcdef01234567",
  environments: ["staging", "prod"],
  findings,
  skipped,
});

const MANY: readonly Finding[] = [
  finding(),
  finding({ severity: "note", file: "a b/ü%20?#.yaml", line: 3, column: 7, environment: "prod", hint: "do it" }),
  finding({ severity: "error", id: "mine", file: "x.yaml", message: "two\nlines \u001b[31m|<b>`" }),
];

/**
 * The published schema, as a package carries it. It is of draft 4, and uses nothing that draft 7
 * has otherwise but `id`.
 */
function sarifValidator() {
  const path = createRequire(import.meta.url).resolve("@microsoft/jest-sarif");
  const {
    $schema: _,
    id: __,
    ...schema
  } = JSON.parse(readFileSync(path.replace(/lib\/.*$/, "lib/schemas/sarif-2.1.0-rtm.5.json"), "utf8"));
  const ajv = new Ajv({ strict: false, allErrors: true, unicodeRegExp: false });
  addFormats.default(ajv);
  return ajv.compile(schema);
}

describe("SARIF", () => {
  test("is as the published schema says", () => {
    const isSarif = sarifValidator();
    for (const one of [report([]), report(MANY, ["one", "two"])]) {
      const valid = isSarif(JSON.parse(JSON.stringify(toSarif(one, "1.2.3"))));
      expect(isSarif.errors ?? []).toEqual([]);
      expect(valid).toBe(true);
    }
    expect(isSarif({ version: "2.1.0", runs: [{ tool: { driver: {} } }] })).toBe(false);
  });

  test("names every rule, those of custom checks too, and gives paths as URIs", () => {
    const sarif = JSON.parse(JSON.stringify(toSarif(report(MANY), "1.2.3")));
    const [run] = sarif.runs;
    const { rules } = run.tool.driver;
    expect(rules.map(({ id }: { id: string }) => id)).toEqual([...Object.keys(RULES), "mine"]);
    for (const { ruleId, ruleIndex } of run.results) expect(rules[ruleIndex].id).toBe(ruleId);
    expect(run.results[1].locations[0].physicalLocation).toEqual({
      artifactLocation: { uri: "a%20b/%C3%BC%2520%3F%23.yaml", uriBaseId: "%SRCROOT%" },
      region: { startLine: 3, startColumn: 7 },
    });
    expect(run.results[0].locations).toBeUndefined();
  });

  test("gives a finding the same fingerprint where only its line moves", () => {
    const print = (one: Finding): unknown =>
      JSON.parse(JSON.stringify(toSarif(report([one]), "1"))).runs[0].results[0].partialFingerprints;
    expect(print(finding({ file: "a", line: 1 }))).toEqual(print(finding({ file: "a", line: 9 })));
    expect(print(finding({ file: "a" }))).not.toEqual(print(finding({ file: "b" })));
  });
});

test("findings are counted and sorted", () => {
  expect(summaryOf(MANY)).toBe("1 error, 1 warning, 1 note");
  expect(summaryOf([])).toBe("nothing");
  expect(worstFirst(MANY).map(({ severity }) => severity)).toEqual(["error", "warning", "note"]);
});
