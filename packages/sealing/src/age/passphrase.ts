import { assertBytes, assertInteger } from "@git-vault/core";
import { MAX_ATTEMPTS, type AskPassphrase } from "../ask-passphrase.ts";
import { SealingError } from "../errors.ts";
import type { Asks, Identity, Recipient, Stanza } from "./stanza.ts";

/** 2^18: 256 MiB and about a second, as in age. */
const DEFAULT_WORK_FACTOR = 18;
/** 2^20: 1 GiB. A hostile message could ask for any amount. */
const DEFAULT_MAX_WORK_FACTOR = 20;
/** 2^30: 1 TiB. Node takes no greater N. */
const GREATEST_WORK_FACTOR = 30;

/** Seals to a passphrase (age's `scrypt` stanza). It must be the only recipient of its message. */
export class PassphraseRecipient implements Recipient {
  readonly #passphrase: Uint8Array;
  readonly #workFactor: number;

  /**
   * @param passphrase its bytes, at least one; they are not copied: overwrite them when the message
   * is sealed
   * @param options.workFactor the base-two logarithm of scrypt's N, from 1 to 30: sealing and each
   * attempt to open take 2^workFactor KiB of memory and as much time. 18 by default; age opens
   * messages of up to 22
   *
   * Throws TypeError and RangeError for arguments of the wrong type.
   */
  constructor(passphrase: Uint8Array, options: { readonly workFactor?: number } = {}) {
    assertBytes("passphrase", passphrase);
    if (passphrase.length === 0) throw new RangeError("passphrase: expected at least 1 byte, got 0");
    const { workFactor = DEFAULT_WORK_FACTOR } = options;
    assertInteger("workFactor", workFactor, 1, GREATEST_WORK_FACTOR);
    this.#passphrase = passphrase;
    this.#workFactor = workFactor;
  }

  /** Throws SealingError `WORK_FACTOR` if there is not enough memory. */
  async wrapFileKey(fileKey: Buffer): Promise<Stanza[]> {
    const { wrapToScrypt } = await import("./scrypt-stanza.ts");
    return [await wrapToScrypt(this.#passphrase, this.#workFactor, fileKey)];
  }
}

/** Opens what was sealed to a passphrase. */
export class PassphraseIdentity implements Identity {
  readonly asks: Asks;
  readonly #passphrase: Uint8Array | AskPassphrase;
  readonly #maxWorkFactor: number;

  /**
   * @param passphrase its bytes, which stay the caller's own to overwrite, or what asks for them,
   * only for a message that is sealed to a passphrase and up to three times
   * @param options.maxWorkFactor a message with a higher work factor than this, from 1 to 30, is
   * refused before any work is done. 20 by default, which takes 1 GiB of memory; each step doubles
   * that
   *
   * Throws TypeError and RangeError for arguments of the wrong type.
   */
  constructor(passphrase: Uint8Array | AskPassphrase, options: { readonly maxWorkFactor?: number } = {}) {
    if (typeof passphrase !== "function") assertBytes("passphrase", passphrase);
    const { maxWorkFactor = DEFAULT_MAX_WORK_FACTOR } = options;
    assertInteger("maxWorkFactor", maxWorkFactor, 1, GREATEST_WORK_FACTOR);
    this.asks = typeof passphrase === "function" ? "on-match" : "never";
    this.#passphrase = passphrase;
    this.#maxWorkFactor = maxWorkFactor;
  }

  /**
   * Throws SealingError `WRONG_PASSPHRASE`, `WORK_FACTOR`, `MALFORMED_MESSAGE`; what asking throws.
   */
  async unwrapFileKey(stanzas: readonly Stanza[]): Promise<Buffer | null> {
    const stanza = stanzas.find(({ type }) => type === "scrypt");
    if (stanza === undefined) return null;
    const { readScryptStanza, unwrapScrypt } = await import("./scrypt-stanza.ts");
    const parsed = readScryptStanza(stanza, this.#maxWorkFactor);
    const given = this.#passphrase;
    const attempts = typeof given === "function" ? MAX_ATTEMPTS : 1;
    for (let attempt = 1; attempt <= attempts; attempt += 1) {
      const fileKey = await unwrapScrypt(parsed, typeof given === "function" ? await given(attempt) : given);
      if (fileKey !== null) return fileKey;
    }
    throw new SealingError("WRONG_PASSPHRASE", "the message is sealed to another passphrase", {
      hint: "ask the sender for the passphrase, and mind capitals and spaces",
    });
  }

  /** Null for a passphrase that would have been asked for, since nothing was tried. */
  whyNot(): string | null {
    return this.asks === "never" ? "a passphrase was tried, but the message is not sealed to a passphrase" : null;
  }
}
