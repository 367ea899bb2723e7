import { Buffer } from "@git-vault/core/bytes";

const P = 2n ** 255n - 19n;

const modulo = (value: bigint): bigint => ((value % P) + P) % P;

const inverse = (value: bigint): bigint => {
  // Euclid's algorithm, extended; 0 for 0. BigInt is not constant-time, and a public key need not
  // be.
  let [before, rest] = [P, modulo(value)];
  let [coefficientBefore, coefficient] = [0n, 1n];
  while (rest > 0n) {
    const quotient = before / rest;
    [before, rest] = [rest, before - quotient * rest];
    [coefficientBefore, coefficient] = [coefficient, coefficientBefore - quotient * coefficient];
  }
  return modulo(coefficientBefore);
};

const reversed = (bytes: Uint8Array): Buffer => Buffer.from(bytes.toReversed());

const littleEndian = (bytes: Uint8Array): bigint => BigInt(`0x${reversed(bytes).toString("hex")}`);

/**
 * The Montgomery u-coordinate of a compressed 32-byte Edwards point: u = (1 + y) / (1 - y) (RFC
 * 7748 section 4.1). The neutral element has none and gives 0, which `x25519` refuses as it does
 * every point of low order.
 */
export function montgomeryOfEdwards(point: Uint8Array): Buffer {
  const y = littleEndian(point) & (2n ** 255n - 1n);
  const u = modulo((1n + y) * inverse(1n - y));
  return reversed(Buffer.from(u.toString(16).padStart(64, "0"), "hex"));
}
