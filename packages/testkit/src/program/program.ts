import { join } from "node:path";
import { rolldown } from "rolldown";
import { workspaceSources } from "../../../../scripts/sources.mjs";

/** How a program is bundled. */
export interface ProgramOptions {
  /**
   * Keeps each module a file of its own, under its path from the top folder, to see which are
   * loaded. Else all is in one file, which starts quickly.
   */
  readonly separate?: boolean;
}

/**
 * Bundles a program that a test starts as a process of its own, since Node 20 runs no TypeScript.
 * It is made of the workspace's sources as they are now, with all that they import. Gives the path
 * of what `node` runs, in `folder`.
 */
export async function bundleProgram(entry: string, folder: string, options: ProgramOptions = {}): Promise<string> {
  const bundle = await rolldown({
    input: entry,
    platform: "node",
    plugins: [workspaceSources],
    transform: { target: "node20.19" },
    logLevel: "silent",
  });
  const { output } = await bundle.write({
    dir: folder,
    format: "esm",
    entryFileNames: "[name].mjs",
    ...(options.separate === true ? { preserveModules: true } : { codeSplitting: false }),
  });
  await bundle.close();
  return join(folder, output[0].fileName);
}
