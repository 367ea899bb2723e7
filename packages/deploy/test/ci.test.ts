import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder, type TemporaryFolder } from "@git-vault/testkit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Ci, detectCi } from "../src/ci/index.ts";
import { type Finding, findingsInMarkdown } from "../src/findings/index.ts";

let folder: TemporaryFolder;
let log: string;
let ci: Ci;
let summary: string;
let output: string;

beforeEach(() => {
  folder = temporaryFolder();
  log = "";
  summary = join(folder.path, "summary");
  output = join(folder.path, "output");
  writeFileSync(summary, "");
  writeFileSync(output, "");
  ci = detectCi({
    env: { GITHUB_ACTIONS: "true", GITHUB_STEP_SUMMARY: summary, GITHUB_OUTPUT: output },
    write: (text) => (log += text),
  });
});
afterEach(() => folder.remove());

const finding = (more: Partial<Finding> = {}): Finding => ({
  id: "layers",
  severity: "error",
  message: "wrong",
  ...more,
});

describe("in GitHub Actions", () => {
  test("every line of a secret is masked, but no ordinary word", () => {
    ci.mask([
      "hunter22",
      "-----BEGIN KEY-----\nabcd efgh\r\n  100% sure\n-----END KEY-----\n",
      "true",
      "8080",
      "abc",
      "hunter22",
    ]);
    expect(log).toBe("::add-mask::hunter22\n::add-mask::abcd efgh\n::add-mask::100%25 sure\n");
  });

  test("findings are annotations, escaped", () => {
    ci.annotate([
      finding({ file: "config/a,b:c.yaml", line: 3, column: 5, message: "50% of\nit", hint: "do: that" }),
      finding({ severity: "warning", environment: "prod" }),
      finding({ severity: "note", message: "::stop-commands::x" }),
    ]);
    expect(log).toBe(
      "::error file=config/a%2Cb%3Ac.yaml,line=3,col=5,title=layers::50%25 of%0Ait%0Ado: that\n" +
        "::warning title=layers (prod)::wrong\n" +
        "::notice title=layers::::stop-commands::x\n",
    );
  });

  test("no more annotations are written than GitHub shows, and warnings take no room from errors", () => {
    ci.annotate([
      ...Array.from({ length: 30 }, () => finding({ severity: "warning" })),
      ...Array.from({ length: 30 }, () => finding()),
    ]);
    expect(log.match(/^::warning/gm)).toHaveLength(10);
    expect(log.match(/^::error/gm)).toHaveLength(10);
  });

  test("the summary grows up to 1 MiB, and no byte further", () => {
    ci.summary("# Plan");
    ci.summary("second");
    expect(readFileSync(summary, "utf8")).toBe("# Plan\n\nsecond\n\n");
    ci.summary("zeile mit ü\n".repeat(200_000));
    const text = readFileSync(summary, "utf8");
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(1024 * 1024);
    expect(Buffer.byteLength(text)).toBeGreaterThan(1024 * 1024 - 100);
    expect(text).toMatch(/zeile mit ü\n\n_The rest is left out/);
    ci.summary("more");
    truncateSync(summary, 1024 * 1024);
    ci.summary("and more");
    expect(readFileSync(summary).length).toBe(1024 * 1024);
  });

  test.each([1, 10, 75, 76, 77, 80])("what is added to a summary with %i bytes of room keeps to it", (room) => {
    truncateSync(summary, 1024 * 1024 - room);
    ci.summary("a line\n".repeat(20_000));
    expect(readFileSync(summary).length).toBeLessThanOrEqual(1024 * 1024);
  });

  test("an output may have many lines, and nothing in it sets another one", () => {
    ci.output("plan", "line 1\nEOF\nevil=1");
    expect(readFileSync(output, "utf8")).toMatch(/^plan<<(end-[-0-9a-f]{36})\nline 1\nEOF\nevil=1\n\1\n$/);
  });
});

describe("elsewhere", () => {
  test.each([
    ["without a CI", {}],
    ["in another CI", { CI: "true" }],
    ["where a variable alone says that it is GitHub", { GITHUB_ACTIONS: "true" }],
    [
      "where the runner's files are missing",
      { GITHUB_ACTIONS: "true", GITHUB_STEP_SUMMARY: "/nowhere/a", GITHUB_OUTPUT: "/nowhere/b" },
    ],
  ])("%s nothing is written, least of all a secret", (_, env) => {
    let said = "";
    const plain = detectCi({ env, write: (text) => (said += text) });
    expect(plain.kind).toBe("log");
    plain.mask(["hunter22"]);
    plain.annotate([finding()]);
    plain.summary("# Plan");
    plain.output("a", "b");
    expect(said).toBe("");
  });
});

describe("findings in Markdown", () => {
  test("are a table that nothing in them can break", () => {
    expect(findingsInMarkdown([])).toBe("Nothing found.\n");
    const text = findingsInMarkdown([
      finding({ file: "a|b.yaml", line: 3, message: "<b>`x`</b> @team", environment: "prod", hint: "see\n| more |" }),
    ]);
    expect(text.split("\n")[2]).toBe(
      String.raw`| ❌ | layers | prod a\|b.yaml:3 | &#60;b&#62;\`x\`&#60;/b&#62; \@team<br>see \| more \| |`,
    );
  });
});
