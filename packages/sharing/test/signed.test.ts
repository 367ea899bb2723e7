import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { DirectoryEntry } from "@git-vault/directory";
import { readPrivateKey, readPublicKeys, type SshPublicKey } from "@git-vault/keys";
import { open, seal, SshIdentity, SshRecipient, type AttachedSignature } from "@git-vault/sealing";
import { makeSshKey, temporaryFolder, type TemporaryFolder } from "@git-vault/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findSigner, receive, Receiver, share, type ReceiveOptions, type Signer } from "../src/index.ts";
import { verifyPlaintext } from "../src/messages/sign-message.ts";
import { CANARY, failureOf } from "./hands.ts";

/*
 * A recipient of a signed message has the secret and the signature. They must not be able to pass
 * either on in a message of their own that still reads as signed.
 */

const secret = Buffer.from(`${CANARY} of a secret`);
const never = async (): Promise<never> => {
  throw new Error("no passphrase was to be asked for");
};

/** Somebody with one key. */
interface Person {
  readonly key: SshPublicKey;
  readonly entry: DirectoryEntry;
  readonly options: ReceiveOptions;
  readonly identity: SshIdentity;
}

let folder: TemporaryFolder;
let signer: Signer;
let bob: Person;
let carol: Person;

const makePerson = async (name: string): Promise<Person> => {
  const { privateKeyPath, publicKey } = await makeSshKey({ type: "ed25519", folder: folder.path, name });
  const keys = readPublicKeys(publicKey);
  const [entry] = keys;
  if (entry === undefined || entry.key === null) throw new Error("expected a key");
  return {
    key: entry.key,
    entry: { name, source: name, keys },
    options: { home: folder.path, keyFiles: [privateKeyPath], passphrase: never },
    identity: new SshIdentity(readPrivateKey(readFileSync(privateKeyPath)), never),
  };
};

beforeAll(async () => {
  folder = temporaryFolder();
  bob = await makePerson("bob");
  carol = await makePerson("carol");
  await makePerson("alice");
  signer = await findSigner({ home: folder.path, env: {}, key: join(folder.path, "alice"), passphrase: never });
});
afterAll(() => folder.remove());

/** The signature of a message from alice to bob, which bob took out of it. */
const signatureOf = async (what: Buffer): Promise<AttachedSignature> => {
  const { message } = await share({ secret: what, to: [bob.entry], sign: { signer, from: "github:alice" } });
  const { signature } = await open(message, [bob.identity]);
  if (signature === null) throw new Error("expected a signature");
  return signature;
};

/** Seals under a signature that was made elsewhere. */
const sealUnder = (signature: AttachedSignature, what: Buffer, to: Person): Promise<Buffer> =>
  seal(what, [new SshRecipient(to.key)], { signature });

/** Opens a message piece by piece, as a large one is; what came before the end must be nothing. */
const receivePieces = async (message: Buffer, { options }: Person): Promise<Buffer> => {
  const receiver = await Receiver.start(options);
  try {
    for (let at = 0; at < message.length; at += 100) {
      expect(await receiver.push(message.subarray(at, at + 100))).toHaveLength(0);
    }
    return await receiver.finish();
  } finally {
    receiver.lock();
  }
};

describe("a signed message", () => {
  test("tells each recipient who signed it, also where it is opened piece by piece", async () => {
    const { message } = await share({ secret, to: [bob.entry, carol.entry], sign: { signer, from: "github:alice" } });
    for (const person of [bob, carol]) {
      const { plaintext, signature } = await receive(message, person.options);
      expect(plaintext).toEqual(secret);
      expect(signature).toMatchObject({
        from: "github:alice",
        publicKey: { fingerprint: signer.publicKey.fingerprint },
      });
      expect(await receivePieces(message, person)).toEqual(secret);
    }
  });

  test("is refused where a recipient sealed the signed secret on to others", async () => {
    const forged = await sealUnder(await signatureOf(secret), secret, carol);
    const message = "the sender's signature is not valid: it was made for a message to other recipients";
    expect(await failureOf(receive(forged, carol.options))).toMatchObject({ code: "BAD_SIGNATURE", message });
    expect(await failureOf(receivePieces(forged, carol))).toMatchObject({ code: "BAD_SIGNATURE", message });
  });

  test("is refused where a recipient put another secret under the signature", async () => {
    const forged = await sealUnder(await signatureOf(secret), Buffer.from("another"), bob);
    const message = "the sender's signature is not valid: it was made for another secret";
    expect(await failureOf(receive(forged, bob.options))).toMatchObject({ code: "BAD_SIGNATURE", message });
    expect(await failureOf(receivePieces(forged, bob))).toMatchObject({ code: "BAD_SIGNATURE", message });
  });

  test("leaves nothing of a secret whose signature does not fit, nor where what opened it has no name", async () => {
    const signature = await signatureOf(secret);
    for (const fingerprint of [carol.key.fingerprint, null]) {
      const plaintext = Buffer.from(secret);
      expect(() => verifyPlaintext(signature, plaintext, { path: null, fingerprint, publicKey: null })).toThrow(
        /^the sender's signature is not valid/,
      );
      expect(plaintext).toEqual(Buffer.alloc(secret.length));
    }
  });

  test("is not handed over to be opened in pieces that are used before the end", async () => {
    const plain = await seal(secret, [new SshRecipient(bob.key)], { armor: false });
    const signed = await seal(secret, [new SshRecipient(bob.key)], {
      armor: false,
      signature: await signatureOf(secret),
    });
    for (const [message, isSigned] of [
      [plain, false],
      [signed, true],
    ] as const) {
      const receiver = await Receiver.start(bob.options);
      await receiver.push(message);
      expect(receiver.isSigned).toBe(isSigned);
      expect(receiver.handOver() === null).toBe(isSigned);
      receiver.lock();
    }
  });

  test("is held up to 16 MiB, and given up beyond", async () => {
    const large = Buffer.alloc(16 * 1024 * 1024 + 1);
    const forged = await seal(large, [new SshRecipient(bob.key)], {
      armor: false,
      signature: await signatureOf(secret),
    });
    const receiver = await Receiver.start(bob.options);
    expect(await failureOf(receiver.push(forged).then(() => receiver.finish()))).toMatchObject({
      message: "the message is signed, and longer than a signed message can be",
    });
    receiver.lock();
  });
});

describe("signing is refused", () => {
  test.each([
    ["in ssh-vault's format", { format: "ssh-vault" }, "ssh-vault's format has no place for a signature"],
    ["to a passphrase", { to: [], passphrase: Buffer.from("p") }, "a message to a passphrase cannot be signed"],
    [
      "beyond 16 MiB",
      { secret: Buffer.alloc(16 * 1024 * 1024 + 1) },
      "expected at most 16777216 bytes to sign, got 16777217",
    ],
  ] as const)("%s", async (_, options, message) => {
    const refused = share({ secret, to: [bob.entry], sign: { signer }, ...options });
    expect(await failureOf(refused)).toMatchObject({ code: "CANNOT_SIGN", message });
  });
});
