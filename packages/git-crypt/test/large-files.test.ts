import { closeSync, existsSync, openSync, readSync, truncateSync, writeSync } from "node:fs";
import { createHash } from "node:crypto";
import { isLong } from "@git-vault/testkit";
import { expect, test, vi } from "vitest";
import { encodeKeyFile, generateKeyFile, lock, status, unlock } from "../src/index.ts";
import { errorOf } from "./errors.ts";
import { commands, isSealed, sealed } from "./sealed.ts";

/** Node takes less at a time. */
const LARGE_BYTES = 2 ** 31 + 1000;

/** Reads a file piece by piece: its first bytes, and its hash. */
function read(path: string): { start: Buffer; hash: string } {
  const file = openSync(path, "r");
  const chunk = Buffer.alloc(2 ** 24);
  const hash = createHash("sha1");
  let start = Buffer.alloc(0);
  for (let count = -1; count !== 0;) {
    count = readSync(file, chunk);
    if (start.length === 0) start = Buffer.from(chunk.subarray(0, 64));
    hash.update(chunk.subarray(0, count));
  }
  closeSync(file);
  return { start, hash: hash.digest("hex") };
}

// It takes 5 GiB of memory, as much space in /dev/shm, and a minute or more.
test.runIf(isLong())(
  "a file of more than 2 GiB is encrypted, decrypted, and tells a wrong key",
  { timeout: 1_800_000 },
  async () => {
    if (existsSync("/dev/shm")) vi.stubEnv("TMPDIR", "/dev/shm");
    using source = await sealed({});
    const { repo, opened } = source;
    // Kept as they are: compressing random bytes would take most of the time.
    for (const setting of ["core.compression=0", "core.bigFileThreshold=1m"]) {
      await repo.git("config", ...setting.split("="));
    }
    const path = repo.write("large.secret", "begins so\n");
    truncateSync(path, LARGE_BYTES);
    const end = openSync(path, "r+");
    writeSync(end, "and ends so\n", LARGE_BYTES - 12);
    closeSync(end);
    const { hash } = read(path);
    await repo.commit("Large");
    expect(lock(opened)).toMatchObject({ encrypted: 1 });
    expect(isSealed(read(path).start)).toBe(true);
    expect((await repo.git("status", "--porcelain")).toString()).toBe("");
    errorOf("WRONG_KEY", () => unlock(opened, [encodeKeyFile(generateKeyFile())], commands));
    expect(unlock(opened, [source.key], commands)).toMatchObject({ decrypted: 1, keys: [{ verified: true }] });
    expect(read(path).hash).toBe(hash);
    expect((await repo.git("status", "--porcelain")).toString()).toBe("");
    expect(status(opened).findings).toEqual([]);
  },
);
