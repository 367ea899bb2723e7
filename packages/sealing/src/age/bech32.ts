import { Buffer } from "@git-vault/core/bytes";
import { bech32 } from "@scure/base";

/** Writes lower-case Bech32 (BIP-173) without its 90-character limit, as age needs. */
export const encodeBech32 = (prefix: string, bytes: Uint8Array): string =>
  bech32.encode(prefix, bech32.toWords(bytes), false);

/** Reads what `encodeBech32` writes, in lower or all in upper case; null for anything else. */
export function decodeBech32(text: string): { readonly prefix: string; readonly bytes: Buffer } | null {
  // The library's errors repeat the text, which may be a secret, so it is asked not to throw.
  const decoded = bech32.decodeUnsafe(text, false);
  const bytes = decoded && bech32.fromWordsUnsafe(decoded.words);
  return decoded && bytes ? { prefix: decoded.prefix, bytes: Buffer.from(bytes) } : null;
}
