import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { peer, run, temporaryFolder, variants } from "@git-vault/testkit";
import { describe, expect, test } from "vitest";
import { ignoredBy } from "../src/charts/helmignore.ts";

const FILES = [
  "a.txt",
  "b.bak",
  "notes/a.txt",
  "notes/deep/b.txt",
  "x/notes",
  "x/b[1].txt",
  "x/ä.txt",
  ".hidden/c.txt",
  "x/y/z.txt",
];

const RULES = [
  "",
  "# a comment\n\n*.bak\n",
  "notes/\n",
  "b[a-b]*\n*-x\nmy-notes/\n",
  "notes\n",
  "/notes\n",
  "x/*\n",
  "x/?.txt\n",
  "[ab].*\n",
  "[^a]*\n",
  "!*.txt\n",
  "x/b\\[1].txt\n",
  "\uFEFF/a.txt\r\n  x/y  \n",
  ".*\n!notes/\n",
];

/** Prints the paths of all files that Helm took. */
const TEMPLATE = `took: {{ range $path, $_ := .Files.Glob "**" }}{{ $path | b64enc }},{{ end }}\n`;

describe.each(variants(peer("helm4"), peer("helm3")))(
  "what .helmignore leaves out, with $label",
  ({ path, missing }) => {
    test.skipIf(missing)("is what Helm leaves out of a folder", async () => {
      using folder = temporaryFolder();
      const env = { HOME: folder.path, KUBECONFIG: "/dev/null" };
      for (const [at, rules] of RULES.entries()) {
        const chart = join(folder.path, `chart-${at}`);
        const files = {
          "Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\n",
          ".helmignore": rules,
          "templates/list.yaml": TEMPLATE,
          ...Object.fromEntries(FILES.map((name) => [name, "x"])),
        };
        for (const [name, content] of Object.entries(files)) {
          mkdirSync(dirname(join(chart, name)), { recursive: true });
          writeFileSync(join(chart, name), content);
        }
        const { stdout } = await run(path, ["template", "c", chart], { env });
        const list = /^took: (.*)$/m.exec(stdout.toString())?.[1]?.split(",") ?? [];
        const took = new Set(list.map((name) => Buffer.from(name, "base64").toString()));
        const isIgnored = ignoredBy(rules);
        const isChart = !isIgnored("Chart.yaml") && !isIgnored("templates/list.yaml");
        const expected = FILES.filter((name) => isChart && !isIgnored(name));
        expect({ rules, took: FILES.filter((name) => took.has(name)) }).toEqual({ rules, took: expected });
      }
    });
  },
);

test.each(["[a", "x[]y", "a\\"])("a line that Helm refuses is refused: %s", (rule) => {
  expect(() => ignoredBy(`${rule}\n`)).toThrow(expect.objectContaining({ code: "NOT_A_CHART" }));
});
