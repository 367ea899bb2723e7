import { createHmac, hkdfSync } from "node:crypto";
import { openAead, sealAead } from "./aead.ts";

/*
 * HPKE (RFC 9180) in base mode with HKDF-SHA256 and ChaCha20-Poly1305, for one message without
 * associated data. The key encapsulation comes from outside: its identifier and its shared secret.
 */

const NOTHING = Buffer.alloc(0);
const VERSION = "HPKE-v1";
const HKDF_SHA256 = 1;
const CHACHA20_POLY1305 = 3;
const MODE_BASE = 0;

const twoBytes = (...numbers: number[]): Buffer =>
  Buffer.from(numbers.flatMap((number) => [number >>> 8, number & 255]));

/** The key and the nonce of the first message (section 5.1). */
const keySchedule = (kem: number, sharedSecret: Buffer, info: string): { key: Buffer; nonce: Buffer } => {
  const suite = Buffer.concat([Buffer.from("HPKE"), twoBytes(kem, HKDF_SHA256, CHACHA20_POLY1305)]);
  const labeled = (label: string, value: Uint8Array): Buffer =>
    Buffer.concat([Buffer.from(VERSION), suite, Buffer.from(label), value]);
  // LabeledExtract without a salt (section 4): HKDF-Extract is HMAC (RFC 5869 section 2.2).
  const extract = (label: string, value: Uint8Array): Buffer =>
    createHmac("sha256", NOTHING).update(labeled(label, value)).digest();
  const context = Buffer.concat([
    Buffer.from([MODE_BASE]),
    extract("psk_id_hash", NOTHING),
    extract("info_hash", Buffer.from(info)),
  ]);
  // LabeledExpand of LabeledExtract is one HKDF, since nothing else is drawn from the secret in
  // between.
  const derive = (label: string, length: number): Buffer => {
    const labeledInfo = Buffer.concat([twoBytes(length), labeled(label, context)]);
    return Buffer.from(hkdfSync("sha256", labeled("secret", NOTHING), sharedSecret, labeledInfo, length));
  };
  return { key: derive("key", 32), nonce: derive("base_nonce", 12) };
};

/** Seals one message: as long as it and 16 bytes more. */
export function sealHpke(kem: number, sharedSecret: Buffer, info: string, message: Buffer): Buffer {
  const { key, nonce } = keySchedule(kem, sharedSecret, info);
  const sealed = sealAead("chacha20-poly1305", key, nonce, message);
  key.fill(0);
  return sealed;
}

/** Opens what `sealHpke` gives; null where it was not made with this secret and info. */
export function openHpke(kem: number, sharedSecret: Buffer, info: string, sealed: Buffer): Buffer | null {
  const { key, nonce } = keySchedule(kem, sharedSecret, info);
  const message = openAead("chacha20-poly1305", key, nonce, sealed);
  key.fill(0);
  return message;
}
