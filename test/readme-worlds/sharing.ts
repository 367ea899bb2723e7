import { makeSshKey } from "@git-vault/testkit";
import { startGitHub } from "@git-vault/testkit/github";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { World } from "./world.ts";

/** A home with an SSH key, and a stand-in for GitHub, where it is alice's. */
export default async function makeWorld(folder: string): Promise<World> {
  const github = await startGitHub();
  mkdirSync(join(folder, ".ssh"));
  const { publicKey } = await makeSshKey({ folder: join(folder, ".ssh"), type: "ed25519", comment: "" });
  github.users.set("alice", { keys: [publicKey.trim()] });
  return { env: { GITHUB_API_URL: github.url }, close: () => github.close() };
}
