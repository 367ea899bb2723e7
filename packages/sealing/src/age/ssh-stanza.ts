import type { PrivateKey, SshPublicKey } from "@git-vault/keys";
import type { Stanza } from "./stanza.ts";

/** Unwraps the message key that one stanza holds; null where the private key does not open it. */
type Unwrap = (privateKey: PrivateKey) => Buffer | null;

/**
 * Reads one kind of stanza that is addressed to an SSH key: null where it is addressed to another
 * key.
 *
 * Throws SealingError `MALFORMED_MESSAGE` where it is addressed to this key and has the wrong
 * shape. The `Unwrap` it gives may throw that too.
 */
export type StanzaReader = (stanza: Stanza, publicKey: SshPublicKey) => Unwrap | null;
