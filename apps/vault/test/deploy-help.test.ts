import { readFileSync } from "node:fs";
import { join } from "node:path";
import { RULES } from "@git-vault/deploy/findings";
import { run, throwawayRepository } from "@git-vault/testkit";
import { describe, expect, test } from "vitest";
import { VAULT } from "./program.ts";

const DOCS = readFileSync(join(import.meta.dirname, "../../../docs/checks.md"), "utf8");
const ids = Object.keys(RULES);

async function help(name: string): Promise<string> {
  const { status, stdout, stderr } = await run(VAULT, ["help", name]);
  expect([name, status, stderr]).toEqual([name, 0, ""]);
  return stdout.toString();
}

describe("vault help on what is checked", () => {
  test("lists each check with the worst that it finds", async () => {
    const text = (await help("checks")).replaceAll(/\s+/g, " ");
    for (const [id, { severity, title }] of Object.entries(RULES))
      expect(text).toContain(` ${id} ${severity}: ${title} `);
    expect(await help("")).toContain("help checks");
  });

  test("shows of each check what docs/checks.md says, in lines of at most 80 columns", async () => {
    // A code, a link and emphasis are told by their words; so the words are compared.
    const wordsOf = (text: string): string =>
      text
        .replaceAll(/\]\([^)]*\)/g, "")
        .replaceAll(/[^\p{L}\d]+/gu, " ")
        .trim();
    const pages = await Promise.all(ids.map(help));
    for (const [at, id] of ids.entries()) {
      const page = pages[at] ?? "";
      const [, section = "no section"] = new RegExp(`^## ${id}\\n([^]*?)(?:^## |$(?![^]))`, "m").exec(DOCS) ?? [];
      expect(wordsOf(page)).toContain(wordsOf(section));
      expect(
        page.split("\n").filter((line) => (line.length > 80 && !line.includes("- { check: ")) || /\s$/.test(line)),
      ).toEqual([]);
    }
  });

  test("knows no other", async () => {
    const { status, stderr } = await run(VAULT, ["help", "toString"]);
    expect([status, stderr]).toEqual([2, expect.stringMatching(/no help on toString\n.*, checks\n$/)]);
  });

  test("is what a code host shows of a rule, by SARIF", async () => {
    using repository = await repositoryWithChart();
    const { stdout } = await run(VAULT, ["deploy", "check", "--sarif", "-"], {
      cwd: repository.path,
      env: repository.env,
    });
    const { runs } = JSON.parse(stdout.toString()) as {
      runs: { tool: { driver: { rules: { id: string; help: { text: string; markdown: string } }[] } } }[];
    };
    const rules = runs[0]?.tool.driver.rules ?? [];
    expect(rules.map(({ id }) => id)).toEqual(ids);
    for (const { id, help: its } of rules) {
      expect(DOCS).toContain(`## ${id}\n\n${its.markdown.slice(0, 40)}`);
      expect(its.markdown).not.toMatch(/\]\(/);
    }
  });
});

async function repositoryWithChart(): Promise<
  Disposable & { readonly path: string; readonly env: Record<string, string> }
> {
  const repository = await throwawayRepository();
  repository.write("app/Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.0.0\n");
  repository.write("config/prod.yaml", "replicas: 1\n");
  await repository.commit("a chart");
  return { path: repository.path, env: repository.env, [Symbol.dispose]: () => repository.remove() };
}
