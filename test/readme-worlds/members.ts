import { makeSshKey } from "@git-vault/testkit";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { World } from "./world.ts";

/** Two people's SSH keys, and what stands for a key file. */
export default async function makeWorld(folder: string): Promise<World> {
  await makeSshKey({ folder, type: "ed25519", name: "alice" });
  await makeSshKey({ folder, type: "ed25519", name: "bob" });
  writeFileSync(join(folder, "key"), "a key file");
  return {};
}
