import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { checkStaged, encryptBlob, guardKeys, lock, readKeyRing, status } from "../src/index.ts";
import { seemsEncrypted } from "../src/format/blob.ts";
import { commands, sealed } from "./sealed.ts";

const MAGIC = Buffer.from("\0GITCRYPT\0", "latin1");

test("ciphertext of any length passes for it, and a text behind the magic does not", async () => {
  using source = await sealed({ "a.secret": "one\n" });
  const { stored } = readKeyRing(source.opened, "default");
  for (let length = 0; length < 3000; length++) {
    expect(seemsEncrypted(encryptBlob(stored, Buffer.from("password".repeat(375)).subarray(0, length)))).toBe(true);
    expect(seemsEncrypted(Buffer.concat([MAGIC, randomBytes(12 + (length % 100))]))).toBe(true);
  }
  const texts = [
    "password=hunter2 user=admin\n",
    "-----BEGIN OPENSSH PRIVATE KEY-----\n",
    "\0".repeat(40),
    "пароль: тайна, никому\n",
  ];
  for (const text of texts)
    expect([text, seemsEncrypted(Buffer.concat([MAGIC, Buffer.from(text)]))]).toEqual([text, false]);
  expect(seemsEncrypted(Buffer.concat([MAGIC, randomBytes(11)]))).toBe(false);
});

test("where no key is here, a text behind the magic is plaintext to the guard, the hook and status", async () => {
  using source = await sealed({ "a.secret": "one\n" });
  const clone = await source.clone();
  guardKeys(clone.opened, commands);
  writeFileSync(join(clone.path, "b.secret"), Buffer.concat([MAGIC, Buffer.from("password=hunter2 user=admin\n")]));
  await expect(clone.git("add", "b.secret")).rejects.toThrow("b.secret");
  await clone.git("config", "--remove-section", "filter.git-crypt");
  await clone.git("add", "b.secret");
  expect(checkStaged(clone.opened)).toMatchObject([{ subject: "b.secret", id: "staged-plaintext" }]);
  await clone.git("commit", "-qm", "Sneak");
  expect(status(clone.opened).findings).toMatchObject([{ subject: "b.secret", id: "committed-plaintext" }]);
});

test("ciphertext is found on a path that nothing protects whatever follows it, and however git stores it", async () => {
  using source = await sealed({ "a.secret": "one\n", "z.txt": "plain\n" });
  const blob = await source.repo.git("cat-file", "blob", "HEAD:a.secret");
  lock(source.opened);
  const text = Buffer.from("a line of text that can be compressed, and so hides what it follows\n".repeat(300));
  source.repo.write("base.txt", text);
  source.repo.write("tail.txt", Buffer.concat([blob, text]));
  await source.repo.commit("Hide");
  await source.repo.git("repack", "-adfq", "--depth=50", "--window=50");
  expect(status(source.opened).findings).toMatchObject([{ subject: "tail.txt", id: "unprotected" }]);
  // Of the old way, the pack holds it as a difference, or small.
  const size = await source.repo.git("cat-file", "--batch-check=%(objectsize:disk)", "--batch-all-objects");
  expect(size.toString()).not.toContain(String(blob.length + text.length));
});
