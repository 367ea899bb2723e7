import { EMPTY_BLOB_BYTES, haveSameNonce } from "../format/blob.ts";
import type { GitPlace } from "../git/git.ts";
import { readSmallBlobs } from "../git/tracked-files.ts";
import { WHOLE_BYTES } from "../git/objects.ts";
import type { KeyRing } from "./key-ring.ts";

/**
 * Whether a blob that no key opens was changed after it was encrypted: it is cut off, or an older
 * one, which a key opens, has its nonce. Of any other blob nobody can tell whether it was changed
 * or is by another key.
 *
 * @param older git's names for what the file was before; large ones are not looked at
 */
export function isAltered(place: GitPlace, keys: KeyRing, blob: Uint8Array, older: readonly string[]): boolean {
  if (blob.length < EMPTY_BLOB_BYTES) return true;
  const before = [...readSmallBlobs(place, older, WHOLE_BYTES).values()];
  return before.some((one) => haveSameNonce(one, blob) && keys.keyOf(one) !== null);
}
