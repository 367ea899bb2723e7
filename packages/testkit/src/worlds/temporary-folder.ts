import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A private empty folder that goes away with `using`, or by calling `remove`. */
export interface TemporaryFolder extends Disposable {
  readonly path: string;
  remove(): void;
}

/** Makes a private empty folder. */
export function temporaryFolder(): TemporaryFolder {
  const path = mkdtempSync(join(realpathSync(tmpdir()), "git-vault-test-"));
  const remove = (): void => rmSync(path, { recursive: true, force: true, maxRetries: 5 });
  return { path, remove, [Symbol.dispose]: remove };
}
