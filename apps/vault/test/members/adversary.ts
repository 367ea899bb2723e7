import { hash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeKeyFile, encryptBlob, generateKeyFile, keyId, parseKeyFile, type KeyFile } from "@git-vault/git-crypt";
import { parsePublicKey, readSignature } from "@git-vault/keys";
import {
  audienceOf,
  encodeDraft,
  finishEntry,
  fold,
  MEMBERS_NAMESPACE,
  memberWith,
  readLog,
  readMemberKey,
  withDraft,
  type Action,
  type EntryDraft,
  type MemberKey,
  type Membership,
  type SealedCopy,
} from "@git-vault/members";
import { seal, SshRecipient } from "@git-vault/sealing";
import { makeSshKey, runOk } from "@git-vault/testkit";
import type { World } from "./world.ts";

/*
 * What somebody can write into a clone of theirs by hand: entries that they sign with a key of
 * theirs, whatever these say; sealed copies; and blobs under keys of their own.
 */

const LOG = ".git-vault/members";

/** Somebody's public key, as entries hold it. */
export const keyOf = (world: World, name: string, file = "id_ed25519"): MemberKey =>
  readMemberKey(
    readFileSync(join(world.home(name), ".ssh", `${file}.pub`), "utf8")
      .split(" ")
      .slice(0, 2)
      .join(" "),
  );

/** Makes somebody another key pair, beside the first. */
export async function newKey(world: World, name: string, file: string): Promise<MemberKey> {
  await makeSshKey({ folder: join(world.home(name), ".ssh"), name: file, type: "ed25519" });
  return keyOf(world, name, file);
}

/** What somebody's clone says of the log, as its files are now. */
export async function membershipIn(
  world: World,
  name: string,
): Promise<Membership & { readonly ids: readonly string[] }> {
  const folder = join(world.clone(name), LOG);
  const names = existsSync(folder) ? readdirSync(folder).filter((one) => /^[0-9a-f]{64}$/.test(one)) : [];
  const files = names.map((one) => ({ name: one, bytes: readFileSync(join(folder, one)) }));
  return { ...fold(await readLog(files)), ids: names };
}

/** The record of somebody, by which entries name them. */
export async function recordOf(world: World, clone: string, name: string): Promise<string> {
  const member = memberWith(await membershipIn(world, clone), keyOf(world, name).id);
  if (member === null) throw new Error(`${name} is no member`);
  return member.records[0];
}

/** How an entry is written. */
export interface EntryOptions {
  /** The key of the author's that signs; `id_ed25519` where it is left out. */
  readonly key?: string;
  /** What it builds on; what lies in the clone where it is left out. */
  readonly parents?: readonly string[];
  readonly root?: string | null;
  readonly time?: string;
}

/**
 * Writes an entry into a clone, whatever it says.
 *
 * @param by who signs it
 * @returns its id
 */
export async function writeEntry(
  world: World,
  clone: string,
  by: string,
  action: Action,
  { key = "id_ed25519", parents, root, time = "2026-11-29T00:00:00Z" }: EntryOptions = {},
): Promise<string> {
  const before = await membershipIn(world, clone);
  const isStart = action.kind === "start";
  const draft: EntryDraft = {
    root: root === undefined ? (isStart ? null : before.root) : root,
    parents: parents ?? (isStart ? [] : before.heads),
    author: keyOf(world, by, key).id,
    time,
    action,
  };
  const bytes = finishEntry(draft, readSignature(await sign(world, by, key, encodeDraft(draft))));
  const { id } = withDraft(await readLog([]), draft);
  world.write(clone, `${LOG}/${id}`, bytes);
  return id;
}

async function sign(world: World, by: string, key: string, message: Uint8Array): Promise<string> {
  const folder = mkdtempSync(join(world.folder, "sign-"));
  writeFileSync(join(folder, "message"), message);
  const privateKey = join(world.home(by), ".ssh", key);
  await runOk("ssh-keygen", ["-q", "-Y", "sign", "-f", privateKey, "-n", MEMBERS_NAMESPACE, join(folder, "message")]);
  return readFileSync(join(folder, "message.sig"), "utf8");
}

/** An entry that adds somebody. */
export const adding = (keys: readonly MemberKey[], more: Partial<Extract<Action, { kind: "add" }>> = {}): Action => ({
  kind: "add",
  account: null,
  keys,
  role: "admin",
  opens: ["default"],
  label: "file:friend",
  readmits: [],
  ...more,
});

/** An entry that removes somebody, with a new key where one is named. */
export const removing = (
  members: readonly string[],
  generations: Extract<Action, { kind: "remove" }>["generations"] = [],
): Action => ({
  kind: "remove",
  members,
  generations,
});

/** An entry that starts a log. */
export const starting = (
  keys: readonly MemberKey[],
  key: KeyFile | null,
  more: Partial<Extract<Action, { kind: "start" }>> = {},
): Action => ({
  kind: "start",
  nonce: randomBytes(16).toString("hex"),
  account: null,
  keys,
  opens: ["default"],
  label: "github:alice",
  generations:
    key === null
      ? []
      : [
          {
            keyName: key.name ?? "default",
            commitment: keyId(key),
            audience: audienceOf([{ opens: ["default"], keys }], "default"),
          },
        ],
  ...more,
});

/** A key that nobody knows yet. */
export const strangeKey = (name = "default"): KeyFile => generateKeyFile(name);

/** The key that lies in somebody's clone. */
export const keyIn = (world: World, name: string, keyName = "default"): KeyFile =>
  parseKeyFile(readFileSync(join(world.clone(name), ".git/git-crypt/keys", keyName)));

/**
 * Writes a sealed copy of a key into a clone: among those of `generation`, whatever it holds.
 *
 * @returns its path, and what an entry would say of it
 */
export async function writeCopy(
  world: World,
  clone: string,
  key: KeyFile,
  to: readonly MemberKey[],
  generation: string = keyId(key),
): Promise<SealedCopy & { readonly path: string }> {
  const recipients = to.map(({ text }) => new SshRecipient(parsePublicKey(text), { allowWeak: true }));
  const message = await seal(encodeKeyFile(key), recipients);
  const digest = hash("sha256", message, "hex");
  const path = `.git-vault/sealed/${key.name ?? "default"}/${generation}/${digest}.age`;
  world.write(clone, path, message);
  return { path, commitment: generation, digest, recipient: null };
}

/** Commits a blob that is encrypted with a key of one's own, past the filter. */
export async function commitBlob(world: World, clone: string, path: string, key: KeyFile, text: string): Promise<void> {
  const env = world.environment(clone);
  const cwd = world.clone(clone);
  const oid = await runOk("git", ["hash-object", "-w", "--no-filters", "--stdin"], {
    cwd,
    env,
    input: encryptBlob(key, Buffer.from(text)),
  });
  await runOk("git", ["update-index", "--add", "--cacheinfo", `100644,${oid.toString().trim()},${path}`], { cwd, env });
  mkdirSync(join(cwd, path, ".."), { recursive: true });
  await runOk("git", ["commit", "-q", "-m", "blob"], { cwd, env });
}
