import { Buffer } from "@git-vault/core/bytes";
import { hkdf, hmac, openAead, sealAead } from "#crypto";

/*
 * HPKE (RFC 9180) in base mode for one message without associated data, with HKDF-SHA256 and
 * ChaCha20-Poly1305. The shared secret of the key encapsulation comes from outside.
 */

/** The key encapsulations (section 7.1, and draft-ietf-hpke-pq). */
type Kem = "p256" | "mlkem768-p256" | "mlkem768-x25519";

const KEM_IDS: Readonly<Record<Kem, number>> = { p256: 0x0010, "mlkem768-p256": 0x0050, "mlkem768-x25519": 0x647a };
const MODE_BASE = Buffer.of(0);
const NOTHING = Buffer.alloc(0);

const idOf = (kem: Kem): Buffer => Buffer.of(KEM_IDS[kem] >> 8, KEM_IDS[kem] & 0xff);

/** With the KDF and the AEAD (section 5.1). */
const suiteOf = (kem: Kem): Buffer => Buffer.concat([Buffer.from("HPKE"), idOf(kem), Buffer.of(0, 1, 0, 3)]);

const labeled = (suite: Buffer, label: string, value: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from("HPKE-v1"), suite, Buffer.from(label), value]);

/** What is drawn from a secret: a label and a value each for LabeledExtract and LabeledExpand. */
interface Derivation {
  readonly suite: Buffer;
  readonly salt: Uint8Array;
  readonly from: readonly [label: string, value: Uint8Array];
  readonly to: readonly [label: string, value: Uint8Array];
}

/** LabeledExpand of LabeledExtract (section 4), which is one HKDF. */
const derive = ({ suite, salt, from, to }: Derivation, length: number): Buffer => {
  const info = Buffer.concat([Buffer.of(0, length), labeled(suite, ...to)]);
  return hkdf(labeled(suite, ...from), salt, info, length);
};

/** The key and the nonce of the first message (section 5.1). */
const keySchedule = (kem: Kem, sharedSecret: Uint8Array, info: string): { key: Buffer; nonce: Buffer } => {
  const suite = suiteOf(kem);
  // LabeledExtract without a salt: HKDF-Extract is HMAC (RFC 5869 section 2.2).
  const extract = (label: string, value: Uint8Array): Buffer => hmac(NOTHING, labeled(suite, label, value));
  const context = Buffer.concat([MODE_BASE, extract("psk_id_hash", NOTHING), extract("info_hash", Buffer.from(info))]);
  const draw = (label: string, length: number): Buffer =>
    derive({ suite, salt: sharedSecret, from: ["secret", NOTHING], to: [label, context] }, length);
  return { key: draw("key", 32), nonce: draw("base_nonce", 12) };
};

/**
 * The shared secret of DHKEM(P-256, HKDF-SHA256) (section 4.1) from that of the curve, 32 bytes.
 *
 * @param share the ephemeral public key, and `publicKey` the recipient's: uncompressed points
 */
export function dhkemSecret(curveSecret: Uint8Array, share: Uint8Array, publicKey: Uint8Array): Buffer {
  const suite = Buffer.concat([Buffer.from("KEM"), idOf("p256")]);
  const to = ["shared_secret", Buffer.concat([share, publicKey])] as const;
  return derive({ suite, salt: NOTHING, from: ["eae_prk", curveSecret], to }, 32);
}

/** Seals one message: as long as it and 16 bytes more. */
export function sealHpke(kem: Kem, sharedSecret: Uint8Array, info: string, message: Buffer): Buffer {
  const { key, nonce } = keySchedule(kem, sharedSecret, info);
  const sealed = sealAead("chacha20-poly1305", key, nonce, message);
  key.fill(0);
  return sealed;
}

/** Opens what `sealHpke` gives; null where it was not made with this secret and info. */
export function openHpke(kem: Kem, sharedSecret: Uint8Array, info: string, sealed: Buffer): Buffer | null {
  const { key, nonce } = keySchedule(kem, sharedSecret, info);
  const message = openAead("chacha20-poly1305", key, nonce, sealed);
  key.fill(0);
  return message;
}
