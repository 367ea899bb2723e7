import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder of this process alone (0700) for files that programs read; never secrets. */
export class Workspace {
  #path: string | undefined;

  get path(): string {
    return (this.#path ??= mkdtempSync(join(tmpdir(), "git-vault-deploy-")));
  }

  /** Removes it with all that is in it. */
  remove(): void {
    if (this.#path !== undefined) rmSync(this.#path, { recursive: true, force: true });
    this.#path = undefined;
  }
}
