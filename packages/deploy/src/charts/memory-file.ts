import { closeSync, constants, openSync, statfsSync, writeSync } from "node:fs";

/** Linux's flag for a file without a name, which goes with its last descriptor: Node lacks it. */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;
/** Where Linux has a file system in memory. */
const MEMORY = "/dev/shm";
/** What `statfs` calls one. */
const TMPFS = 0x01021994;

/**
 * Puts bytes into a file that is in memory alone and has no name in any folder, and opens it for
 * reading. It is gone once the descriptor is closed, and those of the programs that were given it.
 *
 * @returns the descriptor; null where the system has no such files
 */
export function memoryFile(bytes: Buffer): number | null {
  if (process.platform !== "linux") return null;
  let writable: number | undefined;
  try {
    if (statfsSync(MEMORY).type !== TMPFS) return null;
    writable = openSync(MEMORY, O_TMPFILE | constants.O_RDWR, 0o600);
    for (let at = 0; at < bytes.length;) at += writeSync(writable, bytes, at);
    return openSync(pathOfDescriptor(writable), "r");
  } catch {
    return null;
  } finally {
    if (writable !== undefined) closeSync(writable);
  }
}

/** The path by which a program opens one of its descriptors again. */
export const pathOfDescriptor = (descriptor: number): string => `/proc/self/fd/${descriptor}`;
