import type { SshPublicKey } from "@git-vault/keys";
import {
  readHeader,
  recoverMessage,
  SealingError,
  SIGNATURE_STANZA,
  SshRecipient,
  sshVaultFingerprint,
} from "@git-vault/sealing";

/** What can be told of whom a message is sealed to. */
export interface KnownRecipients {
  /** Those of the candidates that it is sealed to. */
  readonly keys: readonly SshPublicKey[];
  /** How many more it is sealed to. */
  readonly others: number;
  /** Whether it is text, rather than age's binary form. */
  readonly armor: boolean;
}

/**
 * Tells which of `candidates` a message is sealed to: a message names its recipients only by fingerprints, in age's format of four
 * bytes. Nothing of it is authenticated, so that a message from somebody else can name a candidate that does not open it.
 *
 * @param message in any format, also as chat and mail programs leave it
 * @throws SealingError `UNKNOWN_FORMAT`, `MALFORMED_MESSAGE`
 */
export function knownRecipients(message: Uint8Array, candidates: readonly SshPublicKey[]): KnownRecipients {
  const recovered = recoverMessage(message);
  const { format, stanzas } = readHeader(recovered);
  const marks = candidates.map((key) => ({
    key,
    mark: format === "ssh-vault" ? sshVaultFingerprint(key) : tagOf(key),
  }));
  const keys = new Map<string, SshPublicKey>();
  let others = 0;
  for (const { type, args } of stanzas) {
    if (type === SIGNATURE_STANZA) continue;
    if (type.endsWith("-grease")) continue; // age's programs put such stanzas in at random, for nobody
    const found = marks.find(({ mark }) => mark !== null && mark === args[0]);
    if (found === undefined) others += 1;
    else keys.set(found.key.fingerprint, found.key);
  }
  return { keys: [...keys.values()], others, armor: format === "ssh-vault" || recovered[0] === "-".charCodeAt(0) };
}

/** How age names a key; null for a key that nothing can be sealed to. */
function tagOf(key: SshPublicKey): string | null {
  try {
    // The name is in the stanza of any message to the key.
    const [stanza] = new SshRecipient(key, { allowWeak: true }).wrapFileKey(Buffer.alloc(16));
    return stanza?.args[0] ?? null;
  } catch (error) {
    if (error instanceof SealingError) return null;
    throw error;
  }
}
