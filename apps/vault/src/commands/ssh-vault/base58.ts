const ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/** Base58 with Bitcoin's alphabet: bytes as one number, after a `1` for each zero byte in front. */
export function base58(bytes: Buffer): string {
  let digits = "";
  for (let rest = BigInt(`0x0${bytes.toString("hex")}`); rest > 0n; rest /= 58n)
    digits = ALPHABET[Number(rest % 58n)] + digits;
  const zeros = bytes.findIndex((byte) => byte !== 0);
  return "1".repeat(zeros === -1 ? bytes.length : zeros) + digits;
}
