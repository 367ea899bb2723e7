import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type GitPlace, tryGit } from "./git.ts";

/**
 * Gives `action` a place whose index is that of a commit, since attributes are looked up in an
 * index and the repository's own may be ahead of the commit, or not be there. Null where the
 * commit, or a part of its tree, is not here.
 */
export function withIndexOf<T>(place: GitPlace, commit: string, action: (place: GitPlace) => T): T | null {
  const folder = mkdtempSync(join(tmpdir(), "git-vault-index-"));
  try {
    const at = { ...place, env: { ...place.env, GIT_INDEX_FILE: join(folder, "index") } };
    return tryGit(at, ["read-tree", commit]).status === 0 ? action(at) : null;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
