import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { noteChange } from "../answers.ts";

/** How a file is written. */
export interface WriteOptions {
  /** Its permissions, and those of the folders that are made for it. */
  readonly mode: number;
  readonly folderMode: number;
  /** Where it is written first: beside its place where that is left out. */
  readonly unfinished?: string | undefined;
  /** Whether it is on the disk before it takes its place. */
  readonly sync?: boolean;
}

/** For the owner alone. */
export const PRIVATE: Pick<WriteOptions, "mode" | "folderMode"> = { mode: 0o600, folderMode: 0o700 };

/** As the user's umask has it. */
export const SHARED: Pick<WriteOptions, "mode" | "folderMode"> = { mode: 0o666, folderMode: 0o777 };

/** Writes a file, and the folders on the way: the whole of it or nothing. */
export function replaceFile(path: string, content: Uint8Array, options: WriteOptions): void {
  const { unfinished = `${path}.${process.pid}`, mode, folderMode, sync = false } = options;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: folderMode });
    rmSync(unfinished, { force: true });
    const file = openSync(unfinished, "wx", mode);
    try {
      for (let offset = 0; offset < content.length;) offset += writeSync(file, content, offset);
      if (sync) fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(unfinished, path);
    noteChange();
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
}
