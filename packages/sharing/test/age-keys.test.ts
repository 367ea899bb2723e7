import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Directory } from "@git-vault/directory";
import { makeSshKey, peer, runOk, temporaryFolder, type TemporaryFolder } from "@git-vault/testkit";
import { openTerminal } from "@git-vault/testkit/terminal";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { receive, Receiver, share, type PassphraseRequest } from "../src/index.ts";

const age = peer("age");
const keygen = peer("age-keygen");
const missing = [age, keygen].find((its) => its.missing);
const directory = new Directory({ env: {}, cacheFolder: null });
const secret = Buffer.from(Array.from({ length: 148 }, (_, at) => at));

describe.skipIf(missing !== undefined)(`age's own keys${missing === undefined ? "" : `: ${missing.label}`}`, () => {
  let folder: TemporaryFolder;
  let recipient: string;
  let identityFile: string;
  const never = async (): Promise<Uint8Array> => {
    throw new Error("no passphrase should be asked for");
  };

  beforeAll(async () => {
    folder = temporaryFolder();
    identityFile = join(folder.path, "key.txt");
    await runOk(keygen.path, ["-o", identityFile]);
    recipient = /public key: (\S+)/.exec(readFileSync(identityFile, "utf8"))?.[1] ?? "";
  });
  afterAll(() => folder.remove());

  test("are sealed to, and opened by age and by the identity file", async () => {
    const shared = await share({ secret, to: await directory.resolve(recipient) });
    expect(shared.sealedTo).toMatchObject([{ recipient, entry: { type: "age-x25519", fingerprint: recipient } }]);
    expect(await runOk(age.path, ["-d", "-i", identityFile], { input: shared.message })).toEqual(secret);
    const options = { home: folder.path, keyFiles: [identityFile], passphrase: never };
    expect(await receive(shared.message, options)).toMatchObject({
      plaintext: secret,
      openedWith: { path: identityFile, fingerprint: recipient, publicKey: null },
    });
  });

  test("are overwritten once they were read, where their text was given", async () => {
    const { message } = await share({ secret, to: await directory.resolve(recipient) });
    const bytes = readFileSync(identityFile);
    const options = { home: folder.path, key: { name: "$KEY", bytes }, passphrase: never };
    expect((await receive(message, options)).plaintext).toEqual(secret);
    expect(bytes).toEqual(Buffer.alloc(bytes.length));
  });

  test("are refused in ssh-vault's format, with the reason", async () => {
    const to = await directory.resolve(recipient);
    await expect(share({ secret, to, format: "ssh-vault" })).rejects.toMatchObject({
      code: "NO_USABLE_KEY",
      message: expect.stringContaining("ssh-vault's format takes SSH keys only") as string,
    });
  });

  test("are told in the hint where they do not open the message", async () => {
    const { publicKey } = await makeSshKey({ folder: folder.path, name: "other", type: "ed25519" });
    const { message } = await share({ secret, to: await directory.resolve(publicKey) });
    const options = { home: folder.path, keyFiles: [identityFile], passphrase: never };
    await expect(receive(message, options)).rejects.toMatchObject({
      code: "NO_IDENTITY_MATCHED",
      hint: expect.stringContaining(`tried ${identityFile}`) as string,
    });
  });

  test("are named by their file where it is malformed", async () => {
    const path = join(folder.path, "broken.txt");
    writeFileSync(path, "# mine\nAGE-SECRET-KEY-1BROKEN\n");
    const { message } = await share({ secret, to: await directory.resolve(recipient) });
    await expect(receive(message, { home: folder.path, keyFiles: [path], passphrase: never })).rejects.toMatchObject({
      code: "MALFORMED_KEY",
      message: expect.stringMatching(/broken\.txt: (?!.*BROKEN$)/) as string,
    });
  });

  /** Runs age on a terminal, where it asks for a passphrase as often as it likes. */
  async function ageWithPassphrase(args: string[], passphrase: string): Promise<void> {
    using terminal = openTerminal(age.path, args, { cwd: folder.path, env: { ...process.env, HOME: folder.path } });
    for (const question of [/passphrase/i, /confirm/i]) {
      await terminal.waitFor(question);
      terminal.type(`${passphrase}\r`);
    }
    expect((await terminal.ended).status).toBe(0);
  }

  test("are read from a file that age sealed to a passphrase, which is asked for only for such a message", async () => {
    const sealedFile = join(folder.path, "key.age");
    await ageWithPassphrase(["-p", "-o", sealedFile, identityFile], "correct horse");
    const requests: PassphraseRequest[] = [];
    const passphrase = async (request: PassphraseRequest): Promise<Uint8Array> => {
      requests.push(request);
      return Buffer.from(request.attempt === 1 ? "wrong" : "correct horse");
    };
    const options = { home: folder.path, keyFiles: [sealedFile], passphrase };
    const { publicKey } = await makeSshKey({ folder: folder.path, name: "third", type: "ed25519" });
    const forAnother = await share({ secret, to: await directory.resolve(publicKey) });
    await expect(receive(forAnother.message, options)).rejects.toMatchObject({ code: "NO_IDENTITY_MATCHED" });
    expect(requests).toEqual([]);
    const { message } = await share({ secret, to: await directory.resolve(recipient) });
    expect((await receive(message, options)).plaintext).toEqual(secret);
    expect(requests).toEqual([
      { path: sealedFile, attempt: 1 },
      { path: sealedFile, attempt: 2 },
    ]);
  });

  test("are not needed for a message to a passphrase", async () => {
    writeFileSync(join(folder.path, "plain"), secret);
    await ageWithPassphrase(["-p", "-a", "-o", "sealed", "plain"], "open sesame");
    const requests: PassphraseRequest[] = [];
    const opened = await receive(readFileSync(join(folder.path, "sealed")), {
      home: folder.path,
      passphrase: async (request) => {
        requests.push(request);
        return Buffer.from("open sesame");
      },
    });
    expect(opened).toMatchObject({ plaintext: secret, openedWith: { path: null, fingerprint: null } });
    expect(requests).toEqual([{ path: null, attempt: 1 }]);
  });

  test("open a large message piece by piece, which is whole only in the end", async () => {
    const plaintext = Buffer.alloc(300_000, "a large secret ");
    const { message } = await share({ secret: plaintext, to: await directory.resolve(recipient) });
    const options = { home: folder.path, keyFiles: [identityFile], passphrase: never };
    const openPieces = async (bytes: Buffer): Promise<Buffer> => {
      const receiver = await Receiver.start(options);
      const pieces: Buffer[] = [];
      for (let at = 0; at < bytes.length; at += 7000) pieces.push(await receiver.push(bytes.subarray(at, at + 7000)));
      const rest = await receiver.finish();
      expect((await receiver.about()).openedWith.path).toBe(identityFile);
      receiver.lock();
      return Buffer.concat([...pieces, rest]);
    };
    expect((await openPieces(message)).equals(plaintext)).toBe(true);
    await expect(openPieces(message.subarray(0, -200))).rejects.toMatchObject({ name: "SealingError" });
  });
});
