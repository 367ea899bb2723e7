import { decodeBase64, wrapLines } from "@git-vault/core";
import { KeyError } from "../errors.ts";
import { WireReader, wireString, wireUint32 } from "../wire.ts";
import { readSigningKey, type SigningKey, type VerifyingKey } from "./signing-key.ts";

/*
 * SSH signatures (PROTOCOL.sshsig in OpenSSH's source).
 */

/** An SSH signature, as `ssh-keygen -Y sign` makes it: well-formed, and not yet verified. */
export interface SshSignature {
  /** The key that it claims to be made with. Who owns that key is another question. */
  readonly publicKey: SigningKey;
  /** What it was made for, such as `git` or `git-vault`. */
  readonly namespace: string;
  /** The hash of the message that was signed. */
  readonly hash: "sha256" | "sha512";
  /** How it was signed, as SSH names it, such as `rsa-sha2-512`. */
  readonly algorithm: string;
  /** The whole signature in binary. */
  readonly blob: Buffer;
}

/** A signature with what it takes to verify it. */
export interface ParsedSignature extends SshSignature {
  readonly publicKey: VerifyingKey;
  /**
   * Ed25519: 64 bytes. RSA: as many as the modulus has, or fewer. ECDSA: two numbers of
   * `publicKey.size` bytes.
   */
  readonly value: Buffer;
  /** What a FIDO key adds to what it signs (PROTOCOL.u2f): flags and counter; else null. */
  readonly fido: { readonly flags: number; readonly counter: number } | null;
}

/** What both a signature and the signed data begin with. */
export const MAGIC: Buffer = Buffer.from("SSHSIG");
/** The hash in our signatures; others may use SHA-256. */
export const HASH = "sha512";
const VERSION = 1;
const MAX_TEXT = 32 * 1024;
const COLUMNS = 70;
const BEGIN = "-----BEGIN SSH SIGNATURE-----";
const END = "-----END SSH SIGNATURE-----";

const malformed = (problem: string): KeyError =>
  new KeyError("MALFORMED_SIGNATURE", `malformed SSH signature: ${problem}`);

const readerOf = (bytes: Buffer): WireReader => new WireReader(bytes, "SSH signature", "MALFORMED_SIGNATURE");

/** The algorithms that a key signs with (RFC 8332 for RSA, without SHA-1). */
const algorithmsOf = (type: string): readonly string[] =>
  type === "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256"] : [type];

/** One of the two numbers of an ECDSA signature, padded to `size` bytes. */
const fixedNumber = (reader: WireReader, size: number): Buffer => {
  const number = reader.mpint();
  if (number.length > size) throw reader.malformed("a number in it is too large for its curve");
  return Buffer.concat([Buffer.alloc(size - number.length), number]);
};

const readValue = (bytes: Buffer, { kind, size }: VerifyingKey): Buffer => {
  if (kind === "ecdsa") {
    const reader = readerOf(bytes);
    const value = Buffer.concat([fixedNumber(reader, size), fixedNumber(reader, size)]);
    reader.end();
    return value;
  }
  // Some agents leave out an RSA signature's leading zero bytes, which OpenSSH allows too.
  if (kind === "rsa" ? bytes.length > size : bytes.length !== size) {
    throw malformed(`expected ${size} bytes of signature from its key, got ${bytes.length}`);
  }
  return Buffer.from(bytes);
};

const readSigned = (bytes: Buffer, publicKey: VerifyingKey): Pick<ParsedSignature, "algorithm" | "value" | "fido"> => {
  const reader = readerOf(bytes);
  const algorithm = reader.string().toString("latin1");
  if (!algorithmsOf(publicKey.type).includes(algorithm)) {
    throw malformed(
      algorithm === "ssh-rsa"
        ? "it is made with SHA-1, which is not safe"
        : "its algorithm does not belong to the type of its key",
    );
  }
  const value = readValue(reader.string(), publicKey);
  const fido = publicKey.application === null ? null : { flags: reader.bytes(1).readUInt8(), counter: reader.uint32() };
  reader.end();
  return { algorithm, value, fido };
};

const readBlob = (bytes: Buffer, readKey: (blob: Buffer) => VerifyingKey): ParsedSignature => {
  const reader = readerOf(bytes);
  if (!reader.bytes(MAGIC.length).equals(MAGIC)) throw malformed("expected SSHSIG at its start");
  const version = reader.uint32();
  if (version !== VERSION) throw malformed(`expected version ${VERSION}, got ${version}`);
  const publicKey = readKey(reader.string());
  const namespaceBytes = reader.string();
  const namespace = namespaceBytes.toString();
  if (namespace === "" || !Buffer.from(namespace).equals(namespaceBytes)) {
    throw malformed("its namespace is empty, or not in UTF-8");
  }
  // The signature does not cover it, so anyone could write there.
  if (reader.string().length > 0) throw malformed("its reserved field is not empty");
  const hash = reader.string().toString("latin1");
  if (hash !== "sha512" && hash !== "sha256") throw malformed("its hash is neither sha512 nor sha256");
  const signed = readSigned(reader.string(), publicKey);
  reader.end();
  return { publicKey, namespace, hash, ...signed, blob: Buffer.from(bytes) };
};

const decodeArmor = (text: string): Buffer => {
  const trimmed = text.trim();
  if (!trimmed.startsWith(BEGIN)) throw malformed(`expected it to begin with ${BEGIN}`);
  if (!trimmed.endsWith(END) || trimmed.length < BEGIN.length + END.length) {
    throw malformed("it does not end with its END line");
  }
  const bytes = decodeBase64(trimmed.slice(BEGIN.length, -END.length).replaceAll(/[ \t\r\n]/g, ""));
  if (bytes === null) throw malformed("expected canonical base64 between its first and last line");
  return bytes;
};

/** As `readSignature`, with what verifying takes. @param readKey reads the blob of a key */
export function parseSignature(
  signature: string | Uint8Array,
  readKey: (blob: Buffer) => VerifyingKey = readSigningKey,
): ParsedSignature {
  if (signature.length > MAX_TEXT) throw malformed(`expected at most ${MAX_TEXT} bytes, got ${signature.length}`);
  if (typeof signature === "string") return readBlob(decodeArmor(signature), readKey);
  return readBlob(Buffer.from(signature.buffer, signature.byteOffset, signature.length), readKey);
}

/**
 * Reads an SSH signature (PROTOCOL.sshsig). Each has one binary form; its text may be wrapped and
 * indented in any way. It proves nothing until `verifySignature` has checked it.
 *
 * @param signature text between `BEGIN SSH SIGNATURE` and `END SSH SIGNATURE` lines, or binary; at
 * most 32 KiB
 * @throws KeyError `MALFORMED_SIGNATURE`; `MALFORMED_KEY` for the key in it; `UNSUPPORTED_KEY` for
 * a certificate, a DSA key, an RSA key of under 2048 or over 8192 bits or an unknown type
 */
export function readSignature(signature: string | Uint8Array): SshSignature {
  return withoutWorkings(parseSignature(signature));
}

/** What callers may see of a signature. */
export function withoutWorkings({ publicKey, namespace, hash, algorithm, blob }: ParsedSignature): SshSignature {
  const { type, fingerprint } = publicKey;
  return { publicKey: { type, blob: publicKey.blob, fingerprint }, namespace, hash, algorithm, blob };
}

/**
 * Makes an SSH signature of what a key, or the agent that holds it, made of `signedData`.
 *
 * @param fields `publicKey` is a blob; `signature` is `string algorithm` and what follows it in
 * that algorithm, as agents give it (draft-ietf-sshm-ssh-agent section 3.6)
 * @throws what `readSignature` does if the parts do not fit together
 */
export function assembleSignature(fields: {
  readonly publicKey: Uint8Array;
  readonly namespace: string;
  readonly signature: Uint8Array;
}): SshSignature {
  const strings = [fields.publicKey, fields.namespace, "", HASH, fields.signature].map(wireString);
  return readSignature(Buffer.concat([MAGIC, wireUint32(VERSION), ...strings]));
}

/** A signature's text as `ssh-keygen -Y sign` writes it, with a final line end. */
export function armorSignature({ blob }: SshSignature): string {
  return [BEGIN, ...wrapLines(blob.toString("base64"), COLUMNS), END, ""].join("\n");
}
