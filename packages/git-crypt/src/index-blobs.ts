import { lstatSync } from "node:fs";
import { join } from "node:path";
import type { GitPlace } from "./git.ts";
import { blobOid, isBlob, oidLengthOf } from "./objects.ts";
import { listIndex } from "./protected-files.ts";

/** The blobs that the index holds, read again whenever git wrote another. */
export class IndexBlobs {
  readonly #place: GitPlace;
  #stamp = "";
  #byName = new Map<string, string>();
  #oids = new Set<string>();

  constructor(place: GitPlace) {
    this.#place = place;
  }

  #refresh(): void {
    const path = this.#place.env["GIT_INDEX_FILE"] ?? join(this.#place.gitDir, "index");
    const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    const stamp = stat === undefined ? "" : [stat.dev, stat.ino, stat.size, stat.mtimeNs].join(" ");
    if (stamp === this.#stamp) return;
    this.#stamp = stamp;
    this.#byName = new Map(listIndex(this.#place).map(({ name, oid }) => [name, oid]));
    this.#oids = new Set(this.#byName.values());
  }

  /** Tells whether the index holds a blob under a name, whose characters are bytes; under any where that is not known. */
  holds(blob: Uint8Array, name: string | undefined): boolean {
    this.#refresh();
    if (name !== undefined) {
      const oid = this.#byName.get(name);
      return oid !== undefined && isBlob(oid, blob);
    }
    const [first] = this.#oids;
    return first !== undefined && this.#oids.has(blobOid(oidLengthOf(first), blob));
  }
}
