import type { PublicKey, Subkey } from "openpgp";
import { assertSize, KeyError, malformed } from "../errors.ts";
import { cleanComment } from "../public/public-key.ts";
import { type OpenPgpLibrary, loadOpenPgp } from "./library.ts";
import { beginsAsKey, PUBLIC_KEY, readOpenPgpArmor, readOpenPgpPackets, SECRET_KEY } from "./packets.ts";

/** An OpenPGP public key that a message can be sealed to now. */
export interface OpenPgpPublicKey {
  readonly type: "openpgp";
  /** Of the primary key, in upper-case hexadecimal: 40 digits for version 4, 64 for version 6. */
  readonly fingerprint: string;
  readonly version: number;
  /** The part that messages are sealed to: a subkey, or the primary key itself. */
  readonly encryptionKey: {
    readonly fingerprint: string;
    /** What a message names it by: 16 upper-case hexadecimal digits (RFC 9580 section 5.5.4). */
    readonly keyId: string;
    /** As gpg writes it: `rsa3072`, `cv25519`, `x25519`. */
    readonly algorithm: string;
  };
  /** openpgp.js's own. */
  readonly key: PublicKey;
}

/** One OpenPGP key of any kind (RFC 9580 section 10.1, "OpenPGP certificate"). */
export interface OpenPgpKeyEntry {
  /** Its number among the keys that were read together, from 1. */
  readonly line: number;
  readonly type: "openpgp";
  /** As in `OpenPgpPublicKey`; null if the key could not be read. */
  readonly fingerprint: string | null;
  /** The first user ID, without control characters; empty if there is none. */
  readonly comment: string;
  /** All of them, the primary one first. */
  readonly userIds: readonly string[];
  /** Of the part that messages are sealed to, or else of the primary key; empty if unreadable. */
  readonly algorithm: string;
  /** Null if `unusable` says why. */
  readonly key: OpenPgpPublicKey | null;
  /** Why nothing can be sealed to it (`it expired on 2024-01-31`); null if usable. */
  readonly unusable: string | null;
}

const MAX_BYTES = 1024 * 1024;
const MAX_KEYS = 100;
const SUBKEY = 14;

/** Whether bytes begin as OpenPGP public keys do. What follows may still be malformed. */
export const isOpenPgpKey = (bytes: Uint8Array): boolean => beginsAsKey(bytes, "PUBLIC");

/**
 * Reads OpenPGP public keys, in binary or in any number of blocks of armor, and judges each as of
 * `date`: whether a message can be sealed to it, and to which part of it. That is the newest subkey
 * which may encrypt, is neither expired nor revoked, and has a sound algorithm (RSA of 2048 bits or
 * more, or an elliptic curve that openpgp.js has); or else the primary key, if it may.
 *
 * A key that cannot be read is in the list with a reason. Whether a key belongs to the person it
 * names is not judged.
 *
 * @param bytes at most 1 MiB, with at most 100 keys
 * @throws KeyError `MALFORMED_KEY` for too much, or what is no list of public keys; a list may be
 * empty
 */
export async function readOpenPgpKeys(bytes: Uint8Array, date: Date = new Date()): Promise<OpenPgpKeyEntry[]> {
  assertSize("OpenPGP keys", bytes.length, MAX_BYTES);
  const parts = blocksOf(bytes).flatMap(splitKeys);
  if (parts.length > MAX_KEYS) {
    throw new KeyError("MALFORMED_KEY", `expected at most ${MAX_KEYS} OpenPGP keys, got ${parts.length}`);
  }
  if (parts.length === 0) return [];
  const library = await loadOpenPgp();
  const entries: OpenPgpKeyEntry[] = [];
  for (const [at, part] of parts.entries()) entries.push(await readOne(library, part, at + 1, date));
  return entries;
}

/** The binary form of what the armor holds, if there is any. */
function blocksOf(bytes: Uint8Array): Buffer[] {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = all.toString("latin1");
  if (!/-----BEGIN PGP /.test(text)) return [all];
  const blocks = readOpenPgpArmor(text);
  if (blocks.length === 0)
    throw malformed("OpenPGP key", "its armor has no end line", "copy the key whole, from its first line to its last");
  if (blocks.some(({ kind }) => kind === "PRIVATE KEY BLOCK")) throw gotPrivate();
  if (blocks.some(({ kind }) => kind !== "PUBLIC KEY BLOCK")) {
    throw new KeyError("MALFORMED_KEY", "expected an OpenPGP public key, got an OpenPGP message or signature");
  }
  return blocks.map((block) => block.bytes);
}

const gotPrivate = (): KeyError =>
  new KeyError("MALFORMED_KEY", "expected an OpenPGP public key, got a private key", {
    hint: "give the public key: gpg --armor --export NAME",
  });

interface Part {
  readonly bytes: Buffer;
  readonly subkeys: number;
}

/** One part for each primary key. */
function splitKeys(bytes: Buffer): Part[] {
  const packets = [...readOpenPgpPackets(bytes)];
  if (packets.some(({ tag }) => tag === SECRET_KEY)) throw gotPrivate();
  const starts = packets.flatMap(({ tag, start }) => (tag === PUBLIC_KEY ? [start] : []));
  if (starts[0] !== packets[0]?.start) throw malformed("OpenPGP key", "it does not begin with a public key");
  return starts.map((start, at) => {
    const end = starts[at + 1] ?? bytes.length;
    const subkeys = packets.filter((packet) => packet.tag === SUBKEY && packet.start > start && packet.start < end);
    return { bytes: bytes.subarray(start, end), subkeys: subkeys.length };
  });
}

async function readOne(library: OpenPgpLibrary, part: Part, line: number, date: Date): Promise<OpenPgpKeyEntry> {
  let key: PublicKey;
  try {
    key = await library.openpgp.readKey({ binaryKey: part.bytes, config: library.config });
  } catch {
    // The library's error may repeat the input.
    const unusable = "it is malformed, or of a kind that is not supported";
    return { line, type: "openpgp", fingerprint: null, comment: "", userIds: [], algorithm: "", key: null, unusable };
  }
  return entryOfKey(library, key, line, date, part.subkeys > key.subkeys.length);
}

/** Judges a key that was read. */
export async function entryOfKey(
  library: OpenPgpLibrary,
  key: PublicKey,
  line: number,
  date: Date,
  hasUnknownSubkey = false,
): Promise<OpenPgpKeyEntry> {
  const fingerprint = key.getFingerprint().toUpperCase();
  const userIds = (await userIdsOf(library, key, date)).map(cleanComment);
  const common = { line, type: "openpgp" as const, fingerprint, comment: userIds[0] ?? "", userIds };
  const unusable = await whyUnusableKey(library, key, date);
  if (unusable !== null) return { ...common, algorithm: algorithmOf(key), key: null, unusable };
  let part: PublicKey | Subkey;
  try {
    part = await key.getEncryptionKey(undefined, date, undefined, library.config);
  } catch {
    const reason = await whyNoEncryption(library, key, date, hasUnknownSubkey);
    return { ...common, algorithm: algorithmOf(key), key: null, unusable: reason };
  }
  const encryptionKey = {
    fingerprint: part.getFingerprint().toUpperCase(),
    keyId: part.getKeyID().toHex().toUpperCase(),
    algorithm: algorithmOf(part),
  };
  const { version } = key.keyPacket;
  const usable = { type: "openpgp" as const, fingerprint, version, encryptionKey, key };
  return { ...common, algorithm: encryptionKey.algorithm, key: usable, unusable: null };
}

async function userIdsOf({ config }: OpenPgpLibrary, key: PublicKey, date: Date): Promise<string[]> {
  const all = key.getUserIDs();
  try {
    const { user } = await key.getPrimaryUser(date, undefined, config);
    const first = user.userID?.userID;
    return first === undefined ? all : [first, ...all.filter((userId) => userId !== first)];
  } catch {
    return all;
  }
}

/** What is wrong with the key as a whole. */
async function whyUnusableKey({ openpgp, config }: OpenPgpLibrary, key: PublicKey, date: Date): Promise<string | null> {
  if (await key.isRevoked(undefined, undefined, date, config)) return "it is revoked";
  if (key.getCreationTime() > date) return "its creation date is in the future";
  const expired = expiredOn(await key.getExpirationTime(undefined, config), date);
  if (expired !== null) return `it ${expired}`;
  try {
    await key.verifyPrimaryKey(date, undefined, config);
  } catch {
    return key.getUserIDs().length === 0 && key.keyPacket.version < 6
      ? "it has no user ID"
      : "it has no valid self-signature";
  }
  const weakness = weaknessOf(openpgp, key);
  return weakness === null ? null : `its primary key is ${weakness}`;
}

/** Why no part of a sound key can be sealed to. */
async function whyNoEncryption(
  { openpgp, config }: OpenPgpLibrary,
  key: PublicKey,
  date: Date,
  hasUnknownSubkey: boolean,
): Promise<string> {
  const newestFirst = key.subkeys.toSorted((a, b) => Number(b.getCreationTime()) - Number(a.getCreationTime()));
  for (const subkey of newestFirst) {
    if (!mayEncrypt(openpgp, subkey)) continue;
    const expired = expiredOn(await subkey.getExpirationTime(date, config).catch(() => null), date);
    if (expired !== null) return `its encryption subkey ${expired}`;
    try {
      await subkey.verify(date, config);
    } catch {
      return subkey.revocationSignatures.length > 0
        ? "its encryption subkey is revoked"
        : "its encryption subkey has no valid signature";
    }
    const weakness = weaknessOf(openpgp, subkey);
    if (weakness !== null) return `its encryption subkey is ${weakness}`;
  }
  return hasUnknownSubkey ? "its subkeys are of a kind that is not supported" : "it can only sign";
}

/** Whether a subkey encrypts: by algorithm, and the flags of its newest binding. */
function mayEncrypt({ enums }: OpenPgpLibrary["openpgp"], { keyPacket, bindingSignatures }: Subkey): boolean {
  const { rsaEncryptSign, rsaEncrypt, elgamal, ecdh, x25519, x448 } = enums.publicKey;
  if (![rsaEncryptSign, rsaEncrypt, elgamal, ecdh, x25519, x448].includes(keyPacket.algorithm)) return false;
  const newest = bindingSignatures.toSorted((a, b) => Number(b.created) - Number(a.created))[0];
  const flags = newest?.keyFlags?.[0];
  return flags === undefined || (flags & (enums.keyFlags.encryptCommunication | enums.keyFlags.encryptStorage)) !== 0;
}

const expiredOn = (time: Date | number | null, date: Date): string | null =>
  time instanceof Date && time <= date ? `expired on ${time.toISOString().slice(0, 10)}` : null;

/** What openpgp.js refuses to encrypt to by default, in words. */
function weaknessOf({ config }: OpenPgpLibrary["openpgp"], key: PublicKey | Subkey): string | null {
  const { algorithm, bits = 0, curve } = key.getAlgorithmInfo();
  if (config.rejectPublicKeyAlgorithms.has(key.keyPacket.algorithm)) return `${algorithm}, which is obsolete`;
  if (algorithm.startsWith("rsa") && bits < 2048) return `RSA of ${bits} bits, under the minimum of 2048`;
  return curve === "secp256k1" ? "on the curve secp256k1, which is not supported" : null;
}

const CURVES: Readonly<Record<string, string>> = {
  curve25519Legacy: "cv25519",
  ed25519Legacy: "ed25519",
  nistP256: "nistp256",
  nistP384: "nistp384",
  nistP521: "nistp521",
};

/** An algorithm as gpg writes it. */
function algorithmOf(key: PublicKey | Subkey): string {
  const { algorithm, bits, curve } = key.getAlgorithmInfo();
  if (curve !== undefined) return CURVES[curve] ?? curve;
  return bits === undefined ? algorithm : `${algorithm.startsWith("rsa") ? "rsa" : algorithm}${bits}`;
}
