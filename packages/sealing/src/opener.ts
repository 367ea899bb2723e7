import { assertBytes } from "@git-vault/core";
import { headerMacMatches, MAX_HEADER_BYTES, parseHeader, type AgeHeader } from "./age/header.ts";
import { PayloadOpener, type PayloadState } from "./age/payload.ts";
import { ArmorDecoder } from "./age/armor.ts";
import type { AttachedSignature } from "./age/attached-signature.ts";
import { detectFormat, LOOK_BYTES, unknownFormat, type Format } from "./detect.ts";
import { FILE_KEY_BYTES } from "./age/file-key.ts";
import { GrowingBytes } from "./buffers.ts";
import { malformed, tampered, SealingError } from "./errors.ts";
import { openOpenPgpData } from "./openpgp/identity.ts";
import { MAX_OPENPGP_MESSAGE, parseOpenPgp } from "./openpgp/message.ts";
import { openVault, parseVault } from "./ssh-vault/format.ts";
import { PASSWORD_BYTES } from "./ssh-vault/stanzas.ts";
import { SIGNATURE_STANZA, type Identity } from "./age/stanza.ts";
import { tryIdentities } from "./try-identities.ts";

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

/** Begins to open a message in any of the formats: see `open` for how the identities are tried. */
export function createOpener(identities: readonly Identity[]): Opener {
  return new MessageOpener(identities);
}

/**
 * Opens what a source yields, such as a Node stream: `pipeline(source, (pieces) =>
 * openStream(pieces, identities), destination)`.
 */
export async function* openStream(
  message: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  identities: readonly Identity[],
): AsyncGenerator<Buffer, void, undefined> {
  const opener = createOpener(identities);
  for await (const piece of message) {
    const ready = await opener.push(piece);
    if (ready.length > 0) yield ready;
  }
  const rest = await opener.finish();
  if (rest.length > 0) yield rest;
}

const NONE: Buffer = Buffer.alloc(0);
const BINARY_START = "a".charCodeAt(0);
const MAC_LINE = Buffer.from("\n---");

/** What `createOpener` returns; `open` uses it as well. */
export class MessageOpener implements Opener {
  format: Format | null = null;
  identity: Identity | null = null;
  signature: AttachedSignature | null = null;
  readonly #identities: readonly Identity[];
  /** What cannot be opened yet: start, header; all of ssh-vault or OpenPGP messages. */
  readonly #held = new GrowingBytes();
  /** Where in it the header's last line begins. */
  #macLine: number | null = null;
  #armor: ArmorDecoder | null = null;
  #payload: PayloadOpener | null = null;
  #isSpent = false;

  constructor(identities: readonly Identity[]) {
    this.#identities = identities;
  }

  async push(message: Uint8Array): Promise<Buffer> {
    assertBytes("message", message);
    return this.#spentOnError(() => this.#push(message, false));
  }

  /** The whole input at once: a truncated armor is refused before any identity is tried. */
  async pushWhole(message: Uint8Array): Promise<Buffer> {
    assertBytes("message", message);
    return this.#spentOnError(() => this.#push(message, true));
  }

  async finish(): Promise<Buffer> {
    const rest = await this.#spentOnError(() => this.#finish());
    this.#isSpent = true;
    return rest;
  }

  handOver(): PayloadState | null {
    if (this.#isSpent || this.#armor !== null) return null;
    const state = this.#payload?.handOver() ?? null;
    if (state !== null) this.#isSpent = true;
    return state;
  }

  async #spentOnError(step: () => Promise<Buffer>): Promise<Buffer> {
    if (this.#isSpent) throw new TypeError("the opener is spent: it has finished or failed");
    this.#isSpent = true;
    const plaintext = await step();
    this.#isSpent = false;
    return plaintext;
  }

  async #push(message: Uint8Array, isWhole: boolean): Promise<Buffer> {
    if (this.format === "age") return this.#pushAge(message, isWhole);
    if (this.#held.length > 0 || this.format !== null) this.#held.append(message);
    if (this.format === "openpgp") refuseLarge(this.#held.length);
    if (this.format !== null) return NONE;
    const start = this.#held.length > 0 ? this.#held.bytes : message;
    this.format = detectFormat(start);
    if (this.format === "age") {
      if (start[0] !== BINARY_START) this.#armor = new ArmorDecoder();
      this.#held.take();
      return this.#pushAge(start, isWhole);
    }
    if (this.format === null && start.length >= LOOK_BYTES) throw unknownFormat(start);
    if (this.#held.length === 0) this.#held.append(start);
    if (this.format === "openpgp") refuseLarge(this.#held.length);
    return NONE;
  }

  async #pushAge(message: Uint8Array, isWhole: boolean): Promise<Buffer> {
    const binary = this.#armor === null ? message : this.#armor.push(message);
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
      assertLength(fileKey, FILE_KEY_BYTES);
      if (!headerMacMatches(header, fileKey)) throw tampered("its header does not match its MAC");
      this.identity = identity;
      if (header.stanzas.some(({ type }) => type === SIGNATURE_STANZA)) {
        const { openSignature } = await import("./age/attached-signature.ts");
        this.signature = openSignature(fileKey, header.stanzas);
      }
      return new PayloadOpener(fileKey);
    } finally {
      fileKey.fill(0);
    }
  }

  async #finish(): Promise<Buffer> {
    if (this.format === null) throw unknownFormat(this.#held.bytes);
    if (this.format === "ssh-vault") return this.#openVault();
    if (this.format === "openpgp") return this.#openOpenPgp();
    this.#armor?.finish();
    if (this.#payload !== null) return this.#payload.final();
    parseHeader(this.#held.bytes);
    throw malformed("it ends within its header");
  }

  async #openVault(): Promise<Buffer> {
    const vault = parseVault(this.#held.bytes.toString("latin1"));
    const { fileKey, identity } = await tryIdentities([vault.stanza], this.#identities);
    try {
      assertLength(fileKey, PASSWORD_BYTES);
      this.identity = identity;
      return openVault(vault, fileKey);
    } finally {
      fileKey.fill(0);
    }
  }

  async #openOpenPgp(): Promise<Buffer> {
    const { stanzas, data } = parseOpenPgp(this.#held.bytes);
    const { fileKey: sessionKey, identity } = await tryIdentities(stanzas, this.#identities);
    try {
      this.identity = identity;
      return await openOpenPgpData(data, sessionKey);
    } finally {
      sessionKey.fill(0);
    }
  }
}

const refuseLarge = (length: number): void => {
  if (length <= MAX_OPENPGP_MESSAGE) return;
  throw new SealingError("TOO_LARGE", `expected an OpenPGP message of at most ${MAX_OPENPGP_MESSAGE} bytes, got more`, {
    hint: "open it with gpg --decrypt",
  });
};

const indexOrNull = (index: number): number | null => (index === -1 ? null : index);

const assertLength = (fileKey: Buffer, expected: number): void => {
  if (fileKey.length !== expected) throw malformed(`its message key is ${fileKey.length} bytes instead of ${expected}`);
};
