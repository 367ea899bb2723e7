import { makeSshKey } from "@git-vault/testkit";
import type { World } from "./world.ts";

/** An SSH key with the passphrase that the README gives. */
export default async function makeWorld(folder: string): Promise<World> {
  await makeSshKey({ folder, type: "ed25519", passphrase: "the key's passphrase" });
  return {};
}
