import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Directory, type DirectoryEntry } from "@git-vault/directory";
import { readHeader } from "@git-vault/sealing";
import { makeSshKey, peer, run, runOk, temporaryFolder, type SshKey, type TemporaryFolder } from "@git-vault/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { receive, share } from "../src/index.ts";
import { CANARY, failureOf } from "./hands.ts";

const age = peer("age");
const sshVault = peer("ssh-vault");

const directory = new Directory({ cacheFolder: null, env: {} });
const secret = Buffer.from(`${CANARY} of a secret`);
const noPassphrase = async (): Promise<never> => {
  throw new Error("no passphrase was to be asked for");
};

let folder: TemporaryFolder;
let laptop: SshKey;
let desktop: SshKey;
let small: SshKey;
let signing: SshKey;
let bobs: SshKey;
/** Ed25519, ECDSA, RSA of 2048 bits and RSA of 1024 bits, in this order. */
let alice: DirectoryEntry;
let bob: DirectoryEntry;

/** A file with these keys, as the directory reads it. */
const entryOf = async (name: string, ...keys: readonly string[]): Promise<DirectoryEntry> => {
  const path = join(folder.path, name);
  writeFileSync(path, keys.map((key) => `${key}\n`).join(""));
  const [entry] = await directory.resolve(path);
  if (entry === undefined) throw new Error("the directory found nobody");
  return entry;
};
const fingerprintOf = async (key: SshKey): Promise<string> =>
  (await runOk("ssh-keygen", ["-lf", key.publicKeyPath])).toString().split(" ")[1] ?? "";
const receiveWith = (message: Buffer, { privateKeyPath }: SshKey): ReturnType<typeof receive> =>
  receive(message, { home: folder.path, keyFiles: [privateKeyPath], passphrase: noPassphrase });

beforeAll(async () => {
  folder = temporaryFolder();
  const make = (name: string, options: { type: "ed25519" | "rsa" | "ecdsa"; bits?: number }): Promise<SshKey> =>
    makeSshKey({ ...options, name, folder: folder.path, comment: name });
  laptop = await make("laptop", { type: "ed25519" });
  desktop = await make("desktop", { type: "rsa", bits: 2048 });
  small = await make("small", { type: "rsa", bits: 1024 });
  signing = await make("signing", { type: "ecdsa" });
  bobs = await make("bobs", { type: "ed25519" });
  alice = await entryOf("alice.keys", laptop.publicKey, signing.publicKey, desktop.publicKey, small.publicKey);
  bob = await entryOf("bob.keys", bobs.publicKey);
});
afterAll(() => folder.remove());

describe("sharing in the age format", () => {
  test("seals to every usable key of every recipient, and says who that is", async () => {
    const { message, format, sealedTo } = await share({ secret, to: [alice, bob] });
    expect(format).toBe("age");
    expect(readHeader(message)).toMatchObject({ format: "age", stanzas: { length: 3 } });
    expect(
      sealedTo.map(({ recipient, source, entry }) => [recipient, source, entry.fingerprint, entry.comment]),
    ).toEqual([
      [alice.name, alice.source, await fingerprintOf(laptop), "laptop"],
      [alice.name, alice.source, await fingerprintOf(desktop), "desktop"],
      [bob.name, bob.source, await fingerprintOf(bobs), "bobs"],
    ]);
    for (const key of [laptop, desktop, bobs]) {
      const { plaintext, openedWith } = await receiveWith(message, key);
      expect(plaintext).toEqual(secret);
      expect(openedWith).toMatchObject({ path: key.privateKeyPath, fingerprint: await fingerprintOf(key) });
    }
  });

  test("passes over keys that cannot be sealed to, each with its reason", async () => {
    const { notSealedTo } = await share({ secret, to: [alice, bob] });
    expect(
      notSealedTo.map(({ recipient, source, entry, reason }) => [recipient, source, entry.comment, reason]),
    ).toEqual([
      [alice.name, alice.source, "signing", expect.stringMatching(/ECDSA|ecdsa/)],
      [alice.name, alice.source, "small", "RSA of 1024 bits is under the minimum of 2048"],
    ]);
    const { message } = await share({ secret, to: [alice] });
    const error = await failureOf(receiveWith(message, small));
    expect(error.code).toBe("NO_IDENTITY_MATCHED");
  });

  test.skipIf(age.missing)(`makes what each recipient opens with ${age.label}`, async () => {
    const binary = randomBytes(4096);
    const { message } = await share({ secret: binary, to: [alice, bob] });
    for (const { privateKeyPath } of [laptop, desktop, bobs]) {
      expect(await runOk(age.path, ["-d", "-i", privateKeyPath], { input: message })).toEqual(binary);
    }
    const other = await makeSshKey({ type: "ed25519", folder: folder.path, name: "other" });
    expect((await run(age.path, ["-d", "-i", other.privateKeyPath], { input: message })).status).not.toBe(0);
  });

  test("gives a key that stands there twice one stanza", async () => {
    const twice = await entryOf("twice.keys", laptop.publicKey, `${laptop.publicKey} again`);
    const { message, sealedTo } = await share({ secret, to: [twice, twice] });
    expect(readHeader(message).stanzas).toHaveLength(1);
    expect(sealedTo.map(({ entry }) => entry.comment)).toEqual(["laptop", "laptop again", "laptop", "laptop again"]);
  });

  test("seals an empty secret", async () => {
    const { message } = await share({ secret: Buffer.alloc(0), to: [bob] });
    expect((await receiveWith(message, bobs)).plaintext).toHaveLength(0);
  });

  test("leaves the secret as it was", async () => {
    const mine = Buffer.from(secret);
    await share({ secret: mine, to: [bob], base64: true });
    await share({ secret: mine, to: [bob] });
    expect(mine).toEqual(secret);
  });

  test("makes text that holds nothing of the secret and is another each time", async () => {
    const one = await share({ secret, to: [bob] });
    const two = await share({ secret, to: [bob] });
    expect(one.message.toString()).toMatch(/^-----BEGIN AGE ENCRYPTED FILE-----\n[\x20-\x7e\n]*\n$/);
    expect(one.message.toString()).not.toContain(secret.toString("base64").slice(0, 12));
    expect(one.message).not.toEqual(two.message);
  });
});

describe("sharing in ssh-vault's format", () => {
  test("seals to the first usable key of one recipient", async () => {
    const late = await entryOf("late.keys", signing.publicKey, small.publicKey, desktop.publicKey, laptop.publicKey);
    const { message, format, sealedTo, notSealedTo } = await share({ secret, to: [late], format: "ssh-vault" });
    expect(format).toBe("ssh-vault");
    expect(message.toString()).toMatch(/^SSH-VAULT;AES256;/);
    expect(sealedTo.map(({ entry }) => entry.comment)).toEqual(["desktop"]);
    expect(notSealedTo.map(({ entry }) => entry.comment)).toEqual(["signing", "small", "laptop"]);
    expect(notSealedTo.at(-1)?.reason).toBe("not chosen");
    expect((await receiveWith(message, desktop)).plaintext).toEqual(secret);
  });

  test.skipIf(sshVault.missing)(`makes what ${sshVault.label} opens`, async () => {
    const home = join(folder.path, "home");
    mkdirSync(home);
    const env = { PATH: process.env["PATH"], HOME: home };
    for (const [key, owner] of [
      ["1", laptop],
      ["2", desktop],
    ] as const) {
      const { message } = await share({ secret, to: [alice], format: "ssh-vault", key });
      const opened = await runOk(sshVault.path, ["view", "-k", owner.privateKeyPath], { env, input: message });
      expect(opened).toEqual(secret);
    }
  });

  test.skipIf(sshVault.missing)(
    `makes of binary, as base64, what ${sshVault.label} prints and base64 undoes`,
    async () => {
      const env = { PATH: process.env["PATH"], HOME: folder.path };
      const binary = randomBytes(300);
      // A view of a larger buffer: nothing around it may be sealed.
      const around = Buffer.concat([Buffer.from(CANARY), binary, Buffer.from(CANARY)]).subarray(11, 311);
      const { message } = await share({ secret: around, to: [bob], format: "ssh-vault", base64: true });
      const text = await runOk(sshVault.path, ["view", "-k", bobs.privateKeyPath], { env, input: message });
      expect(await runOk("base64", ["-d"], { input: text })).toEqual(binary);
    },
  );

  test("is refused for several recipients", async () => {
    const error = await failureOf(share({ secret, to: [alice, bob], format: "ssh-vault" }));
    expect(error).toMatchObject({ code: "INVALID_KEY_CHOICE", hint: expect.stringMatching(/one recipient at a time/) });
    expect(error.message).toMatch(/seals to one key, got 2 recipients/);
  });
});

describe("choosing one key", () => {
  test("counts the usable keys alone, from 1", async () => {
    for (const [key, comment] of [
      ["1", "laptop"],
      ["2", "desktop"],
    ] as const) {
      const { sealedTo, notSealedTo } = await share({ secret, to: [alice], key });
      expect(sealedTo.map((sealed) => sealed.entry.comment)).toEqual([comment]);
      expect(notSealedTo).toHaveLength(3);
    }
  });

  test("takes the fingerprint that ssh-keygen prints", async () => {
    for (const owner of [laptop, desktop]) {
      const key = await fingerprintOf(owner);
      const { message, sealedTo } = await share({ secret, to: [alice], key });
      expect(sealedTo.map((sealed) => sealed.entry.fingerprint)).toEqual([key]);
      expect((await receiveWith(message, owner)).plaintext).toEqual(secret);
    }
  });

  test.each(["0", "3", "-1", "01", "1.0", " 1", "", "one", "9999999", "sha256:abc", "__proto__", "\u001b[2J"])(
    "refuses the number %j",
    async (key) => {
      const error = await failureOf(share({ secret, to: [alice], key }));
      expect(error.code).toBe("INVALID_KEY_CHOICE");
      expect(error.message).toMatch(
        /^expected a key's number from 1 to 2, or its SHA256:… fingerprint, got [ -~]{0,60}$/,
      );
      expect(error.subject).toBe(alice.name);
    },
  );

  test("refuses a fingerprint of none of the keys", async () => {
    const error = await failureOf(share({ secret, to: [bob], key: await fingerprintOf(laptop) }));
    expect(error).toMatchObject({
      code: "INVALID_KEY_CHOICE",
      message: expect.stringContaining(await fingerprintOf(laptop)),
    });
  });

  test("refuses the fingerprint of an unusable key with the reason of that key alone", async () => {
    const error = await failureOf(share({ secret, to: [alice], key: await fingerprintOf(small) }));
    expect(error.code).toBe("NO_USABLE_KEY");
    expect(error.message).toContain(`(${await fingerprintOf(small)}: RSA of 1024 bits is under the minimum of 2048)`);
  });

  test("takes a key by its fingerprint where it also stands with an option that makes it unusable", async () => {
    const authority = await entryOf("authority.keys", `cert-authority ${laptop.publicKey}`, laptop.publicKey);
    const { sealedTo } = await share({ secret, to: [authority], key: await fingerprintOf(laptop) });
    expect(sealedTo).toHaveLength(1);
  });

  test("is refused among several recipients", async () => {
    const error = await failureOf(share({ secret, to: [alice, bob], key: "1" }));
    expect(error).toMatchObject({ code: "INVALID_KEY_CHOICE", hint: "choose a key where there is one recipient" });
  });
});

describe("sharing is refused", () => {
  test("with nobody", async () => {
    for (const format of ["age", "ssh-vault"] as const) {
      expect((await failureOf(share({ secret, to: [], format, key: "1" }))).code).toBe("NO_RECIPIENTS");
    }
  });

  test("with a passphrase beside recipients, who would not open it", async () => {
    const passphrase = Buffer.from("a passphrase");
    for (const options of [{ to: [bob] }, { to: [], format: "ssh-vault" }] as const) {
      const error = await failureOf(share({ secret, passphrase, ...options }));
      expect(error).toMatchObject({ code: "INVALID_KEY_CHOICE", message: expect.stringContaining("stands alone") });
    }
  });

  test("where one of several recipients has no usable key, naming every key and why", async () => {
    const carol = await entryOf("carol.keys", signing.publicKey, small.publicKey);
    for (const options of [
      { to: [bob, carol] },
      { to: [carol], format: "ssh-vault" },
      { to: [carol], key: "1" },
    ] as const) {
      const error = await failureOf(share({ secret, ...options }));
      expect(error).toMatchObject({ code: "NO_USABLE_KEY", hint: expect.stringContaining("ssh-keygen -t ed25519") });
      expect(error.message).toContain(carol.name);
      for (const key of [signing, small]) expect(error.message).toContain(`${await fingerprintOf(key)}: `);
    }
  });

  test("where a line is no key at all, by the number of the line", async () => {
    const broken = await entryOf("broken.keys", "ssh-ed25519 AAAA broken", signing.publicKey);
    const error = await failureOf(share({ secret, to: [broken] }));
    expect(error.code).toBe("NO_USABLE_KEY");
    expect(error.message).toContain("(line 1: ");
  });

  test("for a member of a team who has no keys", async () => {
    const member: DirectoryEntry = { name: "github:dora", source: "https://github.example/dora.keys", keys: [] };
    const error = await failureOf(share({ secret, to: [bob, member] }));
    expect(error).toMatchObject({
      code: "NO_USABLE_KEY",
      message: "github:dora has no key that can be sealed to (they have none at all)",
    });
  });

  test("without control characters of a recipient's name in the message", async () => {
    const odd = { ...(await entryOf("odd.keys", signing.publicKey)), name: "a\u001b[2J\u202eb\n.keys" };
    const refused = [{ key: "SHA256:none" }, {}].map((options) => failureOf(share({ secret, to: [odd], ...options })));
    const chosen = failureOf(share({ secret, to: [{ ...odd, keys: bob.keys }], key: "7" }));
    for (const { message, subject } of await Promise.all([...refused, chosen])) {
      expect(`${message} ${subject}`).toContain(String.raw`a\x1b[2J\xe2\x80\xaeb\x0a.keys`);
      expect(`${message} ${subject}`).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    }
  });

  test("for a secret that is not bytes, without showing it", async () => {
    // @ts-expect-error -- what a caller without types may give
    const refused = share({ secret: CANARY, to: [bob] });
    await expect(refused).rejects.toThrow(new TypeError("secret: expected a Uint8Array, got string"));
  });

  test("in a format that there is not", async () => {
    // @ts-expect-error -- what a caller without types may give
    await expect(share({ secret, to: [bob], format: "zip" })).rejects.toThrow(RangeError);
  });
});
