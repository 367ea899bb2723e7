import type { PrivateKey, SecretKeyPacket, SecretSubkeyPacket } from "openpgp";
import { assertSize, KeyError } from "../errors.ts";
import { loadOpenPgp, type OpenPgpLibrary } from "./library.ts";
import { beginsAsKey, readOpenPgpArmor } from "./packets.ts";
import { entryOfKey, type OpenPgpKeyEntry } from "./public-key.ts";

/** An OpenPGP private key with every part that can decrypt unlocked. */
export interface OpenPgpPrivateKey {
  readonly type: "openpgp";
  readonly key: PrivateKey;
  /** Overwrites the secret parts with zeros; the key is useless after that. */
  wipe(): void;
}

/** An OpenPGP private key that was read but not yet unlocked. */
export interface OpenPgpPrivateKeyFile {
  readonly format: "openpgp";
  /** Of the primary key, as in `OpenPgpPublicKey`. */
  readonly fingerprint: string;
  /** The IDs of parts that can decrypt, 16 upper-case hex digits each; also expired ones. */
  readonly keyIds: readonly string[];
  /** The public half, and whether a message can be sealed to it now. */
  readonly publicKey: OpenPgpKeyEntry;
  /** Whether `unlock` needs a passphrase. */
  readonly encrypted: boolean;
  /**
   * Decrypts the parts of the key that can decrypt, and checks that they belong to their public
   * halves.
   *
   * @param passphrase the bytes typed, in UTF-8; ignored if the key is not encrypted
   * @throws KeyError `PASSPHRASE_REQUIRED`, `WRONG_PASSPHRASE`, `MALFORMED_KEY`
   */
  unlock(passphrase?: Uint8Array): Promise<OpenPgpPrivateKey>;
}

const MAX_BYTES = 1024 * 1024;

/** Whether bytes begin as OpenPGP private keys do. What follows may still be malformed. */
export const isOpenPgpPrivateKey = (bytes: Uint8Array): boolean => beginsAsKey(bytes, "PRIVATE");

const unsupported = (problem: string): KeyError =>
  new KeyError("UNSUPPORTED_OPENPGP_KEY", `the OpenPGP private key ${problem}`);

/**
 * Reads OpenPGP private keys, in binary or in armor (RFC 9580 section 10.1, "transferable secret
 * keys"), without unlocking them.
 *
 * @param bytes at most 1 MiB; they are not kept, so the caller may overwrite them
 * @throws KeyError `MALFORMED_KEY` for what is no private key; `UNSUPPORTED_OPENPGP_KEY` for one
 * whose secret is on a smart card, or of an unsupported kind
 */
export async function readOpenPgpPrivateKeys(bytes: Uint8Array): Promise<OpenPgpPrivateKeyFile[]> {
  assertSize("an OpenPGP key", bytes.length, MAX_BYTES);
  const binary = binaryOf(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  const library = await loadOpenPgp();
  let keys: PrivateKey[];
  try {
    keys = await library.openpgp.readPrivateKeys({ binaryKeys: binary, config: library.config });
  } catch {
    // The library's error may repeat the input.
    throw unsupported("is malformed, on a smart card, or not supported");
  }
  return Promise.all(keys.map((key) => fileOf(library, key)));
}

function binaryOf(bytes: Buffer): Buffer {
  const text = bytes.toString("latin1");
  if (!/-----BEGIN PGP /.test(text)) return bytes;
  const blocks = readOpenPgpArmor(text).filter(({ kind }) => kind === "PRIVATE KEY BLOCK");
  if (blocks.length > 0) return Buffer.concat(blocks.map((block) => block.bytes));
  const [got, hint] = text.includes("BEGIN PGP PRIVATE KEY")
    ? ["one whose armor has no end line", "copy the key whole, from its first line to its last"]
    : ["other OpenPGP data", "gpg --export-secret-keys writes one"];
  throw new KeyError("MALFORMED_KEY", `expected an OpenPGP private key, got ${got}`, { hint });
}

async function fileOf(library: OpenPgpLibrary, key: PrivateKey): Promise<OpenPgpPrivateKeyFile> {
  const decrypting = await decryptingPackets(library, key);
  if (decrypting.length === 0) throw unsupported("has no secret part that can decrypt");
  const encrypted = decrypting.some((packet) => !packet.isDecrypted());
  return {
    format: "openpgp",
    fingerprint: key.getFingerprint().toUpperCase(),
    keyIds: decrypting.map((packet) => packet.getKeyID().toHex().toUpperCase()),
    publicKey: await entryOfKey(library, key.toPublic(), 1, new Date()),
    encrypted,
    async unlock(passphrase) {
      if (encrypted && passphrase === undefined) {
        throw new KeyError("PASSPHRASE_REQUIRED", "the OpenPGP private key is encrypted and no passphrase was given");
      }
      for (const packet of decrypting) await unlockPacket(library, packet, passphrase);
      return { type: "openpgp", key, wipe: () => decrypting.forEach(wipePacket) };
    },
  };
}

type SecretPacket = SecretKeyPacket | SecretSubkeyPacket;

/** The parts that can decrypt and whose secret is there, valid or not: a message may be old. */
async function decryptingPackets({ config }: OpenPgpLibrary, key: PrivateKey): Promise<SecretPacket[]> {
  const packets: SecretPacket[] = [];
  for (const part of key.getKeys()) {
    const { keyPacket } = part;
    if (!("isDummy" in keyPacket) || keyPacket.isDummy()) continue;
    const found = await key.getDecryptionKeys(part.getKeyID(), undefined, undefined, config).catch(() => []);
    if (found.length > 0) packets.push(keyPacket);
  }
  return packets;
}

/** Decrypts a part that is encrypted, and checks that it belongs to its public half. */
async function unlockPacket(
  { config }: OpenPgpLibrary,
  packet: SecretPacket,
  passphrase: Uint8Array = new Uint8Array(),
): Promise<void> {
  // The library's types lack the parameter for the settings.
  const decrypt: (passphrase: string, settings: typeof config) => Promise<void> = packet.decrypt.bind(packet);
  try {
    if (!packet.isDecrypted()) await decrypt(Buffer.from(passphrase).toString(), config);
  } catch (error) {
    const message = error instanceof Error ? error.message : "";
    if (/incorrect key passphrase/i.test(message)) {
      throw new KeyError("WRONG_PASSPHRASE", "the passphrase does not unlock the OpenPGP private key");
    }
    const why = /memory/i.test(message) ? "unlocking it needs more memory than is allowed" : "it is damaged";
    throw new KeyError("MALFORMED_KEY", `the OpenPGP private key cannot be unlocked: ${why}`);
  }
  try {
    await packet.validate();
  } catch {
    throw new KeyError("MALFORMED_KEY", "the OpenPGP private key does not belong to its public half");
  }
}

function wipePacket(packet: SecretPacket): void {
  for (const value of Object.values(packet.privateParams ?? {})) if (value instanceof Uint8Array) value.fill(0);
}
