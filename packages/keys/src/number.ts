/** The number whose big-endian magnitude is `bytes`; zero for none. */
export function toBigInt(bytes: Uint8Array): bigint {
  return BigInt(`0x0${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex")}`);
}

/** The big-endian magnitude of a number that is not negative, without leading zero bytes. */
export function fromBigInt(value: bigint): Buffer {
  const hex = value.toString(16);
  return value === 0n ? Buffer.alloc(0) : Buffer.from(hex.padStart(hex.length + (hex.length % 2), "0"), "hex");
}

/** The length in bits of a magnitude without leading zero bytes. */
export function bitLength(magnitude: Uint8Array): number {
  return magnitude.length === 0 ? 0 : magnitude.length * 8 - (Math.clz32(magnitude[0] ?? 0) - 24);
}
