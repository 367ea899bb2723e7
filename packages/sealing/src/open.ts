import { assertBytes } from "@git-vault/errors";
import { KeyError } from "@git-vault/keys";
import { headerMacMatches, parseHeader, type AgeHeader } from "./age-header.ts";
import { openPayload } from "./age-payload.ts";
import { decodeArmor } from "./armor.ts";
import { detectFormat, unknownFormat, type Format } from "./detect.ts";
import { SealingError } from "./errors.ts";
import { malformed, tampered } from "./malformed.ts";
import { noIdentityMatched } from "./no-identity.ts";
import { FILE_KEY_BYTES } from "./ssh-stanzas.ts";
import { openVault, parseVault, type Vault } from "./ssh-vault.ts";
import { PASSWORD_BYTES } from "./ssh-vault-stanzas.ts";
import type { Asks, Identity, Stanza } from "./stanza.ts";

/** An opened message. */
export interface Opened {
  /** What was sealed. Secret: overwrite it with zeros when done. */
  readonly plaintext: Buffer;
  readonly format: Format;
  /** The identity that opened it. */
  readonly identity: Identity;
}

/** What a message tells without being opened. Nothing of it is authenticated. */
export interface MessageHeader {
  readonly format: Format;
  /**
   * Whom it is sealed to. ssh-vault's format is read as one stanza, whose body is the wrapped password: `CHACHA20-POLY1305` with
   * the fingerprint and the base64 of the ephemeral key as arguments, or `AES256` with the fingerprint.
   */
  readonly stanzas: readonly Stanza[];
}

type Message =
  | { readonly format: "age"; readonly header: AgeHeader; readonly payload: Buffer }
  | { readonly format: "ssh-vault"; readonly vault: Vault };

const parse = (message: Uint8Array): Message => {
  assertBytes("message", message);
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  const format = detectFormat(bytes);
  if (format === null) throw unknownFormat(bytes);
  if (format === "ssh-vault") return { format, vault: parseVault(bytes.toString("latin1")) };
  const binary = bytes[0] === "a".charCodeAt(0) ? bytes : decodeArmor(bytes);
  const header = parseHeader(binary);
  return { format, header, payload: binary.subarray(header.length) };
};

const stanzasOf = (message: Message): readonly Stanza[] =>
  message.format === "age" ? message.header.stanzas : [message.vault.stanza];

/**
 * Reads what a message is sealed to, without opening it.
 *
 * Throws SealingError `UNKNOWN_FORMAT`, `MALFORMED_MESSAGE`. TypeError where the message is no Uint8Array.
 */
export function readHeader(message: Uint8Array): MessageHeader {
  const parsed = parse(message);
  return { format: parsed.format, stanzas: stanzasOf(parsed) };
}

/**
 * Opens a message in any of the formats: binary or armored age, ssh-vault.
 *
 * The identities are tried in the order given, but those that never ask for a passphrase first, then those that ask only for a
 * message that is addressed to them. An identity that fails with a KeyError or SealingError (a wrong passphrase, a
 * broken key) does not stop the others; where none opens the message, the first failure is thrown. Any other error of an identity
 * ends the run at once. Nothing is given out before all of it is authenticated.
 *
 * Throws SealingError `UNKNOWN_FORMAT`, `MALFORMED_MESSAGE`, `TAMPERED_MESSAGE`, `NO_IDENTITY_MATCHED`; what an identity throws.
 * TypeError where the message is no Uint8Array.
 */
export async function open(message: Uint8Array, identities: readonly Identity[]): Promise<Opened> {
  const parsed = parse(message);
  const { fileKey, identity } = await unwrap(stanzasOf(parsed), identities);
  try {
    return { plaintext: decrypt(parsed, fileKey), format: parsed.format, identity };
  } finally {
    fileKey.fill(0);
  }
}

const ORDER: Record<Asks, number> = { never: 0, "on-match": 1, always: 2 };
const orderOf = ({ asks = "never" }: Identity): number => ORDER[asks];

const unwrap = async (
  stanzas: readonly Stanza[],
  identities: readonly Identity[],
): Promise<{ fileKey: Buffer; identity: Identity }> => {
  const failures: unknown[] = [];
  for (const identity of identities.toSorted((a, b) => orderOf(a) - orderOf(b))) {
    try {
      const fileKey = await identity.unwrapFileKey(stanzas);
      if (fileKey !== null) return { fileKey, identity };
    } catch (error) {
      // Anything else is a decision, such as a person who gave up at the question for a passphrase.
      if (!(error instanceof SealingError || error instanceof KeyError)) throw error;
      failures.push(error);
    }
  }
  throw failures.length > 0 ? failures[0] : noIdentityMatched(stanzas, identities.length);
};

const decrypt = (message: Message, fileKey: Buffer): Buffer => {
  const expected = message.format === "age" ? FILE_KEY_BYTES : PASSWORD_BYTES;
  if (fileKey.length !== expected) throw malformed(`its message key is ${fileKey.length} bytes instead of ${expected}`);
  if (message.format === "ssh-vault") return openVault(message.vault, fileKey);
  if (!headerMacMatches(message.header, fileKey)) throw tampered("its header does not match its MAC");
  return openPayload(fileKey, message.payload);
};
