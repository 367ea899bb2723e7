/*
 * The checks encrypted and authentic: what should be ciphertext is, and the key opens it.
 */
import type { Severity } from "@git-vault/core";
import { DeployError } from "../errors.ts";
import type { Finding } from "../findings/finding.ts";
import { MOST_LAYER_BYTES } from "../values/layer.ts";
import { formatPath } from "../values/value.ts";
import type { Check } from "./check.ts";
import type { Project } from "../project/project.ts";
import { type ClearValue, clearValuesOf } from "../sops/clear-values.ts";
import { readSopsFile, type SopsFile } from "../sops/sops-file.ts";
import type { TrackedFile } from "../files/tree.ts";
import { findingOfError, found, skipLocked } from "./reading.ts";

const HINT = "encrypt it, commit, and replace what was in it: the history keeps it";

const SOPS_HINT = "encrypt them with sops, or move what is no secret into another file";

/** Git's own files and descriptions stay readable. */
const OPEN = /(?:^|\/)(?:\.git[a-z]+|README(?:\.\w+)?)$/;

/** Reports files that should be secret and are not encrypted, or will not be. */
export const encrypted: Check = async function* encryptedCheck({ project, history, skip }) {
  for (const file of project.files()) {
    if (!file.secret) continue;
    const message = mistakeOf(file);
    if (message === null) continue;
    const sops = file.encrypted ? null : await sopsFileOf(project, file);
    if (sops !== null && clearValuesOf(sops).hasCiphertext) yield* clearOf(sops);
    else if (file.encrypted) {
      const hint = "protect its path in .gitattributes: the next change is stored in the clear";
      yield found("encrypted", "warning", message, { file: file.path, hint });
    } else yield found("encrypted", "error", message, { file: file.path, hint: HINT, remedy: "encrypt" });
  }
  if (!history) return;
  if (project.isShallow) skip("older commits: this clone is shallow, and lacks them");
  for (const file of project.plaintextInHistory())
    yield found("encrypted", "error", "an older commit holds this file in the clear", {
      file,
      hint: "replace what was in it; rewriting history does not take it back from those who have it",
    });
};

/** sops encrypts values, and leaves the file readable. Null for what is no whole file of it. */
async function sopsFileOf(project: Project, file: TrackedFile): Promise<SopsFile | null> {
  if (file.bytes > MOST_LAYER_BYTES) return null;
  try {
    return await readSopsFile(file.path, project.read(file).toString());
  } catch (error) {
    if (error instanceof DeployError) return null;
    throw error;
  }
}

/**
 * What stands in the clear in a file of sops. Anyone who commits writes its rule, too: what that
 * leaves in the clear by design is told, so that somebody looks at it.
 */
function* clearOf(file: SopsFile): Generator<Finding> {
  const { missed, left } = clearValuesOf(file);
  const tell = (severity: Severity, what: string, [first, ...others]: readonly ClearValue[]): Finding[] => {
    if (first === undefined) return [];
    const more = others.length === 0 ? "" : ` and ${others.length} more`;
    const message = `this file is to be secret, and ${what}: ${formatPath(first.path)}${more}`;
    return [found("encrypted", severity, message, { file: file.path, ...first.position, hint: SOPS_HINT })];
  };
  yield* tell("error", "holds in the clear what sops is to encrypt", missed);
  yield* tell("warning", "its own rule for sops leaves values in the clear", left);
}

function mistakeOf(file: TrackedFile): string | null {
  const isRegular = file.mode.startsWith("100");
  if (file.keyName !== null && !isRegular) return "this path is to be secret, and a symbolic link is never encrypted";
  if (!isRegular) return null;
  if (!file.encrypted) {
    const isOpen = file.bytes === 0 || (file.keyName === null && OPEN.test(file.path));
    return isOpen ? null : "this file is to be secret, and git stores it in the clear";
  }
  return file.keyName === null ? "this file is encrypted, and no attribute keeps it so" : null;
}

/** Tells of encrypted files that the key does not open. */
export const authentic: Check = async function* authenticCheck(context) {
  const { project } = context;
  const files = [...project.files()].filter((file) => file.encrypted);
  for (const file of files) if (file.locked) skipLocked(context, file);
  for (const [, content] of project.readAll(files.filter((file) => !file.locked))) {
    if (content instanceof DeployError) yield findingOfError("authentic", content);
    else content.fill(0);
  }
};
