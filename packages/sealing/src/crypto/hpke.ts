import { createHmac, hkdfSync } from "node:crypto";
import { openAead, sealAead } from "./aead.ts";

/*
 * HPKE (RFC 9180) in base mode for one message without associated data. The shared secret of the
 * key encapsulation comes from outside.
 */

/** MLKEM768-X25519 (draft-ietf-hpke-pq), HKDF-SHA256 and ChaCha20-Poly1305 (section 5.1). */
const SUITE = Buffer.from([0x64, 0x7a, 0, 1, 0, 3]);
const MODE_BASE = Buffer.of(0);
const NOTHING = Buffer.alloc(0);

const labeled = (label: string, value: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from("HPKE-v1HPKE"), SUITE, Buffer.from(label), value]);

/** The key and the nonce of the first message (section 5.1). */
const keySchedule = (sharedSecret: Uint8Array, info: string): { key: Buffer; nonce: Buffer } => {
  // LabeledExtract without a salt (section 4): HKDF-Extract is HMAC (RFC 5869 section 2.2).
  const extract = (label: string, value: Uint8Array): Buffer =>
    createHmac("sha256", NOTHING).update(labeled(label, value)).digest();
  const context = Buffer.concat([MODE_BASE, extract("psk_id_hash", NOTHING), extract("info_hash", Buffer.from(info))]);
  // LabeledExpand of LabeledExtract is one HKDF, since nothing else is drawn from the secret in
  // between.
  const derive = (label: string, length: number): Buffer => {
    const labeledInfo = Buffer.concat([Buffer.of(0, length), labeled(label, context)]);
    return Buffer.from(hkdfSync("sha256", labeled("secret", NOTHING), sharedSecret, labeledInfo, length));
  };
  return { key: derive("key", 32), nonce: derive("base_nonce", 12) };
};

/** Seals one message: as long as it and 16 bytes more. */
export function sealHpke(sharedSecret: Uint8Array, info: string, message: Buffer): Buffer {
  const { key, nonce } = keySchedule(sharedSecret, info);
  const sealed = sealAead("chacha20-poly1305", key, nonce, message);
  key.fill(0);
  return sealed;
}

/** Opens what `sealHpke` gives; null where it was not made with this secret and info. */
export function openHpke(sharedSecret: Uint8Array, info: string, sealed: Buffer): Buffer | null {
  const { key, nonce } = keySchedule(sharedSecret, info);
  const message = openAead("chacha20-poly1305", key, nonce, sealed);
  key.fill(0);
  return message;
}
