/**
 * So much the cache of a core holds, together with what is made of it. Neither node:crypto nor
 * node:fs takes 2 GiB or more at a time.
 */
const CHUNK_BYTES = 256 * 1024;

/** The pieces of what may be too large for one call, in their order. */
export function* chunksOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += CHUNK_BYTES) yield bytes.subarray(offset, offset + CHUNK_BYTES);
}
