import { hash } from "node:crypto";
import { push } from "@git-vault/core";
import { MembersError } from "../errors.ts";
import type { Action, Entry, EntryDraft, NamedCommitment, SealedCopy } from "./entry.ts";
import {
  isAccount,
  isKeyId,
  isOpenPgpId,
  isPluginId,
  isSshKeyId,
  checkedKey,
  readMemberKey,
  type MemberKey,
} from "./identifiers.ts";

/*
 * The bytes of an entry. Reading takes the lines apart and writes them again: only what comes out
 * as the same bytes is an entry, so that each has one encoding.
 */

/** The most bytes that an entry may have. */
export const MAX_ENTRY_BYTES: number = 256 * 1024;
/** The most values that a field may have. */
const MAX_VALUES = 1000;
const MAX_LABEL_BYTES = 200;
const MAX_TEXT_BYTES = 1000;

const FIRST_LINE = "git-vault entry v1";
const BEGIN = "-----BEGIN SSH SIGNATURE-----\n";
const SIGNATURE =
  /^-----BEGIN SSH SIGNATURE-----\n(?:[A-Za-z0-9+/]{70}\n)*[A-Za-z0-9+/=]{1,70}\n-----END SSH SIGNATURE-----\n$/;
const ID = /^[0-9a-f]{64}$/;
const NONCE = /^[0-9a-f]{32}$/;
const KEY_NAME = /^[A-Za-z0-9_-]{1,128}$/;
const INSTANT = /^\d{4}-\d\d-(\d\d)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/;
/**
 * Control characters, and halves of characters, which UTF-8 cannot hold. Made where it is needed:
 * V8 takes a while to look it up.
 */
const unfit = (): RegExp => /[\p{Cc}\p{Cs}]/u;

const malformed = (problem: string): MembersError => new MembersError("MALFORMED_ENTRY", `malformed entry: ${problem}`);

/** Whether a text has the form of an entry's id. */
export const isEntryId = (text: string): boolean => ID.test(text);

/** A day that a month does not have is read as one of the next month. */
const isInstant = (text: string): boolean =>
  new Date(Date.parse(text)).getUTCDate() === Number(INSTANT.exec(text)?.[1] ?? Number.NaN);

const isText = (text: string, bytes: number): boolean =>
  text !== "" && !unfit().test(text) && Buffer.byteLength(text) <= bytes;

const isGeneration = (text: string): boolean => {
  const [keyName = "", ...digests] = text.split(" ");
  return KEY_NAME.test(keyName) && digests.length === 2 && digests.every((digest) => ID.test(digest));
};

const isCopy = (text: string): boolean => {
  const [commitment = "", digest = "", recipient, ...rest] = text.split(" ");
  const isForOne = recipient === undefined || isOpenPgpId(recipient) || isPluginId(recipient);
  return [commitment, digest].every((one) => ID.test(one)) && isForOne && rest.length === 0;
};

/** The fields in the order of their lines, and what each of their values must be. */
const FIELDS = {
  root: (value: string) => value === "start" || ID.test(value),
  parent: (value: string) => ID.test(value),
  author: isSshKeyId,
  time: isInstant,
  action: (value: string) => value !== "",
  nonce: (value: string) => NONCE.test(value),
  /** The entry that added a member. */
  subject: (value: string) => ID.test(value),
  /** Who is removed. */
  member: (value: string) => isAccount(value) || isKeyId(value),
  account: isAccount,
  /** Texts of keys were read by readMemberKey when they get here. */
  key: (value: string) => value !== "",
  "key-id": isKeyId,
  role: (value: string) => value === "admin" || value === "reader",
  opens: (value: string) => KEY_NAME.test(value),
  label: (value: string) => isText(value, MAX_LABEL_BYTES),
  readmits: (value: string) => ID.test(value),
  generation: isGeneration,
  copy: isCopy,
  text: (value: string) => isText(value, MAX_TEXT_BYTES),
};

type Field = keyof typeof FIELDS;
type Values = Partial<Record<Field, readonly string[]>>;
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the keys of an object that is written above
const FIELD_NAMES = Object.keys(FIELDS) as Field[];

const optional = (value: string | null): string[] => (value === null ? [] : [value]);
const keyLines = (keys: readonly MemberKey[]): string[] => keys.map((key) => checkedKey(key).text);
const linesOf = (generations: readonly NamedCommitment[]): string[] =>
  generations.map(({ keyName, commitment, audience }) => `${keyName} ${commitment} ${audience}`);

const linesOfCopies = (copies: readonly SealedCopy[]): string[] =>
  copies.map(({ commitment, digest, recipient }) => [commitment, digest, ...optional(recipient)].join(" "));

const demand = (isThere: boolean, problem: string): void => {
  if (!isThere) throw malformed(problem);
};

/** The values of an action's fields; throws MembersError where something is missing. */
function valuesOf(action: Action, author: string): Values {
  switch (action.kind) {
    case "start": {
      const { nonce, account, keys, opens, label, generations } = action;
      demand(
        keys.some(({ id }) => id === author),
        "its author's key is not among those of the first member",
      );
      return {
        nonce: [nonce],
        account: optional(account),
        key: keyLines(keys),
        opens,
        label: optional(label),
        generation: linesOf(generations),
      };
    }
    case "add": {
      const { account, keys, role, opens, label, readmits } = action;
      demand(keys.length > 0, "expected a key of the new member");
      demand(role === "reader" || keys.some(({ signs }) => signs), "an admin needs an SSH key, to sign with");
      return { account: optional(account), key: keyLines(keys), role: [role], opens, label: optional(label), readmits };
    }
    case "give": {
      const { member, keys, role, opens, label, readmits } = action;
      demand(keys.length > 0 || role !== null || opens.length > 0 || label !== null, "it gives nothing");
      return { subject: [member], key: keyLines(keys), role: optional(role), opens, label: optional(label), readmits };
    }
    case "take": {
      const { member, keys, role, opens, generations } = action;
      demand(keys.length > 0 || role !== null || opens.length > 0, "it takes nothing");
      return { subject: [member], "key-id": keys, role: optional(role), opens, generation: linesOf(generations) };
    }
    case "remove": {
      demand(action.members.length > 0, "it removes nobody");
      return { member: action.members, generation: linesOf(action.generations) };
    }
    case "generation": {
      demand(action.generations.length > 0, "it names no key");
      return { generation: linesOf(action.generations) };
    }
    case "note":
      break;
  }
  return { text: [action.text] };
}

function encodeField(field: Field, values: readonly string[]): string {
  const [first, second] = values;
  if (first === undefined) return "";
  if (second === undefined) return encodeSorted(field, values);
  if (values.length > MAX_VALUES)
    throw malformed(`expected at most ${MAX_VALUES} times ${field}, got ${values.length}`);
  const sorted = values.toSorted();
  // A name may have one generation, whatever its commitment.
  const distinct = new Set(field === "generation" ? sorted.map((value) => value.split(" ", 1)[0]) : sorted);
  if (distinct.size < sorted.length) throw malformed(`it has a ${field} twice`);
  return encodeSorted(field, sorted);
}

function encodeSorted(field: Field, values: readonly string[]): string {
  let lines = "";
  for (const value of values) {
    if (!FIELDS[field](value)) throw malformed(`its ${field} is not written as it must be`);
    lines += `${field}: ${value}\n`;
  }
  return lines;
}

/**
 * The bytes of an entry that are signed: all that stands before its signature.
 *
 * @throws MembersError `MALFORMED_ENTRY`, `MALFORMED_KEY`
 */
export const encodeDraft = (draft: EntryDraft): Buffer => Buffer.from(textOf(draft));

function textOf({ root, parents, author, time, action }: EntryDraft): string {
  const isFirst = action.kind === "start";
  if (isFirst !== (root === null)) throw malformed("the first entry, and no other, has no root");
  if (isFirst !== (parents.length === 0)) throw malformed("the first entry, and no other, has no parents");
  const values: Values = {
    root: [root ?? "start"],
    parent: parents,
    author: [author],
    time: [time],
    action: [action.kind],
    ...valuesOf(action, author),
    copy: action.kind === "note" ? [] : linesOfCopies(action.copies ?? []),
  };
  let text = `${FIRST_LINE}\n`;
  for (const field of FIELD_NAMES) text += encodeField(field, values[field] ?? []);
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_ENTRY_BYTES / 2) throw malformed(`${bytes} bytes are too many`);
  return text;
}

/** The id of the entry whose signed bytes these are. */
export const entryId = (signed: Uint8Array): string => hash("sha256", signed, "hex");

/** The values of the lines, by their names. Unknown names are kept: they are not written again. */
function readLines(text: string): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, string[]>();
  for (const line of text.split("\n")) {
    const end = line.indexOf(": ");
    const field = end < 0 ? line : line.slice(0, end);
    push(values, field, line.slice(end + 2));
  }
  return values;
}

/** What fits no line, so that an entry which lacks it is not written as it was read. */
const MISSING = "";

function readAction(values: ReadonlyMap<string, readonly string[]>): Action {
  const all = (field: Field): readonly string[] => values.get(field) ?? [];
  const first = (field: Field): string => all(field)[0] ?? MISSING;
  const maybe = (field: Field): string | null => all(field)[0] ?? null;
  const keys = (): MemberKey[] => all("key").map(readMemberKey);
  const role = maybe("role") === "admin" ? "admin" : null;
  const opens = all("opens");
  const generations = all("generation").map((value) => {
    const [keyName = MISSING, commitment = MISSING, audience = MISSING] = value.split(" ");
    return { keyName, commitment, audience };
  });
  const kind = first("action");
  switch (kind) {
    case "start":
      return {
        kind,
        nonce: first("nonce"),
        account: maybe("account"),
        keys: keys(),
        opens,
        label: maybe("label"),
        generations,
      };
    case "add": {
      const readmits = all("readmits");
      return {
        kind,
        account: maybe("account"),
        keys: keys(),
        role: role ?? "reader",
        opens,
        label: maybe("label"),
        readmits,
      };
    }
    case "give":
      return {
        kind,
        member: first("subject"),
        keys: keys(),
        role,
        opens,
        label: maybe("label"),
        readmits: all("readmits"),
      };
    case "take":
      return { kind, member: first("subject"), keys: all("key-id"), role, opens, generations };
    case "remove":
      return { kind, members: all("member"), generations };
    case "generation":
      return { kind, generations };
    case "note":
      return { kind, text: first("text") };
    default:
      throw malformed("its action is not one of version 1");
  }
}

/** A note has none: what it is read with is not written again. */
function readCopies(lines: readonly string[]): { readonly copies?: readonly SealedCopy[] } {
  if (lines.length === 0) return {};
  return {
    copies: lines.map((line) => {
      const [commitment = MISSING, digest = MISSING, recipient = null] = line.split(" ");
      return { commitment, digest, recipient };
    }),
  };
}

/** An entry with the bytes that its signature is over. */
export interface ParsedEntry {
  readonly entry: Entry;
  readonly signed: Buffer;
}

/** What every entry begins with. */
const START = Buffer.from(`${FIRST_LINE}\n`);

/** Why a file cannot be an entry, by a look at its size and its start; null where it may be one. */
export function problemAtStart(bytes: Uint8Array): string | null {
  if (bytes.length > MAX_ENTRY_BYTES) return `expected at most ${MAX_ENTRY_BYTES} bytes, got ${bytes.length}`;
  const isStart = START.equals(bytes.subarray(0, START.length));
  return isStart ? null : `expected "${FIRST_LINE}" on its first line`;
}

/**
 * The id that an entry of these bytes would have; nothing else of them is looked at. What lies by
 * another name is no entry, and to find bytes for a name is beyond anybody.
 */
export function claimedId(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const end = buffer.lastIndexOf(BEGIN, undefined, "latin1");
  return entryId(end < 0 ? buffer : buffer.subarray(0, end));
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Other bytes would be read as replacement characters, and compared as if these stood there. */
function decode(bytes: Buffer): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    throw malformed("expected UTF-8");
  }
}

/** Reads an entry's file; throws MembersError `MALFORMED_ENTRY`, `MALFORMED_KEY`. */
export function parse(bytes: Uint8Array): ParsedEntry {
  const problem = problemAtStart(bytes);
  if (problem !== null) throw malformed(problem);
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const text = decode(buffer);
  const end = text.lastIndexOf(BEGIN);
  const signature = end < 0 ? "" : text.slice(end);
  if (!SIGNATURE.test(signature)) throw malformed("expected an SSH signature at its end, and nothing after it");
  const values = readLines(text.slice(FIRST_LINE.length + 1, end - 1));
  const root = values.get("root")?.[0] ?? MISSING;
  const draft: EntryDraft = {
    root: root === "start" ? null : root,
    parents: values.get("parent") ?? [],
    author: values.get("author")?.[0] ?? MISSING,
    time: values.get("time")?.[0] ?? MISSING,
    action: { ...readAction(values), ...readCopies(values.get("copy") ?? []) },
  };
  if (text.slice(0, end) !== textOf(draft))
    throw malformed("its fields are not in their one form: a field too many, another order or another spelling");
  // The signature is ASCII.
  const signed = buffer.subarray(0, buffer.length - signature.length);
  return { entry: { ...draft, id: entryId(signed), signature }, signed };
}

/**
 * Reads an entry's file. Whether its signature holds is not looked at: see `readLog`.
 *
 * @throws MembersError `MALFORMED_ENTRY`, `MALFORMED_KEY`
 */
export const parseEntry = (bytes: Uint8Array): Entry => parse(bytes).entry;
