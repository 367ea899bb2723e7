import { makeSshKey } from "@git-vault/testkit";
import { startGitHub } from "@git-vault/testkit/github";
import type { World } from "./world.ts";

/** A stand-in for GitHub, where alice has a key that can be sealed to, and one that cannot. */
export default async function makeWorld(folder: string): Promise<World> {
  const github = await startGitHub();
  const usable = await makeSshKey({ folder, name: "usable", type: "ed25519", comment: "" });
  const signing = await makeSshKey({ folder, name: "signing", type: "ecdsa", comment: "" });
  github.users.set("alice", { keys: [usable.publicKey.trim(), signing.publicKey.trim()] });
  return { env: { GITHUB_API_URL: github.url }, close: () => github.close() };
}
