import { createHash } from "node:crypto";
import { malformedPutty, unsupportedPutty, type PuttyHeaders } from "./putty-headers.ts";

/** What Argon2 (RFC 9106) needs besides the passphrase. */
export interface Argon2Options {
  readonly flavour: "argon2id" | "argon2i" | "argon2d";
  /** In KiB. */
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
  readonly salt: Buffer;
}

const flavours: ReadonlyMap<string, Argon2Options["flavour"]> = new Map([
  ["Argon2id", "argon2id"],
  ["Argon2i", "argon2i"],
  ["Argon2d", "argon2d"],
]);

/**
 * In KiB: 256 MiB. puttygen takes 8 MiB unless told otherwise; a hostile file can ask for
 * terabytes.
 */
const maximumMemory = 256 * 1024;
/**
 * Memory in KiB times passes: 4 GiB, which take about half a minute, and twice that where Argon2i
 * has next to no memory. puttygen makes the passes that take it a tenth of a second, some 10 to 30
 * over 8 MiB; a hostile file can ask for 2^32.
 */
const maximumWork = 4 * 1024 * 1024;
/**
 * The lanes are computed one after another, so that more of them cost no more. puttygen writes 1.
 */
const maximumParallelism = 64;
/** puttygen writes 16 bytes; the library takes no fewer than 8. */
const minimumSaltSize = 8;
const maximumSaltSize = 64;

/**
 * Reads the headers between the public and the private part of an encrypted file in version 3, as
 * appendix C.2 of PuTTY's manual has them.
 *
 * @throws KeyError `MALFORMED_KEY` for what Argon2 cannot work with, `UNSUPPORTED_KEY` for more
 * work than is done for a file
 */
export function readArgon2Options(headers: PuttyHeaders): Argon2Options {
  const flavour = flavours.get(headers.value("Key-Derivation"));
  if (flavour === undefined) throw unsupportedPutty("expected Argon2 as the key derivation of the key, got another");
  const memory = headers.number("Argon2-Memory");
  const passes = headers.number("Argon2-Passes");
  const parallelism = headers.number("Argon2-Parallelism");
  const salt = headers.hex("Argon2-Salt");
  if (passes === 0) throw malformedPutty("expected at least one pass of Argon2, got none");
  if (parallelism === 0) throw malformedPutty("expected at least one lane of Argon2, got none");
  if (memory < 8 * parallelism)
    throw malformedPutty(`expected at least ${8 * parallelism} KiB of memory for Argon2, got ${memory}`);
  if (salt.length < minimumSaltSize || salt.length > maximumSaltSize)
    throw malformedPutty(`expected a salt of ${minimumSaltSize} to ${maximumSaltSize} bytes, got ${salt.length}`);
  if (memory > maximumMemory)
    throw unsupportedPutty(`expected at most ${maximumMemory} KiB of memory for Argon2, got ${memory}`);
  if (parallelism > maximumParallelism)
    throw unsupportedPutty(`expected at most ${maximumParallelism} lanes of Argon2, got ${parallelism}`);
  const maximumPasses = Math.floor(maximumWork / memory);
  if (passes > maximumPasses)
    throw unsupportedPutty(
      `expected at most ${maximumPasses} passes of Argon2 over ${memory} KiB of memory, got ${passes}`,
    );
  return { flavour, memory, passes, parallelism, salt };
}

/**
 * The secret bytes that protect an encrypted file in version 3: 32 are the key of its cipher
 * AES-256-CBC, 16 the IV, and 32 the key of its MAC (appendix C.4 of PuTTY's manual).
 */
export async function argon2Material(options: Argon2Options, passphrase: Uint8Array): Promise<Buffer> {
  const library = await import("@noble/hashes/argon2.js");
  const { flavour, memory: m, passes: t, parallelism: p, salt } = options;
  const bytes = library[flavour](passphrase, salt, { m, t, p, dkLen: 80 });
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/**
 * The secret bytes that protect a file in version 2: 32 are the key of its cipher, 16 zeros the IV,
 * and 20 the key of its MAC. The MAC of a file that is not encrypted has the key of the empty
 * passphrase.
 */
export function sha1Material(passphrase: Uint8Array): Buffer {
  const sha1 = (prefix: Uint8Array): Buffer => createHash("sha1").update(prefix).update(passphrase).digest();
  const stream = [sha1(Buffer.of(0, 0, 0, 0)), sha1(Buffer.of(0, 0, 0, 1)).subarray(0, 12)];
  const parts = [...stream, Buffer.alloc(16), sha1(Buffer.from("putty-private-key-file-mac-key"))];
  const material = Buffer.concat(parts);
  for (const part of parts) part.fill(0);
  return material;
}
