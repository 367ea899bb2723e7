// Where the sources of the workspace's packages are. Tests and the bundler resolve `@git-vault/*`
// through this, so that they see a neighbour's sources as they are now, never a build of before.
import { existsSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const packages = join(dirname(dirname(fileURLToPath(import.meta.url))), "packages");

/**
 * The source file of a package of the workspace: `@git-vault/keys` is packages/keys/src/index.ts,
 * and its subpath `@git-vault/keys/openpgp` is openpgp/index.ts there, or openpgp.ts. `#crypto` is
 * crypto/index.ts of the package that imports it, `#crypto/scrypt` crypto/scrypt.ts. Undefined for
 * any other name.
 *
 * @param importer the path of the file that has the import; only names with `#` need it
 */
export function sourceOf(specifier, importer) {
  const [, name, subpath = "."] = /^@git-vault\/([^/.]+)(?:\/([^.]+))?$/.exec(specifier) ?? [];
  if (specifier.startsWith("#") && importer !== undefined) {
    const [own = ""] = relative(packages, importer).split(/[/\\]/);
    return own === ".." ? undefined : inPackage(own, specifier.slice(1));
  }
  return name === undefined ? undefined : inPackage(name, subpath);
}

function inPackage(name, subpath) {
  const path = join(packages, name, "src", subpath);
  return existsSync(`${path}.ts`) ? `${path}.ts` : join(path, "index.ts");
}

/** The same as a plugin, for vitest and rolldown alike. */
export const workspaceSources = {
  name: "workspace-sources",
  enforce: "pre",
  resolveId: (specifier, importer) => sourceOf(specifier, importer),
};

/**
 * The same for browsers: where a browser.ts is beside the file that is meant, it is that, as
 * package.json says by the condition `browser`.
 */
export const browserSources = {
  ...workspaceSources,
  resolveId(specifier, importer) {
    const source = sourceOf(specifier, importer);
    const its = source === undefined ? "" : join(dirname(source), "browser.ts");
    return existsSync(its) ? its : source;
  },
};
