// `pnpm release`: checks, builds and packs all that a release has. `--rehearse` also installs each
// part from a registry of its own, and uses it. Only the release workflow publishes: `--publish`.
import { readdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { pnpm } from "../prepare.mjs";
import { FOLDERS, HERE, manifestOf, NODE, root, run, tarballOf, VERSION } from "./common.mjs";
import { packRelease } from "./pack.mjs";

const USAGE = `usage: pnpm release [--to FOLDER] [--targets ${Object.keys(NODE.targets).join(",")}|all|none] [--rehearse]
       pnpm release --publish FOLDER

Without --targets, a standalone program is made for this machine alone.`;

const options = {
  to: { type: "string", default: join(root, "release") },
  targets: { type: "string", default: HERE },
  rehearse: { type: "boolean", default: false },
  publish: { type: "string" },
};

function optionsOrUsage() {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    console.error(`${error.message}\n${USAGE}`);
    return process.exit(2);
  }
}

const { to, targets, rehearse, publish } = optionsOrUsage();
const versions = new Set(FOLDERS.map((folder) => manifestOf(folder).version));
if (versions.size !== 1) throw new Error(`expected one version of all packages, got ${[...versions].join(", ")}`);

if (publish !== undefined) publishPackages(resolve(publish));
else {
  const folder = resolve(to);
  pnpm(["exec", "turbo", "run", "build", "--output-logs=errors-only"]);
  // The command again, which now knows the commit; other builds are of somebody's own.
  const commit = run("git", ["rev-parse", "HEAD"]).trim();
  run(process.execPath, [join(root, "apps/vault/scripts/build.mjs")], { env: { GIT_VAULT_COMMIT: commit } });
  rmSync(folder, { recursive: true, force: true });
  packRelease(folder, { all: Object.keys(NODE.targets), none: [] }[targets] ?? targets.split(","));
  console.log(`git-vault ${VERSION} is packed in ${folder}`);
  if (rehearse) await (await import("./rehearse.mjs")).rehearseRelease(folder);
}

/**
 * Publishes what was packed, with provenance: npm knows the workflow by the token that it is given
 * for one run, and there is no other.
 */
function publishPackages(folder) {
  if (process.env.ACTIONS_ID_TOKEN_REQUEST_URL === undefined) {
    console.error("release: error: only the release workflow publishes; push a tag such as v1.2.3");
    process.exit(1);
  }
  const files = readdirSync(folder);
  for (const each of FOLDERS) {
    const file = tarballOf(manifestOf(each).name);
    if (!files.includes(file)) throw new Error(`expected ${file} in ${folder}`);
    run("npm", ["publish", join(folder, file), "--access", "public", "--provenance"]);
    console.log(`published ${file}`);
  }
}
