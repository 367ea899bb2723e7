import { createServer, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { startGitHub, type GitHubStandIn } from "@git-vault/testkit/github";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ALICE, directoryAt, failureOf } from "./fixtures.ts";

let github: GitHubStandIn;
beforeEach(async () => {
  github = await startGitHub();
  github.users.set("choldgraf", { keys: [ALICE] });
});
afterEach(async () => {
  await github.close();
});

const host = (): string => new URL(github.url).host;

/** A server that does with each connection what it likes. */
async function rawServer(onConnection: (socket: Socket) => void): Promise<{ url: string } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => {}));
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

describe("a dropped connection", () => {
  test.each(["before-headers", "after-headers"] as const)("%s is tried once more", async (when) => {
    github.faults.push({ fault: "drop", when, times: 1 });
    await expect(directoryAt(github.url).resolve("choldgraf")).resolves.toHaveLength(1);
    expect(github.requests).toHaveLength(2);
  });

  test.each(["before-headers", "after-headers"] as const)("%s, twice, is told", async (when) => {
    github.faults.push({ fault: "drop", when });
    expect(await failureOf(directoryAt(github.url).resolve("choldgraf"))).toMatchObject({
      code: "NETWORK",
      message: `${host()} dropped the connection, twice`,
      hint: "check the connection and try again",
    });
    expect(github.requests).toHaveLength(2);
  });
});

describe("time", () => {
  test.each([
    ["before the headers", { fault: "delay", milliseconds: 10_000 }],
    ["in the middle of the body", { fault: "stall" }],
  ] as const)("runs out %s", async (_when, fault) => {
    github.faults.push({ ...fault });
    expect(await failureOf(directoryAt(github.url, {}, { timeout: 200 }).resolve("choldgraf"))).toMatchObject({
      code: "NETWORK",
      message: `${host()} did not answer within 0.2 seconds`,
    });
    expect(github.requests).toHaveLength(1);
  });

  test("runs out while the server takes the connection and says nothing", async () => {
    await using silent = await rawServer(() => {});
    const error = await failureOf(directoryAt(silent.url, {}, { timeout: 200 }).resolve("choldgraf"));
    expect(error.message).toMatch(/did not answer within 0.2 seconds$/);
  });

  test("is a whole number of milliseconds", () => {
    expect(() => directoryAt(github.url, {}, { timeout: 0 })).toThrow(RangeError);
    expect(() => directoryAt(github.url, {}, { timeout: "5" as unknown as number })).toThrow(TypeError);
  });
});

describe("a signal", () => {
  test("stops a lookup, which rejects with its reason", async () => {
    github.faults.push({ fault: "stall" });
    const controller = new AbortController();
    const lookup = directoryAt(github.url, {}, { signal: controller.signal }).resolve("choldgraf");
    const reason = new Error("the user changed their mind");
    setTimeout(() => controller.abort(reason), 50);
    await expect(lookup).rejects.toBe(reason);
  });

  test("that was aborted before lets nothing be asked", async () => {
    const lookup = directoryAt(github.url, {}, { signal: AbortSignal.abort() }).resolve("choldgraf");
    await expect(lookup).rejects.toMatchObject({ name: "AbortError" });
    expect(github.requests).toEqual([]);
  });
});

describe("no connection", () => {
  test("because nobody listens is told", async () => {
    await github.close();
    expect(await failureOf(directoryAt(github.url).resolve("choldgraf"))).toMatchObject({
      code: "NETWORK",
      message: `${host()} refused the connection`,
      hint: "check the address, and that the server runs",
    });
  });

  test("because the name does not exist is told", async () => {
    expect(await failureOf(directoryAt("https://nobody.invalid").resolve("choldgraf"))).toMatchObject({
      code: "NETWORK",
      message: "nobody.invalid could not be found by its name",
    });
  });

  test("because the server does not speak TLS is told", async () => {
    const url = github.url.replace("http:", "https:");
    expect(await failureOf(directoryAt(url).resolve("choldgraf"))).toMatchObject({
      code: "NETWORK",
      message: `${host()} does not speak TLS as expected`,
    });
  });

  test("because the server does not speak HTTP is told", async () => {
    await using odd = await rawServer((socket) => socket.end("220 mail.example.org ESMTP\r\n"));
    const error = await failureOf(directoryAt(odd.url).resolve("choldgraf"));
    expect(error).toMatchObject({ code: "BAD_ANSWER", message: `${new URL(odd.url).host} did not answer in HTTP` });
    expect(inspect(error, { depth: 9 })).not.toContain("ESMTP");
  });

  test("is no reason to crash where the headers never end", async () => {
    await using odd = await rawServer((socket) => {
      socket.write("HTTP/1.1 200 OK\r\n");
      socket.write(`x-filler: ${"x".repeat(200_000)}\r\n`);
    });
    expect(await failureOf(directoryAt(odd.url).resolve("choldgraf"))).toMatchObject({ code: "BAD_ANSWER" });
  });
});

describe("a redirect", () => {
  test.each([301, 302, 303, 307, 308] as const)("(%i) on the same server is followed", async (status) => {
    github.faults.push({ fault: "redirect", status, location: "/users/choldgraf/keys", on: "/users/renamed/keys" });
    await expect(directoryAt(github.url).resolve("renamed")).resolves.toHaveLength(1);
  });

  test("to another server is refused, and nothing is sent there", async () => {
    await using other = await startGitHub();
    github.tokens.add("secret");
    github.faults.push({ fault: "redirect", location: `${other.url}/users/choldgraf/keys` });
    expect(await failureOf(directoryAt(github.url, { GH_TOKEN: "secret" }).resolve("choldgraf"))).toMatchObject({
      code: "BAD_ANSWER",
      message: `${host()} redirected to another server, which is not followed`,
    });
    expect(other.requests).toEqual([]);
  });

  test.each(["//elsewhere.example/x", "http://", "file:///etc/passwd", "javascript:1", "http://127.0.0.1:1/"])(
    "to %s is refused",
    async (location) => {
      github.faults.push({ fault: "redirect", location });
      expect(await failureOf(directoryAt(github.url).resolve("choldgraf"))).toMatchObject({ code: "BAD_ANSWER" });
    },
  );

  test("in circles is followed three times only", async () => {
    github.faults.push({ fault: "redirect", location: "/round" });
    expect(await failureOf(directoryAt(github.url).resolve("choldgraf"))).toMatchObject({
      code: "BAD_ANSWER",
      message: `${host()} redirected more than 3 times`,
    });
    expect(github.requests).toHaveLength(4);
  });

  test("without a location is an odd answer", async () => {
    github.faults.push({ fault: "answer", status: 302 });
    expect(await failureOf(directoryAt(github.url).resolve("choldgraf"))).toMatchObject({
      code: "BAD_ANSWER",
      message: `${host()} answered with status 302`,
    });
  });
});
