import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { AGENT_LIST_REQUEST, readSignature, verifySignature } from "@git-vault/keys";
import { makeSshKey, peer, run, startSshAgent, temporaryFolder, type SshKeyOptions } from "@git-vault/testkit";
import { describe, expect, test } from "vitest";
import { findSigner, type FindSignerOptions, type Signer } from "../src/index.ts";
import { SshAgent } from "../src/identities/ssh-agent.ts";
import { CANARY, failureOf } from "./hands.ts";

const sshKeygen = peer("ssh-keygen");
const namespace = "git-vault";
const message = Buffer.from("what is signed\n");

const noPassphrase = (): never => {
  throw new Error("no passphrase was to be asked for");
};

/** A home with `.ssh`, and the options to find a signer in it. */
const makeHome = (): { path: string; folder: string; options: FindSignerOptions; [Symbol.dispose]: () => void } => {
  const home = temporaryFolder();
  const folder = join(home.path, ".ssh");
  mkdirSync(folder);
  const options = { home: home.path, env: {}, passphrase: noPassphrase };
  return { path: home.path, folder, options, [Symbol.dispose]: () => home.remove() };
};

/** Signs, and has it verified by us and by ssh-keygen, which knows the public key as alice's. */
const expectToSign = async (signer: Signer, folder: string, publicKey: string): Promise<void> => {
  const signature = await signer.sign(namespace, message);
  expect(signer.publicKey.blob.toString("base64")).toBe(publicKey.split(" ")[1]);
  verifySignature(readSignature(signature), { namespace, message });
  writeFileSync(join(folder, "allowed"), `alice ${publicKey}\n`);
  writeFileSync(join(folder, "signature"), signature);
  const args = ["-Y", "verify", "-f", join(folder, "allowed"), "-I", "alice", "-n", namespace];
  const verified = await run(sshKeygen.path, [...args, "-s", join(folder, "signature")], { input: message });
  expect(verified.stdout.toString()).toContain('Good "git-vault" signature for alice');
};

describe.skipIf(sshKeygen.missing)(`a signer, by ${sshKeygen.label}`, () => {
  test.for([
    { type: "ed25519" },
    { type: "rsa", bits: 2048 },
    { type: "ecdsa", bits: 256 },
    { type: "ecdsa", bits: 384 },
    { type: "ecdsa", bits: 521 },
  ] as const satisfies Omit<SshKeyOptions, "folder">[])("signs by the agent with a key %j", async (kind) => {
    using home = makeHome();
    const key = await makeSshKey({ ...kind, folder: home.folder, comment: "in the agent" });
    await using agent = await startSshAgent(home.path);
    await agent.add(key.privateKeyPath);
    rmSync(key.privateKeyPath);
    const env = { SSH_AUTH_SOCK: agent.path };
    expect(await new SshAgent(agent.path).keys()).toMatchObject([{ comment: "in the agent" }]);
    // By itself, by its .pub file, and as git's user.signingkey may have it.
    for (const name of [undefined, key.publicKeyPath, key.privateKeyPath, key.publicKey, `key::${key.publicKey}`]) {
      await expectToSign(await findSigner({ ...home.options, env, key: name }), home.path, key.publicKey);
    }
  });

  test("uses the agent for a key file that it holds, and else asks for the passphrase, once for many signatures", async () => {
    using home = makeHome();
    const passphrase = CANARY;
    const key = await makeSshKey({ type: "ed25519", folder: home.folder, passphrase });
    const attempts: number[] = [];
    const asking: FindSignerOptions = {
      ...home.options,
      passphrase: async ({ path, attempt }) => {
        expect(path).toBe(key.privateKeyPath);
        attempts.push(attempt);
        return Buffer.from(attempt === 2 ? passphrase : "wrong");
      },
    };
    const signer = await findSigner({ ...asking, key: key.privateKeyPath });
    expect(attempts).toEqual([]);
    await expectToSign(signer, home.path, key.publicKey);
    await expectToSign(signer, home.path, key.publicKey);
    expect(attempts).toEqual([1, 2]);
    signer.lock();
    await signer.sign(namespace, message);
    expect(attempts).toEqual([1, 2, 1, 2]);
    signer.lock();
    await expectToSign(await findSigner(asking), home.path, key.publicKey);

    const always = await findSigner({ ...asking, passphrase: async () => Buffer.from("wrong") });
    expect(await failureOf(always.sign(namespace, message))).toMatchObject({ code: "WRONG_PASSPHRASE" });

    const plain = await makeSshKey({ type: "rsa", bits: 2048, folder: home.path });
    await using agent = await startSshAgent(home.path);
    await agent.add(plain.privateKeyPath);
    const withAgent = { ...home.options, env: { SSH_AUTH_SOCK: agent.path } };
    await expectToSign(await findSigner({ ...withAgent, key: plain.privateKeyPath }), home.path, plain.publicKey);
  });

  test("signs with an encrypted PEM key that only unlocking tells the public half of", async () => {
    using home = makeHome();
    const key = await makeSshKey({
      type: "rsa",
      bits: 2048,
      format: "PEM",
      passphrase: "passphrase",
      folder: home.path,
    });
    rmSync(key.publicKeyPath);
    let asked = 0;
    const passphrase = async (): Promise<Buffer> => {
      asked += 1;
      return Buffer.from("passphrase");
    };
    const signer = await findSigner({ ...home.options, key: key.privateKeyPath, passphrase });
    await expectToSign(signer, home.path, key.publicKey);
    expect(asked).toBe(1);
  });

  test("chooses among the keys that are allowed, those of the agent first", async () => {
    using home = makeHome();
    const [first, second, third] = await Promise.all(
      ["first", "second", "id_ed25519"].map((name) => makeSshKey({ type: "ed25519", name, folder: home.folder })),
    );
    if (first === undefined || second === undefined || third === undefined) throw new Error("expected three keys");
    await using agent = await startSshAgent(home.path);
    await agent.add(first.privateKeyPath);
    await agent.add(second.privateKeyPath);
    const options = { ...home.options, env: { SSH_AUTH_SOCK: agent.path } };
    const fingerprints = (await new SshAgent(agent.path).keys()).map(({ fingerprint }) => fingerprint);
    await expectToSign(await findSigner(options), home.path, first.publicKey);
    await expectToSign(await findSigner({ ...options, among: fingerprints.slice(1) }), home.path, second.publicKey);
    const { fingerprint } = (await findSigner(home.options)).publicKey;
    await expectToSign(await findSigner({ ...options, among: [fingerprint] }), home.path, third.publicKey);
    expect(await failureOf(findSigner({ ...options, among: [] }))).toMatchObject({
      code: "NO_SIGNING_KEY",
      message: "there is no key to sign with that is among those of the signer, neither in an SSH agent nor in ~/.ssh",
    });
  });

  test("says what is wrong with a key that was named", async () => {
    using home = makeHome();
    const ecdsa = await makeSshKey({ type: "ecdsa", folder: home.path });
    const lone = await makeSshKey({ type: "ed25519", folder: home.path });
    renameSync(lone.privateKeyPath, join(home.path, "elsewhere"));
    writeFileSync(join(home.path, "text"), `${CANARY}\n`);
    const failure = (key: string): ReturnType<typeof failureOf> => failureOf(findSigner({ ...home.options, key }));
    expect(await failure(ecdsa.privateKeyPath)).toMatchObject({
      code: "UNSUPPORTED_KEY",
      hint: "an SSH agent can sign with it: add it with `ssh-add`",
    });
    for (const name of [lone.privateKeyPath, lone.publicKeyPath, lone.publicKey]) {
      expect(await failure(name)).toMatchObject({
        code: "NO_SIGNING_KEY",
        message: expect.stringMatching(/its private half is neither beside it nor in an SSH agent$/),
      });
    }
    expect(await failure(join(home.path, "none"))).toMatchObject({ code: "KEY_FILE_UNREADABLE" });
    expect(await failure(home.path)).toMatchObject({ code: "KEY_FILE_UNREADABLE" });
    expect(await failure(join(home.path, "text"))).toMatchObject({ code: "MALFORMED_KEY" });
    expect(await failureOf(findSigner(home.options))).toMatchObject({ code: "NO_SIGNING_KEY" });
  });
});

/** A socket where an agent would be, with which one does what one likes. */
const fakeAgent = async (
  folder: string,
  serve: (socket: Socket, request: Buffer) => unknown,
): Promise<AsyncDisposable & { path: string }> => {
  const path = join(folder, "socket");
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (request) => serve(socket, request));
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

const answerOf = (...parts: readonly (number | string)[]): Buffer => {
  const body = Buffer.concat(
    parts.map((part) => (typeof part === "number" ? Buffer.of(part) : Buffer.from(part, "hex"))),
  );
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
};

describe("an agent", () => {
  test.for([
    ["refuses", answerOf(5), "BAD_AGENT_ANSWER", "the SSH agent refused to list its keys"],
    ["says something else", answerOf(14, "00000000"), "BAD_AGENT_ANSWER", "expected a message of number 12, got 14"],
    ["says nothing", answerOf(), "BAD_AGENT_ANSWER", "it ends too early"],
    ["announces more keys than come", answerOf(12, "ffffffff"), "BAD_AGENT_ANSWER", "it ends too early"],
    ["announces a huge key", answerOf(12, "00000001ffffffff"), "BAD_AGENT_ANSWER", "it ends too early"],
    ["adds something", answerOf(12, "0000000000"), "BAD_AGENT_ANSWER", "1 bytes are left over"],
    ["announces a huge answer", Buffer.from("ffffffff0c", "hex"), "AGENT_FAILED", "over 262144 bytes"],
    [
      "goes on talking",
      Buffer.concat([answerOf(12, "00000000"), Buffer.of(1)]),
      "AGENT_FAILED",
      "more than it was asked",
    ],
    ["sends garbage", Buffer.from("HTTP/1.1 200 OK\r\n\r\n"), "AGENT_FAILED", "over 262144 bytes"],
  ] as const)("that %s is told from one that works", async ([, answer, code, problem]) => {
    using folder = temporaryFolder();
    await using fake = await fakeAgent(folder.path, (socket) => socket.end(answer));
    const error = await failureOf(new SshAgent(fake.path).keys());
    expect(error).toMatchObject({ code, message: expect.stringContaining(problem) });
  });

  test("that has keys of other kinds is listed without them, and piece by piece", async () => {
    using folder = temporaryFolder();
    const answer = answerOf(
      12,
      "00000002",
      "00000007",
      Buffer.from("ssh-dss").toString("hex"),
      "00000000",
      "00000000",
      "00000000",
    );
    await using fake = await fakeAgent(folder.path, (socket, request) => {
      expect(request).toEqual(Buffer.concat([Buffer.of(0, 0, 0, 1), AGENT_LIST_REQUEST]));
      for (const byte of answer) socket.write(Buffer.of(byte));
    });
    expect(await new SshAgent(fake.path).keys()).toEqual([]);
  });

  test("that hangs, hangs up or is not there is given up", async () => {
    using folder = temporaryFolder();
    expect(await failureOf(new SshAgent(join(folder.path, "none")).keys())).toMatchObject({
      code: "AGENT_FAILED",
      message: "the SSH agent cannot be used: ENOENT",
    });
    {
      await using fake = await fakeAgent(folder.path, () => {});
      const error = await failureOf(new SshAgent(fake.path, 50).keys());
      expect(error.message).toBe("the SSH agent cannot be used: it did not answer within 50 ms");
    }
    {
      await using fake = await fakeAgent(folder.path, (socket) => socket.destroy());
      const error = await failureOf(new SshAgent(fake.path).keys());
      expect(error.message).toBe("the SSH agent cannot be used: it closed the connection without an answer");
      // Where a private key is there, it is not missed; else it is told of.
      using home = makeHome();
      const options = { ...home.options, env: { SSH_AUTH_SOCK: fake.path } };
      expect((await failureOf(findSigner(options))).hint).toContain("closed the connection");
      const key = await makeSshKey({ type: "ed25519", folder: home.folder });
      await expectToSign(await findSigner(options), home.path, key.publicKey);
    }
    expect(SshAgent.find({})).toBeNull();
  });

  test("that signs something else, or with another key, is caught", async () => {
    using home = makeHome();
    const key = await makeSshKey({ type: "ed25519", folder: home.path });
    const other = await makeSshKey({ type: "ed25519", name: "other", folder: home.path });
    await using agent = await startSshAgent(home.path);
    await agent.add(key.privateKeyPath);
    await agent.add(other.privateKeyPath);
    const real = new SshAgent(agent.path);
    const [, otherKey] = await real.keys();
    if (otherKey === undefined) throw new Error("expected two keys");
    const answers = [
      async (request: Buffer): Promise<Buffer> => real.sign(otherKey, request.subarray(-100, -4)),
      async (): Promise<Buffer> => Buffer.from("0000000b7373682d65643235353139", "hex"),
      async (): Promise<Buffer> => Buffer.alloc(0),
    ];
    let forge = answers[0];
    await using fake = await fakeAgent(home.path, async (socket, request) => {
      if (request[4] === 11) {
        const [first] = await real.keys();
        const blob = first?.blob.toString("hex") ?? "";
        socket.end(answerOf(12, "00000001", "00000033", blob, "00000000"));
      } else {
        const signature = (await forge?.(request)) ?? Buffer.alloc(0);
        const length = Buffer.alloc(4);
        length.writeUInt32BE(signature.length);
        socket.end(answerOf(14, length.toString("hex"), signature.toString("hex")));
      }
    });
    const signer = await findSigner({ ...home.options, env: { SSH_AUTH_SOCK: fake.path } });
    for (forge of answers) {
      expect(await failureOf(signer.sign(namespace, message))).toMatchObject({
        code: "BAD_AGENT_ANSWER",
        message: "the SSH agent gave a signature that does not fit",
      });
    }
  });
});
