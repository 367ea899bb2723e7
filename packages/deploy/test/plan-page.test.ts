import { peer } from "@git-vault/testkit";
import axe from "axe-core";
import { chromium } from "playwright-core";
import { describe, expect, test } from "vitest";
import { type Plan, planPage, planText } from "../src/releases/index.ts";

const HOSTILE = `</pre><script>document.title = "taken"</script>"'&`;

const PLAN: Plan = {
  environment: "prod",
  cluster: "0f0e0d0c-uid",
  commit: "0123456789abcdef0123456789abcdef01234567",
  given: [`--set ${HOSTILE}`],
  helm: 4,
  made: "2026-01-02T03:04:05.000Z",
  secrets: "stand-ins",
  releases: [
    {
      name: "hub",
      namespace: "prod",
      chart: { path: "hub", name: "hub", version: "1.0.0", archives: {} },
      values: "digest",
      revision: { number: 3, status: "deployed", uid: "uid" },
      changes: [
        {
          action: "change",
          apiVersion: "v1",
          kind: "ConfigMap",
          namespace: "prod",
          name: HOSTILE,
          hook: false,
          diff: `@@ -1,2 +1,2 @@\n kind: ConfigMap\n-url: https://web:[secret 1a2b3c4d]@db\n+url: ${HOSTILE}${"x".repeat(300)}`,
        },
        { action: "remove", apiVersion: "v1", kind: "Secret", namespace: null, name: "old", hook: true, diff: "-a: b" },
      ],
      drift: [{ kind: "Deployment", namespace: "prod", name: "web", what: "changed", told: "replicas is 3" }],
      unseen: "some objects may not be read",
      needs: [],
      unchanged: 4,
      hooks: 1,
      hooksAfter: false,
      halfWay: { apply: "waits", until: null },
      hidden: "less is shown",
      withoutCluster: true,
    },
  ],
};

describe("the page of a plan", () => {
  test("says all that the text says, and nothing that a chart wrote is markup", () => {
    const page = planPage(PLAN);
    const shown = page
      .replace(/<style>[^]*<\/style>/, "")
      .replaceAll(/<[^>]*>/g, "\n")
      .replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));
    for (const line of planText(PLAN).split("\n").slice(1)) {
      const told = line.replace(/^\s*(?:! )?/, "").replace(/^hub in prod: /, "");
      expect(shown).toContain(told);
    }
    expect(page).not.toMatch(/<script|<\/pre><(?!\/details)/);
    expect(planPage({ ...PLAN, releases: [] })).toContain("Nothing changes.");
  });

  const { missing, path, label } = peer("chromium");

  test.skipIf(missing)(`runs and loads nothing, reads on a phone, in light and dark: ${label}`, async () => {
    const browser = await chromium.launch({ executablePath: path, args: ["--no-sandbox"] });
    try {
      const page = await browser.newPage();
      const asked: string[] = [];
      await page.route("**/*", (route) => {
        asked.push(route.request().url());
        return route.fulfill({ contentType: "text/html", body: planPage(PLAN) });
      });
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width: 360, height: 740 });
        await page.goto("http://plan.example/");
        await page.evaluate(() => document.querySelectorAll("details").forEach((its) => (its.open = true)));
        await page.evaluate(axe.source);
        const found = await page.evaluate(async () => {
          const { violations } = (await Reflect.get(globalThis, "axe").run()) as {
            violations: { id: string; nodes: { html: string }[] }[];
          };
          return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
        });
        expect(found).toEqual([]);
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
        expect(await page.title()).toMatch(/^Plan for prod/);
      }
      expect(new Set(asked)).toEqual(new Set(["http://plan.example/"]));
    } finally {
      await browser.close();
    }
  });
});
