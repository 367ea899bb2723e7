import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { decryptBlob, isEncryptedBlob, keyId, openRepository, parseKeyFile, type KeyFile } from "@git-vault/git-crypt";
import { openMembers } from "@git-vault/sharing/members";
import { runOk } from "@git-vault/testkit";
import type { World } from "./world.ts";

/** By which key a protected file opens that somebody committed. */
export interface BlobKey {
  readonly path: string;
  /**
   * `current` as the log of that commit has it, `older` for another key that the log names,
   * `foreign` for one that it does not, `clear` for none, `unknown` for one that nobody has.
   */
  readonly by: "current" | "older" | "foreign" | "clear" | "unknown";
}

/** All git-crypt keys that lie in anybody's clone, by their ids. */
function keysEverywhere(folder: string): Map<string, KeyFile> {
  const keys = new Map<string, KeyFile>();
  for (const entry of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    if (!/(?:git-crypt\/keys\/[^/]+|git-vault\/retired\/[^/]+\/[^/]+)$/.test(entry)) continue;
    if (!existsSync(join(folder, entry))) continue;
    try {
      const key = parseKeyFile(readFileSync(join(folder, entry)));
      keys.set(keyId(key), key);
    } catch {
      // A folder, or a retired key as the repository holds it.
    }
  }
  return keys;
}

function opensWith(key: KeyFile, blob: Buffer): boolean {
  try {
    decryptBlob(key, blob);
    return true;
  } catch {
    return false;
  }
}

/** By which key each protected file of HEAD opens, in somebody's clone. */
export async function keysOfBlobs(world: World, name: string, cwd: string = world.clone(name)): Promise<BlobKey[]> {
  const env = world.environment(name);
  const git = (...args: string[]): Promise<Buffer> => runOk("git", args, { cwd, env });
  const paths = (await git("ls-tree", "-r", "-z", "--name-only", "--full-tree", "HEAD"))
    .toString()
    .split("\0")
    .slice(0, -1);
  const attributes = await runOk("git", ["check-attr", "-z", "--stdin", "filter"], {
    cwd,
    env,
    input: paths.join("\0"),
  });
  const fields = attributes.toString().split("\0");
  const keys = keysEverywhere(world.folder);
  const repository = openRepository(cwd, { env });
  const { branch } = await openMembers(repository, { commit: "HEAD" });
  const result: BlobKey[] = [];
  for (let at = 0; at + 2 < fields.length; at += 3) {
    const [path = "", , value = ""] = fields.slice(at, at + 3);
    if (!value.startsWith("git-crypt")) continue;
    const keyName = value.slice("git-crypt-".length) || "default";
    const blob = await git("cat-file", "blob", `HEAD:${path}`);
    if (!isEncryptedBlob(blob)) {
      result.push({ path, by: "clear" });
      continue;
    }
    const found = [...keys].find(([, key]) => (key.name ?? "default") === keyName && opensWith(key, blob));
    const known = branch.keyNames.find((one) => one.name === keyName);
    const [id] = found ?? [];
    const by =
      id === undefined
        ? "unknown"
        : id === known?.current.commitment
          ? "current"
          : known?.generations.some(({ commitment }) => commitment === id) === true
            ? "older"
            : "foreign";
    result.push({ path, by });
  }
  return result;
}

/** The protected files of HEAD that do not open by the key that the log of HEAD makes current. */
export const notCurrent = async (world: World, name: string, cwd?: string): Promise<BlobKey[]> =>
  (await keysOfBlobs(world, name, cwd)).filter(({ by }) => by !== "current");
