import { readFileSync } from "node:fs";
import { temporaryFolder, type TemporaryFolder } from "@git-vault/testkit";
import { afterAll, beforeAll, describe, test } from "vitest";
import { parsePublicKey, readPrivateKey, readPublicKeys } from "../src/index.ts";
import { makeKey, puttygen, sshKeygen } from "./make-key.ts";
import { expect } from "./matchers.ts";

const utf16 = (text: string): Buffer => Buffer.from(`\uFEFF${text}`, "utf16le");

/** What Windows, editors and chats make of a key's file. */
const DAMAGES: readonly (readonly [string, (text: string) => string | Buffer])[] = [
  ["UTF-16", utf16],
  ["UTF-16 with CRLF", (text) => utf16(text.replaceAll("\n", "\r\n"))],
  ["UTF-16, big-endian", (text) => utf16(text).swap16()],
  ["a byte order mark", (text) => `\uFEFF${text}`],
  ["CRLF", (text) => text.replaceAll("\n", "\r\n")],
  ["CR", (text) => text.replaceAll("\n", "\r")],
  ["indentation", (text) => text.replaceAll(/^/gm, "    ")],
  ["quotation", (text) => text.replaceAll(/^/gm, "> ")],
  ["a pipe before each line", (text) => text.replaceAll(/^/gm, "| ")],
  ["literal \\n", (text) => text.trimEnd().replaceAll("\n", String.raw`\n`)],
  ["<br>", (text) => text.replaceAll("\n", "<br>")],
  ["a code fence", (text) => `\`\`\`\n${text}\`\`\`\n`],
  ["quotation marks around", (text) => `"${text}"`],
  ["text around", (text) => `my key:\n\n${text}\n\nthanks\n`],
];

describe.skipIf(sshKeygen.missing)(`a private key of ${sshKeygen.label} is read after`, () => {
  let folder: TemporaryFolder;
  const texts: [text: string, line: string, passphrase: string | undefined][] = [];
  beforeAll(async () => {
    folder = temporaryFolder();
    for (const [name, options] of [
      ["openssh", {}],
      ["locked", { passphrase: "secret" }],
      ["pkcs1", { type: "rsa", bits: 2048, format: "PEM" }],
      ["encrypted", { type: "rsa", bits: 2048, format: "PEM", passphrase: "secret" }],
      ["pkcs8", { type: "rsa", bits: 2048, format: "PKCS8" }],
    ] as const) {
      const { bytes, publicLine } = await makeKey(folder.path, name, options);
      texts.push([bytes.toString(), publicLine, "passphrase" in options ? options.passphrase : undefined]);
    }
  });
  afterAll(() => folder.remove());

  test.each(DAMAGES)("%s", async (_, damage) => {
    for (const [text, line, passphrase] of texts) {
      const file = readPrivateKey(Buffer.from(damage(text)));
      const key = await file.unlock(passphrase === undefined ? undefined : Buffer.from(passphrase));
      expect(key.publicKey.fingerprint).toBe(parsePublicKey(line).fingerprint);
    }
  });
});

describe.skipIf(puttygen.missing || sshKeygen.missing)(`a key of ${puttygen.label} is read`, () => {
  test("after UTF-16, quotation and text before", async () => {
    using folder = temporaryFolder();
    const { path, publicLine } = await makeKey(folder.path, "key", {});
    const ppk = `${path}.ppk`;
    const { runOk } = await import("@git-vault/testkit");
    await runOk(puttygen.path, [path, "-O", "private", "-o", ppk]);
    const text = readFileSync(ppk, "latin1");
    for (const damaged of [utf16(text), Buffer.from(text.replaceAll(/^/gm, "> ")), Buffer.from(`key:\n${text}`)]) {
      expect(readPrivateKey(damaged).publicKey?.fingerprint).toBe(parsePublicKey(publicLine).fingerprint);
    }
  });
});

describe("lines of known_hosts", () => {
  const line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
  test.each(["github.com", "github.com,140.82.121.4", "[example.org]:22", "|1|abc=|def=", "@revoked *", "192.0.2.1"])(
    "are no recipients: %s",
    (host) => {
      const [entry] = readPublicKeys(`${host} ${line}`);
      expect(entry?.unusable).toBe("it is the key of a host, as in known_hosts, not of a person");
    },
  );
  test.each(["no-pty", 'command="a b",no-X11-forwarding', 'from="*.example.org",restrict', 'environment="A=b"'])(
    "are told from options: %s",
    (options) => {
      expect(readPublicKeys(`${options} ${line} me`)).toMatchObject([{ unusable: null, comment: "me" }]);
    },
  );
});
