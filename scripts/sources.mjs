// Where the sources of the workspace's packages are. Tests and the bundler resolve `@git-vault/*`
// through this, so that they see a neighbour's sources as they are now, never a build of before.
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const packages = join(dirname(dirname(fileURLToPath(import.meta.url))), "packages");

/**
 * The source file of a package of the workspace: `@git-vault/keys` is packages/keys/src/index.ts,
 * and its subpath `@git-vault/keys/openpgp` is openpgp/index.ts there, or openpgp.ts. Undefined
 * for any other name.
 */
export function sourceOf(specifier) {
  const [, name, subpath = "."] = /^@git-vault\/([^/.]+)(?:\/([^.]+))?$/.exec(specifier) ?? [];
  if (name === undefined) return undefined;
  const path = join(packages, name, "src", subpath);
  return existsSync(`${path}.ts`) ? `${path}.ts` : join(path, "index.ts");
}

/** The same as a plugin, for vitest and rolldown alike. */
export const workspaceSources = {
  name: "workspace-sources",
  enforce: "pre",
  resolveId: sourceOf,
};
