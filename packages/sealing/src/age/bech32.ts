/*
 * Bech32 (BIP-173) without its limit of 90 characters, which age's keys exceed. Not Bech32m.
 */

const ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const CHECKSUM_LENGTH = 6;
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
const VISIBLE_ASCII = /^[\x21-\x7e]+$/;

/** What a Bech32 string says. */
export interface Bech32 {
  /** The human-readable part, in lower case. */
  readonly prefix: string;
  readonly bytes: Buffer;
}

const polymod = (values: readonly number[]): number => {
  let checksum = 1;
  for (const value of values) {
    const top = checksum >>> 25;
    checksum = ((checksum & 0x1ffffff) << 5) ^ value;
    for (const [bit, term] of GENERATOR.entries()) if (((top >>> bit) & 1) === 1) checksum ^= term;
  }
  return checksum;
};

const expand = (prefix: string): number[] => {
  const codes = [...Buffer.from(prefix, "latin1")];
  return [...codes.map((code) => code >>> 5), 0, ...codes.map((code) => code & 31)];
};

/** Regroups bits. What is left over at the end is given as `rest`, in `restBits` bits. */
const regroup = (
  values: Iterable<number>,
  from: number,
  to: number,
): { groups: number[]; rest: number; restBits: number } => {
  const groups: number[] = [];
  let rest = 0;
  let restBits = 0;
  for (const value of values) {
    rest = (rest << from) | value;
    restBits += from;
    while (restBits >= to) {
      restBits -= to;
      groups.push(rest >>> restBits);
      rest &= (1 << restBits) - 1;
    }
  }
  return { groups, rest, restBits };
};

/** Writes bytes in lower case. The prefix must be lower-case visible ASCII. */
export function encodeBech32(prefix: string, bytes: Uint8Array): string {
  const { groups, rest, restBits } = regroup(bytes, 8, 5);
  if (restBits > 0) groups.push(rest << (5 - restBits));
  const checksum = polymod([...expand(prefix), ...groups, 0, 0, 0, 0, 0, 0]) ^ 1;
  for (let at = CHECKSUM_LENGTH - 1; at >= 0; at -= 1) groups.push((checksum >>> (5 * at)) & 31);
  return `${prefix}1${groups.map((group) => ALPHABET.charAt(group)).join("")}`;
}

/**
 * Reads a string, all in lower or all in upper case; null where it is anything else than what
 * `encodeBech32` gives, in one case.
 */
export function decodeBech32(text: string): Bech32 | null {
  if (!VISIBLE_ASCII.test(text)) return null;
  const lower = text.toLowerCase();
  if (text !== lower && text !== text.toUpperCase()) return null;
  const at = lower.lastIndexOf("1");
  const prefix = lower.slice(0, Math.max(at, 0));
  const values = Array.from(lower.slice(at + 1), (character) => ALPHABET.indexOf(character));
  if (prefix === "" || values.length < CHECKSUM_LENGTH || values.includes(-1)) return null;
  if (polymod([...expand(prefix), ...values]) !== 1) return null;
  const { groups, rest, restBits } = regroup(values.slice(0, -CHECKSUM_LENGTH), 5, 8);
  // Padding is shorter than a group, and zero.
  return restBits < 5 && rest === 0 ? { prefix, bytes: Buffer.from(groups) } : null;
}
