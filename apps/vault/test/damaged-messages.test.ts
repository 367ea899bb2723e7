import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeSshKey, run, temporaryFolder, type TemporaryFolder } from "@git-vault/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { VAULT } from "./program.ts";

/* What packages/sealing undoes, by the built program, from files as Windows writes them. */
let folder: TemporaryFolder;
const message = new Map<string, string>();

const vault = (args: readonly string[], input: string | Uint8Array = "") =>
  run(process.execPath, [VAULT, ...args], {
    cwd: folder.path,
    env: { PATH: process.env["PATH"], HOME: folder.path, LANG: "C.UTF-8" },
    input,
    timeout: 60_000,
  });

beforeAll(async () => {
  folder = temporaryFolder();
  const ssh = join(folder.path, ".ssh");
  mkdirSync(ssh);
  await makeSshKey({ folder: ssh, name: "id_ed25519", type: "ed25519" });
  await makeSshKey({ folder: folder.path, name: "other", type: "ed25519" });
  for (const [name, to, more] of [
    ["mine", ".ssh/id_ed25519.pub", []],
    ["vault", ".ssh/id_ed25519.pub", ["--format", "ssh-vault"]],
    ["theirs", "other.pub", []],
    ["json", ".ssh/id_ed25519.pub", ["--json"]],
  ] as const)
    message.set(
      name,
      (await vault(["share", "-q", ...more, "--to", `./${to}`, "-"], `secret of ${name}`)).stdout.toString(),
    );
});
afterAll(() => folder.remove());

const of = (name: string): string => message.get(name) ?? "";

test.each<[string, () => string | Buffer, string]>([
  ["the second of two, the first being for somebody else", () => `${of("theirs")}\n${of("mine")}`, "mine"],
  ["one of another format after it", () => `${of("theirs")}\n\n${of("vault")}`, "vault"],
  ["the JSON of share --json", () => of("json"), "json"],
  ["UTF-16 with CRLF", () => Buffer.from(`\uFEFF${of("mine").replaceAll("\n", "\r\n")}`, "utf16le"), "mine"],
  ["literal \\n", () => of("mine").replaceAll("\n", String.raw`\n`), "mine"],
])("a message is opened from %s", async (_, text, name) => {
  const path = join(folder.path, "text");
  writeFileSync(path, text());
  expect((await vault(["view", "-q", path])).stdout.toString()).toBe(`secret of ${name}`);
});

test("a private key in UTF-16 with a byte order mark and CRLF opens it, and so does an age identity", async () => {
  const { stdout } = await run("cat", [join(folder.path, ".ssh/id_ed25519")]);
  writeFileSync(join(folder.path, "key"), `\uFEFF${stdout.toString().replaceAll("\n", "\r\n")}`, "utf16le");
  expect((await vault(["view", "-q", "-k", "key"], of("mine"))).stdout.toString()).toBe("secret of mine");
  const identity = (await vault(["keys", "new", "-q"])).stdout.toString();
  const [, recipient = ""] = /public key: (\S+)/.exec(identity) ?? [];
  writeFileSync(join(folder.path, "identity"), `\uFEFF${identity.replaceAll("\n", "\r\n")}`, "utf16le");
  const sealed = (await vault(["share", "-q", "--to", recipient, "-"], "x")).stdout;
  expect((await vault(["view", "-q", "-k", "identity"], sealed)).stdout.toString()).toBe("x");
});

test("so are a passphrase, a list of recipients and a key in base64, as PowerShell writes them", async () => {
  const asUtf16 = (text: string): Buffer => Buffer.from(`\uFEFF${text}\r\n`, "utf16le");
  const seal = (file: string) =>
    vault(["share", "-q", "--with-passphrase", "--passphrase-file", file, "--work-factor", "10", "-"], "x");
  writeFileSync(join(folder.path, "plain"), "correct h\u00f6rse\n");
  const sealed = (await seal("plain")).stdout;
  for (const bytes of [asUtf16("correct h\u00f6rse"), Buffer.from("\uFEFFcorrect h\u00f6rse\r\n")]) {
    writeFileSync(join(folder.path, "marked"), bytes);
    expect((await vault(["view", "-q", "--passphrase-file", "marked"], sealed)).stdout.toString()).toBe("x");
  }
  expect((await vault(["keys", "-q", "-"], asUtf16("./other.pub"))).status).toBe(0);
  await run("git", ["init", "-q", join(folder.path, "repo")]);
  const key = (await vault(["keygen", "-o", "git-crypt.key"])).status;
  const base64 = readFileSync(join(folder.path, "git-crypt.key")).toString("base64");
  writeFileSync(join(folder.path, "key.txt"), asUtf16(base64));
  expect([key, (await vault(["-C", "repo", "unlock", "--yes", "../key.txt"])).status]).toEqual([0, 0]);
});

test("a .pub file with a Latin-1 comment is a recipient, and a line of known_hosts is none", async () => {
  const { stdout } = await run("cat", [join(folder.path, "other.pub")]);
  const line = stdout.toString().trim().split(" ").slice(0, 2).join(" ");
  writeFileSync(join(folder.path, "latin.pub"), Buffer.from(`${line} J\u00fcrgen\n`, "latin1"));
  const shared = await vault(["share", "--to", "./latin.pub", "-"], "x");
  expect([shared.status, shared.stderr]).toEqual([0, expect.stringContaining("J\u00fcrgen")]);
  writeFileSync(join(folder.path, "known_hosts"), `github.com ${line}\n`);
  const refused = await vault(["share", "--to", "./known_hosts", "-"], "x");
  expect([refused.status, refused.stdout.length]).toEqual([3, 0]);
  expect(refused.stderr).toContain("it is the key of a host, as in known_hosts, not of a person");
});

test.each([
  "BEGIN PGP MESSAGE\n",
  "-----BEGIN AGE ENCRYPTED FILE-----\n",
  "SSH-VAULT;",
  "\\",
  "<br",
  "&#1",
  "=\n",
  "%0A",
])("a text that repeats %j is refused at once", async (unit) => {
  const text = `-----BEGIN PGP MESSAGE-----\n${unit.repeat(Math.floor(720_000 / unit.length))}`;
  const { status, signal } = await vault(["view"], text);
  expect([status, signal]).toEqual([5, null]);
});
