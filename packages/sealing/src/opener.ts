import { AgeOpener, keyLength, OnceOpener, streamThrough, type Opener } from "./age/opener.ts";
import type { PayloadState } from "./age/payload.ts";
import type { AttachedSignature } from "./age/attached-signature.ts";
import { detectFormat, LOOK_BYTES, unknownFormat } from "./detect.ts";
import type { Format } from "./formats.ts";
import { GrowingBytes } from "./buffers.ts";
import { malformed, SealingError } from "./errors.ts";
import { openOpenPgpData } from "./openpgp/identity.ts";
import { MAX_OPENPGP_MESSAGE, parseOpenPgp } from "./openpgp/message.ts";
import { openVault, parseVault } from "./ssh-vault/format.ts";
import { PASSWORD_BYTES } from "./ssh-vault/stanzas.ts";
import type { Identity } from "./age/stanza.ts";
import { tryIdentities } from "./age/try-identities.ts";

/** Begins to open a message in any of the formats: see `open` for how the identities are tried. */
export function createOpener(identities: readonly Identity[]): Opener {
  return new MessageOpener(identities);
}

/**
 * Opens what a source yields, such as a Node stream: `pipeline(source, (pieces) =>
 * openStream(pieces, identities), destination)`.
 */
export function openStream(
  message: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  identities: readonly Identity[],
): AsyncGenerator<Buffer, void, undefined> {
  return streamThrough(createOpener(identities), message);
}

const NONE: Buffer = Buffer.alloc(0);

/** What `createOpener` returns; `open` uses it as well. */
export class MessageOpener extends OnceOpener {
  format: Format | null = null;
  readonly #identities: readonly Identity[];
  /** What opens the message once it is known to be in age's format. */
  readonly #age: AgeOpener;
  /** What opened a message in another format. */
  #identity: Identity | null = null;
  /** The start; all of ssh-vault or OpenPGP messages. */
  readonly #held = new GrowingBytes();

  constructor(identities: readonly Identity[]) {
    super();
    this.#identities = identities;
    this.#age = new AgeOpener(identities);
  }

  get identity(): Identity | null {
    return this.#identity ?? this.#age.identity;
  }

  get signature(): AttachedSignature | null {
    return this.#age.signature;
  }

  state(): PayloadState | null {
    return this.#age.state();
  }

  async take(message: Uint8Array, isWhole: boolean): Promise<Buffer> {
    if (this.format === "age") return this.#age.take(message, isWhole);
    if (this.#held.length > 0 || this.format !== null) this.#held.append(message);
    if (this.format === "openpgp") refuseLarge(this.#held.length);
    if (this.format !== null) return NONE;
    const start = this.#held.length > 0 ? this.#held.bytes : message;
    this.format = detectFormat(start);
    if (this.format === "age") {
      this.#held.take();
      return this.#age.take(start, isWhole);
    }
    if (this.format === null && start.length >= LOOK_BYTES) throw unknownFormat(start);
    if (this.#held.length === 0) this.#held.append(start);
    if (this.format === "openpgp") refuseLarge(this.#held.length);
    return NONE;
  }

  async end(): Promise<Buffer> {
    if (this.format === null) throw unknownFormat(this.#held.bytes);
    if (this.format === "ssh-vault") return this.#openVault();
    if (this.format === "openpgp") return this.#openOpenPgp();
    return this.#age.end();
  }

  async #openVault(): Promise<Buffer> {
    const vault = parseVault(this.#held.bytes.toString("latin1"));
    const { fileKey, identity } = await tryIdentities([vault.stanza], this.#identities);
    try {
      if (fileKey.length !== PASSWORD_BYTES) throw malformed(keyLength(fileKey, PASSWORD_BYTES));
      this.#identity = identity;
      return openVault(vault, fileKey);
    } finally {
      fileKey.fill(0);
    }
  }

  async #openOpenPgp(): Promise<Buffer> {
    const { stanzas, data } = parseOpenPgp(this.#held.bytes);
    const { fileKey: sessionKey, identity } = await tryIdentities(stanzas, this.#identities);
    try {
      this.#identity = identity;
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
