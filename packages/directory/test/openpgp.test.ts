import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { peer, startGnuPg, temporaryFolder, type GnuPg } from "@git-vault/testkit";
import { startGitHub, type GitHubStandIn } from "@git-vault/testkit/github";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Directory } from "../src/index.ts";

const gpg = peer("gpg");

describe.skipIf(gpg.missing)(`OpenPGP keys of recipients, made by ${gpg.label}`, () => {
  let github: GitHubStandIn;
  let gnupg: GnuPg;
  let armored: string;
  let fingerprint: string;
  const folder = temporaryFolder();
  const directory = (): Directory =>
    new Directory({ env: { GITHUB_API_URL: github.url, HOME: folder.path }, cacheFolder: null });

  beforeAll(async () => {
    github = await startGitHub();
    gnupg = startGnuPg();
    fingerprint = await gnupg.generate({ userId: "Alice <alice@example.org>" });
    armored = (await gnupg.exportPublic(fingerprint)).toString();
    github.users.set("alice", { gpgKeys: [armored] });
    github.users.set("old", { gpgKeys: [armored], gpgKeysInParts: true });
    github.users.set("none", {});
    github.texts.set("/alice.asc", armored);
  });

  afterAll(async () => {
    await github.close();
    await gnupg.end();
    folder.remove();
  });

  test("come from GitHub, also where its API has them in parts only", async () => {
    for (const login of ["alice", "old"]) {
      const [entry] = await directory().resolve(login, "openpgp");
      expect(entry).toMatchObject({
        name: `github:${login}`,
        source: `${github.url}/users/${login}/gpg_keys`,
        keys: [{ type: "openpgp", fingerprint, comment: "Alice <alice@example.org>", unusable: null }],
      });
    }
    await expect(directory().resolve("none", "openpgp")).rejects.toMatchObject({
      code: "NO_KEYS",
      message: expect.stringContaining("no OpenPGP keys"),
    });
    await expect(directory().resolve("nobody", "openpgp")).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  test("are those that GitHub names, and no others that stand beside them", async () => {
    const other = await gnupg.generate({ userId: "Mallory <m@example.org>" });
    github.users.set("two", { gpgKeys: [`${armored}${(await gnupg.exportPublic(other)).toString()}`] });
    const [entry] = await directory().resolve("two", "openpgp");
    expect(entry?.keys.map((key) => key.fingerprint)).toEqual([fingerprint]);
  });

  test("come from a URL and from a file, in armor or binary", async () => {
    const file = join(folder.path, "alice.gpg");
    writeFileSync(file, await gnupg.exportPublic(fingerprint, { armor: false }));
    for (const query of [`${github.url}/alice.asc`, `${github.url}/alice.gpg`, file]) {
      const [entry] = await directory().resolve(query);
      expect(entry?.keys).toMatchObject([{ type: "openpgp", fingerprint, unusable: null }]);
    }
    await expect(directory().resolve(`${github.url}/none.gpg`)).rejects.toMatchObject({ code: "NO_KEYS" });
    const secret = join(folder.path, "secret.asc");
    writeFileSync(secret, await gnupg.exportSecret(fingerprint));
    await expect(directory().resolve(secret)).rejects.toMatchObject({ code: "INVALID_RECIPIENT" });
  });
});
