import { mkdirSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { join } from "node:path";
import { makeSshKey, peer, run, temporaryFolder, type RunResult, type TemporaryFolder } from "@git-vault/testkit";
import { openTerminal, startXServer, type XServer } from "@git-vault/testkit/terminal";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { VAULT } from "./program.ts";

let folder: TemporaryFolder;
let env: NodeJS.ProcessEnv;
let publicKey: string;

beforeAll(async () => {
  folder = temporaryFolder();
  mkdirSync(join(folder.path, ".ssh"));
  publicKey = (await makeSshKey({ type: "ed25519", folder: join(folder.path, ".ssh") })).publicKeyPath;
  env = { HOME: folder.path, PATH: process.env["PATH"] ?? "", LANG: "C.UTF-8" };
});

afterAll(() => folder.remove());

const vault = (
  args: string[],
  options: { input?: string | Uint8Array; env?: NodeJS.ProcessEnv } = {},
): Promise<RunResult> =>
  run(process.execPath, [VAULT, ...args], { cwd: folder.path, ...options, env: { ...env, ...options.env } });

const seal = async (secret: string | Uint8Array): Promise<Buffer> =>
  (await vault(["share", "-q", "--to", publicKey], { input: secret })).stdout;

const missing = [peer("Xvfb"), peer("xclip")].find((its) => its.missing);
describe.skipIf(missing !== undefined)(`an X clipboard${missing ? `: ${missing.label}` : ""}`, () => {
  let x: XServer;
  beforeAll(async () => {
    x = await startXServer();
    env["DISPLAY"] = x.display;
  });
  afterAll(async () => {
    delete env["DISPLAY"];
    await x.close();
  });

  /** What the clipboard holds once it no longer holds `content`. */
  const clipboardAfter = async (content: string): Promise<string> => {
    for (;;) {
      const now = (await x.readClipboard())?.toString() ?? "";
      if (now !== content) return now;
      await sleep(100);
    }
  };

  test("takes a sealed message from share, and gives it to view", async () => {
    const shared = await vault(["share", "-c", "--to", publicKey], { input: "the secret" });
    expect(shared).toMatchObject({ status: 0, stdout: Buffer.alloc(0) });
    expect(shared.stderr).toContain("the sealed message is in the clipboard");
    expect((await x.readClipboard())?.toString()).toMatch(/^-----BEGIN AGE/);
    expect(await vault(["view"])).toMatchObject({ status: 0, stdout: Buffer.from("the secret") });
  });

  test("gives view what another program put there", async () => {
    await x.writeClipboard(Buffer.concat([Buffer.from("look: \r\n"), await seal("from elsewhere")]));
    expect(await vault(["view"])).toMatchObject({ status: 0, stdout: Buffer.from("from elsewhere") });
  });

  test("is cleared of a plaintext after a while", async () => {
    await x.writeClipboard("something else");
    const viewed = await vault(["view", "-c", "--clear-after", "1"], { input: await seal("short-lived") });
    expect(viewed).toMatchObject({ status: 0, stdout: Buffer.alloc(0) });
    expect(viewed.stderr).toContain("cleared in 1 second");
    // It may be cleared before it is looked at; what lay there before would not be.
    expect(await clipboardAfter("short-lived")).toBe("");
  });

  test("is cleared of a plaintext after 45 seconds, unless something else is said", async () => {
    expect((await vault(["view", "-c"], { input: await seal("by default") })).stderr).toContain(
      "cleared in 45 seconds",
    );
    expect((await vault(["share", "-c", "--to", publicKey], { input: "sealed" })).stderr).not.toContain("cleared");
  });

  test("is left alone where it holds something else by then, or when asked", async () => {
    await vault(["view", "-c", "--clear-after", "1"], { input: await seal("first") });
    await x.writeClipboard("mine");
    await sleep(2500);
    expect((await x.readClipboard())?.toString()).toBe("mine");
    const kept = await vault(["view", "-c", "--clear-after", "0"], { input: await seal("kept") });
    expect(kept.stderr).not.toContain("cleared");
    expect((await x.readClipboard())?.toString()).toBe("kept");
  });

  test("does not take binary", async () => {
    await x.writeClipboard("untouched");
    const viewed = await vault(["view", "-c"], { input: await seal(Buffer.from([0, 1, 2, 255])) });
    expect(viewed.status).toBe(1);
    expect(viewed.stderr).toContain("the output is binary (4 bytes) and the clipboard holds text only");
    expect((await x.readClipboard())?.toString()).toBe("untouched");
  });

  test.each(["execa", "EXECA,http", "*"])("is not read where NODE_DEBUG=%s would print it", async (debug) => {
    await x.writeClipboard("canary-in-the-clipboard");
    const { status, stdout, stderr } = await vault(["view"], { env: { NODE_DEBUG: debug } });
    expect(stdout.toString() + stderr).not.toContain("canary");
    expect(stderr).toContain("NODE_DEBUG would print what the clipboard holds");
    expect(status).toBe(1);
  });

  test("is empty, which view says", async () => {
    await x.writeClipboard("");
    const viewed = await vault(["view"]);
    expect(viewed.status).toBe(1);
    expect(viewed.stderr).toContain("the clipboard holds no text");
  });

  test.each(["-1", "1.5", "soon", "99999999"])("is not cleared after %s seconds", async (seconds) => {
    expect(await vault(["view", "-c", `--clear-after=${seconds}`], { input: "" })).toMatchObject({ status: 2 });
  });
});

describe("without any display", () => {
  test("view says what to do instead", async () => {
    const viewed = await vault(["view"]);
    expect(viewed.status).toBe(1);
    expect(viewed.stderr).toContain("there is no clipboard here: no X11 or Wayland display can be reached");
    expect(viewed.stderr).toContain("hint: use a pipe or a file instead");
  });

  test("view says so for a display that does not answer, too", async () => {
    const viewed = await vault(["view"], { env: { DISPLAY: ":31999" } });
    expect(viewed.status).toBe(1);
    expect(viewed.stderr).toContain("there is no clipboard here");
  });

  test("view says that no program is installed that reaches it", async () => {
    const viewed = await vault(["view"], { env: { DISPLAY: ":31999", PATH: "/nowhere" } });
    expect(viewed.status).toBe(1);
    expect(viewed.stderr).toContain("there is no clipboard here: neither xsel nor wl-copy is installed");
    expect(viewed.stderr).toContain("hint: install xsel, or use a pipe or a file instead");
  });

  test("share -c sends the message to the terminal by OSC 52", async () => {
    writeFileSync(join(folder.path, "secret"), "over the terminal");
    using terminal = openTerminal(process.execPath, [VAULT, "share", "-c", "--to", publicKey, "secret"], {
      cwd: folder.path,
      env,
      stderr: "pipe",
    });
    const { status, stderr } = await terminal.ended;
    expect(stderr.toString()).toContain("the terminal, whose clipboard it is on if the terminal allows that");
    // oxlint-disable-next-line no-control-regex -- it is a control sequence
    const sequence = /\u001b\]52;c;([A-Za-z0-9+/=]+)\u0007/.exec(terminal.raw);
    expect(status).toBe(0);
    const message = Buffer.from(sequence?.[1] ?? "", "base64");
    expect(await vault(["view"], { input: message })).toMatchObject({ stdout: Buffer.from("over the terminal") });
  });

  test("share -c refuses a message that is too large for a terminal", async () => {
    writeFileSync(join(folder.path, "large"), Buffer.alloc(80_000));
    const shared = await vault(["share", "-c", "--to", publicKey, "large"]);
    expect(shared.status).toBe(1);
    expect(shared.stderr).toMatch(/a terminal takes at most 74994 bytes, not \d+/);
  });

  test("share -c refuses where there is no terminal either", async () => {
    const shared = await vault(["share", "-c", "--to", publicKey, "secret"]);
    expect(shared.status).toBe(1);
    expect(shared.stderr).toContain("there is no clipboard here");
  });
});
