/*
 * The checks encrypted and authentic: what should be ciphertext is, and the key opens it.
 */
import { DeployError } from "../errors.ts";
import type { Check } from "./check.ts";
import type { TrackedFile } from "../files/tree.ts";
import { findingOfError, found, NO_KEY } from "./reading.ts";

const HINT = "encrypt it, commit, and replace what was in it: the history keeps it";

/** Git's own files and descriptions stay readable. */
const OPEN = /(?:^|\/)(?:\.git[a-z]+|README(?:\.\w+)?)$/;

/** Reports files that should be secret and are not encrypted, or will not be. */
export const encrypted: Check = async function* encryptedCheck({ project, history, skip }) {
  for (const file of project.files()) {
    if (!file.secret) continue;
    const message = mistakeOf(file);
    if (message === null) continue;
    if (file.encrypted) {
      const hint = "protect its path in .gitattributes: the next change is stored in clear";
      yield found("encrypted", "warning", message, { file: file.path, hint });
    } else yield found("encrypted", "error", message, { file: file.path, hint: HINT, remedy: "encrypt" });
  }
  if (!history) return;
  if (project.isShallow) skip("older commits: this clone is shallow, and lacks them");
  for (const file of project.plaintextInHistory())
    yield found("encrypted", "error", "an older commit holds this file in clear", {
      file,
      hint: "replace what was in it; rewriting history does not take it back from those who have it",
    });
};

function mistakeOf(file: TrackedFile): string | null {
  const isRegular = file.mode.startsWith("100");
  if (file.keyName !== null && !isRegular) return "this path is to be secret, and a symbolic link is never encrypted";
  if (!isRegular) return null;
  if (!file.encrypted) {
    const isOpen = file.bytes === 0 || (file.keyName === null && OPEN.test(file.path));
    return isOpen ? null : "this file is to be secret, and git stores it in clear";
  }
  return file.keyName === null ? "this file is encrypted, and no attribute keeps it so" : null;
}

/** Tells of encrypted files that the key does not open. */
export const authentic: Check = async function* authenticCheck({ project, skip }) {
  const files = [...project.files()].filter((file) => file.encrypted);
  if (files.length === 0) return;
  if (!project.hasKey) {
    skip(NO_KEY);
    return;
  }
  for (const [, content] of project.readAll(files)) {
    if (content instanceof DeployError) yield findingOfError("authentic", content);
    else content.fill(0);
  }
};
