import { Directory } from "@git-vault/directory";
import { parsePublicKey } from "@git-vault/keys";
import { makeSshKey, temporaryFolder } from "@git-vault/testkit";
import { startGitHub } from "@git-vault/testkit/github";
import { expect, test } from "vitest";
import { checkSigner } from "../src/index.ts";

test("a signer is whom the forge says: another's key, and who is not there, are denied", async () => {
  using folder = temporaryFolder();
  const [own, other] = await Promise.all(
    ["own", "other"].map(async (name) => {
      const { publicKey } = await makeSshKey({ folder: folder.path, name, type: "ed25519" });
      return publicKey.split(" ").slice(0, 2).join(" ");
    }),
  );
  if (own === undefined || other === undefined) throw new Error("expected two keys");
  const github = await startGitHub();
  try {
    github.users.set("alice", { keys: [own] });
    const directory = new Directory({ cacheFolder: null, env: { GITHUB_API_URL: github.url } });
    const stateOf = async (from: string | null, key: string, where: Directory | null = directory): Promise<string> =>
      (await checkSigner({ from, publicKey: parsePublicKey(key) }, where)).state;
    expect([
      await stateOf("github:alice", own),
      await stateOf("github:alice", other),
      await stateOf("github:nobody", own),
      await stateOf(null, own),
      await stateOf("github:alice", own, null),
    ]).toEqual(["confirmed", "denied", "denied", "unnamed", "unchecked"]);
  } finally {
    await github.close();
  }
});
