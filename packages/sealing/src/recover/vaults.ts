import { withoutPrefix } from "@git-vault/keys";
import { addressed, evenWords, trimmed } from "./bodies.ts";
import { encodeVault, parseVault, VAULT_MAGIC } from "../ssh-vault/format.ts";

/*
 * A vault has no end mark, and the words that follow it in a chat are base64 as well. So the shape
 * of its lines tells its end: all but the last are equally long.
 */

/** A run of characters without white space. */
interface Word {
  readonly text: string;
  /** Whether it is the first of its line. */
  readonly startsLine: boolean;
  /** Whether it follows a blank line or begins a line of several words: a likely end. */
  readonly afterPause: boolean;
}

// Bounds on the work that hostile text can cause, since each try reads the whole vault: up to the
// start of the next one.
const MAX_STARTS = 256;
const MAX_TRIES = 24;

/** What names the cipher, which the alphabet for addresses leaves as it is, and the rest. */
const VAULT_START = new RegExp(`(${VAULT_MAGIC}(?:AES256|CHACHA20-POLY1305);)(.*)`);

/** Finds the vaults in lines of text, each in ssh-vault's own lines. */
export function* recoverVaults(text: readonly string[]): Generator<string, void, undefined> {
  const lines = text.map(trimmed);
  const starts = lines.flatMap((line, index) => (line.includes(VAULT_MAGIC) ? [index] : []));
  for (const [at, index] of starts.slice(0, MAX_STARTS).entries()) {
    const line = lines[index] ?? "";
    const column = line.indexOf(VAULT_MAGIC);
    // No vault holds the start of another. What stands before it on its line may stand before the
    // other lines as well.
    const rest = lines.slice(index + 1, starts[at + 1]);
    const bare = withoutPrefix(rest, line.slice(0, column));
    for (const more of bare === null ? [rest] : [bare, rest]) {
      const all = [line.slice(column), ...more];
      const found = recoverFrom(all);
      if (found !== null) yield found;
      yield* recoverEven(all);
    }
    yield* recoverAddressed(text.slice(index, starts[at + 1]));
  }
}

/** The vault in lines with others between them. */
function* recoverEven(lines: readonly string[]): Generator<string, void, undefined> {
  const [first = "", ...words] = lines.join("\n").match(/[A-Za-z0-9+/=;:-]+/g) ?? [];
  for (const rest of evenWords(words)) {
    const vault = vaultOf([first + rest]);
    if (vault !== null) yield vault;
  }
}

/**
 * The vault in the alphabet for addresses. Its lines come as they are: those of its characters that
 * `trimmed` drops may begin or end a line.
 */
function* recoverAddressed(lines: readonly string[]): Generator<string, void, undefined> {
  const [, start, rest] = VAULT_START.exec(lines.join("").replaceAll(/[^A-Za-z0-9+/=;:_-]/g, "")) ?? [];
  if (start === undefined || rest === undefined || !/[_-]/.test(rest)) return;
  const vault = vaultOf([start, ...addressed([rest])]);
  if (vault !== null) yield vault;
}

const recoverFrom = (lines: readonly string[]): string | null => {
  const words = wordsOf(lines);
  for (const count of likelyEnds(words)) {
    const vault = vaultOf(words.slice(0, count).map(({ text }) => text));
    if (vault !== null) return vault;
  }
  return null;
};

const vaultOf = (words: readonly string[]): string | null => {
  try {
    const whole = words.join("");
    const data = whole.length - whole.lastIndexOf(";") - 1;
    // Padding at the end may be lost.
    return encodeVault(parseVault(whole.padEnd(whole.length + ((4 - (data % 4)) % 4), "=")));
  } catch {
    return null;
  }
};

/** The words that can belong to a vault: up to the first character that cannot. */
const wordsOf = (lines: readonly string[]): Word[] => {
  const words: Word[] = [];
  const isOneWord = !lines[0]?.includes(" ");
  let isBlankBefore = false;
  for (const line of lines) {
    const texts = line.split(" ").filter((text) => text !== "");
    for (const [index, whole] of texts.entries()) {
      const text = /^[A-Za-z0-9+/=;:-]*/.exec(whole)?.[0] ?? "";
      const isProse = isOneWord && texts.length > 1;
      if (text !== "")
        words.push({ text, startsLine: index === 0, afterPause: index === 0 && (isBlankBefore || isProse) });
      if (text !== whole) return words;
    }
    isBlankBefore = texts.length === 0;
  }
  return words;
};

/** How many words may make up the vault, the likeliest count first. */
function* likelyEnds(words: readonly Word[]): Generator<number, void, undefined> {
  // The line breaks were lost: all of it is one word.
  if (words[1]?.startsLine !== true) yield 1;
  const whole = countsOfWholeBase64(words);
  const padded = whole.find((count) => words[count - 1]?.text.endsWith("="));
  if (padded !== undefined) yield padded;
  // If a blank line follows the first line, all lines were set apart, and blank lines mean nothing.
  const hasPauses = words[1]?.afterPause !== true;
  const pauses = whole.filter((count) => hasPauses && words[count]?.afterPause === true);
  yield* endsOfEvenLines(words, pauses);
  yield* pauses.slice(0, MAX_TRIES);
  yield* whole.slice(-MAX_TRIES).toReversed();
}

/** After how many words the last field has a length that base64 can have. */
const countsOfWholeBase64 = (words: readonly Word[]): number[] => {
  const counts: number[] = [];
  let length = 0;
  let isLastField = false;
  let fields = 0;
  const type = words
    .slice(0, 32)
    .map(({ text }) => text)
    .join("");
  const fieldsBefore = type.startsWith(`${VAULT_MAGIC}AES256;`) ? 3 : 5;
  for (const [index, { text }] of words.entries()) {
    const parts = text.split(";");
    fields += parts.length - 1;
    isLastField = fields === fieldsBefore;
    length = parts.length > 1 ? (parts.at(-1) ?? "").length : length + text.length;
    if (isLastField && length > 0 && length % 4 === 0) counts.push(index + 1);
  }
  return counts;
};

/** Where equally long lines end: after the first shorter line, unless it is other text. */
function* endsOfEvenLines(words: readonly Word[], pauses: readonly number[]): Generator<number, void, undefined> {
  // The first line of a vault for an RSA key has a length of its own.
  const width = words[1]?.text.length === words[2]?.text.length ? words[1]?.text.length : words[0]?.text.length;
  const short = words.findIndex(({ text }, index) => index > 0 && text.length !== width);
  if (short === -1) {
    yield words.length;
    return;
  }
  if (pauses.includes(short)) yield short;
  const isOneLine = !words.some(({ startsLine }, index) => index > 0 && startsLine);
  const endsLine = words[short + 1]?.startsLine !== false;
  if ((words[short]?.text.length ?? 0) < (width ?? 0) && (endsLine || isOneLine)) {
    yield short + 1;
    yield short;
  }
}
