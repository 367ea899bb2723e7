import { randomBytes } from "node:crypto";
import type { AgeIdentity, AgeKeyKind, AgeRecipient } from "./keys.ts";
import { decodeBech32, encodeBech32 } from "./bech32.ts";
import { SealingError } from "../errors.ts";
import type { Stanza } from "./stanza.ts";
import { unwrapX25519, wrapToX25519 } from "./x25519-stanza.ts";
import { x25519PublicKey } from "../crypto/x25519.ts";

/*
 * age's own keys (C2SP age.md, "Native recipient types"). ML-KEM is loaded where it is needed and
 * not before.
 */

const SECRET_BYTES = 32;

interface Kind {
  readonly name: AgeKeyKind;
  readonly recipientPrefix: string;
  readonly identityPrefix: string;
  readonly recipientBytes: number;
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

const malformedKey = (what: string): SealingError =>
  new SealingError("MALFORMED_KEY", what, {
    hint: "a recipient begins with age1 and an identity with AGE-SECRET-KEY-; copy it whole",
  });

const unusable = (): SealingError =>
  new SealingError("UNUSABLE_RECIPIENT", "the age recipient is no valid public key, though its checksum is right", {
    hint: "such a key protects nothing; ask for another one",
  });

class NativeRecipient implements AgeRecipient {
  readonly kind: AgeKeyKind;
  readonly id: string;
  readonly labels: readonly string[];
  readonly #publicKey: Buffer;

  constructor(kind: AgeKeyKind, text: string, publicKey: Buffer) {
    this.kind = kind;
    this.id = text;
    this.labels = kind === "hybrid" ? ["postquantum"] : [];
    this.#publicKey = publicKey;
  }

  toString(): string {
    return this.id;
  }

  async wrapFileKey(fileKey: Buffer): Promise<Stanza[]> {
    const stanza =
      this.kind === "hybrid"
        ? (await import("./hybrid-stanza.ts")).wrapToHybrid(this.#publicKey, fileKey)
        : wrapToX25519(this.#publicKey, fileKey);
    if (stanza === null) throw unusable();
    return [stanza];
  }
}

class NativeIdentity implements AgeIdentity {
  readonly asks = "never";
  readonly kind: AgeKeyKind;
  readonly #kind: Kind;
  readonly #secret: Buffer;
  #point: Buffer | undefined;

  constructor(kind: Kind, secret: Buffer) {
    this.kind = kind.name;
    this.#kind = kind;
    this.#secret = secret;
  }

  async recipient(): Promise<AgeRecipient> {
    const publicKey =
      this.kind === "hybrid"
        ? (await import("../crypto/mlkem768-x25519.ts")).publicKeyOfSeed(this.#secret)
        : this.#ownPoint();
    return new NativeRecipient(this.kind, encodeBech32(this.#kind.recipientPrefix, publicKey), publicKey);
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
    const own = name === "x25519" ? encodeBech32(recipientPrefix, this.#ownPoint()) : "an age identity (age1pq1…)";
    if (count === 0) return `${own} is not one of the recipients: none is of its kind`;
    return `${own} is not the key of the ${count === 1 ? "one recipient" : `${count} recipients`} of its kind`;
  }

  async #unwrapper(): Promise<(stanza: Stanza) => Buffer | null> {
    if (this.kind === "x25519") return (stanza) => unwrapX25519(stanza, this.#secret, this.#ownPoint());
    const { unwrapHybrid } = await import("./hybrid-stanza.ts");
    return (stanza) => unwrapHybrid(stanza, this.#secret);
  }

  #ownPoint(): Buffer {
    this.#point ??= x25519PublicKey(this.#secret);
    return this.#point;
  }
}

/** See `parseRecipient` in age-keys.ts. */
export function readRecipient(text: string): AgeRecipient {
  const decoded = decodeBech32(text);
  const kind = KINDS.find(({ recipientPrefix }) => text.startsWith(`${recipientPrefix}1`));
  if (kind === undefined) throw malformedKey("expected an age recipient (age1…), got something else");
  if (decoded === null) throw malformedKey("the age recipient is cut short or mistyped: its checksum does not match");
  if (decoded.prefix !== kind.recipientPrefix)
    throw malformedKey("expected a native age recipient, got one for a plugin");
  if (decoded.bytes.length !== kind.recipientBytes) {
    throw malformedKey(`expected an age recipient of ${kind.recipientBytes} bytes, got ${decoded.bytes.length}`);
  }
  return new NativeRecipient(kind.name, text, decoded.bytes);
}

const readIdentity = (text: string, line: number): AgeIdentity => {
  const kind = KINDS.find(({ identityPrefix }) => text.startsWith(`${identityPrefix.toUpperCase()}1`));
  if (kind === undefined)
    throw malformedKey(`expected an age identity (AGE-SECRET-KEY-…) in line ${line}, got something else`);
  const decoded = decodeBech32(text);
  if (decoded === null || decoded.prefix !== kind.identityPrefix || decoded.bytes.length !== SECRET_BYTES) {
    throw malformedKey(
      `the age identity in line ${line} is cut short or mistyped: its checksum or length does not match`,
    );
  }
  return new NativeIdentity(kind, decoded.bytes);
};

/** See `parseIdentityFile` in age-keys.ts. */
export function readIdentityFile(text: string): AgeIdentity[] {
  const identities: AgeIdentity[] = [];
  for (const [index, whole] of text.split("\n").entries()) {
    const line = whole.endsWith("\r") ? whole.slice(0, -1) : whole;
    if (line !== "" && !line.startsWith("#")) identities.push(readIdentity(line, index + 1));
  }
  if (identities.length === 0) throw malformedKey("expected at least one age identity in the file, got none");
  return identities;
}

/** See `generateIdentity` in age-keys.ts. */
export async function generate(name: AgeKeyKind): Promise<{ identity: string; recipient: string }> {
  const kind = name === "hybrid" ? HYBRID : X25519;
  const secret = randomBytes(SECRET_BYTES);
  const identity = encodeBech32(kind.identityPrefix, secret).toUpperCase();
  const recipient = await new NativeIdentity(kind, secret).recipient();
  secret.fill(0);
  return { identity, recipient: recipient.toString() };
}
