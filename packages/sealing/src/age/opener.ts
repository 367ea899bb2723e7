import { assertBytes } from "@git-vault/core";
import { Buffer } from "@git-vault/core/bytes";
import { GrowingBytes, joinSecrets } from "../buffers.ts";
import type { Format } from "../formats.ts";
import { malformed, tampered } from "../errors.ts";
import { tryIdentities } from "./try-identities.ts";
import { ArmorDecoder } from "./armor.ts";
import type { AttachedSignature } from "./attached-signature.ts";
import { FILE_KEY_BYTES } from "./file-key.ts";
import { headerMacMatches, MAX_HEADER_BYTES, parseHeader, type AgeHeader } from "./header.ts";
import { PayloadOpener, type PayloadState } from "./payload.ts";
import { SIGNATURE_STANZA, type Identity } from "./stanza.ts";

/** Opens one message of any size, holding no more than its header and one chunk of 64 KiB. */
export interface Opener {
  /** The message's format; null until enough of it came. */
  readonly format: Format | null;
  /** The identity that opens the message; null until its whole header came. */
  readonly identity: Identity | null;
  /**
   * The sender's signature, still to be verified by `verifyMessage`; null if there is none, or the
   * header did not come yet.
   */
  readonly signature: AttachedSignature | null;
  /**
   * Takes bytes of the message, however they are cut, and returns the plaintext that is ready,
   * which may be none. All of it is authentic, but only `finish` tells that the message is whole.
   * After the push that brings the end of the header, in which the identities are tried, nothing is
   * waited for: a loop of reading, pushing and writing in steps of 1 MiB is about the fastest.
   *
   * A message in ssh-vault's or OpenPGP's format can only be authenticated as a whole: it is held
   * until `finish`. An OpenPGP message may have at most 16 MiB.
   *
   * Throws what `open` does; after that the opener is spent. Call it again only after the last
   * promise was fulfilled.
   */
  push(message: Uint8Array): Promise<Buffer>;
  /**
   * Says that the message is complete, and returns the rest of the plaintext.
   *
   * Throws what `open` does: until it is called, the message may have been cut short.
   */
  finish(): Promise<Buffer>;
  /**
   * Returns how far a message in age's binary format is, for a caller that continues it with
   * `openChunks` in threads of its own; null for any other message, or before its header came.
   * After that the opener is spent.
   */
  handOver(): PayloadState | null;
}

const NONE: Buffer = Buffer.alloc(0);
const BINARY_START = "a".charCodeAt(0);
const MAC_LINE = Buffer.from("\n---");

/** What all openers do: they are spent once they finished or failed. */
export abstract class OnceOpener implements Opener {
  abstract readonly format: Format | null;
  abstract readonly identity: Identity | null;
  abstract readonly signature: AttachedSignature | null;
  #isSpent = false;

  /** @param isWhole whether this is all of the message: then a truncated armor is refused first */
  abstract take(message: Uint8Array, isWhole: boolean): Promise<Buffer>;

  abstract end(): Promise<Buffer>;

  abstract state(): PayloadState | null;

  async push(message: Uint8Array, isWhole = false): Promise<Buffer> {
    assertBytes("message", message);
    return this.#spentOnError(() => this.take(message, isWhole));
  }

  async finish(): Promise<Buffer> {
    const rest = await this.#spentOnError(() => this.end());
    this.#isSpent = true;
    return rest;
  }

  handOver(): PayloadState | null {
    const state = this.#isSpent ? null : this.state();
    this.#isSpent ||= state !== null;
    return state;
  }

  async #spentOnError(step: () => Promise<Buffer>): Promise<Buffer> {
    if (this.#isSpent) throw new TypeError("the opener is spent: it has finished or failed");
    this.#isSpent = true;
    const plaintext = await step();
    this.#isSpent = false;
    return plaintext;
  }
}

/** Opens a message in age's format, binary or armored as its first byte tells. */
export class AgeOpener extends OnceOpener {
  readonly format: Format = "age";
  identity: Identity | null = null;
  signature: AttachedSignature | null = null;
  readonly #identities: readonly Identity[];
  /** The header, as far as it came. */
  readonly #held = new GrowingBytes();
  /** Where in it the header's last line begins. */
  #macLine: number | null = null;
  /** Undefined before the first byte; null for a binary message. */
  #armor: ArmorDecoder | null | undefined = undefined;
  #payload: PayloadOpener | null = null;

  constructor(identities: readonly Identity[]) {
    super();
    this.#identities = identities;
  }

  state(): PayloadState | null {
    return this.#armor === null ? (this.#payload?.handOver() ?? null) : null;
  }

  async take(message: Uint8Array, isWhole: boolean): Promise<Buffer> {
    if (message.length > 0 && this.#armor === undefined) {
      this.#armor = message[0] === BINARY_START ? null : new ArmorDecoder();
    }
    const binary = this.#armor ? this.#armor.push(message) : message;
    if (isWhole) this.#armor?.finish();
    if (this.#payload !== null) return this.#payload.push(binary);
    const before = this.#held.length;
    // One byte over the maximum shows that it is too long.
    this.#held.append(binary.subarray(0, MAX_HEADER_BYTES + 1 - before));
    const { bytes } = this.#held;
    // The search begins a little before the end of the last one, since the mark may have been cut.
    this.#macLine ??= indexOrNull(bytes.indexOf(MAC_LINE, Math.max(0, before - MAC_LINE.length)));
    const hasEnd = this.#macLine !== null && bytes.includes("\n", Math.max(this.#macLine + 1, before));
    if (!hasEnd && bytes.length <= MAX_HEADER_BYTES) return NONE;
    const header = parseHeader(bytes);
    this.#payload = await this.#beginPayload(header);
    this.#held.take();
    return this.#payload.push(binary.subarray(header.length - before));
  }

  async #beginPayload(header: AgeHeader): Promise<PayloadOpener> {
    const { fileKey, identity } = await tryIdentities(header.stanzas, this.#identities);
    try {
      if (fileKey.length !== FILE_KEY_BYTES) throw malformed(keyLength(fileKey, FILE_KEY_BYTES));
      if (!headerMacMatches(header, fileKey)) throw tampered("its header does not match its MAC");
      this.identity = identity;
      if (header.stanzas.some(({ type }) => type === SIGNATURE_STANZA)) {
        const { openSignature } = await import("./attached-signature.ts");
        this.signature = openSignature(fileKey, header.stanzas);
      }
      return new PayloadOpener(fileKey);
    } finally {
      fileKey.fill(0);
    }
  }

  async end(): Promise<Buffer> {
    this.#armor?.finish();
    if (this.#payload !== null) return this.#payload.final();
    parseHeader(this.#held.bytes);
    throw malformed("it ends within its header");
  }
}

const indexOrNull = (index: number): number | null => (index === -1 ? null : index);

/** What is wrong with a message key of another length. */
export const keyLength = ({ length }: Buffer, expected: number): string =>
  `its message key is ${length} bytes instead of ${expected}`;

/** Gives all of a message to an opener, and what that gives as soon as it is there. */
export async function* streamThrough(
  opener: Opener,
  message: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Buffer, void, undefined> {
  for await (const piece of message) {
    const ready = await opener.push(piece);
    if (ready.length > 0) yield ready;
  }
  const rest = await opener.finish();
  if (rest.length > 0) yield rest;
}

/** An opened message. */
export interface Opened {
  /** What was sealed. Secret: overwrite it with zeros when done. */
  readonly plaintext: Buffer;
  readonly format: Format;
  /** The identity that opened it. */
  readonly identity: Identity;
  /** The sender's signature, still to be verified by `verifyMessage`; null if there is none. */
  readonly signature: AttachedSignature | null;
}

/** Gives the whole of a message to an opener. */
export async function openWhole(opener: OnceOpener, message: Uint8Array): Promise<Opened> {
  const start = await opener.push(message, true);
  const end = await opener.finish();
  const { format, identity, signature } = opener;
  if (format === null || identity === null) throw malformed("it ends within its header");
  return { plaintext: joinSecrets(start, end), format, identity, signature };
}
