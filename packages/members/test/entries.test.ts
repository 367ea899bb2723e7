import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { KeyError, readSignature } from "@git-vault/keys";
import { makeSshKey, startFidoAgent, temporaryFolder } from "@git-vault/testkit";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  encodeDraft,
  finishEntry,
  MAX_ENTRY_BYTES,
  MembersError,
  parseEntry,
  readLog,
  readMemberKey,
  type Action,
  type EntryDraft,
} from "../src/index.ts";
import { peerVerifies, signWithPeer, sshKeygen } from "./peer.ts";
import { commitmentNamed, keyNamed } from "./story.ts";

const AGE = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
const TAGGED = "age1tag1qwe0kafsjrar4txm6heqnhpfuggzr0gvznz7fvygxrlq90u5mq2pysxtw6h";
const PLUGIN = "age1test1pzry9x8qysjnnw";
const OPENPGP = `openpgp ${"0123456789".repeat(4)}`;
const ID = "ab".repeat(32);

/** An entry of each kind, as drafts. */
const drafts = (author: string): EntryDraft[] => {
  const key = keyNamed("new");
  const generations = [{ keyName: "default", commitment: commitmentNamed("a"), audience: commitmentNamed("b") }];
  const copies = [
    { commitment: commitmentNamed("a"), digest: ID, recipient: null },
    { commitment: commitmentNamed("a"), digest: ID, recipient: "0123456789".repeat(4) },
    { commitment: commitmentNamed("a"), digest: ID, recipient: PLUGIN },
  ];
  const actions: Action[] = [
    {
      kind: "add",
      account: "github.com/583231",
      keys: [key, readMemberKey(AGE), readMemberKey(PLUGIN), readMemberKey(OPENPGP)],
      role: "admin",
      opens: ["prod", "default"],
      label: "github:alice",
      readmits: [ID],
    },
    { kind: "add", account: null, keys: [readMemberKey(AGE)], role: "reader", opens: [], label: null, readmits: [] },
    { kind: "give", member: ID, keys: [key], role: "admin", opens: ["prod"], label: "größer", readmits: [] },
    { kind: "take", member: ID, keys: [key.id, AGE], role: "admin", opens: ["default"], generations },
    { kind: "remove", members: ["github.com/1", key.id, AGE, "0123456789".repeat(4)], generations },
    { kind: "generation", generations, copies },
    { kind: "give", member: ID, keys: [], role: null, opens: [], label: "github:bob", readmits: [], copies },
    { kind: "note", text: "the key was handed to the auditors" },
  ];
  return actions.map((action) => ({
    root: ID,
    parents: ["cd".repeat(32), ID],
    author,
    time: "2026-11-25T02:45:17Z",
    action,
  }));
};

const starting = (line: string): EntryDraft => {
  const key = readMemberKey(line);
  const action: Action = {
    kind: "start",
    nonce: "12".repeat(16),
    account: null,
    keys: [key],
    opens: ["default"],
    label: "me",
    generations: [],
  };
  return { root: null, parents: [], author: key.id, time: "2026-11-25T02:45:17Z", action };
};

const signed = (draft: EntryDraft, signature = "A".repeat(70)): Buffer =>
  Buffer.concat([
    encodeDraft(draft),
    Buffer.from(`-----BEGIN SSH SIGNATURE-----\n${signature}\n-----END SSH SIGNATURE-----\n`),
  ]);

const codeOf = (action: () => unknown): string => {
  try {
    action();
    return "nothing";
  } catch (error) {
    return error instanceof MembersError ? error.code : String(error);
  }
};

describe("an entry", () => {
  test.for(drafts(keyNamed("author").id).map((draft) => [draft.action.kind, draft] as const))(
    "that is a %s is read as it was written, and written as it was read",
    ([, draft]) => {
      const bytes = signed(draft);
      const entry = parseEntry(bytes);
      expect(encodeDraft(entry).equals(encodeDraft(draft))).toBe(true);
      expect(bytes.toString()).toBe(`${encodeDraft(entry).toString()}${entry.signature}`);
      expect(entry.id).toMatch(/^[0-9a-f]{64}$/);
    },
  );

  test("names the copies that its author sealed, each once; a note names none", () => {
    const draft = drafts(keyNamed("author").id).find(({ action }) => action.kind === "generation");
    if (draft?.action.kind !== "generation") throw new Error("expected a generation");
    const [copy, other, plugins] = draft.action.copies ?? [];
    if (copy === undefined || other === undefined) throw new Error("expected three copies");
    const { action } = parseEntry(signed(draft));
    expect(action).toMatchObject({ copies: [copy, other, plugins] });
    const lines = encodeDraft(draft).toString().split("\n").slice(-4, -1);
    const ids = ["", ` ${other.recipient}`, ` ${PLUGIN}`];
    expect(lines).toEqual(ids.map((id) => `copy: ${copy.commitment} ${ID}${id}`));
    for (const copies of [
      [copy, copy],
      [{ ...copy, digest: "ab" }],
      [{ ...copy, recipient: "abc" }],
      [{ ...copy, recipient: AGE }],
    ]) {
      expect(codeOf(() => encodeDraft({ ...draft, action: { ...draft.action, copies } as Action }))).toBe(
        "MALFORMED_ENTRY",
      );
    }
    const note = signed({ ...draft, action: { kind: "note", text: "x" } }).toString();
    expect(codeOf(() => parseEntry(Buffer.from(note.replace("text: x", `${lines[0]}\ntext: x`))))).toBe(
      "MALFORMED_ENTRY",
    );
  });

  test("has one encoding: no changed byte, line or order is another spelling of it", () => {
    const all = drafts(keyNamed("author").id);
    fc.assert(
      fc.property(fc.constantFrom(...all), fc.nat(), fc.integer({ min: 0, max: 255 }), (draft, at, byte) => {
        const bytes = signed(draft);
        const changed = Buffer.from(bytes);
        changed[at % bytes.length] = byte;
        if (changed.equals(bytes)) return;
        let entry;
        try {
          entry = parseEntry(changed);
        } catch (error) {
          if (error instanceof MembersError) return;
          throw error;
        }
        expect(`${encodeDraft(entry).toString()}${entry.signature}`).toBe(changed.toString());
        // What was changed is the signature, or it is another entry.
        const isSame = encodeDraft(entry).equals(encodeDraft(draft));
        expect(entry.id === parseEntry(bytes).id).toBe(isSame);
        expect(entry.signature === parseEntry(bytes).signature).toBe(!isSame);
      }),
      { numRuns: 2000 },
    );
    for (const draft of all) {
      const lines = encodeDraft(draft).toString().split("\n").slice(0, -1);
      const tail = signed(draft).subarray(encodeDraft(draft).length);
      const readAs = (some: string[]): string =>
        codeOf(() => parseEntry(Buffer.concat([Buffer.from(`${some.join("\n")}\n`), tail])));
      expect(readAs(lines)).toBe("nothing");
      for (const [at, line] of lines.entries()) {
        expect(readAs(lines.toSpliced(at, 0, line))).not.toBe("nothing");
        const isText = line.startsWith("label: ") || line.startsWith("text: ");
        expect(readAs(lines.with(at, `${line} `)) === "nothing").toBe(isText);
        expect(readAs(lines.with(at, `${line}\r`))).not.toBe("nothing");
      }
      for (const at of lines.keys()) {
        const swapped = lines.toSpliced(at, 2, ...lines.slice(at, at + 2).toReversed());
        expect(readAs(swapped) === "nothing").toBe(at === lines.length - 1);
      }
    }
  });

  test.for([
    ["no signature", (text: string) => text.slice(0, text.indexOf("-----BEGIN"))],
    ["something after it", (text: string) => `${text}\n`],
    ["another version", (text: string) => text.replace("v1", "v2")],
    ["CRLF", (text: string) => text.replaceAll("\n", "\r\n")],
    ["a byte order mark", (text: string) => `\uFEFF${text}`],
    ["an unknown action", (text: string) => text.replace("action: note", "action: notice")],
    ["a field of another action", (text: string) => text.replace("action: note\n", "action: note\nopens: prod\n")],
    ["an unknown field", (text: string) => text.replace("action: note\n", "action: note\ncolour: red\n")],
    ["a day that is none", (text: string) => text.replace("11-25", "02-30")],
    ["a text with a control character", (text: string) => text.replace("handed", "han\u001bded")],
    ["a text that is too long", (text: string) => text.replace("handed", "x".repeat(1001))],
    ["an id in capitals", (text: string) => text.replace("abab", "ABAB")],
    ["too many bytes", (text: string) => `${text}${"x".repeat(MAX_ENTRY_BYTES)}`],
    ["nothing", () => ""],
  ] as const)("with %s is refused", ([, change]) => {
    const note = drafts(keyNamed("author").id).at(-1);
    if (note === undefined) throw new Error("no note");
    expect(codeOf(() => parseEntry(signed(note)))).toBe("nothing");
    expect(codeOf(() => parseEntry(Buffer.from(change(signed(note).toString()))))).toBe("MALFORMED_ENTRY");
  });

  test("that is not UTF-8 is refused", () => {
    const bytes = signed(starting(keyNamed("author").text));
    bytes[bytes.indexOf("label: me") + 7] = 0xff;
    expect(codeOf(() => parseEntry(bytes))).toBe("MALFORMED_ENTRY");
  });

  test("may have a label that looks like a signature, and names that are of Object's prototype", () => {
    const draft = starting(keyNamed("author").text);
    if (draft.action.kind !== "start") throw new Error("not a start");
    const action = { ...draft.action, label: "-----BEGIN SSH SIGNATURE-----", opens: ["__proto__", "constructor"] };
    expect(parseEntry(signed({ ...draft, action })).action).toEqual({ ...action, opens: ["__proto__", "constructor"] });
  });

  const someAdd = drafts(keyNamed("author").id)[0];
  const someTake = drafts(keyNamed("author").id)[3];
  test.for([
    ["no root", { ...someAdd, root: null }],
    ["no parents", { ...someAdd, parents: [] }],
    ["the same parent twice", { ...someAdd, parents: [ID, ID] }],
    [
      "too many parents",
      { ...someAdd, parents: Array.from({ length: 1001 }, (_, at) => at.toString(16).padStart(64, "0")) },
    ],
    ["an author who cannot sign", { ...someAdd, author: AGE }],
    ["a time with a fraction", { ...someAdd, time: "2026-11-25T02:45:17.5Z" }],
    ["an admin who cannot sign", { ...someAdd, action: { ...someAdd?.action, keys: [readMemberKey(AGE)] } }],
    ["a key twice", { ...someAdd, action: { ...someAdd?.action, keys: [keyNamed("new"), keyNamed("new")] } }],
    ["a login for an account", { ...someAdd, action: { ...someAdd?.action, account: "github.com/alice" } }],
    ["a server in capitals", { ...someAdd, action: { ...someAdd?.action, account: "GitHub.com/1" } }],
    ["a number that begins with zero", { ...someAdd, action: { ...someAdd?.action, account: "github.com/01" } }],
    ["an empty label", { ...someAdd, action: { ...someAdd?.action, label: "" } }],
    ["a label of two lines", { ...someAdd, action: { ...someAdd?.action, label: "a\nrole: admin" } }],
    ["half a character", { ...someAdd, action: { ...someAdd?.action, label: "a\uD800" } }],
    ["a label of 201 bytes", { ...someAdd, action: { ...someAdd?.action, label: "ä".repeat(100) + "x" } }],
    ["a key name with a slash", { ...someAdd, action: { ...someAdd?.action, opens: ["a/b"] } }],
    ["nothing that is taken", { ...someTake, action: { ...someTake?.action, keys: [], role: null, opens: [] } }],
    [
      "two generations of a name",
      {
        ...someTake,
        action: {
          ...someTake?.action,
          generations: ["a", "b"].map((name) => ({
            keyName: "default",
            commitment: commitmentNamed(name),
            audience: ID,
          })),
        },
      },
    ],
    [
      "a commitment that is cut short",
      {
        ...someTake,
        action: { ...someTake?.action, generations: [{ keyName: "default", commitment: "ab", audience: ID }] },
      },
    ],
    ["a member by name", { ...someTake, action: { ...someTake?.action, member: "github:alice" } }],
    ["nobody to remove", { ...someAdd, action: { kind: "remove", members: [], generations: [] } }],
    [
      "nothing to give",
      { ...someAdd, action: { kind: "give", member: ID, keys: [], role: null, opens: [], label: null, readmits: [] } },
    ],
    ["a first entry by somebody else", { ...starting(keyNamed("me").text), author: keyNamed("author").id }],
  ] as const)("with %s cannot be written", ([, draft]) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as a caller without types could
    expect(codeOf(() => encodeDraft(draft as EntryDraft))).toBe("MALFORMED_ENTRY");
  });
});

describe("a key", () => {
  test("is of the kind that its prefix says", () => {
    const texts = [AGE, TAGGED, `age1pq1${"q".repeat(60)}`, `age1tagpq1${"q".repeat(60)}`, PLUGIN];
    expect(texts.map((text) => readMemberKey(text).type)).toEqual([
      "age-x25519",
      "age-tag",
      "age-hybrid",
      "age-tagpq",
      "age-plugin-test",
    ]);
    expect(codeOf(() => readMemberKey(TAGGED.slice(0, -1)))).toBe("MALFORMED_KEY");
  });

  test.for([AGE, TAGGED, OPENPGP, keyNamed("a").text])("is read in its one form: %s", (text) => {
    expect(readMemberKey(text).text).toBe(text);
    for (const other of [` ${text}`, `${text} `, `${text} comment`, text.slice(0, -1), `${text}=`, `${text}A`]) {
      expect(codeOf(() => readMemberKey(other))).toBe("MALFORMED_KEY");
    }
  });

  test.for([
    ["of DSA", "ssh-dss AAAAB3NzaC1kc3M="],
    ["in capitals", AGE.toUpperCase()],
    ["of OpenPGP that is cut short", "openpgp abcd"],
    ["that is too long", "age1pq1".padEnd(5000, "q")],
    ["that is empty", ""],
  ] as const)("%s is refused", ([, text]) => {
    expect(codeOf(() => readMemberKey(text))).toBe("MALFORMED_KEY");
  });
});

describe.skipIf(sshKeygen.missing)(`signatures of ${sshKeygen.label}`, () => {
  test.for([
    ["ed25519", undefined],
    ["rsa", 2048],
    ["ecdsa", 256],
    ["ecdsa", 384],
    ["ecdsa", 521],
  ] as const)("of a key of %s (%s) count", async ([type, bits]) => {
    using folder = temporaryFolder();
    const key = await makeSshKey({ folder: folder.path, type, ...(bits === undefined ? {} : { bits }) });
    const draft = starting(key.publicKey.split(" ").slice(0, 2).join(" "));
    const signature = await signWithPeer(folder.path, key.privateKeyPath, encodeDraft(draft));
    await expectWholeEntry(folder.path, draft, signature, key.publicKey);
  });

  test.for(["ed25519", "ecdsa"] as const)("of a FIDO key of %s count where it was touched", async (kind) => {
    using folder = temporaryFolder();
    await using agent = await startFidoAgent(folder.path, kind);
    const draft = starting(agent.publicKey);
    const publicKeyPath = join(folder.path, "fido.pub");
    writeFileSync(publicKeyPath, `${agent.publicKey}\n`);
    const sign = (): Promise<string> =>
      signWithPeer(folder.path, publicKeyPath, encodeDraft(draft), { SSH_AUTH_SOCK: agent.path });
    await expectWholeEntry(folder.path, draft, await sign(), agent.publicKey);
    agent.isTouched = false;
    const untouched = readSignature(await sign());
    expect(codeOf(() => finishEntry(draft, untouched))).toBe("FOREIGN_SIGNATURE");
  });

  /** What our side makes of the signature, ssh-keygen accepts, and the other way round. */
  async function expectWholeEntry(
    folder: string,
    draft: EntryDraft,
    signature: string,
    publicKey: string,
  ): Promise<void> {
    const bytes = finishEntry(draft, readSignature(signature));
    expect(bytes.toString()).toBe(encodeDraft(draft).toString() + signature);
    const { id } = parseEntry(bytes);
    expect(await readLog([{ name: id, bytes }])).toMatchObject({ signed: new Set([id]), forged: new Set(), bad: [] });
    expect(await peerVerifies(folder, publicKey, encodeDraft(draft), parseEntry(bytes).signature)).toBe(true);
  }

  test("of another key, over another entry or for another purpose make no entry", async () => {
    using folder = temporaryFolder();
    const [mine, theirs] = await Promise.all([
      makeSshKey({ folder: folder.path, type: "ed25519", name: "mine" }),
      makeSshKey({ folder: folder.path, type: "ed25519", name: "theirs" }),
    ]);
    const draft = starting(mine.publicKey.trim());
    const foreign = await signWithPeer(folder.path, theirs.privateKeyPath, encodeDraft(draft));
    const other = await signWithPeer(
      folder.path,
      mine.privateKeyPath,
      encodeDraft({ ...draft, time: "2026-11-25T02:45:18Z" }),
    );
    const purpose = await signWithPeer(folder.path, mine.privateKeyPath, encodeDraft(draft), {}, "git");
    for (const signature of [foreign, other, purpose]) {
      expect(codeOf(() => finishEntry(draft, readSignature(signature)))).toBe("FOREIGN_SIGNATURE");
      const bytes = Buffer.concat([encodeDraft(draft), Buffer.from(signature)]);
      const { id } = parseEntry(bytes);
      expect(await readLog([{ name: id, bytes }])).toMatchObject({ signed: new Set(), forged: new Set([id]) });
    }
    expect(() => readSignature("nothing")).toThrow(KeyError);
  });
});
