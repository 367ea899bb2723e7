import { readFileSync } from "node:fs";
import { readOpenPgpKeys } from "@git-vault/keys";
import { startGitHub, type GitHubStandIn } from "@git-vault/testkit/github";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { directoryAt, vector } from "./fixtures.ts";

const ALICE = readFileSync(vector("alice.asc"), "utf8");
const MALLORY = readFileSync(vector("mallory.asc"), "utf8");

describe("OpenPGP keys of recipients, made by gpg", () => {
  let github: GitHubStandIn;
  let fingerprint: string | null | undefined;
  const resolve = (query: string) => directoryAt(github.url).resolve(query, "openpgp");

  beforeAll(async () => {
    github = await startGitHub();
    fingerprint = (await readOpenPgpKeys(Buffer.from(ALICE)))[0]?.fingerprint;
    github.users.set("alice", { gpgKeys: [ALICE] });
    github.users.set("old", { gpgKeys: [ALICE], gpgKeysInParts: true });
    github.users.set("none", {});
    github.texts.set("/alice.asc", ALICE);
  });
  afterAll(() => github.close());

  test("come from GitHub, also where its API has them in parts only", async () => {
    for (const login of ["alice", "old"]) {
      const [entry] = await resolve(login);
      expect(entry).toMatchObject({
        name: `github:${login}`,
        source: `${github.url}/users/${login}/gpg_keys`,
        keys: [{ type: "openpgp", fingerprint, comment: "Alice <alice@example.org>", unusable: null }],
      });
    }
    await expect(resolve("none")).rejects.toMatchObject({
      code: "NO_KEYS",
      message: expect.stringContaining("no OpenPGP keys"),
    });
    await expect(resolve("nobody")).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  test("are those that GitHub names, and no others that stand beside them", async () => {
    github.users.set("two", { gpgKeys: [ALICE + MALLORY] });
    github.users.set("other", { gpgKeys: [ALICE], gpgKeysInParts: true });
    github.faults.push({ fault: "answer", status: 200, body: MALLORY, on: "/other.gpg" });
    expect((await resolve("two"))[0]?.keys.map((key) => key.fingerprint)).toEqual([fingerprint]);
    expect((await resolve("other"))[0]?.keys).toMatchObject([
      {
        fingerprint: null,
        key: null,
        comment: fingerprint?.slice(-16),
        unusable: expect.stringContaining("malformed"),
      },
    ]);
  });

  test("come from a URL and from a file, in armor or binary", async () => {
    for (const query of [`${github.url}/alice.asc`, `${github.url}/alice.gpg`, vector("alice.gpg")]) {
      const [entry] = await directoryAt(github.url).resolve(query);
      expect(entry?.keys).toMatchObject([{ type: "openpgp", fingerprint, unusable: null }]);
    }
    await expect(resolve(`${github.url}/none.gpg`)).rejects.toMatchObject({ code: "NO_KEYS" });
    await expect(resolve(vector("alice-secret.asc"))).rejects.toMatchObject({ code: "INVALID_RECIPIENT" });
  });
});
