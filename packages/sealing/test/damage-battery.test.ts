import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { KeyError, readOpenPgpKeys, readOpenPgpPrivateKeys, readPrivateKey } from "@git-vault/keys";
import { peer, run, startGnuPg, temporaryFolder, type GnuPg, type TemporaryFolder } from "@git-vault/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  messagesIn,
  open,
  OpenPgpIdentity,
  OpenPgpRecipient,
  seal,
  SealingError,
  type Identity,
} from "../src/index.ts";
import { DAMAGES } from "./damages.ts";
import { makeTestKey } from "./keys.ts";

/*
 * Each kind of damage, to a message of each format: whether it is opened here, and by the format's
 * own program. The table is kept beside this file, so that a change of either shows.
 */
const peers = [peer("age"), peer("ssh-vault"), peer("gpg")];
const secret = randomBytes(300).toString("base64");

/** A key whose text changes with its plus signs and slashes: one in ten lacks one of them. */
async function makeKeyWithAllLetters(): ReturnType<typeof makeTestKey> {
  for (;;) {
    const key = await makeTestKey({ type: "ed25519", folder: folder.path });
    const text = readFileSync(key.privateKeyPath, "latin1");
    if (text.includes("+") && text.includes("/")) return key;
  }
}

/** A message of one format, and how it is opened. */
interface Form {
  readonly text: string;
  readonly identity: Identity;
  readonly peer: (message: Buffer) => Promise<boolean>;
}

let folder: TemporaryFolder;
let gnupg: GnuPg;
/** A private key, as ssh-keygen wrote it, and its public half. */
let privateKey: string;
let fingerprint: string;
let publicLine: string;
const forms: Form[] = [];

beforeAll(async () => {
  folder = temporaryFolder();
  gnupg = startGnuPg();
  const { recipient, identity, privateKeyPath, publicKey, line } = await makeKeyWithAllLetters();
  privateKey = readFileSync(privateKeyPath, "latin1");
  fingerprint = publicKey.fingerprint;
  publicLine = line.split(" ").slice(0, 2).join(" ");
  const sealed = (format: "age" | "ssh-vault"): Promise<Buffer> => seal(Buffer.from(secret), [recipient], { format });
  const opens = async (command: string, args: readonly string[], input: Buffer, env = process.env): Promise<boolean> =>
    (await run(command, args, { input, env, timeout: 60_000 })).stdout.toString().trim() === secret;
  const primary = await gnupg.generate({ userId: "Bob <bob@example.org>" });
  const [entry] = await readOpenPgpKeys(await gnupg.exportPublic(primary));
  const [file] = await readOpenPgpPrivateKeys(await gnupg.exportSecret(primary));
  if (!entry?.key || file === undefined) throw new Error("expected a key");
  const openpgp = await seal(Buffer.from(secret), [new OpenPgpRecipient(entry.key)], { format: "openpgp" });
  const [age, sshVault, gpg] = peers.map(({ path }) => path);
  forms.push(
    {
      text: (await sealed("age")).toString(),
      identity: identity(),
      peer: (input) => opens(age ?? "", ["-d", "-i", privateKeyPath], input),
    },
    {
      text: `${(await sealed("ssh-vault")).toString()}\n`,
      identity: identity(),
      peer: (input) => opens(sshVault ?? "", ["view", "-k", privateKeyPath], input),
    },
    {
      text: openpgp.toString().replaceAll("\r\n", "\n"),
      identity: new OpenPgpIdentity(file),
      peer: (input) => opens(gpg ?? "", ["--batch", "--quiet", "--decrypt"], input, gnupg.env),
    },
  );
});
afterAll(async () => {
  await gnupg.end();
  folder.remove();
});

/** The same of a private key. */
async function keyOutcome(made: string | Buffer): Promise<string> {
  try {
    const { publicKey } = await readPrivateKey(Buffer.from(made)).unlock();
    return publicKey.fingerprint === fingerprint ? "opens" : "wrong";
  } catch (error) {
    if (!(error instanceof KeyError)) throw error;
    return error.code;
  }
}

async function readByPeer(made: string | Buffer): Promise<string> {
  const path = join(folder.path, "damaged");
  writeFileSync(path, made, { mode: 0o600 });
  const { status, stdout } = await run("ssh-keygen", ["-y", "-P", "", "-f", path]);
  return status === 0 && stdout.toString().startsWith(publicLine) ? "opens" : "-";
}

/** `opens`, or the code of the error that is told. */
async function outcome(message: Buffer, { identity }: Form): Promise<string> {
  let failure: unknown = null;
  for (const candidate of messagesIn(message)) {
    try {
      const { plaintext } = await open(candidate, [identity]);
      return plaintext.toString() === secret ? "opens" : "wrong";
    } catch (error) {
      if (!(error instanceof SealingError)) throw error;
      failure = failure instanceof SealingError && failure.code !== "MALFORMED_MESSAGE" ? failure : error;
    }
  }
  return failure instanceof SealingError ? failure.code : "UNKNOWN_FORMAT";
}

describe.skipIf(peers.some(({ missing }) => missing))(
  `kinds of damage, and ${peers.map(({ label }) => label).join(", ")}`,
  () => {
    test("are undone, or told by cause; and the other programs' column is measured", async () => {
      const rows: string[] = [];
      const keys: string[] = [];
      const wrong: string[] = [];
      const count = { whole: 0, opened: 0, keys: 0 };
      for (const { name, loses = false, damage } of DAMAGES) {
        const cells: string[] = [];
        const key = damage(privateKey);
        const read = await keyOutcome(key);
        keys.push([name, loses ? "loses" : "whole", read, await readByPeer(key)].join("\t"));
        if (!loses && read === "opens") count.keys += 1;
        for (const form of forms) {
          const made = damage(form.text);
          const message = typeof made === "string" ? Buffer.from(made) : made;
          const here = await outcome(message, form);
          if (!loses) count.whole += 1;
          if (!loses && here === "opens") count.opened += 1;
          if (here === "wrong") wrong.push(name);
          // Which fault is found first in what is lost depends on the bytes that it was.
          cells.push(loses && here !== "opens" ? "refused" : here, (await form.peer(message)) ? "opens" : "-");
        }
        rows.push([name, loses ? "loses" : "whole", ...cells].join("\t"));
      }
      expect(wrong).toEqual([]);
      expect(new Set(DAMAGES.map(({ name }) => name)).size).toBe(DAMAGES.length);
      expect(count.whole / forms.length).toBeGreaterThanOrEqual(150);
      const head = ["damage", "base64", "age: vault", "age", "ssh-vault: vault", "ssh-vault", "OpenPGP: vault", "gpg"];
      await expect(`${[head.join("\t"), ...rows].join("\n")}\n`).toMatchFileSnapshot("vectors/damage-table.tsv");
      const keyHead = ["damage", "base64", "private key: vault", "ssh-keygen"];
      await expect(`${[keyHead.join("\t"), ...keys].join("\n")}\n`).toMatchFileSnapshot("vectors/damaged-keys.tsv");
      for (const [index] of forms.entries()) {
        const opened = rows.filter(
          (row) => row.split("\t")[1] === "whole" && row.split("\t")[2 + 2 * index] === "opens",
        );
        expect(opened.length / (count.whole / forms.length)).toBeGreaterThanOrEqual(0.95);
      }
      expect(count.keys / (count.whole / forms.length)).toBeGreaterThanOrEqual(0.85);
    });
  },
);
