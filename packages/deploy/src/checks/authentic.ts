import { DeployError } from "../errors.ts";
import type { Check } from "../findings/finding.ts";
import { findingOf, NO_KEY } from "./reading.ts";

/** Tells of encrypted files that the key does not open. */
export const authentic: Check = async function* authenticCheck({ project, skip }) {
  const files = [...project.files()].filter((file) => file.encrypted);
  if (files.length === 0) return;
  if (!project.hasKey) {
    skip(NO_KEY);
    return;
  }
  for (const [, content] of project.readAll(files)) {
    if (content instanceof DeployError) yield findingOf("authentic", content);
    else content.fill(0);
  }
};
