import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { run, temporaryFolder, type TemporaryFolder } from "@git-vault/testkit";
import { isAllowedSigner, principalsOf, readPublicKeys } from "@git-vault/keys";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeKey, sshKeygen } from "./make-key.ts";

let folder: TemporaryFolder;
let key: string;
let other: string;

beforeAll(async () => {
  folder = temporaryFolder();
  const made = await Promise.all(["alice", "other"].map(async (name) => makeKey(folder.path, name)));
  [key = "", other = ""] = made.map(({ publicLine }) => publicLine.split(" ").slice(0, 2).join(" "));
  await run(sshKeygen.path, ["-Y", "sign", "-f", "alice", "-n", "git-vault"], { cwd: folder.path, input: "x" }).then(
    ({ stdout }) => writeFileSync(join(folder.path, "signature"), stdout),
  );
});
afterAll(() => folder.remove());

test.each<[string, string, boolean]>([
  ["*@example.org", "alice@example.org", true],
  ["*@example.org", "alice@example.com", false],
  ["*@example.org,!bob@*", "bob@example.org", false],
  ["!bob@*,*@example.org", "alice@example.org", true],
  ["al?ce", "alice", true],
  ["al?ce", "alce", false],
  ["a*b*c", "abbbc", true],
  ["a*b*c", "abbbcd", false],
  ["*", "anybody", true],
  ["!bob", "alice", false],
  ["Alice", "alice", false],
])("the pattern %s is for %s, as ssh-keygen has it: %s", async (pattern, name, expected) => {
  const fingerprint = readPublicKeys(key)[0]?.fingerprint ?? "";
  const text = `${pattern} ${key}\n`;
  expect(isAllowedSigner(text, { fingerprint, namespace: "git-vault", now: new Date() }, name)).toBe(expected);
  writeFileSync(join(folder.path, "patterns"), text);
  const words = ["-Y", "verify", "-f", "patterns", "-I", name, "-n", "git-vault", "-s", "signature"];
  const { status } = await run(sshKeygen.path, words, { cwd: folder.path, input: "x" });
  expect(status === 0).toBe(expected);
});

describe("the principals of a key are those that ssh-keygen accepts", () => {
  test.each<[string, (key: string, other: string) => string, string[]]>([
    ["one", (own) => `alice@example.org ${own} laptop`, ["alice@example.org"]],
    ["several", (own) => `alice@example.org,alice ${own}`, ["alice@example.org", "alice"]],
    ["in quotes", (own) => `"alice b" ${own}`, ["alice b"]],
    ["for this namespace", (own) => `alice namespaces="git,git-vault" ${own}`, ["alice"]],
    ["for other namespaces", (own) => `alice namespaces="git,file" ${own}`, []],
    ["an authority", (own) => `alice cert-authority ${own}`, []],
    ["valid since then", (own) => `alice valid-after="20200101" ${own}`, ["alice"]],
    ["not valid yet", (own) => `alice valid-after="20900101Z" ${own}`, []],
    ["not valid any more", (own) => `alice valid-before="202001010000" ${own}`, []],
    ["valid until then", (own) => `alice namespaces="git-vault",valid-before="20900101000000Z" ${own}`, ["alice"]],
    ["another key", (_own, strange) => `alice ${strange}`, []],
    ["among comments and others", (own, strange) => `# alice ${own}\n\nbob ${strange}\nalice ${own}\n`, ["alice"]],
    ["of what is no line", (own) => `${own}\nalice\nalice nonsense="1" ${own}\n\0`, []],
  ])("%s", async (_title, write, expected) => {
    const text = write(key, other);
    const fingerprint = readPublicKeys(key)[0]?.fingerprint ?? "";
    expect(principalsOf(text, { fingerprint, namespace: "git-vault", now: new Date() })).toEqual(expected);
    writeFileSync(join(folder.path, "allowed"), text);
    for (const name of expected.length > 0 ? expected : ["alice"]) {
      const { status } = await run(
        sshKeygen.path,
        ["-Y", "verify", "-f", "allowed", "-I", name, "-n", "git-vault", "-s", "signature"],
        { cwd: folder.path, input: "x" },
      );
      expect(status === 0).toBe(expected.length > 0);
    }
  });
});
