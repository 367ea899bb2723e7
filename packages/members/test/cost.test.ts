import { createHook } from "node:async_hooks";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readPrivateKey, signMessage } from "@git-vault/keys";
import { makeSshKey, temporaryFolder } from "@git-vault/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  audienceOf,
  encodeDraft,
  finishEntry,
  fold,
  MEMBERS_NAMESPACE,
  parseEntry,
  readLog,
  readMemberKey,
  type Action,
  type LogFile,
} from "../src/index.ts";
import { commitmentNamed, keyNamed } from "./story.ts";

/*
 * What a log costs, by what is done and not by the clock: how many signatures are verified. Node
 * names each that it verifies beside the main thread.
 */

let verified = 0;
const hook = createHook({ init: (_, type) => void (verified += type === "SIGNREQUEST" ? 1 : 0) });

const folder = temporaryFolder();
const files: LogFile[] = [];
const MEMBERS = 60;

type Write = (root: string | null, parents: readonly string[], action: Action) => Promise<string>;

/** Writes entries that a new key signs. */
async function writerOf(
  name: string,
): Promise<{ readonly write: Write; readonly key: ReturnType<typeof readMemberKey> }> {
  const { publicKey } = await makeSshKey({ folder: folder.path, name, type: "ed25519" });
  const key = readMemberKey(publicKey.split(" ").slice(0, 2).join(" "));
  const mine = await readPrivateKey(readFileSync(join(folder.path, name))).unlock();
  const write: Write = async (root, parents, action) => {
    const draft = { root, parents, author: key.id, time: "2026-11-25T02:45:17Z", action };
    const message = encodeDraft(draft);
    const bytes = finishEntry(draft, await signMessage(mine, { namespace: MEMBERS_NAMESPACE, message }));
    const { id } = parseEntry(bytes);
    files.push({ name: id, bytes });
    return id;
  };
  return { write, key };
}

beforeAll(async () => {
  const alice = await writerOf("alice");
  const me = { account: "github.com/1", keys: [alice.key], opens: ["default"], label: "alice" };
  const generation = {
    keyName: "default",
    commitment: commitmentNamed("default"),
    audience: audienceOf([me], "default"),
  };
  const nonce = randomBytes(16).toString("hex");
  const root = await alice.write(null, [], { kind: "start", nonce, ...me, generations: [generation] });
  for (let number = 1; number < MEMBERS; number += 1) {
    const who = { account: null, keys: [keyNamed(`member ${number}`)], opens: ["default"], label: `member ${number}` };
    await alice.write(root, [root], { kind: "add", role: "reader", ...who, readmits: [] });
  }
  const mallory = await writerOf("mallory");
  for (let number = 0; number < MEMBERS; number += 1) {
    const who = { account: null, keys: [keyNamed(`sock ${number}`)], opens: [], label: "sock" };
    await mallory.write(root, [root], { kind: "add", role: "reader", ...who, readmits: [] });
  }
  for (let number = 0; number < 1000; number += 1) {
    files.push({ name: randomBytes(32).toString("hex"), bytes: randomBytes(300) });
  }
  hook.enable();
});
afterAll(() => {
  hook.disable();
  folder.remove();
});

test("each entry of a member is verified once; what others wrote, and junk, never", async () => {
  verified = 0;
  const log = await readLog(files);
  expect(verified).toBe(MEMBERS);
  expect(fold(log).members).toHaveLength(MEMBERS);
  expect([log.signed.size, log.bad.length]).toEqual([MEMBERS, 1000]);
});

test("what held is not verified again, unless the entry or its signature is another now", async () => {
  const held = new Set<string>();
  expect((await readLog(files, { held })).signed.size).toBe(MEMBERS);
  expect(held.size).toBe(MEMBERS);
  verified = 0;
  expect((await readLog([...files, ...files], { held })).signed.size).toBe(MEMBERS);
  expect((await readLog(files, { root: "0".repeat(64) })).signed.size).toBe(0);
  expect(verified).toBe(0);
  const [one] = files.slice(1);
  const [other] = files.slice(2);
  if (one === undefined || other === undefined) throw new Error("expected entries");
  const [text, signature] = [one, other].map(({ bytes }) =>
    Buffer.from(bytes)
      .toString()
      .split(/^(?=-----BEGIN)/m),
  );
  const swapped = { name: one.name, bytes: Buffer.from(`${text?.[0]}${signature?.[1]}`) };
  const log = await readLog([...files.filter(({ name }) => name !== one.name), swapped], { held });
  expect([verified, [...log.forged].includes(one.name)]).toEqual([1, true]);
  expect(held.size).toBe(MEMBERS);
});
