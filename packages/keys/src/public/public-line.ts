import { assertString, decodeBase64 } from "@git-vault/core";
import { KeyError, malformed } from "../errors.ts";
import { fieldCountOf, typeProblem } from "./key-type.ts";
import { cleanComment, fingerprintOfAny, publicKeyFromBlob, typeOfBlob, whyUnusable } from "./public-key.ts";
import type { PublicKeyEntry, SshPublicKey } from "../types.ts";

const MAX_LINE = 8 * 1024;
const MAX_TEXT = 1024 * 1024;
const HOST = "it is the key of a host, as in known_hosts, not of a person";
/** What sshd takes before a key: sshd(8), "AUTHORIZED_KEYS FILE FORMAT". */
const OPTIONS = new RegExp(
  `^(?:${[
    "(?:no-)?(?:agent-forwarding|port-forwarding|pty|user-rc|x11-forwarding)",
    "cert-authority|restrict|no-touch-required|verify-required",
    "(?:command|environment|expiry-time|from|permitlisten|permitopen|principals|tunnel)=",
  ].join("|")})$`,
  "i",
);
const AUTHORITY = "it is the key of a certificate authority, not of a person";

interface KeyLine {
  readonly type: string;
  readonly blob: string;
  readonly comment: string;
  /** Whether it has the option `cert-authority`, which makes it a key that signs other keys. */
  readonly isAuthority: boolean;
  /** Whether what stands before the type are no options, but names of a host. */
  readonly isHost: boolean;
}

const unreadable = (problem: string, hint?: string): KeyError => new KeyError("MALFORMED_KEY", problem, { hint });

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

const splitFields = (text: string, isAuthority = false, isHost = false): KeyLine => {
  const [, type = "", blob = "", comment = ""] = /^[ \t]*([^ \t]*)[ \t]*([^ \t]*)[ \t]*(.*)$/s.exec(text) ?? [];
  return { type, blob, comment, isAuthority, isHost };
};

/** Whether the fields are a key of an unknown type: then the blob begins with its name as well. */
const isUnknownKey = ({ type, blob }: KeyLine): boolean => {
  const bytes = decodeBase64(blob);
  if (bytes === null || bytes.length <= 4 + type.length || !/^[a-z][a-z0-9.@-]{2,63}$/.test(type)) return false;
  return bytes.readUInt32BE() === type.length && typeOfBlob(bytes) === type;
};

const splitLine = (line: string): KeyLine => {
  if (line.length > MAX_LINE) throw unreadable(`a line of ${line.length} characters is too long for a public key`);
  const plain = splitFields(line);
  if (fieldCountOf(plain.type) !== null) return plain;
  const end = endOfOptions(line);
  const options = line.slice(0, end).replaceAll(/"(?:\\"|[^"])*"/g, "");
  const isHost = !options.split(",").every((option) => OPTIONS.test(option));
  // Before a host's key, known_hosts may have a marker.
  const rest = /^@(?:cert-authority|revoked)$/.test(options)
    ? line.slice(end).replace(/^[ \t]+[^ \t]+/, "")
    : line.slice(end);
  const afterOptions = splitFields(rest, /(?:^|,)cert-authority(?:,|$)/i.test(options), isHost);
  if (fieldCountOf(afterOptions.type) !== null) return afterOptions;
  if (isUnknownKey(plain)) return plain;
  throw unreadable("this line is not an SSH public key", "a public key looks like: ssh-ed25519 AAAA… comment");
};

const blobOf = ({ type, blob }: KeyLine): Buffer => {
  const bytes = decodeBase64(blob);
  if (bytes === null) throw malformed(`${type} key`, "expected canonical base64 after the type");
  if (typeOfBlob(bytes) !== type) throw malformed(`${type} key`, "the key itself has another type than the line says");
  return bytes;
};

/**
 * Parses one line of a `.pub` or authorized_keys file. Options before the type are skipped, as in
 * sshd(8).
 *
 * An RSA key from 1024 bits parses; ask `whyUnusable` whether anything may be sealed to it.
 *
 * @param line without its line end, at most 8 KiB
 * @throws KeyError `MALFORMED_KEY`, or `UNSUPPORTED_KEY` for a sound key of a type that can only
 * sign
 */
export function parsePublicKey(line: string): SshPublicKey {
  assertString("line", line);
  const trimmed = line.trim();
  if (trimmed === "") throw unreadable("expected a public key, got an empty line");
  if (/[\r\n]/.test(trimmed)) throw unreadable("expected one line with a public key, got several lines");
  const parts = splitLine(trimmed);
  const blob = blobOf(parts);
  // A malformed key of a type that can only sign is malformed first.
  if (typeProblem(parts.type) !== null) fingerprintOfAny(blob);
  else if (parts.isAuthority) throw new KeyError("UNSUPPORTED_KEY", `this ${parts.type} key is unusable: ${AUTHORITY}`);
  else if (parts.isHost) throw new KeyError("UNSUPPORTED_KEY", `this ${parts.type} key is unusable: ${HOST}`);
  return publicKeyFromBlob(blob, parts.comment);
}

/** The entry for a blob of any type; throws KeyError `MALFORMED_KEY` if it is malformed. */
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
    if (parts.isHost) return { ...entry, unusable: HOST };
    return parts.isAuthority ? { ...entry, unusable: AUTHORITY } : entry;
  } catch (error) {
    if (!(error instanceof KeyError)) throw error;
    const { type = "unknown", comment = "" } = parts ?? {};
    return { line, type, fingerprint: null, comment: cleanComment(comment), key: null, unusable: error.message };
  }
};

/** Asserts that a text can be one of public keys; throws KeyError `MALFORMED_KEY`. */
export function assertKeyText(text: string): void {
  assertString("text", text);
  if (text.length > MAX_TEXT) {
    throw unreadable(`expected at most ${MAX_TEXT} characters of public keys, got ${text.length}`);
  }
  if (text.includes("\0")) throw unreadable("expected a text of public keys, got binary data");
  if (/-----BEGIN [A-Z0-9 ]*PRIVATE KEY|^PuTTY-User-Key-File-|AGE-SECRET-KEY-/m.test(text)) {
    const hint = "never hand a private key to anyone: give its .pub file";
    throw unreadable("expected public keys, got a private key", hint);
  }
}

/**
 * Reads every key line of a `.pub` file, an authorized_keys file or a forge's `.keys` answer. Blank
 * lines and comments are skipped; a malformed line, or one over 8 KiB, becomes an entry whose `key`
 * is null and whose `unusable` says why.
 *
 * @param text at most 1 MiB, with LF or CRLF
 * @throws KeyError `MALFORMED_KEY` for a text that is too long, binary, or a private key
 */
export function readPublicKeys(text: string): PublicKeyEntry[] {
  assertKeyText(text);
  const lines = text.replace(/^\u{FEFF}/u, "").split("\n");
  return lines.flatMap((whole, index) => {
    const line = whole.trim();
    return line === "" || line.startsWith("#") ? [] : [entryOfLine(index + 1, line)];
  });
}
