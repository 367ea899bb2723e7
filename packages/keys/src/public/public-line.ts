import { assertString } from "@git-vault/core";
import { decodeBase64 } from "../base64.ts";
import { KeyError } from "../errors.ts";
import { fieldCountOf, typeProblem } from "./key-type.ts";
import {
  cleanComment,
  fingerprintOfAny,
  publicKeyFromBlob,
  typeOfBlob,
  unsupportedType,
  whyUnusable,
} from "./public-key.ts";
import type { PublicKeyEntry, SshPublicKey } from "../types.ts";

const maximumLineLength = 8 * 1024;
const maximumTextLength = 1024 * 1024;
const authorityProblem = "it is the key of a certificate authority, not of a person";

interface KeyLine {
  readonly type: string;
  readonly blob: string;
  readonly comment: string;
  /** Whether it has the option `cert-authority`, which makes it a key that signs other keys. */
  readonly isAuthority: boolean;
}

const malformed = (problem: string, hint?: string): KeyError => new KeyError("MALFORMED_KEY", problem, { hint });

/** Where the options at a line's start end: at the first blank outside quotes, as in sshd. */
const endOfOptions = (line: string): number => {
  let quoted = false;
  for (let index = 0; index < line.length; index += 1) {
    const character = line[index];
    if (character === "\\" && line[index + 1] === '"') index += 1;
    else if (character === '"') quoted = !quoted;
    else if (!quoted && (character === " " || character === "\t")) return index;
  }
  return line.length;
};

const splitFields = (text: string): Omit<KeyLine, "isAuthority"> => {
  const [, type = "", blob = "", comment = ""] = /^[ \t]*([^ \t]*)[ \t]*([^ \t]*)[ \t]*(.*)$/s.exec(text) ?? [];
  return { type, blob, comment };
};

const isTypeName = /^[a-z][a-z0-9.@-]{2,63}$/;

/**
 * Whether the fields are a key of a type that is not known here: then its name stands in its blob a
 * second time.
 */
const isUnknownKey = ({ type, blob }: Omit<KeyLine, "isAuthority">): boolean => {
  const bytes = decodeBase64(blob);
  if (bytes === null || bytes.length < 4 || !isTypeName.test(type)) return false;
  return bytes.length > 4 + type.length && bytes.readUInt32BE() === type.length && typeOfBlob(bytes) === type;
};

const splitLine = (line: string): KeyLine => {
  if (line.length > maximumLineLength)
    throw malformed(`a line of ${line.length} characters is too long for a public key`);
  const plain = splitFields(line);
  if (fieldCountOf(plain.type) !== null) return { ...plain, isAuthority: false };
  const end = endOfOptions(line);
  const afterOptions = splitFields(line.slice(end));
  if (fieldCountOf(afterOptions.type) !== null) {
    const isAuthority = /(?:^|,)cert-authority(?:,|$)/i.test(line.slice(0, end).replaceAll(/"(?:\\"|[^"])*"/g, ""));
    return { ...afterOptions, isAuthority };
  }
  if (isUnknownKey(plain)) return { ...plain, isAuthority: false };
  throw malformed("this line is not an SSH public key", "a public key looks like: ssh-ed25519 AAAA… comment");
};

const blobOf = ({ type, blob }: KeyLine): Buffer => {
  const bytes = decodeBase64(blob);
  if (bytes === null) throw malformed(`malformed ${type} key: expected canonical base64 after the type`);
  if (typeOfBlob(bytes) !== type) throw malformed(`malformed ${type} key: the key inside is of another type`);
  return bytes;
};

/**
 * Parses one line of a `.pub` or authorized_keys file. Options before the type are skipped, as in
 * sshd(8).
 *
 * An RSA key from 1024 bits parses; whether anything may be sealed to it is what `whyUnusable`
 * tells.
 *
 * @param line without its line end, at most 8 KiB
 * @throws KeyError `MALFORMED_KEY`, or `UNSUPPORTED_KEY` for a sound key of a type that can only
 * sign
 */
export function parsePublicKey(line: string): SshPublicKey {
  assertString("line", line);
  const trimmed = line.trim();
  if (trimmed === "") throw malformed("expected a public key, got an empty line");
  if (/[\r\n]/.test(trimmed)) throw malformed("expected one line with a public key, got several lines");
  const parts = splitLine(trimmed);
  const blob = blobOf(parts);
  const problem = typeProblem(parts.type);
  if (problem !== null) {
    fingerprintOfAny(blob);
    throw unsupportedType(parts.type, problem);
  }
  if (parts.isAuthority)
    throw new KeyError("UNSUPPORTED_KEY", `this ${parts.type} key is unusable: ${authorityProblem}`);
  return publicKeyFromBlob(blob, parts.comment);
}

/** The entry for a blob of whatever type; throws KeyError `MALFORMED_KEY` where it is malformed. */
export function entryOfBlob(line: number, blob: Buffer, commentText: string): PublicKeyEntry {
  const comment = cleanComment(commentText);
  const type = typeOfBlob(blob);
  const fingerprint = fingerprintOfAny(blob);
  const problem = typeProblem(type);
  if (problem !== null) return { line, type, fingerprint, comment, key: null, unusable: problem };
  try {
    const key = publicKeyFromBlob(blob, comment);
    return { line, type, fingerprint, comment, key, unusable: whyUnusable(key) };
  } catch (error) {
    if (!(error instanceof KeyError) || error.code !== "UNSUPPORTED_KEY") throw error;
    return { line, type, fingerprint, comment, key: null, unusable: error.message };
  }
}

const entryOfLine = (line: number, text: string): PublicKeyEntry => {
  let parts: KeyLine | null = null;
  try {
    parts = splitLine(text);
    const entry = entryOfBlob(line, blobOf(parts), parts.comment);
    return parts.isAuthority ? { ...entry, unusable: authorityProblem } : entry;
  } catch (error) {
    if (!(error instanceof KeyError)) throw error;
    const type = parts?.type ?? "unknown";
    const comment = cleanComment(parts?.comment ?? "");
    return { line, type, fingerprint: null, comment, key: null, unusable: error.message };
  }
};

/** Asserts that a text can be one of public keys. */
export function assertKeyText(text: string): void {
  assertString("text", text);
  if (text.length > maximumTextLength) {
    throw malformed(`expected at most ${maximumTextLength} characters of public keys, got ${text.length}`);
  }
  if (text.includes("\0")) throw malformed("expected a text of public keys, got binary data");
  if (/-----BEGIN [A-Z0-9 ]*PRIVATE KEY|^PuTTY-User-Key-File-|AGE-SECRET-KEY-/m.test(text)) {
    throw malformed(
      "expected public keys, got a private key",
      "never hand a private key to anyone: give its .pub file",
    );
  }
}

/**
 * Reads every key line of a `.pub` file, an authorized_keys file or a forge's `.keys` answer. Blank
 * lines and comments are skipped; a line that is malformed, or over 8 KiB, becomes an entry whose
 * `key` is null and whose `unusable` says why.
 *
 * @param text at most 1 MiB, with LF or CRLF
 * @throws KeyError `MALFORMED_KEY` for a text that is too long, binary, or a private key
 */
export function readPublicKeys(text: string): PublicKeyEntry[] {
  assertKeyText(text);
  return text
    .replace(/^\u{FEFF}/u, "")
    .split("\n")
    .map((line, index) => ({ number: index + 1, line: line.trim() }))
    .filter(({ line }) => line !== "" && !line.startsWith("#"))
    .map(({ number, line }) => entryOfLine(number, line));
}
