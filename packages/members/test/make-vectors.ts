import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { createHash } from "node:crypto";
import { readSignature } from "@git-vault/keys";
import { makeSshKey, startFidoAgent, temporaryFolder } from "@git-vault/testkit";
import {
  audienceOf,
  commitmentOf,
  encodeDraft,
  finishEntry,
  fold,
  parseEntry,
  readLog,
  readMemberKey,
  type Action,
  type EntryDraft,
  type FoldOptions,
  type MemberKey,
} from "../src/index.ts";
import { signWithPeer } from "./peer.ts";
import { plainMembership, type Vector } from "./vector.ts";

/*
 * Writes the vectors: `node packages/members/test/make-vectors.ts` on Node 22.18 or newer, after a
 * build. The keys are new each time, so that all files change. Look at what is expected before you
 * commit.
 */

interface Signer {
  readonly key: MemberKey;
  sign(draft: EntryDraft): Promise<Buffer>;
}

const folder = temporaryFolder();
const vectors = join(dirname(fileURLToPath(import.meta.url)), "vectors");

async function signer(name: string, type: "ed25519" | "rsa" | "ecdsa" = "ed25519", bits?: number): Promise<Signer> {
  const pair = await makeSshKey({
    folder: folder.path,
    name,
    type,
    fresh: true,
    ...(bits === undefined ? {} : { bits }),
  });
  return signerOf(pair.publicKey, pair.privateKeyPath);
}

function signerOf(line: string, path: string, env: Record<string, string> = {}): Signer {
  return {
    key: readMemberKey(line.split(" ").slice(0, 2).join(" ")),
    sign: async (draft) =>
      finishEntry(draft, readSignature(await signWithPeer(folder.path, path, encodeDraft(draft), env))),
  };
}

async function fido(kind: "ed25519" | "ecdsa"): Promise<Signer> {
  const own = temporaryFolder();
  const agent = await startFidoAgent(own.path, kind);
  const path = join(own.path, "fido.pub");
  writeFileSync(path, `${agent.publicKey}\n`);
  return signerOf(agent.publicKey, path, { SSH_AUTH_SOCK: agent.path });
}

/** Entries that are written one after the other. */
class Writer {
  readonly files: { name: string; bytes: Buffer }[] = [];
  #root: string | null = null;
  #seconds = 0;

  async write(by: Signer, action: Action, parents?: readonly string[]): Promise<string> {
    const heads = parents ?? fold(await readLog(this.files)).heads;
    this.#seconds += 1;
    const time = `2026-11-25T09:00:${String(this.#seconds).padStart(2, "0")}Z`;
    const root = action.kind === "start" ? null : this.#root;
    const bytes = await by.sign({ root, parents: heads, author: by.key.id, time, action });
    const { id } = parseEntry(bytes);
    this.#root ??= id;
    this.files.push({ name: id, bytes });
    return id;
  }

  async start(by: Signer, opens = ["default"]): Promise<string> {
    const generations = opens.map((keyName) => ({
      keyName,
      commitment: commitmentOf(keyName, Buffer.from(`${keyName} 0`)),
      audience: audienceOf([{ keys: [by.key], opens }], keyName),
    }));
    const nonce = createHash("sha256").update(by.key.id).digest("hex").slice(0, 32);
    return this.write(
      by,
      { kind: "start", nonce, account: "github.com/1", keys: [by.key], opens, label: "alice", generations },
      [],
    );
  }

  add(
    by: Signer,
    label: string,
    account: string | null,
    keys: readonly MemberKey[],
    more: { role?: "admin" | "reader"; readmits?: string[] } = {},
    parents?: readonly string[],
  ): Promise<string> {
    const { role = "admin", readmits = [] } = more;
    return this.write(by, { kind: "add", account, keys, role, opens: ["default"], label, readmits }, parents);
  }

  /**
   * A new key for anyone who is a member after these entries and, where there is one, a removal.
   */
  async #generation(
    count: string,
    within: readonly string[],
    gone: readonly string[] = [],
  ): Promise<{ keyName: string; commitment: string; audience: string }> {
    const { members } = fold(await readLog(this.files.filter(({ name }) => within.includes(name))));
    const left = members.filter(
      ({ accounts, keys }) => ![...accounts, ...keys.map(({ id }) => id)].some((one) => gone.includes(one)),
    );
    return {
      keyName: "default",
      commitment: commitmentOf("default", Buffer.from(`default ${count}`)),
      audience: audienceOf(left, "default"),
    };
  }

  async remove(
    by: Signer,
    members: readonly string[],
    within: readonly string[],
    parents: readonly string[],
  ): Promise<string> {
    return this.write(
      by,
      { kind: "remove", members, generations: [await this.#generation(`r${this.files.length}`, within, members)] },
      parents,
    );
  }

  async rotate(by: Signer, within: readonly string[], parents: readonly string[]): Promise<string> {
    return this.write(
      by,
      { kind: "generation", generations: [await this.#generation(`g${this.files.length}`, within)] },
      parents,
    );
  }

  get ids(): string[] {
    return this.files.map(({ name }) => name);
  }
}

async function save(
  name: string,
  description: string,
  writer: Pick<Writer, "files">,
  cases: Readonly<Record<string, FoldOptions>>,
): Promise<void> {
  const log = await readLog(writer.files);
  const vector: Vector = {
    description,
    entries: writer.files.map(({ bytes }) => bytes.toString()),
    cases: Object.entries(cases).map(([title, options]) => ({
      title,
      options,
      expected: plainMembership(fold(log, options)),
    })),
  };
  writeFileSync(join(vectors, `${name}.json`), `${JSON.stringify(vector, null, 2)}\n`);
}

const [alice, bob, carol, mallory] = await Promise.all(
  ["alice", "bob", "carol", "mallory"].map((name) => signer(name)),
);
if (alice === undefined || bob === undefined || carol === undefined || mallory === undefined)
  throw new Error("no keys");

/** Alice, Bob and Mallory, in this order. */
async function team(): Promise<Writer> {
  const writer = new Writer();
  await writer.start(alice as Signer);
  await writer.add(alice as Signer, "bob", "github.com/2", [(bob as Signer).key]);
  await writer.add(bob as Signer, "mallory", "github.com/3", [(mallory as Signer).key]);
  return writer;
}
const mallorys = ["github.com/3", mallory.key.id];

{
  const writer = await team();
  await writer.remove(alice, mallorys, writer.ids, writer.ids.slice(-1));
  await writer.add(mallory, "sock", "github.com/4", [carol.key], {}, writer.ids.slice(-1));
  await save("removal", "A member is removed, and tries to add somebody afterwards.", writer, { "no history": {} });
}
{
  const writer = await team();
  const before = writer.ids;
  const tip = before.slice(-1);
  const added = await writer.add(mallory, "sock", "github.com/4", [carol.key], {}, tip);
  const removal = await writer.remove(alice, mallorys, before, tip);
  await save("removal-wins", "A member adds somebody and is removed, neither knowing of the other.", writer, {
    "no history": {},
    "the removal first": { history: [before, [removal], [added]] },
    "the removal last": { history: [before, [added], [removal]] },
  });
}
{
  const writer = await team();
  const before = writer.ids;
  const tip = before.slice(-1);
  const removal = await writer.remove(alice, mallorys, before, tip);
  const counter = await writer.remove(mallory, ["github.com/1", alice.key.id], before, tip);
  await writer.rotate(bob, [...before, removal], [removal]);
  await save("mutual-removal", "Two remove each other; a third one goes on with what one of them left.", writer, {
    "no history: the more senior one stays": {},
    "the removal first": { history: [before, [removal], [counter]] },
    "the counter-removal first": { history: [before, [counter], [removal]] },
    "a clone that saw the removal, and a history that was turned around": {
      remembered: [[...before, removal]],
      history: [before, [counter], [removal]],
    },
  });
}
{
  const writer = await team();
  const before = writer.ids;
  const tip = before.slice(-1);
  const removal = await writer.remove(bob, mallorys, before, tip);
  const link = await writer.add(mallory, "mallory", null, [alice.key, mallory.key], {}, tip);
  const counter = await writer.remove(mallory, ["github.com/2", bob.key.id], [...before, link], [link]);
  await save(
    "linked-keys",
    "Anyone who is removed says that the founder's key is theirs, and removes the remover.",
    writer,
    {
      "all at once: the more senior key's stays": { history: [[...before, removal, link, counter]] },
      "the counter-removal first": { history: [before, [link, counter], [removal]] },
    },
  );
}
{
  const writer = await team();
  const before = writer.ids;
  const tip = before.slice(-1);
  const ofMallory = tip[0] ?? "";
  const fields = { role: null, opens: [], label: null, readmits: [] };
  await writer.write(mallory, { kind: "give", member: before[0] ?? "", keys: [mallory.key], ...fields }, tip);
  // Carol is let in meanwhile, of which Mallory says that she knows nothing.
  const carols = await writer.add(alice, "carol", "github.com/4", [carol.key], {}, tip);
  const backDated = await writer.write(mallory, { kind: "give", member: ofMallory, keys: [carol.key], ...fields }, tip);
  // Who was removed comes back with another member's record.
  const removal = await writer.remove(alice, ["github.com/2", bob.key.id], [...before, carols], [carols]);
  const readmitted = { ...fields, readmits: [removal] };
  await writer.write(alice, { kind: "give", member: carols, keys: [bob.key], ...readmitted }, [removal]);
  await save("links", "A member says that the keys of others are theirs, and the other way round.", writer, {
    "in this order": { history: writer.ids.map((id) => [id]) },
    "the key was claimed before its owner was let in": {
      history: [before, [backDated], ...writer.ids.map((id) => [id])],
    },
  });
}
{
  const writer = new Writer();
  const start = await writer.start(alice);
  const added = await writer.add(alice, "bob", null, [bob.key]);
  const given = await writer.write(alice, {
    kind: "give",
    member: added,
    keys: [carol.key],
    role: null,
    opens: [],
    label: "bob, new laptop",
    readmits: [],
  });
  const taken = await writer.write(carol, {
    kind: "take",
    member: added,
    keys: [bob.key.id],
    role: null,
    opens: [],
    generations: [],
  });
  await writer.write(bob, { kind: "note", text: "an old laptop speaks" }, [taken]);
  await writer.write(carol, { kind: "note", text: "a new laptop speaks" }, [taken]);
  await writer.rotate(carol, [start, added, given, taken], [taken]);
  await save("laptop", "A member without an account changes laptops, and the key is replaced.", writer, {
    "no history": {},
    "an entry that is remembered is gone": { remembered: [["ab".repeat(32)]] },
  });
}
{
  const writer = await team();
  const removal = await writer.remove(alice, mallorys, writer.ids, writer.ids.slice(-1));
  await writer.add(bob, "mal", "github.com/3", [mallory.key], {}, [removal]);
  const back = await writer.add(
    bob,
    "mallory",
    "github.com/3",
    [mallory.key],
    { role: "reader", readmits: [removal] },
    [removal],
  );
  await writer.rotate(mallory, writer.ids, [back]);
  await save("readmission", "A removed member comes back: first without saying so, then as a reader.", writer, {
    "no history": {},
  });
}
{
  const writer = await team();
  const before = writer.ids;
  const tip = before.slice(-1);
  const one = await writer.rotate(alice, before, tip);
  const other = await writer.rotate(bob, before, tip);
  await save("two-heads", "Two rotate at once.", writer, {
    "no history": {},
    "bob first": { history: [before, [other], [one]] },
  });
  await writer.rotate(alice, [...before, one, other], [one, other].toSorted());
  await save("two-heads-merged", "Two rotate at once, and a generation on both ends it.", writer, { "no history": {} });
}
{
  const writer = await team();
  await writer.remove(alice, mallorys, writer.ids, writer.ids.slice(-1));
  const cut = { files: writer.files.toSpliced(1, 1) };
  await save("cut", "An entry in the middle is not there.", cut, {
    "no history": {},
    remembered: { remembered: [writer.ids] },
  });
}
{
  const writer = await team();
  const other = new Writer();
  await other.start(mallory);
  await other.add(mallory, "bob", "github.com/2", [bob.key]);
  const both = { files: [...writer.files, ...other.files] };
  await save("two-roots", "Somebody else starts a log as well.", both, {
    "no history": {},
    "the first one came first": { history: [writer.ids, other.ids] },
    "the root is known": { root: writer.ids[0] ?? "" },
    "another root is known": { root: "ab".repeat(32) },
  });
}
{
  const signers = [
    ["rsa", await signer("rsa", "rsa", 3072)],
    ["nistp256", await signer("p256", "ecdsa", 256)],
    ["nistp384", await signer("p384", "ecdsa", 384)],
    ["nistp521", await signer("p521", "ecdsa", 521)],
    ["fido ed25519", await fido("ed25519")],
    ["fido nistp256", await fido("ecdsa")],
  ] as const;
  const writer = new Writer();
  await writer.start(alice);
  const age = readMemberKey("age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p");
  const openPgp = readMemberKey("openpgp 0123456789ABCDEF0123456789ABCDEF01234567");
  let by: Signer = alice;
  for (const [label, next] of signers) {
    await writer.add(by, label, null, [next.key, ...(label === "rsa" ? [age, openPgp] : [])]);
    by = next;
  }
  await writer.write(by, { kind: "note", text: "größere Dinge, 世界" });
  await save("kinds-of-keys", "Each member, with a key of another kind, adds the next one.", writer, {
    "no history": {},
  });
}
{
  // An entry that Bob did not sign, one whose text was changed, and one with two signatures.
  const writer = new Writer();
  const twins = await signer("twins", "ecdsa", 256);
  await writer.start(twins);
  await writer.add(twins, "bob", "github.com/2", [bob.key]);
  const [start, added] = writer.files;
  const again = await twins.sign(parseEntry(start?.bytes ?? Buffer.alloc(0)));
  const text = added?.bytes.toString() ?? "";
  const changed = text.replace("label: bob", "label: rob");
  const entry = parseEntry(added?.bytes ?? Buffer.alloc(0));
  const byBob = encodeDraft({ ...entry, author: bob.key.id }).toString() + entry.signature;
  const files = [...writer.files.map(({ bytes }) => bytes), again, Buffer.from(changed), Buffer.from(byBob)];
  await save(
    "signatures",
    "Two signatures over one entry, one over another text, and one by another key.",
    { files: files.map((bytes) => ({ name: parseEntry(bytes).id, bytes })) },
    { "no history": {} },
  );
}
{
  const writer = new Writer();
  await writer.start(alice);
  await writer.add(alice, "bob", "github.com/2", [bob.key, carol.key]);
  const text = writer.files[1]?.bytes.toString() ?? "";
  const keys = text.match(/^key: .*\n/gm) ?? [];
  const texts = {
    "another version": text.replace("entry v1", "entry v2"),
    "CRLF line ends": text.replaceAll("\n", "\r\n"),
    "a line end less": text.slice(0, -1),
    "a line more": `${text}\n`,
    "no signature": text.slice(0, text.indexOf("-----BEGIN")),
    "a signature in longer lines": text.replace(/(?<=[A-Za-z0-9+/]{70})\n(?=[A-Za-z0-9+/=])/, ""),
    "fields in another order": text.replace(/^(role: .*\n)(opens: .*\n)/m, "$2$1"),
    "keys in another order": text.replace(keys.join(""), keys.toReversed().join("")),
    "a key twice": text.replace(keys[0] ?? "", (keys[0] ?? "").repeat(2)),
    "a key with a comment": text.replace(keys[0] ?? "", `${(keys[0] ?? "").trim()} me\n`),
    "an unknown field": text.replace("label:", "colour: red\nlabel:"),
    "a field of another action": text.replace("label:", "text: hello\nlabel:"),
    "an unknown action": text.replace("action: add", "action: grant"),
    "a login for an account": text.replace("github.com/2", "github.com/bob"),
    "a server in capitals": text.replace("github.com/2", "GitHub.com/2"),
    "a number with a zero before it": text.replace("github.com/2", "github.com/02"),
    "a day that is none": text.replace("2026-11-25", "2026-11-31"),
    "no parent": text.replace(/^parent: .*\n/m, ""),
    "an id in capitals": text.replace(/^parent: .*$/m, (line) => line.toUpperCase().replace("PARENT", "parent")),
    "a control character in the label": text.replace("label: bob", "label: b\u0007ob"),
    "a label of 201 bytes": text.replace("label: bob", `label: ${"b".repeat(201)}`),
    "a third role": text.replace("role: admin", "role: owner"),
    "an admin without a key that signs": text.replace(
      keys.join(""),
      "key: openpgp 0123456789ABCDEF0123456789ABCDEF01234567\n",
    ),
    "a name of a key with a slash": text.replace("opens: default", "opens: a/b"),
  };
  const refused = Object.entries(texts).map(([title, its]) => ({ title, text: its }));
  const description = "Texts that are no entries. The first one is the entry that they were made from.";
  writeFileSync(join(vectors, "refused.json"), `${JSON.stringify({ description, entry: text, refused }, null, 2)}\n`);
}
folder.remove();
process.exit(0);
