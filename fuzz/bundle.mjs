// The targets as one program of JavaScript, in a folder: Node 20 runs no TypeScript.
import { join } from "node:path";
import { rolldown } from "rolldown";
import { workspaceSources } from "../scripts/sources.mjs";

/** Gives the path of the program. */
export async function bundleTargets(folder) {
  const input = join(import.meta.dirname, "targets.mjs");
  const bundle = await rolldown({ input, platform: "node", plugins: [workspaceSources], logLevel: "silent" });
  const { output } = await bundle.write({ dir: folder, format: "esm", entryFileNames: "[name].mjs" });
  await bundle.close();
  return join(folder, output[0].fileName);
}

if (process.argv[1] === import.meta.filename && process.argv[2] !== undefined) await bundleTargets(process.argv[2]);
