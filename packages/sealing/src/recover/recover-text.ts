import { decodedTexts, decodeText, plainLines } from "@git-vault/keys";
import { wrapLines } from "@git-vault/core";
import { wrapArmor } from "../age/armor.ts";
import { viewOf } from "../buffers.ts";
import { readHeader } from "../open.ts";
import { recoverVaults } from "./vaults.ts";
import { bodiesOf, trimmed, type Region } from "./bodies.ts";

/** Marks of armor as a text may show them: broken at any blank, in any case. */
const GAP = String.raw`[\s>|+]{0,8}`;
const words = (...all: readonly string[]): string => all.join(GAP);
/** What the base64 of every age message begins with: `age-encryption.org/v1` and a line end. */
const AGE_START = "YWdlLWVuY3J5cHRpb24ub3JnL3YxC";
const MARKS = new RegExp(
  [
    `(?<ageBegin>${words("BEGIN", "AGE", "ENCRYPTED", "FILE")})`,
    `(?<ageEnd>${words("END", "AGE", "ENCRYPTED", "FILE")})`,
    `(?<pgpBegin>${words("BEGIN", "PGP", "MESSAGE")})`,
    `(?<pgpEnd>${words("END", "PGP", "MESSAGE")})`,
    `(?<ageStart>${AGE_START})`,
  ].join("|"),
  "gi",
);

type Kind = "age" | "openpgp";
interface Mark {
  readonly kind: Kind;
  /** Whether it begins a message, ends one, or is the first of its content. */
  readonly role: "begin" | "end" | "start";
  readonly from: number;
  readonly to: number;
}

/** Bounds on the work that hostile text can cause. */
const MAX_REGIONS = 256;
const MAX_GUESSES = 8;

/**
 * The messages that a text may hold, in its order and each in its own format's usual lines: what
 * chat and mail programs, terminals, editors and documents do to a text is undone. They are
 * guesses: whether one is right, only `open` can tell. In linear time.
 *
 * A message that is whole, or binary, comes as it is; what is not recognised gives none.
 */
export function* messagesIn(message: Uint8Array): Generator<Buffer, void, undefined> {
  const input = viewOf(message);
  if (isWhole(input)) {
    yield input;
    return;
  }
  const seen = new Set<string>();
  const text = decodeText(input);
  for (const reading of [text, ...decodedTexts(text)]) {
    const lines = plainLines(reading);
    for (const found of [...armored(lines), ...recoverVaults(lines)]) {
      if (seen.has(found)) continue;
      seen.add(found);
      yield Buffer.from(found);
    }
  }
}

/**
 * The first message of a text that can be read, else the first that may be one, else the text as it
 * came: see `messagesIn`. It throws for no bytes, and what it returns may still be tampered with.
 */
export function recoverMessage(message: Uint8Array): Buffer {
  let first: Buffer | null = null;
  for (const found of messagesIn(message)) {
    if (isWhole(found)) return found;
    first ??= found;
  }
  return first ?? viewOf(message);
}

const isWhole = (input: Buffer): boolean => {
  try {
    readHeader(input);
    return true;
  } catch {
    return input.toString("latin1", 0, 22) === "age-encryption.org/v1\n";
  }
};

function* armored(lines: readonly string[]): Generator<string, void, undefined> {
  for (const { kind, region } of regionsOf(lines.join("\n"))) {
    let count = 0;
    for (const body of bodiesOf(region)) {
      count += 1;
      if (count > MAX_GUESSES) break;
      if (kind === "openpgp") yield pgpArmor(body);
      else if (body.startsWith(AGE_START.slice(0, 28))) yield wrapArmor(body);
    }
  }
}

const pgpArmor = (base64: string): string =>
  ["-----BEGIN PGP MESSAGE-----", "", ...wrapLines(base64, 64), "-----END PGP MESSAGE-----", ""].join("\n");

/** What stands between the marks: a begin mark ends at the next mark, whatever that is. */
function* regionsOf(text: string): Generator<{ kind: Kind; region: Region }, void, undefined> {
  const marks = [...marksIn(text)];
  let count = 0;
  for (const [index, { kind, role, from, to }] of marks.entries()) {
    const previous = marks[index - 1];
    if (role === "end") {
      // The begin mark was lost: what stands before the end mark may be all.
      const isBegun = previous?.kind === kind && previous.role !== "end";
      if (isBegun || kind === "age") continue;
      yield { kind, region: { lines: linesBefore(text.slice(previous?.to ?? 0, from)), prefix: "", isEnded: true } };
    } else {
      // The first characters of the content tell a message whose begin mark was lost.
      if (role === "start" && previous?.role === "begin") continue;
      const rest = marks.slice(index + 1, index + 3);
      const next = rest.find((mark) => mark.role !== "start" || role === "start");
      const start = role === "start" ? from : to;
      const content = text.slice(start, next?.from ?? text.length);
      yield { kind, region: regionOf(text, from, content, next?.kind === kind && next.role === "end") };
    }
    count += 1;
    if (count === MAX_REGIONS) return;
  }
}

function regionOf(text: string, mark: number, content: string, isEnded: boolean): Region {
  const before = text.slice(text.lastIndexOf("\n", mark - 1) + 1, mark);
  return { lines: content.split("\n"), prefix: before.slice(-200).replace(/[ -]{1,200}$/, ""), isEnded };
}

/** The lines of base64 at the end of a text. */
function linesBefore(text: string): string[] {
  const lines = text.split("\n").map(trimmed);
  const end = lines.findLastIndex((line) => line.replaceAll("-", "") !== "");
  const start = lines.findLastIndex((line, index) => index <= end && !/^=?[A-Za-z0-9+/]+={0,2}$/.test(line));
  return lines.slice(start + 1, end + 1);
}

function* marksIn(text: string): Generator<Mark, void, undefined> {
  for (const { 0: found, index, groups = {} } of text.matchAll(MARKS)) {
    const isPgp = groups["pgpBegin"] !== undefined || groups["pgpEnd"] !== undefined;
    const isEnd = groups["ageEnd"] !== undefined || groups["pgpEnd"] !== undefined;
    if (groups["ageStart"] !== undefined && found !== AGE_START) continue;
    yield {
      kind: isPgp ? "openpgp" : "age",
      role: groups["ageStart"] !== undefined ? "start" : isEnd ? "end" : "begin",
      from: index,
      to: index + found.length,
    };
  }
}
