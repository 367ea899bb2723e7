import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { extname, join, posix } from "node:path";
import { peer } from "@git-vault/testkit";
import axe from "axe-core";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROOT } from "./sources.ts";

/* The site as `pnpm site` built it, in a real browser. */
const DIST = join(ROOT, "docs/.vitepress/dist");
const { missing, path, label } = peer("chromium");
const isBuilt = existsSync(join(DIST, "index.html"));

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};

/** All pages, by their paths from the top. */
const pagesOf = (): string[] =>
  readdirSync(DIST, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".html"));

/** A page of each kind. */
const KINDS = [
  "index",
  "start/install",
  "how-to/lost-laptop",
  "deploy",
  "reference/json",
  "reference/commands/share",
].map((name) => `${name}.html`);

/** Questions that people ask, and the page that is to be among the first three. */
const QUESTIONS: readonly (readonly [question: string, page: string])[] = [
  ["install", "start/install"],
  ["share a key", "start/share-a-key"],
  ["encrypt a repository", "start/encrypt-a-repository"],
  ["add a colleague", "how-to/add-a-colleague"],
  ["someone left", "how-to/someone-left"],
  ["stolen laptop", "how-to/lost-laptop"],
  ["replace the key", "how-to/rotate"],
  ["pull requests", "how-to/protected-main"],
  ["a second environment", "how-to/second-key"],
  ["who has the key", "how-to/who-has-the-key"],
  ["open a message without vault", "how-to/open-without-vault"],
  ["mend a clone", "how-to/mend-a-clone"],
  ["change a secret", "how-to/change-a-secret"],
  ["GitHub Actions", "how-to/ci-github"],
  ["GitLab CI", "how-to/ci-gitlab"],
  ["Forgejo", "how-to/ci-forgejo"],
  ["GPG", "how-to/from-git-crypt"],
  ["ssh-vault", "ssh-vault"],
  ["sops", "how-to/from-sops"],
  ["exit codes", "reference/exit-codes"],
  ["vault deploy plan", "reference/commands/deploy-plan"],
  ["threat model", "threat-model"],
];

describe.skipIf(!isBuilt)("the site, once `pnpm site` built it", () => {
  const pages = isBuilt ? pagesOf() : [];
  const texts = new Map(pages.map((name) => [name, readFileSync(join(DIST, name), "utf8")]));
  const anchors = new Map(
    [...texts].map(([name, text]) => [name, new Set(Array.from(text.matchAll(/ id="([^"]+)"/g), ([, id = ""]) => id))]),
  );

  test("has no dead link or anchor", () => {
    const dead = [...texts].flatMap(([from, text]) =>
      Array.from(text.matchAll(/<a [^>]*href="([^"]+)"/g), ([, href = ""]) => href.replaceAll("&amp;", "&")).flatMap(
        (href) => {
          if (/^[a-z]+:/.test(href)) return [];
          const [to = "", anchor = ""] = href.split("#");
          const target = to === "" ? from : posix.join(to.startsWith("/") ? "" : posix.dirname(from), to);
          const name = target.replace(/^\//, "").replace(/(^|\/)$/, "$1index.html");
          if (!existsSync(join(DIST, name))) return [`${from}: ${href}`];
          // typedoc numbers headings of one name otherwise than VitePress does.
          const isOfTypedoc = from.startsWith("libraries/api/") && /-\d+$/.test(anchor);
          const isKnown = anchor === "" || isOfTypedoc || anchors.get(name)?.has(decodeURIComponent(anchor)) !== false;
          return isKnown ? [] : [`${from}: ${href}`];
        },
      ),
    );
    expect([...new Set(dead)]).toEqual([]);
  });

  describe.skipIf(missing)(`in ${label}`, () => {
    let server: Server;
    let browser: Browser;
    let page: Page;
    let top: string;
    const wrong: string[] = [];

    beforeAll(async () => {
      server = createServer((request, response) => {
        // A browser asks for it by itself.
        if (request.url === "/favicon.ico") return response.writeHead(204).end();
        const name = decodeURIComponent((request.url ?? "/").replace(/[?#].*/, "")).replace(/\/$/, "/index.html");
        const file = join(DIST, name);
        if (!existsSync(file) || !statSync(file).isFile()) return response.writeHead(404).end();
        return response.writeHead(200, { "Content-Type": TYPES[extname(file)] ?? "" }).end(readFileSync(file));
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const address = server.address();
      if (address === null || typeof address === "string") throw new Error("there is no port");
      top = `http://127.0.0.1:${address.port}`;
      browser = await chromium.launch({ executablePath: path, args: ["--no-sandbox"] });
      page = await browser.newPage({ viewport: { width: 360, height: 740 }, colorScheme: "dark" });
      page.on("pageerror", (error) => wrong.push(`${page.url()}: ${error.message}`));
      page.on("console", (line) => {
        if (line.type() === "error") wrong.push(`${page.url()}: ${line.text()}`);
      });
      page.on("response", (response) => {
        if (response.status() >= 400) wrong.push(`${response.url()}: ${response.status()}`);
      });
    });
    afterAll(async () => {
      await browser.close();
      server.close();
    });

    test("a page of each kind loads without an error, fits a phone, and passes axe in the dark", async () => {
      const found: string[] = [];
      for (const name of KINDS) {
        await page.goto(`${top}/${name}`, { waitUntil: "load" });
        const width = await page.evaluate(() => document.documentElement.scrollWidth);
        if (width > 360) found.push(`${name} is ${width} pixels wide`);
        await page.evaluate(axe.source);
        const violations = await page.evaluate(async () => {
          const result = (await Reflect.get(globalThis, "axe").run(".vp-doc")) as {
            violations: { id: string; nodes: { html: string }[] }[];
          };
          return result.violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
        });
        found.push(...violations.map((one) => `${name}: ${one}`));
      }
      expect(found).toEqual([]);
      expect(wrong).toEqual([]);
    });

    test("its search, which asks nobody, finds what people ask", async () => {
      await page.setViewportSize({ width: 1100, height: 900 });
      await page.goto(top, { waitUntil: "networkidle" });
      await page.click(".VPNavBarSearch button");
      const missed: string[] = [];
      for (const [question, wanted] of QUESTIONS) {
        await page.fill("#localsearch-input", question);
        // Results follow what is typed by a moment.
        const isFound = await page
          .waitForFunction(
            (its) =>
              Array.from(document.querySelectorAll<HTMLAnchorElement>(".VPLocalSearchBox .results a"))
                .slice(0, 8)
                .some(({ href }) => href.includes(its)),
            `/${wanted}.html`,
            { timeout: 5000 },
          )
          .then(
            () => true,
            () => false,
          );
        if (!isFound) missed.push(`${question}: ${wanted}`);
      }
      expect(missed).toEqual([]);
    });
  });
});
