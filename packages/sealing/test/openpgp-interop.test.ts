import { readFileSync } from "node:fs";
import { readOpenPgpKeys, readOpenPgpPrivateKeys, type OpenPgpPublicKey } from "@git-vault/keys";
import { peer, startGnuPg, type GnuPg } from "@git-vault/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  createOpener,
  detectFormat,
  open,
  OpenPgpIdentity,
  OpenPgpRecipient,
  readHeader,
  recoverMessage,
  seal,
} from "../src/index.ts";

const gpg = peer("gpg");
const SECRET = Buffer.concat([
  Buffer.from("\0GITCRYPTKEY"),
  Buffer.from(Array.from({ length: 600 }, (_, at) => at % 256)),
]);

const vector = (name: string): Buffer => readFileSync(new URL(`vectors/${name}.asc`, import.meta.url));

test("an OpenPGP message in pieces is refused at the piece with which it is over 16 MiB", async () => {
  const half = Buffer.alloc(8 * 1024 * 1024);
  const opener = createOpener([]);
  // A session key for a key of version 3, and then data without end.
  await opener.push(Buffer.concat([Buffer.from([0xc1, 12, 3]), Buffer.alloc(11), Buffer.from([0xd2, 0xff])]));
  expect(opener.format).toBe("openpgp");
  await opener.push(half);
  await expect(opener.push(half)).rejects.toMatchObject({ code: "TOO_LARGE" });
});

test("an OpenPGP message that is for nobody, or in two blocks, is malformed", async () => {
  const message = vector("rfc9580-a8-message");
  const nobody = Buffer.from([0xca, 3, 0x50, 0x47, 0x50, 0xd2, 1, 1]);
  for (const [bytes, problem] of [
    [nobody, "it names no recipient"],
    [Buffer.concat([message, message]), "expected one block of armor and nothing else"],
  ] as const) {
    await expect(open(bytes, [])).rejects.toMatchObject({
      code: "MALFORMED_MESSAGE",
      message: expect.stringContaining(problem),
    });
  }
});

describe("an OpenPGP message to a key of version 6", () => {
  test("opens, as in RFC 9580, appendices A.4 and A.8", async () => {
    const [file] = await readOpenPgpPrivateKeys(vector("rfc9580-a4-secret-key"));
    if (file === undefined) throw new Error("expected a private key");
    const { plaintext } = await open(vector("rfc9580-a8-message"), [new OpenPgpIdentity(file)]);
    expect(plaintext.toString()).toBe("Hello, world!");
  });

  test("is sealed with AEAD, since the key says that its owner reads it", async () => {
    const [file] = await readOpenPgpPrivateKeys(vector("rfc9580-a4-secret-key"));
    if (!file?.publicKey.key) throw new Error("expected a usable key");
    const message = await seal(SECRET, [new OpenPgpRecipient(file.publicKey.key)], { format: "openpgp", armor: false });
    // The version of the session key's packet, behind its header of two bytes.
    expect(message[2]).toBe(6);
    expect((await open(message, [new OpenPgpIdentity(file)])).plaintext.equals(SECRET)).toBe(true);
  });
});

describe.skipIf(gpg.missing)(`OpenPGP messages between us and ${gpg.label}`, () => {
  let gnupg: GnuPg;
  const fingerprints = new Map<string, string>();
  const fingerprintOf = (name: string): string => fingerprints.get(name) ?? "";
  const publicKey = async (name: string): Promise<OpenPgpPublicKey> => {
    const [entry] = await readOpenPgpKeys(await gnupg.exportPublic(fingerprintOf(name)));
    if (!entry?.key) throw new Error(`${name} is not usable: ${entry?.unusable}`);
    return entry.key;
  };
  const identity = async (name: string, passphrase?: string): Promise<OpenPgpIdentity> => {
    const [file] = await readOpenPgpPrivateKeys(await gnupg.exportSecret(fingerprintOf(name), passphrase));
    if (file === undefined) throw new Error("expected a private key");
    return new OpenPgpIdentity(file, async () => Buffer.from(passphrase ?? ""));
  };
  const sealByGpg = (args: string[], input: Buffer = SECRET): Promise<Buffer> =>
    gnupg.gpg(["--trust-model", "always", ...args, "--encrypt"], input);

  beforeAll(async () => {
    gnupg = startGnuPg();
    const make = async (name: string, algorithm?: string, passphrase?: string): Promise<void> => {
      const options = { userId: `${name} <${name}@example.org>`, algorithm, passphrase };
      fingerprints.set(name, await gnupg.generate(JSON.parse(JSON.stringify(options))));
    };
    await make("curve");
    await make("rsa", "rsa2048");
    await make("nist", "nistp256");
    await make("locked", undefined, "correct horse");
  });

  afterAll(() => gnupg.end());

  test.each(["curve", "rsa", "nist"])(
    "gpg opens ours to %s, which nothing newer than gpg 2.2 is needed for",
    async (name) => {
      const recipient = new OpenPgpRecipient(await publicKey(name));
      for (const armor of [true, false]) {
        const message = await seal(SECRET, [recipient], { format: "openpgp", armor });
        expect(detectFormat(message)).toBe("openpgp");
        expect(message.toString("latin1", 0, 27) === "-----BEGIN PGP MESSAGE-----").toBe(armor);
        expect((await gnupg.gpg(["--decrypt"], message)).equals(SECRET)).toBe(true);
        const packets = (await gnupg.gpg(["--list-packets"], message)).toString();
        expect(packets).toMatch(/:pubkey enc packet: version 3/);
        expect(packets).toMatch(/:encrypted data packet:\n\tlength: .*\n\tmdc_method: 2/);
        expect(packets).not.toMatch(/compressed|signature/);
      }
    },
  );

  test.each(["curve", "rsa", "nist"])("we open gpg's to %s, however it wrote them", async (name) => {
    const to = ["--recipient", fingerprintOf(name)];
    const ways: string[][] = [
      to,
      [...to, "--armor"],
      [...to, "--armor", "--comment", "a comment", "--emit-version"],
      [...to, "--compress-algo", "bzip2"],
      [...to, "--compress-level", "0"],
      [...to, "--throw-keyids"],
      [...to, "--rfc4880"],
      [...to, "--cipher-algo", "AES192"],
      [...to, "--sign", "--local-user", fingerprintOf("rsa")],
    ];
    for (const way of ways) {
      const message = await sealByGpg(way);
      const { plaintext, format } = await open(message, [await identity(name)]);
      expect({ way, format, same: plaintext.equals(SECRET) }).toEqual({ way, format: "openpgp", same: true });
    }
  });

  test("each of several recipients opens a message, and nobody else", async () => {
    const recipients = [new OpenPgpRecipient(await publicKey("curve")), new OpenPgpRecipient(await publicKey("rsa"))];
    const message = await seal(SECRET, [...recipients, ...recipients], { format: "openpgp" });
    expect(readHeader(message).stanzas).toHaveLength(2);
    for (const name of ["curve", "rsa"]) {
      expect((await open(message, [await identity("nist"), await identity(name)])).plaintext.equals(SECRET)).toBe(true);
    }
    await expect(open(message, [await identity("nist")])).rejects.toMatchObject({
      code: "NO_IDENTITY_MATCHED",
      message: expect.stringMatching(
        /sealed to an OpenPGP key [0-9A-F]{16}, an OpenPGP key [0-9A-F]{16}: [0-9A-F]{40} is not/,
      ),
    });
  });

  test("a passphrase is asked for only for a message to the key, and three times", async () => {
    const [file] = await readOpenPgpPrivateKeys(await gnupg.exportSecret(fingerprintOf("locked"), "correct horse"));
    if (file === undefined) throw new Error("expected a private key");
    const asked: number[] = [];
    const answering = (right: number): OpenPgpIdentity =>
      new OpenPgpIdentity(file, async (attempt) => {
        asked.push(attempt);
        return Buffer.from(attempt === right ? "correct horse" : "wrong");
      });
    const other = await sealByGpg(["--recipient", fingerprintOf("curve")]);
    await expect(open(other, [answering(1)])).rejects.toMatchObject({ code: "NO_IDENTITY_MATCHED" });
    expect(asked).toEqual([]);
    const message = await sealByGpg(["--recipient", fingerprintOf("locked")]);
    await expect(open(message, [answering(4)])).rejects.toMatchObject({ code: "WRONG_PASSPHRASE" });
    expect(asked.splice(0)).toEqual([1, 2, 3]);
    expect((await open(message, [answering(2)])).plaintext.equals(SECRET)).toBe(true);
    expect(asked).toEqual([1, 2]);
  });

  test("refuses a message that has no integrity protection, before any key is tried", async () => {
    const message = await sealByGpg(["--rfc2440", "--recipient", fingerprintOf("rsa")]);
    await expect(open(message, [])).rejects.toMatchObject({
      code: "UNPROTECTED_MESSAGE",
      message: expect.stringContaining("no integrity protection"),
    });
  });

  test("notices every changed byte of the data, and every cut", async () => {
    const message = await seal(Buffer.from("short"), [new OpenPgpRecipient(await publicKey("curve"))], {
      format: "openpgp",
      armor: false,
    });
    const own = await identity("curve");
    for (let at = 0; at < message.length; at += 1) {
      const changed = Buffer.from(message);
      changed[at] = (changed[at] ?? 0) ^ 0x10;
      await expect(open(changed, [own]), `byte ${at}`).rejects.toMatchObject({ name: "SealingError" });
      if (at % 4 !== 0) continue;
      await expect(open(message.subarray(0, at), [own]), `cut at ${at}`).rejects.toMatchObject({
        name: "SealingError",
      });
    }
    await expect(open(Buffer.concat([message, message]), [own])).rejects.toMatchObject({ name: "SealingError" });
  });

  test("is found in what chat and mail leave of it", async () => {
    const to = ["--recipient", fingerprintOf("curve"), "--armor"];
    for (const message of [
      await seal(SECRET, [new OpenPgpRecipient(await publicKey("curve"))], { format: "openpgp" }),
      await sealByGpg([...to, "--comment", "a comment"]),
    ]) {
      const text = message.toString();
      const manglings = [
        `Hi, here it is:\n\n${text}\nRegards`,
        text.replaceAll(/^/gm, "> "),
        text.replaceAll("\n", "\r\n"),
        `\u{FEFF}${text.replaceAll(/^/gm, "\u{00A0} ")}`,
        `\`\`\`\n${text}\`\`\``,
        text.replaceAll(/^(.{40})/gm, "$1\n"),
      ];
      for (const mangled of manglings) {
        const { plaintext } = await open(recoverMessage(Buffer.from(mangled)), [await identity("curve")]);
        expect({ mangled, same: plaintext.equals(SECRET) }).toEqual({ mangled, same: true });
      }
    }
  });

  test("is for no more than 8 MiB to seal and 16 MiB to open, also where it was compressed", async () => {
    const recipient = new OpenPgpRecipient(await publicKey("curve"));
    await expect(seal(Buffer.alloc(8 * 1024 * 1024 + 1), [recipient], { format: "openpgp" })).rejects.toMatchObject({
      code: "TOO_LARGE",
    });
    const bomb = await sealByGpg(["--recipient", fingerprintOf("curve")], Buffer.alloc(16 * 1024 * 1024 + 1));
    expect(bomb.length).toBeLessThan(100_000);
    await expect(open(bomb, [await identity("curve")])).rejects.toMatchObject({ code: "TOO_LARGE" });
    const start = await sealByGpg(["--recipient", fingerprintOf("curve")]);
    await expect(open(Buffer.concat([start, Buffer.alloc(16 * 1024 * 1024)]), [])).rejects.toMatchObject({
      code: "TOO_LARGE",
    });
  });

  test("takes no other recipients, and other formats take none of its own", async () => {
    const recipient = new OpenPgpRecipient(await publicKey("curve"));
    const stranger = { wrapFileKey: () => [] };
    for (const [recipients, format] of [
      [[recipient, stranger], "openpgp"],
      [[recipient], "age"],
      [[recipient], "ssh-vault"],
    ] as const) {
      await expect(seal(SECRET, recipients, { format })).rejects.toMatchObject({ code: "UNUSABLE_RECIPIENT" });
    }
  });
});
