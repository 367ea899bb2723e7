import { withoutPrefix } from "@git-vault/keys";

/*
 * The base64 between two marks of a text, when neither the lines nor what stands before and after
 * it in them can be relied on. Each way to read it is a guess, the likeliest first; whether one is
 * right, parsing and opening tell.
 */

/** What stood between the marks of one message. */
export interface Region {
  /** What follows the begin mark, up to the end mark, or to the next message. */
  readonly lines: readonly string[];
  /** What stands before the begin mark on its line, and may stand before the others as well. */
  readonly prefix: string;
  /** Whether there was an end mark. */
  readonly isEnded: boolean;
}

const BASE64 = /[A-Za-z0-9+/]+={0,2}/g;
/** A line of armor's headers, and the checksum at its end (RFC 9580 section 6). */
const ARMOR_HEADER = /^(?:Version|Comment|Hash|Charset|MessageID)\b ?: ?.*$/;
const CHECKSUM = /=[A-Za-z0-9+/]{4}$/;

/** A line without what is not base64's at its start and end. In linear time. */
export function trimmed(line: string): string {
  let start = 0;
  let end = line.length;
  while (start < end && !isOfMessage(line.charCodeAt(start))) start += 1;
  while (end > start && !isOfMessage(line.charCodeAt(end - 1))) end -= 1;
  return line.slice(start, end);
}

/** Base64's characters, and what may begin and end a line of a mark or of ssh-vault's. */
const isOfMessage = (code: number): boolean =>
  (code >= 0x61 && code <= 0x7a) ||
  (code >= 0x41 && code <= 0x5a) ||
  (code >= 0x2f && code <= 0x3b) ||
  code === 0x2b ||
  code === 0x2d ||
  code === 0x3d;

/** How often each text's length occurs tells the width of the lines. */
function widthOf(texts: readonly string[]): number {
  const counts = new Map<number, number>();
  for (const { length } of texts) counts.set(length, (counts.get(length) ?? 0) + length);
  return [...counts].reduce((best, next) => (next[1] > best[1] ? next : best), [0, 0])[0];
}

const isBase64 = (text: string): boolean => /^[A-Za-z0-9+/]+={0,2}$/.test(text);
const joined = (lines: readonly string[]): string => lines.map((line) => line.replaceAll(/[ -]/g, "")).join("");

/** Words of base64 up to where they end: at a short one, or at what is not base64. */
function untilEnd(lines: readonly string[], isShortLast: boolean): string {
  const all = lines.map(trimmed);
  const first = all.findIndex((word) => word !== "");
  const words = first === -1 ? [] : all.slice(first);
  const end = words.findIndex((word) => !isBase64(word));
  const run = end === -1 ? words : words.slice(0, end);
  const width = widthOf(run);
  const short = run.findIndex((word) => word.length < width || word.endsWith("="));
  return (isShortLast && short !== -1 ? run.slice(0, short + 1) : run).join("");
}

/**
 * Only the words as wide as most, and a last one that is not wider: what is between is not of it.
 * Which of the shorter words after them is the last of it, one can only guess.
 */
export function* evenWords(words: readonly string[]): Generator<string, void, undefined> {
  const width = widthOf(words);
  const last = words.findLastIndex((word) => word.length === width);
  const even = words.filter((word) => word.length === width).join("");
  const rest = words.slice(last + 1).filter((word) => word.length < width);
  yield even + (longest(rest) ?? "");
  yield even + (rest[0] ?? "");
  yield even;
}

/**
 * Of each line the run of base64 that `choose` takes: others are of line numbers, names, tables.
 */
const runs = (lines: readonly string[], choose: (all: readonly string[]) => string | undefined): string =>
  lines.map((line) => choose(line.match(BASE64) ?? []) ?? "").join("");

/** Lines in the alphabet for addresses (RFC 4648 section 5), in base64's own. */
export const addressed = (lines: readonly string[]): string[] =>
  lines.map((line) => line.replaceAll("-", "+").replaceAll("_", "/").replaceAll(" ", ""));

const longest = (all: readonly string[]): string | undefined =>
  all.reduce<string | undefined>((best, next) => (next.length > (best?.length ?? 0) ? next : best), undefined);

/**
 * The texts of base64 that the content of an armor may be, likeliest first, each once; padded, and
 * without OpenPGP's checksum.
 */
export function* bodiesOf({ lines, prefix, isEnded }: Region): Generator<string, void, undefined> {
  const seen = new Set<string>();
  for (const guess of guesses(lines, prefix, isEnded)) {
    const body = padded(guess.replace(CHECKSUM, ""));
    if (body === null || seen.has(body)) continue;
    seen.add(body);
    yield body;
  }
}

function* guesses(all: readonly string[], prefix: string, isEnded: boolean): Generator<string, void, undefined> {
  const bare = withoutPrefix(all, prefix);
  for (const whole of bare === null ? [all] : [bare, all]) {
    const lines = whole.map(trimmed);
    const content = lines.filter((line) => !ARMOR_HEADER.test(line));
    if (isEnded) yield joined(content);
    else {
      yield untilEnd(content, true);
      yield untilEnd(content, false);
    }
    yield* evenWords(content.flatMap((line) => line.match(BASE64) ?? []));
    yield runs(content, (found) => found.at(-1));
    yield runs(content, longest);
    // The alphabet for addresses, and a plus sign that a form made a blank.
    yield addressed(whole.map((line) => line.trim()).filter((line) => !/^-*$/.test(line))).join("");
    const width = widthOf(whole.map((line) => line.trimEnd()));
    yield whole.map((line) => line.padEnd(line.length < width ? line.length : width).replaceAll(" ", "+")).join("");
  }
}

/** Base64 with the padding that it needs; null for what is none. */
function padded(text: string): string | null {
  const bare = text.replace(/={1,3}$/, "");
  if (bare === "" || !/^[A-Za-z0-9+/]+$/.test(bare) || bare.length % 4 === 1) return null;
  return bare.padEnd(Math.ceil(bare.length / 4) * 4, "=");
}
