import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { checkStaged, guardKeys, status } from "../src/index.ts";
import { commands, sealed, type Sealed } from "./sealed.ts";

const TEXT = "SMTP=hunter2\n";

const blobOf = ({ repo }: Sealed): Promise<Buffer> => repo.git("cat-file", "blob", "HEAD:a.secret");

const ids = (findings: readonly { readonly id: string; readonly subject: string }[]): string[] =>
  findings.map(({ id, subject }) => `${id} ${subject}`);

/** Where an editor that knows no key may put a text. */
const edits = (blob: Buffer): Buffer[] => [
  Buffer.concat([blob, Buffer.from(TEXT)]),
  Buffer.concat([blob.subarray(0, 30), Buffer.from(TEXT), blob.subarray(30)]),
  Buffer.concat([blob.subarray(0, 30), Buffer.from(TEXT), blob.subarray(30 + TEXT.length)]),
];

test("without the key, ciphertext with a text in it is refused by the guard and the hook, and named by status", async () => {
  using source = await sealed({ "a.secret": "password=correct horse battery staple\n", "b.secret": "two\n" });
  const blob = await blobOf(source);
  const clone = await source.clone();
  const file = join(clone.path, "a.secret");
  guardKeys(clone.opened, commands);
  for (const edited of edits(blob)) {
    writeFileSync(file, edited);
    await expect(clone.git("add", "a.secret")).rejects.toThrow("it was changed after it was encrypted");
    expect(ids(status(clone.opened).findings)).toEqual(["edited a.secret"]);
  }
  // With no filter at all, git stages it.
  await clone.git("config", "--remove-section", "filter.git-crypt");
  await clone.git("config", "--remove-section", "filter.git-vault-attributes");
  for (const edited of edits(blob)) {
    writeFileSync(file, edited);
    await clone.git("add", "a.secret");
    expect(ids(checkStaged(clone.opened))).toEqual(["altered a.secret"]);
    expect(ids(status(clone.opened).findings)).toEqual(["altered a.secret"]);
  }
  // Under another name as well.
  await clone.git("reset", "-q", "--hard");
  await clone.git("mv", "a.secret", "c.secret");
  writeFileSync(join(clone.path, "c.secret"), Buffer.concat([blob, Buffer.from(TEXT)]));
  await clone.git("add", "c.secret");
  expect(ids(checkStaged(clone.opened))).toEqual(["altered c.secret"]);
  await clone.git("commit", "-qm", "Move");
  expect(ids(status(clone.opened).findings)).toEqual(["altered c.secret"]);
  expect(ids(status(clone.opened, { history: true }).findings)).toEqual(["altered c.secret"]);
});

test("what was committed so is named until it is restored, and in the history for good", async () => {
  using source = await sealed({ "a.secret": "one\n" });
  const blob = await blobOf(source);
  const clone = await source.clone();
  const file = join(clone.path, "a.secret");
  writeFileSync(file, Buffer.concat([blob, Buffer.from(TEXT)]));
  await clone.git("commit", "-qam", "Append");
  expect(checkStaged(clone.opened)).toEqual([]);
  expect(ids(status(clone.opened).findings)).toEqual(["altered a.secret"]);
  guardKeys(clone.opened, commands);
  writeFileSync(file, blob);
  await clone.git("add", "a.secret");
  expect(ids(checkStaged(clone.opened))).toEqual([]);
  await clone.git("commit", "-qm", "Restore");
  expect(ids(status(clone.opened).findings)).toEqual([]);
  expect(ids(status(clone.opened, { history: true }).findings)).toEqual(["history-altered a.secret"]);
  // With the key it is no other.
  await source.repo.git("pull", "-q", clone.path, "HEAD");
  expect(ids(status(source.opened, { history: true }).findings)).toEqual(["history-altered a.secret"]);
});

test("a longer text shows in ciphertext of which no older version is known", async () => {
  using source = await sealed({ "a.secret": "one\n" });
  const clone = await source.clone();
  guardKeys(clone.opened, commands);
  const other = Buffer.concat([Buffer.from("\0GITCRYPT\0"), randomBytes(112)]);
  const text = Buffer.from("DATABASE_URL=postgres://app:hunter2@database.example.org/app\n");
  for (const edited of [Buffer.concat([other, text]), Buffer.concat([other, text, other])]) {
    writeFileSync(join(clone.path, "c.secret"), edited);
    await expect(clone.git("add", "c.secret")).rejects.toThrow("c.secret");
  }
});

test("with the key, ciphertext with a text in it is not encrypted a second time", async () => {
  using source = await sealed({ "a.secret": "password=correct horse battery staple\n" });
  const { repo, opened } = source;
  const blob = await blobOf(source);
  repo.write("a.secret", Buffer.concat([Buffer.from(TEXT), blob]));
  await expect(repo.git("add", "a.secret")).rejects.toThrow("it was changed after it was encrypted");
  for (const edited of edits(blob)) {
    repo.write("a.secret", edited);
    await expect(repo.git("add", "a.secret")).rejects.toThrow("it was changed after it was encrypted");
    expect(ids(status(opened).findings)).toEqual(["edited a.secret"]);
  }
  // Of a file that git does not know, and one that another key made.
  repo.write("c.secret", Buffer.concat([Buffer.from("\0GITCRYPT\0"), randomBytes(112)]));
  await expect(repo.git("add", "c.secret")).rejects.toThrow("c.secret");
  // What is whole passes, as does an edited file.
  repo.write("a.secret", blob);
  await repo.git("add", "a.secret");
  expect(await repo.git("status", "--porcelain", "a.secret")).toEqual(Buffer.alloc(0));
  repo.write("a.secret", "password=another\n");
  await repo.git("add", "a.secret");
  expect(ids(status(opened).findings)).toEqual([]);
});
