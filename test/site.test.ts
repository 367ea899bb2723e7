import { existsSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { peer } from "@git-vault/testkit";
import axe from "axe-core";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { buildSiteIfStale, DIST, pagesOfSite } from "./site-build.ts";
import { QUESTIONS } from "./site-questions.ts";
import { serveFolder, type FileServer } from "./site-server.ts";

/* The site as `pnpm site` builds it, in a real browser. */
const { missing, path, label } = peer("chromium");
const PHONE = { width: 360, height: 740 };
const DESK = { width: 1280, height: 900 };

let pages: string[];
/** The pages that are judged by axe: of those that a program writes all alike, a few. */
let judged: ReadonlySet<string>;
beforeAll(() => {
  buildSiteIfStale();
  pages = pagesOfSite();
  const [commands, libraries] = ["reference/commands/", "libraries/"].map((folder) =>
    pages.filter((name) => name.startsWith(folder)),
  );
  const alike = new Set([...(commands?.slice(3) ?? []), ...(libraries?.slice(3) ?? [])]);
  judged = new Set(pages.filter((name) => !alike.has(name)));
}, 900_000);

test("has no dead link or anchor", () => {
  const texts = new Map(pages.map((name) => [name, readFileSync(join(DIST, name), "utf8")]));
  const idsOf = (text: string): string[] => Array.from(text.matchAll(/ id="([^"]+)"/g), ([, id = ""]) => id);
  const anchors = new Map([...texts].map(([name, text]) => [name, new Set(idsOf(text))]));
  const isDead = (from: string, href: string): boolean => {
    if (/^[a-z]+:/.test(href)) return false;
    const [to = "", anchor = ""] = href.split("#");
    const target = to === "" ? from : posix.join(to.startsWith("/") ? "" : posix.dirname(from), to);
    const name = target.replace(/^\//, "").replace(/(^|\/)$/, "$1index.html");
    if (anchor === "" || !anchors.has(name)) return !existsSync(join(DIST, name));
    return anchors.get(name)?.has(decodeURIComponent(anchor)) === false;
  };
  const dead = [...texts].flatMap(([from, text]) =>
    Array.from(text.matchAll(/<a [^>]*href="([^"]+)"/g), ([, href = ""]) => href.replaceAll("&amp;", "&"))
      .filter((href) => isDead(from, href))
      .map((href) => `${from}: ${href}`),
  );
  expect(pages.length).toBeGreaterThan(90);
  expect([...new Set(dead)]).toEqual([]);
});

describe.skipIf(missing)(`in ${label}`, () => {
  let server: FileServer;
  let browser: Browser;
  beforeAll(async () => {
    server = await serveFolder(DIST);
    browser = await chromium.launch({ executablePath: path, args: ["--no-sandbox"] });
  });
  afterAll(async () => {
    await browser.close();
    server.close();
  });

  /** A window, and what goes wrong in it. */
  async function openPage(viewport = DESK): Promise<{ readonly page: Page; readonly wrong: string[] }> {
    const page = await browser.newPage({ viewport, colorScheme: "dark", reducedMotion: "reduce" });
    const wrong: string[] = [];
    page.on("pageerror", (error) => wrong.push(`${page.url()}: ${error.message}`));
    page.on("console", (line) => wrong.push(`${page.url()}: ${line.type()}: ${line.text()}`));
    page.on("response", (response) => {
      if (response.status() >= 400) wrong.push(`${response.url()}: ${response.status()}`);
    });
    return { page, wrong };
  }

  /** What axe finds, in a part of the page that is shown. */
  async function violationsIn(page: Page, part: string, rules?: readonly string[]): Promise<string[]> {
    return page.evaluate(
      async ([selector, only]) => {
        const run = Reflect.get(globalThis, "axe").run as (
          context: string,
          options: object,
        ) => Promise<{ violations: { id: string; nodes: { html: string }[] }[] }>;
        const options = only === undefined ? {} : { runOnly: only };
        const { violations } = await run(selector, { resultTypes: ["violations"], ...options });
        return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
      },
      [part, rules] as const,
    );
  }

  async function faultsOf(page: Page, name: string): Promise<string[]> {
    await page.emulateMedia({ colorScheme: "dark" });
    await page.goto(`${server.url}/${name}`, { waitUntil: "load" });
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    const faults = width > PHONE.width ? [`it is ${width} pixels wide`] : [];
    if (!judged.has(name)) return faults.map((fault) => `${name}: ${fault}`);
    await page.evaluate(axe.source);
    // The page that seals is no page of VitePress's.
    const part = (await page.$("#VPContent")) === null ? "body" : "#VPContent";
    faults.push(...(await violationsIn(page, part)));
    await page.emulateMedia({ colorScheme: "light" });
    await page.waitForFunction(() => !document.documentElement.classList.contains("dark"));
    faults.push(...(await violationsIn(page, part, ["color-contrast"])));
    return faults.map((fault) => `${name}: ${fault}`);
  }

  /* A part of the pages each, so that none of the tests is long on a busy machine. */
  test.each([0, 1, 2, 3])(
    "pages load without a message, fit a phone, and pass axe in the dark and in the light: part %i of 4",
    async (part) => {
      const left = pages.filter((_, at) => at % 4 === part);
      const found: string[] = [];
      const work = async (): Promise<void> => {
        const { page, wrong } = await openPage(PHONE);
        for (let name = left.pop(); name !== undefined; name = left.pop()) found.push(...(await faultsOf(page, name)));
        found.push(...wrong);
        await page.close();
      };
      await Promise.all([work(), work()]);
      expect(found).toEqual([]);
    },
    600_000,
  );

  describe("the whole window", () => {
    let page: Page;
    let wrong: string[];
    beforeEach(async () => void ({ page, wrong } = await openPage()));
    afterEach(() => page.close());

    const isOn = (selector: string): Promise<boolean> =>
      page.evaluate((its) => document.activeElement?.matches(its) === true, selector);
    /** Presses Tab until something has the focus, as a person without a mouse does. */
    async function tabTo(selector: string, most: number): Promise<void> {
      for (let count = 0; count < most; count += 1) {
        await page.keyboard.press("Tab");
        if (await isOn(selector)) return;
      }
      throw new Error(`${most} times Tab did not lead to ${selector}`);
    }

    test("passes axe with its navigation, with the search open, and with the menu of a phone open", async () => {
      const found: string[] = [];
      await page.goto(`${server.url}/how-to/rotate.html`, { waitUntil: "networkidle" });
      await page.evaluate(axe.source);
      found.push(...(await violationsIn(page, "body")));
      await page.click(".VPNavBarSearch button");
      await page.fill("#localsearch-input", "rotate");
      await page.waitForSelector(".VPLocalSearchBox .results a");
      // VitePress 1.6 gives the whole box the role of a button, which it is not.
      const inBox = await violationsIn(page, ".VPLocalSearchBox");
      found.push(...inBox.filter((one) => !/^(?:label-content-name-mismatch|nested-interactive): <div/.test(one)));
      await page.keyboard.press("Escape");
      await page.setViewportSize(PHONE);
      await page.click(".VPNavBarHamburger");
      found.push(...(await violationsIn(page, ".VPNav")));
      expect([...found, ...wrong]).toEqual([]);
    });

    test("its search, which asks nobody, finds what people ask", async () => {
      await page.goto(server.url, { waitUntil: "networkidle" });
      await page.click(".VPNavBarSearch button");
      const missed: string[] = [];
      for (const [question, wanted] of QUESTIONS) {
        await page.fill("#localsearch-input", question);
        // Results follow what is typed by a moment.
        const isFound = await page
          .waitForFunction(
            (its) => {
              const links = document.querySelectorAll<HTMLAnchorElement>(".VPLocalSearchBox .results a");
              const found = new Set(Array.from(links, ({ pathname }) => pathname));
              return [...found].slice(0, 3).includes(its);
            },
            `/${wanted}.html`,
            { timeout: 3000 },
          )
          .then(
            () => true,
            () => false,
          );
        if (isFound) continue;
        const first = await page.evaluate(() =>
          Array.from(document.querySelectorAll<HTMLAnchorElement>(".VPLocalSearchBox .results a"), (a) => a.pathname),
        );
        missed.push(`${question}: ${wanted}, but ${[...new Set(first)].slice(0, 4).join(" ")}`);
      }
      expect([...missed, ...wrong]).toEqual([]);
    });

    test("the keyboard alone reaches the search and its results", async () => {
      await page.goto(server.url, { waitUntil: "networkidle" });
      await tabTo(".VPNavBarSearch button", 4);
      await page.keyboard.press("Enter");
      await page.waitForSelector("#localsearch-input:focus");
      await page.keyboard.type("stolen laptop");
      await page.waitForSelector(".VPLocalSearchBox .results a");
      // Results follow what is typed by a moment.
      const first = await page.waitForFunction(() => {
        const link = document.querySelector<HTMLAnchorElement>(".VPLocalSearchBox .results a");
        return link?.href.includes("laptop") === true && link.href;
      });
      const address = await first.jsonValue();
      await page.keyboard.press("Enter");
      await page.waitForURL(String(address));
      await page.keyboard.press("Control+k");
      await page.waitForSelector("#localsearch-input:focus");
      expect(wrong).toEqual([]);
    });

    test("the keyboard alone reaches the content, the pages beside it, and the menu of a phone", async () => {
      await page.goto(`${server.url}/how-to/rotate.html`, { waitUntil: "networkidle" });
      await tabTo(".VPSkipLink", 1);
      await page.keyboard.press("Enter");
      await page.waitForSelector("#VPContent:focus");
      await page.reload({ waitUntil: "networkidle" });
      await tabTo(".VPSidebar a[href$='/how-to/lost-laptop.html']", 30);
      await page.keyboard.press("Enter");
      await page.waitForURL("**/how-to/lost-laptop.html");
      await page.setViewportSize(PHONE);
      await page.reload({ waitUntil: "networkidle" });
      await tabTo(".VPNavBarHamburger", 6);
      await page.keyboard.press("Enter");
      await tabTo(".VPNavScreen a[href$='/start/share-a-key.html']", 3);
      await page.keyboard.press("Enter");
      await page.waitForURL("**/start/share-a-key.html");
      expect(wrong).toEqual([]);
    });
  });
});
