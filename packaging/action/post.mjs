// When the job ends, however it ends: what was unlocked is locked, so that the next job on this
// machine finds neither the key nor plaintext; and the program goes.
import { spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { finish } from "./runner.mjs";

const { STATE_folder: folder, STATE_repository: repository, STATE_program: program } = process.env;

await finish(() => {
  try {
    if (!repository || !existsSync(join(repository, ".git"))) return;
    // The workflow holds another copy of the key, and what its steps changed is of no use any more.
    const words = ["lock", "--without-copy", "--force", "--all-worktrees"];
    const { status, error } = spawnSync(program, words, { cwd: repository, stdio: ["ignore", "inherit", "inherit"] });
    if (error !== undefined || status !== 0)
      throw new Error("git-vault could not lock the repository: remove its folder from this runner");
  } finally {
    if (folder) rmSync(folder, { recursive: true, force: true });
  }
});
