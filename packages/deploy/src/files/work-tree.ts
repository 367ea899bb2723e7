import { readFileSync, realpathSync, statSync } from "node:fs";
import { join, sep } from "node:path";
import { filesToCommit, type Repository } from "@git-vault/git-crypt";
import { DeployError, passOn } from "../errors.ts";
import { type FileSource, plainFile, type TrackedFile } from "./tree.ts";

/** What is thrown where archives have no place to go. */
export const noWorkTree = (): DeployError =>
  new DeployError("NO_WORK_TREE", "expected a repository with a work tree, got a bare one");

/** Files that are about to be committed, as they are on disk. No link leads out of them. */
export class WorkTree implements FileSource {
  readonly hasKey = false;
  readonly topLevel: string;
  readonly #repository: Repository;

  /** @throws DeployError NO_WORK_TREE */
  constructor(repository: Repository) {
    const { topLevel } = repository;
    if (topLevel === null) throw noWorkTree();
    this.#repository = repository;
    this.topLevel = realpathSync(topLevel);
  }

  /** Those of the index, and new ones that are not ignored. @throws DeployError GIT_FAILED */
  *files(): IterableIterator<TrackedFile> {
    for (const path of this.#paths()) {
      const file = this.find(path);
      if (file !== undefined) yield file;
    }
  }

  find(path: string): TrackedFile | undefined {
    const name = join(this.topLevel, path);
    const stat = statSync(name, { throwIfNoEntry: false });
    const isHere = stat?.isFile() === true && realpathSync(name).startsWith(`${this.topLevel}${sep}`);
    return isHere ? plainFile(path, stat.size) : undefined;
  }

  preload(): void {
    // They are read one by one.
  }

  stored({ path }: TrackedFile): Buffer {
    return readFileSync(join(this.topLevel, path));
  }

  read(file: TrackedFile): Buffer {
    return this.stored(file);
  }

  #paths(): string[] {
    try {
      return filesToCommit(this.#repository).toSorted();
    } catch (error) {
      return passOn(error);
    }
  }
}
