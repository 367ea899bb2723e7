import { makeSshKey } from "@git-vault/testkit";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { World } from "./world.ts";

/** A file to seal, and an SSH key with the passphrase that the README gives. */
export default async function makeWorld(folder: string): Promise<World> {
  writeFileSync(join(folder, "plain"), "from a file");
  await makeSshKey({ folder, type: "ed25519", passphrase: "the key's passphrase" });
  return {};
}
