import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { EMPTY_BLOB_BYTES } from "../format/blob.ts";
import { locate } from "../format/file-name.ts";

/**
 * How a file of the work tree begins, up to `most` bytes, else as far as it takes to tell whether
 * it is encrypted; and its size in bytes. Null for what is no regular file, such as a link, or
 * cannot be read.
 */
export function startOfFile(
  topLevel: string,
  name: string,
  most: number = EMPTY_BLOB_BYTES,
): { readonly start: Buffer; readonly size: number } | null {
  let file: number;
  try {
    file = openSync(locate(topLevel, name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return null;
  }
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) return null;
    const start = Buffer.alloc(Math.min(most, stat.size));
    return { start: start.subarray(0, readSync(file, start)), size: stat.size };
  } catch {
    return null;
  } finally {
    closeSync(file);
  }
}
