import { randomBytes } from "node:crypto";
import { mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { KeyError, readPublicKeys } from "@git-vault/keys";
import { makeSshKey, peer, runOk, temporaryFolder, type SshKeyOptions, type TemporaryFolder } from "@git-vault/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { receive, share, type PassphraseRequest, type Received } from "../src/index.ts";
import { CANARY, failureOf } from "./hands.ts";

const age = peer("age");
const sshVault = peer("ssh-vault");
const puttygen = peer("puttygen");
const isRoot = process.getuid?.() === 0;

const secret = Buffer.from(`${CANARY} of a secret`);
const PASSPHRASE = `${CANARY} opens`;

interface Key {
  readonly path: string;
  readonly line: string;
  readonly fingerprint: string;
}

let folder: TemporaryFolder;
/** A home folder of its own for each test. */
let home: string;
let homes = 0;
let asked: PassphraseRequest[];
/** A key outside of the home folder, which nobody looks for. */
let stray: Key;

beforeAll(async () => {
  folder = temporaryFolder();
  stray = await make({ type: "ed25519", folder: folder.path, name: "stray" });
});
afterAll(() => folder.remove());
beforeEach(() => {
  homes += 1;
  home = join(folder.path, `home-${homes}`);
  mkdirSync(join(home, ".ssh"), { recursive: true });
  asked = [];
});

const make = async (options: SshKeyOptions): Promise<Key> => {
  const { privateKeyPath: path, publicKey: line } = await makeSshKey(options);
  return { path, line, fingerprint: readPublicKeys(line)[0]?.fingerprint ?? "" };
};
/** A key in `~/.ssh`. */
const makeOwn = (options: Omit<SshKeyOptions, "folder">): Promise<Key> =>
  make({ ...options, folder: join(home, ".ssh") });
const sealTo = async (...keys: readonly Key[]): Promise<Buffer> => {
  const to = [{ name: "me", source: "here", keys: keys.flatMap(({ line }) => readPublicKeys(line)) }];
  return (await share({ secret, to })).message;
};
/** Answers with these passphrases, one after the other, and takes notes of what was asked. */
const answering =
  (...answers: readonly string[]) =>
  async (request: PassphraseRequest): Promise<Buffer> => {
    const answer = answers[asked.push(request) - 1];
    if (answer === undefined) throw new Error(`asked once too often: ${JSON.stringify(request)}`);
    return Buffer.from(answer);
  };
const receiveAtHome = (message: Uint8Array, ...answers: readonly string[]): Promise<Received> =>
  receive(message, { home, passphrase: answering(...answers) });
const receiveWith = (message: Uint8Array, path: string, ...answers: readonly string[]): Promise<Received> =>
  receive(message, { home, keyFiles: [path], passphrase: answering(...answers) });
const configure = (text: string): void => writeFileSync(join(home, ".ssh/config"), text);

describe("receiving with the keys in the home folder", () => {
  test.each(["id_ed25519", "id_rsa"])("tries ~/.ssh/%s", async (name) => {
    const key = await makeOwn({ ...(name === "id_rsa" ? { type: "rsa", bits: 2048 } : { type: "ed25519" }), name });
    const { plaintext, format, openedWith } = await receiveAtHome(await sealTo(stray, key));
    expect(plaintext).toEqual(secret);
    expect(format).toBe("age");
    expect(openedWith).toMatchObject({ path: key.path, fingerprint: key.fingerprint });
  });

  test.skipIf(age.missing)(`opens what ${age.label} sealed, armored or not`, async () => {
    const key = await makeOwn({ type: "ed25519" });
    const binary = randomBytes(70_000);
    for (const flags of [["-a"], []]) {
      const message = await runOk(age.path, [...flags, "-r", stray.line, "-r", key.line], { input: binary });
      expect((await receiveAtHome(message)).plaintext).toEqual(binary);
    }
  });

  test.skipIf(sshVault.missing)(`opens what ${sshVault.label} sealed`, async () => {
    const key = await makeOwn({ type: "rsa", bits: 2048 });
    const env = { PATH: process.env["PATH"], HOME: home };
    const message = await runOk(sshVault.path, ["create", "-k", `${key.path}.pub`], { env, input: secret });
    const { plaintext, format, openedWith } = await receiveAtHome(message);
    expect({ plaintext, format, openedWith }).toMatchObject({
      plaintext: secret,
      format: "ssh-vault",
      openedWith: { path: key.path, fingerprint: key.fingerprint },
    });
  });

  test("opens an empty secret", async () => {
    const key = await makeOwn({ type: "ed25519" });
    const to = [{ name: "me", source: "here", keys: readPublicKeys(key.line) }];
    const { message } = await share({ secret: Buffer.alloc(0), to, format: "ssh-vault" });
    expect((await receiveAtHome(message)).plaintext).toHaveLength(0);
  });

  test("tries messages of one text up to as many recipients as two of them can have", async () => {
    const message = await sealTo(await makeOwn({ type: "ed25519" }));
    const base64 = (bytes: number): string => randomBytes(bytes).toString("base64").replaceAll("=", "");
    const junk = (recipients: number): string => {
      const header = `age-encryption.org/v1\n${`-> somebody ${base64(6)}\n\n`.repeat(recipients)}--- ${base64(32)}\n`;
      const lines =
        Buffer.from(header + base64(30))
          .toString("base64")
          .match(/.{1,64}/g) ?? [];
      return ["-----BEGIN AGE ENCRYPTED FILE-----", ...lines, "-----END AGE ENCRYPTED FILE-----", ""].join("\n");
    };
    const after = (last: number): Buffer => Buffer.from(`${junk(1024)}\n${junk(last)}\n${message.toString()}`);
    expect((await receiveAtHome(after(1023))).plaintext).toEqual(secret);
    await expect(receiveAtHome(after(1024))).rejects.toMatchObject({ code: "NO_IDENTITY_MATCHED" });
  });

  test("tries the keys that ~/.ssh/config names", async () => {
    mkdirSync(join(home, "keys"));
    const work = await make({ type: "ed25519", folder: join(home, "keys"), name: "work key" });
    configure('Host *.example.org\n  IdentityFile "~/keys/work key"\n');
    const { openedWith } = await receiveAtHome(await sealTo(work));
    expect(openedWith).toMatchObject({ path: work.path, fingerprint: work.fingerprint });
  });

  test("reads a long ~/.ssh/config", async () => {
    const work = await makeOwn({ type: "ed25519", name: "work" });
    const hosts = Array.from({ length: 4000 }, (_, at) => `Host host-${at}.example.org\n  User alice\n`);
    configure(`${hosts.join("")}IdentityFile ~/.ssh/work\n`);
    expect((await receiveAtHome(await sealTo(work))).openedWith.path).toBe(work.path);
  });

  test("follows the Include lines of ~/.ssh/config, also those with a pattern", async () => {
    mkdirSync(join(home, ".ssh/config.d"));
    const keys: Key[] = [];
    for (const name of ["one", "two", "off"]) {
      keys.push(await makeOwn({ type: "ed25519", name }));
      const file = name === "off" ? "off.disabled" : `${name}.conf`;
      writeFileSync(join(home, ".ssh/config.d", file), `IdentityFile ~/.ssh/${name}\n`);
    }
    const [one, two, off] = keys as [Key, Key, Key];
    configure("Include config.d/*.conf\nInclude nowhere/*\n");
    for (const key of [one, two]) {
      expect((await receiveAtHome(await sealTo(key))).openedWith.path).toBe(key.path);
    }
    // What lies in ~/.ssh is found without a line, after the others.
    expect((await receiveAtHome(await sealTo(off))).openedWith.path).toBe(off.path);
    const error = await failureOf(receiveAtHome(await sealTo(stray)));
    const tried = [one, two, off].map(({ path, fingerprint }) => `${path} (${fingerprint})`);
    expect(error.hint).toContain(`tried ${tried.join(", ")}`);
  });

  test("goes on after a default key that is broken", async () => {
    const key = await makeOwn({ type: "rsa", bits: 2048 });
    const message = await sealTo(key);
    const broken = join(home, ".ssh/id_ed25519");
    for (const content of ["", "garbage\n", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n", randomBytes(100)]) {
      writeFileSync(broken, content);
      expect((await receiveAtHome(message)).openedWith.path).toBe(key.path);
    }
  });

  test("is not held up by what is no file, and says so where nothing opens", async () => {
    const key = await makeOwn({ type: "rsa", bits: 2048 });
    const [opens, other] = [await sealTo(key), await sealTo(stray)];
    const path = join(home, ".ssh/id_ed25519");
    const obstacles: readonly (readonly [make: () => unknown, problem: string])[] = [
      [() => mkdirSync(path), "it is not a file"],
      [() => runOk("mkfifo", [path]), "it is not a file"],
      [() => symlinkSync("/dev/zero", path), "it is not a file"],
      [() => symlinkSync(path, path), "it cannot be read (ELOOP)"],
      [() => truncateSize(path, 3 * 1024 * 1024 * 1024), "it is too large for a private key (3221225472 bytes)"],
      [() => truncateSize(path, 70_000), "expected a private key of at most 16384 bytes, got 70000"],
    ];
    for (const [place, problem] of obstacles) {
      await place();
      expect((await receiveAtHome(opens)).openedWith.path).toBe(key.path);
      const { hint } = await failureOf(receiveAtHome(other));
      expect(hint).toContain(`tried ${path} (${problem}), ${key.path} (${key.fingerprint}): `);
      rmSync(path, { recursive: true });
    }
  });

  test("is not held up by a configuration that is a pipe", async () => {
    const key = await makeOwn({ type: "ed25519" });
    await runOk("mkfifo", [join(home, ".ssh/config")]);
    expect((await receiveAtHome(await sealTo(key))).plaintext).toEqual(secret);
  });

  test("says that there are no keys", async () => {
    const error = await failureOf(receiveAtHome(await sealTo(stray)));
    expect(error).toMatchObject({
      code: "NO_IDENTITY_MATCHED",
      hint: expect.stringContaining("no private key was found in ~/.ssh"),
    });
    rmSync(join(home, ".ssh"), { recursive: true });
    expect((await failureOf(receiveAtHome(await sealTo(stray)))).code).toBe("NO_IDENTITY_MATCHED");
  });

  test("lists in the hint what was tried and what could not be", async () => {
    const rsa = await makeOwn({ type: "rsa", bits: 2048 });
    const token = await makeOwn({ type: "ed25519", name: "token" });
    const signing = await makeOwn({ type: "ecdsa", name: "signing" });
    rmSync(token.path);
    configure(`IdentityFile ${token.path}.pub\nIdentityFile ~/.ssh/signing\nIdentityFile ~/.ssh/missing\n`);
    const error = await failureOf(receiveAtHome(await sealTo(stray)));
    expect(error.code).toBe("NO_IDENTITY_MATCHED");
    expect(error.hint).toMatch(/^tried /);
    expect(error.hint).toMatch(new RegExp(`${token.path} \\([^)]*agent`));
    expect(error.hint).toMatch(new RegExp(`${signing.path} \\([^)]*ecdsa`, "i"));
    expect(error.hint).toContain(`${rsa.path} (${rsa.fingerprint})`);
    expect(error.hint).not.toContain("missing");
  });

  test("keeps control characters of a path out of the hint", async () => {
    configure("IdentityFile ~/.ssh/a\u001b[2J\u202e\n");
    writeFileSync(join(home, ".ssh", "a\u001b[2J\u202e"), "garbage");
    const { hint = "" } = await failureOf(receiveAtHome(await sealTo(stray)));
    expect(hint).toContain(String.raw`.ssh/a\x1b[2J\xe2\x80\xae (`);
    expect(hint).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });
});

const truncateSize = (path: string, size: number): void => {
  writeFileSync(path, "");
  truncateSync(path, size);
};

describe("receiving with key files that were named", () => {
  test("tries them and no others", async () => {
    const own = await makeOwn({ type: "ed25519" });
    const message = await sealTo(own);
    const error = await failureOf(receiveWith(message, stray.path));
    expect(error.code).toBe("NO_IDENTITY_MATCHED");
    expect(error.hint).toContain(`tried ${stray.path} (${stray.fingerprint}): `);
    expect((await receiveWith(message, own.path)).plaintext).toEqual(secret);
  });

  test("tries each of several, and the default ones where the list is empty", async () => {
    const own = await makeOwn({ type: "ed25519" });
    const message = await sealTo(own);
    const both = { home, keyFiles: [stray.path, own.path], passphrase: answering() };
    expect((await receive(message, both)).openedWith.path).toBe(own.path);
    expect((await receive(message, { home, keyFiles: [], passphrase: answering() })).openedWith.path).toBe(own.path);
  });

  test("reads PEM files", async () => {
    const pem = await make({ type: "rsa", bits: 2048, format: "PEM", folder: home, name: "pem" });
    expect((await receiveWith(await sealTo(pem), pem.path)).openedWith.fingerprint).toBe(pem.fingerprint);
  });

  test.skipIf(puttygen.missing)(`reads the files of ${puttygen.label}`, async () => {
    const path = join(home, "key.ppk");
    await runOk(puttygen.path, [stray.path, "-O", "private", "-o", path]);
    const { openedWith } = await receiveWith(await sealTo(stray), path);
    expect(openedWith).toMatchObject({ path, fingerprint: stray.fingerprint });
  });

  test("says what is wrong with one", async () => {
    const message = await sealTo(stray);
    const signing = await make({ type: "ecdsa", folder: home, name: "signing" });
    writeFileSync(join(home, "notes.txt"), CANARY);
    for (const [path, code] of [
      [join(home, "missing"), "KEY_NOT_FOUND"],
      [join(home, "notes.txt"), "MALFORMED_KEY"],
      [`${stray.path}.pub`, "MALFORMED_KEY"],
      [signing.path, "UNSUPPORTED_KEY"],
    ] as const) {
      const error = await failureOf(receiveWith(message, path));
      expect([path, error.code]).toEqual([path, code]);
      expect(error.message).toContain(path);
    }
  });

  test("refuses what cannot be read as a file, and does not wait for a pipe", async () => {
    const message = await sealTo(stray);
    const at = (name: string): string => join(home, name);
    mkdirSync(at("folder"));
    await runOk("mkfifo", [at("pipe")]);
    symlinkSync(at("loop"), at("loop"));
    truncateSize(at("large"), 1024 * 1024 + 1);
    for (const [name, reason] of [
      ["folder", "it is not a file"],
      ["pipe", "it is not a file"],
      ["loop", "ELOOP"],
      ["large", "it is too large for a private key (1048577 bytes)"],
    ] as const) {
      const error = await failureOf(receiveWith(message, at(name)));
      expect(error).toMatchObject({
        code: "KEY_FILE_UNREADABLE",
        message: `cannot read the private key ${at(name)}: ${reason}`,
      });
    }
    const odd = await failureOf(receiveWith(message, `${at("folder")}/\u001b[2J/..`));
    expect(odd.message).not.toMatch(/\p{Cc}/u);
  });

  test.skipIf(isRoot)("refuses one that may not be read, and passes over a default one", async () => {
    const own = await makeOwn({ type: "ed25519" });
    await runOk("chmod", ["000", own.path]);
    const error = await failureOf(receiveWith(await sealTo(own), own.path));
    expect(error).toMatchObject({ code: "KEY_FILE_UNREADABLE", message: expect.stringMatching(/: EACCES$/) });
    const byDefault = await failureOf(receiveAtHome(await sealTo(own)));
    expect(byDefault.hint).toContain(`${own.path} (it cannot be read (EACCES))`);
  });
});

describe("the passphrase of an encrypted key", () => {
  test("is asked for once where it is right", async () => {
    const key = await makeOwn({ type: "ed25519", passphrase: PASSPHRASE });
    const { plaintext, openedWith } = await receiveAtHome(await sealTo(key), PASSPHRASE);
    expect(plaintext).toEqual(secret);
    expect(openedWith).toMatchObject({ path: key.path, fingerprint: key.fingerprint });
    expect(asked).toEqual([{ path: key.path, attempt: 1 }]);
  });

  test("is asked for only where the message is for that key", async () => {
    const ed25519 = await makeOwn({ type: "ed25519", passphrase: PASSPHRASE });
    const rsa = await makeOwn({ type: "rsa", bits: 2048, passphrase: PASSPHRASE });
    expect((await failureOf(receiveAtHome(await sealTo(stray)))).hint).toContain(ed25519.fingerprint);
    expect(asked).toEqual([]);
    expect((await receiveAtHome(await sealTo(stray, rsa), PASSPHRASE)).openedWith.path).toBe(rsa.path);
    expect(asked).toEqual([{ path: rsa.path, attempt: 1 }]);
  });

  test("is not asked for where a key without one opens the message", async () => {
    const encrypted = await makeOwn({ type: "ed25519", passphrase: PASSPHRASE });
    const plain = await makeOwn({ type: "rsa", bits: 2048 });
    expect((await receiveAtHome(await sealTo(encrypted, plain))).openedWith.path).toBe(plain.path);
    expect(asked).toEqual([]);
  });

  test("is asked for again after a wrong one, as attempts 1, 2 and 3", async () => {
    const key = await makeOwn({ type: "ed25519", passphrase: PASSPHRASE });
    const message = await sealTo(key);
    expect((await receiveAtHome(message, `${CANARY} 1`, `${CANARY} 2`, PASSPHRASE)).plaintext).toEqual(secret);
    expect(asked).toEqual([1, 2, 3].map((attempt) => ({ path: key.path, attempt })));
    asked = [];
    const error = await failureOf(receiveAtHome(message, `${CANARY} 1`, `${CANARY} 2`, `${CANARY} 3`));
    expect(error.code).toBe("WRONG_PASSPHRASE");
    expect(asked).toHaveLength(3);
  });

  test("is not asked for again where none was given", async () => {
    const key = await makeOwn({ type: "ed25519", passphrase: PASSPHRASE });
    const error = await failureOf(receiveAtHome(await sealTo(key), ""));
    expect(error.code).toBe("PASSPHRASE_REQUIRED");
    expect(asked).toEqual([{ path: key.path, attempt: 1 }]);
  });

  test("ends the run at once where asking for it throws, and that is what is thrown", async () => {
    const one = await makeOwn({ type: "ed25519", passphrase: PASSPHRASE });
    const two = await makeOwn({ type: "rsa", bits: 2048, passphrase: PASSPHRASE });
    const message = await sealTo(one, two);
    const interrupted = new Error("interrupted");
    const giveUp = receive(message, {
      home,
      passphrase: async (request) => {
        asked.push(request);
        throw interrupted;
      },
    });
    await expect(giveUp).rejects.toBe(interrupted);
    expect(asked).toEqual([{ path: one.path, attempt: 1 }]);
  });

  test("may be wrong for one key and right for the next", async () => {
    const one = await makeOwn({ type: "ed25519", passphrase: `${CANARY} other` });
    const two = await makeOwn({ type: "rsa", bits: 2048, passphrase: PASSPHRASE });
    const { openedWith } = await receive(await sealTo(one, two), {
      home,
      // As with a passphrase that was given in a file: there is nothing to be asked again.
      passphrase: async ({ attempt }) => {
        if (attempt > 1) throw new KeyError("WRONG_PASSPHRASE", "the passphrase that was given is wrong");
        return Buffer.from(PASSPHRASE);
      },
    });
    expect(openedWith.path).toBe(two.path);
  });

  test("of a PEM file is asked for by the .pub file beside it only where the message is for that key", async () => {
    const pem = await makeOwn({ type: "rsa", bits: 2048, format: "PEM", passphrase: PASSPHRASE });
    const error = await failureOf(receiveAtHome(await sealTo(stray)));
    expect(error.code).toBe("NO_IDENTITY_MATCHED");
    expect(error.hint).toContain(`${pem.path} (${pem.fingerprint})`);
    expect(asked).toEqual([]);
    const { openedWith } = await receiveAtHome(await sealTo(pem), PASSPHRASE);
    expect(openedWith).toMatchObject({ path: pem.path, fingerprint: pem.fingerprint });
    expect(asked).toEqual([{ path: pem.path, attempt: 1 }]);
  });

  test("of a PEM file without a .pub file is asked for with any message to an SSH key", async () => {
    const pem = await makeOwn({ type: "rsa", bits: 2048, format: "PEM", passphrase: PASSPHRASE });
    rmSync(`${pem.path}.pub`);
    const { openedWith } = await receiveAtHome(await sealTo(pem), PASSPHRASE);
    expect(openedWith.fingerprint).toBe(pem.fingerprint);
    asked = [];
    const error = await failureOf(receiveAtHome(await sealTo(stray), PASSPHRASE));
    expect(error.code).toBe("NO_IDENTITY_MATCHED");
    expect(error.hint).toContain(`tried ${pem.path}`);
    expect(asked).toEqual([{ path: pem.path, attempt: 1 }]);
  });
});
