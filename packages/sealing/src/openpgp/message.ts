import { isOpenPgpArmor, KeyError, readOpenPgpArmor, readOpenPgpPackets } from "@git-vault/keys";
import { SealingError, malformed, tooManyRecipients } from "../errors.ts";
import type { Stanza } from "../age/stanza.ts";
import { MAX_STANZAS } from "../limits.ts";

/*
 * The outside of an OpenPGP message (RFC 9580 section 10.3): packets that each hold the session key
 * for one recipient, which are read as stanzas, then one packet of encrypted data, which openpgp.js
 * reads.
 */

/** The size limit: a message is authentic only as a whole, so all is in memory. */
export const MAX_OPENPGP_SECRET: number = 8 * 1024 * 1024;
/** How many bytes of a message are opened, with its armor. */
export const MAX_OPENPGP_MESSAGE: number = 16 * 1024 * 1024;

/** The stanza for a public key. Its argument is the key ID, 16 upper-case hexadecimal digits. */
export const OPENPGP_STANZA = "openpgp";
/** The stanza for a passphrase. */
const PASSPHRASE_STANZA = "openpgp-passphrase";
/** The key ID of a hidden recipient. */
export const HIDDEN_KEY_ID: string = "0".repeat(16);

/** Packet types (section 5). */
const PUBLIC_KEY_SESSION_KEY = 1;
const PASSPHRASE_SESSION_KEY = 3;
const UNPROTECTED_DATA = 9;
const MARKER = 10;
const PROTECTED_DATA = 18;
/** Of LibrePGP (OCB), which gpg writes to keys that ask for it. */
const LIBREPGP_DATA = 20;
const PADDING = 21;

interface OpenPgpMessage {
  /** Whom it is sealed to; a body is that of the packet. */
  readonly stanzas: readonly Stanza[];
  /** The packet of encrypted data. */
  readonly data: Buffer;
}

const PASSED_OVER: ReadonlySet<number> = new Set([MARKER, PADDING]);
// The first byte in both forms of a packet's header (section 4.2).
const FIRST_BYTES: ReadonlySet<number> = new Set([0x84, 0x85, 0x86, 0x8c, 0x8d, 0x8e, 0xc1, 0xc3, 0xa8, 0xca]);
/** Of the packets' own first bytes, which are their versions. */
const VERSIONS: Readonly<Record<number, readonly number[]>> = {
  [PUBLIC_KEY_SESSION_KEY]: [2, 3, 6],
  [PASSPHRASE_SESSION_KEY]: [4, 5, 6],
  [MARKER]: [0x50],
};

/** Whether bytes begin as an encrypted OpenPGP message does, in binary or in armor. */
export function looksLikeOpenPgp(start: Buffer): boolean {
  if (!FIRST_BYTES.has(start[0] ?? 0)) return /^\s*-----BEGIN PGP MESSAGE-----/.test(start.toString("latin1"));
  try {
    const [first] = readOpenPgpPackets(start);
    return first !== undefined && VERSIONS[first.tag]?.includes(first.body[0] ?? 0) === true;
  } catch {
    return false;
  }
}

/**
 * Takes a message apart.
 *
 * Throws SealingError `MALFORMED_MESSAGE`, and `UNPROTECTED_MESSAGE` for one without integrity
 * protection, which anyone could have changed unnoticed, `TOO_LARGE` for one to more than
 * `MAX_STANZAS` recipients.
 */
export function parseOpenPgp(message: Buffer): OpenPgpMessage {
  const binary = binaryOf(message);
  const stanzas: Stanza[] = [];
  for (const { tag, body, start } of packetsOf(binary)) {
    if (stanzas.length > MAX_STANZAS) throw tooManyRecipients();
    if (tag === PUBLIC_KEY_SESSION_KEY) stanzas.push(publicKeyStanza(body));
    else if (tag === PASSPHRASE_SESSION_KEY) stanzas.push({ type: PASSPHRASE_STANZA, args: [], body });
    else if (tag === UNPROTECTED_DATA) {
      const what = "the OpenPGP message has no integrity protection, so it is not opened";
      throw new SealingError("UNPROTECTED_MESSAGE", what, {
        hint: "anyone could have changed it on the way; ask the sender to seal it again with a current program",
      });
    } else if (tag === PROTECTED_DATA || tag === LIBREPGP_DATA) {
      if (stanzas.length === 0) throw malformed("it names no recipient");
      return { stanzas, data: binary.subarray(start) };
    } else if (!PASSED_OVER.has(tag)) throw malformed("it holds something that does not belong in a sealed message");
  }
  throw malformed("it ends before its encrypted data");
}

function binaryOf(message: Buffer): Buffer {
  const text = message.toString("latin1", 0, 4096);
  if (!isOpenPgpArmor(text)) return message;
  try {
    const blocks = readOpenPgpArmor(message.toString("latin1"));
    const [block] = blocks;
    if (block === undefined) throw malformed("its armor has no end line");
    if (blocks.length > 1 || block.kind !== "MESSAGE") throw malformed("expected one block of armor and nothing else");
    return block.bytes;
  } catch (error) {
    throw error instanceof KeyError ? malformed("its armor is not base64") : error;
  }
}

function* packetsOf(binary: Buffer): ReturnType<typeof readOpenPgpPackets> {
  try {
    yield* readOpenPgpPackets(binary);
  } catch (error) {
    throw error instanceof KeyError ? malformed("it is cut short, or is not OpenPGP data") : error;
  }
}

/**
 * Versions 3 and 6 (sections 5.1.1 and 5.1.2). The ID of a version 4 key ends its fingerprint, that
 * of a later one begins it.
 */
function publicKeyStanza(body: Buffer): Stanza {
  const hex = (from: number, to: number): string => body.toString("hex", from, to).toUpperCase();
  let keyId = HIDDEN_KEY_ID;
  if (body[0] !== 6) keyId = hex(1, 9);
  else if (body[1] !== 0) keyId = body[2] === 4 ? hex(15, 23) : hex(3, 11);
  if (keyId.length !== 16) throw malformed("a recipient's part of it is cut short");
  return { type: OPENPGP_STANZA, args: [keyId], body };
}
