import { makeSshKey, temporaryFolder } from "@git-vault/testkit";
import { startGitHub, type GitHubStandIn } from "@git-vault/testkit/github";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ALICE, directoryAt, failureOf } from "./fixtures.ts";

let github: GitHubStandIn;
beforeEach(async () => {
  github = await startGitHub();
});
afterEach(async () => {
  await github.close();
});

const signingKeys = /\/ssh_signing_keys$/;

describe("the keys of a signer", () => {
  test("are those to sign in with and those that only sign, of each page", async () => {
    using folder = temporaryFolder();
    const ecdsa = await makeSshKey({ folder: folder.path, type: "ecdsa" });
    const many = Array.from({ length: 120 }, () => ecdsa.publicKey);
    github.users.set("alice", { keys: [ALICE], signingKeys: [...many, ALICE] });
    const { name, source, keys } = await directoryAt(github.url).resolveSigner("Alice");
    expect({ name, source }).toEqual({ name: "github:alice", source: `${github.url}/users/alice/keys` });
    expect(keys.map(({ type }) => type)).toEqual([
      "ssh-ed25519",
      ...many.map(() => "ecdsa-sha2-nistp256"),
      "ssh-ed25519",
    ]);
    expect(keys.every(({ fingerprint }) => fingerprint !== null)).toBe(true);
  });

  test("are there where only one of the lists has any, and where an older server has no second one", async () => {
    github.users.set("alice", { keys: [], signingKeys: [ALICE] });
    expect((await directoryAt(github.url).resolveSigner("github:alice")).keys).toHaveLength(1);
    github.users.set("bob", { keys: [ALICE] });
    github.faults.push({ fault: "answer", status: 404, on: signingKeys });
    expect((await directoryAt(github.url).resolveSigner("bob")).keys).toHaveLength(1);
  });

  test("end with what is wrong", async () => {
    const failure = async (query: string): Promise<string> =>
      (await failureOf(directoryAt(github.url).resolveSigner(query))).code;
    github.users.set("alice", { keys: [] });
    expect(await failure("alice")).toBe("NO_KEYS");
    expect(await failure("nobody")).toBe("NOT_FOUND");
    for (const query of ["github:org/team", "./alice.pub", ALICE, "https://example.org/alice.keys"]) {
      expect(await failure(query)).toBe("INVALID_RECIPIENT");
    }
    github.faults.push({ fault: "rate-limit", on: signingKeys });
    expect(await failure("alice")).toBe("RATE_LIMITED");
  });
});
