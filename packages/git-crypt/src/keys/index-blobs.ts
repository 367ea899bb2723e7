import { blobsInIndex, indexPath } from "../git/index-file.ts";
import type { CommonPlace } from "../git/git.ts";
import { statOf } from "../git/lock-files.ts";
import { blobOid, isBlob, oidLengthOf } from "../git/objects.ts";

/** What the index holds, read again whenever git wrote another. */
export class IndexBlobs {
  readonly #place: CommonPlace;
  #stamp: string | undefined;
  #oids: ReadonlyMap<string, string> = new Map();
  #all: ReadonlySet<string> = new Set();

  constructor(place: CommonPlace) {
    this.#place = place;
  }

  #refresh(): void {
    const stat = statOf(indexPath(this.#place));
    const stamp = stat === undefined ? "" : [stat.dev, stat.ino, stat.size, stat.mtimeNs].join(" ");
    if (stamp === this.#stamp) return;
    this.#stamp = stamp;
    this.#oids = blobsInIndex(this.#place);
    this.#all = new Set(this.#oids.values());
  }

  /**
   * Tells whether the index holds a blob under a name, whose characters are bytes; under any where
   * that is not known.
   */
  holds(blob: Uint8Array, name: string | undefined): boolean {
    this.#refresh();
    if (name !== undefined) {
      const oid = this.#oids.get(name);
      return oid !== undefined && isBlob(oid, blob);
    }
    const [first] = this.#all;
    return first !== undefined && this.#all.has(blobOid(oidLengthOf(first), blob));
  }
}
