import { randomBytes, x25519PublicKey } from "#crypto";
import { assertOneOf, assertString } from "@git-vault/core";
import { decodeText, plainLines } from "@git-vault/keys";
import { lowOrder, SealingError } from "../errors.ts";
import type * as bech32 from "./bech32.ts";
import type { Identity, Recipient, Stanza } from "./stanza.ts";
import { unwrapX25519, wrapToX25519 } from "./x25519-stanza.ts";

/*
 * age's own keys (C2SP age.md, "Native recipient types"). Bech32 and ML-KEM are loaded at the first
 * use: messages to SSH keys need neither.
 */

/** `x25519` (age1…), or `hybrid` (age1pq1…), which adds post-quantum ML-KEM-768. */
export type AgeKeyKind = "x25519" | "hybrid";

/** With what only hardware opens: `tag` (age1tag1…), or `tagpq` (age1tagpq1…) as `hybrid`. */
type AgeRecipientKind = AgeKeyKind | "tag" | "tagpq";

/** An age public key. */
export interface AgeRecipient extends Recipient {
  readonly kind: AgeRecipientKind;
  /** The recipient as it is written: `age1…`, `age1pq1…`, `age1tag1…` or `age1tagpq1…`. */
  toString(): string;
}

/** An age private key. */
export interface AgeIdentity extends Identity {
  readonly kind: AgeKeyKind;
  /** The public half. */
  recipient(): Promise<AgeRecipient>;
}

/** A new key pair as it is written. */
export interface GeneratedIdentity {
  /** Secret: `AGE-SECRET-KEY-1…` or `AGE-SECRET-KEY-PQ-1…`; a line of an identity file. */
  readonly identity: string;
  /** Public: `age1…` or `age1pq1…`. */
  readonly recipient: string;
}

type ReadPlugin<P extends Identity> = (line: string, recipient: string | null) => P;

/** How recipients of a kind are written. */
interface RecipientForm {
  readonly name: AgeRecipientKind;
  readonly recipientPrefix: string;
  readonly recipientBytes: number;
}

interface Kind extends RecipientForm {
  readonly name: AgeKeyKind;
  readonly identityPrefix: string;
  readonly stanzaType: string;
}

const X25519: Kind = {
  name: "x25519",
  recipientPrefix: "age",
  identityPrefix: "age-secret-key-",
  recipientBytes: 32,
  stanzaType: "X25519",
};
const HYBRID: Kind = {
  name: "hybrid",
  recipientPrefix: "age1pq",
  identityPrefix: "age-secret-key-pq-",
  recipientBytes: 1216,
  stanzaType: "mlkem768x25519",
};
const KINDS = [HYBRID, X25519];
const TAG: RecipientForm = { name: "tag", recipientPrefix: "age1tag", recipientBytes: 33 };
const TAGPQ: RecipientForm = { name: "tagpq", recipientPrefix: "age1tagpq", recipientBytes: 1249 };
/** Every other prefix begins with that of the last. */
const RECIPIENTS: readonly RecipientForm[] = [TAGPQ, TAG, ...KINDS];

const SECRET_BYTES = 32;
const MAX_IDENTITY_FILE_BYTES = 1024 * 1024;
const WHOLE = "a recipient begins with age1 and an identity with AGE-SECRET-KEY-; copy it whole";

const malformedKey = (what: string, hint = WHOLE): SealingError => new SealingError("MALFORMED_KEY", what, { hint });

/**
 * Reads a recipient (C2SP age.md): Bech32 in lower case, without anything around it.
 *
 * Throws SealingError `MALFORMED_KEY`; TypeError if it is not a string.
 */
export async function parseRecipient(text: string): Promise<AgeRecipient> {
  assertString("recipient", text);
  const kind = RECIPIENTS.find(({ recipientPrefix }) => text.startsWith(`${recipientPrefix}1`));
  if (kind === undefined) throw malformedKey("expected an age recipient (age1…), got something else");
  const { decodeBech32 } = await import("./bech32.ts");
  const decoded = decodeBech32(text);
  if (decoded === null) throw malformedKey("the age recipient is cut short or mistyped: its checksum does not match");
  if (decoded.prefix !== kind.recipientPrefix)
    throw malformedKey("expected a native age recipient, got one for a plugin");
  if (decoded.bytes.length !== kind.recipientBytes) {
    throw malformedKey(`expected an age recipient of ${kind.recipientBytes} bytes, got ${decoded.bytes.length}`);
  }
  return new NativeRecipient(kind.name, text, decoded.bytes);
}

/**
 * Reads an identity file as age-keygen writes it: one identity in each line, in upper case; empty
 * lines and lines that begin with `#` are skipped. Line ends may be CRLF.
 *
 * Throws SealingError `MALFORMED_KEY` for any other line, for a file without an identity, and for
 * one of over 1 MiB; the message names the line's number and nothing of its content. TypeError if
 * it is neither a string nor bytes.
 */
export async function parseIdentityFile(file: Uint8Array | string): Promise<AgeIdentity[]>;
/**
 * The same, where lines may be identities of plugins as well: `AGE-PLUGIN-NAME-1…`.
 *
 * @param readPlugin makes one of such a line, and of the recipient that the comments before it say
 */
export async function parseIdentityFile<P extends Identity>(
  file: Uint8Array | string,
  readPlugin: ReadPlugin<P>,
): Promise<(AgeIdentity | P)[]>;
export async function parseIdentityFile<P extends Identity>(
  file: Uint8Array | string,
  readPlugin?: ReadPlugin<P>,
): Promise<(AgeIdentity | P)[]> {
  const text = file instanceof Uint8Array ? decodeText(file) : file;
  assertString("identity file", text);
  if (text.length > MAX_IDENTITY_FILE_BYTES) {
    const message = `expected an identity file of up to 1 MiB, got ${text.length} bytes`;
    throw malformedKey(message, "give the file that age-keygen wrote");
  }
  const codec = await import("./bech32.ts");
  const identities: (AgeIdentity | P)[] = [];
  let comments: string[] = [];
  for (const [index, whole] of text.split("\n").entries()) {
    const line = plainLines(whole.replace(/\r$/, ""))[0]?.replaceAll(/^[\s>"'`]+|["'`\s]{1,20}$/g, "") ?? "";
    if (line === "") continue;
    if (line.startsWith("#")) {
      comments.push(line);
      continue;
    }
    const isPlugins = readPlugin !== undefined && /^AGE-PLUGIN-/i.test(line);
    identities.push(isPlugins ? readPlugin(line, recipientIn(comments)) : readIdentity(codec, line, index + 1));
    comments = [];
  }
  if (identities.length === 0) throw malformedKey("expected at least one age identity in the file, got none");
  return identities;
}

/** As plugins write it: `# public key: age1…`, `#    Recipient: age1…`. */
const recipientIn = (comments: readonly string[]): string | null =>
  comments.flatMap((line) => /^#\s*(?:recipient|public key):\s*(age1\S+)\s*$/i.exec(line)?.[1] ?? []).at(-1) ?? null;

const readIdentity = (codec: typeof bech32, text: string, line: number): AgeIdentity => {
  const kind = KINDS.find(({ identityPrefix }) => text.startsWith(`${identityPrefix.toUpperCase()}1`));
  if (kind === undefined)
    throw malformedKey(`expected an age identity (AGE-SECRET-KEY-…) in line ${line}, got something else`);
  const decoded = codec.decodeBech32(text);
  if (decoded?.prefix === kind.identityPrefix && decoded.bytes.length === SECRET_BYTES) {
    return new NativeIdentity(kind, decoded.bytes, codec);
  }
  throw malformedKey(
    `the age identity in line ${line} is cut short or mistyped: its checksum or length does not match`,
  );
};

/**
 * Makes a new key pair from 32 random bytes, as age-keygen does, or as `age-keygen -pq` does for
 * `hybrid`.
 *
 * Throws RangeError for another kind.
 */
export async function generateIdentity(kind: AgeKeyKind = "x25519"): Promise<GeneratedIdentity> {
  assertOneOf("kind", kind, ["x25519", "hybrid"]);
  const codec = await import("./bech32.ts");
  const native = kind === "hybrid" ? HYBRID : X25519;
  const secret = randomBytes(SECRET_BYTES);
  const identity = codec.encodeBech32(native.identityPrefix, secret).toUpperCase();
  const recipient = await new NativeIdentity(native, secret, codec).recipient();
  secret.fill(0);
  return { identity, recipient: recipient.toString() };
}

class NativeRecipient implements AgeRecipient {
  readonly kind: AgeRecipientKind;
  readonly id: string;
  readonly labels: readonly string[];
  readonly #publicKey: Buffer;

  constructor(kind: AgeRecipientKind, text: string, publicKey: Buffer) {
    this.kind = kind;
    this.id = text;
    this.labels = kind === "hybrid" || kind === "tagpq" ? ["postquantum"] : [];
    this.#publicKey = publicKey;
  }

  toString(): string {
    return this.id;
  }

  async wrapFileKey(fileKey: Buffer): Promise<Stanza[]> {
    const stanza = await this.#wrap(fileKey);
    if (stanza === null) throw lowOrder("the age recipient is no valid public key, though its checksum is right");
    return [stanza];
  }

  async #wrap(fileKey: Buffer): Promise<Stanza | null> {
    if (this.kind === "x25519") return wrapToX25519(this.#publicKey, fileKey);
    if (this.kind === "hybrid") return (await import("./hybrid-stanza.ts")).wrapToHybrid(this.#publicKey, fileKey);
    const { wrapToHybridP256, wrapToP256 } = await import("./tagged-stanza.ts");
    return this.kind === "tag" ? wrapToP256(this.#publicKey, fileKey) : wrapToHybridP256(this.#publicKey, fileKey);
  }
}

class NativeIdentity implements AgeIdentity {
  readonly asks = "never";
  readonly kind: AgeKeyKind;
  readonly #kind: Kind;
  readonly #secret: Buffer;
  readonly #codec: typeof bech32;
  #point: Buffer | undefined;

  constructor(kind: Kind, secret: Buffer, codec: typeof bech32) {
    this.kind = kind.name;
    this.#kind = kind;
    this.#secret = secret;
    this.#codec = codec;
  }

  async recipient(): Promise<AgeRecipient> {
    const publicKey =
      this.kind === "hybrid" ? (await import("./hybrid-stanza.ts")).publicKeyOfSeed(this.#secret) : this.#ownPoint();
    return new NativeRecipient(this.kind, this.#codec.encodeBech32(this.#kind.recipientPrefix, publicKey), publicKey);
  }

  async unwrapFileKey(stanzas: readonly Stanza[]): Promise<Buffer | null> {
    const mine = stanzas.filter(({ type }) => type === this.#kind.stanzaType);
    if (mine.length === 0) return null;
    const unwrap = await this.#unwrapper();
    for (const stanza of mine) {
      const fileKey = unwrap(stanza);
      if (fileKey !== null) return fileKey;
    }
    return null;
  }

  whyNot(stanzas: readonly Stanza[]): string {
    const { name, recipientPrefix, stanzaType } = this.#kind;
    const count = stanzas.filter(({ type }) => type === stanzaType).length;
    const isX25519 = name === "x25519";
    const own = isX25519 ? this.#codec.encodeBech32(recipientPrefix, this.#ownPoint()) : "an age identity (age1pq1…)";
    if (count === 0) return `${own} is not one of the recipients: none is of its kind`;
    return `${own} is not the key of the ${count === 1 ? "one recipient" : `${count} recipients`} of its kind`;
  }

  async #unwrapper(): Promise<(stanza: Stanza) => Buffer | null> {
    if (this.kind === "x25519") return (stanza) => unwrapX25519(stanza, this.#secret, this.#ownPoint());
    const { unwrapHybrid } = await import("./hybrid-stanza.ts");
    return (stanza) => unwrapHybrid(stanza, this.#secret);
  }

  #ownPoint(): Buffer {
    return (this.#point ??= x25519PublicKey(this.#secret));
  }
}
