import { openRepository, Revision } from "@git-vault/git-crypt";
import { passOn } from "../errors.ts";
import { Tree } from "../files/tree.ts";
import { releaseNames } from "./releases.ts";
import { readSettings } from "./settings.ts";

/** An environment by its name, and the names by which its releases are called. */
export interface OutlinedEnvironment {
  readonly name: string;
  readonly releases: readonly string[];
}

/**
 * The environments of the commit that is checked out, by its settings alone: no key is looked for,
 * and no layer or chart is read.
 *
 * @param root a folder in the repository
 * @throws DeployError INVALID_SETTINGS, NO_PROJECT; what reading YAML and git-crypt throw
 */
export async function outlineOf(root: string): Promise<OutlinedEnvironment[]> {
  try {
    const settings = await readSettings(new Tree(Revision.open(openRepository(root), "HEAD"), []), {});
    return Object.keys(settings.environments).map((name) => ({ name, releases: releaseNames(name, settings) }));
  } catch (error) {
    return passOn(error);
  }
}
