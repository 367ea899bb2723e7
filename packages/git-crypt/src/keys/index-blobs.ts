import { holdsCiphertext, isEditOf } from "../format/blob.ts";
import { blobInIndex, blobsInIndex, indexPath } from "../git/index-file.ts";
import type { CommonPlace } from "../git/git.ts";
import { statOf } from "../git/lock-files.ts";
import { blobOid, isBlob, oidLengthOf, readBlobs, sizesOf } from "../git/objects.ts";

/** So many names are looked for one by one: git mostly asks for one or two. */
const FEW = 4;

/** What the index holds, read again whenever git wrote another. */
export class IndexBlobs {
  readonly #place: CommonPlace;
  #stamp: string | undefined;
  #asked = 0;
  #oids: ReadonlyMap<string, string> = new Map();
  #all: ReadonlySet<string> = new Set();

  constructor(place: CommonPlace) {
    this.#place = place;
  }

  #refreshed(): { readonly oids: ReadonlyMap<string, string>; readonly all: ReadonlySet<string> } {
    const stat = statOf(indexPath(this.#place));
    const stamp = stat === undefined ? "" : [stat.dev, stat.ino, stat.size, stat.mtimeNs].join(" ");
    if (stamp !== this.#stamp) {
      this.#stamp = stamp;
      this.#oids = blobsInIndex(this.#place);
      this.#all = new Set(this.#oids.values());
    }
    return { oids: this.#oids, all: this.#all };
  }

  /**
   * Tells whether the index holds a blob under a name, whose characters are bytes; under any where
   * that is not known.
   */
  holds(blob: Uint8Array, name: string | undefined): boolean {
    if (name !== undefined) {
      const oid = this.oidOf(name);
      return oid !== null && isBlob(oid, blob);
    }
    const [first] = this.#refreshed().all;
    return first !== undefined && this.#all.has(blobOid(oidLengthOf(first), blob));
  }

  /** git's name for the blob that the index holds under a name; null for none. */
  oidOf(name: string): string | null {
    if (this.#asked++ < FEW) return blobInIndex(this.#place, name);
    return this.#refreshed().oids.get(name) ?? null;
  }

  /**
   * Tells whether a content is what the index holds under a name, after somebody edited that
   * without its key: see {@link isEditOf}.
   */
  isEdit(content: Uint8Array, name: string | undefined): boolean {
    const bytes = Buffer.from(content.buffer, content.byteOffset, content.length);
    if (name === undefined || !holdsCiphertext(bytes)) return false;
    const oid = this.oidOf(name);
    if (oid === null || isBlob(oid, content)) return false;
    for (const [, blob] of readBlobs(this.#place, sizesOf(this.#place, [oid]))) return isEditOf(bytes, blob);
    return false;
  }

  /** Tells whether git holds a blob at all, in whichever commit. */
  knows(blob: Uint8Array): boolean {
    const [first = ""] = this.#refreshed().all;
    const oid = blobOid(oidLengthOf(first), blob);
    return sizesOf(this.#place, [oid]).has(oid);
  }
}
