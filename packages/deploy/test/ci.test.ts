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
  test("lines are masked, escaped", () => {
    ci.mask(["hunter22", "100% sure", "##[x]"]);
    expect(log).toBe("::add-mask::hunter22\n::add-mask::100%25 sure\n::add-mask::##[x]\n");
  });

  test("nobody but it is heard between deafen and listen, by a word that is another one each time", () => {
    ci.deafen();
    ci.deafen();
    ci.mask(["one"]);
    ci.annotate([finding()]);
    ci.listen();
    ci.listen();
    const words = [...log.matchAll(/^::stop-commands::(stopped-[-0-9a-f]{36})$/gm)].map(([, word]) => word);
    expect(new Set(words).size).toBe(3);
    expect(log).toBe(
      `::stop-commands::${words[0]}\n::${words[0]}::\n::add-mask::one\n` +
        `::stop-commands::${words[1]}\n::${words[1]}::\n::error title=layers::wrong\n` +
        `::stop-commands::${words[2]}\n::${words[2]}::\n`,
    );
  });

  test("text that would be a command is none, and reads the same", () => {
    const text = "::error::x\n  \t::stop-commands::y\na ::error::\n:: \n: :\n+ ##[error]z ##[group]\n";
    const inert = ci.inert(text);
    expect(inert.replaceAll("\u200b", "")).toBe(text);
    for (const line of inert.split("\n")) expect(line.trim()).not.toMatch(/^::|##\[/);
    expect(inert.split("\n")[2]).toBe("a ::error::");
    ci.annotate([finding({ message: "##[error]x\n::y", hint: "##[z]" })]);
    expect(log).not.toContain("##[");
  });

  test("findings are annotations, escaped", () => {
    ci.annotate([
      finding({ file: "config/a,b:c.yaml", line: 3, column: 5, message: "50% of\nit", hint: "do: that" }),
      finding({ severity: "warning", environment: "prod" }),
      finding({ severity: "note", message: "a ::stop-commands::x" }),
    ]);
    expect(log).toBe(
      "::error file=config/a%2Cb%3Ac.yaml,line=3,col=5,title=layers::50%25 of%0Ait%0Ado: that\n" +
        "::warning title=layers (prod)::wrong\n" +
        "::notice title=layers::a ::stop-commands::x\n",
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
    plain.deafen();
    plain.listen();
    expect(plain.inert("::error::##[x]")).toBe("::error::##[x]");
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
