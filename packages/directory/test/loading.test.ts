import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { makeSshKey, temporaryFolder } from "@git-vault/testkit";
import { startGitHub } from "@git-vault/testkit/github";
import { describe, expect, test } from "vitest";
import { startChild } from "./child.ts";
import { ALICE } from "./fixtures.ts";

/** The files and the parts of Node that a lookup loads. */
async function loadedBy(
  query: string,
  env: Record<string, string> = {},
): Promise<{ files: string[]; internals: string[] }> {
  using coverage = temporaryFolder();
  await using child = startChild({ NODE_V8_COVERAGE: coverage.path });
  const { results, internals } = await child.lookUp([query], env);
  await child.end();
  if (results[0]?.name === undefined) throw new Error(`the lookup failed: ${results[0]?.message}`);
  const reports = readdirSync(coverage.path).map((name) => readFileSync(join(coverage.path, name), "utf8"));
  const files = reports.flatMap((report) =>
    (JSON.parse(report) as { result: { url: string }[] }).result.map(({ url }) => url),
  );
  return { files, internals };
}

const NETWORK_FILE =
  /node_modules\/(?:undici|@octokit)\/|directory\/src\/(?:http|github|transport|web|cache|settings)\.mjs$/;
const NETWORK_INTERNAL = /internal\/deps\/undici|NativeModule (?:net|tls|_http_client|http)$/;

describe("what is loaded", () => {
  test("for a file is nothing of the network", async () => {
    using folder = temporaryFolder();
    const { publicKeyPath } = await makeSshKey({ folder: folder.path, type: "ed25519" });
    const { files, internals } = await loadedBy(publicKeyPath);
    expect(files.filter((url) => url.endsWith("directory/src/file.mjs"))).toHaveLength(1);
    expect(files.filter((url) => NETWORK_FILE.test(url))).toEqual([]);
    expect(internals.filter((name) => NETWORK_INTERNAL.test(name))).toEqual([]);
  });

  test("for a literal key is nothing of the network, and no files are touched", async () => {
    const { files, internals } = await loadedBy(ALICE);
    expect(files.filter((url) => url.endsWith("directory/src/file.mjs"))).toEqual([]);
    expect(files.filter((url) => NETWORK_FILE.test(url))).toEqual([]);
    expect(internals.filter((name) => NETWORK_INTERNAL.test(name))).toEqual([]);
  });

  test("for a user is Octokit, and undici only for a proxy", async () => {
    await using github = await startGitHub();
    github.users.set("choldgraf", { keys: [ALICE] });
    const { files } = await loadedBy("choldgraf", { GITHUB_API_URL: github.url });
    expect(files.some((url) => url.includes("node_modules/@octokit/rest/"))).toBe(true);
    expect(files.filter((url) => url.includes("node_modules/undici/"))).toEqual([]);
  });

  test("for a URL is no Octokit", async () => {
    await using web = await startGitHub();
    web.texts.set("/alice.keys", ALICE);
    const { files } = await loadedBy(`${web.url}/alice.keys`);
    expect(files.filter((url) => url.includes("/@octokit/"))).toEqual([]);
  });
});
