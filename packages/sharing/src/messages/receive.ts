import { createHash } from "node:crypto";
import { assertBytes, isVaultError, type VaultError } from "@git-vault/core";
import {
  createOpener,
  messagesIn,
  open,
  readHeader,
  SealingError,
  type Format,
  type AttachedSignature,
  type MessageSignature,
  type Opener,
  type PayloadState,
  type Stanza,
} from "@git-vault/sealing";
import {
  findLocalIdentities,
  type LocalIdentities,
  type OpenedWith,
  type PassphraseRequest,
  type ReceiveOptions,
} from "../identities/local-identities.ts";
import { MAX_SIGNED_BYTES } from "./share.ts";

/** An opened message. */
export interface Received {
  /** Secret: overwrite it with zeros when done. */
  readonly plaintext: Buffer;
  readonly format: Format;
  readonly openedWith: OpenedWith;
  /**
   * Who signed the message, verified as `verifyMessage` does; null where nobody did. Whether the
   * key is that of whom the signature names, `checkSigner` tells.
   */
  readonly signature: MessageSignature | null;
}

/**
 * Opens a sealed message of any format, also as chat and mail programs leave it, with the private
 * keys of this machine. Of several messages in one text, it is the first that opens. An OpenPGP
 * message is opened by the key files that are named, or where none is by the gpg that is installed.
 * A signature in it is not checked.
 *
 * @throws SealingError `NO_IDENTITY_MATCHED`, whose hint says what was tried; `BAD_SIGNATURE`; else
 * as `open` does
 * @throws KeyError `WRONG_PASSPHRASE` after three attempts; for a key file that was named, also
 * what is wrong with it
 * @throws SharingError `KEY_FILE_UNREADABLE` for a key file that was named; `GPG_MISSING`,
 * `GPG_FAILED`
 */
export async function receive(message: Uint8Array, options: ReceiveOptions): Promise<Received> {
  assertBytes("message", message);
  const isNamed = options.keyFiles !== undefined || options.key !== undefined;
  const opener = new CandidateOpener(options);
  const attempts = new Attempts();
  let failure: unknown;
  try {
    for (const candidate of messagesIn(message)) {
      try {
        const { format, stanzas } = readHeader(candidate);
        if (!attempts.admit(format, stanzas)) continue;
        return format === "openpgp" && !isNamed ? await receiveByGpg(candidate, options) : await opener.open(candidate);
      } catch (error) {
        if (!isVaultError(error) || !MAY_GO_ON.has(error.code)) throw error;
        if (error.code === "NO_IDENTITY_MATCHED") attempts.refuseLast();
        failure = worse(failure, error);
      }
    }
    // What is no message at all is told of in the words for what it seems to be.
    if (failure === undefined) readHeader(message);
    throw failure;
  } finally {
    opener.close();
  }
}

/** How many messages of one text are tried. */
const MAX_TRIED = 64;
/** To how many recipients they are sealed in all: to as many as two messages can have. */
const MAX_RECIPIENTS = 2048;

/** Which messages of a text are tried: each recipient may cost an operation with a private key. */
class Attempts {
  #messages = 0;
  #recipients = 0;
  #last: readonly Stanza[] | null = null;
  /** The recipients of those that no key here opens, of which a text may have several readings. */
  readonly #refused = new Set<string>();

  admit(format: Format, stanzas: readonly Stanza[]): boolean {
    // A stanza of OpenPGP's has less than the message says of a recipient.
    this.#last = format === "openpgp" ? null : stanzas;
    if (this.#last !== null && this.#refused.size > 0 && this.#refused.has(markOf(this.#last))) return false;
    if (this.#messages === MAX_TRIED || this.#recipients + stanzas.length > MAX_RECIPIENTS) return false;
    this.#messages += 1;
    this.#recipients += stanzas.length;
    return true;
  }

  /** No key here opens what was admitted last. */
  refuseLast(): void {
    if (this.#last !== null) this.#refused.add(markOf(this.#last));
  }
}

function markOf(stanzas: readonly Stanza[]): string {
  const digest = createHash("sha256");
  for (const { type, args, body } of stanzas) digest.update(JSON.stringify([type, args, body.toString("base64")]));
  return digest.digest("hex");
}

/** What one message of a text may fail with, that another one need not; the most telling first. */
const RANKS = ["TAMPERED_MESSAGE", "BAD_SIGNATURE", "NO_IDENTITY_MATCHED", "UNPROTECTED_MESSAGE", "MALFORMED_MESSAGE"];
const MAY_GO_ON: ReadonlySet<string> = new Set([...RANKS, "UNKNOWN_FORMAT"]);

const rankOf = (error: unknown): number =>
  isVaultError(error) && RANKS.includes(error.code) ? RANKS.indexOf(error.code) : RANKS.length;

const worse = (known: unknown, next: VaultError): unknown =>
  known === undefined || rankOf(next) < rankOf(known) ? next : known;

/** Opens the messages of one text: keys are looked for, and passphrases asked for, once. */
class CandidateOpener {
  readonly #options: ReceiveOptions;
  #local: LocalIdentities | undefined;
  #passphrase: Buffer | undefined;

  constructor(options: ReceiveOptions) {
    this.#options = options;
  }

  async open(message: Buffer): Promise<Received> {
    const local = (this.#local ??= await findLocalIdentities({
      ...this.#options,
      passphrase: async (request) => this.#ask(request),
    }));
    try {
      const { plaintext, format, identity, signature } = await open(message, local.identities);
      const openedWith = await local.openedWith(identity);
      return { plaintext, format, openedWith, signature: await verified(signature, plaintext, openedWith) };
    } catch (error) {
      throw await explained(error, message, local);
    }
  }

  close(): void {
    this.#local?.lock();
    this.#passphrase?.fill(0);
  }

  /** Another reading of the same message is sealed to the same passphrase. */
  async #ask(request: PassphraseRequest): Promise<Uint8Array> {
    if (request.path !== null) return this.#options.passphrase(request);
    if (request.attempt === 1 && this.#passphrase !== undefined) return this.#passphrase;
    const answer = await this.#options.passphrase(request);
    this.#passphrase = Buffer.from(answer);
    return answer;
  }
}

/** The error to throw for one from opening: `NO_IDENTITY_MATCHED` says which key is wanted. */
async function explained(error: unknown, message: Uint8Array, local: LocalIdentities): Promise<unknown> {
  if (!(error instanceof SealingError) || error.code !== "NO_IDENTITY_MATCHED") return error;
  const { explainNoIdentity } = await import("./no-identity.ts");
  return explainNoIdentity(error, message, local);
}

/** Most messages are not signed. */
async function verified(
  signature: AttachedSignature | null,
  plaintext: Buffer,
  openedWith: OpenedWith,
): Promise<MessageSignature | null> {
  if (signature === null) return null;
  const { verifyPlaintext } = await import("./sign-message.ts");
  return verifyPlaintext(signature, plaintext, openedWith);
}

async function receiveByGpg(message: Buffer, { gpg }: ReceiveOptions): Promise<Received> {
  const { decryptByGpg } = await import("../identities/gpg.ts");
  const { plaintext, fingerprint } = await decryptByGpg(message, gpg);
  return { plaintext, format: "openpgp", openedWith: { path: null, fingerprint, publicKey: null }, signature: null };
}

const NONE: Buffer = Buffer.alloc(0);

/**
 * Opens a message of any size piece by piece, with the private keys of this machine; gpg is not
 * asked. One that is signed, which has at most 16 MiB, is held until its signature was verified in
 * `finish`.
 */
export class Receiver {
  readonly #local: LocalIdentities;
  readonly #opener: Opener;
  /** The plaintext of a signed message so far. */
  #held: Buffer[] = [];
  #heldBytes = 0;
  #signature: MessageSignature | null = null;

  private constructor(local: LocalIdentities) {
    this.#local = local;
    this.#opener = createOpener(local.identities);
  }

  /** @throws what `receive` does for a key file that was named */
  static async start(options: ReceiveOptions): Promise<Receiver> {
    return new Receiver(await findLocalIdentities(options));
  }

  /**
   * Takes bytes of the message in, and gives the plaintext that is ready: authentic, but whole only
   * when `finish` said so. The message must be as it was sealed: what chat and mail do to a text is
   * not undone here.
   *
   * @throws what `receive` does
   */
  push(message: Uint8Array): Promise<Buffer> {
    return this.#explained(message, async () => {
      const plaintext = await this.#opener.push(message);
      if (this.#opener.signature === null) return plaintext;
      this.#hold(plaintext);
      return NONE;
    });
  }

  /**
   * Tells that all of the message came, and gives the rest of it.
   *
   * @throws what `receive` does; until it was called, the message may have been cut short
   */
  finish(): Promise<Buffer> {
    return this.#explained(NONE, async () => {
      const rest = await this.#opener.finish();
      const { signature, identity } = this.#opener;
      if (signature === null || identity === null) return rest;
      this.#hold(rest);
      const plaintext = Buffer.concat(this.#held);
      this.#forget();
      this.#signature = await verified(signature, plaintext, await this.#local.openedWith(identity));
      return plaintext;
    });
  }

  /** Whether the message bears a signature, once its header came. */
  get isSigned(): boolean {
    return this.#opener.signature !== null;
  }

  /** As `Opener.handOver`; null for a message that is signed. */
  handOver(): PayloadState | null {
    return this.#opener.signature === null ? this.#opener.handOver() : null;
  }

  /** What is known after the header, and of the signature after `finish`; else TypeError. */
  async about(): Promise<Omit<Received, "plaintext">> {
    const { format, identity } = this.#opener;
    if (format === null || identity === null) throw new TypeError("the header of the message did not come yet");
    return { format, openedWith: await this.#local.openedWith(identity), signature: this.#signature };
  }

  /** Forgets the keys that were unlocked. */
  lock(): void {
    this.#forget();
    this.#local.lock();
  }

  #hold(plaintext: Buffer): void {
    this.#held.push(plaintext);
    this.#heldBytes += plaintext.length;
    if (this.#heldBytes <= MAX_SIGNED_BYTES) return;
    throw new SealingError("BAD_SIGNATURE", "the message is signed, and longer than a signed message can be");
  }

  #forget(): void {
    for (const piece of this.#held) piece.fill(0);
    this.#held = [];
  }

  async #explained(start: Uint8Array, step: () => Promise<Buffer>): Promise<Buffer> {
    try {
      return await step();
    } catch (error) {
      throw await explained(error, start, this.#local);
    }
  }
}
