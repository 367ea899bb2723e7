import { createCipheriv, createDecipheriv } from "node:crypto";
import { assertBytes, assertInteger } from "@git-vault/core";
import { TAG_BYTES } from "#crypto";
import { CHUNK_BYTES, ChunkNonce, SEALED_CHUNK_BYTES } from "./payload.ts";
import { freeMemory } from "../buffers.ts";
import { malformed, tampered } from "../errors.ts";

/*
 * The chunks of an age payload (C2SP age.md, "Payload") by their number, in any order: for a caller
 * that seals or opens a large message in several threads, after `handOver`.
 */

const OPTIONS = { authTagLength: TAG_BYTES };
const MAX_INDEX = 2 ** 47;

/**
 * Seals consecutive chunks of 64 KiB.
 *
 * @param key the payload's key, 32 bytes
 * @param first the number of the first chunk, from 0
 * @param plaintext a multiple of 64 KiB, or any length if `isLast`: then it ends the message
 * @param write gets what was sealed, in consecutive pieces; their memory is given back when it
 * returns
 *
 * Throws TypeError and RangeError for wrong arguments, and what `write` throws.
 */
export function sealChunks(
  key: Uint8Array,
  first: number,
  plaintext: Uint8Array,
  isLast: boolean,
  write: (pieces: readonly Buffer[]) => void,
): void {
  assertBytes("key", key, 32);
  assertInteger("first", first, 0, MAX_INDEX);
  const chunks = chunksIn(plaintext.length, CHUNK_BYTES, isLast);
  const nonce = new ChunkNonce(first);
  const pieces: Buffer[] = [];
  for (let chunk = 0; chunk < chunks; chunk += 1, nonce.index += 1) {
    const endsMessage = isLast && chunk === chunks - 1;
    const cipher = createCipheriv("chacha20-poly1305", key, nonce.with(endsMessage), OPTIONS);
    const sealed = cipher.update(plaintext.subarray(chunk * CHUNK_BYTES, (chunk + 1) * CHUNK_BYTES));
    cipher.final();
    pieces.push(sealed, cipher.getAuthTag());
  }
  try {
    write(pieces);
  } finally {
    for (const piece of pieces) freeMemory(piece);
  }
}

/**
 * Opens consecutive chunks.
 *
 * @param sealed a multiple of 64 KiB and 16 bytes, or any length if `isLast`
 * @param write gets the plaintext once all of it proved authentic, in consecutive pieces; they are
 * overwritten and their memory is given back when it returns
 *
 * Throws SealingError `TAMPERED_MESSAGE`, and `MALFORMED_MESSAGE` if the last chunk is no chunk, or
 * is empty after others. TypeError and RangeError for wrong arguments; what `write` throws.
 */
export function openChunks(
  key: Uint8Array,
  first: number,
  sealed: Uint8Array,
  isLast: boolean,
  write: (pieces: readonly Buffer[]) => void,
): void {
  assertBytes("key", key, 32);
  assertInteger("first", first, 0, MAX_INDEX);
  if (isLast && sealed.length === 0) throw tampered("its payload was cut short");
  const chunks = chunksIn(sealed.length, SEALED_CHUNK_BYTES, isLast);
  const nonce = new ChunkNonce(first);
  const pieces: Buffer[] = [];
  try {
    for (let chunk = 0; chunk < chunks; chunk += 1, nonce.index += 1) {
      const endsMessage = isLast && chunk === chunks - 1;
      const bytes = sealed.subarray(chunk * SEALED_CHUNK_BYTES, (chunk + 1) * SEALED_CHUNK_BYTES);
      const end = bytes.length - TAG_BYTES;
      if (end < 0) throw malformed("its payload ends within a chunk");
      if (end === 0 && nonce.index > 0) throw malformed("its payload ends with an empty chunk");
      const decipher = createDecipheriv("chacha20-poly1305", key, nonce.with(endsMessage), OPTIONS);
      decipher.setAuthTag(bytes.subarray(end));
      pieces.push(decipher.update(bytes.subarray(0, end)));
      try {
        decipher.final();
      } catch {
        throw tampered("its payload was changed or cut short");
      }
    }
    write(pieces);
  } finally {
    for (const piece of pieces) {
      piece.fill(0);
      freeMemory(piece);
    }
  }
}

function chunksIn(length: number, size: number, isLast: boolean): number {
  if (!isLast && length % size !== 0) throw new RangeError(`expected a multiple of ${size} bytes, got ${length}`);
  return isLast ? Math.max(1, Math.ceil(length / size)) : length / size;
}
