import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  makeSshKey,
  peer,
  temporaryFolder,
  type Peer,
  type SshKey,
  type SshKeyOptions,
  type TemporaryFolder,
} from "@git-vault/testkit";
import { startGitHub, type GitHubStandIn } from "@git-vault/testkit/github";
import { mintCertificate, startProxy } from "@git-vault/testkit/network";
import {
  chromium,
  firefox,
  type BrowserContext,
  type BrowserType,
  type LaunchOptions,
  type Page,
} from "playwright-core";
import { makePage } from "../scripts/page.mjs";

/** The browsers that Debian has, and how Playwright drives each as it is installed. */
export const BROWSERS: readonly BrowserOfDebian[] = [
  { name: "chromium", program: peer("chromium"), type: chromium, options: { args: ["--no-sandbox"] } },
  { name: "firefox", program: peer("firefox-esr"), type: firefox, options: { channel: "moz-firefox" } },
];

export interface BrowserOfDebian {
  readonly name: "chromium" | "firefox";
  readonly program: Peer;
  readonly type: BrowserType;
  readonly options: LaunchOptions;
}

/** A browser, with GitHub's stand-in under GitHub's own name, and the page as it is shipped. */
export interface PageWorld extends AsyncDisposable {
  readonly folder: TemporaryFolder;
  readonly html: string;
  /** Where the page is, as a file. */
  readonly address: string;
  readonly github: GitHubStandIn;
  readonly context: BrowserContext;
  /** Every address that a page asked for, but its own; the policy may have refused some. */
  readonly requests: string[];
  /** Those that were answered. */
  readonly answered: readonly string[];
  /** What browsers said: errors, refusals of the policy. */
  readonly said: string[];
  /** Opens the page in a new tab. */
  open(hash?: string): Promise<Page>;
  /** A new key pair in the folder. */
  key(options: Omit<SshKeyOptions, "folder" | "name">): Promise<SshKey>;
}

/** Starts a browser of Debian. */
export async function startPageWorld({ name, program, type, options }: BrowserOfDebian): Promise<PageWorld> {
  const folder = temporaryFolder();
  const authority = await mintCertificate({ commonName: "page test", authority: true });
  const certificate = await mintCertificate({ names: ["api.github.com", "gitlab.com"], issuer: authority });
  // Firefox trusts no certificate of ours: Playwright brings its requests to the stand-in.
  const isBrought = name === "firefox";
  const github = await startGitHub(isBrought ? {} : { tls: { key: certificate.key, cert: certificate.chain } });
  const here = new URL(github.url).host;
  // Chromium asks its maker for things of its own; here they lead nowhere.
  const proxy = await startProxy({ hosts: { "api.github.com": here, "gitlab.com": here, "*": "127.0.0.1:1" } });
  const browser = await type.launch({
    executablePath: program.path,
    ...options,
    proxy: { server: proxy.url },
    env: { ...process.env, HOME: folder.path },
  });
  const context = await browser.newContext({ ignoreHTTPSErrors: true, acceptDownloads: true });
  if (isBrought) {
    await context.route("https://api.github.com/**", async (route) => {
      const { pathname, search } = new URL(route.request().url());
      const answer = await fetch(`${github.url}${pathname}${search}`);
      await route.fulfill({
        status: answer.status,
        headers: Object.fromEntries(answer.headers),
        body: await answer.text(),
      });
    });
  }
  const { html } = await makePage("1.2.3");
  const file = join(folder.path, "seal.html");
  writeFileSync(file, html);
  const address = `file://${file}`;
  const requests: string[] = [];
  const answered: string[] = [];
  const said: string[] = [];
  context.on("requestfinished", (request) => answered.push(request.url()));
  context.on("request", (request) => {
    const url = request.url();
    if (!/^(?:blob|data|file):/.test(url)) requests.push(url);
  });
  context.on("console", (message) => said.push(message.text()));
  context.on("weberror", (error) => said.push(String(error.error())));
  let count = 0;
  return {
    folder,
    html,
    address,
    github,
    context,
    requests,
    answered,
    said,
    open: async (hash = "") => {
      const page = await context.newPage();
      await page.goto(address + hash);
      return page;
    },
    key: (its) => makeSshKey({ folder: folder.path, name: `key-${(count += 1)}`, ...its }),
    [Symbol.asyncDispose]: async () => {
      await browser.close();
      await proxy.close();
      await github.close();
      folder.remove();
    },
  };
}

/** Looks up a name, or takes keys, and waits for what comes of it. */
export async function choose(page: Page, text: string): Promise<void> {
  // Another text hides what was found before.
  await page.fill("#name", "");
  await page.fill("#name", text);
  await page.click("#who button[type=submit]");
  await page.waitForSelector("#receiver:not([hidden]), #who-error:not([hidden])");
}

/** Seals what is there, and returns the message. */
export async function seal(page: Page): Promise<string> {
  await page.click("#do-seal");
  await page.waitForSelector("#result:not([hidden]), #seal-error:not([hidden])");
  return page.inputValue("#message");
}

/** The bytes behind the first link to download. */
export async function download(page: Page): Promise<Buffer> {
  const [arrived] = await Promise.all([page.waitForEvent("download"), page.click("#downloads a")]);
  return readFileSync(await arrived.path());
}
