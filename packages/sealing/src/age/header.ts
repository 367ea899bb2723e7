import { Buffer } from "@git-vault/core/bytes";
import { hkdf, hmac, timingSafeEqual } from "#crypto";
import { decodeBase64, encodeBase64, wrapLines } from "@git-vault/core";
import { malformed, tooManyRecipients } from "../errors.ts";
import { MAX_STANZAS } from "../limits.ts";
import type { Stanza } from "./stanza.ts";

/*
 * The header of an age message (C2SP age.md, "Encrypted file: header"): a version line, stanzas,
 * and a MAC.
 */

const VERSION_LINE = "age-encryption.org/v1";
const STANZA_PREFIX = "->";
const MAC_PREFIX = "---";
const COLUMNS = 64;
const VISIBLE_ASCII = /^[\x21-\x7e]+$/;

/** age's own limit: a longer header is neither read nor written. */
export const MAX_HEADER_BYTES: number = 2 * 1024 * 1024;

/** A parsed header. */
export interface AgeHeader {
  readonly stanzas: readonly Stanza[];
  /** The 32 bytes at its end. */
  readonly mac: Buffer;
  /** The bytes that the MAC covers, as they were read: through `---`. */
  readonly covered: Buffer;
  /** How many bytes the whole header takes; the payload follows. */
  readonly length: number;
}

/** Why one header cannot have these stanzas; null if it can. */
const faultOf = (stanzas: readonly Stanza[]): string | null => {
  if (stanzas.length === 0) return "its header holds no recipient";
  for (const { type, args } of stanzas) {
    if (![type, ...args].every((arg) => VISIBLE_ASCII.test(arg))) {
      return "a recipient line of its header is not made of words of visible ASCII characters";
    }
  }
  // A passphrase message was made by someone who knows the passphrase. With other recipients, that
  // would no longer hold (age.md, "scrypt").
  if (stanzas.length > 1 && stanzas.some(({ type }) => type === "scrypt")) {
    return "a passphrase (scrypt) must be the only recipient in its header";
  }
  return null;
};

/**
 * Reads the header at the start of a binary age message. The MAC is not checked: see
 * `headerMacMatches`.
 *
 * Throws SealingError `MALFORMED_MESSAGE`; `TOO_LARGE` for more than `MAX_STANZAS` stanzas.
 */
export function parseHeader(message: Buffer): AgeHeader {
  const head = message.subarray(0, MAX_HEADER_BYTES);
  let offset = 0;
  const nextLine = (): string => {
    const end = head.indexOf("\n", offset);
    if (end === -1) {
      const isLong = head.length < message.length;
      throw malformed(isLong ? `its header is over ${MAX_HEADER_BYTES} bytes long` : "it ends within its header");
    }
    const line = head.toString("latin1", offset, end);
    offset = end + 1;
    return line;
  };

  if (nextLine() !== VERSION_LINE)
    throw malformed(`its first line is not ${VERSION_LINE}: another version, or other line ends`);
  const stanzas: Stanza[] = [];
  for (;;) {
    const start = offset;
    const line = nextLine();
    if (!line.startsWith(MAC_PREFIX)) {
      if (stanzas.length === MAX_STANZAS) throw tooManyRecipients();
      stanzas.push(parseStanza(line, nextLine));
      continue;
    }
    const fault = faultOf(stanzas);
    if (fault !== null) throw malformed(fault);
    const covered = head.subarray(0, start + MAC_PREFIX.length);
    return { stanzas, mac: parseMac(line), covered, length: offset };
  }
}

/**
 * Reads a stanza: its first line, and those of its body.
 *
 * Throws SealingError `MALFORMED_MESSAGE`.
 */
export function parseStanza(line: string, nextLine: () => string): Stanza {
  const [prefix, type, ...args] = line.split(" ");
  if (prefix !== STANZA_PREFIX || type === undefined) {
    throw malformed("a line of its header begins neither a recipient nor the MAC");
  }
  const lines: string[] = [];
  for (;;) {
    const bodyLine = nextLine();
    lines.push(bodyLine);
    if (bodyLine.length > COLUMNS) throw malformed(`a line of a recipient's body is over ${COLUMNS} characters long`);
    // The body ends with a line that is not full, or an empty one.
    if (bodyLine.length < COLUMNS) break;
  }
  const body = decodeBase64(lines.join(""), "unpadded");
  if (body === null)
    throw malformed("the body of a recipient is damaged: it is not canonical base64 in lines of the right length");
  return { type, args, body };
}

const parseMac = (line: string): Buffer => {
  const mac = line.startsWith(`${MAC_PREFIX} `) ? decodeBase64(line.slice(MAC_PREFIX.length + 1), "unpadded") : null;
  if (mac?.length !== 32) throw malformed("the last line of its header is not a MAC of 32 bytes in base64");
  return mac;
};

const macOf = (fileKey: Buffer, covered: Buffer): Buffer => {
  const key = hkdf(fileKey, Buffer.alloc(0), "header");
  const mac = hmac(key, covered);
  key.fill(0);
  return mac;
};

/** Whether the header's MAC was made with this file key, in constant time. */
export function headerMacMatches(header: AgeHeader, fileKey: Buffer): boolean {
  return timingSafeEqual(macOf(fileKey, header.covered), header.mac);
}

/** Writes a stanza, in Latin-1. */
export function encodeStanza({ type, args, body }: Stanza): string {
  const lines = wrapLines(encodeBase64(body, "unpadded"), COLUMNS);
  // The last line must be a short one.
  if (lines.at(-1)?.length === COLUMNS || lines.length === 0) lines.push("");
  return [[STANZA_PREFIX, type, ...args].join(" "), ...lines, ""].join("\n");
}

/**
 * Writes a header with its MAC.
 *
 * Throws RangeError if one header cannot have these stanzas: none, an argument that is not visible
 * ASCII, scrypt beside others, over `MAX_STANZAS` of them, or over `MAX_HEADER_BYTES` in all.
 */
export function encodeHeader(stanzas: readonly Stanza[], fileKey: Buffer): Buffer {
  const fault = faultOf(stanzas);
  if (fault !== null) throw new RangeError(`stanzas: ${fault}`);
  if (stanzas.length > MAX_STANZAS) throw new RangeError(`stanzas: over ${MAX_STANZAS}`);
  const covered = Buffer.from(`${VERSION_LINE}\n${stanzas.map(encodeStanza).join("")}${MAC_PREFIX}`, "latin1");
  const mac = encodeBase64(macOf(fileKey, covered), "unpadded");
  const header = Buffer.concat([covered, Buffer.from(` ${mac}\n`)]);
  if (header.length > MAX_HEADER_BYTES) throw new RangeError(`stanzas: over ${MAX_HEADER_BYTES} bytes in all`);
  return header;
}
