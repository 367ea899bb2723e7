import { readOpenPgpKeys, type OpenPgpKeyEntry, type SshPublicKey } from "@git-vault/keys";
import {
  type Format,
  readHeader,
  recoverMessage,
  SIGNATURE_STANZA,
  sshTag,
  sshVaultFingerprint,
} from "@git-vault/sealing";
import { SharingError } from "../errors.ts";

/** A key that a message may be sealed to. */
export type CandidateKey = SshPublicKey | OpenPgpKeyEntry;

/** What can be told of whom a message is sealed to. */
export interface KnownRecipients<K extends CandidateKey = CandidateKey> {
  /** Those of the candidates that it is sealed to. */
  readonly keys: readonly K[];
  /** How many more it is sealed to. */
  readonly others: number;
  /** Whether it is text, rather than the binary form of age or OpenPGP. */
  readonly armor: boolean;
}

/**
 * Tells which of `candidates` a message is sealed to: a message names its recipients only by
 * fingerprints, in age's format of four bytes, in OpenPGP's of eight. Nothing of it is
 * authenticated, so that a message from somebody else can name a candidate that does not open it.
 *
 * @param message in any format, also as chat and mail programs leave it
 * @throws SealingError `UNKNOWN_FORMAT`, `MALFORMED_MESSAGE`
 */
export function knownRecipients<K extends CandidateKey>(
  message: Uint8Array,
  candidates: readonly K[],
): KnownRecipients<K> {
  const recovered = recoverMessage(message);
  const { format, stanzas } = readHeader(recovered);
  const marks = candidates.map((key) => ({ key, names: namesOf(key, format) }));
  const keys = new Map<string | null, K>();
  let others = 0;
  for (const { type, args } of stanzas) {
    if (type === SIGNATURE_STANZA) continue;
    // The programs of age put such stanzas in at random, for nobody.
    if (type.endsWith("-grease")) continue;
    const found = marks.find(({ names }) => args[0] !== undefined && names.includes(args[0]));
    if (found === undefined) others += 1;
    else keys.set(found.key.fingerprint, found.key);
  }
  return { keys: [...keys.values()], others, armor: format === "ssh-vault" || recovered[0] === "-".charCodeAt(0) };
}

/**
 * The public keys that gpg, where it is installed, has of those that an OpenPGP message is sealed
 * to: candidates for `knownRecipients`.
 *
 * @throws SealingError `UNKNOWN_FORMAT`, `MALFORMED_MESSAGE`
 */
export async function openPgpRecipients(message: Uint8Array): Promise<OpenPgpKeyEntry[]> {
  const { stanzas } = readHeader(recoverMessage(message));
  const keyIds = stanzas.flatMap(({ args: [keyId = ""] }) => (/^0*$/.test(keyId) ? [] : [keyId]));
  const { exportByGpg } = await import("../identities/gpg.ts");
  try {
    return await readOpenPgpKeys(await exportByGpg(keyIds));
  } catch (error) {
    if (error instanceof SharingError && error.code === "GPG_MISSING") return [];
    throw error;
  }
}

/** How a message of that format names a key. */
function namesOf(key: CandidateKey, format: Format): readonly string[] {
  if (key.type === "openpgp") return key.key?.key.getKeyIDs().map((keyId) => keyId.toHex().toUpperCase()) ?? [];
  return [format === "ssh-vault" ? sshVaultFingerprint(key) : sshTag(key)];
}
