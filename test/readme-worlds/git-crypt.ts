import { throwawayRepository } from "@git-vault/testkit";
import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../sources.ts";
import type { World } from "./world.ts";

const vectors = join(ROOT, "packages/git-crypt/test/vectors");

/** A key file, and a locked clone with one encrypted file. */
export default async function makeWorld(folder: string): Promise<World> {
  copyFileSync(join(vectors, "default.key"), join(folder, "key"));
  using source = await throwawayRepository();
  source.write(".gitattributes", "secrets/** filter=git-crypt diff=git-crypt\n");
  source.write("secrets/greeting", readFileSync(join(vectors, "hello.blob")));
  await source.commit("Begin");
  await source.git("clone", "--quiet", source.path, join(folder, "clone"));
  return {};
}
