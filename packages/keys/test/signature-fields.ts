import { createHash, generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { signedData } from "../src/index.ts";

/*
 * Signatures put together by hand, for what ssh-keygen does not make: those of FIDO keys and
 * hostile ones.
 */

/** A `string` of SSH's wire encoding (RFC 4251 section 5). */
export const field = (content: Uint8Array | string): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(Buffer.from(content).length);
  return Buffer.concat([length, Buffer.from(content)]);
};

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** An `mpint` of a magnitude that may begin with zero bytes. */
export const mpint = (magnitude: Buffer): Buffer => {
  const start = magnitude.findIndex((byte) => byte !== 0);
  const short = magnitude.subarray(start);
  return field((short[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), short]) : short);
};

/** The fields of a signature; each may be changed. */
export interface Fields {
  readonly magic?: string;
  readonly version?: number;
  readonly publicKey: Uint8Array;
  readonly namespace?: string | Buffer;
  readonly reserved?: string;
  readonly hash?: string;
  readonly signature: Uint8Array;
  readonly after?: string;
}

/** The binary form of a signature (PROTOCOL.sshsig). */
export const signatureOf = (fields: Fields): Buffer =>
  Buffer.concat([
    Buffer.from(fields.magic ?? "SSHSIG"),
    uint32(fields.version ?? 1),
    field(fields.publicKey),
    field(fields.namespace ?? "git-vault"),
    field(fields.reserved ?? ""),
    field(fields.hash ?? "sha512"),
    field(fields.signature),
    Buffer.from(fields.after ?? ""),
  ]);

/** What is signed, by the letter of PROTOCOL.sshsig, with any hash. */
export const dataOf = (namespace: string, hash: string, message: Uint8Array): Buffer =>
  Buffer.concat([
    Buffer.from("SSHSIG"),
    ...[namespace, "", hash, createHash(hash).update(message).digest()].map((part) => field(part)),
  ]);

const jwkPart = (key: KeyObject, part: "x" | "y"): Buffer =>
  Buffer.from(key.export({ format: "jwk" })[part] ?? "", "base64url");

const sha256 = (data: Uint8Array | string): Buffer => createHash("sha256").update(data).digest();

/** A FIDO key in software. */
export class FidoKey {
  readonly type: "sk-ssh-ed25519@openssh.com" | "sk-ecdsa-sha2-nistp256@openssh.com";
  readonly blob: Buffer;
  readonly #application: string;
  readonly #key: KeyObject;

  constructor(kind: "ed25519" | "ecdsa", application = "ssh:") {
    this.#application = application;
    const { publicKey, privateKey } =
      kind === "ed25519" ? generateKeyPairSync("ed25519") : generateKeyPairSync("ec", { namedCurve: "P-256" });
    this.#key = privateKey;
    if (kind === "ed25519") {
      this.type = "sk-ssh-ed25519@openssh.com";
      this.blob = Buffer.concat([this.type, jwkPart(publicKey, "x"), application].map((part) => field(part)));
    } else {
      this.type = "sk-ecdsa-sha2-nistp256@openssh.com";
      const point = Buffer.concat([Buffer.of(4), jwkPart(publicKey, "x"), jwkPart(publicKey, "y")]);
      this.blob = Buffer.concat([this.type, "nistp256", point, application].map((part) => field(part)));
    }
  }

  /** The signature as an agent gives it (PROTOCOL.u2f, "SSH U2F signatures"). */
  sign(message: Uint8Array, { flags = 1, counter = 7, application = this.#application } = {}): Buffer {
    const data = signedData({ namespace: "git-vault", message });
    const state = Buffer.concat([Buffer.of(flags), uint32(counter)]);
    const signed = Buffer.concat([sha256(application), state, sha256(data)]);
    if (this.type.startsWith("sk-ssh")) {
      return Buffer.concat([field(this.type), field(sign(null, signed, this.#key)), state]);
    }
    const raw = sign("sha256", signed, { key: this.#key, dsaEncoding: "ieee-p1363" });
    const numbers = Buffer.concat([mpint(raw.subarray(0, 32)), mpint(raw.subarray(32))]);
    return Buffer.concat([field(this.type), field(numbers), state]);
  }
}
