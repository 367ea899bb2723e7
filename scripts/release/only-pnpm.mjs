// Runs before a library is packed, in its folder: npm would write `workspace:*` and `catalog:` into
// the package, which nobody can install.
import { existsSync } from "node:fs";
import { basename } from "node:path";

// The user agent would be pnpm's as well where pnpm has started npm.
const packer = basename(process.env.npm_execpath ?? "node");
if (!packer.startsWith("pnpm")) {
  console.error(
    `git-vault: error: ${packer.replace(/-cli\.[cm]?js$/, "")} cannot pack this package, whose dependencies are named as only pnpm reads them; run \`pnpm pack\`, or \`pnpm release\` for all packages`,
  );
  process.exit(1);
}
if (!existsSync("dist/index.js")) {
  console.error("git-vault: error: this package is not built; run `pnpm build` first");
  process.exit(1);
}
