import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readOpenPgpArmor, readOpenPgpKeys } from "@git-vault/keys";
import { temporaryFolder } from "@git-vault/testkit";
import { startGitHub, type GitHubStandIn } from "@git-vault/testkit/github";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ALICE as SSH_KEY, directoryAt, vector } from "./fixtures.ts";

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

  test.each([
    [404, "NOT_FOUND"],
    [503, "BAD_ANSWER"],
  ] as const)("are not taken from a page with status %i", async (status, code) => {
    github.faults.push({ fault: "answer", status, body: ALICE, on: "/old.gpg", times: 1 });
    await expect(resolve("old")).rejects.toMatchObject({ code });
  });

  test("come from a URL and from a file, in armor or binary", async () => {
    for (const query of [`${github.url}/alice.asc`, `${github.url}/alice.gpg`, vector("alice.gpg")]) {
      const [entry] = await directoryAt(github.url).resolve(query);
      expect(entry?.keys).toMatchObject([{ type: "openpgp", fingerprint, unusable: null }]);
    }
    await expect(resolve(`${github.url}/none.gpg`)).rejects.toMatchObject({ code: "NO_KEYS" });
    await expect(resolve(vector("alice-secret.asc"))).rejects.toMatchObject({ code: "INVALID_RECIPIENT" });
  });

  test("are told from a private key in binary, of which the public one is asked for", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "alice.gpg");
    const [block] = readOpenPgpArmor(readFileSync(vector("alice-secret.asc"), "utf8"));
    writeFileSync(path, block?.bytes ?? "");
    await expect(resolve(path)).rejects.toMatchObject({
      code: "INVALID_RECIPIENT",
      message: `expected public keys, got a private key in ${path}`,
    });
  });

  test.each([
    ["words", "hello"],
    ["a message", "-----BEGIN PGP MESSAGE-----\n\nwV4D\n-----END PGP MESSAGE-----\n"],
    ["damaged armor", ALICE.replace(/\n[A-Za-z0-9+/]{64}\n/, "\n????\n")],
    ["an SSH key", `${SSH_KEY}\n`],
  ])("are none where GitHub has %s in their place", async (_what, raw) => {
    const listed = JSON.stringify([{ key_id: fingerprint?.slice(-16), raw_key: raw }]);
    const headers = { "content-type": "application/json" };
    github.faults.push({ fault: "answer", status: 200, headers, body: listed, on: "/users/odd/gpg_keys", times: 1 });
    await expect(resolve("odd")).rejects.toMatchObject({
      code: "BAD_ANSWER",
      message: expect.stringContaining("answered with OpenPGP keys that are none"),
    });
  });

  test("of version 6 are known by the other end of their fingerprint", async () => {
    const path = new URL("../../keys/test/vectors/rfc9580-a3-certificate.asc", import.meta.url);
    const raw = readFileSync(path, "utf8");
    const [key] = await readOpenPgpKeys(Buffer.from(raw));
    const listed = JSON.stringify([{ key_id: key?.fingerprint?.slice(0, 16), raw_key: raw }]);
    const headers = { "content-type": "application/json" };
    github.faults.push({ fault: "answer", status: 200, headers, body: listed, on: "/users/new/gpg_keys", times: 1 });
    expect((await resolve("new"))[0]?.keys).toMatchObject([{ fingerprint: key?.fingerprint, unusable: null }]);
  });

  test("that are not there are named by the digits of their ID alone", async () => {
    const listed = JSON.stringify([{ key_id: `\u001B[2J${"AB".repeat(20)}`, raw_key: ALICE }]);
    const headers = { "content-type": "application/json" };
    github.faults.push({ fault: "answer", status: 200, headers, body: listed, on: "/users/odd/gpg_keys", times: 1 });
    expect((await resolve("odd"))[0]?.keys).toMatchObject([{ key: null, comment: "2ABABABABABABABA" }]);
  });
});
