/*
 * The entry of the standalone program, which holds Node and all files of the program.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, isAbsolute } from "node:path";
import { compileFunction } from "node:vm";
import { embeddedFile } from "./own-program.ts";
import { start } from "./start.ts";

/*
 * Where Node has the path of the script, which may be started in the name of any link here, stands
 * the program's own: `isStandalone` knows it by that.
 */
process.argv[1] = process.execPath;

const [script = ""] = process.argv.slice(2);
// What the program starts by `process.execPath`, as it would by Node: a script of its own.
if (isAbsolute(script) && script.endsWith(".cjs")) {
  process.argv.splice(1, 1);
  const run = compileFunction(readFileSync(script, "utf8"), ["require", "__dirname"], { filename: script });
  run(createRequire(script), dirname(script));
} else {
  start({
    folder: process.execPath,
    read: (name, before, after) => ({ source: before + embeddedFile(name) + after, time: 0 }),
  });
}
