import { writeFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { runOk, run, temporaryFolder } from "@git-vault/testkit";
import * as fc from "fast-check";
import nacl from "tweetnacl";
import { describe, test } from "vitest";
import {
  armorSignature,
  assembleSignature,
  readPrivateKey,
  readSignature,
  signatureVerifier,
  signMessage,
  verifySignature,
  type Ed25519PrivateKey,
  type SshSignature,
} from "../src/index.ts";
import { makeKey, sshKeygen, type MadeKey } from "./make-key.ts";
import { expect } from "./matchers.ts";
import { dataOf, FidoKey, field, mpint, signatureOf } from "./signature-fields.ts";

const namespace = "git-vault";
const message = Buffer.from("what is signed\n");

/** A key of each kind that ssh-keygen makes without hardware. */
const kinds = [
  { type: "ed25519" },
  { type: "rsa", bits: 2048 },
  { type: "rsa", bits: 3072 },
  { type: "ecdsa", bits: 256 },
  { type: "ecdsa", bits: 384 },
  { type: "ecdsa", bits: 521 },
] as const;

const signWithPeer = async (made: MadeKey, bytes: Uint8Array, ...options: string[]): Promise<string> => {
  const path = `${made.path}.message`;
  writeFileSync(path, bytes);
  await runOk(sshKeygen.path, ["-q", "-Y", "sign", "-f", made.path, "-n", namespace, ...options, path]);
  const signature = readFileSync(`${path}.sig`, "utf8");
  await runOk("rm", [`${path}.sig`]);
  return signature;
};

/** Whether `ssh-keygen -Y verify` says that the signature is alice's. */
const peerVerifies = async (folder: string, publicLine: string, signature: SshSignature): Promise<boolean> => {
  writeFileSync(join(folder, "allowed"), `alice ${publicLine}\n`);
  writeFileSync(join(folder, "signature"), armorSignature(signature));
  const args = ["-Y", "verify", "-f", join(folder, "allowed"), "-I", "alice", "-n", namespace];
  const { status } = await run(sshKeygen.path, [...args, "-s", join(folder, "signature")], { input: message });
  return status === 0;
};

const ed25519Key = async (folder: string, name = "ed25519"): Promise<{ made: MadeKey; key: Ed25519PrivateKey }> => {
  const made = await makeKey(folder, name);
  const key = await readPrivateKey(made.bytes).unlock();
  if (key.type !== "ssh-ed25519") throw new Error("expected an Ed25519 key");
  return { made, key };
};

describe.skipIf(sshKeygen.missing)(`SSH signatures and ${sshKeygen.label}`, () => {
  test.for(kinds)("its %j signatures verify, with either hash", async ({ type, ...options }) => {
    using folder = temporaryFolder();
    const made = await makeKey(folder.path, "key", { type, ...options });
    for (const hash of ["sha512", "sha256"]) {
      const text = await signWithPeer(made, message, "-O", `hashalg=${hash}`);
      const signature = readSignature(text);
      expect(signature).toMatchObject({ namespace, hash, publicKey: { type: made.publicLine.split(" ")[0] } });
      expect(armorSignature(signature)).toBe(text);
      expect(readSignature(signature.blob)).toEqual(signature);
      verifySignature(signature, { namespace, message });
      const verify = signatureVerifier();
      const both = [text, signature.blob].map((one) => verify(one, { namespace, message }));
      expect(await Promise.all(both)).toEqual([signature, signature]);
      await expect(() => verify(text, { namespace, message: Buffer.from("another") })).toFailWith(
        "BAD_SIGNATURE",
        "its key did not sign this message",
      );
      await expect(() => verifySignature(signature, { namespace, message: Buffer.from("another") })).toFailWith(
        "BAD_SIGNATURE",
        "its key did not sign this message",
      );
      await expect(() => verifySignature(signature, { namespace: "git", message })).toFailWith(
        "BAD_SIGNATURE",
        "another purpose",
      );
    }
  });

  test("our Ed25519 and RSA signatures are its own to the byte, for messages of any length", async () => {
    using folder = temporaryFolder();
    const keys = [await makeKey(folder.path, "ed"), await makeKey(folder.path, "rsa", { type: "rsa", bits: 2048 })];
    for (const made of keys) {
      const key = await readPrivateKey(made.bytes).unlock();
      for (const bytes of [Buffer.alloc(0), message, Buffer.alloc(100_000, 0xff)]) {
        const signature = await signMessage(key, { namespace, message: bytes });
        expect(armorSignature(signature)).toBe(await signWithPeer(made, bytes));
        verifySignature(signature, { namespace, message: bytes });
      }
      expect(await peerVerifies(folder.path, made.publicLine, await signMessage(key, { namespace, message }))).toBe(
        true,
      );
    }
  });

  test.for(["ed25519", "ecdsa"] as const)("it and we agree on signatures of an %s FIDO key", async (kind) => {
    using folder = temporaryFolder();
    const key = new FidoKey(kind);
    const line = `${key.type} ${key.blob.toString("base64")}`;
    const signed = (signature: Buffer): SshSignature =>
      assembleSignature({ publicKey: key.blob, namespace, signature });
    const touched = signed(key.sign(message));
    verifySignature(touched, { namespace, message });
    expect(await peerVerifies(folder.path, line, touched)).toBe(true);
    verifySignature(signed(key.sign(message, { flags: 5, counter: 2 ** 32 - 1 })), { namespace, message });

    const elsewhere = signed(key.sign(message, { application: "ssh:other" }));
    expect(await peerVerifies(folder.path, line, elsewhere)).toBe(false);
    await expect(() => verifySignature(elsewhere, { namespace, message })).toFailWith("BAD_SIGNATURE");
    const untouched = signed(key.sign(message, { flags: 4 }));
    await expect(() => verifySignature(untouched, { namespace, message })).toFailWith("BAD_SIGNATURE", "not touched");
    for (const at of [1, 5]) {
      // The flags and the counter are signed too.
      const changed = Buffer.from(touched.blob);
      changed[changed.length - at] = (changed.at(-at) ?? 0) ^ 2;
      await expect(() => verifySignature(readSignature(changed), { namespace, message })).toFailWith("BAD_SIGNATURE");
    }
  });

  test("a signature under another key, of the same type or another, is refused", async () => {
    using folder = temporaryFolder();
    const { made, key } = await ed25519Key(folder.path);
    const other = await ed25519Key(folder.path, "other");
    const { blob } = await signMessage(key, { namespace, message });
    const signature = blob.subarray(-83);
    expect(signature.subarray(0, 4).readUInt32BE()).toBe(11);
    const swapped = assembleSignature({ publicKey: other.key.publicKey.blob, namespace, signature });
    await expect(() => verifySignature(swapped, { namespace, message })).toFailWith("BAD_SIGNATURE");
    expect(await peerVerifies(folder.path, made.publicLine, swapped)).toBe(false);
    const rsa = await readPrivateKey((await makeKey(folder.path, "rsa", { type: "rsa", bits: 2048 })).bytes).unlock();
    await expect(() => assembleSignature({ publicKey: rsa.publicKey.blob, namespace, signature })).toFailWith(
      "MALFORMED_SIGNATURE",
      "its algorithm does not belong to the type of its key",
    );
  });

  test("RSA keys of 1024 bits neither sign nor verify, and SHA-1 is refused", async () => {
    using folder = temporaryFolder();
    const weak = await makeKey(folder.path, "weak", { type: "rsa", bits: 1024 });
    await expect(async () => signMessage(await readPrivateKey(weak.bytes).unlock(), { namespace, message })).toFailWith(
      "UNSUPPORTED_KEY",
      "RSA of 1024 bits is under the minimum of 2048",
    );
    const text = await signWithPeer(weak, message);
    await expect(() => readSignature(text)).toFailWith("UNSUPPORTED_KEY", "under the minimum");
    const strong = await readPrivateKey(
      (await makeKey(folder.path, "rsa", { type: "rsa", bits: 2048 })).bytes,
    ).unlock();
    const sha1 = Buffer.concat([field("ssh-rsa"), field(Buffer.alloc(256, 1))]);
    await expect(() => assembleSignature({ publicKey: strong.publicKey.blob, namespace, signature: sha1 })).toFailWith(
      "MALFORMED_SIGNATURE",
      "SHA-1",
    );
  });

  test("an RSA signature whose leading zero bytes an agent left out verifies", async () => {
    using folder = temporaryFolder();
    const key = await readPrivateKey((await makeKey(folder.path, "rsa", { type: "rsa", bits: 2048 })).bytes).unlock();
    for (let number = 0; ; number += 1) {
      const numbered = Buffer.from(`message ${number}`);
      const { blob } = await signMessage(key, { namespace, message: numbered });
      const value = blob.subarray(-256);
      if (value[0] !== 0) continue;
      const short = Buffer.concat([field("rsa-sha2-512"), field(value.subarray(1))]);
      const signature = assembleSignature({ publicKey: key.publicKey.blob, namespace, signature: short });
      expect(verifySignature(signature, { namespace, message: numbered })).toBeUndefined();
      return;
    }
  }, 20_000);

  test("an Ed25519 signature whose number was raised by the group's order is refused, which tweetnacl takes", async () => {
    using folder = temporaryFolder();
    const { key } = await ed25519Key(folder.path);
    const { blob } = await signMessage(key, { namespace, message });
    const value = Buffer.from(blob.subarray(-64));
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    const number = BigInt(`0x${Buffer.from(value.subarray(32).toReversed()).toString("hex")}`) + order;
    value.set(Buffer.from(number.toString(16).padStart(64, "0"), "hex").toReversed(), 32);
    const data = dataOf(namespace, "sha512", message);
    expect(nacl.sign.detached.verify(data, value, key.publicKey.point)).toBe(true);
    const signature = Buffer.concat([field("ssh-ed25519"), field(value)]);
    const raised = assembleSignature({ publicKey: key.publicKey.blob, namespace, signature });
    await expect(() => verifySignature(raised, { namespace, message })).toFailWith("BAD_SIGNATURE");
  });
});

const fido = new FidoKey("ed25519");
const fidoEcdsa = new FidoKey("ecdsa");
/** Its point, as a field of its blob. */
const wirePoint = fidoEcdsa.blob.subarray(-(4 + 65 + 4 + 4), -(4 + 4));
const sound = { publicKey: fido.blob, signature: fido.sign(message) };

test.for([
  ["another magic", { magic: "SSHSIX" }, "SSHSIG at its start"],
  ["version 2", { version: 2 }, "expected version 1, got 2"],
  ["an empty namespace", { namespace: "" }, "its namespace is empty"],
  ["a namespace that is not UTF-8", { namespace: Buffer.of(0xff) }, "not in UTF-8"],
  ["something in the reserved field", { reserved: "x" }, "reserved field is not empty"],
  ["SHA-1", { hash: "sha1" }, "neither sha512 nor sha256"],
  ["SHA-384", { hash: "sha384" }, "neither sha512 nor sha256"],
  ["bytes after it", { after: "x" }, "1 bytes are left over"],
  ["no signature", { signature: Buffer.alloc(0) }, "it ends too early"],
  ["bytes after the signature", { signature: Buffer.concat([sound.signature, Buffer.of(0)]) }, "left over"],
  ["no counter", { signature: sound.signature.subarray(0, -4) }, "it ends too early"],
  ["a short signature", { signature: Buffer.concat([field(fido.type), field("x")]) }, "expected 64 bytes"],
  [
    "bytes after the numbers of ECDSA",
    {
      publicKey: fidoEcdsa.blob,
      signature: Buffer.concat([
        field(fidoEcdsa.type),
        field(Buffer.concat([mpint(Buffer.of(1)), mpint(Buffer.of(1)), Buffer.of(0)])),
        Buffer.alloc(5),
      ]),
    },
    "1 bytes are left over",
  ],
  ["a webauthn signature", { signature: field("webauthn-sk-ecdsa-sha2-nistp256@openssh.com") }, "its algorithm"],
  [
    "numbers over the curve's size",
    {
      publicKey: fidoEcdsa.blob,
      signature: Buffer.concat([field(fidoEcdsa.type), field(mpint(Buffer.alloc(33, 1))), Buffer.alloc(5)]),
    },
    "too large for its curve",
  ],
] as const)("a signature with %s is malformed", async ([, change, problem]) => {
  await expect(() => readSignature(signatureOf({ ...sound, ...change }))).toFailWith("MALFORMED_SIGNATURE", problem);
});

test.for([
  ["of a certificate", field("ssh-ed25519-cert-v01@openssh.com"), "UNSUPPORTED_KEY"],
  ["of a DSA key", field("ssh-dss"), "UNSUPPORTED_KEY"],
  ["of an unknown type", field("ssh-ed448"), "UNSUPPORTED_KEY"],
  ["of a point of small order", Buffer.concat([field("ssh-ed25519"), field(Buffer.alloc(32))]), "MALFORMED_KEY"],
  [
    "of a FIDO key with a point that is not canonical",
    Buffer.concat([field(fido.type), field(Buffer.alloc(32, 0xff)), field("ssh:")]),
    "MALFORMED_KEY",
  ],
  [
    "of a point off the curve",
    Buffer.concat([...["ecdsa-sha2-nistp256", "nistp256"].map(field), field(Buffer.alloc(65, 4))]),
    "MALFORMED_KEY",
  ],
  [
    "of the curve of another type",
    Buffer.concat([...["ecdsa-sha2-nistp256", "nistp384"].map(field), field(Buffer.alloc(97, 4))]),
    "MALFORMED_KEY",
  ],
  [
    "of a point of one curve under the name of another",
    Buffer.concat([field(fidoEcdsa.type), field("nistp384"), wirePoint, field("ssh:")]),
    "MALFORMED_KEY",
  ],
  ["with bytes after its key", Buffer.concat([fido.blob, Buffer.of(0)]), "MALFORMED_KEY"],
  [
    "of a compressed point",
    Buffer.concat([...["ecdsa-sha2-nistp256", "nistp256"].map(field), field(Buffer.alloc(33, 2))]),
    "MALFORMED_KEY",
  ],
  ["of nothing", Buffer.alloc(0), "MALFORMED_KEY"],
] as const)("a signature %s is refused", async ([, publicKey, code]) => {
  await expect(() => readSignature(signatureOf({ ...sound, publicKey }))).toFailWith(code);
});

test.for([
  ["an empty text", "", "expected it to begin with"],
  ["no END line", "-----BEGIN SSH SIGNATURE-----\nAAAA\n", "END line"],
  ["one line alone", "-----BEGIN SSH SIGNATURE-----END SSH SIGNATURE-----", "END line"],
  ["loose base64", "-----BEGIN SSH SIGNATURE-----\nAB=\n-----END SSH SIGNATURE-----", "canonical base64"],
  ["too much", "x".repeat(33_000), "at most 32768 bytes, got 33000"],
] as const)("a text of %s is malformed", async ([, text, problem]) => {
  await expect(() => readSignature(text)).toFailWith("MALFORMED_SIGNATURE", problem);
});

test("a text may be wrapped in any way", () => {
  const signature = readSignature(signatureOf(sound));
  const [begin = "", ...rest] = armorSignature(signature).trimEnd().split("\n");
  const wrapped = [
    begin,
    ...(rest
      .slice(0, -1)
      .join("")
      .match(/.{1,30}/g) ?? []),
    rest.at(-1),
  ].join("\r\n  ");
  expect(readSignature(`\n${wrapped}\n`)).toEqual(signature);
});

test("bytes changed at random are refused, or are another sound signature that does not verify", () => {
  const blob = signatureOf(sound);
  const edit = fc.record({ at: fc.nat(blob.length - 1), to: fc.uint8Array({ maxLength: 4 }), cut: fc.nat(4) });
  fc.assert(
    fc.property(edit, ({ at, to, cut }) => {
      const changed = Buffer.concat([blob.subarray(0, at), to, blob.subarray(at + cut)]);
      fc.pre(!changed.equals(blob));
      try {
        const signature = readSignature(changed);
        expect(signature.blob).toEqual(changed);
        expect(() => verifySignature(signature, { namespace, message })).toThrow(
          expect.objectContaining({ code: "BAD_SIGNATURE" }),
        );
      } catch (error) {
        expect(error).toMatchObject({ code: /^(?:MALFORMED_(?:SIGNATURE|KEY)|UNSUPPORTED_KEY)$/ });
      }
    }),
    { numRuns: 500 },
  );
});
