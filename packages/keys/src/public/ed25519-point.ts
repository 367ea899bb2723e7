import { toBigInt } from "../wire.ts";

/*
 * node:crypto takes any 32 bytes for an Ed25519 public key, so the checks of RFC 8032 section 5.1.3
 * are made here. A public key is no secret, so this arithmetic need not take constant time.
 */

/** The field's prime, 2^255 − 19. */
const p = 2n ** 255n - 19n;
/** The curve −x² + y² = 1 + d·x²·y² (RFC 8032 section 5.1). */
const d = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;

const modulo = (value: bigint): bigint => ((value % p) + p) % p;

/**
 * Whether a number other than 0 is a square in the field: the Jacobi symbol by quadratic
 * reciprocity, as in Cohen, "A Course in Computational Algebraic Number Theory", algorithm 1.4.10.
 * Euler's test says the same in four times the time.
 */
const isSquare = (value: bigint): boolean => {
  let [upper, lower, symbol] = [value, p, true];
  while (upper !== 0n) {
    let isOdd = false;
    for (; (upper & 1n) === 0n; upper >>= 1n) isOdd = !isOdd;
    const eighth = lower & 7n;
    if (isOdd && (eighth === 3n || eighth === 5n)) symbol = !symbol;
    if ((upper & 3n) === 3n && (lower & 3n) === 3n) symbol = !symbol;
    [upper, lower] = [lower % upper, upper];
  }
  return symbol;
};

/**
 * What is wrong with a compressed Edwards point of 32 bytes, as a phrase; null if it is canonical,
 * on the curve and not of small order.
 */
export function pointProblem(point: Uint8Array): string | null {
  const y = toBigInt(point.toReversed()) & (2n ** 255n - 1n);
  if (y >= p) return "its point is not in canonical form";
  const yy = modulo(y * y);
  // Small order means order 1, 2, 4 or 8: then y is 1, −1, 0, or (as y² = −x² is what doubles to y
  // = 0) a root of d·y⁴ + 2y² − 1. A secret shared with such a point is no secret. x = 0, whose
  // sign bit has two encodings, falls away here as well.
  if (modulo(y * (yy - 1n) * (d * yy * yy + 2n * yy - 1n)) === 0n) return "its point is of small order";
  // x² = (y² − 1) / (d·y² + 1) has a root exactly when the product of the two, which differs by a
  // square, has one. Neither is 0: y = 1 and y = -1 fell away above, and -1/d has no root.
  if (!isSquare(modulo((yy - 1n) * (d * yy + 1n)))) return "its point is not on the curve";
  return null;
}
