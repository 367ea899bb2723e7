import { assertBytes } from "@git-vault/core";
import { parseHeader } from "./age/header.ts";
import { decodeArmor } from "./age/armor.ts";
import { openWhole, type Opened } from "./age/opener.ts";
import { viewOf } from "./buffers.ts";
import { detectFormat, unknownFormat } from "./detect.ts";
import type { Format } from "./formats.ts";
import { MessageOpener } from "./opener.ts";
import { parseOpenPgp } from "./openpgp/message.ts";
import { parseVault } from "./ssh-vault/format.ts";
import type { Identity, Stanza } from "./age/stanza.ts";

/** What a message tells without being opened, none of which is authenticated. */
interface MessageHeader {
  readonly format: Format;
  /**
   * Whom it is sealed to. ssh-vault's format is read as one stanza, whose body is the wrapped
   * password: `CHACHA20-POLY1305` with the fingerprint and the base64 of the ephemeral key as
   * arguments, or `AES256` with the fingerprint. OpenPGP's packets that hold the session key are
   * read as stanzas `openpgp`, with the key ID as argument (16 zeros if it is hidden), or
   * `openpgp-passphrase`.
   */
  readonly stanzas: readonly Stanza[];
}

/**
 * Reads what a message is sealed to, without opening it.
 *
 * Throws SealingError `UNKNOWN_FORMAT`, `MALFORMED_MESSAGE`, `UNPROTECTED_MESSAGE`; `TOO_LARGE` for
 * more than `MAX_STANZAS` recipients. TypeError if the message is no Uint8Array.
 */
export function readHeader(message: Uint8Array): MessageHeader {
  assertBytes("message", message);
  const bytes = viewOf(message);
  const format = detectFormat(bytes);
  if (format === null) throw unknownFormat(bytes);
  if (format === "openpgp") return { format, stanzas: parseOpenPgp(bytes).stanzas };
  if (format === "ssh-vault") return { format, stanzas: [parseVault(bytes.toString("latin1")).stanza] };
  const binary = bytes[0] === "a".charCodeAt(0) ? bytes : decodeArmor(bytes);
  return { format, stanzas: parseHeader(binary).stanzas };
}

/**
 * Opens a message in any of the formats: binary or armored age and OpenPGP, ssh-vault. For more
 * than should be in memory at once, see `createOpener`.
 *
 * The identities are tried in the order given, but those that never ask for a passphrase first,
 * then those that ask only for a message that is addressed to them. An identity that fails with a
 * KeyError or SealingError (a wrong passphrase, a broken key) does not stop the others; if none
 * opens the message, the first failure is thrown. Any other error of an identity ends the run at
 * once. Nothing is returned before all of it is authenticated, and no identity is tried on a
 * malformed message.
 *
 * Throws SealingError `UNKNOWN_FORMAT`, `MALFORMED_MESSAGE`, `UNPROTECTED_MESSAGE`,
 * `TAMPERED_MESSAGE`, `NO_IDENTITY_MATCHED`, `TOO_LARGE`; what an identity throws. TypeError if the
 * message is no Uint8Array.
 */
export function open(message: Uint8Array, identities: readonly Identity[]): Promise<Opened> {
  return openWhole(new MessageOpener(identities), message);
}
