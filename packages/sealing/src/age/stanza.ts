/** A header entry: whom the message key is wrapped to (C2SP age.md, "Recipient stanza"). */
export interface Stanza {
  /** What kind of entry it is, such as `ssh-ed25519`; unknown kinds are skipped. */
  readonly type: string;
  /** Its further arguments: one or more visible ASCII characters each. */
  readonly args: readonly string[];
  /** The wrapped message key. */
  readonly body: Buffer;
}

/** The type of the stanza that holds the sender's signature, and is for nobody. */
export const SIGNATURE_STANZA = "git-vault/signature";

/** The types by which messages of other formats say whom they are for, and what is for nobody. */
export const NOT_OF_AGE: ReadonlySet<string> = new Set([
  "CHACHA20-POLY1305",
  "AES256",
  "openpgp",
  "openpgp-passphrase",
  SIGNATURE_STANZA,
]);

/** Whom a message can be sealed to. */
export interface Recipient {
  /** Recipients with the same one count once; a recipient without one is equal only to itself. */
  readonly id?: string;
  /**
   * What all recipients of one message must have in common, such as `postquantum`: recipients with
   * other labels are refused beside this one. None by default. They are read after `wrapFileKey`.
   */
  readonly labels?: readonly string[];
  /**
   * Wraps the 16-byte file key of one age message, into at least one stanza. The file key is the
   * caller's: it must not be kept or changed.
   *
   * Throws SealingError `UNUSABLE_RECIPIENT` if nothing can be sealed to this recipient.
   */
  wrapFileKey(fileKey: Buffer): Stanza[] | Promise<Stanza[]>;
}

/**
 * Whether an identity may stop to ask a person for a passphrase: `never`, `on-match` (only for a
 * message that is addressed to it) or `always` (for any message of its kind, since only the
 * unlocked key tells its public half).
 */
export type Asks = "never" | "on-match" | "always";

/** What can open a message. */
export interface Identity {
  /** Identities that ask less are tried first; `never` by default. */
  readonly asks?: Asks;
  /**
   * The message key that one of the stanzas holds for this identity, in a new Buffer that the
   * caller overwrites; null if no stanza is for this identity, or none that seems to be can be
   * unwrapped.
   *
   * Throws SealingError `MALFORMED_MESSAGE` if a stanza for this identity has the wrong shape and
   * no other one opens. Errors from unlocking a private key pass through.
   */
  unwrapFileKey(stanzas: readonly Stanza[]): Promise<Buffer | null>;
  /**
   * Why `unwrapFileKey` returned null for these stanzas: one clause that names the identity and
   * holds no secret, such as "SHA256:… is not one of the recipients". It is reported if no identity
   * opens the message. Null if the identity was not tried at all.
   */
  whyNot?(stanzas: readonly Stanza[]): string | null;
}
