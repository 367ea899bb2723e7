// Programs that need no Node: Node's own, with all files of the command in it (a single executable
// application). One machine makes them for all targets.
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { HERE, isInstalled, isMusl, muslPreparer, NODE, nodeFolder, root, run } from "./common.mjs";
import { useSystemLibraries, withNote } from "./elf.mjs";

const app = join(root, "apps/vault");

/**
 * Makes the program for `target` at `output`. The command was built before.
 *
 * @param node the Node to hold, where that is another than the one that a release has
 */
export function makeStandalone(target, output, node) {
  const folder = mkdtempSync(join(tmpdir(), "git-vault-standalone-"));
  try {
    const names = readdirSync(join(app, "dist")).filter((name) => name !== "main.cjs");
    const config = {
      // Its name is in the program: two builds in two folders give the same bytes.
      main: "standalone/entry.cjs",
      output: isMusl(target) ? join(folder, "prepared") : output,
      executable: isMusl(target) ? undefined : (node ?? nodeFolder(target).program),
      disableExperimentalSEAWarning: true,
      // The same bytes on every machine. What runs often is compiled from the user's cache.
      useCodeCache: false,
      // NODE_OPTIONS of the user's other programs is none of its business.
      execArgvExtension: "none",
      assets: Object.fromEntries(names.toSorted().map((name) => [name, join(app, "dist", name)])),
    };
    writeFileSync(join(folder, "sea.json"), JSON.stringify(config));
    if (isMusl(target)) {
      run(muslPreparer().program, ["--experimental-sea-config", join(folder, "sea.json")], { cwd: app });
      const program = readFileSync(node ?? nodeFolder(target).program);
      useSystemLibraries(program, ["libstdc++.so.6", "libgcc_s.so.1"]);
      writeFileSync(output, withNote(program, readFileSync(join(folder, "prepared"))));
    } else run(node ?? nodeFolder(HERE).program, ["--build-sea", join(folder, "sea.json")], { cwd: app });
    chmodSync(output, 0o755);
    // Apple's own processors run signed programs alone; a signature that names nobody is enough.
    if (target.startsWith("darwin") && isInstalled("codesign")) run("codesign", ["--force", "--sign", "-", output]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === import.meta.filename) {
  const [target = "", output, node] = process.argv.slice(2);
  if (!Object.hasOwn(NODE.targets, target) || output === undefined) {
    console.error(`usage: node scripts/release/standalone.mjs ${Object.keys(NODE.targets).join("|")} FILE [NODE]`);
    process.exit(2);
  }
  mkdirSync(dirname(output), { recursive: true });
  makeStandalone(target, resolve(output), node);
}
