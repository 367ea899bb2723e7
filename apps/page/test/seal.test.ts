import { createHash, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { peer, run, runOk, type SshKey } from "@git-vault/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BROWSERS, choose, download, seal, startPageWorld, type PageWorld } from "./world.ts";

const VAULT = join(import.meta.dirname, "../../vault/dist/main.cjs");
const age = peer("age");

describe.each(BROWSERS)("in $name", (browser) => {
  describe.skipIf(browser.program.missing || age.missing)(`with ${age.label}`, () => {
    // The other browser is slow to start: it shows that all the parts are there.
    const isQuick = browser.name === "firefox";
    let world: PageWorld;
    let ed25519: SshKey;
    let rsa: SshKey;

    beforeAll(async () => {
      world = await startPageWorld(browser);
      ed25519 = await world.key({ type: "ed25519", comment: "laptop" });
      rsa = await world.key({ type: "rsa", bits: 3072 });
      world.github.users.set("choldgraf", { name: "Chris Holdgraf", keys: [ed25519.publicKey, rsa.publicKey] });
    });
    afterAll(() => world[Symbol.asyncDispose]());

    const opensBy = async (key: SshKey, message: string | Buffer): Promise<Buffer[]> => {
      const file = join(world.folder.path, "message.age");
      writeFileSync(file, message);
      const byAge = await runOk(age.path, ["-d", "-i", key.privateKeyPath, file]);
      const byVault = await runOk(process.execPath, [VAULT, "view", "-o", "-", "-k", key.privateKeyPath, file], {
        env: { ...process.env, HOME: world.folder.path },
      });
      return [byAge, byVault];
    };

    test("a name typed as people write it leads to the keys of GitHub, and age and vault open the message", async () => {
      const page = await world.open();
      await choose(page, "@Choldgraf");
      expect(await page.textContent("#person-name")).toBe("github:choldgraf");
      const about = "GitHub, account since 2011-01-25, calls itself Chris Holdgraf";
      expect(await page.textContent("#person-about")).toBe(about);
      expect(await page.textContent("#key-list")).toContain("ssh-rsa, 3072 bits");
      await page.fill("#secret", "s3cret, ünd mehr\n");
      const message = await seal(page);
      expect(message).toMatch(/^-----BEGIN AGE ENCRYPTED FILE-----\n/);
      for (const key of [ed25519, rsa]) {
        for (const opened of await opensBy(key, message)) expect(opened.toString()).toBe("s3cret, ünd mehr\n");
      }
      expect(await page.inputValue("#secret")).toBe("");
      expect(await page.textContent("#words")).toContain("age -d -i ~/.ssh/id_ed25519 message.txt");
      await page.close();
    });

    test.skipIf(isQuick)("a key that is not ticked does not open the message", async () => {
      const page = await world.open();
      await choose(page, "github:choldgraf");
      await page.uncheck("#key-1");
      await page.fill("#secret", "x");
      const message = await seal(page);
      writeFileSync(join(world.folder.path, "one.age"), message);
      expect((await opensBy(ed25519, message))[0]?.toString()).toBe("x");
      const other = await run(age.path, ["-d", "-i", rsa.privateKeyPath, join(world.folder.path, "one.age")]);
      expect(other.status).not.toBe(0);
      await page.close();
    });

    test.skipIf(isQuick)(
      "a file of no bytes is sealed, and words around a message do no harm to vault view",
      async () => {
        const page = await world.open();
        await choose(page, ed25519.publicKey);
        await page.setInputFiles("#files", { name: "empty", mimeType: "text/plain", buffer: Buffer.alloc(0) });
        const message = await seal(page);
        for (const opened of await opensBy(ed25519, message)) expect(opened).toHaveLength(0);
        expect((await download(page)).toString()).toBe(message);
        const around = `${await page.textContent("#words")}\n\n${message}\nRegards`;
        writeFileSync(join(world.folder.path, "around.txt"), around);
        const viewed = await runOk(process.execPath, [
          VAULT,
          "view",
          "-o",
          "-",
          "-k",
          ed25519.privateKeyPath,
          join(world.folder.path, "around.txt"),
        ]);
        expect(viewed).toHaveLength(0);
        await page.close();
      },
    );

    test.skipIf(isQuick).each([2048, 4096])("RSA of %i bits opens", async (bits) => {
      const key = await world.key({ type: "rsa", bits });
      const page = await world.open();
      await choose(page, key.publicKey);
      await page.fill("#secret", "for RSA");
      for (const opened of await opensBy(key, await seal(page))) expect(opened.toString()).toBe("for RSA");
      await page.close();
    });

    test.skipIf(isQuick)("100 MiB go through a worker to a file, with progress, and open", async () => {
      const bytes = randomBytes(100 * 1024 * 1024);
      const file = join(world.folder.path, "large");
      writeFileSync(file, bytes);
      const page = await world.open();
      await choose(page, ed25519.publicKey);
      await page.setInputFiles("#files", file);
      await page.evaluate(() => {
        const bar = document.querySelector("progress");
        const seen = new Set<number>();
        setInterval(() => bar && seen.add(bar.value), 20);
        Object.assign(globalThis, { seen });
      });
      await page.click("#do-seal");
      await page.waitForSelector("#result:not([hidden])", { timeout: 120_000 });
      expect(await page.evaluate(() => (Reflect.get(globalThis, "seen") as Set<number>).size)).toBeGreaterThan(2);
      expect(await page.isHidden("#message-box")).toBe(true);
      const sealed = await download(page);
      expect(sealed.subarray(0, 21).toString()).toBe("age-encryption.org/v1");
      writeFileSync(`${file}.age`, sealed);
      await runOk(age.path, ["-d", "-i", ed25519.privateKeyPath, "-o", `${file}.out`, `${file}.age`]);
      const digest = (its: Buffer): string => createHash("sha256").update(its).digest("hex");
      expect(digest(readFileSync(`${file}.out`))).toBe(digest(bytes));
      await page.close();
    });

    test("a secret that was asked for goes to the tab that asked, by a key that nobody else has", async () => {
      await world.context.route("https://page.example/**", (route) =>
        route.fulfill({ contentType: "text/html", body: world.html }),
      );
      const asking = await world.context.newPage();
      await asking.goto("https://page.example/seal.html#request");
      await asking.click("#make-request");
      await asking.waitForSelector("#request-made:not([hidden])");
      const link = await asking.inputValue("#request-link");
      expect(link).toMatch(/^https:\/\/page\.example\/seal\.html#age1[a-z0-9]{58}$/);

      const answering = await world.context.newPage();
      await answering.goto(link);
      await answering.waitForSelector("#from-link:not([hidden])");
      await answering.fill("#secret", "the password");
      await seal(answering);
      expect(await answering.textContent("#seal-error")).toBe(
        "Tick the box above first: the link chose the right receiver.",
      );
      await answering.check("#is-right");
      const message = await seal(answering);

      await asking.click("nav a[data-view=open]");
      await asking.fill("#sealed", `Here it is:\n\n${message}`);
      await asking.click("#open-form button[type=submit]");
      await asking.waitForSelector("#opened:not([hidden])");
      expect(await asking.inputValue("#plaintext")).toBe("the password");
      await asking.click("#forget");
      expect(await asking.inputValue("#plaintext")).toBe("");
      expect(world.requests.filter((url) => !url.startsWith("https://page.example/seal.html"))).toEqual(
        world.requests.filter((url) => url.startsWith("https://api.github.com/users/choldgraf")),
      );
      await asking.close({ runBeforeUnload: false });
      await answering.close();
      await world.context.unroute("https://page.example/**");
    });

    test.skipIf(isQuick)(
      "a text beside a file is sealed as well, and no message stays that is for another",
      async () => {
        const page = await world.open();
        await choose(page, ed25519.publicKey);
        await page.fill("#secret", "typed");
        await page.setInputFiles("#files", { name: "a b.txt", mimeType: "text/plain", buffer: Buffer.from("filed") });
        await page.click("#do-seal");
        await page.waitForSelector("#result:not([hidden])");
        const names = await page.$$eval("#downloads a", (links) => links.map((link) => link.getAttribute("download")));
        expect(names).toEqual(["message.txt.age", "a b.txt.age"]);
        expect(await page.textContent("#words")).toContain("vault view -o message.txt message.txt.age");
        await page.fill("#name", rsa.publicKey);
        expect(await page.isHidden("#result")).toBe(true);
        await page.fill("#secret", "second");
        await page.click("#do-seal");
        expect(await page.textContent("#seal-error")).toBe("Press “Find keys” first, and look who it is.");
        await page.close();
      },
    );

    test.skipIf(isQuick)("several keys that are pasted stay several, and a private one is not kept", async () => {
      const page = await world.open();
      await choose(page, `${ed25519.publicKey.trim()} ${rsa.publicKey.trim()} ${rsa.publicKey.trim()}`);
      expect(await page.textContent("#who-status")).toBe("2 keys can be used.");
      await page.evaluate((text) => {
        const clipboardData = new DataTransfer();
        clipboardData.setData("text/plain", text);
        const paste = new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true });
        document.querySelector("#name")?.dispatchEvent(paste);
      }, `${rsa.publicKey.trim()}\n${ed25519.publicKey.trim()}\n`);
      await page.waitForSelector("#key-1");
      expect(await page.textContent("#who-status")).toBe("2 keys can be used.");
      await page.fill("#keys", readFileSync(ed25519.privateKeyPath, "latin1"));
      await page.click("#use-pasted");
      expect(await page.textContent("#who-error")).toMatch(/^This is a private key, which no page may have\./);
      expect(await page.inputValue("#keys")).toBe("");
      await page.fill("#name", "AGE-SECRET-KEY-1QQQ");
      await page.click("#who button[type=submit]");
      expect(await page.textContent("#who-error")).toMatch(/^This is a private key/);
      expect(await page.inputValue("#name")).toBe("");
      await page.close();
    });

    test.skipIf(isQuick)("a message to an SSH key is not opened here, and no key is asked for", async () => {
      const page = await world.open();
      await choose(page, ed25519.publicKey);
      await page.fill("#secret", "x");
      const message = await seal(page);
      await page.click("nav a[data-view=open]");
      await page.fill("#sealed", message);
      await page.fill("#opener", "a passphrase");
      await page.click("#open-form button[type=submit]");
      await page.waitForSelector("#open-error:not([hidden])");
      expect(await page.textContent("#open-error")).toMatch(/^This message is sealed to an SSH key, which a page must/);
      expect(await page.inputValue("#opener")).toBe("");
      await page.close();
    });

    test.skipIf(isQuick)(
      "what age sealed to a passphrase or to a one-time key opens, and a wrong one says so",
      async () => {
        const keygen = peer("age-keygen");
        const identity = (await runOk(keygen.path, [])).toString();
        const [, recipient = ""] = /public key: (age1\S+)/.exec(identity) ?? [];
        const [secretKey = ""] = /AGE-SECRET-KEY-\S+/.exec(identity) ?? [];
        const sealed = await runOk(age.path, ["-r", recipient, "-a"], { input: Buffer.from([0, 1, 255]) });
        const page = await world.open("#open");
        await page.fill("#sealed", sealed.toString());
        await page.click("#open-form button[type=submit]");
        await page.waitForSelector("#open-error:not([hidden])");
        await page.fill("#opener", secretKey);
        await page.click("#open-form button[type=submit]");
        await page.waitForSelector("#opened:not([hidden])");
        expect(await page.textContent("#opened-status")).toBe("It is not text: download it.");

        const { PassphraseRecipient, seal: sealHere } = await import("@git-vault/sealing");
        const phrase = Buffer.from("correct horse");
        const message = await sealHere(Buffer.from("hi"), [new PassphraseRecipient(phrase, { workFactor: 12 })]);
        const attempt = async (typed: string, shows: string): Promise<void> => {
          await page.fill("#sealed", message.toString());
          await page.fill("#opener", typed);
          await page.click("#open-form button[type=submit]");
          await page.waitForSelector(`${shows}:not([hidden])`);
        };
        await attempt("wrong horse", "#open-error");
        expect(await page.textContent("#open-error")).toMatch(/^The message is sealed to another passphrase\./);
        await attempt("correct horse", "#opened");
        expect(await page.inputValue("#plaintext")).toBe("hi");
        // What was given up shows nothing later.
        await page.fill("#sealed", message.toString());
        await page.fill("#opener", "correct horse");
        await page.evaluate(() => {
          for (const each of ["#open-form button[type=submit]", "#forget"]) {
            const button = document.querySelector(each);
            if (button instanceof HTMLElement) button.click();
          }
        });
        await page.waitForFunction(() => document.querySelector("#open-status")?.textContent === "");
        expect(await page.isHidden("#opened")).toBe(true);
        await page.close();
      },
    );

    test("nothing was refused by the policy, and no error was thrown", () => {
      expect(world.said).toEqual([]);
    });
  });
});
