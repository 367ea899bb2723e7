import { describe, expect, test } from "vitest";
import { peer, run } from "../src/index.ts";
import { startXServer } from "../src/terminal/index.ts";

const [xvfb, xclip] = [peer("Xvfb"), peer("xclip")];

describe.skipIf(xvfb.missing || xclip.missing)(`the X clipboard with ${xvfb.label} and ${xclip.label}`, () => {
  test("is empty at first, and holds what was written last", async () => {
    await using server = await startXServer();
    expect(await server.readClipboard()).toBeNull();
    await server.writeClipboard("hello ✓\n");
    expect((await server.readClipboard())?.toString()).toBe("hello ✓\n");
    await server.writeClipboard("other");
    expect((await server.readClipboard())?.toString()).toBe("other");
  });

  test("is not shared between two servers", async () => {
    await using one = await startXServer();
    await using two = await startXServer();
    expect(one.display).not.toBe(two.display);
    await one.writeClipboard("one");
    expect(await two.readClipboard()).toBeNull();
  });

  test("ends with its server", async () => {
    const server = await startXServer();
    await server.writeClipboard("held");
    await server.close();
    const { status, stderr } = await run("xclip", ["-out"], { env: { ...process.env, DISPLAY: server.display } });
    expect(status).not.toBe(0);
    expect(stderr).toMatch(/can't open display/i);
  });
});
