import { randomBytes, randomInt } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readPublicKeys } from "@git-vault/keys";
import { seal, SshRecipient } from "@git-vault/sealing";
import { receive } from "@git-vault/sharing";
import { cases, makeSshKey, peer, runOk, temporaryFolder, type TemporaryFolder } from "@git-vault/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { VAULT } from "./program.ts";

const sshVault = peer("ssh-vault");
const MIB = 1024 * 1024;
const KEYS = ["id_ed25519", "id_rsa"] as const;

/**
 * Text of so many bytes, since ssh-vault opens nothing else: of one, two, three and four bytes a
 * character.
 */
function randomText(size: number): Buffer {
  const characters = ["a", "Z", "7", " ", "\n", ";", "ß", "é", "秘", "🌰", "\u{0}"];
  const parts: string[] = [];
  let left = size;
  for (const byte of randomBytes(size)) {
    const character = characters[byte % characters.length] ?? "a";
    const length = Buffer.byteLength(character);
    if (length > left) break;
    parts.push(character);
    left -= length;
  }
  return Buffer.from(parts.join("") + "x".repeat(left));
}

/** 0 and 1 MiB, what lies around a line and a block, and for the rest mostly small. */
const EDGES: readonly number[] = [0, 1, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, MIB - 1, MIB];
const SIZES: readonly number[] = EDGES.concat(
  Array.from({ length: cases(9, 84) }, (_, at) => randomInt(at % 20 === 0 ? MIB : 4096)),
);

describe.skipIf(sshVault.missing)(
  `${KEYS.length * SIZES.length} vaults each way between vault and ${sshVault.label}`,
  () => {
    let folder: TemporaryFolder;
    let env: NodeJS.ProcessEnv;
    const home = (...path: string[]): string => join(folder.path, ...path);

    beforeAll(async () => {
      folder = temporaryFolder();
      mkdirSync(home(".ssh"));
      await makeSshKey({ folder: home(".ssh"), type: "ed25519" });
      await makeSshKey({ folder: home(".ssh"), type: "rsa", bits: 2048 });
      env = { HOME: folder.path, PATH: process.env["PATH"] };
    });
    afterAll(() => folder.remove());

    const open = async (vault: Uint8Array): Promise<Buffer> =>
      (await receive(vault, { home: folder.path, passphrase: () => Promise.reject(new Error("no key has one")) }))
        .plaintext;

    test.each(KEYS)("opens those that ssh-vault made to %s", { timeout: 120_000 }, async (name) => {
      for (const [at, size] of SIZES.entries()) {
        const secret = randomText(size);
        const vault = await runOk(sshVault.path, ["create", "-k", home(".ssh", `${name}.pub`)], { env, input: secret });
        // Every tenth by the command itself; the others by what it calls.
        const opened =
          at % 10 === 0 ? await runOk(process.execPath, [VAULT, "view"], { env, input: vault }) : await open(vault);
        expect({ size, same: opened.equals(secret) }).toEqual({ size, same: true });
      }
    });

    test.each(KEYS)("makes such to %s that ssh-vault opens", { timeout: 120_000 }, async (name) => {
      const publicKey = home(".ssh", `${name}.pub`);
      const key = readPublicKeys(readFileSync(publicKey, "utf8"))[0]?.key;
      if (!key) throw new Error("ssh-keygen made no key");
      for (const [at, size] of SIZES.entries()) {
        const secret = randomText(size);
        const vault =
          at % 10 === 0
            ? await runOk(process.execPath, [VAULT, "create", "-k", publicKey], { env, input: secret })
            : await seal(secret, [new SshRecipient(key)], { format: "ssh-vault" });
        const opened = await runOk(sshVault.path, ["view"], { env, input: vault });
        expect({ size, same: opened.equals(secret) }).toEqual({ size, same: true });
      }
    });
  },
);
