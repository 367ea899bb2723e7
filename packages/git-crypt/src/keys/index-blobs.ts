import { existsSync } from "node:fs";
import { join } from "node:path";
import type { KeyFile } from "../format/key-file.ts";
import type { GitPlace } from "../git/git.ts";
import { indexPath } from "../git/index-file.ts";
import { statOf } from "../git/lock-files.ts";
import { blobOid, isBlob, oidLengthOf } from "../git/objects.ts";
import { listIndex } from "../git/protected-files.ts";
import { listRetired, retiredFolder, type Retirement, retires } from "./committed-retired-keys.ts";

/** What the index holds, read again whenever git wrote another. */
export class IndexBlobs {
  readonly #place: GitPlace;
  #stamp = "";
  #blobs: { readonly byName: ReadonlyMap<string, string>; readonly oids: ReadonlySet<string> } | undefined;
  #retirements: readonly Retirement[] | undefined;

  constructor(place: GitPlace) {
    this.#place = place;
  }

  #forgetOlder(): void {
    const stat = statOf(indexPath(this.#place));
    const stamp = stat === undefined ? "" : [stat.dev, stat.ino, stat.size, stat.mtimeNs].join(" ");
    if (stamp === this.#stamp) return;
    this.#stamp = stamp;
    this.#blobs = undefined;
    this.#retirements = undefined;
  }

  #read(): { readonly byName: ReadonlyMap<string, string>; readonly oids: ReadonlySet<string> } {
    this.#forgetOlder();
    if (this.#blobs !== undefined) return this.#blobs;
    const byName = new Map(listIndex(this.#place).map(({ name, oid }) => [name, oid]));
    return (this.#blobs = { byName, oids: new Set(byName.values()) });
  }

  /**
   * Tells whether the index holds a blob under a name, whose characters are bytes; under any where
   * that is not known.
   */
  holds(blob: Uint8Array, name: string | undefined): boolean {
    const { byName, oids } = this.#read();
    if (name !== undefined) {
      const oid = byName.get(name);
      return oid !== undefined && isBlob(oid, blob);
    }
    const [first] = oids;
    return first !== undefined && oids.has(blobOid(oidLengthOf(first), blob));
  }

  /** Tells whether the index proves that a rotation replaced a key. */
  retires(keyName: string, key: KeyFile): boolean {
    this.#forgetOlder();
    this.#retirements ??= this.#mayRetire(keyName) ? listRetired(this.#place, keyName) : [];
    return retires(this.#retirements, key);
  }

  /** Most repositories never rotated a key, and are not to wait for git to say so. */
  #mayRetire(keyName: string): boolean {
    const { topLevel, gitDir } = this.#place;
    if (topLevel === null) return false;
    return existsSync(join(topLevel, retiredFolder(keyName))) || existsSync(join(gitDir, "info", "sparse-checkout"));
  }
}
