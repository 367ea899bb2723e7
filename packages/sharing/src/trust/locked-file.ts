import { randomUUID } from "node:crypto";
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { withFileLock } from "./file-lock.ts";

/** More than any of these files needs. */
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * The text of a file; empty where there is none.
 *
 * @throws the system's error; RangeError for what is no file, or over 64 MiB
 */
export function readText(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return "";
  if (!stat.isFile() || stat.size > MAX_BYTES) throw new RangeError(`${path} is no file of a sensible size`);
  return readFileSync(path, "utf8");
}

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
    const unfinished = `${path}.${randomUUID()}`;
    try {
      writeFileSync(unfinished, text, { mode: 0o600, flag: "wx" });
      renameSync(unfinished, path);
    } finally {
      rmSync(unfinished, { force: true });
    }
  });
}
