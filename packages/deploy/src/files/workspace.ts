import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, posix } from "node:path";
import type { Chart } from "../charts/chart.ts";
import { DeployError } from "../errors.ts";
import type { TrackedFile, FileSource } from "./tree.ts";

/**
 * A folder for this process alone (mode 0700), in which programs find what they read from the disk.
 * Nothing secret goes there.
 */
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

/**
 * Writes the files of a chart, as the commit has them, to the folder `target`.
 *
 * @throws DeployError SECRET_IN_CHART, NOT_A_CHART
 */
export function writeChart(tree: FileSource, { path, files }: Pick<Chart, "path" | "files">, target: string): void {
  const readable = files.map((file) => [file, regularFile(tree, file)] as const);
  const encrypted = readable.find(([, { encrypted: isEncrypted }]) => isEncrypted);
  if (encrypted !== undefined) {
    throw new DeployError("SECRET_IN_CHART", `${encrypted[0].path} is encrypted, and lies in the chart's folder`, {
      hint: "move it out, and give its content to the chart as a value",
      place: { file: encrypted[0].path },
    });
  }
  tree.preload(readable.map(([, file]) => file));
  for (const [file, source] of readable) {
    const name = join(target, file.path.slice(path.length + 1));
    mkdirSync(dirname(name), { recursive: true, mode: 0o700 });
    writeFileSync(name, tree.stored(source), { mode: 0o600 });
  }
}

/** The file itself, or what a symbolic link in the commit leads to. */
function regularFile(tree: FileSource, file: TrackedFile): TrackedFile {
  if (file.mode !== "120000") return file;
  const target = tree.find(posix.join(posix.dirname(file.path), tree.stored(file).toString()));
  if (target !== undefined && target.mode !== "120000") return target;
  throw new DeployError("NOT_A_CHART", `${file.path}: the symbolic link leads to no file of the commit`, {
    place: { file: file.path },
  });
}
