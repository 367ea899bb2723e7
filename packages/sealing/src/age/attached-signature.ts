import { Buffer } from "@git-vault/core/bytes";
import { hkdf, openAead, sealAead } from "#crypto";
import { tampered } from "../errors.ts";
import { SIGNATURE_STANZA, type Stanza } from "./stanza.ts";

/*
 * The sender's signature in an age message: a stanza in its header, which age's programs skip, as
 * they do all unknown ones. See docs/formats.md.
 */

/** What a sender says of a message, with an unverified signature: see `verifyMessage`. */
export interface AttachedSignature {
  /** The statement, as `encodeStatement` gives it. */
  readonly statement: Buffer;
  /** The SSH signature over it, in binary. */
  readonly signature: Buffer;
}

const INFO = "git-vault/signature v1";
// The key is used once, since each message has its own file key.
const ZERO_NONCE = Buffer.alloc(12);
const LENGTH_BYTES = 4;
/** In bytes. The length tells an onlooker little of the sender's kind of key and name. */
const BLOCK = 1024;

const withLength = (bytes: Buffer): Buffer => {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
};

/** Encrypts a signature for those who can open the message. */
export function sealSignature(fileKey: Buffer, { statement, signature }: AttachedSignature): Stanza {
  const content = Buffer.concat([withLength(statement), withLength(signature)]);
  const padded = Buffer.alloc(Math.ceil(content.length / BLOCK) * BLOCK);
  content.copy(padded);
  const key = hkdf(fileKey, Buffer.alloc(0), INFO);
  const body = sealAead("chacha20-poly1305", key, ZERO_NONCE, padded);
  key.fill(0);
  return { type: SIGNATURE_STANZA, args: [], body };
}

const takeField = (content: Buffer): readonly [field: Buffer, rest: Buffer] | null => {
  if (content.length < LENGTH_BYTES) return null;
  const end = LENGTH_BYTES + content.readUInt32BE();
  return end > content.length ? null : [content.subarray(LENGTH_BYTES, end), content.subarray(end)];
};

/**
 * Decrypts the signature in a message's header, whose MAC was checked.
 *
 * Throws SealingError `TAMPERED_MESSAGE` if there are several, or it is malformed: then someone who
 * can open the message tampered with it.
 */
export function openSignature(fileKey: Buffer, stanzas: readonly Stanza[]): AttachedSignature {
  const [stanza, ...others] = stanzas.filter(({ type }) => type === SIGNATURE_STANZA);
  const key = hkdf(fileKey, Buffer.alloc(0), INFO);
  const content =
    stanza === undefined || stanza.args.length > 0 || others.length > 0
      ? null
      : openAead("chacha20-poly1305", key, ZERO_NONCE, stanza.body);
  key.fill(0);
  const [statement, afterStatement] = (content && takeField(content)) ?? [];
  const [signature, padding] = (afterStatement && takeField(afterStatement)) ?? [];
  if (statement === undefined || signature === undefined || padding?.every((byte) => byte === 0) !== true) {
    throw tampered("its header has a malformed signature of the sender");
  }
  return { statement, signature };
}
