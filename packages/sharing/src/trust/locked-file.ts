import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { printable } from "@git-vault/core";
import { SharingError } from "../errors.ts";
import { withFileLock } from "./file-lock.ts";

/** More than any of these files needs. */
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * The text of a file; empty where there is none.
 *
 * @throws SharingError MEMORY_FULL for what is no file, or over 64 MiB; the system's error
 */
export function readText(path: string | Buffer): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return "";
  if (!stat.isFile() || stat.size > MAX_BYTES) throw tooLarge(path.toString(), "it is no file, or");
  return readFileSync(path, "utf8");
}

const tooLarge = (path: string, problem: string): SharingError =>
  new SharingError("MEMORY_FULL", `${printable(path)} cannot be used: ${problem} over 64 MiB`, {
    hint: "look at what is in it; what is remembered there is gone where you delete it",
  });

/**
 * Replaces a file by what `change` makes of its text, under a lock, whole or not at all, and for
 * its owner alone (0600).
 *
 * @param change null leaves the file as it is
 * @throws what `readText` and `change` do; the system's error where it cannot be written
 */
export function changeFile(path: string, change: (text: string) => string | null): void {
  withFileLock(path, () => {
    const text = change(readText(path));
    if (text === null) return;
    if (Buffer.byteLength(text) > MAX_BYTES) throw tooLarge(path, "it would be");
    // Not imported, since most runs change no file, and loading it takes a while.
    const unfinished = `${path}.${process.getBuiltinModule("node:crypto").randomUUID()}`;
    try {
      writeFileSync(unfinished, text, { mode: 0o600, flag: "wx" });
      renameSync(unfinished, path);
    } finally {
      rmSync(unfinished, { force: true });
    }
  });
}
