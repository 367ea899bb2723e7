import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { FileSource, TrackedFile } from "./tree.ts";

/** Work tree files that are about to be committed, as they are on disk. */
export class WorkTree implements FileSource {
  readonly hasKey = false;
  readonly #topLevel: string;

  constructor(topLevel: string) {
    this.#topLevel = topLevel;
  }

  *files(): IterableIterator<TrackedFile> {
    // What is found by name is enough for them.
  }

  find(path: string): TrackedFile | undefined {
    const stat = statSync(join(this.#topLevel, path), { throwIfNoEntry: false });
    if (stat === undefined || !stat.isFile()) return undefined;
    return { path, mode: "100644", blobId: "", bytes: stat.size, encrypted: false, keyName: null, secret: false };
  }

  preload(): void {
    // They are read one by one.
  }

  stored({ path }: TrackedFile): Buffer {
    return readFileSync(join(this.#topLevel, path));
  }

  read(file: TrackedFile): Buffer {
    return this.stored(file);
  }
}
